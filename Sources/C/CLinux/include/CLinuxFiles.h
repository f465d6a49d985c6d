// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_FILES_H
#define CLINUX_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/xattr.h>

/// openat2(2): opens `path` below `dirfd` under the RESOLVE_* rules in `resolve`. Returns the descriptor or -errno.
int clinux_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// open(2) with its mode always given (the libc prototype is variadic). Returns the descriptor or -errno.
int clinux_openat(int dirfd, const char *path, int flags, uint32_t mode);

/// The RESOLVE_* rules of openat2(2), and flags the Glibc module lacks.
enum {
    CLINUX_RESOLVE_NO_XDEV = 0x01,
    CLINUX_RESOLVE_NO_MAGICLINKS = 0x02,
    CLINUX_RESOLVE_NO_SYMLINKS = 0x04,
    CLINUX_RESOLVE_BENEATH = 0x08,
    CLINUX_RESOLVE_IN_ROOT = 0x10,
    CLINUX_O_PATH = 010000000,
    CLINUX_O_TMPFILE = 020200000,
    CLINUX_AT_EMPTY_PATH = 0x1000,
    CLINUX_AT_NO_AUTOMOUNT = 0x800,
    CLINUX_RENAME_NOREPLACE = 1,
    CLINUX_RENAME_EXCHANGE = 2,
    CLINUX_RENAME_WHITEOUT = 4,
    CLINUX_CLOSE_RANGE_CLOEXEC = 4,
    CLINUX_MFD_EXEC = 0x10,
    CLINUX_SEAL_ALL = 0x1f, // F_SEAL_SEAL | SHRINK | GROW | WRITE | FUTURE_WRITE
};

/// What statx(2) tells, flattened.
struct clinux_status {
    uint64_t inode;
    uint64_t size;
    uint64_t blocks; // of 512 bytes
    uint64_t mount_id;
    int64_t access_seconds;
    int64_t modify_seconds;
    int64_t change_seconds;
    uint32_t access_nanoseconds;
    uint32_t modify_nanoseconds;
    uint32_t change_nanoseconds;
    uint32_t links;
    uint32_t mode; // type and permissions
    uint32_t user;
    uint32_t group;
    uint32_t device_major; // of the filesystem
    uint32_t device_minor;
    uint32_t node_major; // of a device node
    uint32_t node_minor;
    uint32_t is_mount_root; // 1, 0, or 2 when the kernel does not say
};

/// statx(2) of `path` below `dirfd`; AT_* flags. Returns 0 or -errno.
int clinux_statx(int dirfd, const char *path, int flags, struct clinux_status *out);

/// Size and free space of the filesystem under `fd`, as statfs(2) tells: its magic, bytes and inodes.
struct clinux_filesystem {
    int64_t magic;
    uint64_t block_size;
    uint64_t blocks;
    uint64_t blocks_free;
    uint64_t blocks_available;
    uint64_t inodes;
    uint64_t inodes_free;
};
int clinux_statfs(const char *path, struct clinux_filesystem *out);
int clinux_fstatfs(int fd, struct clinux_filesystem *out);

int clinux_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int clinux_mknodat(int dirfd, const char *path, uint32_t mode, uint32_t major, uint32_t minor);
int clinux_memfd_create(const char *name, unsigned flags);
int clinux_seal(int fd, int seals);
int clinux_close_range(unsigned first, unsigned last, int flags);
int clinux_syncfs(int fd);
/// Copies up to `count` bytes in the kernel from one file to another, at their offsets. Returns the number copied.
ssize_t clinux_copy_file_range(int from, int to, size_t count);
ssize_t clinux_splice(int from, int to, size_t count, unsigned flags);
ssize_t clinux_getrandom(void *buffer, size_t count);
int clinux_pipe2(int descriptors[2], int flags);
int clinux_fallocate(int fd, int mode, int64_t offset, int64_t count);
int clinux_utimensat(int dirfd, const char *path, int64_t access_s, uint32_t access_ns, int64_t modify_s,
                     uint32_t modify_ns, int flags);

/// getdents64(2): fills `buffer`. Returns the bytes filled, 0 at the end, or -errno.
ssize_t clinux_getdents(int fd, void *buffer, size_t count);

#endif
