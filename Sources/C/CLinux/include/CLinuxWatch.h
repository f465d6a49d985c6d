// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_WATCH_H
#define CLINUX_WATCH_H

#include <stdint.h>

/// inotify_init1(2), close-on-exec and non-blocking. Returns the descriptor or -errno.
int clinux_inotify_init(void);

/// inotify_add_watch(2). Returns the watch or -errno.
int clinux_inotify_add_watch(int fd, const char *path, uint32_t mask);

/// inotify_rm_watch(2). Returns 0 or -errno.
int clinux_inotify_remove_watch(int fd, int watch);

#endif
