// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Synchronization
internal import TLS

/// The clients of one pull, one for each server it meets, so that connections are kept between blobs.
final class RegistryConnections: Sendable {
    private let configuration: RegistryConfiguration
    private let clients = Mutex<[HTTPEndpoint: HTTPClient]>([:])

    /// How long a registry may be silent.
    var patience: Duration { configuration.patience }

    init(configuration: RegistryConfiguration) { self.configuration = configuration }

    /// Sends `request`; a server that cannot be reached is an error that names it.
    func send(_ request: HTTPRequest, to endpoint: HTTPEndpoint) async throws -> HTTPResponse {
        let client = try client(for: endpoint)
        do { return try await client.send(request) } catch let error as CancellationError { throw error } catch {
            throw ImageError.unreachable(host: endpoint.authority, reason: "\(error)")
        }
    }

    private func client(for endpoint: HTTPEndpoint) throws -> HTTPClient {
        if let known = clients.withLock({ $0[endpoint] }) { return known }
        let host = configuration.host(endpoint.authority)
        var settings = HTTPClient.Configuration()
        settings.responseTimeout = configuration.patience
        settings.bodyTimeout = configuration.patience
        // Whole layers over one connection's window would make parallel blobs wait for each other.
        settings.http2 = .never
        let tls = try endpoint.isTLS ? Self.tls(host) : nil
        let client = try HTTPClient(endpoint: endpoint, tls: tls, configuration: settings)
        return clients.withLock { clients in
            if let first = clients[endpoint] { return first }
            clients[endpoint] = client
            return client
        }
    }

    private static func tls(_ host: RegistryConfiguration.Host) throws -> TLSClientConfiguration {
        var configuration = TLSClientConfiguration()
        if let file = host.authorityFile { configuration.authorities = .certificates(try Certificate.all(file: file)) }
        configuration.verifiesPeer = !host.skipVerification
        return configuration
    }
}
