// SPDX-License-Identifier: Apache-2.0

public import Glibc
public import Linux
public import Netlink

/// Blocking sockets inside a network namespace: real packets through real rules.
public enum Sockets {
    public static func withAddress<Result>(
        _ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var storage = sockaddr_storage()
        return withUnsafeMutableBytes(of: &storage) { bytes in
            bytes.storeBytes(of: UInt16(address.family.rawValue), as: UInt16.self)
            bytes.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
            let offset = address.family == .v4 ? 4 : 8
            for (index, byte) in address.bytes.enumerated() { bytes[offset + index] = byte }
            let length = address.family == .v4 ? 16 : 28
            return body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
        }
    }

    public static func address(_ storage: sockaddr_storage) -> (IPAddress, UInt16) {
        withUnsafeBytes(of: storage) { bytes in
            let family = bytes.load(as: UInt16.self)
            let port = UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
            let range = family == UInt16(AF_INET) ? 4..<8 : 8..<24
            return (IPAddress(bytes: Array(bytes[range]))!, port)
        }
    }

    public static func make(
        _ namespace: borrowing NetworkNamespace, _ family: IPFamily, udp: Bool
    ) throws -> FileDescriptor {
        let socket = try namespace.socket(
            domain: Int32(family.rawValue), type: Int32(udp ? SOCK_DGRAM.rawValue : SOCK_STREAM.rawValue))
        var one: Int32 = 1
        setsockopt(socket.raw, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var timeout = timeval(tv_sec: 2, tv_usec: 0)
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        return socket
    }

    public static func bound(
        _ namespace: borrowing NetworkNamespace, _ address: IPAddress, _ port: UInt16, udp: Bool = false
    ) throws -> FileDescriptor {
        let socket = try make(namespace, address.family, udp: udp)
        let raw = socket.raw
        try systemCall("bind \(address) \(port)") { withAddress(address, port) { Glibc.bind(raw, $0, $1) } }
        if !udp { try systemCall("listen") { Glibc.listen(raw, 16) } }
        return socket
    }

    /// Connects and returns the socket.
    public static func connect(
        _ namespace: borrowing NetworkNamespace, to address: IPAddress, _ port: UInt16, from source: IPAddress? = nil
    ) throws(Errno) -> FileDescriptor {
        let socket: FileDescriptor
        do { socket = try make(namespace, address.family, udp: false) } catch { throw error as! Errno }
        let raw = socket.raw
        if let source {
            try systemCall("bind \(source)") { withAddress(source, 0) { Glibc.bind(raw, $0, $1) } }
        }
        try systemCall("connect \(address) \(port)") { withAddress(address, port) { Glibc.connect(raw, $0, $1) } }
        return socket
    }

    /// Accepts a connection and returns the peer it seems to come from.
    public static func accept(_ listener: borrowing FileDescriptor) throws -> (peer: IPAddress, socket: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let raw = listener.raw
        let accepted = try systemCall("accept") {
            withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(raw, $0, &length) }
            }
        }
        return (address(storage).0, accepted)
    }

    /// The peer a server sees when `client` connects, with a byte sent each way to prove the path.
    public static func talk(
        from client: borrowing NetworkNamespace, to address: IPAddress, _ port: UInt16,
        server: borrowing FileDescriptor, source: IPAddress? = nil
    ) throws -> IPAddress {
        let connection = try connect(client, to: address, port, from: source)
        let (peer, raw) = try accept(server)
        let accepted = FileDescriptor(owning: raw)
        try accepted.writeAll([42])
        try connection.writeAll([43])
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { try connection.read(into: $0) }
        guard byte == [42] else { throw Errno(EPROTO, "read from \(address) \(port)") }
        return peer
    }

    public static func send(_ socket: borrowing FileDescriptor, to address: IPAddress, _ port: UInt16) throws {
        let raw = socket.raw
        try systemCall("sendto \(address) \(port)") {
            withAddress(address, port) { target, length in sendto(raw, [UInt8(1)], 1, 0, target, length) }
        }
    }

    /// Waits for a datagram; nil after `milliseconds` without one.
    public static func receive(
        _ socket: borrowing FileDescriptor, milliseconds: Int = 1000
    ) throws -> (IPAddress, UInt16)? {
        var poller = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, Int32(milliseconds)) == 1 else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var byte: UInt8 = 0
        let raw = socket.raw
        try systemCall("recvfrom") {
            withUnsafeMutablePointer(to: &storage) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(raw, &byte, 1, 0, $0, &length) }
            }
        }
        return address(storage)
    }
}
