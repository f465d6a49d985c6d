// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import KubeClient
internal import KubeProxy
internal import Linux
internal import Netlink
internal import Telemetry

/// `swiftlet proxy`: the service proxy alone, for any API server.
enum ProxyCommand {
    static let command = Command(
        "proxy", summary: "Run the service proxy alone",
        options: [
            .value("config", "path", help: "a KubeProxyConfiguration document"),
            .value("kubeconfig", "path", help: "how to reach the API server; before the configuration's"),
            .value("hostname-override", "name", help: "the node's name"),
            .value("cluster-cidr", "cidrs", help: "addresses of pods, a block for each family"),
            .value("proxy-mode", "mode", help: "nftables, iptables or ipvs: all are kept by nf_tables"),
            .value("metrics-bind-address", "address", help: "where metrics are served"),
            .value("healthz-bind-address", "address", help: "where the health is served"),
            NodeOptions.externalIPsFlag,
            .flag("cleanup", help: "remove the rules and end"), NodeOptions.logLevelFlag,
        ])

    static func run(_ arguments: ParsedArguments) throws {
        try requireRoot()
        let configuration = try configuration(arguments)
        let logger = Logger(label: "proxy", level: try NodeOptions.logLevel(arguments))
        if arguments.flag("cleanup") { return try ProxyServer.cleanUp(configuration, logger: logger) }
        let path = arguments["kubeconfig"] ?? configuration.kubeconfig
        guard !path.isEmpty else {
            throw ArgumentsError(
                "--kubeconfig is missing, and the configuration names none", command: arguments.commandName)
        }
        let connection = try KubeConnection(kubeconfig: Kubeconfig(path: path), userAgent: "kube-proxy")
        let identity = try NodeIdentity.detect(name: arguments["hostname-override"], addresses: [])
        try runService {
            let proxy = try ProxyServer(
                configuration: configuration, client: connection.client, nodeName: identity.name,
                nodeAddresses: identity.addresses.compactMap { IPAddress($0) }, logger: logger)
            try await runComponent(connection, logger) { try await proxy.run() }
        }
    }

    private static func configuration(_ arguments: ParsedArguments) throws -> ProxyConfiguration {
        var configuration = ProxyConfiguration()
        if let path = arguments["config"] { configuration = try ProxyConfiguration(yaml: try Files.read(path)) }
        if let mode = arguments["proxy-mode"], !["nftables", "iptables", "ipvs"].contains(mode) {
            throw ArgumentsError(
                "--proxy-mode: \"\(mode)\" is not a mode of this proxy", command: arguments.commandName)
        }
        if let name = arguments["hostname-override"] { configuration.hostname = name }
        if arguments.isSet("cluster-cidr") {
            configuration.clusterCIDRs = try NodeOptions.blocks("cluster-cidr", arguments).compactMap { IPPrefix($0) }
            switch configuration.rules.localTraffic {
            case .unknown, .blocks: configuration.rules.localTraffic = .blocks(configuration.clusterCIDRs)
            case .bridge, .interfacePrefix: break  // told by another mode, which needs no blocks
            }
        }
        configuration.allowedExternalIPs = try NodeOptions.allowedExternalIPs(arguments)
        if let address = arguments["metrics-bind-address"] { configuration.metricsBindAddress = address }
        if let address = arguments["healthz-bind-address"] { configuration.healthzBindAddress = address }
        // Of the programs around, it knows the kubelet's usual ports.
        configuration.rules.ownPorts = Set(NodeOptions.ports(of: configuration) + [.tcp(10250), .tcp(10248)])
        return configuration
    }
}
