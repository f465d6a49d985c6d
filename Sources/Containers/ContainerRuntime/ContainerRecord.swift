// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI

/// What the runtime keeps of a container, in `state.json` of its directory.
public struct ContainerRecord: Sendable {
    public var id: String
    public var version: String
    public var bundle: String
    public var rootfs: String
    public var created: String
    public var annotations: [String: String]
    /// Below the cgroup2 hierarchy; nil without one.
    public var cgroup: String?
    /// The init process; 0 until it is made.
    public var pid: Int32 = 0
    /// Field 22 of /proc/PID/stat: with the pid, it names one process for ever.
    public var startTime: UInt64 = 0
    /// The process that is making the container: while it lives, the container is `creating`.
    public var creator: Int32
    public var creatorStartTime: UInt64
    /// Device and inode of the program that init runs until it is started.
    public var runtimeProgram: String

    var json: JSONValue {
        var object: JSONObject = [
            "ociVersion": .string(version), "id": .string(id), "bundle": .string(bundle), "rootfs": .string(rootfs),
            "created": .string(created), "pid": .integer(Int64(pid)), "startTime": .integer(Int64(startTime)),
            "creator": .integer(Int64(creator)), "creatorStartTime": .integer(Int64(creatorStartTime)),
            "runtimeProgram": .string(runtimeProgram),
        ]
        if let cgroup { object["cgroup"] = .string(cgroup) }
        object["annotations"] = annotationsJSON
        return .object(object)
    }

    var annotationsJSON: JSONValue {
        .object(JSONObject(annotations.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }

    init(
        id: String, version: String, bundle: String, rootfs: String, annotations: [String: String], cgroup: String?
    ) throws {
        self.id = id
        self.version = version
        self.bundle = bundle
        self.rootfs = rootfs
        self.annotations = annotations
        self.cgroup = cgroup
        created = Self.timestamp(KernelClock.wall.now())
        creator = getpid()
        creatorStartTime = ProcessStatus.read(creator)?.startTime ?? 0
        runtimeProgram = try Self.program(of: "self")
    }

    init(_ value: JSONValue) throws {
        let reader = try SpecReader(value)
        id = try reader.required("id")
        version = try reader.required("ociVersion")
        bundle = try reader.required("bundle")
        rootfs = try reader.required("rootfs")
        created = try reader.required("created")
        annotations = try reader.map("annotations")
        cgroup = try reader.string("cgroup")
        pid = try reader.number("pid", Int32.self) ?? 0
        startTime = try reader.number("startTime", UInt64.self) ?? 0
        creator = try reader.number("creator", Int32.self) ?? 0
        creatorStartTime = try reader.number("creatorStartTime", UInt64.self) ?? 0
        runtimeProgram = try reader.string("runtimeProgram") ?? ""
    }

    /// Device and inode of the program a process runs; empty when it has ended.
    static func program(of process: String) throws -> String {
        guard let status = try Files.statusIfPresent("/proc/\(process)/exe") else { return "" }
        return "\(status.device.major):\(status.device.minor):\(status.inode)"
    }

    /// RFC 3339 with nanoseconds, UTC.
    public static func timestamp(_ nanoseconds: Int64) -> String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func pad(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date = "\(pad(Int(parts.tm_year) + 1900, 4))-\(pad(Int(parts.tm_mon) + 1, 2))-\(pad(Int(parts.tm_mday), 2))"
        let time = "\(pad(Int(parts.tm_hour), 2)):\(pad(Int(parts.tm_min), 2)):\(pad(Int(parts.tm_sec), 2))"
        return "\(date)T\(time).\(pad(Int(nanoseconds % 1_000_000_000), 9))Z"
    }
}

/// What /proc/PID/stat tells.
struct ProcessStatus {
    var state: Character
    var startTime: UInt64

    var isAlive: Bool { state != "Z" && state != "X" && state != "x" }

    /// Nil when there is no such process.
    static func read(_ pid: Int32) -> ProcessStatus? {
        // Any failure to read means that the process is gone.
        guard let text = try? Files.readText("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        // After the name, which may hold anything: field 3 is first here, so field 22 is number 19.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let start = UInt64(fields[19]) else { return nil }
        return ProcessStatus(state: state, startTime: start)
    }
}
