// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Compact JSON, fields in their stored order, numbers in Go's form; the same value always gives the same bytes.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.write(self)
        return writer.bytes
    }

    /// Appends the compact form. Returns how many levels of objects and lists the value has.
    @discardableResult
    public func encode(into bytes: inout [UInt8]) -> Int {
        var writer = JSONWriter()
        writer.write(self)
        bytes.append(contentsOf: writer.buffer)
        return writer.deepest
    }

    /// The beginning of the compact form: about `limit` bytes, and an ellipsis where there is more.
    public func excerpt(_ limit: Int) -> String {
        var writer = JSONWriter()
        writer.writeBeginning(self, limit)
        guard writer.buffer.count > limit else { return String(decoding: writer.buffer, as: UTF8.self) }
        return String(decoding: writer.buffer.prefix(limit), as: UTF8.self) + "…"
    }

    /// Indented JSON, as `kubectl -o json` shows it, with a final newline.
    public func encodedPretty(indent: Int = 4) -> [UInt8] {
        var writer = JSONWriter()
        writer.writePretty(self, indent: indent, level: 0)
        writer.byte(0x0A)
        return writer.bytes
    }

    /// Appends the indented form of an item, on a line of its own within so many levels of others.
    public func encodePretty(into bytes: inout [UInt8], indent: Int = 4, level: Int) {
        var writer = JSONWriter()
        writer.newLine(indent * level)
        writer.writePretty(self, indent: indent, level: level)
        bytes.append(contentsOf: writer.buffer)
    }

    /// The JSON string literal of a text, quotes included.
    public static func quoted(_ text: String) -> String {
        var writer = JSONWriter()
        writer.write(text)
        return String(decoding: writer.buffer, as: UTF8.self)
    }
}

/// A growing buffer that JSON is written to.
struct JSONWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var count = 0
    private var capacity: Int
    /// Objects and lists that are open, and the most that were.
    private var open = 0
    private(set) var deepest = 0

    init(capacity: Int = 1024) {
        base = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    deinit { base.deallocate() }

    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
    var bytes: [UInt8] { Array(buffer) }

    @inline(__always) private mutating func reserve(_ extra: Int) {
        if capacity - count < extra { grow(extra) }
    }

    @inline(never) private mutating func grow(_ extra: Int) {
        let larger = max(capacity * 2, count + extra)
        let fresh = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        fresh.update(from: base, count: count)
        base.deallocate()
        base = fresh
        capacity = larger
    }

    @inline(__always) mutating func byte(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count += 1
    }

    private mutating func literal(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount)
        (base + count).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        count += text.utf8CodeUnitCount
    }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: literal("null")
        case .bool(let flag): literal(flag ? "true" : "false")
        case .integer(let number): write(number)
        case .number(let number): write(number)
        case .string(let text): write(text)
        case .array(let items):
            begin(UInt8(ascii: "["))
            var first = true
            for item in items {
                if !first { byte(UInt8(ascii: ",")) }
                first = false
                write(item)
            }
            end(UInt8(ascii: "]"))
        case .object(let object):
            begin(UInt8(ascii: "{"))
            var first = true
            for entry in object.entries where entry.live {
                if !first { byte(UInt8(ascii: ",")) }
                first = false
                write(entry.key)
                byte(UInt8(ascii: ":"))
                write(entry.value)
            }
            end(UInt8(ascii: "}"))
        }
    }

    @inline(__always) private mutating func begin(_ bracket: UInt8) {
        byte(bracket)
        open += 1
        if open > deepest { deepest = open }
    }

    @inline(__always) private mutating func end(_ bracket: UInt8) {
        byte(bracket)
        open -= 1
    }

    /// Stops somewhere behind `limit` bytes.
    mutating func writeBeginning(_ value: JSONValue, _ limit: Int) {
        guard count <= limit else { return }
        switch value {
        case .string(let text): write(text.utf8.count > limit ? String(text.unicodeScalars.prefix(limit)) : text)
        case .array(let items):
            byte(UInt8(ascii: "["))
            for (position, item) in items.enumerated() where count <= limit {
                if position > 0 { byte(UInt8(ascii: ",")) }
                writeBeginning(item, limit)
            }
            byte(UInt8(ascii: "]"))
        case .object(let object):
            byte(UInt8(ascii: "{"))
            var first = true
            for (key, item) in object where count <= limit {
                if !first { byte(UInt8(ascii: ",")) }
                first = false
                write(key)
                byte(UInt8(ascii: ":"))
                writeBeginning(item, limit)
            }
            byte(UInt8(ascii: "}"))
        default: write(value)
        }
    }

    mutating func writePretty(_ value: JSONValue, indent: Int, level: Int) {
        switch value {
        case .array(let items) where !items.isEmpty:
            byte(UInt8(ascii: "["))
            for (position, item) in items.enumerated() {
                if position > 0 { byte(UInt8(ascii: ",")) }
                newLine(indent * (level + 1))
                writePretty(item, indent: indent, level: level + 1)
            }
            newLine(indent * level)
            byte(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            byte(UInt8(ascii: "{"))
            var first = true
            for (key, item) in object {
                if !first { byte(UInt8(ascii: ",")) }
                first = false
                newLine(indent * (level + 1))
                write(key)
                literal(": ")
                writePretty(item, indent: indent, level: level + 1)
            }
            newLine(indent * level)
            byte(UInt8(ascii: "}"))
        default: write(value)
        }
    }

    fileprivate mutating func newLine(_ spaces: Int) {
        byte(0x0A)
        for _ in 0..<spaces { byte(0x20) }
    }

    mutating func write(_ number: Int64) {
        reserve(20)
        var magnitude = number.magnitude
        var digits = 1
        var limit: UInt64 = 10
        while digits < 19, magnitude >= limit {
            digits += 1
            limit &*= 10
        }
        if number < 0 {
            base[count] = UInt8(ascii: "-")
            count += 1
        }
        var position = count + digits
        count = position
        repeat {
            let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: 10)
            position -= 1
            base[position] = 0x30 &+ UInt8(truncatingIfNeeded: remainder)
            magnitude = quotient
        } while magnitude != 0
    }

    /// A double in Go's form: shortest digits, exponent only below 1e-6 and from 1e21. Infinities and NaN, which JSON
    /// has no literals for, cannot come from a parser and become null.
    mutating func write(_ number: Double) {
        guard number.isFinite else { return literal("null") }
        let text = Self.goFormat(number)
        reserve(text.utf8.count)
        for byte in text.utf8 {
            base[count] = byte
            count += 1
        }
    }

    static func goFormat(_ number: Double) -> String {
        if number == 0 { return number.sign == .minus ? "-0" : "0" }
        // Swift's description has the shortest digits too; only where the point and the exponent go differs.
        var mantissa = Substring("\(abs(number))")
        var exponent = 0
        if let mark = mantissa.firstIndex(of: "e") {
            exponent = Int(mantissa[mantissa.index(after: mark)...]) ?? 0
            mantissa = mantissa[..<mark]
        }
        var digits = ""
        var pointAt = 0
        if let point = mantissa.firstIndex(of: ".") {
            digits = String(mantissa[..<point]) + mantissa[mantissa.index(after: point)...]
            pointAt = mantissa.distance(from: mantissa.startIndex, to: point)
        } else {
            digits = String(mantissa)
            pointAt = digits.utf8.count
        }
        pointAt += exponent
        while digits.utf8.count > 1, digits.hasPrefix("0") {
            digits.removeFirst()
            pointAt -= 1
        }
        while digits.utf8.count > 1, digits.hasSuffix("0") { digits.removeLast() }
        let sign = number < 0 ? "-" : ""
        let scale = pointAt - 1
        if scale < -6 || scale >= 21 {
            let head = digits.prefix(1)
            let tail = digits.dropFirst()
            let power = abs(scale)
            return sign + head + (tail.isEmpty ? "" : "." + tail) + (scale < 0 ? "e-" : "e+")
                + (power < 10 && scale > 0 ? "0" : "")
                + String(power)
        }
        if pointAt <= 0 { return sign + "0." + String(repeating: "0", count: -pointAt) + digits }
        if pointAt >= digits.utf8.count {
            return sign + digits + String(repeating: "0", count: pointAt - digits.utf8.count)
        }
        return sign + digits.prefix(pointAt) + "." + digits.dropFirst(pointAt)
    }

    mutating func write(_ text: String) {
        let length = text.utf8.count
        // Eight bytes of slack: whole words are stored, and only the plain bytes of the last one kept.
        reserve(length + 10)
        base[count] = UInt8(ascii: "\"")
        count += 1
        var text = text
        text.withUTF8 { bytes in
            guard let source = bytes.baseAddress else { return }
            writeEscaped(source, bytes.count)
        }
        byte(UInt8(ascii: "\""))
    }

    @inline(__always) private mutating func writeEscaped(_ source: UnsafePointer<UInt8>, _ length: Int) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        var position = 0
        while position < length {
            while length - position >= 8 {
                let word = UnsafeRawPointer(source + position).loadUnaligned(as: UInt64.self)
                UnsafeMutableRawPointer(base + count).storeBytes(of: word, as: UInt64.self)
                let quote = word ^ (ones &* 0x22)
                let slash = word ^ (ones &* 0x5C)
                let hit =
                    (((quote &- ones) & ~quote) | ((slash &- ones) & ~slash) | ((word &- (ones &* 0x20)) & ~word))
                    & high
                if hit != 0 {
                    let plain = hit.littleEndian.trailingZeroBitCount >> 3
                    count += plain
                    position += plain
                    break
                }
                count += 8
                position += 8
            }
            guard position < length else { return }
            let byte = source[position]
            position += 1
            if byte >= 0x20, byte != 0x22, byte != 0x5C {
                base[count] = byte
                count += 1
            } else {
                writeEscape(byte)
                reserve(length - position + 10)
            }
        }
    }

    private mutating func writeEscape(_ byte: UInt8) {
        switch byte {
        case 0x22: literal("\\\"")
        case 0x5C: literal("\\\\")
        case 0x0A: literal("\\n")
        case 0x0D: literal("\\r")
        case 0x09: literal("\\t")
        case 0x08: literal("\\b")
        case 0x0C: literal("\\f")
        default:
            literal("\\u00")
            reserve(2)
            let hex: StaticString = "0123456789abcdef"
            base[count] = hex.utf8Start[Int(byte >> 4)]
            base[count + 1] = hex.utf8Start[Int(byte & 15)]
            count += 2
        }
    }
}
