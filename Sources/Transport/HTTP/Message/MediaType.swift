// SPDX-License-Identifier: Apache-2.0

internal import Text

/// A media type or range with its parameters, as in Content-Type and Accept (RFC 9110 §8.3.1, §12.5.1).
public struct MediaType: Sendable, Hashable {
    /// Lower case: `application`, `json`; `*` in a range.
    public var type, subtype: String
    /// Parameter names in lower case, values as given (quotes removed); without `q`.
    public var parameters: [String: String]
    /// The weight of an Accept element, 0 to 1000; 1000 when not given.
    public var quality: Int

    public init(type: String, subtype: String, parameters: [String: String] = [:], quality: Int = 1000) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
        self.quality = quality
    }

    /// `application/json`, without parameters.
    public var essence: String { "\(type)/\(subtype)" }

    /// Parses one element; nil when it is not a media type.
    public init?(_ text: String) {
        let parts = splitOutsideQuotes(text, 0x3b)
        guard let first = parts.first else { return nil }
        let names = first.trimmingHTTPSpace().lowercasedASCII().steps(keepingEmpty: true)
        guard names.count == 2, names.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isHTTPToken) }) else {
            return nil
        }
        self.init(type: String(names[0]), subtype: String(names[1]))
        for part in parts.dropFirst() {
            let pair = part.trimmingHTTPSpace()
            guard let mark = pair.firstIndex(of: "=") else { continue }
            let name = pair[..<mark].trimmingHTTPSpace().lowercasedASCII()
            let value = unquoted(pair[pair.index(after: mark)...].trimmingHTTPSpace())
            if name == "q" {
                quality = Self.quality(value)
            } else {
                parameters[name] = value
            }
        }
    }

    /// Whether this range (`*/*`, `application/*`) takes in `other`; parameters are not looked at.
    public func includes(_ other: MediaType) -> Bool {
        (type == "*" || type == other.type) && (subtype == "*" || subtype == other.subtype)
    }

    /// The elements of an Accept field, the most wanted first: by quality, then as listed. Elements with quality 0 and
    /// broken ones are left out.
    public static func accept(_ text: String) -> [MediaType] {
        let elements = splitOutsideQuotes(text, 0x2c).compactMap { MediaType(String($0)) }.filter { $0.quality > 0 }
        return elements.enumerated()
            .sorted { ($0.element.quality, -$0.offset) > ($1.element.quality, -$1.offset) }
            .map(\.element)
    }

    /// `0.85` as 850; broken weights count as 1000, as Go's parsers take them.
    private static func quality(_ text: String) -> Int {
        guard let value = Double(text), value >= 0, value <= 1 else { return 1000 }
        return Int((value * 1000).rounded())
    }
}

/// Splits at `separator` where it is not inside a quoted string.
private func splitOutsideQuotes(_ text: String, _ separator: UInt8) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var quoted = false
    var escaped = false
    for index in text.utf8.indices {
        let byte = text.utf8[index]
        if escaped {
            escaped = false
        } else if quoted, byte == 0x5c {
            escaped = true
        } else if byte == 0x22 {
            quoted.toggle()
        } else if byte == separator, !quoted {
            parts.append(text[start..<index])
            start = text.utf8.index(after: index)
        }
    }
    parts.append(text[start...])
    return parts
}

private func unquoted(_ text: String) -> String {
    guard text.utf8.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
    var result: [UInt8] = []
    var escaped = false
    for byte in text.utf8.dropFirst().dropLast() {
        if byte == 0x5c, !escaped {
            escaped = true
        } else {
            escaped = false
            result.append(byte)
        }
    }
    return String(decoding: result, as: UTF8.self)
}
