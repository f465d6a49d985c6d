// SPDX-License-Identifier: Apache-2.0

/// What a shim is started with: its command line.
public struct ShimOptions: Hashable, Sendable {
    /// Where the socket, the pinned namespaces and the process record of the pod are (`/run/swiftlet/pods/<uid>`).
    public var directory = ""
    public var podUID = ""
    /// Where exit records go: a directory that outlives a reboot.
    public var exitDirectory = ""
    /// The OCI runtime's executable, and the directory where it keeps its state.
    public var runtime = ""
    public var runtimeRoot = ""
    /// Namespaces the pod gets of its own. `pid` is one that all containers share.
    public var namespaces: Set<SandboxNamespace> = []
    /// The host name in the pod's UTS namespace.
    public var hostname = ""
    public var sysctls: [(name: String, value: String)] = []

    public init() {}

    public static func == (left: ShimOptions, right: ShimOptions) -> Bool { left.arguments == right.arguments }
    public func hash(into hasher: inout Hasher) { hasher.combine(arguments) }

    /// The command line that says the same.
    public var arguments: [String] {
        var result = [
            "--directory", directory, "--pod-uid", podUID, "--exits", exitDirectory, "--runtime", runtime,
            "--runtime-root", runtimeRoot,
        ]
        if !namespaces.isEmpty {
            result += ["--namespaces", namespaces.map(\.rawValue).sorted().joined(separator: ",")]
        }
        if !hostname.isEmpty { result += ["--hostname", hostname] }
        for sysctl in sysctls { result += ["--sysctl", "\(sysctl.name)=\(sysctl.value)"] }
        return result
    }

    /// Reads a command line, without the program's name.
    public init(arguments: [String]) throws(ShimFailure) {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            guard let value = rest.popFirst() else { throw ShimFailure(.system, "flag \(flag) needs a value") }
            switch flag {
            case "--directory": directory = value
            case "--pod-uid": podUID = value
            case "--exits": exitDirectory = value
            case "--runtime": runtime = value
            case "--runtime-root": runtimeRoot = value
            case "--hostname": hostname = value
            case "--namespaces":
                for name in value.split(separator: ",") {
                    guard let namespace = SandboxNamespace(rawValue: String(name)) else {
                        throw ShimFailure(.system, "unknown namespace \(name): use net, ipc, uts or pid")
                    }
                    namespaces.insert(namespace)
                }
            case "--sysctl":
                guard let equals = value.firstIndex(of: "=") else {
                    throw ShimFailure(.system, "sysctl \(value) is not name=value")
                }
                sysctls.append((String(value[..<equals]), String(value[value.index(after: equals)...])))
            default: throw ShimFailure(.system, "unknown flag \(flag)")
            }
        }
        for (name, value) in [
            ("--directory", directory), ("--pod-uid", podUID), ("--exits", exitDirectory), ("--runtime", runtime),
            ("--runtime-root", runtimeRoot),
        ] where value.isEmpty {
            throw ShimFailure(.system, "flag \(name) is missing")
        }
    }

    public var socketPath: String { directory + "/shim.sock" }
    public var processPath: String { directory + "/shim.pid" }

    /// Where the pod's namespace of `kind` is pinned.
    public func namespacePath(_ kind: SandboxNamespace) -> String { directory + "/ns/" + kind.rawValue }
}

/// A kind of namespace that the containers of a pod share.
public enum SandboxNamespace: String, Hashable, Sendable, CaseIterable {
    case net, ipc, uts, pid
}
