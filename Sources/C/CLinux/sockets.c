// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "CLinux.h"

_Static_assert(sizeof(struct sockaddr_storage) == 128, "sockaddr_storage");
_Static_assert(CLINUX_SOCK_CLOEXEC == SOCK_CLOEXEC && CLINUX_SOCK_NONBLOCK == SOCK_NONBLOCK, "SOCK_*");

enum { MAX_DESCRIPTORS = 64 };

int clinux_socket(int family, int type, int protocol) {
    int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    return fd < 0 ? -errno : fd;
}

int clinux_socketpair(int family, int type, int out[2]) {
    return socketpair(family, type | SOCK_CLOEXEC, 0, out) < 0 ? -errno : 0;
}

int clinux_bind(int fd, const struct clinux_address *address) {
    return bind(fd, (const struct sockaddr *)address->bytes, address->length) < 0 ? -errno : 0;
}

int clinux_connect(int fd, const struct clinux_address *address) {
    return connect(fd, (const struct sockaddr *)address->bytes, address->length) < 0 ? -errno : 0;
}

int clinux_accept(int fd, int nonblocking, struct clinux_address *peer) {
    socklen_t length = sizeof peer->bytes;
    int flags = SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0);
    int result = accept4(fd, peer ? (struct sockaddr *)peer->bytes : NULL, peer ? &length : NULL, flags);
    if (result < 0) return -errno;
    if (peer) peer->length = length;
    return result;
}

int clinux_local_address(int fd, struct clinux_address *out) {
    socklen_t length = sizeof out->bytes;
    if (getsockname(fd, (struct sockaddr *)out->bytes, &length) < 0) return -errno;
    out->length = length;
    return 0;
}

int clinux_peer_address(int fd, struct clinux_address *out) {
    socklen_t length = sizeof out->bytes;
    if (getpeername(fd, (struct sockaddr *)out->bytes, &length) < 0) return -errno;
    out->length = length;
    return 0;
}

int clinux_option_set(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

int clinux_option_get(int fd, int level, int name, int *value) {
    socklen_t length = sizeof *value;
    return getsockopt(fd, level, name, value, &length) < 0 ? -errno : 0;
}

int clinux_peer_credentials(int fd, int32_t *process, uint32_t *user, uint32_t *group) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
    *process = credentials.pid;
    *user = credentials.uid;
    *group = credentials.gid;
    return 0;
}

ssize_t clinux_send_descriptors(int fd, const void *bytes, size_t size, const int *descriptors, size_t count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * MAX_DESCRIPTORS)];
    } control;
    if (count > MAX_DESCRIPTORS) return -EINVAL;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    }
    ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

ssize_t clinux_receive_descriptors(int fd, void *bytes, size_t size, int *descriptors, size_t *count) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int) * MAX_DESCRIPTORS)];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (n < 0) return -errno;
    size_t room = *count;
    int overflow = (message.msg_flags & MSG_CTRUNC) != 0;
    *count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t got = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < got; i++) {
            int one;
            memcpy(&one, CMSG_DATA(header) + i * sizeof(int), sizeof one);
            if (*count < room) {
                descriptors[(*count)++] = one;
            } else {
                close(one);
                overflow = 1;
            }
        }
    }
    if (overflow) {
        for (size_t i = 0; i < *count; i++) close(descriptors[i]);
        *count = 0;
        return -EMSGSIZE;
    }
    return n;
}

ssize_t clinux_send(int fd, const void *bytes, size_t size, int flags) {
    ssize_t n = send(fd, bytes, size, flags | MSG_NOSIGNAL);
    return n < 0 ? -errno : n;
}

ssize_t clinux_send_to(int fd, const void *bytes, size_t size, int flags, const struct clinux_address *to) {
    ssize_t n = sendto(fd, bytes, size, flags | MSG_NOSIGNAL, (const struct sockaddr *)to->bytes, to->length);
    return n < 0 ? -errno : n;
}

ssize_t clinux_receive_from(int fd, void *bytes, size_t size, int flags, struct clinux_address *from) {
    socklen_t length = sizeof from->bytes;
    ssize_t n = recvfrom(fd, bytes, size, flags, (struct sockaddr *)from->bytes, &length);
    if (n < 0) return -errno;
    from->length = length;
    return n;
}
