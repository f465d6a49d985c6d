// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP

/// gRPC's health protocol (`grpc.health.v1.Health/Check`): one call over HTTP/2 without TLS.
struct GRPCHealth: Sendable {
    let host: String
    let port: UInt16
    /// What to ask about; empty for the server as a whole.
    let service: String

    private var address: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    func check(timeout: Duration) async -> ProbeResult {
        do {
            return try await withDeadline(timeout, "health rpc") { try await call(timeout) }
        } catch is DeadlineExceeded {
            return .failure("timeout: health rpc did not complete within \(timeout.components.seconds)s")
        } catch {
            return .failure("error: failed to connect service at \"\(address)\": \(error)")
        }
    }

    private func call(_ timeout: Duration) async throws -> ProbeResult {
        var configuration = HTTPClient.Configuration()
        configuration.http2 = .always
        configuration.connectTimeout = timeout
        let client = try HTTPClient(
            endpoint: HTTPEndpoint(isTLS: false, host: host, port: port), configuration: configuration)
        defer { client.close() }
        let response = try await client.send(
            HTTPRequest(
                method: "POST", target: "/grpc.health.v1.Health/Check",
                headers: [
                    "content-type": "application/grpc", "te": "trailers", "user-agent": "kube-probe/1.36",
                ],
                body: .bytes(Self.frame(request(service)))))
        guard response.status == 200 else {
            return .failure("error: health rpc probe failed: unexpected HTTP status code \(response.status)")
        }
        var message: [UInt8] = []
        // A call that fails at once has its status in the head.
        var trailers = response.headers
        switch response.body {
        case .empty: break
        case .bytes(let bytes): message = bytes
        case .stream(let stream):
            for try await piece in stream where message.count < Self.longestMessage { message += piece }
            if stream.trailers.contains("grpc-status") { trailers = stream.trailers }
        }
        return Self.verdict(message, trailers)
    }

    private static let longestMessage = 64 << 10

    /// `HealthCheckRequest`: the service is field 1.
    private func request(_ service: String) -> [UInt8] {
        guard !service.isEmpty else { return [] }
        var length = service.utf8.count
        var bytes: [UInt8] = [0x0a]
        while length > 0x7f {
            bytes.append(UInt8(length & 0x7f) | 0x80)
            length >>= 7
        }
        return bytes + [UInt8(length)] + service.utf8
    }

    /// A message as gRPC sends it: not compressed, its length in four bytes.
    static func frame(_ message: [UInt8]) -> [UInt8] {
        let length = UInt32(message.count)
        return [0] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + message
    }

    /// What the answer says of the service.
    static func verdict(_ body: [UInt8], _ trailers: HTTPHeaders) -> ProbeResult {
        guard let code = trailers["grpc-status"] else {
            return .failure("error: health rpc probe failed: the answer has no grpc-status")
        }
        let text = trailers["grpc-message"] ?? ""
        switch code {
        case "0": break
        case "12":
            return .failure(
                "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): \(text)")
        default: return .failure("error: health rpc probe failed: rpc error: code = \(code) desc = \(text)")
        }
        guard body.count >= 5, body[0] == 0 else {
            return .failure("error: health rpc probe failed: the answer holds no message")
        }
        let length = body[1..<5].reduce(0) { $0 << 8 | Int($1) }
        guard body.count - 5 >= length, let status = status(of: body[5..<(5 + length)]) else {
            return .failure("error: health rpc probe failed: the message is damaged")
        }
        if status == 1 { return .success }
        let names = [0: "UNKNOWN", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"]
        return .failure("service unhealthy (responded with \"\(names[status] ?? "\(status)")\")")
    }

    /// The status of a `HealthCheckResponse`, field 1; 0 when it is not there; nil when it is no message.
    private static func status(of message: ArraySlice<UInt8>) -> Int? {
        var rest = message
        func varint(_ rest: inout ArraySlice<UInt8>) -> Int? {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard let byte = rest.popFirst() else { return nil }
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return Int(truncatingIfNeeded: value) }
            }
            return nil
        }
        var status = 0
        while !rest.isEmpty {
            guard let key = varint(&rest) else { return nil }
            switch key & 7 {
            case 0:
                guard let value = varint(&rest) else { return nil }
                if key >> 3 == 1 { status = value }
            case 2:
                guard let length = varint(&rest), length >= 0, length <= rest.count else { return nil }
                rest = rest.dropFirst(length)
            default: return nil
            }
        }
        return status
    }
}
