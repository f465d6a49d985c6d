// SPDX-License-Identifier: Apache-2.0

/// A regular expression in RE2's syntax, which is what patterns in Kubernetes' schemas are written in.
///
/// It is matched in time proportional to the text and the expression, whatever the two are: patterns come from users.
public struct RegularExpression: Sendable {
    public let text: String
    private let program: [Instruction]

    enum Instruction: Sendable {
        case one(CharacterSet32)
        case assert(Assertion)
        case split(Int, Int)
        case jump(Int)
        case match
    }

    enum Assertion: Sendable {
        case textStart, textEnd, lineStart, lineEnd, wordBoundary, notWordBoundary
    }

    public init(_ text: String) throws(RegularExpressionError) {
        self.text = text
        var parser = RegularExpressionParser(text)
        program = try RegularExpressionCompiler.compile(try parser.parse())
    }

    /// How many places of the expression a character of a subject is compared with at most.
    var size: Int { program.count }

    /// Whether the expression matches anywhere in the subject.
    public func matches(_ subject: String) -> Bool {
        var steps = Int.max
        return matches(subject, within: &steps)
    }

    /// The same, within so many steps. Of those that it took fewer are left; less than none where they were not enough,
    /// and the answer says nothing.
    func matches(_ subject: String, within steps: inout Int) -> Bool {
        let scalars = Array(subject.unicodeScalars.lazy.map(\.value))
        var current = StateList(count: program.count)
        var next = StateList(count: program.count)
        for position in 0...scalars.count {
            // A match may begin at every place.
            if add(0, at: position, of: scalars, to: &current) { return true }
            guard position < scalars.count else { break }
            steps -= 1 + current.states.count
            if steps < 0 { return false }
            for state in current.states {
                guard case .one(let set) = program[state], set.contains(scalars[position]) else { continue }
                if add(state + 1, at: position + 1, of: scalars, to: &next) { return true }
            }
            swap(&current, &next)
            next.removeAll()
        }
        return false
    }

    /// Adds what can be reached from `state` without reading; true when that is the end.
    private func add(_ state: Int, at position: Int, of scalars: [UInt32], to list: inout StateList) -> Bool {
        var pending = [state]
        while let state = pending.popLast() {
            guard list.insert(state) else { continue }
            switch program[state] {
            case .match: return true
            case .jump(let target): pending.append(target)
            case .split(let first, let second):
                pending.append(second)
                pending.append(first)
            case .assert(let assertion):
                if holds(assertion, at: position, of: scalars) { pending.append(state + 1) }
            case .one: break
            }
        }
        return false
    }

    private func holds(_ assertion: Assertion, at position: Int, of scalars: [UInt32]) -> Bool {
        func isWord(_ index: Int) -> Bool {
            scalars.indices.contains(index) && CharacterSet32.word.contains(scalars[index])
        }
        switch assertion {
        case .textStart: return position == 0
        case .textEnd: return position == scalars.count
        case .lineStart: return position == 0 || scalars[position - 1] == 0x0A
        case .lineEnd: return position == scalars.count || scalars[position] == 0x0A
        case .wordBoundary: return isWord(position - 1) != isWord(position)
        case .notWordBoundary: return isWord(position - 1) == isWord(position)
        }
    }
}

/// The states an expression can be in, each once.
private struct StateList {
    private(set) var states: [Int] = []
    private var isMember: [Bool]

    init(count: Int) { isMember = Array(repeating: false, count: count) }

    mutating func insert(_ state: Int) -> Bool {
        if isMember[state] { return false }
        isMember[state] = true
        states.append(state)
        return true
    }

    mutating func removeAll() {
        for state in states { isMember[state] = false }
        states.removeAll(keepingCapacity: true)
    }
}

/// Why a text is no regular expression.
public struct RegularExpressionError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    init(_ reason: String, _ part: String) {
        description = "error parsing regexp: \(reason): `\(part)`"
    }
}

/// A set of characters as sorted ranges.
struct CharacterSet32: Sendable, Hashable {
    private(set) var ranges: [ClosedRange<UInt32>] = []

    init(_ ranges: [ClosedRange<UInt32>]) {
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = self.ranges.last, UInt64(range.lowerBound) <= UInt64(last.upperBound) + 1 {
                self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                self.ranges.append(range)
            }
        }
    }

    static let maximum: UInt32 = 0x10FFFF
    static let digit = CharacterSet32([0x30...0x39])
    static let space = CharacterSet32([0x09...0x0A, 0x0C...0x0D, 0x20...0x20])
    static let word = CharacterSet32([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
    static let any = CharacterSet32([0...maximum])
    static let newline = CharacterSet32([0x0A...0x0A])

    var inverted: CharacterSet32 {
        var result: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { result.append(next...(range.lowerBound - 1)) }
            next = range.upperBound &+ 1
        }
        if next <= Self.maximum { result.append(next...Self.maximum) }
        return CharacterSet32(result)
    }

    /// The set with both cases of its ASCII letters, and of single letters beyond.
    var ignoringCase: CharacterSet32 {
        var result = ranges
        for range in ranges {
            let upper = range.clamped(to: 0x41...0x5A)
            if range.overlaps(0x41...0x5A) { result.append((upper.lowerBound + 32)...(upper.upperBound + 32)) }
            let lower = range.clamped(to: 0x61...0x7A)
            if range.overlaps(0x61...0x7A) { result.append((lower.lowerBound - 32)...(lower.upperBound - 32)) }
            guard range.count == 1, range.lowerBound > 0x7F, let scalar = Unicode.Scalar(range.lowerBound) else {
                continue
            }
            for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
                guard mapping.unicodeScalars.count == 1, let other = mapping.unicodeScalars.first else { continue }
                result.append(other.value...other.value)
            }
        }
        return CharacterSet32(result)
    }

    func contains(_ value: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(value)
    }
}
