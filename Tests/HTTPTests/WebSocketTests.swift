// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTP

@Suite struct WebSocketTests {
    private func pair() -> (client: WebSocketConnection, server: WebSocketConnection, raw: MemoryStream) {
        let (left, right) = MemoryStream.pair()
        return (
            WebSocketConnection(stream: left, role: .client), WebSocketConnection(stream: right, role: .server), left
        )
    }

    @Test func `the accept key is the one of RFC 6455`() {
        #expect(WebSocketHandshake.acceptKey(for: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test(arguments: [0, 1, 125, 126, 65535, 65536, 200_000])
    func `messages of every length form arrive whole`(count: Int) async throws {
        let (client, server, _) = pair()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        async let sent: Void = client.send(binary: bytes)
        #expect(try await server.receive() == .binary(bytes))
        try await sent
        async let answered: Void = server.send(text: Array("ja".utf8))
        #expect(try await client.receive() == .text(Array("ja".utf8)))
        try await answered
    }

    @Test func `a ping is answered and a close is echoed`() async throws {
        let (client, server, _) = pair()
        try await client.ping()
        try await client.send(binary: [1])
        #expect(try await server.receive() == .binary([1]))
        await client.close()
        #expect(try await server.receive() == nil)
        #expect(try await client.receive() == nil)
    }

    @Test(
        arguments: [
            ([0x82, 0x01, 0x00], UInt16(1002)),  // not masked
            ([0xC2, 0x80, 0, 0, 0, 0], 1002),  // reserved bit
            ([0x83, 0x80, 0, 0, 0, 0], 1002),  // unknown opcode
            ([0x09, 0x80, 0, 0, 0, 0], 1002),  // fragmented ping
            ([0x80, 0x80, 0, 0, 0, 0], 1002),  // continues nothing
            ([0x82, 0xFF, 0x00, 0, 0, 0, 0xFF, 0, 0, 0], 1009),  // too long
            ([0x81, 0x81, 0, 0, 0, 0, 0xFF], 1007),  // not UTF-8
        ] as [([UInt8], UInt16)])
    func `a breach is refused with its code`(bytes: [UInt8], code: UInt16) async throws {
        let (left, right) = MemoryStream.pair()
        let server = WebSocketConnection(stream: right, role: .server)
        try await left.write(bytes)
        let violation = await #expect(throws: WebSocketViolation.self) { try await server.receive() }
        #expect(violation?.code == code)
        let answer = try await left.readExactly(4)
        #expect(answer[0] == 0x88)
        #expect(UInt16(answer[2]) << 8 | UInt16(answer[3]) == code)
    }

    @Test func `fragments join`() throws {
        var decoder = WebSocketFrameDecoder(expectsMask: false, limit: 100)
        let frames = [
            WebSocketFrame(isFinal: false, opcode: .text, payload: [0x61]),
            WebSocketFrame(isFinal: true, opcode: .continuation, payload: [0x62]),
        ]
        for byte in frames.flatMap({ $0.encoded(mask: nil) }) { decoder.append([byte]) }
        #expect(try decoder.next() == frames[0])
        #expect(try decoder.next() == frames[1])
        #expect(try decoder.next() == nil)
    }

    @Test func `noise ends in frames or violations`() {
        var state: UInt64 = 7
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        var violations = 0
        for _ in 0..<2000 {
            var decoder = WebSocketFrameDecoder(expectsMask: true, limit: 1024)
            decoder.append((0..<64).map { _ in next() })
            do { while try decoder.next() != nil {} } catch { violations += 1 }
        }
        #expect(violations > 1000)
    }

    @Test func `parts of messages are held as long as there is memory for them`() async throws {
        let allowance = InputAllowance(total: 100_000)
        let (left, right) = MemoryStream.pair()
        let (other, otherRight) = MemoryStream.pair()
        let client = WebSocketConnection(stream: left, role: .client)
        let server = WebSocketConnection(stream: right, role: .server, allowance: allowance)
        let second = WebSocketConnection(stream: otherRight, role: .server, allowance: allowance)
        async let sent: Void = client.send(binary: [UInt8](repeating: 1, count: 150_000))
        #expect(try await server.receive()?.payload.count == 150_000)
        try await sent
        // The first part of a message of 200,000 bytes: more than the others leave.
        let refused = Task { try await second.receive() }
        try await other.write(
            [0x82, 0xFF, 0, 0, 0, 0, 0, 3, 13, 64, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 190_000))
        let violation = await #expect(throws: WebSocketViolation.self) { try await refused.value }
        #expect(violation?.code == 1013)
        // What was delivered is held no more once the next is waited for.
        async let third = server.receive()
        try await client.send(binary: [2])
        #expect(try await third == .binary([2]))
        #expect(allowance.inUse == 0)
    }
}
