// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <sys/inotify.h>

#include "CLinux.h"

int clinux_inotify_init(void) {
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

int clinux_inotify_add_watch(int fd, const char *path, uint32_t mask) {
    int watch = inotify_add_watch(fd, path, mask);
    return watch < 0 ? -errno : watch;
}

int clinux_inotify_remove_watch(int fd, int watch) { return inotify_rm_watch(fd, watch) < 0 ? -errno : 0; }
