// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Whether both are the same but for the case of ASCII letters.
    public func equalsIgnoringCase(_ other: String) -> Bool {
        utf8.count == other.utf8.count && (self == other || hasPrefixIgnoringCase(other))
    }

    /// Whether the string starts with `prefix`, but for the case of ASCII letters.
    public func hasPrefixIgnoringCase(_ prefix: String) -> Bool {
        guard utf8.count >= prefix.utf8.count else { return false }
        return zip(utf8, prefix.utf8).allSatisfy { $0 == $1 || $0.lowercasedASCII == $1.lowercasedASCII }
    }

    /// The string with ASCII letters in lower case and everything else as it was.
    public func lowercasedASCII() -> String {
        guard utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5a }) else { return self }
        return String(decoding: utf8.map(\.lowercasedASCII), as: UTF8.self)
    }
}

extension StringProtocol {
    /// Without the spaces and tabs at both ends (optional white space of RFC 9110 §5.6.3).
    public func trimmingHTTPSpace() -> String {
        var bytes = Substring(self).utf8
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        return String(Substring(bytes))
    }
}

extension UInt8 {
    /// The byte, or its lower case when it is an ASCII capital.
    @inlinable var lowercasedASCII: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// A character of an RFC 9110 token (`tchar`).
    var isHTTPToken: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e, 0x5f, 0x60, 0x7c, 0x7e: true
        default: false
        }
    }

    /// The value of a hexadecimal digit.
    var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x37
        case 0x61...0x66: self - 0x57
        default: nil
        }
    }
}
