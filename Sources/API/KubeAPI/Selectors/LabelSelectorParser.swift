// SPDX-License-Identifier: Apache-2.0

internal import Schema

/// Recursive descent over the text form of label selectors.
struct LabelSelectorParser {
    private enum Token: Equatable {
        case error, end, comma, open, close, bang, equals, doubleEquals, notEquals, greater, less, `in`, notIn
        case identifier
    }

    private var tokens: [(kind: Token, text: String)] = []
    private var position = 0

    init(_ text: String) { tokens = Self.scan(Array(text.utf8)) }

    // MARK: Words

    private static func scan(_ bytes: [UInt8]) -> [(kind: Token, text: String)] {
        var tokens: [(kind: Token, text: String)] = []
        var position = 0
        while position < bytes.count {
            if isSpace(bytes[position]) {
                position += 1
            } else if isSymbol(bytes[position]) {
                tokens.append(symbol(bytes, &position))
            } else {
                let start = position
                while position < bytes.count, !isSpace(bytes[position]), !isSymbol(bytes[position]) { position += 1 }
                let word = String(decoding: bytes[start..<position], as: UTF8.self)
                tokens.append((word == "in" ? .in : word == "notin" ? .notIn : .identifier, word))
            }
        }
        return tokens + [(.end, "")]
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0A).contains(byte) || byte == 0x0D }
    private static func isSymbol(_ byte: UInt8) -> Bool { "=!(),><".utf8.contains(byte) }

    /// The longest run of symbol characters that is an operator.
    private static func symbol(_ bytes: [UInt8], _ position: inout Int) -> (kind: Token, text: String) {
        if position + 1 < bytes.count {
            switch (bytes[position], bytes[position + 1]) {
            case (UInt8(ascii: "="), UInt8(ascii: "=")):
                position += 2
                return (.doubleEquals, "==")
            case (UInt8(ascii: "!"), UInt8(ascii: "=")):
                position += 2
                return (.notEquals, "!=")
            default: break
            }
        }
        position += 1
        switch bytes[position - 1] {
        case UInt8(ascii: "="): return (.equals, "=")
        case UInt8(ascii: "!"): return (.bang, "!")
        case UInt8(ascii: "("): return (.open, "(")
        case UInt8(ascii: ")"): return (.close, ")")
        case UInt8(ascii: ","): return (.comma, ",")
        case UInt8(ascii: ">"): return (.greater, ">")
        default: return (.less, "<")
        }
    }

    /// The next token; `in` and `notin` are ordinary words where a value or key may stand.
    private func peek(asValue: Bool = true) -> (kind: Token, text: String) {
        let token = tokens[min(position, tokens.count - 1)]
        return asValue && (token.kind == .in || token.kind == .notIn) ? (.identifier, token.text) : token
    }

    private mutating func take(asValue: Bool = true) -> (kind: Token, text: String) {
        defer { position += 1 }
        return peek(asValue: asValue)
    }

    // MARK: Sentences

    mutating func parse() throws(LabelSelectorError) -> [LabelRequirement] {
        var requirements: [LabelRequirement] = []
        while true {
            let next = peek()
            switch next.kind {
            case .identifier, .bang:
                do throws(LabelSelectorError) {
                    requirements.append(try requirement())
                } catch {
                    throw LabelSelectorError("unable to parse requirement: \(error)")
                }
                let separator = take()
                if separator.kind == .end { return requirements }
                guard separator.kind == .comma else {
                    throw LabelSelectorError("found '\(separator.text)', expected: ',' or 'end of string'")
                }
                guard peek().kind == .identifier || peek().kind == .bang else {
                    throw LabelSelectorError("found '\(peek().text)', expected: identifier after ','")
                }
            case .end: return requirements
            default:
                throw LabelSelectorError("found '\(next.text)', expected: !, identifier, or 'end of string'")
            }
        }
    }

    private mutating func requirement() throws(LabelSelectorError) -> LabelRequirement {
        var token = take()
        let negated = token.kind == .bang
        if negated { token = take() }
        guard token.kind == .identifier else {
            throw LabelSelectorError("found '\(token.text)', expected: identifier")
        }
        let complaints = Names.qualifiedName(token.text)
        guard complaints.isEmpty else {
            throw LabelSelectorError(
                FieldError.invalid(.root, token.text, complaints.joined(separator: "; ")).description)
        }
        if negated { return try LabelRequirement(token.text, .doesNotExist) }
        if peek().kind == .end || peek().kind == .comma { return try LabelRequirement(token.text, .exists) }
        let kind = try binaryOperator()
        let values = kind == .in || kind == .notIn ? try valueList() : [try exactValue()]
        return try LabelRequirement(token.text, kind, values)
    }

    private mutating func binaryOperator() throws(LabelSelectorError) -> LabelRequirement.Operator {
        let token = take(asValue: false)
        switch token.kind {
        case .in: return .in
        case .notIn: return .notIn
        case .equals: return .equals
        case .doubleEquals: return .doubleEquals
        case .notEquals: return .notEquals
        case .greater: return .greaterThan
        case .less: return .lessThan
        default:
            throw LabelSelectorError("found '\(token.text)', expected: in, notin, =, ==, !=, gt, lt")
        }
    }

    private mutating func exactValue() throws(LabelSelectorError) -> String {
        if peek().kind == .end || peek().kind == .comma { return "" }
        let token = take()
        guard token.kind == .identifier else {
            throw LabelSelectorError("found '\(token.text)', expected: identifier")
        }
        return token.text
    }

    /// `(a,b,,c)`: an empty place is the empty value; repetitions collapse.
    private mutating func valueList() throws(LabelSelectorError) -> [String] {
        let open = take()
        guard open.kind == .open else { throw LabelSelectorError("found '\(open.text)' expected: '('") }
        var values: Set<String> = []
        var expectsValue = true
        while true {
            let token = take()
            switch token.kind {
            case .identifier where expectsValue:
                values.insert(token.text)
                expectsValue = false
            case .comma:
                if expectsValue { values.insert("") }
                expectsValue = true
            case .close:
                if expectsValue { values.insert("") }
                return values.sorted()
            case .identifier: throw LabelSelectorError("found '\(token.text)', expected: ',' or ')'")
            default: throw LabelSelectorError("found '\(token.text)', expected: ',', or identifier")
            }
        }
    }
}
