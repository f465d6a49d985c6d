// SPDX-License-Identifier: Apache-2.0

extension Command {
    /// Reads a command line; the first element is the program's path and is not looked at.
    public func parse(_ line: [String]) throws(ArgumentsError) -> ParsedArguments {
        var parser = CommandLineParser(root: self)
        return try parser.parse(Array(line.dropFirst()))
    }
}

/// Walks a command line once, from left to right.
struct CommandLineParser {
    private var chain: [Command]
    private var values: [String: [String]] = [:]
    private var arguments: [String] = []
    private var wantsHelp = false

    init(root: Command) { chain = [root] }

    private var command: Command { chain[chain.count - 1] }
    private var commandPath: String { chain.map(\.name).joined(separator: " ") }

    private func failure(_ reason: String) -> ArgumentsError { ArgumentsError(reason, command: commandPath) }

    mutating func parse(_ line: [String]) throws(ArgumentsError) -> ParsedArguments {
        var rest = line[...]
        while let word = rest.popFirst() {
            if word == "--" {
                arguments += rest
                break
            } else if word.hasPrefix("--") {
                try parseLong(String(word.dropFirst(2)), &rest)
            } else if word.hasPrefix("-"), word != "-" {
                try parseShort(String(word.dropFirst()), &rest)
            } else if try enterSubcommand(word) {
                continue
            } else {
                arguments.append(word)
                if command.stopsAtFirstArgument {
                    arguments += rest
                    break
                }
            }
        }
        return try finish()
    }

    /// Whether the word names a subcommand; a word that should and does not is an error.
    private mutating func enterSubcommand(_ word: String) throws(ArgumentsError) -> Bool {
        guard arguments.isEmpty, !command.subcommands.isEmpty else { return false }
        if let next = command.subcommands.first(where: { $0.name == word }) {
            chain.append(next)
            return true
        }
        if word == "help" {
            wantsHelp = true
            return true
        }
        if command.argumentCount.upperBound > 0 { return false }
        throw failure("unknown command \"\(word)\" for \"\(commandPath)\"" + suggestion(for: word))
    }

    private func suggestion(for word: String) -> String {
        let close = command.subcommands.map(\.name).filter { $0.hasPrefix(word.prefix(2)) }
        return close.isEmpty ? "" : "; did you mean \(close.joined(separator: " or "))?"
    }

    private func option(named name: String) -> Option? {
        for command in chain.reversed() {
            if let option = command.options.first(where: { $0.name == name || $0.aliases.contains(name) }) {
                return option
            }
        }
        return nil
    }

    private func option(short: Character) -> Option? {
        for command in chain.reversed() {
            if let option = command.options.first(where: { $0.short == short }) { return option }
        }
        return nil
    }

    private mutating func parseLong(_ text: String, _ rest: inout ArraySlice<String>) throws(ArgumentsError) {
        let name: String
        var value: String?
        if let equals = text.firstIndex(of: "=") {
            name = String(text[..<equals])
            value = String(text[text.index(after: equals)...])
        } else {
            name = text
        }
        guard let option = option(named: name) else {
            if name == "help" {
                wantsHelp = true
                return
            }
            throw failure("unknown flag: --\(name)")
        }
        if option.takesValue {
            guard let given = value ?? rest.popFirst() else { throw failure("flag needs an argument: --\(name)") }
            store(option, given)
        } else {
            store(option, try switchValue(value, "--\(name)"))
        }
    }

    private mutating func parseShort(_ text: String, _ rest: inout ArraySlice<String>) throws(ArgumentsError) {
        var letters = Substring(text)
        while let letter = letters.popFirst() {
            guard let option = option(short: letter) else {
                if letter == "h" {
                    wantsHelp = true
                    continue
                }
                throw failure("unknown shorthand flag: '\(letter)' in -\(text)")
            }
            if option.takesValue {
                if letters.first == "=" {
                    letters.removeFirst()
                } else if letters.isEmpty {
                    guard let next = rest.popFirst() else {
                        throw failure("flag needs an argument: '\(letter)' in -\(text)")
                    }
                    letters = Substring(next)
                }
                store(option, String(letters))
                return
            }
            var value: String?
            if letters.first == "=" {
                value = String(letters.dropFirst())
                letters = ""
            }
            store(option, try switchValue(value, "-\(letter)"))
        }
    }

    private func switchValue(_ text: String?, _ shown: String) throws(ArgumentsError) -> String {
        switch text {
        case nil, "true", "1", "t", "T", "TRUE", "True": return "true"
        case "false", "0", "f", "F", "FALSE", "False": return "false"
        case .some(let other): throw failure("invalid argument \"\(other)\" for \(shown): neither true nor false")
        }
    }

    private mutating func store(_ option: Option, _ value: String) {
        if case .repeated = option.kind {
            values[option.name, default: []].append(value)
        } else {
            values[option.name] = [value]
        }
    }

    private func finish() throws(ArgumentsError) -> ParsedArguments {
        let accepted = command.argumentCount
        if !wantsHelp {
            if !command.subcommands.isEmpty, arguments.isEmpty, accepted.lowerBound > 0 {
                throw failure("a command is required: \(command.subcommands.map(\.name).joined(separator: ", "))")
            }
            if arguments.count < accepted.lowerBound {
                throw failure("missing argument: usage: \(commandPath) \(command.argumentsUsage)")
            }
            if arguments.count > accepted.upperBound {
                throw failure("unexpected argument \"\(arguments[accepted.upperBound])\"")
            }
        }
        var defaults: [String: String] = [:]
        for option in chain.flatMap(\.options) { defaults[option.name] = option.defaultValue }
        return ParsedArguments(
            path: chain.map(\.name), arguments: arguments, wantsHelp: wantsHelp, command: command, values: values,
            defaults: defaults)
    }
}
