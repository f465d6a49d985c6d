// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import Arguments
internal import AsyncIO
internal import Glibc
internal import HTTP
internal import KubeClient
internal import Kubelet
internal import Linux
internal import Telemetry

/// `swiftlet server`: control plane and node in one process. Every component talks to the API server through a client,
/// as it would from another machine; only the transport is shorter.
enum ServerCommand {
    static let command = Command(
        "server", summary: "Run the control plane and a node", options: ServerOptions.flags,
        discussion: "Pods belong to their shims: stopping, killing or upgrading the server does not touch them.")

    static func run(_ arguments: ParsedArguments) throws {
        try requireRoot()
        let options = try ServerOptions(arguments)
        try runService { try await Server(options).run() }
    }
}

/// The components of `swiftlet server` and what they share.
struct Server: Sendable {
    let options: ServerOptions
    let identity: NodeIdentity
    let logger: Logger
    let metrics = MetricsRegistry()

    init(_ options: ServerOptions) throws {
        self.options = options
        identity = try NodeIdentity.detect(name: options.node.nodeName, addresses: options.node.nodeAddresses)
        logger = Logger(label: "swiftlet", level: options.node.logLevel)
    }

    /// Runs until SIGTERM or SIGINT, or until a component fails.
    func run() async throws {
        let notifier = ServiceNotifier()
        let apiServer = try makeAPIServer()
        try await apiServer.start()
        let listener = try listen(apiServer)
        try writeKubeconfig(apiServer.credentials)
        let node = try makeNode(apiServer)
        let names = options.clusterDNS.isEmpty ? nil : NodeNames(self, apiServer, node.kubelet.network)
        let control = try ControlComponents(self, apiServer)
        notifier.ready("node \(identity.name), API server on port \(options.securePort)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await control.run() }
            group.addTask { try await node.run() }
            if let names { group.addTask { try await onOwnLoop("dns-records") { try await names.run() } } }
            group.addTask {
                try await apiServer.keepCertificates {
                    try listener.reload(tls: apiServer.credentials.listener)
                    try writeKubeconfig(apiServer.credentials)
                }
            }
            group.addTask {
                try await notifier.feedWatchdog { await isAlive(apiServer) }
                // Without a watchdog this task has nothing to do, and its end means nothing.
                try await sleepForever()
            }
            group.addTask { try await untilAskedToStop() }
            // Whoever ends first, by request or by failure, ends the process.
            try await group.next()
            notifier.stopping()
            logger.info("stopping; pods go on")
            // Nothing needs a clean end: what is acknowledged is on disk, and what runs belongs to the shims.
            exit(0)
        }
    }

    /// Kubelet and proxy as the users they would be on another machine.
    private func makeNode(_ apiServer: APIServer) throws -> NodeComponents {
        func client(_ name: String, _ groups: [String], _ userAgent: String) -> KubeClient {
            KubeClient(
                exchange: apiServer.exchange(as: RequestUser(name: name, groups: groups + ["system:authenticated"])),
                userAgent: userAgent)
        }
        var nodeOptions = options.node
        // Of the cluster's authority, so that the API server knows whom it asks. No request has to be approved for it:
        // who runs this process holds the authority.
        if nodeOptions.kubelet.tlsCertFile.isEmpty, let files = apiServer.credentials.kubeletServingFiles {
            nodeOptions.kubelet.tlsCertFile = files.certificate
            nodeOptions.kubelet.tlsPrivateKeyFile = files.key
        }
        return try NodeComponents(
            options: nodeOptions, identity: identity, clusterCIDRs: options.clusterCIDRs,
            // Requests to the kubelet come from the API server, which shows a certificate of the cluster's authority.
            authority: "\(options.node.dataDirectory)/server/tls/ca.crt",
            kubeletClient: client("system:node:\(identity.name)", ["system:nodes"], "kubelet"),
            proxyClient: client("system:kube-proxy", [], "kube-proxy"), logger: logger, metrics: metrics)
    }

    private func makeAPIServer() throws -> APIServer {
        var configuration = APIServerConfiguration(
            dataDirectory: "\(options.node.dataDirectory)/server", securePort: Int(options.securePort),
            advertiseAddress: options.advertiseAddress ?? identity.addresses[0])
        configuration.extraNames = options.extraNames + identity.addresses
        configuration.serviceRanges = options.serviceCIDRs
        configuration.clusterRanges = options.clusterCIDRs
        configuration.clusterDNS = options.clusterDNS
        configuration.localNode = APIServerConfiguration.LocalNode(name: identity.name, addresses: identity.addresses)
        configuration.kubeletAuthorityFile = options.kubeletAuthorityFile
        configuration.deniesExternalIPs = options.deniesExternalIPs
        options.tokens.apply(to: &configuration)
        options.store.apply(to: &configuration)
        configuration.clusterDomain = options.node.kubelet.clusterDomain
        return try APIServer(configuration, logger: logger.with([:], label: "apiserver"), metrics: metrics)
    }

    private func listen(_ apiServer: APIServer) throws -> HTTPServer {
        guard let address = SocketAddress(host: options.bindAddress, port: options.securePort) else {
            throw ArgumentsError("--bind-address \(options.bindAddress) is not an address", command: "swiftlet server")
        }
        let server = try HTTPServer(
            addresses: [address], tls: apiServer.credentials.listener, logger: logger.with([:], label: "apiserver"),
            handler: apiServer)
        try server.start()
        return server
    }

    private func writeKubeconfig(_ credentials: ServerCredentials) throws {
        let text = try credentials.kubeconfig(credentials.administrator)
        // Left alone where it is right, so that a server starts on a full disk. What cannot be read is written.
        if let present = try? Files.readText(options.kubeconfigPath), present == text { return }
        try Files.makeDirectories(Files.parent(of: options.kubeconfigPath), mode: 0o755)
        try Files.replace(options.kubeconfigPath, with: Array(text.utf8), mode: 0o600)
    }

    /// Whether the API server answers: what the watchdog goes by.
    private func isAlive(_ apiServer: APIServer) async -> Bool {
        let response = await apiServer.handle(HTTPRequest(target: "/livez"))
        return response.status == 200
    }
}
