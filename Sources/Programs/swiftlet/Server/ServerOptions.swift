// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Kubelet
internal import Netlink

/// What `swiftlet server` is told: of its control plane here, of its node in `node`.
struct ServerOptions: Sendable {
    var node: NodeOptions
    var kubeconfigPath: String
    var bindAddress: String
    var securePort: UInt16
    var advertiseAddress: String?
    var extraNames: [String]
    var clusterCIDRs: [String]
    var serviceCIDRs: [String]
    /// How many nodes that joined from one address get pod addresses, where it is said.
    var nodesPerAddress: Int?
    var signingDuration: Duration
    /// Authorities of kubelets besides the cluster's own.
    var kubeletAuthorityFile: String?
    var tokens: TokenOptions
    var store: StoreOptions
    /// The addresses of the Service of the bundled DNS server; none: it is left out.
    var clusterDNS: [String]
    /// The admission plugin DenyServiceExternalIPs is on.
    var deniesExternalIPs: Bool

    static let kubeletAuthority = Option.value(
        "kubelet-certificate-authority", "path",
        help: "authorities of kubelets' serving certificates besides the cluster's own, in one PEM file")

    static let flags: [Option] =
        [
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
            .value(
                "service-cluster-ip-range", "cidrs", help: "addresses of Services", default: "10.43.0.0/16,fd43::/112"),
            ControllersCommand.nodesPerAddress,
            admissionFlag,
            .repeated("disable", "component", help: "leave a bundled component out: dns"),
            .value(
                "cluster-signing-duration", "duration",
                help: "the longest life of certificates given to nodes and people", default: "8760h"),
            kubeletAuthority,
        ] + TokenOptions.flags + StoreOptions.flags + NodeOptions.flags

    init(_ arguments: ParsedArguments) throws {
        node = try NodeOptions(arguments)
        kubeconfigPath = try arguments.string("write-kubeconfig")
        bindAddress = try arguments.string("bind-address")
        guard let port = try arguments.integer("secure-port").flatMap({ UInt16(exactly: $0) }), port > 0 else {
            throw ArgumentsError("--secure-port is not a port number", command: arguments.commandName)
        }
        securePort = port
        advertiseAddress = arguments["advertise-address"]
        kubeletAuthorityFile = arguments["kubelet-certificate-authority"]
        extraNames = arguments.all("tls-san")
        clusterCIDRs = try NodeOptions.blocks("cluster-cidr", arguments)
        serviceCIDRs = try NodeOptions.blocks("service-cluster-ip-range", arguments)
        nodesPerAddress = try ControllersCommand.nodesPerAddress(arguments)
        guard let duration = try arguments.duration("cluster-signing-duration"), duration > .zero else {
            throw ArgumentsError("--cluster-signing-duration is no time to live", command: arguments.commandName)
        }
        signingDuration = duration
        tokens = try TokenOptions(arguments)
        store = try StoreOptions(arguments)
        clusterDNS = try Self.clusterDNS(serviceCIDRs, arguments)
        if node.kubelet.clusterDNS.isEmpty { node.kubelet.clusterDNS = clusterDNS }
        node.controlPorts = [.tcp(securePort)]
        // The DNS server's, which listens at the addresses of the pod bridge.
        if !clusterDNS.isEmpty { node.controlPorts.formUnion([.tcp(10053), .udp(10053), .tcp(9153)]) }
        try node.checkPorts(arguments.commandName)
        deniesExternalIPs = try Self.deniesExternalIPs(arguments)
    }

    static let admissionFlag = Option.repeated(
        "enable-admission-plugins", "plugin", help: "an admission plugin that is off by default: DenyServiceExternalIPs"
    )

    static func deniesExternalIPs(_ arguments: ParsedArguments) throws -> Bool {
        let plugins = arguments.all("enable-admission-plugins").flatMap { $0.split(separator: ",") }
        for plugin in plugins where plugin != "DenyServiceExternalIPs" {
            throw ArgumentsError(
                "--enable-admission-plugins: \"\(plugin)\" is not one that can be turned on: "
                    + "DenyServiceExternalIPs is one; those of upstream's default set that exist here are always on",
                command: arguments.commandName)
        }
        return !plugins.isEmpty
    }

    /// The tenth address of each range, as upstream's tools choose it; none where the server is left out.
    private static func clusterDNS(_ ranges: [String], _ arguments: ParsedArguments) throws -> [String] {
        let disabled = arguments.all("disable").flatMap { $0.split(separator: ",") }
        for name in disabled where name != "dns" {
            throw ArgumentsError(
                "--disable: there is no component \"\(name)\": dns is one", command: arguments.commandName)
        }
        guard disabled.isEmpty else { return [] }
        return try ranges.compactMap { IPPrefix($0) }.map { range in
            let address = range.network.advanced(by: 10)
            guard range.contains(address) else {
                throw ArgumentsError(
                    "--service-cluster-ip-range: \(range) has no tenth address for the bundled DNS server; "
                        + "choose a larger range, or leave the server out: --disable dns",
                    command: arguments.commandName)
            }
            return "\(address)"
        }
    }
}
