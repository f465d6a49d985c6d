// SPDX-License-Identifier: Apache-2.0
final class HTTP2ServerConnection: ServedConnection {
    init(_ server: HTTPServer, _ connection: any Connection, _ context: RequestContext) { connection.shut() }
    func stop() {}
    func kill() {}
    func run(firstBytes: [UInt8]) async {}
}
