// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Glibc
internal import JSON
internal import KubeClient
internal import Kubelet
internal import Linux
internal import Schema
internal import Telemetry

/// `swiftlet agent`: a node of a cluster whose control plane is on another machine.
enum AgentCommand {
    static let command = Command(
        "agent", summary: "Join a cluster as a node, and run the node", options: AgentOptions.flags,
        discussion: "Once joined, the machine keeps its certificate and renews it: later starts need no flags.")

    static func run(_ arguments: ParsedArguments) throws {
        try requireRoot()
        let options = try AgentOptions(arguments)
        try runService { try await Agent(options).run() }
    }
}

/// The components of `swiftlet agent`.
struct Agent: Sendable {
    let options: AgentOptions
    let identity: NodeIdentity
    let logger: Logger

    init(_ options: AgentOptions) throws {
        self.options = options
        identity = try NodeIdentity.detect(name: options.node.nodeName, addresses: options.node.nodeAddresses)
        logger = Logger(label: "swiftlet", level: options.node.logLevel)
    }

    /// Runs until SIGTERM or SIGINT, or until a component fails.
    func run() async throws {
        let notifier = ServiceNotifier()
        // Joining may take for ever; whoever waits for the unit must not.
        notifier.ready("node \(identity.name), joining")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runNode(notifier) }
            group.addTask {
                try await notifier.feedWatchdog { true }
                try await sleepForever()
            }
            group.addTask { try await untilAskedToStop() }
            try await group.next()
            notifier.stopping()
            logger.info("stopping; pods go on")
            exit(0)
        }
    }

    private func runNode(_ notifier: ServiceNotifier) async throws {
        let directory = "\(options.node.dataDirectory)/agent"
        try Files.makeDirectories(directory, mode: 0o700)
        guard let lock = try FileLock.tryAcquire("\(directory)/lock") else {
            throw ArgumentsError("an agent is running on \(options.node.dataDirectory)", command: "swiftlet agent")
        }
        let certificate = NodeCertificate(
            nodeName: identity.name, purpose: .client, directory: "\(options.node.rootDirectory)/pki",
            logger: logger.with([:], label: "kubelet"))
        let join = NodeJoin(
            options: options, nodeName: identity.name, certificate: certificate,
            logger: logger.with([:], label: "agent"))
        let kubeconfig = try await join.kubeconfig()
        let connection = try KubeConnection(kubeconfig: kubeconfig, userAgent: "kubelet")
        let settings = try await ClusterSettings.read(connection.client, keptIn: directory, logger)
        var nodeOptions = options.node
        settings.complete(&nodeOptions.kubelet)
        // The API server talks to no kubelet whose certificate the cluster has not issued.
        if nodeOptions.kubelet.tlsCertFile.isEmpty { nodeOptions.kubelet.serverTLSBootstrap = true }
        nodeOptions.asksForProvenAddresses = true
        let node = try NodeComponents(
            options: nodeOptions, identity: identity, clusterCIDRs: settings.clusterCIDRs,
            authority: join.authorityPath, kubeletClient: connection.client,
            proxyClient: connection.proxyClient(node: identity.name), logger: logger, metrics: MetricsRegistry())
        notifier.ready("node \(identity.name)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await node.run() }
            group.addTask {
                guard let present = certificate.load() else { throw CertificateGone() }
                try await certificate.keep(present, client: connection.client) { _ in try connection.reload() }
            }
            try await group.waitForAll()
        }
        _ = consume lock
    }

    private struct CertificateGone: Error, CustomStringConvertible {
        var description: String { "the node's certificate was taken away after the node had joined with it" }
    }
}

/// What all nodes have to agree about: read from the cluster, and from what was read before while the server does not
/// answer, so that a machine can start its pods' network without it.
struct ClusterSettings: Sendable {
    /// The address blocks of the cluster's pods.
    let clusterCIDRs: [String]
    /// The addresses of the bundled DNS server's Service; none where there is no such server.
    let clusterDNS: [String]
    let clusterDomain: String?

    private init(_ data: JSONObject) {
        func list(_ name: String) -> [String] { (data[name]?.string ?? "").split(separator: ",").map(String.init) }
        clusterCIDRs = list("clusterCIDR")
        clusterDNS = list("clusterDNS")
        clusterDomain = data["clusterDomain"]?.string
    }

    static func read(
        _ client: KubeClient, keptIn directory: String, _ logger: Logger
    ) async throws -> ClusterSettings {
        let path = "\(directory)/cluster.json"
        var data: JSONObject
        do {
            data =
                try await client.get(
                    ResourceID(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true),
                    namespace: "kube-system", name: "swiftlet-cluster")["data"]?.object ?? [:]
            try Files.replace(path, with: JSONValue.object(data).encoded(), mode: 0o600)
        } catch let error as StatusError where error.isNotFound || error.code == 403 {
            throw ClusterDiscovery.Refusal(
                description: "the cluster's control plane is no 'swiftlet server', which tells nodes their settings "
                    + "(\(error)): run 'swiftlet kubelet' and 'swiftlet proxy' instead")
        } catch {
            guard Files.exists(path) else { throw error }
            logger.warning("read the cluster's settings; going by those of before", ["error": "\(error)"])
            data = try JSONValue.parse(try Files.read(path)).object ?? [:]
        }
        return ClusterSettings(data)
    }

    /// Gives a kubelet the cluster's DNS where its own configuration says nothing of it.
    func complete(_ kubelet: inout KubeletConfiguration) {
        if kubelet.clusterDNS.isEmpty { kubelet.clusterDNS = clusterDNS }
        if let clusterDomain, kubelet.clusterDomain == KubeletConfiguration().clusterDomain {
            kubelet.clusterDomain = clusterDomain
        }
    }
}
