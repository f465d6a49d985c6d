// SPDX-License-Identifier: Apache-2.0

import ContainerRuntime
import Glibc
import JSON
import Linux
import Numbers

/// Values made from flags.
enum Documents {
    /// The JSON document of a file, or of standard input for `-`.
    static func read(_ path: String) throws -> JSONValue {
        let bytes: [UInt8]
        if path == "-" {
            bytes = try FileDescriptor(owning: dup(0)).readAll()
        } else {
            bytes = try Files.read(path)
        }
        do { return try JSONValue.parse(bytes) } catch { throw RuntimeError("read \(path)", "\(error)") }
    }

    /// The process for `exec` without `--process`: the container's own with what the flags change.
    static func process(_ template: JSONValue, _ flags: CommandFlags) throws -> JSONValue {
        guard var process = template.object else { throw RuntimeError("exec", "the container has no process to copy") }
        guard flags.rest.count > 1 else { throw UsageError(description: "a command is required") }
        process["args"] = .array(flags.rest.dropFirst().map { .string($0) })
        process["terminal"] = .bool(flags.has("tty"))
        if let directory = flags.value("cwd") { process["cwd"] = .string(directory) }
        if let added = flags.values["env"] {
            process["env"] = .array((process["env"]?.array ?? []) + added.map { .string($0) })
        }
        if flags.has("no-new-privs") { process["noNewPrivileges"] = true }
        if let profile = flags.value("apparmor") { process["apparmorProfile"] = .string(profile) }
        if let label = flags.value("process-label") { process["selinuxLabel"] = .string(label) }
        try setUser(&process, flags)
        if let added = flags.values["cap"] {
            var sets = process["capabilities"]?.object ?? [:]
            for name in ["bounding", "effective", "permitted"] {
                sets[name] = .array((sets[name]?.array ?? []) + added.map { .string($0) })
            }
            process["capabilities"] = .object(sets)
        }
        return .object(process)
    }

    private static func setUser(_ process: inout JSONObject, _ flags: CommandFlags) throws {
        var user = process["user"]?.object ?? [:]
        if let text = flags.value("user") {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            let group = parts.count == 2 ? GroupID(parts[1]) : nil
            guard (1...2).contains(parts.count), let id = UserID(parts[0]), parts.count == 1 || group != nil else {
                throw UsageError(description: "flag --user: \(text) is not UID or UID:GID")
            }
            user["uid"] = .integer(Int64(id.number))
            if let group { user["gid"] = .integer(Int64(group.number)) }
        }
        if let groups = flags.values["additional-gids"] {
            user["additionalGids"] = .array(
                try groups.map {
                    guard let group = GroupID($0) else {
                        throw UsageError(description: "flag --additional-gids: \($0) is no group's number")
                    }
                    return .integer(Int64(group.number))
                })
        }
        process["user"] = .object(user)
    }

    /// `linux.resources` for `update`.
    static func resources(_ flags: CommandFlags) throws -> JSONValue {
        if let path = flags.value("resources") { return try read(path) }
        var cpu: JSONObject = [:]
        var memory: JSONObject = [:]
        var result: JSONObject = [:]
        for (flag, key) in [
            ("cpu-period", "period"), ("cpu-quota", "quota"), ("cpu-burst", "burst"), ("cpu-share", "shares"),
            ("cpu-shares", "shares"),
        ] { if let value = try flags.number(flag) { cpu[key] = .integer(value) } }
        for (flag, key) in [("cpuset-cpus", "cpus"), ("cpuset-mems", "mems")] {
            if let value = flags.value(flag) { cpu[key] = .string(value) }
        }
        for (flag, key) in [("memory", "limit"), ("memory-reservation", "reservation"), ("memory-swap", "swap")] {
            if let value = try flags.number(flag) { memory[key] = .integer(value) }
        }
        if !cpu.isEmpty { result["cpu"] = .object(cpu) }
        if !memory.isEmpty { result["memory"] = .object(memory) }
        if let limit = try flags.number("pids-limit") { result["pids"] = ["limit": .integer(limit)] }
        if let weight = try flags.number("blkio-weight") { result["blockIO"] = ["weight": .integer(weight)] }
        if result.isEmpty { throw UsageError(description: "nothing to update is given") }
        return .object(result)
    }
}
