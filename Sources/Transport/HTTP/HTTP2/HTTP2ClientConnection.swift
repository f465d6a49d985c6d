// SPDX-License-Identifier: Apache-2.0
final class HTTP2ClientConnection: Sendable {
    init(_ connection: any Connection, _ configuration: HTTPClient.Configuration) {}
    var isUsable: Bool { false }
    func start() {}
    func close() {}
    func send(_ request: HTTPRequest, _ endpoint: HTTPEndpoint) async throws -> HTTPResponse {
        throw HTTPProtocolError("x")
    }
}
