// SPDX-License-Identifier: Apache-2.0

/// What a regular expression is made of.
indirect enum RegularExpressionNode {
    case empty
    case one(CharacterSet32)
    case assert(RegularExpression.Assertion)
    case sequence([RegularExpressionNode])
    case choice([RegularExpressionNode])
    /// At least `low` times and at most `high`; nil is any number.
    case repeated(RegularExpressionNode, low: Int, high: Int?)
}

struct RegularExpressionParser {
    private let text: String
    private var rest: Substring.UnicodeScalarView
    private var ignoresCase = false
    private var dotMatchesNewline = false
    private var isMultiline = false
    private var depth = 0

    private static let maximumDepth = 200
    private static let maximumRepeat = 1000

    init(_ text: String) {
        self.text = text
        rest = text[...].unicodeScalars
    }

    mutating func parse() throws(RegularExpressionError) -> RegularExpressionNode {
        let node = try choice()
        if !rest.isEmpty { throw RegularExpressionError("unexpected )", text) }
        return node
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func take(_ prefix: String) -> Bool {
        guard rest.starts(with: prefix.unicodeScalars) else { return false }
        rest.removeFirst(prefix.unicodeScalars.count)
        return true
    }

    private mutating func choice() throws(RegularExpressionError) -> RegularExpressionNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else { throw RegularExpressionError("expression nests too deeply", text) }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .choice(choices)
    }

    private mutating func sequence() throws(RegularExpressionError) -> RegularExpressionNode {
        var parts: [RegularExpressionNode] = []
        while let first = rest.first, first != "|", first != ")" {
            if take("\\Q") {
                while !rest.isEmpty, !take("\\E") { parts.append(literal(rest.removeFirst())) }
                continue
            }
            guard let atom = try atom() else { continue }
            parts.append(try quantified(atom))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private func literal(_ scalar: Unicode.Scalar) -> RegularExpressionNode {
        let set = CharacterSet32([scalar.value...scalar.value])
        return .one(ignoresCase ? set.ignoringCase : set)
    }

    /// nil for what only sets flags.
    private mutating func atom() throws(RegularExpressionError) -> RegularExpressionNode? {
        let first = rest.removeFirst()
        switch first {
        case "(": return try group()
        case "[":
            let set = try bracket()
            return .one(set)
        case ".": return .one(dotMatchesNewline ? .any : CharacterSet32.newline.inverted)
        case "^": return .assert(isMultiline ? .lineStart : .textStart)
        case "$": return .assert(isMultiline ? .lineEnd : .textEnd)
        case "*", "+", "?": throw RegularExpressionError("missing argument to repetition operator", String(first))
        case "\\": return try escape()
        default: return literal(first)
        }
    }

    private mutating func group() throws(RegularExpressionError) -> RegularExpressionNode? {
        let flags = (ignoresCase, dotMatchesNewline, isMultiline)
        if take("?") {
            if take("P<") || take("<") {
                while let scalar = rest.first, scalar != ">" {
                    guard CharacterSet32.word.contains(scalar.value) else { break }
                    rest.removeFirst()
                }
                guard take(">") else { throw RegularExpressionError("invalid named capture", text) }
            } else if try !flagsOpenGroup() {
                return nil
            }
        }
        let inner = try choice()
        guard take(")") else { throw RegularExpressionError("missing closing )", text) }
        (ignoresCase, dotMatchesNewline, isMultiline) = flags
        return inner
    }

    /// Reads `i`, `s`, `m`, `U`, a minus and the end: `:` opens a group, `)` sets the flags for what follows.
    private mutating func flagsOpenGroup() throws(RegularExpressionError) -> Bool {
        var value = true
        while let flag = rest.first {
            rest.removeFirst()
            switch flag {
            case "i": ignoresCase = value
            case "s": dotMatchesNewline = value
            case "m": isMultiline = value
            case "U": break
            case "-": value = false
            case ":": return true
            case ")": return false
            default: throw RegularExpressionError("invalid or unsupported Perl syntax", "(?" + String(flag))
            }
        }
        throw RegularExpressionError("missing closing )", text)
    }

    private mutating func quantified(
        _ atom: RegularExpressionNode
    ) throws(RegularExpressionError)
        -> RegularExpressionNode
    {
        let bounds: (Int, Int?)
        if take("*") {
            bounds = (0, nil)
        } else if take("+") {
            bounds = (1, nil)
        } else if take("?") {
            bounds = (0, 1)
        } else if let counted = try counts() {
            bounds = counted
        } else {
            return atom
        }
        // Lazy or greedy: the same texts match.
        _ = take("?")
        if let next = rest.first, next == "*" || next == "+" || next == "?" {
            throw RegularExpressionError("invalid nested repetition operator", String(next))
        }
        if try counts() != nil { throw RegularExpressionError("invalid nested repetition operator", "{") }
        return .repeated(atom, low: bounds.0, high: bounds.1)
    }

    /// `{2}`, `{2,}` or `{2,5}`; anything else in braces is text.
    private mutating func counts() throws(RegularExpressionError) -> (Int, Int?)? {
        let start = rest
        guard take("{"), let low = number() else {
            rest = start
            return nil
        }
        var high: Int? = low
        if take(",") { high = number() }
        guard take("}") else {
            rest = start
            return nil
        }
        if low > Self.maximumRepeat || (high ?? 0) > Self.maximumRepeat || (high ?? low) < low {
            throw RegularExpressionError("invalid repeat count", "{\(low)}")
        }
        return (low, high)
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { $0 >= "0" && $0 <= "9" }
        guard !digits.isEmpty else { return nil }
        rest.removeFirst(digits.count)
        // Larger than any count that is allowed, where it does not fit.
        return Int(String(digits)) ?? .max
    }

    // MARK: Escapes and brackets

    private mutating func escape() throws(RegularExpressionError) -> RegularExpressionNode {
        guard let next = rest.first else { throw RegularExpressionError("trailing backslash at end of expression", "") }
        switch next {
        case "A", "z", "b", "B":
            rest.removeFirst()
            let assertion: RegularExpression.Assertion =
                next == "A" ? .textStart : next == "z" ? .textEnd : next == "b" ? .wordBoundary : .notWordBoundary
            return .assert(assertion)
        default:
            if let set = try characterClass() { return .one(set) }
            return literal(try escapedScalar())
        }
    }

    /// `\d`, `\W`, `\pL`, `\p{Lu}` after the backslash.
    private mutating func characterClass() throws(RegularExpressionError) -> CharacterSet32? {
        guard let next = rest.first else { return nil }
        let set: CharacterSet32
        switch next {
        case "d": set = .digit
        case "D": set = CharacterSet32.digit.inverted
        case "s": set = .space
        case "S": set = CharacterSet32.space.inverted
        case "w": set = .word
        case "W": set = CharacterSet32.word.inverted
        case "p", "P":
            rest.removeFirst()
            let property = try unicodeProperty()
            return next == "P" ? property.inverted : property
        default: return nil
        }
        rest.removeFirst()
        return set
    }

    private mutating func unicodeProperty() throws(RegularExpressionError) -> CharacterSet32 {
        var name = ""
        if take("{") {
            while let scalar = rest.first, scalar != "}" { name.unicodeScalars.append(rest.removeFirst()) }
            guard take("}") else { throw RegularExpressionError("invalid character class range", "\\p{" + name) }
        } else if let scalar = rest.first {
            rest.removeFirst()
            name = String(scalar)
        }
        let isInverted = name.hasPrefix("^")
        guard let set = UnicodeCategories.set(named: isInverted ? String(name.dropFirst()) : name) else {
            throw RegularExpressionError("invalid character class range", "\\p{\(name)}")
        }
        return isInverted ? set.inverted : set
    }

    private mutating func escapedScalar() throws(RegularExpressionError) -> Unicode.Scalar {
        let scalar = rest.removeFirst()
        switch scalar {
        case "n": return "\n"
        case "t": return "\t"
        case "r": return "\r"
        case "f": return "\u{0C}"
        case "v": return "\u{0B}"
        case "a": return "\u{07}"
        case "x":
            var digits = ""
            if take("{") {
                while let next = rest.first, next != "}" { digits.unicodeScalars.append(rest.removeFirst()) }
                _ = take("}")
            } else {
                digits = String(String.UnicodeScalarView(rest.prefix(2)))
                rest.removeFirst(min(2, rest.count))
            }
            guard let value = UInt32(digits, radix: 16), let result = Unicode.Scalar(value) else {
                throw RegularExpressionError("invalid escape sequence", "\\x" + digits)
            }
            return result
        case "0"..."7":
            var digits = String(scalar)
            while digits.count < 3, let next = rest.first, next >= "0", next <= "7" {
                digits.unicodeScalars.append(rest.removeFirst())
            }
            guard scalar == "0" || digits.count == 3, let value = UInt32(digits, radix: 8),
                let result = Unicode.Scalar(value)
            else { throw RegularExpressionError("invalid escape sequence", "\\" + digits) }
            return result
        default:
            let isPunctuation = scalar.value < 0x80 && !CharacterSet32.word.contains(scalar.value) || scalar == "_"
            guard isPunctuation else { throw RegularExpressionError("invalid escape sequence", "\\" + String(scalar)) }
            return scalar
        }
    }

    private mutating func bracket() throws(RegularExpressionError) -> CharacterSet32 {
        let isInverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let next = rest.first, next != "]" || isFirst {
            isFirst = false
            if take("[:") {
                ranges += try posixClass().ranges
                continue
            }
            if next == "\\" {
                rest.removeFirst()
                if let shorthand = try characterClass() {
                    ranges += shorthand.ranges
                    continue
                }
            }
            let low = try bracketScalar(escaped: next == "\\")
            var high = low
            if rest.first == "-", rest.dropFirst().first != "]", rest.dropFirst().first != nil {
                rest.removeFirst()
                high = try bracketScalar(escaped: take("\\"))
            }
            guard low.value <= high.value else {
                throw RegularExpressionError("invalid character class range", "\(low)-\(high)")
            }
            let range = CharacterSet32([low.value...high.value])
            ranges += (ignoresCase ? range.ignoringCase : range).ranges
        }
        guard take("]") else { throw RegularExpressionError("missing closing ]", text) }
        let set = CharacterSet32(ranges)
        return isInverted ? set.inverted : set
    }

    private mutating func bracketScalar(escaped: Bool) throws(RegularExpressionError) -> Unicode.Scalar {
        guard !rest.isEmpty else { throw RegularExpressionError("missing closing ]", text) }
        return escaped ? try escapedScalar() : rest.removeFirst()
    }

    private mutating func posixClass() throws(RegularExpressionError) -> CharacterSet32 {
        let isInverted = take("^")
        let name = String(String.UnicodeScalarView(rest.prefix { $0 >= "a" && $0 <= "z" }))
        rest.removeFirst(name.unicodeScalars.count)
        guard take(":]"), let ranges = Self.posix[name] else {
            throw RegularExpressionError("invalid character class range", "[:\(name):]")
        }
        return isInverted ? CharacterSet32(ranges).inverted : CharacterSet32(ranges)
    }

    private static let posix: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A], "alpha": [0x41...0x5A, 0x61...0x7A], "ascii": [0...0x7F],
        "blank": [0x09...0x09, 0x20...0x20], "cntrl": [0...0x1F, 0x7F...0x7F], "digit": [0x30...0x39],
        "graph": [0x21...0x7E], "lower": [0x61...0x7A], "print": [0x20...0x7E],
        "punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E], "space": [0x09...0x0D, 0x20...0x20],
        "upper": [0x41...0x5A], "word": [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A],
        "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
    ]
}
