// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Numbers
internal import Text

/// A process of a container: the specification's `process`.
public struct ProcessSpec: Sendable {
    public struct User: Sendable, Hashable {
        public var user = UserID.root
        public var group = GroupID.root
        public var umask: UInt32?
        public var additionalGroups: [GroupID] = []
    }

    public struct Limit: Sendable, Hashable {
        /// `RLIMIT_NOFILE`.
        public var type: String
        public var soft: UInt64
        public var hard: UInt64
    }

    public struct Capabilities: Sendable, Hashable {
        public var bounding: [String] = []
        public var effective: [String] = []
        public var inheritable: [String] = []
        public var permitted: [String] = []
        public var ambient: [String] = []

        public init() {}
    }

    public struct Scheduler: Sendable, Hashable {
        public var policy: String
        public var nice: Int32
        public var priority: Int32
        public var flags: [String]
        public var runtime: UInt64
        public var deadline: UInt64
        public var period: UInt64
    }

    public struct IOPriority: Sendable, Hashable {
        public var className: String
        public var priority: Int
    }

    public var terminal: Bool
    public var consoleHeight: UInt16?
    public var consoleWidth: UInt16?
    public var workingDirectory: String
    public var environment: [String]
    public var arguments: [String]
    public var limits: [Limit]
    /// Nil: all are dropped.
    public var capabilities: Capabilities?
    public var noNewPrivileges: Bool
    public var appArmorProfile: String?
    public var selinuxLabel: String?
    public var oomScoreAdjustment: Int?
    public var user: User
    public var scheduler: Scheduler?
    public var ioPriority: IOPriority?
    /// The CPUs of `execCPUAffinity`.
    public var initialAffinity: String?
    public var finalAffinity: String?

    public init(_ value: JSONValue) throws(SpecError) { try self.init(SpecReader(value, path: "process")) }

    init(_ reader: SpecReader) throws(SpecError) {
        terminal = try reader.bool("terminal") ?? false
        let console = try reader.object("consoleSize")
        consoleHeight = try console?.number("height", UInt16.self)
        consoleWidth = try console?.number("width", UInt16.self)
        workingDirectory = try reader.required("cwd")
        guard workingDirectory.hasExactPrefix("/") else {
            throw SpecError(reader.path + ".cwd", "\(workingDirectory) is not absolute")
        }
        environment = try reader.strings("env")
        arguments = try reader.strings("args")
        limits = try reader.list("rlimits") { (limit) throws(SpecError) in
            Limit(
                type: try limit.required("type"), soft: try limit.number("soft", UInt64.self) ?? 0,
                hard: try limit.number("hard", UInt64.self) ?? 0)
        }
        var seen: Set<String> = []
        for limit in limits where !seen.insert(limit.type).inserted {
            throw SpecError(reader.path + ".rlimits", "\(limit.type) is given twice")
        }
        capabilities = try reader.object("capabilities").map(Capabilities.init)
        noNewPrivileges = try reader.bool("noNewPrivileges") ?? false
        appArmorProfile = try reader.string("apparmorProfile")
        selinuxLabel = try reader.string("selinuxLabel")
        oomScoreAdjustment = try reader.number("oomScoreAdj", in: -1000...1000)
        user = try reader.object("user").map(User.init) ?? User()
        scheduler = try reader.object("scheduler").map(Scheduler.init)
        ioPriority = try reader.object("ioPriority").map { (priority) throws(SpecError) in
            IOPriority(
                className: try priority.required("class"), priority: try priority.number("priority", Int.self) ?? 0)
        }
        let affinity = try reader.object("execCPUAffinity")
        initialAffinity = try affinity?.string("initial")
        finalAffinity = try affinity?.string("final")
    }
}

extension ProcessSpec.User {
    init(_ reader: SpecReader) throws(SpecError) {
        user = try reader.user("uid") ?? .root
        group = try reader.group("gid") ?? .root
        umask = try reader.number("umask", in: 0...0o777)
        additionalGroups = try reader.groups("additionalGids")
    }
}

extension ProcessSpec.Capabilities {
    init(_ reader: SpecReader) throws(SpecError) {
        bounding = try reader.strings("bounding")
        effective = try reader.strings("effective")
        inheritable = try reader.strings("inheritable")
        permitted = try reader.strings("permitted")
        ambient = try reader.strings("ambient")
    }
}

extension ProcessSpec.Scheduler {
    init(_ reader: SpecReader) throws(SpecError) {
        policy = try reader.required("policy")
        nice = try reader.number("nice", Int32.self) ?? 0
        priority = try reader.number("priority", Int32.self) ?? 0
        flags = try reader.strings("flags")
        runtime = try reader.number("runtime", UInt64.self) ?? 0
        deadline = try reader.number("deadline", UInt64.self) ?? 0
        period = try reader.number("period", UInt64.self) ?? 0
    }
}
