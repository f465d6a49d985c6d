// SPDX-License-Identifier: Apache-2.0

// Nothing of libc works yet: no relocated function, no thread-local variable, no stack protector. Only raw system calls.

#include <linux/fcntl.h>
#include <linux/mount.h>
#include <stdint.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "CProtectedStart.h"

#define READ_ONLY 1 // ST_RDONLY of statfs(2)

static long call(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
    long result;
    register long fourth __asm__("r10") = d;
    register long fifth __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long which __asm__("x8") = number;
    register long first __asm__("x0") = a;
    register long second __asm__("x1") = b;
    register long third __asm__("x2") = c;
    register long fourth __asm__("x3") = d;
    register long fifth __asm__("x4") = e;
    __asm__ volatile("svc #0"
                     : "+r"(first)
                     : "r"(which), "r"(second), "r"(third), "r"(fourth), "r"(fifth)
                     : "memory");
    return first;
#else
#error "swiftlet-oci knows x86_64 and aarch64"
#endif
}

static int equal(const char *one, const char *other) {
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}

// `stack` is what the kernel left there: argc, argv, 0, envp, 0. Returns to go on as the program that was started.
__attribute__((used)) void swiftlet_protect(long *stack) {
    static const char program[] = "/proc/self/exe";
    long count = stack[0];
    char **arguments = (char **)(stack + 1);
    char **environment = arguments + count + 1;
    int needed = 0;
    // A word that only looks like one of these commands costs a needless start.
    for (long i = 1; i < count; i++)
        needed |= equal(arguments[i], "create") || equal(arguments[i], "run") || equal(arguments[i], "exec");
    if (!needed) return;

    struct statfs status;
    if (call(SYS_statfs, (long)program, (long)&status, 0, 0, 0) < 0 || (status.f_flags & READ_ONLY)) return;
    long mount = call(SYS_open_tree, AT_FDCWD, (long)program, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
    if (mount < 0) return;
    struct mount_attr attributes = {MOUNT_ATTR_RDONLY, 0, 0, 0};
    if (call(SYS_mount_setattr, mount, (long)"", AT_EMPTY_PATH, (long)&attributes, sizeof attributes) >= 0)
        call(SYS_execveat, mount, (long)"", (long)arguments, (long)environment, AT_EMPTY_PATH);
    call(SYS_close, mount, 0, 0, 0, 0);
}

// _start gets what it would have got: the stack, and the register for a function to run at exit, from the kernel.
__asm__(".text\n"
        ".globl swiftlet_protected_start\n"
        ".type swiftlet_protected_start, %function\n"
        "swiftlet_protected_start:\n"
#if defined(__x86_64__)
        "    mov %rdx, %r12\n"
        "    mov %rsp, %rdi\n"
        "    call swiftlet_protect\n"
        "    mov %r12, %rdx\n"
        "    jmp _start\n"
#else
        "    mov x19, x0\n"
        "    mov x0, sp\n"
        "    bl swiftlet_protect\n"
        "    mov x0, x19\n"
        "    b _start\n"
#endif
        ".size swiftlet_protected_start, . - swiftlet_protected_start\n");
