// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import Processes

/// A procfs of a pid namespace that the runtime's process stays out of.
enum ProcMount {
    /// - Parameter namespace: The number of a descriptor of the pid namespace.
    static func make(of namespace: Int32, options: [String]) throws -> DetachedMount {
        let context = try FilesystemContext("proc")
        do throws(Errno) {
            let file = FileDescriptor(owning: try systemCall("dup") { fcntl(namespace, F_DUPFD_CLOEXEC, 3) })
            try context.configure("pidns", file)
        } catch {
            // An option of Linux 6.17: before, the namespace is that of whoever opens the context.
            guard error.code == EINVAL else { throw error }
            return try checked(openInside(namespace).mount(options: options))
        }
        return try context.mount(options: options)
    }

    /// What was opened in another's reach is mounted only if it is what it was to be.
    private static func checked(_ mount: consuming DetachedMount) throws -> DetachedMount {
        guard try mount.descriptor.filesystem().magic == FilesystemStatus.proc else {
            throw RuntimeError("mount proc", "what was opened is not a procfs")
        }
        return mount
    }

    /// A context that a process inside the namespace has opened. That process has an empty root, no right over anything but
    /// its own user namespace, no system calls but the one in question and those to tell of it, and no descriptor but a
    /// pipe's. It shares its descriptors with the helper that made it, which is outside, and from which the context is
    /// taken: there is no socket by which somebody inside could find a process of the host.
    private static func openInside(_ namespace: Int32) throws -> FilesystemContext {
        let ends = try FileDescriptor.pipe().release()
        let reader = FileDescriptor(owning: ends.reader)
        let writer = FileDescriptor(owning: ends.writer)
        var pidfd: Int32 = -1
        let made = clinux_fork(0, -1, &pidfd)
        if made < 0 { throw Errno(-made, "mount proc: clone3") }
        if made == 0 {
            do { try enter(namespace, writer.raw) } catch {
                let words = Array("\(error)".utf8.prefix(Report.limit))
                try? writer.writeAll(words)  // nobody else to tell
            }
            endCopy(1)
            throw RuntimeError("mount proc", "a copy went on")
        }
        let helper = Child.adopt(pid: made, pidfd: ProcessDescriptor(owning: FileDescriptor(owning: pidfd)))
        // The helper's copy must be the last one, or its end would not be noticed.
        try writer.close()
        let said = try Report.next(reader, of: helper.pidfd)
        guard said == [opened] else {
            throw RuntimeError("mount proc", said.isEmpty ? "its helper ended" : Report.text(said))
        }
        // Dropped, the helper ends.
        return FilesystemContext("proc", owning: try helper.pidfd.copyDescriptor(context))
    }

    /// What the helper says when the context is open.
    private static let opened: UInt8 = 0
    /// The lowest number, free when all others but the pipe's are closed.
    private static let context: Int32 = 0

    private static func enter(_ namespace: Int32, _ pipe: Int32) throws {
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        try kernelCall("unshare mnt") { clinux_unshare(Int32(CLINUX_CLONE_NEWNS)) }
        try Mounts.enterEmptyRoot()
        try kernelCall("setns pid") { clinux_setns(namespace, Int32(CLINUX_CLONE_NEWPID)) }
        try Descriptors.closeAll(except: [pipe])
        // From here on it has rights over its own user namespace only, and over a mount namespace of that.
        try kernelCall("unshare user, mnt") { clinux_unshare(Int32(CLINUX_CLONE_NEWUSER | CLINUX_CLONE_NEWNS)) }
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        try kernelCall("prctl PR_SET_NO_NEW_PRIVS") { clinux_prctl(38, 1, 0, 0, 0) }
        try SystemCallFilter.allowing(calls).load()
        let made = clinux_clone(UInt(CLINUX_CLONE_FILES))
        if made < 0 { throw Errno(-made, "enter the pid namespace: clone") }
        if made == 0 {
            // The context is of the pid namespace of the one that opens it.
            let opened = try FilesystemContext("proc").intoDescriptor().release()
            endCopy(opened == context ? 0 : 1)
        }
        var ended = clinux_exit()
        guard clinux_wait_any(0, &ended) > 0, ended.code == 0, ended.signal == 0 else {
            throw RuntimeError("mount proc", "nothing was opened inside")
        }
        let word = [opened]
        try systemCall("write") { write(pipe, word, 1) }
        // Until the runtime has taken the context, which ends this process.
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        var signal: Int32 = 0
        while true { sigwait(&set, &signal) }
    }

    private static let calls = [
        CLINUX_CALL_CLONE, CLINUX_CALL_FSOPEN, CLINUX_CALL_WRITE, CLINUX_CALL_CLOSE, CLINUX_CALL_WAITID,
        CLINUX_CALL_SIGTIMEDWAIT, CLINUX_CALL_MMAP, CLINUX_CALL_MUNMAP, CLINUX_CALL_BRK, CLINUX_CALL_EXIT_GROUP,
    ].map { Int32($0) }
}
