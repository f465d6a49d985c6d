// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Numbers

/// The specification's `linux`.
public struct LinuxSpec: Sendable {
    public struct NamespaceSpec: Sendable, Hashable {
        /// `pid`, `network`, `mount`, `ipc`, `uts`, `user`, `cgroup`, `time`.
        public var type: String
        /// To join; nil: a new one.
        public var path: String?
    }

    public struct Device: Sendable, Hashable {
        public enum Kind: Sendable, Hashable { case block, character, fifo }
        public var path: String
        public var kind: Kind
        public var major: UInt32
        public var minor: UInt32
        public var mode: UInt32
        public var user: UInt32
        public var group: UInt32

        public init(
            path: String, kind: Kind, major: UInt32, minor: UInt32, mode: UInt32 = 0o666, user: UInt32 = 0,
            group: UInt32 = 0
        ) {
            self.path = path
            self.kind = kind
            self.major = major
            self.minor = minor
            self.mode = mode
            self.user = user
            self.group = group
        }
    }

    public var namespaces: [NamespaceSpec] = []
    public var uidMappings: [IDMapping] = []
    public var gidMappings: [IDMapping] = []
    public var timeOffsets: [String: (seconds: Int64, nanoseconds: UInt32)] = [:]
    public var devices: [Device] = []
    public var cgroupsPath: String?
    public var resources = ResourcesSpec()
    public var rootfsPropagation: String?
    public var seccomp: SeccompSpec?
    public var sysctl: [String: String] = [:]
    public var maskedPaths: [String] = []
    public var readonlyPaths: [String] = []
    public var mountLabel: String?
    public var personality: String?
    public var hasIntelRDT = false

    public init() {}

    init(_ reader: SpecReader) throws(SpecError) {
        namespaces = try reader.list("namespaces") { (namespace) throws(SpecError) in
            NamespaceSpec(type: try namespace.required("type"), path: try namespace.string("path"))
        }
        var seen: Set<String> = []
        for namespace in namespaces where !seen.insert(namespace.type).inserted {
            throw SpecError("linux.namespaces", "\(namespace.type) is given twice")
        }
        uidMappings = try reader.list("uidMappings", IDMapping.init)
        gidMappings = try reader.list("gidMappings", IDMapping.init)
        if let offsets = try reader.object("timeOffsets") {
            for (clock, _) in offsets.object {
                let offset = try offsets.object(clock)
                timeOffsets[clock] = (
                    try offset?.integer("secs") ?? 0, try offset?.number("nanosecs", UInt32.self) ?? 0
                )
            }
        }
        devices = try reader.list("devices", Device.init)
        cgroupsPath = try reader.string("cgroupsPath")
        resources = try reader.object("resources").map(ResourcesSpec.init) ?? ResourcesSpec()
        rootfsPropagation = try reader.string("rootfsPropagation")
        seccomp = try reader.object("seccomp").map(SeccompSpec.init)
        sysctl = try reader.map("sysctl")
        maskedPaths = try reader.strings("maskedPaths")
        readonlyPaths = try reader.strings("readonlyPaths")
        mountLabel = try reader.string("mountLabel")
        personality = try reader.object("personality")?.string("domain")
        hasIntelRDT = reader.has("intelRdt")
    }
}

extension LinuxSpec.Device {
    init(_ reader: SpecReader) throws(SpecError) {
        path = try reader.required("path")
        let type = try reader.required("type")
        switch type {
        case "c", "u": kind = .character
        case "b": kind = .block
        case "p": kind = .fifo
        default: throw SpecError(reader.path + ".type", "unknown device type \(type)")
        }
        major = try reader.number("major", UInt32.self) ?? 0
        minor = try reader.number("minor", UInt32.self) ?? 0
        mode = try reader.number("fileMode", in: 0...UInt32(Int32.max)) ?? 0o666
        user = try reader.user("uid")?.number ?? 0
        group = try reader.group("gid")?.number ?? 0
    }
}
