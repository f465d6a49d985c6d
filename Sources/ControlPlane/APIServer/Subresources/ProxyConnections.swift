// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import Linux
internal import Schema
internal import Store
internal import Synchronization

/// Who is at the other end of a connection that the server makes for somebody.
enum ProxyPeer: Hashable, Sendable {
    /// The kubelet of a node: it proves that, and then sees the server's own certificate.
    case kubelet(node: String)
    /// Anything else: it gets no more than what the caller sent.
    case other(isTLS: Bool)
}

/// Where a request goes on to.
struct Backend: Sendable {
    let client: any HTTPExchange
    let peer: ProxyPeer
    /// What the Host field says.
    let host: String
}

/// The clients of kubelets, pods and other servers that requests are passed on to.
final class ProxyConnections: Sendable {
    private struct Key: Hashable {
        var peer: ProxyPeer
        var address: DialableAddress
    }

    private let makeClient: @Sendable (ProxyPeer, DialableAddress) throws -> any HTTPExchange
    private let pool = Mutex<[Key: any HTTPExchange]>([:])

    init(makeClient: @escaping @Sendable (ProxyPeer, DialableAddress) throws -> any HTTPExchange) {
        self.makeClient = makeClient
    }

    /// Makes connections anew from now on, with the certificate of now.
    func forget() { pool.withLock { $0 = [:] } }

    /// `peer` at `address`.
    func backend(_ peer: ProxyPeer, at address: DialableAddress) throws(APIError) -> Backend {
        let key = Key(peer: peer, address: address)
        let host = address.address.description
        if let known = pool.withLock({ $0[key] }) { return Backend(client: known, peer: peer, host: host) }
        do {
            let fresh = try makeClient(peer, address)
            pool.withLock { pool in
                // Hosts come and go with pods: forget them all now and then rather than keep each for ever.
                if pool.count > 256 { pool = [:] }
                pool[key] = fresh
            }
            return Backend(client: fresh, peer: peer, host: host)
        } catch {
            throw .internalError("connect to \(host): \(error)")
        }
    }
}

extension RequestScope {
    /// Where a node and its kubelet are, as the node says.
    func location(ofNode node: String) async throws(APIError) -> (host: String, kubeletPort: UInt16) {
        guard let stored = try core.stored("", "nodes", name: node) else {
            throw .notFound(Subject(group: "", resource: "nodes", kind: "Node", name: node))
        }
        let object = try await read(stored)
        let addresses = object.status["addresses"]?.array ?? []
        for type in ["InternalIP", "ExternalIP", "Hostname"] {
            if let address = addresses.first(where: { $0["type"]?.string == type })?["address"]?.string {
                let port = object.status["daemonEndpoints"]?["kubeletEndpoint"]?["Port"]?.integer ?? 0
                guard let kubeletPort = UInt16(exactly: port == 0 ? 10250 : port) else {
                    throw .internalError("the kubelet's port \(port) of node \"\(node)\" is none")
                }
                return (address, kubeletPort)
            }
        }
        throw .internalError("no preferred addresses found for node \"\(node)\"")
    }

    /// The kubelet of a node.
    func kubelet(ofNode node: String) async throws(APIError) -> Backend {
        let (host, port) = try await location(ofNode: node)
        let own = SocketAddress(host: core.configuration.advertiseAddress, port: 0)
        let address = try await DialableAddress.resolve(
            host, port: port, for: .kubelet(mayBeLoopback: own?.reach == .loopback))
        return try core.connections.backend(.kubelet(node: node), at: address)
    }

    /// Sends `target` to `backend` as this request was sent, without what is the caller's and the server's own affair, and
    /// hands the answer back: its stream, or the connection after an upgrade. `prefix` is the path of what is proxied;
    /// none: an answer that leads elsewhere is an error.
    func relay(
        _ target: String, to backend: Backend, below prefix: String? = nil, mayUpgrade: Bool = true
    ) async throws(APIError) -> HTTPResponse {
        let upgrades = mayUpgrade && request.asksForUpgrade
        let request = request.forwarded
        var headers = ForwardedHeaders.request(
            request.headers, upgrades: upgrades, peer: request.context.peer?.plainHost)
        headers["Host"] = backend.host
        if let prefix, !upgrades { headers["X-Forwarded-Uri"] = prefix + (target.prefix { $0 != "?" }) }
        let forwarded = HTTPRequest(method: request.method, target: target, headers: headers, body: request.body)
        let response: HTTPResponse
        do { response = try await backend.client.send(forwarded) } catch { throw Self.failure(error, backend.peer) }
        if let connection = response.connection {
            guard upgrades else {
                await connection.close()
                throw .serviceUnavailable("error trying to reach service: it changed the protocol without being asked")
            }
            var upgraded = HTTPResponse(
                status: response.status, headers: ForwardedHeaders.response(response.headers, upgrades: true))
            upgraded.upgrade = { client in await Splice(client, connection).run() }
            return upgraded
        }
        var plain = response
        plain.headers = ForwardedHeaders.response(response.headers, upgrades: false)
        guard let location = plain.headers["Location"] else { return plain }
        if let prefix {
            plain.headers["Location"] = ProxyLocation(
                prefix: prefix, path: String(target.prefix { $0 != "?" }),
                hosts: [backend.host, request.headers["Host"] ?? ""]
            ).rewritten(location)
        } else if (300...399).contains(plain.status) {
            throw .internalError("the kubelet tries to redirect the request, which is not permitted")
        }
        return plain
    }

    private static func failure(_ error: any Error, _ peer: ProxyPeer) -> APIError {
        guard case .kubelet(let node) = peer else {
            return .serviceUnavailable("error trying to reach service: \(error)")
        }
        guard "\(error)".contains("verify the certificate") else {
            return .serviceUnavailable("error dialing backend: the kubelet of node \"\(node)\": \(error)")
        }
        return .serviceUnavailable(
            "error dialing backend: the kubelet of node \"\(node)\" cannot be believed: \(error) (its certificate must be "
                + "issued to \(KubeletName.user(of: node)) by the cluster's authority, or by one of "
                + "--kubelet-certificate-authority)")
    }
}

/// Two byte streams made one: what comes from either goes to the other, until both have ended.
struct Splice: Sendable {
    let left: any ByteStream
    let right: any ByteStream

    init(_ left: any ByteStream, _ right: any ByteStream) {
        self.left = left
        self.right = right
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await Self.copy(left, right) }
            group.addTask { await Self.copy(right, left) }
            await group.waitForAll()
        }
        await left.close()
        await right.close()
    }

    private static func copy(_ source: any ByteStream, _ sink: any ByteStream) async {
        do {
            while true {
                let bytes = try await source.read(max: 64 * 1024)
                if bytes.isEmpty { break }
                try await sink.write(bytes)
            }
            await sink.closeWrite()
        } catch {
            // One side broke: the other learns of it by its end.
            await sink.close()
            await source.close()
        }
    }
}
