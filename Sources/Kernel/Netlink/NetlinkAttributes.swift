// SPDX-License-Identifier: Apache-2.0

/// The attributes in a piece of an answer. Malformed lengths end the sequence instead of reading past the piece.
public struct NetlinkAttributes: Sequence, Sendable {
    let bytes: ArraySlice<UInt8>

    /// Reads the attributes of `bytes`.
    public init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// One attribute: its number without the nested and byte-order flags, and its payload.
    public struct Attribute: Sendable {
        public let type: UInt16
        public let payload: ArraySlice<UInt8>
        /// The attributes inside this one.
        public var nested: NetlinkAttributes { NetlinkAttributes(payload) }
    }

    public struct Iterator: IteratorProtocol {
        var rest: ArraySlice<UInt8>

        public mutating func next() -> Attribute? {
            guard rest.count >= 4 else { return nil }
            let length = Int(rest.integer(at: 0) as UInt16)
            let type = (rest.integer(at: 2) as UInt16) & 0x3fff
            guard length >= 4, length <= rest.count else { return nil }
            let payload = rest[rest.startIndex + 4..<rest.startIndex + length]
            rest = rest.dropFirst((length + 3) & ~3)
            return Attribute(type: type, payload: payload)
        }
    }

    public func makeIterator() -> Iterator { Iterator(rest: bytes) }

    /// The payload of the first attribute numbered `type`.
    public subscript(type: UInt16) -> ArraySlice<UInt8>? { first { $0.type == type }?.payload }

    /// The attributes inside the first attribute numbered `type`; empty when it is absent.
    public func nested(_ type: UInt16) -> NetlinkAttributes { NetlinkAttributes(self[type] ?? []) }
}

/// One message of an answer.
public struct NetlinkReply: Sendable {
    public let type: UInt16
    public let flags: NetlinkFlags
    public let sequence: UInt32
    /// What follows the header.
    public let payload: ArraySlice<UInt8>
    /// The whole message, header included (libnftnl parses that).
    public let message: ArraySlice<UInt8>

    /// The attributes after a fixed part of `length` bytes.
    public func attributes(after length: Int) -> NetlinkAttributes {
        NetlinkAttributes(payload.dropFirst((length + 3) & ~3))
    }

    /// Cuts a datagram into its messages.
    static func parse(_ datagram: ArraySlice<UInt8>) -> [NetlinkReply] {
        var replies: [NetlinkReply] = []
        var rest = datagram
        while rest.count >= NetlinkMessage.headerLength {
            let length = Int(rest.integer(at: 0) as UInt32)
            guard length >= NetlinkMessage.headerLength, length <= rest.count else { break }
            let message = rest[rest.startIndex..<rest.startIndex + length]
            replies.append(
                NetlinkReply(
                    type: message.integer(at: 4), flags: NetlinkFlags(rawValue: message.integer(at: 6)),
                    sequence: message.integer(at: 8), payload: message.dropFirst(NetlinkMessage.headerLength),
                    message: message))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return replies
    }
}
