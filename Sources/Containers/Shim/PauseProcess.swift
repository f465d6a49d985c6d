// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Mounts

/// The first process of a pid namespace that the containers of a pod share. They see it, and one with SYS_PTRACE may do
/// with it whatever it could do itself: so it has nothing that they have not. No capability and no way to any, an empty
/// root, no descriptor, an user of its own, and no system calls but those that wait.
public enum PauseProcess {
    /// What it writes to descriptor 0 once it is confined. Anything else is what went wrong.
    static let ready: [UInt8] = [0]

    /// That of Kubernetes' own pause image.
    private static let user: UInt32 = 65535

    /// Never returns. Reaps what is left to it, and ends with its parent.
    public static func run() -> Never {
        do {
            try confine()
        } catch {
            // The shim reads it; when that has gone nobody is left to tell.
            let text = "\(error)"
            _ = text.withCString { write(0, $0, text.utf8.count) }
            exit(1)
        }
        while true {
            var set = sigset_t()
            sigemptyset(&set)
            sigaddset(&set, SIGCHLD)
            var signal: Int32 = 0
            sigwait(&set, &signal)
            var ended = clinux_exit()
            while clinux_wait_any(1, &ended) > 0 {}
        }
    }

    private static func confine() throws {
        // All others have no handler, and do nothing to the first process of a namespace.
        let signals = [SIGCHLD]
        try kernelCall("block signals") { clinux_signal_mask(1, signals, signals.count) }
        try Mounts.enterEmptyRoot()
        // Keys of the host's session are none of the pod's; a kernel without keyrings has none.
        let code = clinux_join_session_keyring("_ses.pause")
        if code < 0, code != -ENOSYS, code != -EPERM, code != -EDQUOT, code != -EACCES {
            throw Errno(-code, "join a session keyring")
        }
        try dropRights()
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        try kernelCall("prctl PR_SET_NO_NEW_PRIVS") { clinux_prctl(38, 1, 0, 0, 0) }
        // After the change of user, which clears it.
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        try kernelCall("close_range") { clinux_close_range(1, .max, 0) }
        try SystemCallFilter.allowing(calls).load()
        let word = ready
        guard write(0, word, word.count) == word.count else { throw Errno(errno, "write to the shim") }
        close(0)
    }

    /// What it still does: say that it is ready, wait, reap, end.
    private static let calls = [
        CLINUX_CALL_WRITE, CLINUX_CALL_CLOSE, CLINUX_CALL_SIGTIMEDWAIT, CLINUX_CALL_WAITID, CLINUX_CALL_SIGRETURN,
        CLINUX_CALL_RESTART, CLINUX_CALL_EXIT_GROUP,
    ].map { Int32($0) }

    private static func dropRights() throws(Errno) {
        for capability in UInt(0)..<64 {
            let held = clinux_prctl(23, capability, 0, 0, 0)  // PR_CAPBSET_READ
            if held < 0 { break }  // beyond the last that the kernel has
            if held == 0 { continue }
            try kernelCall("drop capability \(capability)") { clinux_prctl(24, capability, 0, 0, 0) }
        }
        _ = clinux_prctl(47, 4, 0, 0, 0)  // PR_CAP_AMBIENT_CLEAR_ALL; a kernel without ambient capabilities has none
        let user = user
        try kernelCall("setgroups") { clinux_setgroups(nil, 0) }
        try kernelCall("setresgid") { clinux_setresgid(user, user, user) }
        try kernelCall("setresuid") { clinux_setresuid(user, user, user) }
        var none = clinux_capabilities()
        try kernelCall("capset") { clinux_capset(&none) }
    }
}
