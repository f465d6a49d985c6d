// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux
internal import Mounts
internal import Text

/// The pod's own namespaces. The shim lives in them (not in the pid namespace, whose first process is a `pause` child)
/// and pins them by bind mounts, so that they can be joined by path and outlive a killed shim until they are unpinned.
struct Sandbox {
    let options: ShimOptions
    private(set) var pause: ProcessIdentity?

    init(_ options: ShimOptions) { self.options = options }

    /// Makes or joins the namespaces. Where one is pinned already, a shim before this one was killed: it is joined again,
    /// with the pod's addresses in it.
    mutating func enter() throws(ShimFailure) {
        do {
            try Files.makeDirectories(options.directory + "/ns", mode: 0o700)
            for (kind, flag) in [
                (SandboxNamespace.net, CLINUX_CLONE_NEWNET), (.ipc, CLINUX_CLONE_NEWIPC), (.uts, CLINUX_CLONE_NEWUTS),
            ] where options.namespaces.contains(kind) {
                try enter(kind, UInt32(flag))
            }
            try setHostname()
            for sysctl in options.sysctls { try set(sysctl.name, to: sysctl.value) }
            if options.namespaces.contains(.pid) { try startPause() }
        } catch {
            throw ShimFailure(.system, "make the pod's namespaces: \(error)")
        }
    }

    private func enter(_ kind: SandboxNamespace, _ flag: UInt32) throws(Errno) {
        let path = options.namespacePath(kind)
        if isPinned(path) {
            let file = try FileDescriptor.open(path, O_RDONLY)
            let raw = file.raw
            try kernelCall("setns \(path)") { clinux_setns(raw, Int32(bitPattern: flag)) }
            return
        }
        try kernelCall("unshare \(kind.rawValue)") { clinux_unshare(Int32(bitPattern: flag)) }
        try pin("/proc/self/ns/\(kind.rawValue)", at: path)
    }

    private func isPinned(_ path: String) -> Bool {
        var filesystem = clinux_filesystem()
        let nsfsMagic: Int64 = 0x6e73_6673
        return clinux_statfs(path, &filesystem) == 0 && filesystem.magic == nsfsMagic
    }

    private func pin(_ source: String, at path: String) throws(Errno) {
        try ShimFiles.write("", to: path)
        try kernelCall("mount \(source) on \(path)") { clinux_mount(source, path, nil, UInt(4096), nil) }  // MS_BIND
    }

    private func setHostname() throws(Errno) {
        guard options.namespaces.contains(.uts), !options.hostname.isEmpty else { return }
        let name = options.hostname
        try kernelCall("sethostname \(name)") { clinux_sethostname(name, name.utf8.count) }
    }

    /// Sets a sysctl of a namespace the shim is in; `net.ipv4.ip_forward` or with slashes where a name holds dots.
    private func set(_ name: String, to value: String) throws(Errno) {
        let path = name.hasSlash ? name : String(name.map { $0 == "." ? "/" : $0 })
        let file = try FileDescriptor.open("/proc/sys/" + path, O_WRONLY)
        try file.writeAll(Array(value.utf8))
    }

    /// The first process of the shared pid namespace: this program again, which gives up whatever it has and then does
    /// nothing. No container can join the namespace before it has.
    private mutating func startPause() throws {
        // A namespace whose first process was killed cannot be joined again: an old pin is of no use.
        unpin(.pid)
        let program = try ProgramCopy.open()
        let pipe = try NonBlocking.pipe(nonBlockingRead: false, nonBlockingWrite: false)
        let reader = pipe.read
        let writer = pipe.write
        let pid = try Spawn.start(
            executable: "pause", program: program.raw, arguments: [], descriptors: [writer.raw],
            flags: UInt64(CLINUX_CLONE_NEWPID | CLINUX_CLONE_NEWNS | CLINUX_CLONE_NEWCGROUP), hasEnvironment: false)
        _ = program.raw  // open until here
        // The child's copy must be the last one, or the end of a child would never be noticed.
        _ = consume writer
        let said = try reader.readAll()
        guard said == PauseProcess.ready else {
            let words = String(decoding: said, as: UTF8.self)
            throw ShimFailure(.system, "confine pause: \(words.isEmpty ? "it ended" : words)")
        }
        try pin("/proc/\(pid)/ns/pid", at: options.namespacePath(.pid))
        pause = ProcessIdentity.current(pid)
    }

    /// Lets the namespaces go: what is pinned is unpinned.
    func unpinAll() {
        for kind in SandboxNamespace.allCases { unpin(kind) }
    }

    private func unpin(_ kind: SandboxNamespace) {
        let path = options.namespacePath(kind)
        // EINVAL and ENOENT: it was not pinned.
        _ = clinux_unmount(path, Int32(MNT_DETACH))
        _ = unlink(path)
    }
}
