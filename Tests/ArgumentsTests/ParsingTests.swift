// SPDX-License-Identifier: Apache-2.0

import Arguments
import Testing

@Suite struct `Command lines` {
    static let program = Command(
        "tool", summary: "Does things.",
        options: [
            .value("root", short: "r", "dir", help: "where state is kept", default: "/run/tool"),
            .flag("debug", help: "say more"), .value("timeout", "duration", help: "how long to wait"),
        ],
        subcommands: [
            Command(
                "exec", summary: "Runs a command.", arguments: "<id> [command...]", count: 1...100,
                options: [
                    .flag("interactive", short: "i", help: "keep input open"), .flag("tty", short: "t", help: "a tty"),
                    .repeated("env", short: "e", "k=v", help: "set a variable"),
                ], stopsAtFirstArgument: true),
            Command(
                "image", summary: "Images.",
                subcommands: [
                    Command("pull", summary: "Fetches one.", arguments: "<reference>", count: 1...1),
                    Command("list", summary: "Lists them."),
                ]),
        ])

    @Test func `take values in every form`() throws {
        for form in [["--root=/x"], ["--root", "/x"], ["-r", "/x"], ["-r/x"], ["-r=/x"]] {
            let parsed = try Self.program.parse(["tool"] + form + ["image", "list"])
            #expect(parsed["root"] == "/x" && parsed.subcommand == "image list", "\(form)")
        }
        #expect(try Self.program.parse(["tool", "image", "list"])["root"] == "/run/tool")
        #expect(try Self.program.parse(["tool", "image", "list", "--root", "/y"])["root"] == "/y")
    }

    @Test func `join switches and leave the inner command alone`() throws {
        let parsed = try Self.program.parse(
            ["tool", "exec", "-it", "-e", "a=b", "--env=c=d", "id", "ls", "-l", "--root=/z"])
        #expect(parsed.flag("interactive") && parsed.flag("tty") && !parsed.flag("debug"))
        #expect(parsed.all("env") == ["a=b", "c=d"])
        #expect(parsed.arguments == ["id", "ls", "-l", "--root=/z"] && parsed["root"] == "/run/tool")
        #expect(try !Self.program.parse(["tool", "--debug", "--debug=false", "exec", "id"]).flag("debug"))
        #expect(try Self.program.parse(["tool", "exec", "--", "-id", "--x"]).arguments == ["-id", "--x"])
    }

    static let mistakes: [([String], String)] = [
        (["--no"], "unknown flag: --no"), (["exec", "-x"], "unknown shorthand flag: 'x' in -x"),
        (["--root"], "flag needs an argument: --root"), (["-r"], "flag needs an argument: 'r' in -r"),
        (["imag"], "unknown command \"imag\" for \"tool\"; did you mean image?"),
        (["image", "pull"], "missing argument: usage: tool image pull <reference>"),
        (["image", "pull", "a", "b"], "unexpected argument \"b\""),
        (["--debug=maybe", "exec", "a"], "invalid argument \"maybe\" for --debug: neither true nor false"),
    ]

    @Test(arguments: mistakes)
    func `say what is wrong`(_ line: [String], _ reason: String) throws {
        let error = try #require(throws: ArgumentsError.self) { try Self.program.parse(["tool"] + line) }
        #expect(error.description == reason)
        #expect(error.hint.hasPrefix("see 'tool"))
    }

    @Test func `explain themselves`() throws {
        let parsed = try Self.program.parse(["tool", "exec", "--help"])
        #expect(parsed.wantsHelp)
        #expect(
            parsed.help == """
                Runs a command.

                Usage:
                  tool exec [flags] <id> [command...]

                Flags:
                  -i, --interactive   keep input open
                  -t, --tty           a tty
                  -e, --env k=v       set a variable (may be repeated)

                """)
        #expect(Self.program.help(path: "tool").contains("where state is kept (default /run/tool)"))
    }

    static let durations: [(String, Duration?)] = [
        ("30s", .seconds(30)), ("1h30m", .seconds(5400)), ("1.5s", .milliseconds(1500)), ("250ms", .milliseconds(250)),
        ("-1m", .seconds(-60)), ("10", .seconds(10)), ("", nil), ("s", nil), ("1x", nil), ("1h 2m", nil),
    ]

    @Test(arguments: durations)
    func `read durations`(_ text: String, _ expected: Duration?) throws {
        #expect(Duration(goDuration: text) == expected)
        let parsed = try Self.program.parse(["tool", "--timeout=\(text)", "image", "list"])
        if let expected {
            #expect(try parsed.duration("timeout") == expected)
        } else {
            #expect(throws: ArgumentsError.self) { try parsed.duration("timeout") }
        }
    }
}
