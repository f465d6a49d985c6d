// SPDX-License-Identifier: Apache-2.0

/// How a field's bytes are delimited.
enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case bytes = 2
    case fixed32 = 5
}

/// Reads tags and values from one message.
struct WireReader {
    private let source: ArraySlice<UInt8>
    private var at: Int

    init(_ source: ArraySlice<UInt8>) {
        self.source = source
        at = source.startIndex
    }

    var isAtEnd: Bool { at >= source.endIndex }

    mutating func nextTag() throws(ProtobufError) -> (number: Int, wire: WireType)? {
        guard !isAtEnd else { return nil }
        let tag = try varint()
        guard let wire = WireType(rawValue: tag & 7) else { throw ProtobufError("unknown wire type \(tag & 7)") }
        guard let number = Int(exactly: tag >> 3), number > 0, number < 1 << 29 else {
            throw ProtobufError("illegal field number")
        }
        return (number, wire)
    }

    mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard at < source.endIndex else { throw ProtobufError("unexpected end of message") }
            let byte = source[at]
            at += 1
            if shift == 63, byte > 1 { break }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw ProtobufError("a number has more than 64 bits")
    }

    mutating func varint(_ wire: WireType) throws(ProtobufError) -> UInt64 {
        guard wire == .varint else { throw ProtobufError("wrong wire type for a number") }
        return try varint()
    }

    mutating func fixed64(_ wire: WireType) throws(ProtobufError) -> UInt64 {
        guard wire == .fixed64, source.endIndex - at >= 8 else { throw ProtobufError("wrong wire type for a double") }
        var value: UInt64 = 0
        for offset in 0..<8 { value |= UInt64(source[at + offset]) << UInt64(8 * offset) }
        at += 8
        return value
    }

    mutating func bytes(_ wire: WireType) throws(ProtobufError) -> ArraySlice<UInt8> {
        guard wire == .bytes else { throw ProtobufError("wrong wire type for bytes") }
        guard let length = Int(exactly: try varint()), length <= source.endIndex - at else {
            throw ProtobufError("unexpected end of message")
        }
        defer { at += length }
        return source[at..<at + length]
    }

    mutating func string(_ wire: WireType) throws(ProtobufError) -> String {
        guard let text = String(validating: try bytes(wire), as: UTF8.self) else {
            throw ProtobufError("a string is not UTF-8")
        }
        return text
    }

    mutating func skip(_ wire: WireType) throws(ProtobufError) {
        let size: Int
        switch wire {
        case .varint:
            _ = try varint()
            return
        case .bytes:
            _ = try bytes(wire)
            return
        case .fixed64: size = 8
        case .fixed32: size = 4
        }
        guard source.endIndex - at >= size else { throw ProtobufError("unexpected end of message") }
        at += size
    }
}

/// Writes tags and values of one message.
struct WireWriter {
    var bytes: [UInt8] = []

    private mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(value))
    }

    private mutating func tag(_ number: Int, _ wire: WireType) { varint(UInt64(number) << 3 | wire.rawValue) }

    mutating func integer(_ number: Int, _ value: Int64) {
        tag(number, .varint)
        varint(UInt64(bitPattern: value))
    }

    mutating func double(_ number: Int, _ value: Double) {
        tag(number, .fixed64)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ number: Int, _ text: String) {
        tag(number, .bytes)
        varint(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    mutating func data(_ number: Int, _ data: [UInt8]) {
        length(number, data.count)
        bytes.append(contentsOf: data)
    }

    /// What stands before so many bytes of a field.
    mutating func length(_ number: Int, _ count: Int) {
        tag(number, .bytes)
        varint(UInt64(count))
    }

    mutating func message<Failure: Error>(
        _ number: Int, _ write: (inout WireWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var inner = WireWriter()
        try write(&inner)
        data(number, inner.bytes)
    }
}
