// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_SOCKETS_H
#define CLINUX_SOCKETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// A socket address of any family, in the kernel's bytes.
struct clinux_address {
    uint32_t length;
    uint32_t reserved;
    uint8_t bytes[128];
};

enum {
    CLINUX_SOCK_CLOEXEC = 02000000,
    CLINUX_SOCK_NONBLOCK = 00004000,
};

int clinux_socket(int family, int type, int protocol);
int clinux_socketpair(int family, int type, int out[2]);
int clinux_bind(int fd, const struct clinux_address *address);
int clinux_connect(int fd, const struct clinux_address *address);
/// Accepts one connection, close-on-exec, non-blocking when asked. `peer` may be null.
int clinux_accept(int fd, int nonblocking, struct clinux_address *peer);
int clinux_local_address(int fd, struct clinux_address *out);
int clinux_peer_address(int fd, struct clinux_address *out);

int clinux_option_set(int fd, int level, int name, int value);
int clinux_option_get(int fd, int level, int name, int *value);
/// SO_PEERCRED: the process that called connect or socketpair at the other end.
int clinux_peer_credentials(int fd, int32_t *process, uint32_t *user, uint32_t *group);

/// Sends `bytes` with `count` descriptors as SCM_RIGHTS (at most 64). Returns the bytes sent or -errno; never SIGPIPE.
ssize_t clinux_send_descriptors(int fd, const void *bytes, size_t size, const int *descriptors, size_t count);
/// Receives bytes and up to `*count` descriptors, close-on-exec; sets `*count` to how many came. A truncated control
/// message closes what came and gives -EMSGSIZE.
ssize_t clinux_receive_descriptors(int fd, void *bytes, size_t size, int *descriptors, size_t *count);

ssize_t clinux_send(int fd, const void *bytes, size_t size, int flags);
ssize_t clinux_send_to(int fd, const void *bytes, size_t size, int flags, const struct clinux_address *to);
ssize_t clinux_receive_from(int fd, void *bytes, size_t size, int flags, struct clinux_address *from);

#endif
