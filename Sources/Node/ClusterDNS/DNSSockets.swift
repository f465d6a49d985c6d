// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Glibc
internal import Linux

/// A datagram socket whose readiness is awaited on a loop.
final class DatagramSocket: Sendable {
    private let socket: Socket
    private let events: AsyncDescriptor

    private init(_ socket: consuming Socket, _ loop: EventLoop) throws(Errno) {
        events = AsyncDescriptor(owning: try socket.descriptor.duplicate(), loop: loop)
        self.socket = socket
    }

    /// Bound to `address`.
    convenience init(at address: SocketAddress, loop: EventLoop) throws(Errno) {
        let socket = try Socket(family: address.family, kind: .datagram, nonBlocking: true)
        try socket.allowAbsentAddress(address)
        // Room for what comes while others are answered; beyond it whoever sends most keeps the others out.
        do throws(Errno) { try socket.setOption(SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20) } catch {
            // Without the right to more it is as much as the machine gives everybody.
            try socket.setOption(SOL_SOCKET, SO_RCVBUF, 4 << 20)
        }
        try socket.bind(to: address)
        try self.init(socket, loop)
    }

    /// Connected: it takes datagrams of `address` alone, and hears of it when nobody listens there.
    convenience init(connectedTo address: SocketAddress, loop: EventLoop) throws(Errno) {
        let socket = try Socket(family: address.family, kind: .datagram, nonBlocking: true)
        try socket.connect(to: address)
        try self.init(socket, loop)
    }

    func readable() async throws { try await events.readable() }

    /// The next datagram; nil when there is none.
    func receive(limit: Int) throws(Errno) -> (bytes: [UInt8], from: SocketAddress?)? {
        do throws(Errno) { return try socket.receiveFrom(limit: limit) } catch {
            if error.isWouldBlock { return nil }
            throw error
        }
    }

    /// The next datagram, waited for.
    func next(limit: Int) async throws -> [UInt8] {
        while true {
            if let datagram = try receive(limit: limit) { return datagram.bytes }
            try await readable()
        }
    }

    func send(_ bytes: [UInt8]) throws { _ = try bytes.withUnsafeBytes { try socket.send($0) } }

    func send(_ bytes: [UInt8], to address: SocketAddress) throws(Errno) { try socket.send(bytes, to: address) }
}

extension AsyncListener {
    /// Listens for streams at `address`, which may come up later.
    static func open(at address: SocketAddress, loop: EventLoop) throws(Errno) -> AsyncListener {
        let socket = try Socket(family: address.family, nonBlocking: true)
        try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1)
        try socket.allowAbsentAddress(address)
        try socket.bind(to: address)
        try socket.listen(backlog: 128)
        return try AsyncListener(owning: socket, loop: loop)
    }
}

extension Socket {
    /// Lets bind(2) take an address the machine does not have at this moment (ip(7), IP_FREEBIND).
    fileprivate func allowAbsentAddress(_ address: SocketAddress) throws(Errno) {
        let ipv6FreeBind: Int32 = 78
        if address.family == AF_INET6 {
            try setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
            try setOption(Int32(IPPROTO_IPV6), ipv6FreeBind, 1)
        } else {
            try setOption(Int32(IPPROTO_IP), IP_FREEBIND, 1)
        }
    }
}

/// Messages on a stream: each behind its length of two bytes (RFC 1035, 4.2.2).
enum StreamFraming {
    static func framed(_ message: [UInt8]) -> [UInt8] {
        [UInt8(message.count >> 8 & 0xff), UInt8(message.count & 0xff)] + message
    }

    /// The next message; fails when it is longer than `limit`, with EMSGSIZE.
    static func read(_ stream: AsyncSocket, limit: Int = Int(UInt16.max)) async throws -> [UInt8] {
        let length = try await stream.readExactly(2)
        let count = Int(length[0]) << 8 | Int(length[1])
        guard count <= limit else { throw Errno(EMSGSIZE, "read a DNS message of \(count) bytes") }
        return try await stream.readExactly(count)
    }
}
