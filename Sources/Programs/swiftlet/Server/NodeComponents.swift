// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import HTTP
internal import Images
internal import KubeClient
internal import KubeProxy
internal import Kubelet
internal import Linux
internal import Netlink
internal import TLS
internal import Telemetry

/// Kubelet, pod network and service proxy of this machine.
struct NodeComponents: Sendable {
    private let kubelet: Kubelet
    private let network: NodeNetwork
    private let proxy: ProxyServer
    private let client: KubeClient
    private let nodeName: String

    init(_ server: Server, _ apiServer: APIServer) throws {
        let options = server.options
        let name = server.identity.name
        nodeName = name
        client = KubeClient(
            exchange: apiServer.exchange(
                as: RequestUser(name: "system:node:\(name)", groups: ["system:nodes", "system:authenticated"])),
            userAgent: "kubelet")
        let store = try ImageStore(root: "\(options.dataDirectory)/images")
        try store.removeLeftovers()
        network = NodeNetwork(
            clusterCIDRs: options.clusterCIDRs.compactMap { IPPrefix($0) },
            stateDirectory: "\(options.dataDirectory)/network", logger: server.logger.with([:], label: "network"))
        var settings = KubeletSettings(nodeName: name, nodeAddresses: server.identity.addresses)
        settings.rootDirectory = options.rootDirectory
        settings.runDirectory = options.runDirectory
        settings.runtime = "\(options.programDirectory)/swiftlet-oci"
        settings.shim = "\(options.programDirectory)/swiftlet-shim"
        settings.nodeLabels = options.nodeLabels
        var kubeletConfiguration = options.kubelet
        // Requests to the kubelet come from the API server, which shows a certificate of the cluster's authority.
        if kubeletConfiguration.clientCAFile.isEmpty {
            kubeletConfiguration.clientCAFile = "\(options.dataDirectory)/server/tls/ca.crt"
        }
        kubelet = try Kubelet(
            configuration: kubeletConfiguration, settings: settings, client: client,
            images: NodeImages(store: store, registries: RegistryConfiguration()), network: network,
            logger: server.logger.with([:], label: "kubelet"))
        let proxyClient = KubeClient(
            exchange: apiServer.exchange(
                as: RequestUser(name: "system:kube-proxy", groups: ["system:authenticated"])), userAgent: "kube-proxy")
        var proxyConfiguration = options.proxy
        if proxyConfiguration.clusterCIDRs.isEmpty {
            proxyConfiguration.clusterCIDRs = options.clusterCIDRs.compactMap { IPPrefix($0) }
            proxyConfiguration.rules.localTraffic = .blocks(proxyConfiguration.clusterCIDRs)
        }
        proxy = try ProxyServer(
            configuration: proxyConfiguration, client: proxyClient, nodeName: name,
            nodeAddresses: server.identity.addresses.compactMap { IPAddress($0) },
            logger: server.logger.with([:], label: "proxy"), registry: server.metrics)
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await kubelet.run() }
            group.addTask { await network.run(client: client, nodeName: nodeName) }
            group.addTask { try await proxy.run() }
            try await group.waitForAll()
        }
    }
}
