// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTP

@Suite struct SPDYTests {
    @Test func `the dictionary has the draft's length`() {
        #expect(SPDYHeaders.dictionary.count == 1423)
        #expect(SPDYHeaders.dictionary.prefix(11).elementsEqual([0, 0, 0, 7] + Array("options".utf8)))
    }

    @Test func `header blocks survive compression, one after the other`() throws {
        let deflater = SPDYDeflater()
        let inflater = SPDYInflater()
        for number in 0..<5 {
            let headers: HTTPHeaders = ["streamtype": "data", "port": "80\(number)", "requestid": "\(number)"]
            let plain = try inflater.decompress(deflater.compress(SPDYHeaders.encode(headers)))
            #expect(try SPDYHeaders.decode(plain) == headers)
        }
    }

    @Test func `frames read back as they were written`() throws {
        let frames: [SPDYFrame] = [
            .synStream(id: 1, block: [1, 2, 3], isFinal: false), .synReply(id: 1, block: [4], isFinal: true),
            .data(id: 1, bytes: Array(repeating: 9, count: 70_000), isFinal: true), .reset(id: 3, status: 5),
            .ping(2), .goAway(lastGood: 7, status: 0), .headers(id: 1, block: [], isFinal: false),
            .windowUpdate(id: 1, delta: 65536), .settings([0, 0, 0, 0]),
        ]
        var decoder = SPDYFrameDecoder()
        decoder.append(frames.flatMap(\.encoded))
        for frame in frames { #expect(try decoder.next() == frame) }
        #expect(try decoder.next() == nil)
    }

    @Test func `streams carry bytes both ways and end one way at a time`() async throws {
        let (left, right) = MemoryStream.pair()
        let client = SPDYConnection(stream: left, role: .client)
        let server = SPDYConnection(stream: right, role: .server)
        async let serving: Void = server.run()
        async let asking: Void = client.run()
        async let echo: Void = {
            for await stream in server.streams {
                #expect(stream.headers["streamtype"] == "stdin")
                while case let bytes = try await stream.read(max: 1 << 16), !bytes.isEmpty {
                    try await stream.write(bytes)
                }
                await stream.closeWrite()
                break
            }
        }()
        let stream = try await client.open(["streamType": "stdin"])
        let sent = Array(repeating: UInt8(5), count: 100_000)
        async let writing: Void = {
            try await stream.write(sent)
            await stream.closeWrite()
        }()
        var received: [UInt8] = []
        while case let bytes = try await stream.read(max: 1 << 16), !bytes.isEmpty { received += bytes }
        try await writing
        try await echo
        #expect(received == sent)
        await client.close()
        await server.close()
        try await serving
        try await asking
    }

    @Test func `noise ends in frames or violations`() {
        var state: UInt64 = 11
        func next() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        let inflater = SPDYInflater()
        var refused = 0
        for _ in 0..<500 {
            var decoder = SPDYFrameDecoder()
            decoder.append([0x80, 3, 0, 1 + next() % 9, 0, 0, 0, 20] + (0..<40).map { _ in next() })
            do {
                while let frame = try decoder.next() {
                    if case .synStream(_, let block, _) = frame {
                        _ = try SPDYHeaders.decode(try inflater.decompress(block))
                    }
                }
            } catch { refused += 1 }
        }
        #expect(refused > 0)
    }

    /// A client that speaks frames, and what the server makes of them.
    private func served(
        _ allowance: InputAllowance = InputAllowance(total: 1 << 20)
    ) -> (
        MemoryStream, SPDYConnection
    ) {
        let (left, right) = MemoryStream.pair()
        return (left, SPDYConnection(stream: right, role: .server, allowance: allowance))
    }

    private func opening(
        _ id: UInt32, _ deflater: borrowing SPDYDeflater, _ headers: HTTPHeaders
    )
        -> [UInt8]
    {
        SPDYFrame.synStream(
            id: id, block: deflater.compress(SPDYHeaders.encode(headers)), isFinal: false
        ).encoded
    }

    @Test(.timeLimit(.minutes(1)))
    func `what nobody reads stops the connection, on however many streams it is`() async throws {
        let allowance = InputAllowance(total: 1 << 20)
        let (client, server) = served(allowance)
        let serving = Task { try await server.run() }
        let deflater = SPDYDeflater()
        let bytes = [UInt8](repeating: 7, count: 64 << 10)
        var opened: [UInt8] = []
        for number in 0..<20 {
            let id = UInt32(2 * number + 1)
            opened += opening(id, deflater, ["requestid": "\(number)"])
            opened += SPDYFrame.data(id: id, bytes: bytes, isFinal: true).encoded
        }
        let sending = Task { try await client.write(opened) }
        // Answers are read, so that nothing but the streams holds the server up.
        let draining = Task { while let bytes = try? await client.read(max: 65536), !bytes.isEmpty {} }
        var streams: [SPDYStream] = []
        var incoming = server.streams.makeAsyncIterator()
        for _ in 0..<8 { streams.append(try #require(await incoming.next())) }
        // Eight hold what a connection may have; the ninth comes when one has been read.
        #expect(allowance.inUse <= 512 << 10)
        for number in 0..<20 {
            let stream = number < streams.count ? streams[number] : try #require(await incoming.next())
            var count = 0
            while case let part = try await stream.read(max: 1 << 20), !part.isEmpty {
                count += part.count
            }
            #expect(count == bytes.count)
            await stream.close()
        }
        streams = []
        try await sending.value
        await client.closeWrite()
        await draining.value
        try await serving.value
        #expect(allowance.inUse == 0)
    }

    @Test(.timeLimit(.minutes(1))) func `a connection is served when others hold everything`()
        async throws
    {
        let allowance = InputAllowance(total: 0)
        let (client, server) = served(allowance)
        async let serving: Void = server.run()
        let deflater = SPDYDeflater()
        let bytes = [UInt8](repeating: 7, count: 200 << 10)
        var frames = opening(1, deflater, ["streamtype": "data"])
        for _ in 0..<4 { frames += SPDYFrame.data(id: 1, bytes: bytes, isFinal: false).encoded }
        frames += SPDYFrame.data(id: 1, bytes: [], isFinal: true).encoded
        async let sending: Void = client.write(frames)
        var incoming = server.streams.makeAsyncIterator()
        let stream = try #require(await incoming.next())
        var count = 0
        while case let part = try await stream.read(max: 1 << 20), !part.isEmpty { count += part.count }
        #expect(count == 4 * bytes.count)
        try await sending
        await client.closeWrite()
        try await serving
    }

    @Test func `fields that a stream would keep for long are short`() async throws {
        let (client, server) = served()
        try await client.write(opening(1, SPDYDeflater(), ["x": String(repeating: "a", count: 600)]))
        await #expect(throws: SPDYViolation.self) { try await server.run() }
    }
}
