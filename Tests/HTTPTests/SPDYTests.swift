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
}
