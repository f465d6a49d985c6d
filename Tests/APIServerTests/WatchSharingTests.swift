// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import Synchronization
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(2))) struct `Watches of large objects` {
    @Test func `hold what several hold once, and end whose client has most`() {
        let holdings = WatchHoldings(limit: 11_000)
        let ended = Mutex<[String]>([])
        func hold(_ pieces: [[UInt8]], _ user: String, _ name: String) -> UInt64 {
            holdings.hold(pieces, by: user) { ended.withLock { $0.append(name) } }
        }
        let shared = [UInt8](repeating: 1, count: 9_000)
        let numbers = (0..<1_000).map { hold([shared], "many", "m\($0)") }
        #expect(holdings.size == 9_000 && ended.withLock(\.isEmpty))
        for number in numbers { holdings.release(number) }
        #expect(holdings.size == 0)
        let own = (0..<4).map { [UInt8](repeating: UInt8($0), count: 3_000) }
        let first = hold([own[0]], "greedy", "g0")
        _ = hold([own[1]], "greedy", "g1")
        let other = hold([own[2]], "other", "o")
        _ = hold([own[3]], "greedy", "g2")
        // 12,000 are too many: the one that has waited longest of whoever has most goes.
        #expect(ended.withLock { $0 } == ["g0"])
        #expect(holdings.size == 9_000)
        holdings.release(first)
        holdings.release(other)
        #expect(holdings.size == 6_000)
    }

    @Test func `make room for some time at once, of who has most first`() {
        let holdings = WatchHoldings(limit: 80_000)
        let ended = Mutex<[String]>([])
        func hold(_ size: Int, _ user: String) -> UInt64 {
            holdings.hold([[UInt8](repeating: 7, count: size)], by: user) { ended.withLock { $0.append(user) } }
        }
        var numbers: [UInt64] = []
        for _ in 0..<60 { numbers.append(hold(1_000, "greedy")) }
        for user in 0..<20 { numbers.append(hold(1_000, "u\(user)")) }
        #expect(holdings.size == 80_000 && ended.withLock(\.isEmpty))
        numbers.append(hold(1_000, "last"))
        #expect(holdings.size == 70_000 && ended.withLock { $0 == Array(repeating: "greedy", count: 11) })
        // What was ended is counted no more, and let go of without harm to what others hold.
        for number in numbers { holdings.release(number) }
        #expect(holdings.size == 0)
    }

    @Test func `make one form of an event`() throws {
        let resource = try #require(ResourceRegistry().preferred("", "configmaps"))
        let form = SharedForms.Form(
            resource, try OutputFormat(ParsedRequest(HTTPRequest(target: "/"))), includeObject: nil)
        let forms = SharedForms(limit: 10_000)
        var made = 0
        func bytes(_ revision: Int64) -> [UInt8] {
            forms.bytes(.init(key: "/a", revision: revision, type: "ADDED", form: form)) {
                made += 1
                return [UInt8](repeating: 0, count: 1_000)
            }
        }
        for _ in 0..<10 { _ = bytes(1) }
        #expect(made == 1)
        for revision in 2..<20 { _ = bytes(Int64(revision)) }
        #expect(made == 19)
        _ = bytes(1)
        #expect(made == 20, "the oldest goes when there are many")
    }

    private static let accepted = [
        "application/json", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        "application/json;as=Table;g=meta.k8s.io;v=v1",
    ]

    @Test(arguments: accepted) func `all show the same, in every form`(_ accept: String) async throws {
        let server = try await TestServer()
        let large = String(repeating: "x", count: 100_000)
        let begun = try await server.send("GET", maps).json["metadata"]?["resourceVersion"]?.string ?? ""
        let watches = (0..<20).map { _ in
            Task {
                let request = HTTPRequest(
                    target: "\(maps)?watch=1&resourceVersion=\(begun)", headers: HTTPHeaders([("Accept", accept)]))
                let response = try await server.server.exchange(as: TestServer.admin).send(request)
                guard case .stream(let stream) = response.body else { return [JSONValue]() }
                var lines = LineReader()
                var events: [JSONValue] = []
                while events.count < 4, let chunk = try await stream.next() {
                    events += try lines.take(chunk).map { try JSONValue.parse($0) }
                }
                return events
            }
        }
        try await server.send("POST", maps, configMap("big", ["a": .string(large)]))
        try await server.send("POST", maps, configMap("small"))
        try await server.send("PUT", "\(maps)/big", configMap("big", ["a": .string(large + "y")]))
        try await server.send("DELETE", "\(maps)/big")
        var first: [JSONValue]?
        for watch in watches {
            let events = try await watch.value
            #expect(events.map { $0["type"]?.string } == ["ADDED", "ADDED", "MODIFIED", "DELETED"])
            if let first { #expect(events == first) } else { first = events }
        }
        if accept == "application/json" {
            let last = try #require(first?.last?["object"])
            #expect(last["data"]?["a"]?.string == large + "y")
            #expect(
                Int(last["metadata"]?["resourceVersion"]?.string ?? "") ?? 0
                    > Int(first?[2]["object"]?["metadata"]?["resourceVersion"]?.string ?? "") ?? 0)
        }
    }

    @Test func `go on beside one whose client does not read`() async throws {
        let server = try await TestServer()
        let target = "\(maps)?watch=1&resourceVersion=0"
        // Nobody reads what this one sends.
        let silent = try await server.server.exchange(as: TestServer.admin).send(HTTPRequest(target: target))
        let events = Task { try await server.watch("\(maps)?watch=1&resourceVersion=0&labelSelector=a%3Db", 30) }
        for index in 0..<30 {
            try await server.send(
                "POST", maps,
                configMap("m\(index)", ["a": .string(String(repeating: "x", count: 900_000))], labels: ["a": "b"]))
        }
        #expect(try await events.value.count == 30)
        _ = silent
    }

    @Test func `are deleted together by who wants to see their metadata only`() async throws {
        let server = try await TestServer()
        for index in 0..<3 {
            var map = configMap("m\(index)", ["a": .string(String(repeating: "x", count: 200_000))])
            map["metadata"]?["finalizers"] = ["example.com/mine"]
            try await server.send("POST", maps, map)
        }
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        func delete() async throws -> TestServer.Answer {
            try await server.send("DELETE", maps, headers: [("Accept", accept)])
        }
        let first = try await delete()
        #expect(first.json["kind"] == "PartialObjectMetadataList" && first.json["items"]?.array?.count == 3)
        #expect(first.json["items"]?[0]?["data"] == nil)
        let marked = try await server.send("GET", maps).json
        #expect(marked["items"]?.array?.allSatisfy { $0["metadata"]?["deletionTimestamp"] != nil } == true)
        _ = try await delete()
        // Nothing is written of what is being deleted already.
        #expect(try await server.send("GET", maps).json["items"] == marked["items"])
        let plain = try await server.send("DELETE", maps)
        #expect(plain.json["kind"] == "ConfigMapList" && plain.json["items"]?[0]?["data"] != nil)
    }
}
