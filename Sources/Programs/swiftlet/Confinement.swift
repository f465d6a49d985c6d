// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Linux

/// What a component gives up at its start.
///
/// The unit cannot confine it: capabilities, system call filters and mount namespaces of a unit are those of everything it
/// starts, and every container would have them. The process can: a program that root executes has the whole bounding set
/// again, which is left as it is.
enum Confinement {
    /// Capabilities that no component uses itself, by their numbers in capabilities(7).
    private static let unused: [(name: String, number: UInt64)] = [
        ("LINUX_IMMUTABLE", 9), ("NET_BROADCAST", 11), ("IPC_LOCK", 14), ("IPC_OWNER", 15), ("SYS_MODULE", 16),
        ("SYS_RAWIO", 17), ("SYS_PACCT", 20), ("SYS_BOOT", 22), ("SYS_TIME", 25), ("SYS_TTY_CONFIG", 26), ("LEASE", 28),
        ("AUDIT_WRITE", 29), ("AUDIT_CONTROL", 30), ("MAC_OVERRIDE", 32), ("MAC_ADMIN", 33), ("SYSLOG", 34),
        ("WAKE_ALARM", 35), ("BLOCK_SUSPEND", 36), ("AUDIT_READ", 37), ("PERFMON", 38), ("BPF", 39),
        ("CHECKPOINT_RESTORE", 40),
    ]

    /// Gives them up, and the readability of the process's memory by others of its user. To be called while there is one
    /// thread: each has capabilities of its own, and passes them to those it makes.
    static func apply() throws(Errno) {
        var sets = clinux_capabilities()
        try kernelCall("capget") { clinux_capget(0, &sets) }
        let kept = ~unused.reduce(UInt64(0)) { $0 | 1 << $1.number }
        sets.effective &= kept
        sets.permitted &= kept
        sets.inheritable &= kept
        try kernelCall("capset") { clinux_capset(&sets) }
        // PR_SET_DUMPABLE: private keys are in this memory.
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
    }
}
