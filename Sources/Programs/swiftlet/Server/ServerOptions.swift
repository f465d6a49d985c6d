// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import JSON
internal import KubeProxy
internal import Kubelet
internal import Linux
internal import Netlink
internal import Schema
internal import Telemetry
internal import YAML

/// What `swiftlet server` is told: flags first, then the documents of the configuration file, then defaults.
struct ServerOptions: Sendable {
    var dataDirectory: String
    var kubeconfigPath: String
    var bindAddress: String
    var securePort: UInt16
    var advertiseAddress: String?
    var extraNames: [String]
    var clusterCIDRs: [String]
    var serviceCIDRs: [String]
    var signingDuration: Duration
    var nodeName: String?
    var nodeAddresses: [String]
    var nodeLabels: [String: String]
    var kubelet: KubeletConfiguration
    var proxy: ProxyConfiguration
    var rootDirectory: String
    var runDirectory: String
    var programDirectory: String
    var logLevel: Logger.Level

    static let flags: [Option] = [
        .value("data-dir", "path", help: "where everything durable is kept", default: "/var/lib/swiftlet"),
        .value(
            "config", "path", help: "KubeletConfiguration and KubeProxyConfiguration documents",
            default: "/etc/swiftlet/config.yaml"),
        .value(
            "write-kubeconfig", "path", help: "where to put the administrator's kubeconfig",
            default: "/etc/swiftlet/kubeconfig"),
        .value("bind-address", "address", help: "where the API server listens", default: "::"),
        .value("secure-port", "port", help: "the API server's port", default: "6443"),
        .value("advertise-address", "address", help: "the address others reach the API server under"),
        .repeated("tls-san", "name", help: "another name or address for the API server's certificate"),
        .value(
            "cluster-cidr", "cidrs", help: "addresses of pods, a block for each family",
            default: "10.42.0.0/16,fd42::/48"),
        .value("service-cluster-ip-range", "cidrs", help: "addresses of Services", default: "10.43.0.0/16,fd43::/112"),
        .value(
            "cluster-signing-duration", "duration",
            help: "the longest life of the certificates given to nodes and people",
            default: "8760h"),
        .value("hostname-override", "name", help: "the node's name"),
        .repeated("node-ip", "address", help: "the node's address, one for each family"),
        .repeated("node-labels", "key=value", help: "labels of the node"),
        .value("root-dir", "path", help: "the kubelet's directory", default: "/var/lib/kubelet"),
        .value("run-dir", "path", help: "sockets and what a reboot may forget", default: "/run/swiftlet"),
        .value("program-dir", "path", help: "where swiftlet-oci and swiftlet-shim are; default: beside this program"),
        .value("log-level", "level", help: "debug, info, warning or error", default: "info"),
    ]

    init(_ arguments: ParsedArguments) throws {
        func list(_ name: String) throws -> [String] {
            try arguments.string(name).split(separator: ",").map(String.init)
        }
        dataDirectory = try arguments.string("data-dir")
        kubeconfigPath = try arguments.string("write-kubeconfig")
        bindAddress = try arguments.string("bind-address")
        guard let port = try arguments.integer("secure-port").flatMap({ UInt16(exactly: $0) }), port > 0 else {
            throw ArgumentsError("--secure-port is not a port number", command: "swiftlet server")
        }
        securePort = port
        advertiseAddress = arguments["advertise-address"]
        extraNames = arguments.all("tls-san")
        clusterCIDRs = try Self.blocks("cluster-cidr", list("cluster-cidr"))
        serviceCIDRs = try Self.blocks("service-cluster-ip-range", list("service-cluster-ip-range"))
        guard let signing = GoDuration.nanoseconds(try arguments.string("cluster-signing-duration")), signing > 0 else {
            throw ArgumentsError("--cluster-signing-duration is no duration such as 24h", command: "swiftlet server")
        }
        signingDuration = .nanoseconds(signing)
        nodeName = arguments["hostname-override"]
        nodeAddresses = arguments.all("node-ip").flatMap { $0.split(separator: ",").map(String.init) }
        nodeLabels = try Self.labels(arguments.all("node-labels"))
        rootDirectory = try arguments.string("root-dir")
        runDirectory = try arguments.string("run-dir")
        programDirectory = try arguments["program-dir"] ?? Files.parent(of: Files.readLink("/proc/self/exe"))
        guard let level = Logger.Level(name: try arguments.string("log-level")) else {
            throw ArgumentsError("--log-level is debug, info, warning or error", command: "swiftlet server")
        }
        logLevel = level
        kubelet = KubeletConfiguration()
        proxy = ProxyConfiguration()
        // A file that was named must be there; the usual place may be empty.
        let path = try arguments.string("config")
        if arguments.isSet("config") || Files.exists(path) { try read(configuration: path) }
        if kubelet.staticPodPath.isEmpty { kubelet.staticPodPath = "/etc/kubernetes/manifests" }
    }

    /// Address blocks that are some: a mistake must show before anything is written anywhere.
    private static func blocks(_ flag: String, _ texts: [String]) throws -> [String] {
        for text in texts where IPPrefix(text) == nil {
            throw ArgumentsError("--\(flag): \"\(text)\" is not an address block", command: "swiftlet server")
        }
        guard !texts.isEmpty else {
            throw ArgumentsError("--\(flag) wants an address block for each family", command: "swiftlet server")
        }
        return texts
    }

    private mutating func read(configuration path: String) throws {
        do { try read(try YAML.parse(try Files.read(path)), of: path) } catch let error as Errno {
            throw error
        } catch let error as ArgumentsError {
            throw error
        } catch {
            throw ArgumentsError("\(path): \(error)", command: "swiftlet server")
        }
    }

    private mutating func read(_ documents: [JSONValue], of path: String) throws {
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
                    command: "swiftlet server")
            }
        }
    }

    private static func labels(_ texts: [String]) throws -> [String: String] {
        var labels: [String: String] = [:]
        for text in texts.flatMap({ $0.split(separator: ",") }) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ArgumentsError("--node-labels: \"\(text)\" is not key=value", command: "swiftlet server")
            }
            labels[String(parts[0])] = String(parts[1])
        }
        return labels
    }
}
