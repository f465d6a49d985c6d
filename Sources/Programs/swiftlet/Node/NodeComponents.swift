// SPDX-License-Identifier: Apache-2.0

internal import Images
internal import KubeClient
internal import KubeProxy
internal import Kubelet
internal import Linux
internal import Netlink
internal import Telemetry

/// Kubelet, pod network and service proxy of this machine.
struct NodeComponents: Sendable {
    let kubelet: KubeletComponents
    private let proxy: ProxyServer

    /// - Parameter authority: The file of the authority by which the API server is known when it asks the kubelet, where
    ///   the configuration names none.
    init(
        options: NodeOptions, identity: NodeIdentity, clusterCIDRs: [String], authority: String,
        kubeletClient: KubeClient, proxyClient: KubeClient, logger: Logger, metrics: MetricsRegistry
    ) throws {
        kubelet = try KubeletComponents(
            options: options, identity: identity, clusterCIDRs: clusterCIDRs, authority: authority,
            client: kubeletClient, proxyClient: proxyClient, logger: logger)
        var configuration = options.proxy
        if configuration.clusterCIDRs.isEmpty {
            configuration.clusterCIDRs = clusterCIDRs.compactMap { IPPrefix($0) }
            if configuration.rules.localTraffic == .unknown {
                configuration.rules.localTraffic = .blocks(configuration.clusterCIDRs)
            }
        }
        configuration.rules.ownPorts = options.ownPorts
        proxy = try ProxyServer(
            configuration: configuration, client: proxyClient, nodeName: identity.name,
            nodeAddresses: identity.addresses.compactMap { IPAddress($0) },
            logger: logger.with([:], label: "proxy"), registry: metrics)
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await onOwnLoop("kubelet") { try await kubelet.run() } }
            group.addTask { try await onOwnLoop("proxy") { try await proxy.run() } }
            try await group.waitForAll()
        }
    }
}

/// The kubelet with the store of its images and the network of its pods.
struct KubeletComponents: Sendable {
    private let kubelet: Kubelet
    let network: NodeNetwork
    private let client: KubeClient
    private let proxyClient: KubeClient
    private let nodeName: String

    /// - Parameter proxyClient: Of who may read all nodes, as kubelets may not: for the routes to their pods.
    init(
        options: NodeOptions, identity: NodeIdentity, clusterCIDRs: [String], authority: String, client: KubeClient,
        proxyClient: KubeClient, logger: Logger
    ) throws {
        self.client = client
        self.proxyClient = proxyClient
        nodeName = identity.name
        let store = try ImageStore(root: "\(options.dataDirectory)/images", limits: options.imageLimits)
        try store.removeLeftovers()
        network = NodeNetwork(
            clusterCIDRs: clusterCIDRs.compactMap { IPPrefix($0) }, ownPorts: options.ownPorts,
            stateDirectory: "\(options.dataDirectory)/network", logger: logger.with([:], label: "network"))
        var settings = KubeletSettings(nodeName: identity.name, nodeAddresses: identity.addresses)
        settings.rootDirectory = options.rootDirectory
        settings.runDirectory = options.runDirectory
        settings.runtime = "\(options.programDirectory)/swiftlet-oci"
        settings.shim = "\(options.programDirectory)/swiftlet-shim"
        settings.nodeLabels = options.nodeLabels
        settings.ownPorts = options.ownPorts
        settings.asksForProvenAddresses = options.asksForProvenAddresses
        var configuration = options.kubelet
        if configuration.clientCAFile.isEmpty { configuration.clientCAFile = authority }
        kubelet = try Kubelet(
            configuration: configuration, settings: settings, client: client,
            images: NodeImages(store: store, registries: RegistryConfiguration()), network: network,
            logger: logger.with([:], label: "kubelet"))
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await kubelet.run() }
            group.addTask { await network.run(client: client, peers: proxyClient, nodeName: nodeName) }
            try await group.waitForAll()
        }
    }
}
