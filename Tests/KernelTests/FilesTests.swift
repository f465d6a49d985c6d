// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@Suite struct FilesTests {
    let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    @Test func `a replaced file holds the new bytes and leaves no temporary`() throws {
        let path = directory.path + "/f"
        try Files.replace(path, with: [1, 2, 3])
        try Files.replace(path, with: [4, 5], mode: 0o600)
        #expect(try Files.read(path) == [4, 5])
        #expect(try Files.status(path).permissions == 0o600)
        #expect(try Files.list(directory.path).map(\.name) == ["f"])
    }

    @Test func `an error names the call, the path and the reason`() {
        let error = #expect(throws: Errno.self) { try Files.read(directory.path + "/missing") }
        #expect(error?.description == "open \(directory.path)/missing: no such file or directory")
    }

    @Test func `a symlink cannot lead an anchored open outside`() throws {
        try Files.makeDirectory(directory.path + "/root")
        try Files.write(directory.path + "/secret", [1], flags: O_WRONLY | O_CREAT)
        try Files.symlink("../secret", at: directory.path + "/root/escape")
        try Files.symlink("/etc", at: directory.path + "/root/absolute")
        let root = try FileDescriptor.handle(directory.path + "/root", directory: true)
        #expect(throws: Errno.self) { _ = try root.open(below: "escape", O_RDONLY) }
        #expect(throws: Errno.self) { _ = try root.open(below: "absolute/hostname", O_RDONLY) }
        let made = try root.makeDirectories(below: "absolute/../absolute2/x")
        #expect(try made.kernelPath() == directory.path + "/root/absolute2/x")
    }

    @Test func `directories are made through a symlink only inside the root`() throws {
        try Files.makeDirectory(directory.path + "/root")
        try Files.makeDirectory(directory.path + "/root/inner")
        try Files.symlink("/inner", at: directory.path + "/root/link")
        let root = try FileDescriptor.handle(directory.path + "/root", directory: true)
        let made = try root.makeDirectories(below: "/link/a/b")
        #expect(try made.kernelPath() == directory.path + "/root/inner/a/b")
    }

    @Test func `a tree is removed without following links`() throws {
        let keep = directory.path + "/keep"
        try Files.makeDirectories(keep + "/deep")
        try Files.makeDirectories(directory.path + "/tree/a/b/c")
        try Files.symlink(keep, at: directory.path + "/tree/a/link")
        for index in 0..<300 { try Files.write("\(directory.path)/tree/a/\(index)", [], flags: O_WRONLY | O_CREAT) }
        try Files.removeTree(directory.path + "/tree")
        #expect(!Files.exists(directory.path + "/tree"))
        #expect(Files.exists(keep + "/deep"))
        try Files.removeTree(directory.path + "/tree")
    }

    @Test func `a tree is removed whatever its names are and however deep it is`() throws {
        // In memory: a disk takes its time for a tree like this one.
        let tree = "/dev/shm/swiftlet-tree-\(getpid())"
        try Files.makeDirectories(tree)
        defer { try? Files.removeTree(tree) }  // where the test has failed before
        // As a container makes it: each directory in the one before. Deeper than a path may be long, and than a stack of
        // calls and a table of descriptors reach.
        var current = try FileDescriptor.open(tree, O_RDONLY | O_DIRECTORY)
        let depth = 12_000
        for _ in 0..<depth {
            #expect(mkdirat(current.raw, "d", 0o755) == 0)
            current = try current.open(below: "d", O_RDONLY | O_DIRECTORY)
        }
        let name: [CChar] = [-1, 0x41, -2, 0]
        #expect(mkdirat(current.raw, name, 0o755) == 0)
        #expect(mknodat(current.raw, [-3, 0], S_IFREG | 0o600, 0) == 0)
        #expect(try Files.usage(tree).inodes == UInt64(depth) + 3)
        try Files.removeTree(tree)
        #expect(!Files.exists(tree))
    }

    @Test(arguments: ["/dev/shm", "/tmp"]) func `a wide tree is removed whole`(place: String) throws {
        // Directories between files: each is gone into, and the rest is found again, by place, behind it.
        let tree = "\(place)/swiftlet-wide-\(getpid())"
        try Files.makeDirectories(tree)
        defer { try? Files.removeTree(tree) }  // where the test has failed before
        let names = 1_500
        for index in 0..<names {
            try Files.makeDirectories("\(tree)/d\(index)/e/f")
            try Files.write("\(tree)/n\(index)", [], flags: O_WRONLY | O_CREAT)
            try Files.write("\(tree)/d\(index)/e/n", [], flags: O_WRONLY | O_CREAT)
        }
        #expect(try Files.usage(tree).inodes == UInt64(1 + 5 * names))
        try Files.removeTree(tree)
        #expect(!Files.exists(tree))
    }

    @Test func `what many levels have read is read again when the walk comes back`() throws {
        let tree = "/dev/shm/swiftlet-levels-\(getpid())"
        try Files.makeDirectories(tree)
        defer { try? Files.removeTree(tree) }  // where the test has failed before
        var current = try FileDescriptor.open(tree, O_RDONLY | O_DIRECTORY)
        let (depth, names) = (200, 200)
        for _ in 0..<depth {
            for index in 0..<names { #expect(mknodat(current.raw, "n\(index)", S_IFREG | 0o600, 0) == 0) }
            #expect(mkdirat(current.raw, "d", 0o755) == 0)
            current = try current.open(below: "d", O_RDONLY | O_DIRECTORY)
        }
        #expect(try Files.usage(tree).inodes == UInt64(1 + depth * (names + 1)))
        try Files.removeTree(tree)
        #expect(!Files.exists(tree))
    }

    @Test func `a mount below a tree is not emptied`() throws {
        try #require(getuid() == 0)
        let tree = directory.path + "/tree"
        try Files.makeDirectories(tree + "/a/mounted")
        #expect(mount("tmpfs", tree + "/a/mounted", "tmpfs", 0, nil) == 0)
        defer { umount2(tree + "/a/mounted", Int32(MNT_DETACH)) }
        try Files.write(tree + "/a/mounted/kept", [1], flags: O_WRONLY | O_CREAT)
        #expect { try Files.removeTree(tree) } throws: { ($0 as? Errno)?.code == EBUSY }
        #expect(Files.exists(tree + "/a/mounted/kept"))
        #expect(try Files.usage(tree).inodes == 3)
    }

    @Test func `a lock excludes a second taker until it is released`() throws {
        let path = directory.path + "/lock"
        let first = try FileLock.acquire(path)
        let refused = try FileLock.tryAcquire(path) == nil
        #expect(refused)
        first.release()
        let granted = try FileLock.tryAcquire(path) != nil
        #expect(granted)
    }

    @Test(.enabled(if: Host.isRoot, "needs root")) func `extended attributes come back as they were set`() throws {
        let path = directory.path + "/f"
        try Files.replace(path, with: [])
        try ExtendedAttributes.set(path, "user.a", [9, 0, 8])
        #expect(try ExtendedAttributes.get(path, "user.a") == [9, 0, 8])
        #expect(try ExtendedAttributes.get(path, "user.b") == nil)
        #expect(try ExtendedAttributes.list(path) == ["user.a"])
        try ExtendedAttributes.remove(path, "user.a")
        #expect(try ExtendedAttributes.list(path) == [])
    }

    @Test func `a sealed memory file refuses writes`() throws {
        let file = try FileDescriptor.memoryFile("test")
        try file.writeAll([1])
        try file.seal()
        #expect(throws: Errno.self) { try file.writeAll([2]) }
    }
}
