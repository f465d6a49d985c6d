// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Text

/// RFC 6901: the way from the top of a document to one value in it.
struct JSONPointer: Sendable, Hashable, CustomStringConvertible {
    let tokens: [String]
    let description: String

    init(_ text: String) throws(PatchError) {
        description = text
        guard text.isEmpty || text.utf8.first == UInt8(ascii: "/") else {
            throw PatchError(.unprocessable, "json pointer \(text.quoted) does not start with a slash")
        }
        tokens = text.steps(keepingEmpty: true).dropFirst().map(Self.unescape)
    }

    /// `~1` is a slash, `~0` a tilde, in this order of replacement.
    private static func unescape(_ token: String) -> String {
        guard token.utf8.contains(UInt8(ascii: "~")) else { return token }
        var result: [UInt8] = []
        var bytes = token.utf8.makeIterator()
        while let byte = bytes.next() {
            guard byte == UInt8(ascii: "~") else {
                result.append(byte)
                continue
            }
            switch bytes.next() {
            case UInt8(ascii: "0")?: result.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1")?: result.append(UInt8(ascii: "/"))
            case let other?: result += [UInt8(ascii: "~"), other]
            case nil: result.append(UInt8(ascii: "~"))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// As much of it as anybody reads.
    var excerpt: String { description.utf8.count > 200 ? description.prefix(100) + "…" : description }

    func isPrefix(of other: JSONPointer) -> Bool {
        tokens.count < other.tokens.count && other.tokens.starts(with: tokens)
    }
}

/// A place in an array: an index without sign or leading zero, or `-` for the end.
enum ArrayPlace {
    static func index(_ token: String, count: Int, mayAppend: Bool) -> Int? {
        if token == "-" { return mayAppend ? count : nil }
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            token == "0" || token.utf8.first != 0x30, let index = Int(token)
        else { return nil }
        return index < count || (mayAppend && index == count) ? index : nil
    }
}
