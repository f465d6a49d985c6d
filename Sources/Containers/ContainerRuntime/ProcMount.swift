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

    /// A context that a process inside the namespace has opened. That process has an empty root, one descriptor, no right
    /// over anything but its own user namespace, and no system calls but the one in question and those to tell of it.
    private static func openInside(_ namespace: Int32) throws -> FilesystemContext {
        let ends = try Socket.pair(.sequentialPackets).channels()
        var pidfd: Int32 = -1
        let made = clinux_fork(0, -1, &pidfd)
        if made < 0 { throw Errno(-made, "mount proc: clone3") }
        if made == 0 {
            let channel = ends.intoChild()
            do { try enter(namespace, channel) } catch {
                try? channel.send(.failed("\(error)"))  // nobody else to tell
            }
            endCopy(1)
            throw RuntimeError("mount proc", "a copy went on")
        }
        let helper = Child.adopt(pid: made, pidfd: ProcessDescriptor(owning: FileDescriptor(owning: pidfd)))
        let channel = ends.intoParent()
        var message = try channel.socket.receive(limit: Message.limit, descriptorLimit: 1)
        let file = message.takeDescriptor()
        let status = try helper.wait()
        guard let file else {
            guard case .failed(let text)? = Message(message.bytes) else {
                throw RuntimeError("mount proc", "\(status)")
            }
            throw RuntimeError("mount proc", text)
        }
        return FilesystemContext("proc", owning: file)
    }

    private static func enter(_ namespace: Int32, _ channel: borrowing Channel) throws {
        try kernelCall("prctl PR_SET_PDEATHSIG") { clinux_prctl(1, UInt(SIGKILL), 0, 0, 0) }
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        try kernelCall("unshare mnt") { clinux_unshare(Int32(CLINUX_CLONE_NEWNS)) }
        try Mounts.enterEmptyRoot()
        try kernelCall("setns pid") { clinux_setns(namespace, Int32(CLINUX_CLONE_NEWPID)) }
        try Descriptors.closeAll(except: [channel.socket.descriptor.raw])
        // From here on it has rights over its own user namespace only, and over a mount namespace of that.
        try kernelCall("unshare user, mnt") { clinux_unshare(Int32(CLINUX_CLONE_NEWUSER | CLINUX_CLONE_NEWNS)) }
        try kernelCall("prctl PR_SET_NO_NEW_PRIVS") { clinux_prctl(38, 1, 0, 0, 0) }
        try SystemCallFilter.allowing(calls).load()
        let made = clinux_clone(0)
        if made < 0 { throw Errno(-made, "enter the pid namespace: clone") }
        if made > 0 {
            var ended = clinux_exit()
            endCopy(clinux_wait_any(0, &ended) < 0 || ended.code != 0 ? 1 : 0)
        }
        let context = try FilesystemContext("proc")
        try channel.socket.send(Message.proceed.bytes, descriptor: context.descriptor)
        endCopy(0)
    }

    private static let calls = [
        CLINUX_CALL_CLONE, CLINUX_CALL_FSOPEN, CLINUX_CALL_SENDMSG, CLINUX_CALL_WRITE, CLINUX_CALL_CLOSE,
        CLINUX_CALL_WAITID, CLINUX_CALL_MMAP, CLINUX_CALL_MUNMAP, CLINUX_CALL_BRK, CLINUX_CALL_EXIT_GROUP,
    ].map { Int32($0) }
}
