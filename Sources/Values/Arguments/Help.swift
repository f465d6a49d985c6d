// SPDX-License-Identifier: Apache-2.0

extension Command {
    /// The help text of the command; `path` is how it was reached (`swiftlet image`).
    public func help(path: String) -> String {
        var text = summary + "\n\nUsage:\n  \(path)"
        if !options.isEmpty { text += " [flags]" }
        if !subcommands.isEmpty { text += " <command>" }
        if !argumentsUsage.isEmpty { text += " " + argumentsUsage }
        text += "\n"
        if !discussion.isEmpty { text += "\n" + discussion + "\n" }
        if !subcommands.isEmpty {
            text += "\nCommands:\n" + Self.table(subcommands.map { ($0.name, $0.summary) })
        }
        let shown = options.filter { !$0.isHidden }
        if !shown.isEmpty { text += "\nFlags:\n" + Self.table(shown.map { ($0.usage, $0.describedHelp) }) }
        if !subcommands.isEmpty { text += "\nUse \"\(path) <command> --help\" for more about a command.\n" }
        return text
    }

    private static func table(_ rows: [(String, String)]) -> String {
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { "  " + $0 + String(repeating: " ", count: width - $0.count + 3) + $1 + "\n" }.joined()
    }
}

extension ParsedArguments {
    public var help: String { command.help(path: path.joined(separator: " ")) }
}

extension Option {
    fileprivate var usage: String {
        let head = short.map { "-\($0), " } ?? "    "
        switch kind {
        case .flag: return head + "--\(name)"
        case .value(let placeholder), .repeated(let placeholder): return head + "--\(name) \(placeholder)"
        }
    }

    fileprivate var describedHelp: String {
        var text = help
        if let defaultValue, !defaultValue.isEmpty { text += " (default \(defaultValue))" }
        if case .repeated = kind { text += " (may be repeated)" }
        return text
    }
}
