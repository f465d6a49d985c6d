// SPDX-License-Identifier: Apache-2.0

/// One command of a program: its options, its arguments, its subcommands.
///
/// The syntax is Go pflag's: `--name=value`, `--name value`, `-n value`, `-nvalue`, `-n=value`; a switch is `--name` or
/// `--name=false`, short switches may be joined (`-it`); `--` ends the options.
public struct Command: Sendable {
    public var name: String
    public var summary: String
    /// What follows the options in the usage line: `<container-id>`, `[COMMAND...]`.
    public var argumentsUsage: String
    /// How many arguments are accepted.
    public var argumentCount: ClosedRange<Int>
    public var options: [Option]
    public var subcommands: [Command]
    /// Whether options end at the first argument, as for commands that run another one (`exec <id> ls -l`).
    public var stopsAtFirstArgument: Bool
    public var discussion: String

    public init(
        _ name: String, summary: String, arguments: String = "", count: ClosedRange<Int> = 0...0,
        options: [Option] = [], subcommands: [Command] = [], stopsAtFirstArgument: Bool = false,
        discussion: String = ""
    ) {
        self.name = name
        self.summary = summary
        argumentsUsage = arguments
        argumentCount = count
        self.options = options
        self.subcommands = subcommands
        self.stopsAtFirstArgument = stopsAtFirstArgument
        self.discussion = discussion
    }
}

/// One option a command takes.
public struct Option: Sendable {
    public enum Kind: Sendable {
        /// Present or absent; `=false` switches it off.
        case flag
        /// With one value; the last wins. The placeholder is shown in the help.
        case value(placeholder: String)
        /// As `value`, may be repeated.
        case repeated(placeholder: String)
    }

    public var name: String
    public var short: Character?
    public var kind: Kind
    public var help: String
    public var defaultValue: String?
    /// Accepted and left out of the help.
    public var isHidden: Bool
    /// Other names accepted for it.
    public var aliases: [String]

    public init(
        _ name: String, short: Character? = nil, _ kind: Kind, help: String, default defaultValue: String? = nil,
        isHidden: Bool = false, aliases: [String] = []
    ) {
        self.name = name
        self.short = short
        self.kind = kind
        self.help = help
        self.defaultValue = defaultValue
        self.isHidden = isHidden
        self.aliases = aliases
    }

    public static func flag(
        _ name: String, short: Character? = nil, help: String, isHidden: Bool = false, aliases: [String] = []
    ) -> Option {
        Option(name, short: short, .flag, help: help, isHidden: isHidden, aliases: aliases)
    }

    public static func value(
        _ name: String, short: Character? = nil, _ placeholder: String = "value", help: String,
        default defaultValue: String? = nil, isHidden: Bool = false, aliases: [String] = []
    ) -> Option {
        Option(
            name, short: short, .value(placeholder: placeholder), help: help, default: defaultValue,
            isHidden: isHidden, aliases: aliases)
    }

    public static func repeated(
        _ name: String, short: Character? = nil, _ placeholder: String = "value", help: String,
        isHidden: Bool = false, aliases: [String] = []
    ) -> Option {
        Option(
            name, short: short, .repeated(placeholder: placeholder), help: help, isHidden: isHidden, aliases: aliases)
    }

    var takesValue: Bool { if case .flag = kind { false } else { true } }
}

/// Why a command line is not understood.
public struct ArgumentsError: Error, Sendable, Hashable, CustomStringConvertible {
    public var reason: String
    /// The command whose help tells more: `swiftlet-oci create`.
    public var command: String

    public init(_ reason: String, command: String = "") {
        self.reason = reason
        self.command = command
    }

    public var description: String { reason }
    /// What to tell the user next.
    public var hint: String { command.isEmpty ? "" : "see '\(command) --help'" }
}

/// What a command line says.
public struct ParsedArguments: Sendable {
    /// The chosen command's path: `["swiftlet", "image", "pull"]`.
    public var path: [String]
    /// What is left beside the options, in order.
    public var arguments: [String]
    /// Whether `--help` or `-h` was given, or the subcommand `help`.
    public var wantsHelp: Bool
    /// The chosen command.
    public var command: Command
    /// The options given to the chosen command and the ones above it.
    public var values: [String: [String]]
    let defaults: [String: String]

    /// The subcommand chosen, joined by spaces: `image pull`; empty when none is.
    public var subcommand: String { path.dropFirst().joined(separator: " ") }

    public func isSet(_ name: String) -> Bool { values[name] != nil }

    /// Whether the switch is on.
    public func flag(_ name: String) -> Bool { values[name]?.last == "true" }

    /// The last value given, else the option's default.
    public subscript(name: String) -> String? { values[name]?.last ?? defaults[name] }

    /// Every value given, in order.
    public func all(_ name: String) -> [String] { values[name] ?? [] }

    public func string(_ name: String) throws(ArgumentsError) -> String {
        guard let value = self[name] else {
            throw ArgumentsError("required flag --\(name) is missing", command: path.joined(separator: " "))
        }
        return value
    }

    public func integer(_ name: String) throws(ArgumentsError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text) else {
            throw ArgumentsError(
                "invalid value \"\(text)\" for --\(name): not a whole number", command: path.joined(separator: " "))
        }
        return value
    }

    /// A Go duration such as `1h30m`, `500ms`; a bare number counts seconds.
    public func duration(_ name: String) throws(ArgumentsError) -> Duration? {
        guard let text = self[name] else { return nil }
        guard let value = Duration(goDuration: text) else {
            throw ArgumentsError(
                "invalid value \"\(text)\" for --\(name): not a duration such as 30s or 1h30m",
                command: path.joined(separator: " "))
        }
        return value
    }
}
