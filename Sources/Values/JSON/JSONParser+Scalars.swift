// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    import Glibc
#endif

/// The keys too long for Swift's inline strings, so that a list of a thousand pods holds `terminationMessagePath` once.
struct KeyCache {
    private var slots: [String] = []

    static let smallest = 16
    static let largest = 64

    mutating func string(_ start: UnsafePointer<UInt8>, _ count: Int) -> String? {
        if slots.isEmpty { slots = [String](repeating: "", count: 256) }
        var hash = UInt(bitPattern: count) &* 0x9E37_79B9
        hash = (hash ^ UInt(start[0])) &* 31 &+ UInt(start[count - 1])
        hash = (hash &* 31 &+ UInt(start[count / 2])) &* 31 &+ UInt(start[count / 3])
        hash = (hash &* 31 &+ UInt(start[count - 4])) &* 31 &+ UInt(start[5])
        let slot = Int((hash ^ (hash >> 8)) & 255)
        let cached = slots[slot]
        if cached.utf8.count == count,
            cached.utf8.withContiguousStorageIfAvailable({ memcmp($0.baseAddress!, start, count) == 0 }) ?? false
        {
            return cached
        }
        guard let fresh = String(validating: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) else {
            return nil
        }
        slots[slot] = fresh
        return fresh
    }
}

extension JSONParser {
    /// Parses a string whose opening quote has been consumed.
    mutating func parseString(isKey: Bool) throws(JSONError) -> String {
        let begin = at
        let isASCII = scanPlain()
        guard at < end else { throw failure("unexpected end of JSON input") }
        if at.pointee == UInt8(ascii: "\"") {
            let count = at - begin
            at += 1
            if isKey, cachesKeys, count >= KeyCache.smallest, count <= KeyCache.largest {
                if let key = keys.string(begin, count) { return key }
            } else if isASCII {
                return String(decoding: UnsafeBufferPointer(start: begin, count: count), as: UTF8.self)
            } else if let text = String(
                validating: UnsafeBufferPointer(start: begin, count: count), as: UTF8.self)
            {
                return text
            }
            at = begin
            throw failure("invalid UTF-8 in string literal")
        }
        return try parseEscapedString(from: begin)
    }

    /// Moves to the next byte that ends or interrupts a string: quote, backslash, control character. Answers whether
    /// all bytes on the way were ASCII.
    @inline(__always) @discardableResult private mutating func scanPlain() -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let high: UInt64 = 0x8080_8080_8080_8080
        var seen: UInt64 = 0
        while end - at >= 8 {
            let word = UInt64(littleEndian: UnsafeRawPointer(at).loadUnaligned(as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let slash = word ^ (ones &* 0x5C)
            let hit =
                ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash) | ((word &- (ones &* 0x20)) & ~word)
            let mask = hit & high
            if mask != 0 {
                let bits = mask.trailingZeroBitCount & ~7
                at += bits >> 3
                return (seen | (word & ((1 << UInt64(bits)) &- 1))) & high == 0
            }
            seen |= word
            at += 8
        }
        while at < end, at.pointee != 0x22, at.pointee != 0x5C, at.pointee >= 0x20 {
            seen |= UInt64(at.pointee)
            at += 1
        }
        return seen & high == 0
    }

    private mutating func parseEscapedString(from begin: UnsafePointer<UInt8>) throws(JSONError) -> String {
        var text: [UInt8] = []
        var plain = begin
        while true {
            text.append(contentsOf: UnsafeBufferPointer(start: plain, count: at - plain))
            guard at < end else { throw failure("unexpected end of JSON input") }
            if at.pointee == UInt8(ascii: "\"") {
                at += 1
                guard let result = String(validating: text, as: UTF8.self) else {
                    at = begin
                    throw failure("invalid UTF-8 in string literal")
                }
                return result
            }
            guard at.pointee == UInt8(ascii: "\\") else { throw unexpected("in string literal") }
            at += 1
            try parseEscape(into: &text)
            plain = at
            scanPlain()
        }
    }

    private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
        guard at < end else { throw failure("unexpected end of JSON input") }
        let byte = at.pointee
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            at += 1
            text.append(contentsOf: UTF8.encode(try parseUnicodeEscape())!)
            return
        default: throw unexpected("in string escape code")
        }
        at += 1
    }

    /// A `\u` escape after the `u`, or a pair of surrogates; a lone surrogate becomes U+FFFD, as Go makes it.
    private mutating func parseUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try parseHex4()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xDC00, end - at >= 6, at[0] == UInt8(ascii: "\\"), at[1] == UInt8(ascii: "u") {
            let back = at
            at += 2
            let second = try parseHex4()
            if second >= 0xDC00, second <= 0xDFFF,
                let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            {
                return scalar
            }
            at = back
        }
        return "\u{FFFD}"
    }

    private mutating func parseHex4() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard at < end else { throw failure("unexpected end of JSON input") }
            let byte = at.pointee
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
            default: throw unexpected("in \\u hexadecimal character escape")
            }
            at += 1
        }
        return value
    }

    mutating func parseNumber() throws(JSONError) -> JSONValue {
        let begin = at
        let negative = at.pointee == UInt8(ascii: "-")
        if negative { at += 1 }
        var magnitude: UInt64 = 0
        var overflow = false
        guard at < end, isDigit(at.pointee) else { throw unexpected("in numeric literal") }
        if at.pointee == UInt8(ascii: "0") {
            at += 1
        } else {
            while at < end, isDigit(at.pointee) {
                let (product, over) = magnitude.multipliedReportingOverflow(by: 10)
                let (sum, carry) = product.addingReportingOverflow(UInt64(at.pointee &- 0x30))
                overflow = overflow || over || carry
                magnitude = sum
                at += 1
            }
        }
        var isInteger = true
        if at < end, at.pointee == UInt8(ascii: ".") {
            isInteger = false
            at += 1
            try skipDigits("after decimal point in numeric literal")
        }
        if at < end, at.pointee | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            at += 1
            if at < end, at.pointee == UInt8(ascii: "+") || at.pointee == UInt8(ascii: "-") { at += 1 }
            try skipDigits("in exponent of numeric literal")
        }
        if isInteger, !overflow, magnitude <= UInt64(Int64.max) + (negative ? 1 : 0) {
            return .integer(negative ? Int64(truncatingIfNeeded: 0 &- magnitude) : Int64(magnitude))
        }
        let text = String(decoding: UnsafeBufferPointer(start: begin, count: at - begin), as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            at = begin
            throw failure("number \(text.prefix(40)) is out of range")
        }
        return .number(value)
    }

    private mutating func skipDigits(_ context: String) throws(JSONError) {
        guard at < end, isDigit(at.pointee) else { throw unexpected(context) }
        while at < end, isDigit(at.pointee) { at += 1 }
    }

    @inline(__always) private func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
}
