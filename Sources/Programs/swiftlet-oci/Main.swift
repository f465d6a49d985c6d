// SPDX-License-Identifier: Apache-2.0

import ContainerRuntime
import Glibc
import JSON
import Linux

/// `swiftlet-oci`: an OCI runtime with the flags of runc. Synchronous and single-threaded.
@main
struct Main {
    static func main() {
        var log = Log()
        do {
            exit(try run(CommandLine.arguments, &log))
        } catch let error as UsageError {
            log.error("\(error); see swiftlet-oci --help")
            exit(64)
        } catch {
            log.error("\(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: [String], _ log: inout Log) throws -> Int32 {
        let global = try CommandFlags(arguments.dropFirst(), Command.globalFlags)
        log.file = global.value("log")
        log.isDebug = global.has("debug")
        switch global.value("log-format") ?? "text" {
        case "text": break
        case "json": log.isJSON = true
        case let other: throw UsageError(description: "flag --log-format: \(other) is neither text nor json")
        }
        if global.has("version") {
            print("swiftlet-oci version 0.1.0\nspec: \(RuntimeDocuments.specificationVersion)")
            return 0
        }
        guard let name = global.rest.first, !global.has("help"), name != "help" else {
            print(Command.usage, terminator: "")
            return global.has("help") || global.rest.first == "help" ? 0 : 64
        }
        guard let command = Command.all.first(where: { $0.name == name }) else {
            throw UsageError(description: "unknown command \(name)")
        }
        if global.rest.dropFirst().first == "--help" || global.rest.dropFirst().first == "-h" {
            print("usage: swiftlet-oci \(command.name) [FLAGS] \(command.arguments)\n\(command.help)")
            return 0
        }
        let flags = try CommandFlags(global.rest.dropFirst(), command.flags, interleaved: command.interleaved)
        let preserved = command.needsProtection ? try prepareProcess(arguments, flags) : 0
        var runtime = Runtime(root: global.value("root") ?? "/run/swiftlet-oci")
        runtime.systemdCgroup = global.has("systemd-cgroup")
        defer { for message in runtime.warnings.messages { log.warning(message) } }
        return try perform(name, flags, &runtime, preserved)
    }

    /// What a container must not get: our program to write, our descriptors to use. Returns how many from 3 on it is to get.
    private static func prepareProcess(_ arguments: [String], _ flags: CommandFlags) throws -> Int32 {
        guard geteuid() == 0 else { throw RuntimeError("swiftlet-oci", "must be run as root") }
        let kept = try flags.number("preserve-fds") ?? 0
        guard (0...1024).contains(kept) else {
            throw UsageError(description: "flag --preserve-fds: \(kept) is out of range")
        }
        try SelfProtection.closeOnExec(from: 3 + Int32(kept))
        try SelfProtection.ensure(arguments: arguments)
        return Int32(kept)
    }

    private static func perform(
        _ name: String, _ flags: CommandFlags, _ runtime: inout Runtime, _ preserved: Int32
    ) throws -> Int32 {
        switch name {
        case "create", "run":
            if flags.has("no-pivot") { throw UsageError(description: "flag --no-pivot is not supported") }
            var options = CreateOptions()
            options.bundle = flags.value("bundle") ?? "."
            options.consoleSocket = flags.value("console-socket")
            options.pidFile = flags.value("pid-file")
            options.detach = flags.has("detach")
            options.keep = flags.has("keep")
            options.preservedDescriptors = preserved
            if name == "run" { return try runtime.run(flags.onlyID(), options) }
            try runtime.create(flags.onlyID(), options)
        case "start": try runtime.start(flags.onlyID())
        case "exec": return try exec(flags, &runtime, preserved)
        case "kill":
            guard (1...2).contains(flags.rest.count) else {
                throw UsageError(description: "a container id, and a signal or none, are required")
            }
            let signal = try Signals.parse(flags.rest.count == 2 ? flags.rest[1] : "TERM")
            try runtime.kill(flags.rest[0], signal: signal, all: flags.has("all"))
        case "delete": try runtime.delete(flags.onlyID(), force: flags.has("force"))
        case "state": show(try runtime.state(flags.onlyID()))
        case "pause": try runtime.pause(flags.onlyID())
        case "resume": try runtime.resume(flags.onlyID())
        case "update": try runtime.update(flags.onlyID(), resources: Documents.resources(flags))
        case "events": try events(flags, runtime)
        case "list": try list(flags, &runtime)
        case "ps": try processes(flags, runtime)
        case "features": show(RuntimeDocuments.features())
        case "spec":
            let path = (flags.value("bundle") ?? ".") + "/config.json"
            try Files.write(
                path, RuntimeDocuments.example().encodedPretty(), flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        default: throw UsageError(description: "unknown command \(name)")
        }
        return 0
    }

    private static func exec(
        _ flags: CommandFlags, _ runtime: inout Runtime, _ preserved: Int32
    ) throws -> Int32 {
        guard let id = flags.rest.first else { throw UsageError(description: "a container id is required") }
        let process =
            try flags.value("process").map(Documents.read)
            ?? Documents.process(runtime.processTemplate(id), flags)
        var options = ExecOptions()
        options.consoleSocket = flags.value("console-socket")
        options.pidFile = flags.value("pid-file")
        options.detach = flags.has("detach")
        options.subCgroup = flags.value("cgroup")
        options.preservedDescriptors = preserved
        return try runtime.exec(id, process: process, options)
    }

    private static func events(_ flags: CommandFlags, _ runtime: Runtime) throws {
        let id = try flags.onlyID()
        let seconds = UInt32(clamping: try flags.number("interval") ?? 5)
        print(try runtime.statistics(id))
        while !flags.has("stats") {
            fflush(nil)
            sleep(max(1, seconds))
            guard let status = try runtime.state(id)["status"]?.string, status != "stopped" else { return }
            print(try runtime.statistics(id))
        }
    }

    private static func list(_ flags: CommandFlags, _ runtime: inout Runtime) throws {
        let found = try runtime.list()
        for problem in found.problems { runtime.warn(problem) }
        if flags.has("quiet") {
            for document in found.documents { print(document["id"]?.string ?? "") }
        } else if flags.value("format") == "json" {
            print(JSONValue.array(found.documents))
        } else {
            print(row(["ID", "PID", "STATUS", "CREATED", "BUNDLE"]))
            for document in found.documents {
                print(
                    row(
                        ["id", "pid", "status", "created", "bundle"].map {
                            document[$0]?.string ?? document[$0]?.integer.map(String.init) ?? ""
                        }))
            }
        }
    }

    private static func row(_ fields: [String]) -> String {
        let widths = [24, 8, 10, 32]
        return fields.enumerated().map { index, field in
            index < widths.count ? field + String(repeating: " ", count: max(1, widths[index] - field.count)) : field
        }.joined()
    }

    private static func processes(_ flags: CommandFlags, _ runtime: Runtime) throws {
        let found = try runtime.processes(flags.onlyID())
        if flags.value("format") == "json" {
            print(JSONValue.array(found.map { .integer(Int64($0)) }))
        } else {
            print("PID")
            for process in found { print(process) }
        }
    }

    private static func show(_ value: JSONValue) {
        print(String(decoding: value.encodedPretty(indent: 2), as: UTF8.self))
    }
}
