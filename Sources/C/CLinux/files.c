// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "CLinux.h"

_Static_assert(CLINUX_O_PATH == O_PATH, "O_PATH");
_Static_assert(CLINUX_O_TMPFILE == O_TMPFILE, "O_TMPFILE");
_Static_assert(CLINUX_AT_EMPTY_PATH == AT_EMPTY_PATH, "AT_EMPTY_PATH");
_Static_assert(CLINUX_RESOLVE_IN_ROOT == RESOLVE_IN_ROOT, "RESOLVE_IN_ROOT");
_Static_assert(CLINUX_RESOLVE_NO_MAGICLINKS == RESOLVE_NO_MAGICLINKS, "RESOLVE_NO_MAGICLINKS");

int clinux_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_openat(int dirfd, const char *path, int flags, uint32_t mode) {
    int fd = openat(dirfd, path, flags | O_CLOEXEC, (mode_t)mode);
    return fd < 0 ? -errno : fd;
}

int clinux_statx(int dirfd, const char *path, int flags, struct clinux_status *out) {
    struct statx s;
    if (statx(dirfd, path, flags, STATX_BASIC_STATS | STATX_MNT_ID, &s) < 0) return -errno;
    *out = (struct clinux_status){
        .inode = s.stx_ino,
        .size = s.stx_size,
        .blocks = s.stx_blocks,
        .mount_id = s.stx_mnt_id,
        .access_seconds = s.stx_atime.tv_sec,
        .modify_seconds = s.stx_mtime.tv_sec,
        .change_seconds = s.stx_ctime.tv_sec,
        .access_nanoseconds = s.stx_atime.tv_nsec,
        .modify_nanoseconds = s.stx_mtime.tv_nsec,
        .change_nanoseconds = s.stx_ctime.tv_nsec,
        .links = s.stx_nlink,
        .mode = s.stx_mode,
        .user = s.stx_uid,
        .group = s.stx_gid,
        .device_major = s.stx_dev_major,
        .device_minor = s.stx_dev_minor,
        .node_major = s.stx_rdev_major,
        .node_minor = s.stx_rdev_minor,
        .is_mount_root = !(s.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ? 2
                         : (s.stx_attributes & STATX_ATTR_MOUNT_ROOT)     ? 1
                                                                          : 0,
    };
    return 0;
}

static void fill_filesystem(const struct statfs *s, struct clinux_filesystem *out) {
    *out = (struct clinux_filesystem){
        .magic = (int64_t)s->f_type,
        .block_size = (uint64_t)s->f_bsize,
        .blocks = s->f_blocks,
        .blocks_free = s->f_bfree,
        .blocks_available = s->f_bavail,
        .inodes = s->f_files,
        .inodes_free = s->f_ffree,
    };
}

int clinux_statfs(const char *path, struct clinux_filesystem *out) {
    struct statfs s;
    if (statfs(path, &s) < 0) return -errno;
    fill_filesystem(&s, out);
    return 0;
}

int clinux_fstatfs(int fd, struct clinux_filesystem *out) {
    struct statfs s;
    if (fstatfs(fd, &s) < 0) return -errno;
    fill_filesystem(&s, out);
    return 0;
}

int clinux_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    return syscall(SYS_renameat2, from_dir, from, to_dir, to, flags) < 0 ? -errno : 0;
}

int clinux_mknodat(int dirfd, const char *path, uint32_t mode, uint32_t major_, uint32_t minor_) {
    return mknodat(dirfd, path, (mode_t)mode, makedev(major_, minor_)) < 0 ? -errno : 0;
}

int clinux_memfd_create(const char *name, unsigned flags) {
    int fd = (int)syscall(SYS_memfd_create, name, flags | MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

int clinux_seal(int fd, int seals) { return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0; }

int clinux_close_range(unsigned first, unsigned last, int flags) {
    return syscall(SYS_close_range, first, last, flags) < 0 ? -errno : 0;
}

int clinux_syncfs(int fd) { return syncfs(fd) < 0 ? -errno : 0; }

ssize_t clinux_copy_file_range(int from, int to, size_t count) {
    ssize_t n = copy_file_range(from, NULL, to, NULL, count, 0);
    return n < 0 ? -errno : n;
}

ssize_t clinux_splice(int from, int to, size_t count, unsigned flags) {
    ssize_t n = splice(from, NULL, to, NULL, count, flags);
    return n < 0 ? -errno : n;
}

ssize_t clinux_getrandom(void *buffer, size_t count) {
    ssize_t n = getrandom(buffer, count, 0);
    return n < 0 ? -errno : n;
}

int clinux_pipe2(int descriptors[2], int flags) { return pipe2(descriptors, flags | O_CLOEXEC) < 0 ? -errno : 0; }

int clinux_fallocate(int fd, int mode, int64_t offset, int64_t count) {
    return fallocate(fd, mode, offset, count) < 0 ? -errno : 0;
}

int clinux_utimensat(int dirfd, const char *path, int64_t access_s, uint32_t access_ns, int64_t modify_s,
                     uint32_t modify_ns, int flags) {
    struct timespec times[2] = {{.tv_sec = access_s, .tv_nsec = access_ns}, {.tv_sec = modify_s, .tv_nsec = modify_ns}};
    return utimensat(dirfd, path, times, flags) < 0 ? -errno : 0;
}

ssize_t clinux_getdents(int fd, void *buffer, size_t count) {
    long n = syscall(SYS_getdents64, fd, buffer, count);
    return n < 0 ? -errno : n;
}
