// SPDX-License-Identifier: Apache-2.0

import APIServer
import CZlib
import Glibc
import HTTP
import JSON
import Testing

@Suite(.timeLimit(.minutes(1))) struct `An answer` {
    private let maps = "/api/v1/namespaces/default/configmaps"

    private func fetch(
        _ server: TestServer, _ target: String, accepting coding: String? = nil
    ) async throws -> (body: [UInt8], headers: HTTPHeaders, isStreamed: Bool) {
        var request = HTTPRequest(target: target)
        request.headers["Accept-Encoding"] = coding
        let response = try await server.server.exchange(as: TestServer.admin).send(request)
        #expect(response.status == 200)
        var isStreamed = false
        if case .stream = response.body { isStreamed = true }
        return (try await response.body.collect(limit: 16 << 20), response.headers, isStreamed)
    }

    /// What gzip(1) makes of `bytes`.
    private func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
        var template = Array("/tmp/swiftlet-gzip-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        defer { unlink(path) }
        try #require(write(descriptor, bytes, bytes.count) == bytes.count)
        close(descriptor)
        let file = try #require(gzopen(path, "r"))
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = gzread(file, &chunk, 65536)
            if count <= 0 { break }
            result += chunk[..<Int(count)]
        }
        // A checksum that is wrong, or an end that is missing, fails here.
        #expect(gzclose_r(file) == Z_OK)
        return result
    }

    @Test func `of more than 128 KB is compressed for those who take that`() async throws {
        let server = try await TestServer()
        var seed: UInt32 = 1
        for number in 0..<160 {
            // Of many patterns, so that blocks of several kinds come out.
            let text = String(
                decoding: (0..<4096).map { _ in
                    seed = seed &* 1_664_525 &+ 1_013_904_223
                    return UInt8(0x20 + seed >> 24 % (number < 80 ? 4 : 64))
                }, as: UTF8.self)
            try await server.send("POST", maps, configMap("m\(number)", ["text": .string(text)]))
        }
        for (target, isStreamed) in [("\(maps)?limit=60", false), (maps, true)] {
            let plain = try await fetch(server, target)
            #expect(plain.headers["Content-Encoding"] == nil && plain.isStreamed == isStreamed)
            let packed = try await fetch(server, target, accepting: "deflate, gzip;q=1.0")
            #expect(packed.headers["Content-Encoding"] == "gzip" && packed.headers["Vary"] == "Accept-Encoding")
            #expect(packed.isStreamed == isStreamed && packed.body.count < plain.body.count)
            let same = try unpacked(packed.body) == plain.body
            #expect(same)
            #expect(try await fetch(server, target, accepting: "br").headers["Content-Encoding"] == nil)
        }
        let small = try await fetch(server, "\(maps)?limit=5", accepting: "gzip")
        #expect(small.headers["Content-Encoding"] == nil)
    }
}
