// SPDX-License-Identifier: Apache-2.0

internal import Arguments

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
    var signingDuration: Duration

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
            .value(
                "cluster-signing-duration", "duration",
                help: "the longest life of certificates given to nodes and people", default: "8760h"),
        ] + NodeOptions.flags

    init(_ arguments: ParsedArguments) throws {
        node = try NodeOptions(arguments)
        kubeconfigPath = try arguments.string("write-kubeconfig")
        bindAddress = try arguments.string("bind-address")
        guard let port = try arguments.integer("secure-port").flatMap({ UInt16(exactly: $0) }), port > 0 else {
            throw ArgumentsError("--secure-port is not a port number", command: arguments.commandName)
        }
        securePort = port
        advertiseAddress = arguments["advertise-address"]
        extraNames = arguments.all("tls-san")
        clusterCIDRs = try NodeOptions.blocks("cluster-cidr", arguments)
        serviceCIDRs = try NodeOptions.blocks("service-cluster-ip-range", arguments)
        guard let duration = try arguments.duration("cluster-signing-duration"), duration > .zero else {
            throw ArgumentsError("--cluster-signing-duration is no time to live", command: arguments.commandName)
        }
        signingDuration = duration
    }
}
