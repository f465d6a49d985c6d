// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeClient
internal import Linux
internal import TLS
internal import Telemetry

extension Kubelet {
    /// Serves port 10250 until cancelled.
    func listen() async throws {
        guard let address = SocketAddress(host: configuration.address, port: UInt16(configuration.port)) else {
            throw KubeletConfigurationError("address \(configuration.address) is not an IP address")
        }
        let handler = KubeletServer(
            access: self,
            authorization: KubeletAuthorization(
                client: client, nodeName: settings.nodeName, configuration: configuration),
            metrics: metricsRegistry, configuration: configuration.document,
            isHealthy: { [heartbeat] in heartbeat.isAlive },
            idleTimeout: configuration.streamingConnectionIdleTimeout)
        let credentials = ServingCredentials(configuration, settings, logger: logger)
        var content = try credentials.read()
        if content == nil, let issued = credentials.issued, let client {
            try await obtain(issued, client)
            content = try credentials.read()
        }
        guard let content else {
            throw NodeCertificate.NotIssued(description: "the kubelet has no certificate to show")
        }
        let server = try HTTPServer(addresses: [address], tls: content.tls, logger: logger, handler: handler)
        try server.start()
        defer { EventLoop.here.begin { await server.stop(grace: .zero) } }
        // What has been issued is on disk before it is used: the loop below finds it there.
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let client, let issued = credentials.issued {
                let first = content.identity
                group.addTask { try await issued.keep(first, client: client) { _ in } }
            }
            let first = content
            group.addTask { try await self.exchange(first, credentials, of: server) }
            try await group.waitForAll()
        }
    }

    /// Waits until the cluster has issued the first certificate; nothing is served before.
    private func obtain(_ certificate: NodeCertificate, _ client: KubeClient) async throws {
        while true {
            do {
                _ = try await certificate.request(from: client)
                return
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                logger.warning("get a certificate for the kubelet's server", ["error": "\(error)"])
                try await sleep(for: .seconds(5))
            }
        }
    }

    /// Gives the server what has changed of its credentials, until cancelled.
    private func exchange(
        _ first: ServingCredentials.Content, _ credentials: ServingCredentials, of server: HTTPServer
    ) async throws {
        var content = first
        while true {
            try await sleep(for: .seconds(60))
            do {
                guard let next = try credentials.read(), next != content else { continue }
                try server.reload(tls: next.tls)
                content = next
            } catch {
                logger.error("exchange the certificate of the kubelet's server", ["error": "\(error)"])
            }
        }
    }

    /// Serves `/healthz` to this machine until cancelled. The node works without: a port that is taken is tried again.
    func listenForHealth() async throws {
        guard configuration.healthzPort != 0 else { return }
        guard
            let address = SocketAddress(
                host: configuration.healthzBindAddress, port: UInt16(configuration.healthzPort))
        else {
            throw KubeletConfigurationError(
                "healthzBindAddress \(configuration.healthzBindAddress) is not an IP address")
        }
        let handler = HTTPClosureHandler { [heartbeat] request in
            KubeletServer.health(request.pathSegments, isHealthy: heartbeat.isAlive)
                ?? .text("404 page not found\n", status: 404)
        }
        while true {
            let server = try HTTPServer(addresses: [address], logger: logger, handler: handler)
            do {
                try server.start()
            } catch {
                logger.warning("serve /healthz", ["address": "\(address)", "error": "\(error)"])
                try await sleep(for: .seconds(5))
                continue
            }
            defer { EventLoop.here.begin { await server.stop(grace: .zero) } }
            while true { try await sleep(for: .seconds(3600)) }
        }
    }
}
