// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux
internal import Synchronization
internal import TLS

/// The clients of one pull, one for each server it meets, so that connections are kept between blobs.
///
/// A registry sends on to storage and to a token service, and so has this machine ask for what it names. Where it is
/// not itself on the machine or its link, it leads to neither: what listens there, above all what a cloud tells
/// machines, takes whoever asks for the machine. The address that was looked at is the one that is connected to.
final class RegistryConnections: Sendable {
    private struct Key: Hashable {
        var endpoint: HTTPEndpoint
        /// Which registry named the endpoint, where it is another.
        var sender: HTTPEndpoint?
    }

    private struct State {
        var clients: [Key: HTTPClient] = [:]
        /// Where registries were reached that a user or the configuration named.
        var addresses: [HTTPEndpoint: Set<SocketAddress>] = [:]
    }

    private let configuration: RegistryConfiguration
    private let state = Mutex(State())

    /// How long a registry may be silent.
    var patience: Duration { configuration.patience }

    private static let connectTimeout = Duration.seconds(30)

    init(configuration: RegistryConfiguration) { self.configuration = configuration }

    /// Sends `request`; a server that cannot be reached is an error that names it.
    ///
    /// - Parameter sender: The registry that named the endpoint.
    func send(
        _ request: HTTPRequest, to endpoint: HTTPEndpoint, namedBy sender: HTTPEndpoint
    ) async throws -> HTTPResponse {
        let client = try client(for: Key(endpoint: endpoint, sender: endpoint == sender ? nil : sender))
        do { return try await client.send(request) } catch let error as CancellationError { throw error } catch {
            throw ImageError.unreachable(host: endpoint.authority, reason: "\(error)")
        }
    }

    private func client(for key: Key) throws -> HTTPClient {
        if let known = state.withLock({ $0.clients[key] }) { return known }
        let host = configuration.host(key.endpoint.authority)
        var settings = HTTPClient.Configuration()
        settings.responseTimeout = configuration.patience
        settings.bodyTimeout = configuration.patience
        // Whole layers over one connection's window would make parallel blobs wait for each other.
        settings.http2 = .never
        settings.dial = { [weak self] endpoint, loop in
            guard let self else { throw CancellationError() }
            return try await dial(endpoint, loop, key.sender)
        }
        let tls = try key.endpoint.isTLS ? Self.tls(host) : nil
        let client = try HTTPClient(endpoint: key.endpoint, tls: tls, configuration: settings)
        return state.withLock { state in
            if let first = state.clients[key] { return first }
            state.clients[key] = client
            return client
        }
    }

    private static func tls(_ host: RegistryConfiguration.Host) throws -> TLSClientConfiguration {
        var configuration = TLSClientConfiguration()
        if let file = host.authorityFile { configuration.authorities = .certificates(try Certificate.all(file: file)) }
        configuration.verifiesPeer = !host.skipVerification
        return configuration
    }

    // MARK: - Where connections lead

    private func dial(
        _ endpoint: HTTPEndpoint, _ loop: EventLoop, _ sender: HTTPEndpoint?
    ) async throws -> AsyncSocket {
        if let path = endpoint.socketPath {
            return try await AsyncSocket.connect(to: .unix(path), timeout: Self.connectTimeout, loop: loop)
        }
        var failure: (any Error)?
        for address in try await Resolver.resolve(endpoint.host, port: endpoint.port, timeout: Self.connectTimeout) {
            if let sender, !mayLead(sender, to: address, endpoint) {
                failure = failure ?? RefusedAddress(sender: sender.authority, address: address)
                continue
            }
            do {
                let socket = try await AsyncSocket.connect(to: address, timeout: Self.connectTimeout, loop: loop)
                if sender == nil { state.withLock { _ = $0.addresses[endpoint, default: []].insert(address) } }
                return socket
            } catch let error as CancellationError { throw error } catch { failure = failure ?? error }
        }
        throw failure ?? Errno(99, "connect to \(endpoint.authority)")  // EADDRNOTAVAIL
    }

    private func mayLead(_ sender: HTTPEndpoint, to address: SocketAddress, _ endpoint: HTTPEndpoint) -> Bool {
        // What the administrator has named is meant.
        if configuration.hosts[endpoint.authority] != nil { return true }
        let known = state.withLock { $0.addresses[sender] ?? [] }
        return Self.mayLead(known, to: address)
    }

    /// Whether a registry that was reached at `known` may lead to `address`. All of them count: a name that is now this and
    /// now that address would else be let lead to whatever it once was.
    static func mayLead(_ known: Set<SocketAddress>, to address: SocketAddress) -> Bool {
        if known.isEmpty { return address.reach == .global && !address.tellsMachineSecrets }
        if address.tellsMachineSecrets { return known.allSatisfy { $0.host == address.host } }
        return address.reach == .global || known.allSatisfy { $0.reach == address.reach }
    }
}

/// A registry sends where it may not.
struct RefusedAddress: Error, CustomStringConvertible {
    var sender: String
    var address: SocketAddress

    var description: String {
        "registry \(sender) sends to \(address.host), which is this machine's own alone"
    }
}
