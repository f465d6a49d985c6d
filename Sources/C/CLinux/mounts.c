// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"

// <sys/mount.h> and <linux/mount.h> disagree in older libcs: only the kernel's header is included here.
extern int mount(const char *, const char *, const char *, unsigned long, const void *);
extern int umount2(const char *, int);

int clinux_setns(int fd, int kinds) { return setns(fd, kinds) < 0 ? -errno : 0; }

int clinux_unshare(int kinds) { return unshare(kinds) < 0 ? -errno : 0; }

int clinux_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    return mount(source, target, type, flags, data) < 0 ? -errno : 0;
}

int clinux_unmount(const char *target, int flags) { return umount2(target, flags) < 0 ? -errno : 0; }

int clinux_pivot_root(const char *new_root, const char *put_old) {
    return syscall(SYS_pivot_root, new_root, put_old) < 0 ? -errno : 0;
}

int clinux_chroot(const char *path) { return chroot(path) < 0 ? -errno : 0; }

int clinux_fsopen(const char *type) {
    long fd = syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_fspick(int dirfd, const char *path, unsigned flags) {
    long fd = syscall(SYS_fspick, dirfd, path, flags | FSPICK_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

static int configure(int fs, unsigned command, const char *key, const void *value, int aux) {
    return syscall(SYS_fsconfig, fs, command, key, value, aux) < 0 ? -errno : 0;
}

int clinux_fsconfig_string(int fs, const char *key, const char *value) {
    return configure(fs, FSCONFIG_SET_STRING, key, value, 0);
}

int clinux_fsconfig_flag(int fs, const char *key) { return configure(fs, FSCONFIG_SET_FLAG, key, NULL, 0); }

int clinux_fsconfig_descriptor(int fs, const char *key, int fd) {
    return configure(fs, FSCONFIG_SET_FD, key, NULL, fd);
}

int clinux_fsconfig_create(int fs) { return configure(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0); }

int clinux_fsconfig_reconfigure(int fs) { return configure(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0); }

int clinux_fsmount(int fs, unsigned attributes) {
    long fd = syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_move_mount(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    return syscall(SYS_move_mount, from_dir, from, to_dir, to, flags) < 0 ? -errno : 0;
}

int clinux_open_tree(int dirfd, const char *path, unsigned flags) {
    long fd = syscall(SYS_open_tree, dirfd, path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_mount_setattr(int dirfd, const char *path, unsigned flags, uint64_t set, uint64_t clear,
                         uint64_t propagation, int id_map) {
    struct mount_attr attributes = {
        .attr_set = set,
        .attr_clr = clear,
        .propagation = propagation,
        .userns_fd = id_map < 0 ? 0 : (uint64_t)id_map,
    };
    return syscall(SYS_mount_setattr, dirfd, path, flags, &attributes, sizeof attributes) < 0 ? -errno : 0;
}
