// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// The socket on which a runtime hands over the master side of a container's terminal (`--console-socket`).
struct ConsoleSocket: ~Copyable {
    let path: String
    private let listener: FileDescriptor

    init(path: String) throws(Errno) {
        self.path = path
        listener = try UnixListener.open(path)
    }

    deinit { unlink(path) }

    /// The terminal, once the runtime has ended well: it connected and sent before that.
    borrowing func receive() throws(Errno) -> FileDescriptor {
        let raw = listener.raw
        let connection = FileDescriptor(
            owning: try kernelCall("accept \(path)") { clinux_accept(raw, 0, nil) })
        let connected = connection.raw
        var bytes: [UInt8] = Array(repeating: 0, count: 512)
        var descriptor: Int32 = -1
        var count = 1
        try kernelCall("receive the terminal") {
            bytes.withUnsafeMutableBytes {
                clinux_receive_descriptors(connected, $0.baseAddress, $0.count, &descriptor, &count)
            }
        }
        guard count == 1 else { throw Errno(ENOTTY, "receive the terminal") }
        let terminal = FileDescriptor(owning: descriptor)
        try NonBlocking.set(terminal.raw)
        return terminal
    }
}

/// A listening unix socket at a path only its owner may connect to.
enum UnixListener {
    static func open(_ path: String) throws(Errno) -> FileDescriptor {
        unlink(path)
        var address = try self.address(path)
        let socket = FileDescriptor(
            owning: try kernelCall("socket") {
                clinux_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            })
        let raw = socket.raw
        try kernelCall("bind \(path)") { clinux_bind(raw, &address) }
        try systemCall("chmod \(path)") { chmod(path, 0o600) }
        try systemCall("listen \(path)") { listen(raw, 16) }
        try NonBlocking.set(raw)
        return socket
    }

    static func address(_ path: String) throws(Errno) -> clinux_address {
        let bytes = Array(path.utf8)
        guard bytes.count < 108 else { throw Errno(ENAMETOOLONG, "socket \(path)") }
        var address = clinux_address()
        withUnsafeMutableBytes(of: &address.bytes) { target in
            target.storeBytes(of: UInt16(AF_UNIX), as: UInt16.self)
            for (index, byte) in bytes.enumerated() { target[2 + index] = byte }
        }
        address.length = UInt32(2 + bytes.count + 1)
        return address
    }
}
