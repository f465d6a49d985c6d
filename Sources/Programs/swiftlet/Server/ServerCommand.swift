// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import Arguments
internal import AsyncIO
internal import Glibc
internal import HTTP
internal import KubeClient
internal import Linux
internal import Telemetry

/// `swiftlet server`: control plane and node in one process. Every component talks to the API server through a client,
/// as it would from another machine; only the transport is shorter.
enum ServerCommand {
    static let command = Command(
        "server", summary: "Run the control plane and a node", options: ServerOptions.flags,
        discussion: "Pods belong to their shims: stopping, killing or upgrading the server does not touch them.")

    static func run(_ arguments: ParsedArguments) throws {
        guard geteuid() == 0 else {
            throw ArgumentsError("needs root: a node mounts, makes namespaces and programs the network")
        }
        let options = try ServerOptions(arguments)
        umask(0o022)
        raiseDescriptorLimit()
        // Here, before there are other threads: they inherit what is blocked, and the signals reach the descriptor alone.
        _ = try SignalDescriptor([SIGTERM, SIGINT])
        try runOnLoop { try await Server(options).run() }
    }

    /// A server holds a descriptor for each client and several for each pod; the hard limit is what it may have.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // Staying with the old limit costs capacity, not correctness.
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
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
        identity = try NodeIdentity.detect(name: options.nodeName, addresses: options.nodeAddresses)
        logger = Logger(label: "swiftlet", level: options.logLevel)
    }

    /// Runs until SIGTERM or SIGINT, or until a component fails.
    func run() async throws {
        let notifier = ServiceNotifier()
        let apiServer = try makeAPIServer()
        try await apiServer.start()
        let listener = try listen(apiServer)
        try writeKubeconfig(apiServer.credentials)
        let node = try NodeComponents(self, apiServer)
        let control = try ControlComponents(self, apiServer)
        notifier.ready("node \(identity.name), API server on port \(options.securePort)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await control.run() }
            group.addTask { try await node.run() }
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
            group.cancelAll()
            notifier.stopping()
            logger.info("stopping; pods go on")
            // Nothing needs a clean end: what is acknowledged is on disk, and what runs belongs to the shims.
            exit(0)
        }
    }

    private func makeAPIServer() throws -> APIServer {
        var configuration = APIServerConfiguration(
            dataDirectory: "\(options.dataDirectory)/server", securePort: Int(options.securePort),
            advertiseAddress: options.advertiseAddress ?? identity.addresses[0])
        configuration.extraNames = options.extraNames + identity.addresses
        configuration.serviceRanges = options.serviceCIDRs
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
        try Files.makeDirectories(Files.parent(of: options.kubeconfigPath), mode: 0o755)
        try Files.replace(options.kubeconfigPath, with: Array(text.utf8), mode: 0o600)
    }

    /// Whether the API server answers: what the watchdog goes by.
    private func isAlive(_ apiServer: APIServer) async -> Bool {
        let response = await apiServer.handle(HTTPRequest(target: "/livez"))
        return response.status == 200
    }

    private func untilAskedToStop() async throws {
        let signals = try SignalDescriptor([SIGTERM, SIGINT])
        let events = AsyncDescriptor(owning: try signals.descriptor.duplicate())
        try await events.readable()
    }

    private func sleepForever() async throws {
        while true { try await sleep(for: .seconds(86_400)) }
    }
}
