// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Linux

/// Sends the HTTP request of a probe or hook, over a connection of its own, and returns the status.
struct HTTPGet: Sendable {
    let worker: PodWorker
    let container: Container

    func status(_ action: HTTPGetAction, timeout: Duration) async throws -> Int {
        let address = try await worker.address(action.host, port: action.json["port"], of: container)
        if action.scheme == "HTTPS" {
            throw ProbeUnsupported(description: "probes over https are not supported by this node yet")
        }
        let path = action.path.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
        let host = action.host.flatMap { $0.isEmpty ? nil : $0 } ?? address.host
        var head = "GET \(path.hasPrefix("/") ? path : "/" + path) HTTP/1.1\r\n"
        let given = action.httpHeaders
        let authority = host.contains(":") ? "[\(host)]" : host
        if !given.contains(where: { $0.name.lowercased() == "host" }) {
            head += "Host: \(authority):\(address.port ?? 80)\r\n"
        }
        if !given.contains(where: { $0.name.lowercased() == "user-agent" }) {
            head += "User-Agent: kube-probe/1.36\r\n"
        }
        if !given.contains(where: { $0.name.lowercased() == "accept" }) { head += "Accept: */*\r\n" }
        for header in given { head += "\(header.name): \(header.value)\r\n" }
        head += "Connection: close\r\n\r\n"
        let request = Array(head.utf8)
        return try await withDeadline(timeout, "Get \"http://\(authority):\(address.port ?? 80)\(path)\"") {
            let connection = try await AsyncSocket.connect(to: address, timeout: timeout)
            defer { connection.shut() }
            try await connection.write(request)
            var received: [UInt8] = []
            while !received.contains(10), received.count < 4096 {
                let more = try await connection.read(max: 1024)
                if more.isEmpty { break }
                received += more
            }
            let line = received.prefix { $0 != 13 && $0 != 10 }
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count >= 2, words[0].starts(with: Array("HTTP/1.".utf8)),
                let status = Int(String(decoding: words[1], as: UTF8.self))
            else { throw ProbeUnsupported(description: "the answer is not HTTP/1.x") }
            return status
        }
    }
}

/// A probe that cannot be made, or an answer that says nothing.
struct ProbeUnsupported: Error, CustomStringConvertible {
    var description: String
}

/// gRPC's health protocol: one request over HTTP/2 without TLS.
struct GRPCHealth: Sendable {
    let worker: PodWorker
    let container: Container

    func check(_ action: GRPCAction, timeout: Duration) async throws -> ProbeResult {
        _ = action
        throw ProbeUnsupported(description: "gRPC probes are not supported by this node yet")
    }
}
