// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Linux
internal import Schema
internal import Synchronization
internal import TLS

/// Connections to kubelets, with the client certificate they know the API server by.
final class KubeletConnections: Sendable {
    private let makeClient:
        @Sendable (_ host: String, _ port: Int, _ tls: Bool, _ authenticated: Bool) throws -> any HTTPExchange
    private let pool = Mutex<[String: any HTTPExchange]>([:])

    init(
        makeClient:
            @escaping @Sendable (_ host: String, _ port: Int, _ tls: Bool, _ authenticated: Bool) throws ->
            any HTTPExchange
    ) {
        self.makeClient = makeClient
    }

    /// Makes connections anew from now on, with the certificate of now.
    func forget() { pool.withLock { $0 = [:] } }

    /// A client for `host:port`; `authenticated` presents the API server's kubelet certificate.
    func client(host: String, port: Int, tls: Bool, authenticated: Bool) throws(APIError) -> any HTTPExchange {
        let key = "\(tls ? "https" : "http")://\(host):\(port)/\(authenticated)"
        if let known = pool.withLock({ $0[key] }) { return known }
        do {
            let fresh = try makeClient(host, port, tls, authenticated)
            pool.withLock { pool in
                // Hosts come and go with pods: forget them all now and then rather than keep each for ever.
                if pool.count > 256 { pool = [:] }
                pool[key] = fresh
            }
            return fresh
        } catch {
            throw .internalError("connect to \(host):\(port): \(error)")
        }
    }
}

extension RequestScope {
    /// Where a node's kubelet listens.
    func kubeletAddress(_ node: String) throws(APIError) -> (host: String, port: Int) {
        guard let object = try core.object("", "nodes", name: node) else {
            throw .notFound(Subject(group: "", resource: "nodes", kind: "Node", name: node))
        }
        let addresses = object.status["addresses"]?.array ?? []
        for type in ["InternalIP", "ExternalIP", "Hostname"] {
            if let address = addresses.first(where: { $0["type"]?.string == type })?["address"]?.string {
                let port = object.status["daemonEndpoints"]?["kubeletEndpoint"]?["Port"]?.integer ?? 10250
                return (address, Int(port))
            }
        }
        throw .internalError("no preferred addresses found for node \"\(node)\"")
    }

    /// Sends `target` to `client` as this request was sent, and hands the answer back: its stream, or the connection
    /// after an upgrade.
    func relay(
        _ target: String, to client: any HTTPExchange, host: String, dropsCredentials: Bool = true,
        mayUpgrade: Bool = true
    ) async throws(APIError) -> HTTPResponse {
        let request = request.forwarded
        var headers = HTTPHeaders()
        let hop: Set<String> = [
            "host", "content-length", "transfer-encoding", "keep-alive", "proxy-connection", "te", "trailer",
            "x-remote-user", "x-remote-group", "x-remote-uid",
        ]
        let upgrades = mayUpgrade && request.headers.contains("Connection", token: "upgrade")
        for field in request.headers {
            let name = field.name.lowercasedASCII()
            if hop.contains(name) || name.hasPrefix("x-remote-extra-") || name.hasPrefix("impersonate-") { continue }
            if dropsCredentials, name == "authorization" { continue }
            if !upgrades, name == "connection" || name == "upgrade" || name.hasPrefix("sec-websocket-") { continue }
            headers.add(name: field.name, value: field.value)
        }
        if let peer = request.context.peer { headers.add(name: "X-Forwarded-For", value: peer.host) }
        var forwarded = HTTPRequest(method: request.method, target: target, headers: headers, body: request.body)
        forwarded.headers["Host"] = host
        let response: HTTPResponse
        do { response = try await client.send(forwarded) } catch {
            throw .serviceUnavailable("error trying to reach service: \(error)")
        }
        guard let connection = response.connection else {
            var plain = response
            for name in ["Connection", "Keep-Alive", "Transfer-Encoding"] { plain.headers.remove(name) }
            return plain
        }
        var upgraded = HTTPResponse(status: response.status, headers: response.headers)
        upgraded.upgrade = { client in await Splice(client, connection).run() }
        return upgraded
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
