// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Text

/// A container as the OCI runtime specification describes it (`config.json`), version 1.2.
public struct RuntimeSpec: Sendable {
    public struct Root: Sendable, Hashable {
        public var path: String
        public var readOnly: Bool
    }

    public struct Mount: Sendable, Hashable {
        public var destination: String
        public var type: String?
        public var source: String?
        public var options: [String]
        public var uidMappings: [IDMapping]
        public var gidMappings: [IDMapping]

        public init(destination: String, type: String? = nil, source: String? = nil, options: [String] = []) {
            self.destination = destination
            self.type = type
            self.source = source
            self.options = options
            uidMappings = []
            gidMappings = []
        }
    }

    public struct Hook: Sendable, Hashable {
        public var path: String
        public var arguments: [String]
        public var environment: [String]
        /// Seconds.
        public var timeout: Int?
    }

    public struct Hooks: Sendable, Hashable {
        public var prestart: [Hook] = []
        public var createRuntime: [Hook] = []
        public var createContainer: [Hook] = []
        public var startContainer: [Hook] = []
        public var poststart: [Hook] = []
        public var poststop: [Hook] = []
    }

    public var version: String
    public var root: Root
    public var mounts: [Mount]
    public var process: ProcessSpec?
    public var hostname: String?
    public var domainname: String?
    public var hooks: Hooks
    public var annotations: [String: String]
    public var linux: LinuxSpec

    public init(_ value: JSONValue) throws(SpecError) {
        let reader = try SpecReader(value)
        version = try reader.required("ociVersion")
        guard version.hasPrefix("1.") else { throw SpecError("ociVersion", "unsupported version \(version)") }
        guard let root = try reader.object("root") else { throw SpecError("root", "is required") }
        self.root = Root(path: try root.required("path"), readOnly: try root.bool("readonly") ?? false)
        mounts = try reader.list("mounts", Mount.init)
        process = try reader.object("process").map(ProcessSpec.init)
        hostname = try reader.string("hostname")
        domainname = try reader.string("domainname")
        hooks = try reader.object("hooks").map(Hooks.init) ?? Hooks()
        annotations = try reader.map("annotations")
        linux = try reader.object("linux").map(LinuxSpec.init) ?? LinuxSpec()
        for (field, isSet) in [
            ("solaris", reader.has("solaris")), ("windows", reader.has("windows")), ("vm", reader.has("vm")),
        ] where isSet { throw SpecError(field, "is of another platform") }
    }
}

extension RuntimeSpec.Mount {
    init(_ reader: SpecReader) throws(SpecError) {
        destination = try reader.required("destination")
        type = try reader.string("type")
        source = try reader.string("source")
        options = try reader.strings("options")
        uidMappings = try reader.list("uidMappings", IDMapping.init)
        gidMappings = try reader.list("gidMappings", IDMapping.init)
        if destination.isEmpty { throw SpecError(reader.path + ".destination", "is empty") }
    }
}

extension RuntimeSpec.Hook {
    init(_ reader: SpecReader) throws(SpecError) {
        path = try reader.required("path")
        guard path.hasExactPrefix("/") else { throw SpecError(reader.path + ".path", "is not absolute") }
        let given = try reader.strings("args")
        arguments = given.isEmpty ? [path] : given
        environment = try reader.strings("env")
        timeout = try reader.number("timeout", Int.self)
        if let timeout, timeout <= 0 { throw SpecError(reader.path + ".timeout", "is not above 0") }
    }
}

extension RuntimeSpec.Hooks {
    init(_ reader: SpecReader) throws(SpecError) {
        prestart = try reader.list("prestart", RuntimeSpec.Hook.init)
        createRuntime = try reader.list("createRuntime", RuntimeSpec.Hook.init)
        createContainer = try reader.list("createContainer", RuntimeSpec.Hook.init)
        startContainer = try reader.list("startContainer", RuntimeSpec.Hook.init)
        poststart = try reader.list("poststart", RuntimeSpec.Hook.init)
        poststop = try reader.list("poststop", RuntimeSpec.Hook.init)
    }
}

/// A range of ids of a user namespace.
public struct IDMapping: Sendable, Hashable {
    public var containerID: UInt32
    public var hostID: UInt32
    public var size: UInt32

    public init(containerID: UInt32, hostID: UInt32, size: UInt32) {
        self.containerID = containerID
        self.hostID = hostID
        self.size = size
    }

    init(_ reader: SpecReader) throws(SpecError) {
        containerID = try reader.number("containerID", UInt32.self) ?? 0
        hostID = try reader.number("hostID", UInt32.self) ?? 0
        size = try reader.number("size", UInt32.self) ?? 0
        if size == 0 { throw SpecError(reader.path + ".size", "is 0") }
        // The last number of all is none: see `UserID`.
        for (name, first) in [("containerID", containerID), ("hostID", hostID)]
        where first.addingReportingOverflow(size).overflow {
            throw SpecError(reader.path + "." + name, "\(first) and \(size) after it are beyond the last id")
        }
    }

    /// As the lines of /proc/PID/uid_map.
    public static func text(_ mappings: [IDMapping]) -> String {
        mappings.map { "\($0.containerID) \($0.hostID) \($0.size)\n" }.joined()
    }
}
