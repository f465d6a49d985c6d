// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "CLinux.h"

_Static_assert(CLINUX_CLONE_NEWCGROUP == CLONE_NEWCGROUP && CLINUX_CLONE_NEWNS == CLONE_NEWNS, "CLONE_NEW*");
_Static_assert(sizeof(struct sock_filter) == sizeof(uint64_t), "an instruction is eight bytes");
#if defined(__x86_64__)
_Static_assert((CLINUX_AUDIT_ARCH | 0x80000000) == AUDIT_ARCH_X86_64, "AUDIT_ARCH_X86_64");
#elif defined(__aarch64__)
_Static_assert((CLINUX_AUDIT_ARCH | 0x80000000) == AUDIT_ARCH_AARCH64, "AUDIT_ARCH_AARCH64");
#endif

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

// clone3(2) with the child on the caller's stack, as vfork(2) does: it must not return through a library function, whose
// return address the child would overwrite for the suspended parent. Hence inline.
static inline __attribute__((always_inline)) long vfork_clone3(struct clone_args *arguments) {
#if defined(__x86_64__)
    long result;
    register long number __asm__("rax") = SYS_clone3;
    register long first __asm__("rdi") = (long)arguments;
    register long second __asm__("rsi") = sizeof *arguments;
    __asm__ volatile("syscall" : "=a"(result) : "r"(number), "r"(first), "r"(second) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long number __asm__("x8") = SYS_clone3;
    register long first __asm__("x0") = (long)arguments;
    register long second __asm__("x1") = sizeof *arguments;
    __asm__ volatile("svc #0" : "+r"(first) : "r"(number), "r"(second) : "memory");
    return first;
#else
#error "clinux_spawn knows x86_64 and aarch64"
#endif
}

// Moves the mapped descriptors to their places and marks all others close-on-exec. Sources are first copied above every
// target, so that a target that is also a later source is not overwritten.
static int place_descriptors(struct clinux_spawn *o) {
    int highest = 2;
    for (size_t i = 0; i < o->descriptor_count; i++)
        if (o->targets[i] > highest) highest = o->targets[i];
    for (size_t i = 0; i < o->descriptor_count; i++) {
        int copy = fcntl(o->sources[i], F_DUPFD_CLOEXEC, highest + 1);
        if (copy < 0) return -errno;
        o->scratch[i] = copy;
    }
    // Close-on-exec for everything first (it does not touch what execve of a descriptor needs), then dup2 clears it.
    if (syscall(SYS_close_range, 0, ~0U, CLINUX_CLOSE_RANGE_CLOEXEC) < 0) return -errno;
    for (size_t i = 0; i < o->descriptor_count; i++)
        if (dup2(o->scratch[i], o->targets[i]) < 0) return -errno;
    return 0;
}

#define STEP(step, expression)                                                                                        \
    do {                                                                                                              \
        o->failed_step = step;                                                                                        \
        if ((expression) < 0) goto failed;                                                                            \
    } while (0)

// The child, in the parent's memory while the parent sleeps. It never returns.
static __attribute__((noinline, noreturn)) void spawn_child(struct clinux_spawn *o, int *failure) {
    int code;
    for (size_t i = 0; i < o->namespace_count; i++) STEP(CLINUX_SPAWN_NAMESPACE, setns(o->namespaces[i], 0));
    if (o->new_session) STEP(CLINUX_SPAWN_SESSION, setsid());
    if (o->process_group >= 0) STEP(CLINUX_SPAWN_GROUP, setpgid(0, o->process_group));
    if (o->directory) STEP(CLINUX_SPAWN_DIRECTORY, chdir(o->directory));
    o->failed_step = CLINUX_SPAWN_DESCRIPTORS;
    if ((code = place_descriptors(o)) < 0) {
        errno = -code;
        goto failed;
    }
    if (o->controlling_terminal >= 0)
        STEP(CLINUX_SPAWN_TERMINAL, ioctl(o->controlling_terminal, TIOCSCTTY, 0));
    if (o->set_identity) {
        // The raw calls: libc's would signal the parent's other threads to change theirs too.
        STEP(CLINUX_SPAWN_IDENTITY, syscall(SYS_setgroups, (size_t)0, NULL));
        STEP(CLINUX_SPAWN_IDENTITY, syscall(SYS_setresgid, o->group, o->group, o->group));
        STEP(CLINUX_SPAWN_IDENTITY, syscall(SYS_setresuid, o->user, o->user, o->user));
    }
    // After the identity change, which clears it.
    if (o->death_signal) STEP(CLINUX_SPAWN_DEATH_SIGNAL, prctl(PR_SET_PDEATHSIG, o->death_signal, 0, 0, 0));
    // CLONE_CLEAR_SIGHAND leaves ignored signals ignored, and a daemon ignores SIGPIPE. The raw call reaches all 64.
    static const unsigned char default_action[64];
    for (int number = 1; number <= 64; number++) syscall(SYS_rt_sigaction, number, default_action, NULL, (size_t)8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    o->failed_step = CLINUX_SPAWN_EXECUTE;
    if (o->executable_fd >= 0)
        syscall(SYS_execveat, o->executable_fd, "", o->arguments, o->environment, AT_EMPTY_PATH);
    else
        execve(o->executable, o->arguments, o->environment);
failed:
    *failure = errno;
    _exit(127);
}

int clinux_spawn(struct clinux_spawn *o) {
    int pidfd = -1;
    volatile int failure = 0;
    sigset_t all, before;
    struct clone_args arguments = {
        .flags = o->clone_flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND |
                 (o->cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = o->cgroup >= 0 ? (uint64_t)o->cgroup : 0,
    };
    o->pidfd = -1;
    o->failed_step = CLINUX_SPAWN_CLONE;
    // No handler may run in the child: it shares our memory.
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    long process = vfork_clone3(&arguments);
    if (process == 0) spawn_child(o, (int *)&failure);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (process < 0) return (int)process;
    if (failure) {
        siginfo_t info;
        while (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 && errno == EINTR) {
        }
        close(pidfd);
        return -failure;
    }
    o->pidfd = pidfd;
    return (int)process;
}

int clinux_fork(uint64_t flags, int cgroup, int *pidfd) {
    struct clone_args arguments = {
        .flags = flags | (pidfd ? CLONE_PIDFD : 0) | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = (flags & CLONE_PARENT) ? 0 : SIGCHLD,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };
    long process = syscall(SYS_clone3, &arguments, sizeof arguments);
    return process < 0 ? -errno : (int)process;
}

int clinux_clone(unsigned long flags) {
    // Flags, stack and the addresses of thread data: where the architectures differ in their order, all are 0.
    long process = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    return process < 0 ? -errno : (int)process;
}

int clinux_seccomp_load(const uint64_t *instructions, uint16_t count) {
    struct sock_fprog program = {.len = count, .filter = (struct sock_filter *)(uintptr_t)instructions};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

int clinux_pidfd_open(int process, unsigned flags) {
    long fd = syscall(SYS_pidfd_open, process, flags);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_pidfd_signal(int pidfd, int number) {
    return syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0) < 0 ? -errno : 0;
}

int clinux_pidfd_descriptor(int pidfd, int fd) {
    long result = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
    return result < 0 ? -errno : (int)result;
}

static int wait_for(idtype_t kind, id_t which, int nohang, int keep, struct clinux_exit *out) {
    siginfo_t info;
    struct rusage usage;
    memset(&info, 0, sizeof info);
    memset(&usage, 0, sizeof usage);
    int options = WEXITED | (nohang ? WNOHANG : 0) | (keep ? WNOWAIT : 0);
    // The raw call: libc's waitid has no rusage.
    if (syscall(SYS_waitid, kind, which, &info, options, &usage) < 0) return -errno;
    if (info.si_pid == 0) return 0;
    *out = (struct clinux_exit){
        .process = info.si_pid,
        .code = info.si_code == CLD_EXITED ? info.si_status : 0,
        .signal = info.si_code == CLD_EXITED ? 0 : info.si_status,
        .dumped = info.si_code == CLD_DUMPED,
        .user_microseconds = usage.ru_utime.tv_sec * 1000000L + usage.ru_utime.tv_usec,
        .system_microseconds = usage.ru_stime.tv_sec * 1000000L + usage.ru_stime.tv_usec,
        .max_resident_kilobytes = usage.ru_maxrss,
    };
    return 1;
}

int clinux_wait_pidfd(int pidfd, int nohang, int keep, struct clinux_exit *out) {
    return wait_for((idtype_t)P_PIDFD, (id_t)pidfd, nohang, keep, out);
}

int clinux_wait_any(int nohang, struct clinux_exit *out) { return wait_for(P_ALL, 0, nohang, 0, out); }

int clinux_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    int result = prctl(option, a, b, c, d);
    return result < 0 ? -errno : result;
}

int clinux_set_limit(int process, int resource, uint64_t soft, uint64_t hard) {
    struct rlimit64 limit = {.rlim_cur = soft, .rlim_max = hard};
    return syscall(SYS_prlimit64, process, resource, &limit, NULL) < 0 ? -errno : 0;
}

int clinux_get_limit(int process, int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit64 limit;
    if (syscall(SYS_prlimit64, process, resource, NULL, &limit) < 0) return -errno;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int clinux_gettid(void) { return (int)syscall(SYS_gettid); }

int clinux_signal_mask(int block, const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    int code = pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
    return -code;
}

int clinux_signals_reset(void) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++)
        if (number != SIGKILL && number != SIGSTOP) sigaction(number, &action, NULL); // EINVAL: libc's own two
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

int clinux_ignore_signal(int number) { return signal(number, SIG_IGN) == SIG_ERR ? -errno : 0; }

int clinux_execveat(int dirfd, const char *path, char *const *arguments, char *const *environment, int flags) {
    syscall(SYS_execveat, dirfd, path, arguments, environment, flags);
    return -errno;
}

char **clinux_environment(void) { return environ; }

size_t clinux_heap_unused(void) { return mallinfo2().fordblks; }

void clinux_heap_trim(void) { malloc_trim(0); }
