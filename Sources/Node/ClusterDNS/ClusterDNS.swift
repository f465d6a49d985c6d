// SPDX-License-Identifier: Apache-2.0

public import AsyncIO
internal import HTTP
public import KubeClient
internal import Linux
public import Netlink
public import Telemetry

/// What the DNS server of a node is told.
public struct ClusterDNSSettings: Sendable {
    public var nodeName: String
    /// The cluster's domain.
    public var domain = "cluster.local"
    /// Where to listen: addresses of the node that its pods reach, the pod bridge's.
    public var addresses: [Netlink.IPAddress]
    /// The addresses of the Service, under which pods ask.
    public var serviceAddresses: [Netlink.IPAddress]
    /// The machine's resolv.conf.
    public var resolverConfiguration = "/etc/resolv.conf"
    /// Where to listen for DNS. Not 53: a resolver of the machine may hold that on all addresses, or want to. Clients ask
    /// at port 53 of the Service.
    public var port: UInt16 = 10053
    public var metricsPort: UInt16 = 9153

    public init(nodeName: String, addresses: [Netlink.IPAddress], serviceAddresses: [Netlink.IPAddress]) {
        self.nodeName = nodeName
        self.addresses = addresses
        self.serviceAddresses = serviceAddresses
    }
}

/// A setting that cannot be used.
public struct ClusterDNSError: Error, Sendable, CustomStringConvertible {
    public var description: String
}

/// The cluster's DNS server on one node: names of Services, endpoints and pods from what the API server says, everything
/// else from the machine's own resolvers.
///
/// It needs nothing but an API server.
public struct ClusterDNS: Sendable {
    private let settings: ClusterDNSSettings
    private let catalog: ClusterCatalog
    private let server: DNSServer
    private let client: KubeClient
    private let logger: Logger
    private let registry = MetricsRegistry()

    /// Binds the addresses; fails when somebody else holds them.
    /// - Parameter loop: Where it runs; one of its own, so that answers do not wait for other components.
    public init(_ settings: ClusterDNSSettings, client: KubeClient, loop: EventLoop, logger: Logger) throws {
        guard let zone = DNSName(settings.domain), zone.wire.count > 1 else {
            throw ClusterDNSError(description: "cluster DNS: \"\(settings.domain)\" is no domain")
        }
        self.settings = settings
        self.client = client
        self.logger = logger
        let metrics = DNSMetrics(registry)
        catalog = ClusterCatalog(zone: zone, client: client, logger: logger)
        let forwarder = Forwarder(
            path: settings.resolverConfiguration,
            excluded: Set((settings.addresses + settings.serviceAddresses).map { "\($0)" }), loop: loop,
            logger: logger, metrics: metrics)
        server = try DNSServer(
            addresses: settings.addresses.compactMap { SocketAddress(host: "\($0)", port: settings.port) },
            responder: DNSResponder(catalog: catalog, forwarder: forwarder, metrics: metrics), loop: loop,
            logger: logger)
    }

    /// Serves until cancelled.
    public func run() async throws {
        var ports = [NamedPort("dns", "udp", settings.port), NamedPort("dns-tcp", "tcp", settings.port)]
        let metricsServer = serveMetrics()
        if metricsServer != nil { ports.append(NamedPort("metrics", "tcp", settings.metricsPort)) }
        let registration = Registration(
            client: client, catalog: catalog, nodeName: settings.nodeName, addresses: settings.addresses,
            ports: ports, logger: logger)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.catalog.run() }
                group.addTask { try await self.serveOnceKnowing() }
                group.addTask { try await registration.run() }
                defer { group.cancelAll() }
                try await group.next()
            }
        } catch {
            // Whoever tries again wants its port.
            await metricsServer?.stop()
            throw error
        }
        await metricsServer?.stop()
    }

    /// Questions that come before the catalog is complete wait in the sockets, for some seconds: then other names at least
    /// are answered.
    private func serveOnceKnowing() async throws {
        do {
            try await withDeadline(.seconds(5), "list the cluster's names") { try await catalog.waitForSync() }
        } catch is DeadlineExceeded {
            logger.warning("the API server has not told the cluster's names yet; they are SERVFAIL until then")
        }
        logger.info("cluster DNS serves", ["addresses": settings.addresses.map { "\($0)" }.joined(separator: ",")])
        try await server.run()
    }

    /// Nil when the port is somebody else's: names matter more than figures about them.
    private func serveMetrics() -> HTTPServer? {
        let registry = registry
        do {
            let server = try HTTPServer(
                addresses: settings.addresses.compactMap {
                    SocketAddress(host: "\($0)", port: settings.metricsPort)
                }, logger: logger,
                handler: HTTPClosureHandler { request in
                    request.path == "/metrics" ? .text(registry.render()) : .text("404 page not found\n", status: 404)
                })
            try server.start()
            return server
        } catch {
            logger.warning("serve the metrics of cluster DNS", ["error": "\(error)"])
            return nil
        }
    }
}
