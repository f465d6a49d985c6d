// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import Testing

@Suite struct MessageTests {
    @Test func `headers keep order and ignore case`() {
        var headers: HTTPHeaders = ["Accept": "a", "X": "1", "accept": "b, c"]
        #expect(headers["ACCEPT"] == "a" && headers.all("Accept") == ["a", "b, c"])
        #expect(headers.list("accept") == ["a", "b", "c"] && headers.contains("accept", token: "B"))
        headers["accept"] = "z"
        #expect(headers.fields.map(\.name) == ["Accept", "X"])
        headers["x"] = nil
        #expect(headers == ["ACCEPT": "z"])
    }

    @Test func `targets come apart into path, segments and query`() {
        let request = HTTPRequest(target: "/api/v1/nodes/a%3Ab/proxy/x%2Fy?watch=1&label=a%3Db+c&flag&=x")
        #expect(request.path == "/api/v1/nodes/a:b/proxy/x/y")
        #expect(request.pathSegments == ["api", "v1", "nodes", "a:b", "proxy", "x/y"])
        #expect(request.query("label") == "a=b c" && request.query("flag") == "" && request.query("no") == nil)
        #expect(request.queryItems.count == 4)
        let broken = "a=1;b=2&%zz=3&c=%f&d=%ff&e%3B=4&f=%3B&e=5"
        #expect(
            HTTPRequest(target: "/?\(broken)").queryItems.map { "\($0.name)=\($0.value)" } == ["e;=4", "f=;", "e=5"])
        #expect(QueryString.encode([("a b", "c&d"), ("é", "")]) == "a%20b=c%26d&%C3%A9=")
        #expect(PercentEncoding.encodeSegment("a/b:c d") == "a%2Fb:c%20d")
        #expect(PercentEncoding.decode("%g0") == nil && PercentEncoding.decode("%") == nil)
    }

    @Test func `accept fields are ordered by what is wanted most`() {
        let text =
            "application/json;q=0.5, application/json;as=Table;v=v1;g=meta.k8s.io, */*;q=0, text/html;level=\"1,2\""
        let list = MediaType.accept(text)
        #expect(list.map(\.essence) == ["application/json", "text/html", "application/json"])
        #expect(list[0].parameters == ["as": "Table", "v": "v1", "g": "meta.k8s.io"])
        #expect(list[1].parameters["level"] == "1,2" && list[2].quality == 500)
        #expect(MediaType("application/*")!.includes(list[0]) && MediaType("nonsense") == nil)
        #expect(MediaType("Application/JSON; charset=utf-8")?.essence == "application/json")
    }

    @Test(arguments: [
        ("https://h", true, "h", 443, ""), ("http://1.2.3.4:80/", false, "1.2.3.4", 80, ""),
        ("https://[::1]:6443/a/b/", true, "::1", 6443, "/a/b"),
    ])
    func `endpoints come out of URLs`(url: String, tls: Bool, host: String, port: UInt16, prefix: String) throws {
        let endpoint = try HTTPEndpoint(url)
        #expect(endpoint == HTTPEndpoint(isTLS: tls, host: host, port: port, prefix: prefix))
    }

    @Test(arguments: ["h", "ftp://h", "http://", "http://h:0", "http://h:x", "http://u:p@h", "unix://x", "http://h?q"])
    func `what is no endpoint is refused`(url: String) {
        #expect(throws: HTTPEndpointError.self) { try HTTPEndpoint(url) }
    }

    @Test func `a pipe holds its writer back and tells of both ends`() async throws {
        let (writer, stream) = HTTPBodyStream.pipe(capacity: 10)
        let writing = Task {
            for number in 0..<100 { try await writer.write([UInt8](repeating: UInt8(number), count: 4)) }
            writer.finish()
        }
        var count = 0
        for try await chunk in stream {
            #expect(chunk == [UInt8](repeating: UInt8(count), count: 4))
            count += 1
        }
        try await writing.value
        #expect(count == 100)
        let (other, abandoned) = HTTPBodyStream.pipe()
        _ = consume abandoned
        await #expect(throws: HTTPBodyAbandoned.self) { try await other.write([1]) }
        let (third, unfinished) = HTTPBodyStream.pipe()
        _ = consume third
        await #expect(throws: HTTPBodyUnfinished.self) { _ = try await unfinished.next() }
        let (fourth, long) = HTTPBodyStream.pipe()
        try await fourth.write([1, 2, 3])
        await #expect(throws: HTTPBodyTooLarge.self) { _ = try await HTTPBody.stream(long).collect(limit: 2) }
    }
}
