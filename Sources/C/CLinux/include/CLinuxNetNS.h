// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_NETNS_H
#define CLINUX_NETNS_H

#include <stddef.h>

// Network namespaces belong to threads. Each routine here does its work on a short thread of its own, so that the
// caller's thread never leaves its namespace, not even when a step fails.

/// Makes an empty network namespace that lives as long as the returned descriptor (or anything else that holds it).
/// Returns a close-on-exec descriptor of it, or -errno.
int clinux_netns_create(void);

/// socket(2) inside the network namespace `nsfd`; the socket stays in it for good. Close-on-exec. Returns the
/// descriptor or -errno.
int clinux_netns_socket(int nsfd, int domain, int type, int protocol);

/// Writes `length` bytes of `data` to the existing file `path` as seen from the network namespace `nsfd`: /proc/sys/net
/// shows the namespace of the thread that opens it. Returns 0 or -errno.
int clinux_netns_write(int nsfd, const char *path, const void *data, size_t length);

/// Reads at most `length` bytes of the file `path` as seen from the network namespace `nsfd`, in one read(2). Returns
/// their number or -errno.
int clinux_netns_read(int nsfd, const char *path, void *room, size_t length);

#endif
