// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import OCI

/// What makes a process of the runtime one of the container: its scheduling, user, capabilities, directory, filter of
/// system calls. A process that others of the container can reach is so confined before they can, whatever they may do
/// with it then (with SYS_PTRACE: anything) they could have done themselves.
struct Confinement {
    let process: ProcessSpec
    let personality: String?
    let filter: SystemCallFilter?
    /// Whether the filter holds from `apply` on, or only from `applyLate`.
    let isEarly: Bool
    /// Whether the process cannot gain rights by what it executes. More often than the configuration says: a filter can be
    /// loaded late only with this, or with CAP_SYS_ADMIN.
    let noNewPrivileges: Bool

    /// Whether `apply` must wait until the program starts.
    let isDeferred: Bool

    /// - Parameters:
    ///   - filter: The configuration's filter of system calls, compiled.
    ///   - calls: What the process still has to call after `apply`. A filter that refuses any of it is loaded late.
    ///   - isAlone: Whether nobody can reach the process before its program starts.
    ///   - runsHooks: Whether hooks of the container come after `apply`: they are spared a filter that can come late.
    init(
        _ process: ProcessSpec, _ linux: LinuxSpec, _ filter: SystemCallFilter?, calls: [SystemCall], isAlone: Bool,
        runsHooks: Bool
    ) {
        self.process = process
        self.filter = filter
        personality = linux.personality
        let suffices = filter.map { filter in calls.allSatisfy(filter.allows) } ?? true
        isDeferred = !suffices && isAlone && !process.noNewPrivileges
        isEarly = isDeferred || suffices && !(runsHooks && process.noNewPrivileges)
        noNewPrivileges = process.noNewPrivileges || !isEarly
    }

    /// Whether no_new_privs is set although the configuration does not ask for it.
    var isStricterThanAsked: Bool { noNewPrivileges && !process.noNewPrivileges }

    /// Everything but a late filter. Only an error, or exec, comes after.
    func apply(_ host: borrowing HostProcess) throws {
        try Scheduling.apply(process)
        try Personality.apply(personality)
        umask(mode_t(process.user.umask ?? 0o022))
        if noNewPrivileges {
            try kernelCall("prctl PR_SET_NO_NEW_PRIVS") { clinux_prctl(38, 1, 0, 0, 0) }
        }
        if let profile = process.appArmorProfile, !profile.isEmpty {
            try during("AppArmor profile \(profile)") { try host.write("attr/exec", "exec \(profile)") }
        }
        // Without no_new_privs loading a filter needs CAP_SYS_ADMIN: before capabilities go. With it, after, so that the
        // filter need not allow what these steps do.
        if isEarly, !noNewPrivileges { try load() }
        // The directory may be readable for the user only, or for root only: tried as both.
        var isInside = true
        do { try ProcessSettings.enterDirectory(process.workingDirectory) } catch { isInside = false }
        try during("set user and capabilities") {
            try Capabilities.apply(process.capabilities ?? ProcessSpec.Capabilities(), user: process.user)
        }
        if !isInside { try ProcessSettings.enterDirectory(process.workingDirectory) }
        // The change of user decided about it anew, by the host's fs.suid_dumpable.
        try kernelCall("prctl PR_SET_DUMPABLE") { clinux_prctl(4, 0, 0, 0, 0) }
        if isEarly, noNewPrivileges { try load() }
    }

    /// The filter, where it was not yet loaded: right before exec.
    func applyLate() throws { if !isEarly { try load() } }

    private func load() throws {
        guard let filter else { return }
        do { try filter.load() } catch { throw RuntimeError("seccomp: load the filter", error.reason) }
    }

    /// What a process calls between its confinement and its program, by all ways through `InitProcess` and `ExecProcess`.
    static let calls: [SystemCall] = {
        let common: [Int] = [
            CLINUX_CALL_READ, CLINUX_CALL_WRITE, CLINUX_CALL_CLOSE, CLINUX_CALL_SIGACTION, CLINUX_CALL_SIGPROCMASK,
            CLINUX_CALL_EXECVE, CLINUX_CALL_EXIT_GROUP,
            CLINUX_CALL_MMAP, CLINUX_CALL_MUNMAP, CLINUX_CALL_BRK,
        ].map { Int($0) }
        return common.map { SystemCall(Int32($0)) } + [
            SystemCall(Int32(CLINUX_CALL_PRCTL), [1, UInt64(SIGKILL)]), SystemCall(Int32(CLINUX_CALL_PRCTL), [1, 0]),
        ]
    }()
    /// To go on as a sibling in another pid namespace, with a terminal or without.
    static func siblingCalls(terminal: Bool) -> [SystemCall] {
        return [
            SystemCall(Int32(CLINUX_CALL_CLONE), [UInt64(CLINUX_CLONE_PARENT) | UInt64(SIGCHLD)]),
            SystemCall(Int32(CLINUX_CALL_SETSID)),
        ] + (terminal ? [SystemCall(Int32(CLINUX_CALL_IOCTL), [0, UInt64(TIOCSCTTY)])] : [])
    }
}

/// This process as the host's procfs shows it, kept open over every change of root and namespace: what a container has at
/// /proc is not asked, nor written to (CVE-2019-16884, CVE-2025-52881).
struct HostProcess: ~Copyable {
    private let directory: FileDescriptor

    init() throws { directory = try Self.open() }

    private static func open() throws -> FileDescriptor {
        let own = try FileDescriptor.handle("/proc/self", directory: true)
        guard try own.filesystem().magic == FilesystemStatus.proc else {
            throw RuntimeError("/proc", "is not a procfs")
        }
        return own
    }

    /// Writes to one of the process's own files.
    func write(_ name: String, _ text: String) throws {
        try directory.open(below: name, O_WRONLY, resolve: [.beneath, .noSymlinks, .noCrossingDevices])
            .writeAll(Array(text.utf8))
    }

    /// Opens what `handle` is.
    func reopen(_ handle: borrowing FileDescriptor, _ flags: Int32) throws -> FileDescriptor {
        let file = try FileDescriptor.open("fd/\(handle.raw)", flags | O_NOCTTY, at: directory.raw)
        _ = handle.raw  // open until here
        return file
    }

    /// A file of an image, or one that a container may exchange while it is opened: only if it is a regular one, found
    /// inside `root`, and not larger than `limit`.
    func readFile(of root: borrowing FileDescriptor, _ path: String, limit: Int) throws -> [UInt8] {
        let handle = try root.handle(below: path)
        let status = try handle.status()
        guard status.kind == .regular, status.size <= limit else { throw RuntimeError(path, "is not an ordinary file") }
        // What the handle is cannot change any more, so opening it neither waits nor touches a device.
        return try reopen(handle, O_RDONLY).read(upTo: limit)
    }
}

/// The descriptors of a process that others are about to see.
enum Descriptors {
    /// Closes all but `kept`.
    static func closeAll(except kept: [Int32]) throws {
        var next: UInt32 = 0
        for number in kept.sorted().map({ UInt32($0) }) {
            if number > next {
                let first = next
                try kernelCall("close_range") { clinux_close_range(first, number - 1, 0) }
            }
            next = max(next, number + 1)
        }
        let first = next
        try kernelCall("close_range") { clinux_close_range(first, .max, 0) }
    }
}
