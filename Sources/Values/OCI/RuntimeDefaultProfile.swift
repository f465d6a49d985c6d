// SPDX-License-Identifier: Apache-2.0

/// The profile behind `seccompProfile: {type: RuntimeDefault}`: what an ordinary program may call. Everything that is
/// not named fails with EPERM; what programs probe for, with ENOSYS, so that they take their older way.
public enum RuntimeDefaultProfile {
    /// The profile for a container with these capabilities (`CAP_SYS_ADMIN`): some calls come with a capability.
    public static func profile(capabilities: Set<String> = []) -> SeccompSpec {
        var rules = [SeccompSpec.Rule(names: names(always), action: "SCMP_ACT_ALLOW")]
        // AF_VSOCK (40) reaches the hypervisor around every network namespace. Allowed are those below and those above,
        // rather than all that differ: the kernel takes the lower half of the argument, a filter compares the whole.
        rules.append(
            .init(
                names: ["socket"], action: "SCMP_ACT_ALLOW",
                arguments: [.init(index: 0, value: 40, comparison: "SCMP_CMP_LT")]))
        for family: UInt64 in 41...45 {
            rules.append(
                .init(
                    names: ["socket"], action: "SCMP_ACT_ALLOW",
                    arguments: [.init(index: 0, value: family, comparison: "SCMP_CMP_EQ")]))
        }
        // The old way of 32-bit programs to all calls of sockets hides the family in memory, where no filter sees it.
        rules.append(.init(names: ["socketcall"], action: "SCMP_ACT_ERRNO", errno: 38))
        // The personas that programs need: PER_LINUX, PER_LINUX32, UNAME26, both, and the query.
        for persona: UInt64 in [0x0, 0x8, 0x20000, 0x20008, 0xffff_ffff] {
            rules.append(
                .init(
                    names: ["personality"], action: "SCMP_ACT_ALLOW",
                    arguments: [.init(index: 0, value: persona, comparison: "SCMP_CMP_EQ")]))
        }
        if capabilities.contains("CAP_SYS_ADMIN") {
            rules.append(.init(names: ["clone", "clone3", "setns", "unshare"], action: "SCMP_ACT_ALLOW"))
        } else {
            // No new namespace: none of the CLONE_NEW* bits. clone3 hides its flags in memory, where no filter sees
            // them: ENOSYS sends libc back to clone.
            rules.append(
                .init(
                    names: ["clone"], action: "SCMP_ACT_ALLOW",
                    arguments: [
                        .init(index: 0, value: 0x7e02_0000, valueTwo: 0, comparison: "SCMP_CMP_MASKED_EQ")
                    ]))
            rules.append(.init(names: ["clone3"], action: "SCMP_ACT_ERRNO", errno: 38))
        }
        for (capability, calls) in byCapability where capabilities.contains(capability) {
            rules.append(.init(names: names(calls), action: "SCMP_ACT_ALLOW"))
        }
        var profile = SeccompSpec(defaultAction: "SCMP_ACT_ERRNO", defaultErrno: 1, rules: rules)
        #if arch(x86_64)
            profile.architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]
        #elseif arch(arm64)
            profile.architectures = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]
        #endif
        return profile
    }

    private static func names(_ text: String) -> [String] {
        text.split(whereSeparator: { $0 == " " || $0 == "\n" }).map(String.init)
    }

    static let byCapability: [(String, String)] = [
        (
            "CAP_SYS_ADMIN",
            """
            bpf fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
            perf_event_open quotactl quotactl_fd setdomainname sethostname syslog umount umount2 listmount statmount
            """
        ),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_SYS_MODULE", "delete_module init_module finit_module"),
        ("CAP_SYS_PACCT", "acct"),
        ("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
        ("CAP_SYS_RAWIO", "iopl ioperm"),
        ("CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"),
        ("CAP_SYS_TTY_CONFIG", "vhangup"),
        ("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_BPF", "bpf"),
        ("CAP_PERFMON", "perf_event_open"),
    ]

    static let always = """
        _llseek _newselect accept accept4 access adjtimex alarm arch_prctl arm_fadvise64_64 arm_sync_file_range bind
        breakpoint brk cacheflush cachestat capget capset chdir chmod chown chown32 clock_adjtime clock_adjtime64
        clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close
        close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
        epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat
        faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32
        fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64
        fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake
        futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32
        getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority
        getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid
        gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
        io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit ioctl ioprio_get
        ioprio_set ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr
        link linkat listen listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack
        membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt
        mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
        mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep
        newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect
        poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64
        pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg
        remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall riscv_flush_icache
        riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
        rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
        sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
        sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield
        seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg
        sendto set_robust_list set_thread_area set_tid_address set_tls setfsgid setfsgid32 setfsuid setfsuid32 setgid
        setgid32 setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32
        setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat
        shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketpair splice
        stat stat64 statfs statfs64 statx swapcontext symlink symlinkat sync sync_file_range sync_file_range2 syncfs
        sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
        timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill
        truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat utimensat_time64 utimes
        vfork vmsplice wait4 waitid waitpid write writev
        """
}
