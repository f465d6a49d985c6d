// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CLinux.h"

int clinux_capget(int process, struct clinux_capabilities *out) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = process};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0) return -errno;
    out->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    out->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    out->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    return 0;
}

int clinux_capset(const struct clinux_capabilities *sets) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {
        {(uint32_t)sets->effective, (uint32_t)sets->permitted, (uint32_t)sets->inheritable},
        {(uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32), (uint32_t)(sets->inheritable >> 32)},
    };
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

int clinux_setresuid(uint32_t real, uint32_t effective, uint32_t saved) {
    return syscall(SYS_setresuid, real, effective, saved) < 0 ? -errno : 0;
}

int clinux_setresgid(uint32_t real, uint32_t effective, uint32_t saved) {
    return syscall(SYS_setresgid, real, effective, saved) < 0 ? -errno : 0;
}

int clinux_setgroups(const uint32_t *groups, size_t count) {
    return syscall(SYS_setgroups, count, groups) < 0 ? -errno : 0;
}

int clinux_sethostname(const char *name, size_t length) { return sethostname(name, length) < 0 ? -errno : 0; }

int clinux_setdomainname(const char *name, size_t length) { return setdomainname(name, length) < 0 ? -errno : 0; }

int clinux_join_session_keyring(const char *name) {
    return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 ? -errno : 0;
}

int clinux_personality(unsigned long value) { return personality(value) < 0 ? -errno : 0; }

int clinux_set_affinity(int process, const int *cpus, size_t count) {
    uint64_t mask[128] = {0}; // 8192 CPUs, the kernel's largest build
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] < 0 || cpus[i] >= 8192) return -EINVAL;
        mask[cpus[i] / 64] |= 1ULL << (cpus[i] % 64);
    }
    return syscall(SYS_sched_setaffinity, process, sizeof mask, mask) < 0 ? -errno : 0;
}

int clinux_set_scheduler(int process, uint32_t policy, uint64_t flags, int32_t nice, uint32_t priority,
                         uint64_t runtime, uint64_t deadline, uint64_t period) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {48, policy, flags, nice, priority, runtime, deadline, period};
    _Static_assert(sizeof attributes == 48, "sched_attr, first version");
    return syscall(SYS_sched_setattr, process, &attributes, 0) < 0 ? -errno : 0;
}

int clinux_set_io_priority(int class_, int level) {
    return syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, 0, class_ << 13 | level) < 0 ? -errno : 0;
}

int clinux_set_memory_policy(int mode, unsigned flags, const uint64_t *nodes, size_t node_bits) {
    return syscall(SYS_set_mempolicy, mode | (int)flags, nodes, node_bits) < 0 ? -errno : 0;
}

static long bpf(int command, union bpf_attr *attributes) {
    return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

int clinux_bpf_load_device(const uint64_t *instructions, uint32_t count, char *log, uint32_t log_size) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attributes.insns = (uint64_t)(uintptr_t)instructions;
    attributes.insn_cnt = count;
    attributes.license = (uint64_t)(uintptr_t) "Apache-2.0";
    if (log_size > 0) {
        attributes.log_buf = (uint64_t)(uintptr_t)log;
        attributes.log_size = log_size;
        attributes.log_level = 1;
    }
    long fd = bpf(BPF_PROG_LOAD, &attributes);
    return fd < 0 ? -errno : (int)fd;
}

int clinux_bpf_attach_device(int cgroup, int program, int replace) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI | (replace >= 0 ? BPF_F_REPLACE : 0);
    attributes.replace_bpf_fd = replace >= 0 ? (uint32_t)replace : 0;
    return bpf(BPF_PROG_ATTACH, &attributes) < 0 ? -errno : 0;
}

int clinux_bpf_detach_device(int cgroup, int program) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (uint32_t)cgroup;
    attributes.attach_bpf_fd = (uint32_t)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    return bpf(BPF_PROG_DETACH, &attributes) < 0 ? -errno : 0;
}

int clinux_bpf_query_device(int cgroup, uint32_t *ids, uint32_t count) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.query.target_fd = (uint32_t)cgroup;
    attributes.query.attach_type = BPF_CGROUP_DEVICE;
    attributes.query.prog_ids = (uint64_t)(uintptr_t)ids;
    attributes.query.prog_cnt = count;
    if (bpf(BPF_PROG_QUERY, &attributes) < 0) return -errno;
    return (int)attributes.query.prog_cnt;
}

int clinux_bpf_open(uint32_t id) {
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_id = id;
    long fd = bpf(BPF_PROG_GET_FD_BY_ID, &attributes);
    return fd < 0 ? -errno : (int)fd;
}
