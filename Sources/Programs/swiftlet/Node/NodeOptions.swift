// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Images
internal import JSON
internal import KubeAPI
internal import KubeProxy
internal import Kubelet
internal import Linux
internal import Netlink
internal import Telemetry
internal import YAML

/// What a node is told, alone or as a part of `swiftlet server`: flags first, then the documents of the configuration
/// file, then defaults.
struct NodeOptions: Sendable {
    var dataDirectory: String
    var nodeName: String?
    var nodeAddresses: [String]
    var nodeLabels: [String: String]
    var kubelet: KubeletConfiguration
    var proxy: ProxyConfiguration
    var rootDirectory: String
    var runDirectory: String
    var programDirectory: String
    var logLevel: Logger.Level
    /// Ports of the control plane on this machine.
    var controlPorts: Set<TransportPort> = []
    var imageLimits: UnpackLimits
    /// As `KubeletSettings` has it.
    var asksForProvenAddresses = false

    static let flags: [Option] =
        [
            .value("data-dir", "path", help: "where everything durable is kept", default: "/var/lib/swiftlet"),
            .value(
                "config", "path", help: "KubeletConfiguration and KubeProxyConfiguration documents",
                default: "/etc/swiftlet/config.yaml"),
            .value("hostname-override", "name", help: "the node's name"),
            .repeated("node-ip", "address", help: "the node's address, one for each family"),
            .repeated("node-labels", "key=value", help: "labels of the node"),
            .value("root-dir", "path", help: "the kubelet's directory", default: "/var/lib/kubelet"),
            .value("run-dir", "path", help: "sockets and what a reboot may forget", default: "/run/swiftlet"),
            .value(
                "program-dir", "path", help: "where swiftlet-oci and swiftlet-shim are; default: beside this program"),
            externalIPsFlag, logLevelFlag,
        ] + ImageLimits.flags
    static let logLevelFlag = Option.value(
        "log-level", "level", help: "debug, info, warning or error", default: "info")

    init(_ arguments: ParsedArguments) throws {
        dataDirectory = try arguments.string("data-dir")
        nodeName = arguments["hostname-override"]
        nodeAddresses = arguments.all("node-ip").flatMap { $0.split(separator: ",").map(String.init) }
        nodeLabels = try Self.labels(arguments)
        rootDirectory = try arguments.string("root-dir")
        runDirectory = try arguments.string("run-dir")
        programDirectory = try arguments["program-dir"] ?? Files.parent(of: Files.readLink("/proc/self/exe"))
        logLevel = try Self.logLevel(arguments)
        imageLimits = try ImageLimits.limits(arguments)
        kubelet = KubeletConfiguration()
        proxy = ProxyConfiguration()
        // A file that was named must be there; the usual place may be empty.
        let path = try arguments.string("config")
        if arguments.isSet("config") || Files.exists(path) { try read(configuration: path, arguments) }
        proxy.allowedExternalIPs = try Self.allowedExternalIPs(arguments)
        try checkPorts(arguments.commandName)
        if kubelet.staticPodPath.isEmpty { kubelet.staticPodPath = "/etc/kubernetes/manifests" }
    }

    static func logLevel(_ arguments: ParsedArguments) throws -> Logger.Level {
        guard let level = Logger.Level(name: try arguments.string("log-level")) else {
            throw ArgumentsError("--log-level is debug, info, warning or error", command: arguments.commandName)
        }
        return level
    }

    /// Address blocks that are some: a mistake must show before anything is written anywhere.
    static func blocks(_ flag: String, _ arguments: ParsedArguments) throws -> [String] {
        let texts = try arguments.string(flag).split(separator: ",").map(String.init)
        for text in texts where IPPrefix(text) == nil {
            throw ArgumentsError("--\(flag): \"\(text)\" is not an address block", command: arguments.commandName)
        }
        guard !texts.isEmpty else {
            throw ArgumentsError("--\(flag) wants an address block for each family", command: arguments.commandName)
        }
        return texts
    }

    private mutating func read(configuration path: String, _ arguments: ParsedArguments) throws {
        do { try read(try YAML.parse(try Files.read(path)), of: path, arguments) } catch let error as Errno {
            throw error
        } catch let error as ArgumentsError {
            throw error
        } catch {
            throw ArgumentsError("\(path): \(error)", command: arguments.commandName)
        }
    }

    private mutating func read(_ documents: [JSONValue], of path: String, _ arguments: ParsedArguments) throws {
        for document in documents where !document.isNull {
            let bytes = document.encoded()
            switch (document["apiVersion"]?.string ?? "", document["kind"]?.string ?? "") {
            case ("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"):
                kubelet = try KubeletConfiguration(text: bytes)
            case ("kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"):
                proxy = try ProxyConfiguration(json: document)
            case (let version, let kind):
                throw ArgumentsError(
                    "\(path): \(version) \(kind) is no KubeletConfiguration and no KubeProxyConfiguration",
                    command: arguments.commandName)
            }
        }
    }

    private static func labels(_ arguments: ParsedArguments) throws -> [String: String] {
        var labels: [String: String] = [:]
        for text in arguments.all("node-labels").flatMap({ $0.split(separator: ",") }) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ArgumentsError("--node-labels: \"\(text)\" is not key=value", command: arguments.commandName)
            }
            labels[String(parts[0])] = String(parts[1])
        }
        let forbidden = KubeletLabels.forbidden(labels.keys.sorted())
        guard forbidden.isEmpty else {
            throw ArgumentsError(
                "--node-labels: \(forbidden.joined(separator: ", ")): Kubernetes' own, which a node may not set for itself; "
                    + "use kubectl label node",
                command: arguments.commandName)
        }
        return labels
    }
}

extension ParsedArguments {
    /// As a hint names it: `swiftlet agent`.
    var commandName: String { path.joined(separator: " ") }
}
