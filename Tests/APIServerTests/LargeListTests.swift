// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Schema
import TLS
import Testing
import YAML

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `A list longer than a piece` {
    /// A server with so many objects of 100 KB.
    private func server(
        _ count: Int, _ change: (inout APIServerConfiguration) -> Void = { _ in }
    ) async throws -> TestServer {
        let server = try await TestServer(change)
        for number in 0..<count {
            let text = String(repeating: "line \(number): \"é\"\n", count: 6_000)
            #expect(try await server.send("POST", maps, configMap("m\(number)", ["a": .string(text)])).status == 201)
        }
        return server
    }

    private func get(
        _ server: TestServer, _ target: String, _ accept: String, as user: String? = nil
    ) async -> HTTPResponse {
        var request = HTTPRequest(target: target, headers: ["Accept": accept])
        let certificate = PeerCertificate(
            commonName: user ?? "root", organizations: user == nil ? ["system:masters"] : [], isVerified: true)
        request.context.clientCertificate = certificate
        return await server.server.handle(request)
    }

    private func read(_ bytes: [UInt8], _ accept: String) throws -> JSONValue {
        if accept.hasSuffix("yaml") { return try YAML.parse(String(decoding: bytes, as: UTF8.self))[0] }
        guard accept.hasSuffix("protobuf") else { return try JSONValue.parse(bytes) }
        return .object(
            try Protobuf.decodeObject(bytes) { version, kind in
                kind == "ConfigMapList" && version == "v1"
                    ? KubeAPI.schema(named: "io.k8s.api.core.v1.ConfigMapList") : nil
            })
    }

    private static let table = "application/json;as=Table;g=meta.k8s.io;v=v1"
    private static let partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

    @Test(arguments: [
        ("", "application/json"), ("?pretty=true", "application/json"), ("", table), ("?includeObject=Object", table),
        ("", partial), ("", "application/yaml"), ("", "application/vnd.kubernetes.protobuf"),
    ])
    func `is the same as its items one by one`(_ query: String, _ accept: String) async throws {
        let server = try await server(8)
        let answer = await get(server, maps + query, accept)
        #expect(answer.status == 200)
        guard case .stream = answer.body else {
            Issue.record("it is in one piece")
            return
        }
        let bytes = try await answer.body.collect(limit: 8 << 20)
        let whole = try read(bytes, accept)
        if query == "?pretty=true" { #expect(whole.encodedPretty() == bytes) }
        if accept.hasSuffix("yaml") { #expect(YAML.encode(whole) == String(decoding: bytes, as: UTF8.self)) }
        let field = accept == Self.table ? "rows" : "items"
        var single: [JSONValue] = []
        for number in 0..<8 {
            let mark = query.isEmpty ? "?" : "&"
            let one = await get(
                server, "\(maps)\(query)\(mark)fieldSelector=metadata.name%3Dm\(number)", accept)
            let list = try read(try await one.body.collect(limit: 1 << 20), accept)
            #expect(list["kind"] == whole["kind"] && list["apiVersion"] == whole["apiVersion"])
            #expect(list["columnDefinitions"] == whole["columnDefinitions"])
            single += list[field]?.array ?? []
        }
        // How old a thing is may change meanwhile.
        func shown(_ row: JSONValue) -> [JSONValue?] { [row["object"] ?? row, row["cells"]?.array?.first] }
        #expect(single.count == 8 && (whole[field]?.array ?? []).map(shown) == single.map(shown))
        #expect(whole["metadata"]?["resourceVersion"]?.string != nil)
    }

    @Test func `without items is one still`() async throws {
        let server = try await server(0)
        for accept in ["application/json", Self.table, "application/yaml", "application/vnd.kubernetes.protobuf"] {
            let answer = await get(server, maps, accept)
            #expect(answer.status == 200)
            let list = try read(try await answer.body.collect(limit: 1 << 20), accept)
            #expect((list["items"] ?? list["rows"])?.array ?? [] == [], "\(list)")
        }
    }

    @Test(arguments: ["application/json", table, "application/vnd.kubernetes.protobuf"])
    func `counts for its user until it has been read or dropped`(_ accept: String) async throws {
        let server = try await server(8) { $0.maxListBytesPerUser = 4 << 20 }
        let budget = server.server.core.lists
        for user in ["jane", "john"] { try await server.grant(user, to: user, [rule("list", "configmaps")]) }
        var open: [HTTPResponse] = []
        for _ in 0..<10 { open.append(await get(server, maps, accept, as: "jane")) }
        let given = open.count { $0.status == 200 }
        #expect((1..<10).contains(given) && open.count { $0.status == 429 } == 10 - given)
        #expect(budget.inUse > 0 && budget.inUse <= 4 << 20)
        // Others have theirs, and small lists are not counted.
        #expect(await get(server, maps, accept, as: "john").status == 200)
        #expect(await get(server, "\(maps)?limit=1", accept, as: "jane").status == 200)
        #expect(await get(server, maps, accept).status == 200)
        // One that is read to its end and let go of makes room for the next.
        #expect(try await open.removeFirst().body.collect(limit: 8 << 20).isEmpty == false)
        open.removeAll { $0.status == 429 }
        #expect(open.count == given - 1)
        #expect(await get(server, maps, accept, as: "jane").status == 200)
        open = []
        #expect(budget.inUse == 0)
    }
}
