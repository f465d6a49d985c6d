// SPDX-License-Identifier: Apache-2.0

/// One netlink message under construction: a header, a fixed part, attributes. Lengths are patched by the writer, never
/// computed by a caller. Integers are in the host's byte order unless the name says otherwise.
public struct NetlinkMessage: Sendable, Hashable {
    /// The bytes so far, header included; the header's length, sequence and port are filled in when it is sent.
    public private(set) var bytes: [UInt8]
    /// What is being attempted, for the error text: `add link swiftlet0`.
    public var operation: String

    static let headerLength = 16

    /// Starts a message of `type` with `flags` (`NLM_F_REQUEST` is added).
    public init(type: UInt16, flags: NetlinkFlags = [], operation: String, capacity: Int = 128) {
        self.operation = operation
        bytes = []
        bytes.reserveCapacity(capacity)
        append(UInt32(0))
        append(type)
        append(flags.union(.request).rawValue)
        append(UInt32(0))
        append(UInt32(0))
    }

    /// Appends a number in the host's byte order.
    public mutating func append(_ value: some FixedWidthInteger) {
        let little = value.littleEndian
        for shift in stride(from: 0, to: value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: little >> shift))
        }
    }

    /// Appends raw bytes (a fixed structure).
    public mutating func append(raw: some Sequence<UInt8>) { bytes += raw }

    /// Appends an attribute holding `payload`, padded to four bytes.
    public mutating func append(_ attribute: UInt16, bytes payload: some Collection<UInt8>) {
        precondition(payload.count <= 0xfffb, "netlink attribute longer than its length field")
        append(UInt16(4 + payload.count))
        append(attribute)
        bytes += payload
        pad()
    }

    /// Appends an attribute holding a number in the host's byte order.
    public mutating func append(_ attribute: UInt16, _ value: some FixedWidthInteger) {
        append(UInt16(4 + value.bitWidth / 8))
        append(attribute)
        append(value)
        pad()
    }

    /// Appends an attribute holding a number in network order.
    public mutating func append(_ attribute: UInt16, bigEndian value: some FixedWidthInteger) {
        append(attribute, value.bigEndian)
    }

    /// Appends an attribute holding `text` and its terminating zero.
    public mutating func append(_ attribute: UInt16, _ text: String) {
        append(attribute, bytes: Array(text.utf8) + [0])
    }

    /// Appends an attribute holding an address in network order.
    public mutating func append(_ attribute: UInt16, _ address: IPAddress) { append(attribute, bytes: address.bytes) }

    /// Appends an attribute that holds what `body` appends. `flagged` sets NLA_F_NESTED, which newer families demand.
    public mutating func nest<Failure: Error>(
        _ attribute: UInt16, flagged: Bool = true, _ body: (inout NetlinkMessage) throws(Failure) -> Void
    ) throws(Failure) {
        let start = bytes.count
        append(UInt16(0))
        append(flagged ? attribute | 0x8000 : attribute)
        try body(&self)
        let length = bytes.count - start
        precondition(length <= 0xffff, "nested netlink attribute longer than its length field")
        patch(UInt16(length), at: start)
        pad()
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    private mutating func patch(_ value: some FixedWidthInteger, at offset: Int) {
        let little = value.littleEndian
        for index in 0..<value.bitWidth / 8 {
            bytes[offset + index] = UInt8(truncatingIfNeeded: little >> (8 * index))
        }
    }

    /// Adopts a message built elsewhere (libnftnl), header included.
    public init(adopting bytes: [UInt8], operation: String) {
        precondition(bytes.count >= Self.headerLength)
        self.bytes = bytes
        self.operation = operation
    }

    mutating func seal(sequence: UInt32, adding flags: NetlinkFlags) {
        let present = UInt16(bytes[6]) | UInt16(bytes[7]) << 8
        patch(UInt32(bytes.count), at: 0)
        patch(UInt16(littleEndian: present) | flags.rawValue, at: 6)
        patch(sequence, at: 8)
        pad()
    }

    /// The type in the header.
    public var type: UInt16 { bytes.integer(at: 4) }
}

/// The flags of a netlink header.
public struct NetlinkFlags: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    public static let request = NetlinkFlags(rawValue: 0x1)
    public static let multi = NetlinkFlags(rawValue: 0x2)
    public static let acknowledge = NetlinkFlags(rawValue: 0x4)
    public static let echo = NetlinkFlags(rawValue: 0x8)
    public static let dump = NetlinkFlags(rawValue: 0x300)
    public static let replace = NetlinkFlags(rawValue: 0x100)
    public static let exclusive = NetlinkFlags(rawValue: 0x200)
    public static let create = NetlinkFlags(rawValue: 0x400)
    public static let append = NetlinkFlags(rawValue: 0x800)
    /// On an answer: the dump was interrupted by a change and is not consistent.
    static let interrupted = NetlinkFlags(rawValue: 0x10)
    /// On an error: only the request's header is echoed.
    static let capped = NetlinkFlags(rawValue: 0x100)
    /// On an error: attributes follow.
    static let attributes = NetlinkFlags(rawValue: 0x200)
}

extension RandomAccessCollection where Element == UInt8, Index == Int {
    /// The number at `offset` from the start, in the host's byte order; the caller has checked the bounds.
    public func integer<T: FixedWidthInteger>(at offset: Int) -> T {
        var value: T = 0
        for index in 0..<T.bitWidth / 8 {
            value |= T(truncatingIfNeeded: self[startIndex + offset + index]) << T(8 * index)
        }
        return T(littleEndian: value)
    }

    /// The whole as one number in the host's byte order; nil when the size differs.
    public func integer<T: FixedWidthInteger>(as: T.Type = T.self) -> T? {
        count == T.bitWidth / 8 ? integer(at: 0) : nil
    }

    /// The text up to the first zero byte.
    public var terminatedString: String { String(decoding: prefix { $0 != 0 }, as: UTF8.self) }
}
