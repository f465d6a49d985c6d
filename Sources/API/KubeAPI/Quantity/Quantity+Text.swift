// SPDX-License-Identifier: Apache-2.0

/// Why a text is no quantity, in the words of an API server.
public enum QuantityError: Error, Sendable, Hashable, CustomStringConvertible {
    case format, suffix

    public var description: String {
        switch self {
        case .format:
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        case .suffix: "unable to parse quantity's suffix"
        }
    }
}

extension Quantity {
    /// Parses `1.5Gi`, `250m`, `12e6` and the like.
    public init(parsing text: String) throws(QuantityError) {
        var text = text
        let result = text.withUTF8 { bytes -> Result<Quantity, QuantityError> in
            do throws(QuantityError) { return .success(try Quantity(bytes: bytes)) } catch { return .failure(error) }
        }
        self = try result.get()
    }

    /// The quantity, or nil where the text is none.
    public init?(_ text: String) {
        do throws(QuantityError) { try self.init(parsing: text) } catch { return nil }
    }

    /// The text in the form an API server stores: `1000m` is `1`, `0.5` is `500m`. Nil where the text is no quantity.
    public static func canonical(_ text: String) -> String? { Quantity(text)?.description }

    private init(bytes: UnsafeBufferPointer<UInt8>) throws(QuantityError) {
        var scanner = QuantityScanner(bytes: bytes)
        try scanner.scan()
        guard let (scale, format) = QuantitySuffix.interpret(bytes[scanner.suffixStart...]) else { throw .suffix }
        self = scanner.quantity(scale: scale, format: format)
    }
}

/// What a suffix multiplies by: a power of ten, or a shift.
enum QuantityScale {
    case ten(Int)
    case two(Int)
}

enum QuantitySuffix {
    static func interpret(_ suffix: Slice<UnsafeBufferPointer<UInt8>>) -> (QuantityScale, Quantity.Format)? {
        guard let first = suffix.first else { return (.ten(0), .decimalSI) }
        if suffix.count == 1, let power = decimalPower(first) { return (.ten(power), .decimalSI) }
        if suffix.count == 2, suffix.last == UInt8(ascii: "i"), let shift = binaryShift(first) {
            return (.two(shift), .binarySI)
        }
        guard first == UInt8(ascii: "e") || first == UInt8(ascii: "E"), suffix.count > 1,
            let exponent = Int(String(decoding: suffix.dropFirst(), as: UTF8.self))
        else { return nil }
        return (.ten(max(-1000, min(1000, exponent))), .decimalExponent)
    }

    private static func decimalPower(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "n"): -9
        case UInt8(ascii: "u"): -6
        case UInt8(ascii: "m"): -3
        case UInt8(ascii: "k"): 3
        case UInt8(ascii: "M"): 6
        case UInt8(ascii: "G"): 9
        case UInt8(ascii: "T"): 12
        case UInt8(ascii: "P"): 15
        case UInt8(ascii: "E"): 18
        default: nil
        }
    }

    private static func binaryShift(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "K"): 10
        case UInt8(ascii: "M"): 20
        case UInt8(ascii: "G"): 30
        case UInt8(ascii: "T"): 40
        case UInt8(ascii: "P"): 50
        case UInt8(ascii: "E"): 60
        default: nil
        }
    }
}

/// Reads sign, digits and the place of the suffix.
private struct QuantityScanner {
    let bytes: UnsafeBufferPointer<UInt8>
    var negative = false
    /// The digits before and after the point as one number, as far as they fit.
    var mantissa: Int128 = 0
    /// The power of ten the mantissa stands at.
    var power = 0
    /// Whether a digit other than zero was dropped for lack of room: rounds away from zero.
    var inexact = false
    var suffixStart = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func scan() throws(QuantityError) {
        guard !bytes.isEmpty else { throw .format }
        var position = 0
        if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") {
            negative = bytes[0] == UInt8(ascii: "-")
            position = 1
        }
        // No digits at all read as zero, as upstream has it.
        position = digits(from: position, fraction: false)
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position = digits(from: position + 1, fraction: true)
        }
        suffixStart = position
        try checkSuffix(from: position)
    }

    /// Takes digits and returns where they end.
    private mutating func digits(from start: Int, fraction: Bool) -> Int {
        var position = start
        while position < bytes.count, case let digit = bytes[position] &- UInt8(ascii: "0"), digit <= 9 {
            // One digit more must still be within the bound, and so within the type.
            if mantissa < Quantity.bound / 10 {
                mantissa = mantissa * 10 + Int128(digit)
                if fraction { power -= 1 }
            } else {
                if digit != 0 { inexact = true }
                if !fraction { power += 1 }
            }
            position += 1
        }
        return position
    }

    private func checkSuffix(from start: Int) throws(QuantityError) {
        var position = start
        while position < bytes.count, isSuffixLetter(bytes[position]) { position += 1 }
        if position < bytes.count, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
            position += 1
        }
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") <= 9 { position += 1 }
        guard position == bytes.count else { throw .format }
    }

    private func isSuffixLetter(_ letter: UInt8) -> Bool {
        switch letter {
        case UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "i"), UInt8(ascii: "n"), UInt8(ascii: "u"),
            UInt8(ascii: "m"), UInt8(ascii: "k"), UInt8(ascii: "K"), UInt8(ascii: "M"), UInt8(ascii: "G"),
            UInt8(ascii: "T"), UInt8(ascii: "P"):
            true
        default: false
        }
    }

    func quantity(scale: QuantityScale, format: Quantity.Format) -> Quantity {
        var format = format
        var number = mantissa
        var shiftTen = power + 9
        var rounded = inexact
        switch scale {
        case .ten(let exponent): shiftTen += exponent
        case .two(let shift):
            let factor = Int128(1) << shift
            // Digits are dropped from the right until the product has room.
            while number > Int128.max / factor {
                if number % 10 != 0 { rounded = true }
                number /= 10
                shiftTen += 1
            }
            number *= factor
        }
        if number != 0 {
            while shiftTen > 0, number <= Quantity.bound / 10 {
                number *= 10
                shiftTen -= 1
            }
            if shiftTen > 0 { number = Quantity.bound }
            while shiftTen < 0, number != 0 {
                if number % 10 != 0 { rounded = true }
                number /= 10
                shiftTen += 1
            }
            if rounded { number += 1 }
        }
        if format == .binarySI {
            number = min(number, Int128(Int64.max) * Quantity.unit)
            if number > 0, number < Quantity.unit { format = .decimalSI }
        }
        number = min(number, Quantity.bound)
        return Quantity(nanos: negative ? -number : number, format: format)
    }
}

extension Quantity {
    /// The canonical form: no fraction, the largest suffix that keeps the number whole. Binary amounts that are not whole,
    /// or small, are shown in decimal, so that nothing is lost: `1.1Ki` is `1126400m`.
    public var description: String {
        switch format {
        case .binarySI where !isInteger || (nanos > -1024 * Self.unit && nanos < 1024 * Self.unit):
            return decimalText(exponentForm: false)
        case .binarySI: return binaryText
        case .decimalSI: return decimalText(exponentForm: false)
        case .decimalExponent: return decimalText(exponentForm: true)
        }
    }

    private var binaryText: String {
        var number = nanos / Self.unit
        var step = 0
        while number % 1024 == 0, step < 6 {
            number /= 1024
            step += 1
        }
        return "\(number)" + ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][step]
    }

    private func decimalText(exponentForm: Bool) -> String {
        if nanos == 0 { return "0" }
        var number = nanos
        var exponent = -9
        while number % 1000 == 0, exponentForm || exponent < 18 {
            number /= 1000
            exponent += 3
        }
        if exponentForm { return exponent == 0 ? "\(number)" : "\(number)e\(exponent)" }
        return "\(number)" + ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"][(exponent + 9) / 3]
    }
}
