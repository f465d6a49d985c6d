// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Numbers

/// A number, or text: a percentage, or the name of a port.
public enum IntOrString: Sendable, Hashable, CustomStringConvertible {
    case integer(Int)
    case string(String)

    /// Reads the JSON form; nil for anything but a number or a string.
    public init?(_ value: JSONValue?) {
        switch value {
        case .integer(let number)?: self = .integer(Int(number))
        case .string(let text)?: self = .string(text)
        default: return nil
        }
    }

    public var json: JSONValue {
        switch self {
        case .integer(let number): .integer(Int64(number))
        case .string(let text): .string(text)
        }
    }

    public var description: String {
        switch self {
        case .integer(let number): "\(number)"
        case .string(let text): text
        }
    }

    /// The number before `%`, where the text is a percentage.
    public var percent: Int? {
        guard case .string(let text) = self, text.utf8.last == UInt8(ascii: "%") else { return nil }
        return Int(text.dropLast())
    }

    /// The number itself, or that share of `total`, rounded up or down; nil where the text is no percentage.
    public func scaled(of total: Int, roundUp: Bool) -> Int? {
        if case .integer(let number) = self { return number }
        guard let percent else { return nil }
        let product = percent.saturatingProduct(total)
        let quotient = product / 100
        return roundUp && product % 100 > 0 ? quotient + 1 : quotient
    }
}
