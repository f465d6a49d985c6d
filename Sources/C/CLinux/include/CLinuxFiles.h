// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stdint.h>
#include <sys/types.h>

/// openat2(2): opens `path` below `dirfd` under the RESOLVE_* rules in `resolve`. Returns the descriptor or -errno.
int clinux_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// open(2) with its mode always given (the libc prototype is variadic). Returns the descriptor or -errno.
int clinux_openat(int dirfd, const char *path, int flags, uint32_t mode);

#endif
