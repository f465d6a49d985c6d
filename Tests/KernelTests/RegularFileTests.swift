// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@Suite struct RegularFileTests {
    let directory: TemporaryDirectory
    init() throws {
        directory = try TemporaryDirectory()
        try Files.makeDirectory(directory.path + "/root")
        try Files.write(directory.path + "/secret", [1], flags: O_WRONLY | O_CREAT)
        try Files.write(directory.path + "/root/file", Array("text".utf8), flags: O_WRONLY | O_CREAT)
    }

    private func read(_ path: String, limit: Int = 100) throws(Errno) -> [UInt8] {
        try FileDescriptor.open(directory.path + "/root", O_RDONLY | O_DIRECTORY).readRegular(below: path, limit: limit)
    }

    @Test func `a regular file is read up to the limit, and not beyond`() throws {
        #expect(try read("file", limit: 4) == Array("text".utf8))
        #expect(#expect(throws: Errno.self) { try read("file", limit: 3) }?.code == EFBIG)
        #expect(try Files.readRegular(directory.path + "/root/file", limit: 4).count == 4)
        try Files.symlink("file", at: directory.path + "/root/link")
        #expect(try read("link") == Array("text".utf8))
        let root = try FileDescriptor.open(directory.path + "/root", O_RDONLY | O_DIRECTORY)
        let error = #expect(throws: Errno.self) { try root.readRegular(below: "link", limit: 9, followLast: false) }
        #expect(error?.code == EINVAL)
    }

    @Test func `nothing leads out of the root`() throws {
        try Files.symlink("../secret", at: directory.path + "/root/up")
        try Files.symlink(directory.path + "/secret", at: directory.path + "/root/absolute")
        try Files.symlink("/proc/self/root/etc/passwd", at: directory.path + "/root/magic")
        for path in ["up", "absolute", "magic", "../secret"] {
            #expect(throws: Errno.self, "\(path)") { try read(path) }
        }
    }

    @Test func `what is no regular file is not opened, and nothing waits`() throws {
        try Files.makeFifo(directory.path + "/root/fifo", mode: 0o600)
        let socket = try Socket.listening(at: .unix(directory.path + "/root/socket"))
        #expect(#expect(throws: Errno.self) { try read("fifo") }?.code == EINVAL)
        #expect(#expect(throws: Errno.self) { try read("socket") }?.code == EINVAL)
        _ = socket
        #expect(#expect(throws: Errno.self) { try read(".") }?.code == EISDIR)
        let device = #expect(throws: Errno.self) { _ = try Files.openRegular("/dev/zero") }
        #expect(device?.description.contains("a character device") == true)
    }

    /// A file under a lease keeps whoever opens it waiting until the lease is given up.
    @Test func `a file under a lease makes nobody wait`() throws {
        let path = directory.path + "/root/file"
        let holder = try FileDescriptor.open(path, O_RDWR)
        guard fcntl(holder.raw, 1024, F_WRLCK) == 0 else { return }  // F_SETLEASE; not on every file system
        signal(SIGIO, SIG_IGN)
        #expect(#expect(throws: Errno.self) { try read("file") }?.code == EAGAIN)
        try holder.close()
    }
}
