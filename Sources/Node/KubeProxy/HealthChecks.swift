// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Linux
internal import Synchronization
internal import Telemetry

/// The health check ports of Services under policy Local, which balancers ask which nodes to use.
///
/// One server answers for all of them: whoever may make Services may open as many ports, and what is connected to them is
/// bounded together, as a few balancers that ask now and then need it.
final class HealthChecks: Sendable {
    /// How many connections there are to all ports together. A new one takes the place of the oldest.
    static let connectionLimit = 256

    private typealias Ports = Mutex<[UInt16: ServiceHealth]>

    private final class Shared: Sendable {
        let ports = Ports([:])
    }

    private let server: HTTPServer
    private let shared: Shared
    private let logger: Logger

    /// - Parameter isHealthy: Whether the proxy keeps up.
    init(logger: Logger, isHealthy: @escaping @Sendable () -> Bool) throws {
        self.logger = logger
        let shared = Shared()
        self.shared = shared
        var configuration = HTTPServer.Configuration()
        configuration.maximumConnections = Self.connectionLimit
        configuration.maximumStrangers = Self.connectionLimit
        configuration.maximumStrangersPerPeer = Self.connectionLimit / 4
        configuration.reservedConnections = Self.connectionLimit / 4
        configuration.handshakeTimeout = .seconds(5)
        configuration.headTimeout = .seconds(5)
        configuration.idleTimeout = .seconds(10)
        configuration.bodyTimeout = .seconds(5)
        configuration.maximumStreams = 4
        configuration.streamWindow = 16 * 1024
        server = try HTTPServer(
            addresses: [], configuration: configuration, logger: logger,
            handler: HTTPClosureHandler { request in
                let port = request.context.local?.port
                guard let health = shared.ports.withLock({ ports in port.flatMap { ports[$0] } }) else {
                    // A Service that went in this moment.
                    return .text("404 page not found\n", status: 404)
                }
                return health.answer(proxyHealthy: isHealthy())
            })
    }

    /// Opens and closes ports as Services come and go: `wanted` is what those in `changed` want now.
    func update(_ wanted: [UInt16: ServiceHealth], changed: Set<ServiceKey>) {
        let (closing, opening) = shared.ports.withLock { ports in
            let closing = ports.filter { wanted[$0.key] == nil && changed.contains($0.value.service) }.map(\.key)
            for port in closing { ports[port] = nil }
            let opening = wanted.filter { ports[$0.key] == nil }
            for (port, value) in wanted { ports[port] = value }
            return (closing, opening)
        }
        for port in closing { server.ignore(port: port) }
        for (port, value) in opening {
            do {
                try server.listen(on: .ipv4(address: [0, 0, 0, 0], port: port))
            } catch {
                logger.error(
                    "open health check port", ["service": "\(value.service)", "port": "\(port)", "error": "\(error)"])
                // Tried again with the next change of the Service.
                shared.ports.withLock { $0[port] = nil }
            }
        }
    }

    /// Where it listens.
    var ports: [UInt16] { server.addresses.compactMap(\.port).sorted() }

    func stop() async { await server.stop(grace: .zero) }
}
