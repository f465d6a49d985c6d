// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
public import Netlink

/// Ethernet frames byte by byte: what a process with CAP_NET_RAW can send, honest or not.
public struct Frame: Sendable {
    public var destination: [UInt8]
    public var source: [UInt8]
    public var type: UInt16
    public var payload: [UInt8]

    public init(to destination: [UInt8], from source: [UInt8], type: UInt16, _ payload: [UInt8]) {
        self.destination = destination
        self.source = source
        self.type = type
        self.payload = payload
    }

    public var bytes: [UInt8] { destination + source + word(type) + payload }

    public static let broadcast = [UInt8](repeating: 0xff, count: 6)

    /// The frame behind VLAN tags of these types, outermost first.
    public func tagged(_ types: UInt16..., id: UInt16 = 5) -> Frame {
        var frame = self
        for tag in types.reversed() {
            frame.payload = word(id) + word(frame.type) + frame.payload
            frame.type = tag
        }
        return frame
    }

    public static func arp(
        operation: UInt16, hardware: [UInt8], address: IPAddress, target: IPAddress,
        to destination: [UInt8] = broadcast,
        from source: [UInt8]
    ) -> Frame {
        Frame(
            to: destination, from: source, type: 0x0806,
            word(1) + word(0x0800) + [6, 4] + word(operation) + hardware + address.bytes + [0, 0, 0, 0, 0, 0]
                + target.bytes)
    }

    /// A datagram; `data` is what it carries.
    public static func udp(
        from source: IPAddress, to destination: IPAddress, port: UInt16, _ data: [UInt8], hardware: [UInt8],
        next: [UInt8]
    ) -> Frame {
        let datagram = word(40000) + word(port) + word(UInt16(8 + data.count)) + [0, 0] + data
        guard source.family == .v4 else {
            return ip6(from: source, to: destination, header: 17, datagram, hardware: hardware, next: next)
        }
        var header = [0x45, 0] + word(UInt16(20 + datagram.count)) + [0, 0, 0, 0, 64, 17, 0, 0]
        header += source.bytes + destination.bytes
        let sum = checksum(header)
        header[10] = UInt8(sum >> 8)
        header[11] = UInt8(sum & 0xff)
        return Frame(to: next, from: hardware, type: 0x0800, header + datagram)
    }

    public static func ip6(
        from source: IPAddress, to destination: IPAddress, header: UInt8, _ payload: [UInt8], hardware: [UInt8],
        next: [UInt8]
    ) -> Frame {
        Frame(
            to: next, from: hardware, type: 0x86dd,
            [0x60, 0, 0, 0] + word(UInt16(payload.count)) + [header, 255] + source.bytes + destination.bytes + payload)
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum = stride(from: 0, to: bytes.count, by: 2).reduce(0) { $0 + Int(bytes[$1]) << 8 + Int(bytes[$1 + 1]) }
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }
}

private func word(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }

/// A packet socket on one interface: sends frames as they are and receives what passes there.
public struct Wire: ~Copyable {
    private let socket: FileDescriptor

    public init(_ interface: String, in namespace: borrowing NetworkNamespace) throws {
        guard let link = try NetlinkSocket(.route, in: namespace).link(named: interface) else {
            throw Errno(ENODEV, "find \(interface)")
        }
        // AF_PACKET, every protocol.
        let socket = try namespace.socket(
            domain: 17, type: Int32(SOCK_RAW.rawValue), protocol: Int32(UInt16(3).bigEndian))
        try Self.bind(socket, link.index)
        self.socket = socket
    }

    private static func bind(_ socket: borrowing FileDescriptor, _ link: Int32) throws {
        var storage = sockaddr_storage()
        let raw = socket.raw
        try systemCall("bind to interface \(link)") {
            withUnsafeMutableBytes(of: &storage) { bytes in
                bytes.storeBytes(of: UInt16(17), as: UInt16.self)
                bytes.storeBytes(of: UInt16(3).bigEndian, toByteOffset: 2, as: UInt16.self)
                bytes.storeBytes(of: link, toByteOffset: 4, as: Int32.self)
                return Glibc.bind(raw, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), 20)
            }
        }
    }

    public func send(_ frame: Frame) throws { try socket.writeAll(frame.bytes) }

    /// The next frame that passes; nil after five seconds without one.
    public func receive() throws -> [UInt8]? {
        var poller = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&poller, 1, 5000) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 2048)
        let count = try bytes.withUnsafeMutableBytes { try socket.read(into: $0) }
        return Array(bytes.prefix(count))
    }

    /// Whether a frame that holds `data` passed before one that holds `fence`, which must come.
    public func saw(_ data: [UInt8], before fence: [UInt8]) throws -> Bool {
        var found = false
        while let frame = try receive() {
            if frame.firstRange(of: data) != nil { found = true }
            if frame.firstRange(of: fence) != nil { return found }
        }
        throw Errno(ETIMEDOUT, "wait for the fence")
    }
}
