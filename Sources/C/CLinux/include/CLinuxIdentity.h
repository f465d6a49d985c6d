// SPDX-License-Identifier: Apache-2.0

#ifndef CLINUX_IDENTITY_H
#define CLINUX_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/// The three capability sets of capset(2), a bit a capability.
struct clinux_capabilities {
    uint64_t effective;
    uint64_t permitted;
    uint64_t inheritable;
};
int clinux_capget(int process, struct clinux_capabilities *out);
int clinux_capset(const struct clinux_capabilities *sets);

/// Of the calling thread only (a single-threaded process, then). Return 0 or -errno.
int clinux_setresuid(uint32_t real, uint32_t effective, uint32_t saved);
int clinux_setresgid(uint32_t real, uint32_t effective, uint32_t saved);
int clinux_setgroups(const uint32_t *groups, size_t count);

int clinux_sethostname(const char *name, size_t length);
int clinux_setdomainname(const char *name, size_t length);
/// keyctl(KEYCTL_JOIN_SESSION_KEYRING).
int clinux_join_session_keyring(const char *name);
int clinux_personality(unsigned long value);
/// sched_setaffinity(2) with the CPU numbers in `cpus`.
int clinux_set_affinity(int process, const int *cpus, size_t count);
/// sched_setattr(2); ioprio_set(2) of the caller.
int clinux_set_scheduler(int process, uint32_t policy, uint64_t flags, int32_t nice, uint32_t priority,
                         uint64_t runtime, uint64_t deadline, uint64_t period);
int clinux_set_io_priority(int class_, int level);
int clinux_set_memory_policy(int mode, unsigned flags, const uint64_t *nodes, size_t node_bits);

/// bpf(2): loads a BPF_PROG_TYPE_CGROUP_DEVICE program of `count` instructions (8 bytes each). The verifier's words land
/// in `log`. Returns the program's descriptor.
int clinux_bpf_load_device(const uint64_t *instructions, uint32_t count, char *log, uint32_t log_size);
/// Attaches it to a cgroup directory, beside others (BPF_F_ALLOW_MULTI); `replace` is a program's descriptor or -1.
int clinux_bpf_attach_device(int cgroup, int program, int replace);
int clinux_bpf_detach_device(int cgroup, int program);
/// The ids of the device programs attached to `cgroup`. Returns how many (at most `count` are written).
int clinux_bpf_query_device(int cgroup, uint32_t *ids, uint32_t count);
int clinux_bpf_open(uint32_t id);

#endif
