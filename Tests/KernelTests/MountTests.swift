// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Mounts
import Namespaces
import Testing

/// Runs `body` on a thread with a mount namespace of its own, nothing of which reaches the host.
func inMountNamespace(_ body: @escaping @Sendable () throws -> Void) throws {
    let failure = try NamespaceThread.run(making: [.mount]) { () throws(Errno) -> String? in
        try Mounts.setPropagation("/", .private)
        do { try body() } catch { return "\(error)" }
        return nil
    }
    if let failure { throw Failed(reason: failure) }
}

struct Failed: Error { var reason: String }

@Suite struct MountTests {
    @Test func `mountinfo lines are read with their escapes and optional fields`() throws {
        let text = """
            36 35 98:0 /mnt1 /mnt\\0402 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue
            37 35 0:5 / /plain rw - tmpfs none rw
            not a line

            """
        let mounts = MountInfo.parse(Array(text.utf8))
        #expect(mounts.count == 2)
        #expect(mounts[0].mountPoint == "/mnt 2")
        #expect(mounts[0].propagation == ["master:1", "shared:7"])
        #expect(mounts[0].isShared)
        #expect(mounts[0].device == DeviceNumber(major: 98, minor: 0))
        #expect(mounts[1].superOptions == ["rw"])
        #expect(!mounts[1].isShared)
    }

    @Test(arguments: [
        (["ro", "nosuid"], MountFlags([.readOnly, .noSetuid]), ""),
        (["ro", "rw"], MountFlags([]), ""),
        (["mode=755", "size=1k"], MountFlags([]), "mode=755,size=1k"),
        (["strictatime", "relatime"], MountFlags([.strictAccessTime, .relativeAccessTime]), ""),
    ])
    func `options become flags and data`(options: [String], flags: MountFlags, data: String) {
        let parsed = MountOptions(options)
        #expect(parsed.flags == flags)
        #expect(parsed.dataString == data)
    }

    @Test func `recursive options and binds are told apart from data`() {
        let parsed = MountOptions(["rbind", "rro", "rslave"])
        #expect(parsed.isBind && parsed.isRecursiveBind)
        #expect(parsed.recursiveSet == .readOnly)
        #expect(parsed.set.isEmpty)
        #expect(parsed.propagation.map(\.kind) == [.slave])
        #expect(parsed.data.isEmpty)
    }

    @Test(.enabled(if: Host.isRoot, "needs root")) func `a read-only bind refuses writes, its source does not`() throws
    {
        let directory = try TemporaryDirectory()
        try inMountNamespace {
            let (source, target) = (directory.path + "/source", directory.path + "/target")
            for path in [source, target] { try Files.makeDirectory(path) }
            try Mounts.bind(source, on: target, readOnly: true)
            let error = #expect(throws: Errno.self) { try Files.makeDirectory(target + "/x") }
            #expect(error?.code == EROFS)
            try Files.makeDirectory(source + "/y")
            #expect(Files.exists(target + "/y"))
            #expect(try Mounts.isMountPoint(target))
            try Mounts.unmountAll(target)
            #expect(try !Mounts.isMountPoint(target))
            try Mounts.unmountAll(target)
        }
    }

    @Test(.enabled(if: Host.isRoot, "needs root"), arguments: [1, 3, 120])
    func `an overlay stacks its directories, however many`(count: Int) throws {
        let directory = try TemporaryDirectory()
        try inMountNamespace {
            try Mounts.mount(source: "tmpfs", target: directory.path, type: "tmpfs")
            var lower: [String] = []
            for index in 0..<count {
                let layer = "\(directory.path)/a layer, with:odd=name \(index)"
                try Files.makeDirectory(layer)
                try Files.replace("\(layer)/\(index)", with: [], durable: false)
                try Files.replace(layer + "/top", with: Array("\(index)".utf8), durable: false)
                lower.insert(layer, at: 0)
            }
            for name in ["upper", "work", "merged"] { try Files.makeDirectory("\(directory.path)/\(name)") }
            try OverlayMount(lower: lower, upper: directory.path + "/upper", work: directory.path + "/work")
                .mount(on: directory.path + "/merged")
            let merged = directory.path + "/merged"
            #expect(try Files.list(merged).count == count + 1)
            #expect(try Files.readText(merged + "/top") == "\(count - 1)")
            try Files.replace(merged + "/new", with: [1], durable: false)
            #expect(Files.exists(directory.path + "/upper/new"))
            try Mounts.unmount(merged)
        }
    }

    @Test(.enabled(if: Host.isRoot, "needs root")) func `a refused filesystem says why`() throws {
        let error = #expect(throws: Errno.self) {
            _ = try DetachedMount.make("tmpfs", options: ["size=nonsense"])
        }
        #expect(error?.description.contains("fsconfig tmpfs size=nonsense") == true, "\(String(describing: error))")
    }
}

@Suite(.enabled(if: Host.isRoot, "needs root")) struct NamespaceTests {
    @Test func `a namespace lives at its path until it is released`() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/net"
        try NamespaceThread.makePersistent(.network, at: path)
        let own = try Namespace(.network, process: getpid()).identity()
        let made = try Namespace(.network, path: path).identity()
        #expect(own != made)
        let seen = try NamespaceThread.run(in: .network, path: path) { () throws(Errno) -> String in
            try Files.readText("/proc/thread-self/net/dev")
        }
        #expect(!seen.contains("eth"))
        #expect(try Namespace(.network, process: getpid()).identity() == own)
        try Namespace.release(at: path)
        #expect(!Files.exists(path))
        try Namespace.release(at: path)
    }

    @Test func `a file that is no namespace, or another, is refused`() throws {
        #expect(throws: Errno.self) { _ = try Namespace(.network, path: "/etc/hostname") }
        #expect(throws: Errno.self) { _ = try Namespace(.network, path: "/proc/self/ns/uts") }
    }
}
