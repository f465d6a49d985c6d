// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_PROCESSES_H
#define CLINUX_PROCESSES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>

enum {
    CLINUX_CLONE_NEWTIME = 0x00000080,
    CLINUX_CLONE_FILES = 0x00000400,
    CLINUX_CLONE_PARENT = 0x00008000,
    CLINUX_CLONE_NEWNS = 0x00020000,
    CLINUX_CLONE_NEWCGROUP = 0x02000000,
    CLINUX_CLONE_NEWUTS = 0x04000000,
    CLINUX_CLONE_NEWIPC = 0x08000000,
    CLINUX_CLONE_NEWUSER = 0x10000000,
    CLINUX_CLONE_NEWPID = 0x20000000,
    CLINUX_CLONE_NEWNET = 0x40000000,
};

/// The step of `clinux_spawn` that failed in the child.
enum clinux_spawn_step {
    CLINUX_SPAWN_CLONE,
    CLINUX_SPAWN_NAMESPACE,
    CLINUX_SPAWN_SESSION,
    CLINUX_SPAWN_GROUP,
    CLINUX_SPAWN_TERMINAL,
    CLINUX_SPAWN_DESCRIPTORS,
    CLINUX_SPAWN_DIRECTORY,
    CLINUX_SPAWN_DEATH_SIGNAL,
    CLINUX_SPAWN_IDENTITY,
    CLINUX_SPAWN_EXECUTE,
};

struct clinux_spawn {
    const char *executable;   // a path; ignored when executable_fd >= 0
    int executable_fd;        // or -1
    char *const *arguments;   // null-terminated
    char *const *environment; // null-terminated
    const int *sources;       // descriptor i of the parent becomes targets[i] of the child; everything else closes
    const int *targets;
    int *scratch;             // room for descriptor_count numbers
    size_t descriptor_count;
    const int *namespaces;    // setns(2) into each, in order, before anything else
    size_t namespace_count;
    const char *directory;    // or null
    int cgroup;               // a cgroup v2 directory, or -1
    int new_session;          // setsid(2)
    int process_group;        // setpgid(0, this) when >= 0
    int controlling_terminal; // a descriptor number in the child, or -1
    int death_signal;         // PR_SET_PDEATHSIG, or 0. Sent when the spawning THREAD ends
    int set_identity;         // drop to user, group, and no supplementary groups
    uint32_t user;
    uint32_t group;
    uint64_t clone_flags;     // CLONE_NEW*
    // Results.
    int pidfd;
    int failed_step;
};

/// Starts a program: clone3(2) sharing memory until exec, so the cost does not grow with the caller's size. In the child
/// only async-signal-safe calls are made. Returns the process id, or -errno with `failed_step` set and nothing left.
int clinux_spawn(struct clinux_spawn *options);

/// clone3(2) as fork: 0 in the child. The caller must be single-threaded: the child goes on running its own copy.
/// `cgroup` is a descriptor or -1; `pidfd` may be null. The child's exit signal is SIGCHLD, or none when `detached`
/// names CLONE_PARENT: the child becomes a sibling.
int clinux_fork(uint64_t flags, int cgroup, int *pidfd);

/// clone(2) as fork, as above: by the old call, which filters of system calls can look into and so allow.
int clinux_clone(unsigned long flags);

/// seccomp(SECCOMP_SET_MODE_FILTER) with `count` instructions, each a `struct sock_filter` of 8 bytes.
int clinux_seccomp_load(const uint64_t *instructions, uint16_t count);

/// System calls by number, for filters; and the audit number of this machine's.
enum {
    CLINUX_CALL_READ = SYS_read,
    CLINUX_CALL_WRITE = SYS_write,
    CLINUX_CALL_CLOSE = SYS_close,
    CLINUX_CALL_WAITID = SYS_waitid,
    CLINUX_CALL_SIGTIMEDWAIT = SYS_rt_sigtimedwait,
    CLINUX_CALL_SIGRETURN = SYS_rt_sigreturn,
    CLINUX_CALL_RESTART = SYS_restart_syscall,
    CLINUX_CALL_EXIT_GROUP = SYS_exit_group,
    CLINUX_CALL_CLONE = SYS_clone,
    CLINUX_CALL_SETSID = SYS_setsid,
    CLINUX_CALL_PRCTL = SYS_prctl,
    CLINUX_CALL_IOCTL = SYS_ioctl,
    CLINUX_CALL_SIGACTION = SYS_rt_sigaction,
    CLINUX_CALL_SIGPROCMASK = SYS_rt_sigprocmask,
    CLINUX_CALL_EXECVE = SYS_execve,
    CLINUX_CALL_MMAP = SYS_mmap,
    CLINUX_CALL_MUNMAP = SYS_munmap,
    CLINUX_CALL_BRK = SYS_brk,
    CLINUX_CALL_FSOPEN = SYS_fsopen,
#if defined(__x86_64__)
    CLINUX_AUDIT_ARCH = 0x4000003e, // AUDIT_ARCH_X86_64, less its highest bit: an enumerator is an int
#elif defined(__aarch64__)
    CLINUX_AUDIT_ARCH = 0x400000b7, // AUDIT_ARCH_AARCH64, likewise
#endif
};

int clinux_pidfd_open(int process, unsigned flags);
int clinux_pidfd_signal(int pidfd, int number);
/// pidfd_getfd(2).
int clinux_pidfd_descriptor(int pidfd, int fd);

/// How a child ended. `signal` is 0 after an ordinary exit.
struct clinux_exit {
    int32_t process;
    int32_t code;
    int32_t signal;
    int32_t dumped;
    // What it used, from rusage.
    int64_t user_microseconds;
    int64_t system_microseconds;
    int64_t max_resident_kilobytes;
};
/// waitid(P_PIDFD). Returns 1 when it ended (and reaps it unless `keep`), 0 when not yet and `nohang`, or -errno.
int clinux_wait_pidfd(int pidfd, int nohang, int keep, struct clinux_exit *out);
/// waitid(P_ALL): only for a reaper (PID 1, or the subreaper of a pod). Returns as above; -ECHILD when none is left.
int clinux_wait_any(int nohang, struct clinux_exit *out);

/// prctl(2), whose libc prototype is variadic. Returns its value or -errno.
int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int clinux_set_limit(int process, int resource, uint64_t soft, uint64_t hard);
int clinux_get_limit(int process, int resource, uint64_t *soft, uint64_t *hard);
int clinux_gettid(void);
/// Replaces the signal mask by `signals`, blocked when `block`, else unblocked. Returns 0 or -errno.
int clinux_signal_mask(int block, const int *signals, size_t count);
/// Every signal to its default disposition, none blocked.
int clinux_signals_reset(void);
int clinux_ignore_signal(int number);
/// execveat(2) with AT_EMPTY_PATH when `path` is empty. Returns only -errno.
int clinux_execveat(int dirfd, const char *path, char *const *arguments, char *const *environment, int flags);
/// The address of an environment-like array of the process: `environ`.
char **clinux_environment(void);

/// The bytes that the allocator holds and nobody uses: mallinfo2(3).
size_t clinux_heap_unused(void);
/// Gives their whole pages back to the kernel: malloc_trim(3).
void clinux_heap_trim(void);

#endif
