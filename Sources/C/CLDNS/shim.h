// SPDX-License-Identifier: Apache-2.0
// The wire format alone: the library's resolver, zone files and DNSSEC stay out of sight.
// Before the library, which would make its own type of another kind instead.
#include <stdbool.h>
#include <ldns/common.h>
#include <ldns/error.h>
#include <ldns/rdata.h>
#include <ldns/rr.h>
#include <ldns/rbtree.h>
#include <ldns/packet.h>
#include <ldns/wire2host.h>
#include <ldns/host2wire.h>
