// SPDX-License-Identifier: Apache-2.0

import ContainerRuntime
import Glibc
import JSON
import Linux

/// One command of the program: its name, its flags, one line of help.
struct Command {
    var name: String
    var arguments: String
    var help: String
    var flags = CommandFlags.Definition()
    var interleaved = true
    /// Whether it makes processes that a container can reach: it then runs from a protected copy of the program.
    var needsProtection = false

    static let all: [Command] = [
        Command(
            name: "create", arguments: "ID", help: "make a container without starting its program",
            flags: .init(
                values: ["bundle", "console-socket", "pid-file", "preserve-fds"],
                switches: ["no-pivot", "no-new-keyring"], letters: ["b": "bundle"]),
            needsProtection: true),
        Command(name: "start", arguments: "ID", help: "start the program of a created container"),
        Command(
            name: "run", arguments: "ID", help: "create, start, wait, delete",
            flags: .init(
                values: ["bundle", "console-socket", "pid-file", "preserve-fds"],
                switches: ["detach", "keep", "no-pivot", "no-new-keyring", "no-subreaper"],
                letters: ["b": "bundle", "d": "detach"]),
            needsProtection: true),
        Command(
            name: "exec", arguments: "ID COMMAND [ARGUMENT...]", help: "run a process in a container",
            flags: .init(
                values: [
                    "console-socket", "cwd", "env", "user", "additional-gids", "process", "pid-file", "cap",
                    "preserve-fds", "cgroup", "process-label", "apparmor",
                ],
                switches: ["tty", "detach", "no-new-privs", "ignore-paused"],
                letters: [
                    "e": "env", "u": "user", "g": "additional-gids", "p": "process", "c": "cap", "t": "tty",
                    "d": "detach",
                ]),
            interleaved: false, needsProtection: true),
        Command(
            name: "kill", arguments: "ID [SIGNAL]", help: "send a signal (TERM) to a container's init",
            flags: .init(switches: ["all"], letters: ["a": "all"])),
        Command(
            name: "delete", arguments: "ID", help: "remove a stopped container",
            flags: .init(switches: ["force"], letters: ["f": "force"])),
        Command(name: "state", arguments: "ID", help: "print a container's state"),
        Command(
            name: "list", arguments: "", help: "list the containers",
            flags: .init(values: ["format"], switches: ["quiet"], letters: ["f": "format", "q": "quiet"])),
        Command(
            name: "ps", arguments: "ID", help: "list a container's processes",
            flags: .init(values: ["format"], letters: ["f": "format"])),
        Command(
            name: "events", arguments: "ID", help: "print a container's statistics",
            flags: .init(values: ["interval"], switches: ["stats"])),
        Command(name: "pause", arguments: "ID", help: "freeze a container's processes"),
        Command(name: "resume", arguments: "ID", help: "thaw a container's processes"),
        Command(
            name: "update", arguments: "ID", help: "change a container's limits",
            flags: .init(
                values: [
                    "resources", "cpu-period", "cpu-quota", "cpu-burst", "cpu-share", "cpu-shares", "cpuset-cpus",
                    "cpuset-mems", "memory", "memory-reservation", "memory-swap", "pids-limit", "blkio-weight",
                ], letters: ["r": "resources"])),
        Command(
            name: "spec", arguments: "", help: "write an example config.json",
            flags: .init(values: ["bundle"], letters: ["b": "bundle"])),
        Command(name: "features", arguments: "", help: "print what this runtime can do"),
    ]

    static let globalFlags = CommandFlags.Definition(
        values: ["root", "log", "log-format", "rootless", "criu"],
        switches: ["debug", "systemd-cgroup", "help", "version"], letters: ["h": "help", "v": "version"])

    static var usage: String {
        var text = """
            usage: swiftlet-oci [--root DIRECTORY] [--log FILE] [--log-format text|json] [--systemd-cgroup] COMMAND ...

            """
        for command in all {
            let left = "\(command.name) \(command.arguments)"
            text += "  \(left)\(String(repeating: " ", count: max(1, 34 - left.count)))\(command.help)\n"
        }
        return text
    }
}
