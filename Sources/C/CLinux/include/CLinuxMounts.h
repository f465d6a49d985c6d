// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_MOUNTS_H
#define CLINUX_MOUNTS_H

#include <stdint.h>

/// setns(2), unshare(2), mount(2), umount2(2), pivot_root(2). Return 0 or -errno.
int clinux_setns(int fd, int kinds);
int clinux_unshare(int kinds);
int clinux_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data);
int clinux_unmount(const char *target, int flags);
int clinux_pivot_root(const char *new_root, const char *put_old);
int clinux_chroot(const char *path);

/// The mount API of Linux 5.2 to 5.12: fsopen(2), fsconfig(2), fsmount(2), move_mount(2), open_tree(2),
/// mount_setattr(2). Those that make a descriptor return it close-on-exec.
int clinux_fsopen(const char *type);
/// fspick(2) of the filesystem mounted at `path`.
int clinux_fspick(int dirfd, const char *path, unsigned flags);
int clinux_fsconfig_string(int fs, const char *key, const char *value);
int clinux_fsconfig_flag(int fs, const char *key);
int clinux_fsconfig_descriptor(int fs, const char *key, int fd);
int clinux_fsconfig_create(int fs);
int clinux_fsconfig_reconfigure(int fs);
int clinux_fsmount(int fs, unsigned attributes);
int clinux_move_mount(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int clinux_open_tree(int dirfd, const char *path, unsigned flags);
/// `id_map` is a user namespace descriptor for MOUNT_ATTR_IDMAP, or -1.
int clinux_mount_setattr(int dirfd, const char *path, unsigned flags, uint64_t set, uint64_t clear,
                         uint64_t propagation, int id_map);

enum {
    CLINUX_OPEN_TREE_CLONE = 1,
    CLINUX_AT_RECURSIVE = 0x8000,
    CLINUX_MOVE_MOUNT_F_EMPTY_PATH = 0x04,
    CLINUX_MOVE_MOUNT_T_SYMLINKS = 0x10,
    CLINUX_MOVE_MOUNT_T_EMPTY_PATH = 0x40,
    CLINUX_MOUNT_ATTR_RDONLY = 0x01,
    CLINUX_MOUNT_ATTR_NOSUID = 0x02,
    CLINUX_MOUNT_ATTR_NODEV = 0x04,
    CLINUX_MOUNT_ATTR_NOEXEC = 0x08,
    CLINUX_MOUNT_ATTR_ATIME = 0x70,
    CLINUX_MOUNT_ATTR_RELATIME = 0x00,
    CLINUX_MOUNT_ATTR_NOATIME = 0x10,
    CLINUX_MOUNT_ATTR_STRICTATIME = 0x20,
    CLINUX_MOUNT_ATTR_NODIRATIME = 0x80,
    CLINUX_MOUNT_ATTR_IDMAP = 0x00100000,
    CLINUX_MOUNT_ATTR_NOSYMFOLLOW = 0x00200000,
};

#endif
