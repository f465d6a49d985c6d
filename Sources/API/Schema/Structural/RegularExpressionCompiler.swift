// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Turns what an expression is made of into steps.
enum RegularExpressionCompiler {
    /// Repetitions are written out; this bounds what they come to, and the work of it where they come to nothing.
    private static let maximumSize = 20_000
    private static let maximumSteps = 100_000

    static func compile(
        _ node: RegularExpressionNode
    ) throws(RegularExpressionError)
        -> [RegularExpression.Instruction]
    {
        var program: [RegularExpression.Instruction] = []
        var steps = 0
        try emit(node, &program, &steps)
        program.append(.match)
        return program
    }

    private static func emit(
        _ node: RegularExpressionNode, _ program: inout [RegularExpression.Instruction], _ steps: inout Int
    ) throws(RegularExpressionError) {
        steps += 1
        guard program.count < maximumSize, steps < maximumSteps else {
            throw RegularExpressionError("expression too large", "")
        }
        switch node {
        case .empty: break
        case .one(let set): program.append(.one(set))
        case .assert(let assertion): program.append(.assert(assertion))
        case .sequence(let parts): for part in parts { try emit(part, &program, &steps) }
        case .choice(let choices):
            var ends: [Int] = []
            for (index, choice) in choices.enumerated() {
                guard index < choices.count - 1 else {
                    try emit(choice, &program, &steps)
                    break
                }
                let fork = program.count
                program.append(.jump(0))
                try emit(choice, &program, &steps)
                ends.append(program.count)
                program.append(.jump(0))
                program[fork] = .split(fork + 1, program.count)
            }
            for end in ends { program[end] = .jump(program.count) }
        case .repeated(let inner, let low, let high):
            for _ in 0..<low { try emit(inner, &program, &steps) }
            guard let high else {
                let fork = program.count
                program.append(.jump(0))
                try emit(inner, &program, &steps)
                program.append(.jump(fork))
                program[fork] = .split(fork + 1, program.count)
                return
            }
            var forks: [Int] = []
            for _ in low..<max(low, high) {
                forks.append(program.count)
                program.append(.jump(0))
                try emit(inner, &program, &steps)
            }
            for fork in forks { program[fork] = .split(fork + 1, program.count) }
        }
    }
}

/// The general categories of Unicode by their short names.
enum UnicodeCategories {
    /// The sets asked for so far: to make one, every character there is has to be looked at.
    private static let known = Mutex<[String: CharacterSet32]>([:])

    static func set(named name: String) -> CharacterSet32? {
        if name == "Any" { return .any }
        if let set = known.withLock({ $0[name] }) { return set }
        let set = made(named: name)
        known.withLock { $0[name] = set }
        return set
    }

    /// nil where no category has the name.
    private static func made(named name: String) -> CharacterSet32? {
        let wanted = codes.filter { name.count == 1 ? $0.value.hasPrefix(name) : $0.value == name }.map(\.key)
        guard !wanted.isEmpty else { return nil }
        var ranges: [ClosedRange<UInt32>] = []
        var start: UInt32?
        for value in 0...CharacterSet32.maximum {
            let isMember = Unicode.Scalar(value).map { wanted.contains($0.properties.generalCategory) } ?? false
            if isMember, start == nil { start = value }
            if !isMember, let first = start {
                ranges.append(first...(value - 1))
                start = nil
            }
        }
        if let start { ranges.append(start...CharacterSet32.maximum) }
        return CharacterSet32(ranges)
    }

    private static let codes: [Unicode.GeneralCategory: String] = [
        .uppercaseLetter: "Lu", .lowercaseLetter: "Ll", .titlecaseLetter: "Lt", .modifierLetter: "Lm",
        .otherLetter: "Lo", .nonspacingMark: "Mn", .spacingMark: "Mc", .enclosingMark: "Me", .decimalNumber: "Nd",
        .letterNumber: "Nl", .otherNumber: "No", .connectorPunctuation: "Pc", .dashPunctuation: "Pd",
        .openPunctuation: "Ps", .closePunctuation: "Pe", .initialPunctuation: "Pi", .finalPunctuation: "Pf",
        .otherPunctuation: "Po", .mathSymbol: "Sm", .currencySymbol: "Sc", .modifierSymbol: "Sk", .otherSymbol: "So",
        .spaceSeparator: "Zs", .lineSeparator: "Zl", .paragraphSeparator: "Zp", .control: "Cc", .format: "Cf",
        .surrogate: "Cs", .privateUse: "Co", .unassigned: "Cn",
    ]
}
