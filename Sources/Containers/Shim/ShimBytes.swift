// SPDX-License-Identifier: Apache-2.0

/// Writes the fields of a frame one after the other, little endian; text is its length in four bytes and its UTF-8.
struct ShimWriter {
    var bytes: [UInt8] = []

    mutating func uint8(_ value: UInt8) { bytes.append(value) }
    mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }
    mutating func uint32(_ value: UInt32) { integer(value) }
    mutating func int32(_ value: Int32) { integer(UInt32(bitPattern: value)) }
    mutating func uint64(_ value: UInt64) { integer(value) }
    mutating func int64(_ value: Int64) { integer(UInt64(bitPattern: value)) }

    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    mutating func string(_ value: String) {
        uint32(UInt32(value.utf8.count))
        bytes += Array(value.utf8)
    }

    mutating func optional(_ value: String?) {
        bool(value != nil)
        if let value { string(value) }
    }

    mutating func process(_ process: ProcessIdentity) {
        int32(process.pid)
        uint64(process.startTime)
    }

    mutating func streams(_ streams: [ShimStream]) {
        uint8(UInt8(streams.count))
        for stream in streams { uint8(stream.rawValue) }
    }

    mutating func exit(_ record: ExitRecord) {
        string(record.container)
        int32(record.pid)
        int32(record.code)
        int32(record.signal)
        int64(record.startedAt)
        int64(record.finishedAt)
    }
}

/// Reads what `ShimWriter` wrote; everything missing is an error.
struct ShimReader {
    var bytes: ArraySlice<UInt8>

    mutating func uint8() throws(ShimCodingError) -> UInt8 {
        guard let byte = bytes.popFirst() else { throw ShimCodingError("a frame that ends early") }
        return byte
    }

    mutating func bool() throws(ShimCodingError) -> Bool { try uint8() != 0 }
    mutating func uint32() throws(ShimCodingError) -> UInt32 { try integer() }
    mutating func int32() throws(ShimCodingError) -> Int32 { Int32(bitPattern: try integer()) }
    mutating func uint64() throws(ShimCodingError) -> UInt64 { try integer() }
    mutating func int64() throws(ShimCodingError) -> Int64 { Int64(bitPattern: try integer()) }

    mutating func integer<Value: FixedWidthInteger & UnsignedInteger>() throws(ShimCodingError) -> Value {
        var value: Value = 0
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) { value |= Value(try uint8()) << Value(shift) }
        return value
    }

    mutating func string() throws(ShimCodingError) -> String {
        let count = Int(try uint32())
        guard bytes.count >= count else { throw ShimCodingError("a text that ends early") }
        let text = bytes.prefix(count)
        bytes.removeFirst(count)
        guard let string = String(validating: text, as: UTF8.self) else {
            throw ShimCodingError("text that is not UTF-8")
        }
        return string
    }

    mutating func optional() throws(ShimCodingError) -> String? { try bool() ? try string() : nil }

    mutating func process() throws(ShimCodingError) -> ProcessIdentity {
        ProcessIdentity(pid: try int32(), startTime: try uint64())
    }

    mutating func streams() throws(ShimCodingError) -> [ShimStream] {
        var streams: [ShimStream] = []
        for _ in 0..<(try uint8()) {
            let raw = try uint8()
            guard let stream = ShimStream(rawValue: raw) else { throw ShimCodingError("a stream \(raw)") }
            streams.append(stream)
        }
        return streams
    }

    mutating func exit() throws(ShimCodingError) -> ExitRecord {
        ExitRecord(
            container: try string(), pid: try int32(), code: try int32(), signal: try int32(),
            startedAt: try int64(), finishedAt: try int64())
    }
}
