// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import AsyncIO
internal import ClusterDNS
internal import KubeClient
internal import Kubelet
internal import Netlink
internal import Telemetry

/// The cluster's DNS server, on the control plane's machine, at the addresses its pods have for it.
struct NodeNames: Sendable {
    private let network: NodeNetwork
    private let client: KubeClient
    private let logger: Logger
    private let settings: ClusterDNSSettings

    init(_ server: Server, _ apiServer: APIServer, _ network: NodeNetwork) {
        self.network = network
        logger = server.logger.with([:], label: "dns")
        client = KubeClient(
            exchange: apiServer.exchange(asServiceAccount: "cluster-dns", namespace: "kube-system"),
            userAgent: "cluster-dns")
        var settings = ClusterDNSSettings(
            nodeName: server.identity.name, addresses: [],
            serviceAddresses: server.options.clusterDNS.compactMap { Netlink.IPAddress($0) })
        settings.domain = server.options.node.kubelet.clusterDomain
        settings.resolverConfiguration = server.options.node.kubelet.resolverConfiguration
        self.settings = settings
    }

    /// Serves until cancelled. Without the server pods still run, so a failure is told and tried again.
    func run() async throws {
        var settings = settings
        settings.addresses = await network.gateways()
        try Task.checkCancellation()
        let loop = try EventLoop(name: "dns")
        while true {
            do {
                try await ClusterDNS(settings, client: client, loop: loop, logger: logger).run()
            } catch {
                try Task.checkCancellation()
                logger.error("serve cluster DNS, retrying", ["error": "\(error)"])
            }
            try await sleep(for: .seconds(10))
        }
    }
}
