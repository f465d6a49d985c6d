// SPDX-License-Identifier: Apache-2.0
//
// What the Glibc module of Swift hides: prototypes of libc functions behind _GNU_SOURCE, and system calls without a
// libc wrapper. A routine defined here returns a value >= 0 or -errno, keeps no state, logs nothing, decides nothing.
//
// _GNU_SOURCE must never be defined in a header Swift imports: it changes fd_set under the Glibc module's feet.

#ifndef CLINUX_H
#define CLINUX_H

#include <sys/types.h>

#include "CLinuxEvents.h"
#include "CLinuxFiles.h"
#include "CLinuxWatch.h"
#include "CLinuxIdentity.h"
#include "CLinuxMounts.h"
#include "CLinuxProcesses.h"
#include "CLinuxSockets.h"
#include "CLinuxTerminals.h"

#endif
