// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Namespaces
import OCI
internal import Text

/// A bundle's configuration, checked as far as that needs no container.
struct Bundle {
    var path: String
    var spec: RuntimeSpec
    var bytes: [UInt8]
    var rootfs: String

    static func load(_ given: String) throws -> Bundle {
        let path = try absolute(given)
        let bytes = try during("read the bundle") { try Files.read(path + "/config.json") }
        let spec = try during("\(path)/config.json") { try RuntimeSpec(JSONValue.parse(bytes)) }
        let joined = spec.root.path.hasExactPrefix("/") ? spec.root.path : "\(path)/\(spec.root.path)"
        let rootfs = try during("root filesystem") { try absolute(joined) }
        guard try Files.status(rootfs).kind == .directory else {
            throw RuntimeError("root filesystem \(rootfs)", "is not a directory")
        }
        let bundle = Bundle(path: path, spec: spec, bytes: bytes, rootfs: rootfs)
        try during("\(path)/config.json") { try bundle.check() }
        return bundle
    }

    /// The path without links, as the kernel knows it.
    static func absolute(_ path: String) throws -> String {
        guard let resolved = realpath(path, nil) else { throw Errno(errno, "open \(path)") }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private func check() throws {
        guard let process = spec.process else { throw SpecError("process", "is required") }
        guard !process.arguments.isEmpty else { throw SpecError("process.args", "is empty") }
        let plan = try NamespacePlan(spec.linux.namespaces)
        guard plan.makes(.mount) else {
            throw SpecError("linux.namespaces", "a new mount namespace is required")
        }
        if spec.hostname != nil || spec.domainname != nil {
            guard plan.has(.uts) else { throw SpecError("hostname", "needs a uts namespace") }
        }
        if plan.makes(.user) {
            guard !spec.linux.uidMappings.isEmpty, !spec.linux.gidMappings.isEmpty else {
                throw SpecError("linux.uidMappings", "a new user namespace needs uidMappings and gidMappings")
            }
        }
        for name in spec.linux.sysctl.keys { try Sysctl.check(name, plan) }
        for (name, isSet) in [
            ("linux.intelRdt", spec.linux.hasIntelRDT), ("linux.mountLabel", spec.linux.mountLabel != nil),
            ("process.selinuxLabel", !(process.selinuxLabel ?? "").isEmpty),
        ] where isSet { throw SpecError(name, "is not supported") }
        if let profile = process.appArmorProfile, !profile.isEmpty, profile != "unconfined",
            !Files.exists("/sys/kernel/security/apparmor")
        {
            throw SpecError("process.apparmorProfile", "AppArmor is not enabled on this machine")
        }
        for limit in process.limits where ResourceLimits.numbers[limit.type] == nil {
            throw SpecError("process.rlimits", "unknown limit \(limit.type)")
        }
        try Personality.check(spec.linux.personality)
    }
}

/// Which namespaces are made and which are joined.
struct NamespacePlan {
    private(set) var made: [NamespaceKind] = []
    private(set) var joined: [(kind: NamespaceKind, path: String)] = []

    static let names: [String: NamespaceKind] = [
        "pid": .process, "network": .network, "mount": .mount, "ipc": .ipc, "uts": .uts, "user": .user,
        "cgroup": .cgroup, "time": .time,
    ]

    init(_ namespaces: [LinuxSpec.NamespaceSpec]) throws(SpecError) {
        for namespace in namespaces {
            guard let kind = Self.names[namespace.type] else {
                throw SpecError("linux.namespaces", "unknown type \(namespace.type)")
            }
            if let path = namespace.path, !path.isEmpty { joined.append((kind, path)) } else { made.append(kind) }
        }
        if joined.contains(where: { $0.kind == .mount }) {
            throw SpecError("linux.namespaces", "joining a mount namespace is not supported")
        }
    }

    func makes(_ kind: NamespaceKind) -> Bool { made.contains(kind) }
    func joins(_ kind: NamespaceKind) -> Bool { joined.contains { $0.kind == kind } }
    func has(_ kind: NamespaceKind) -> Bool { makes(kind) || joins(kind) }
}
