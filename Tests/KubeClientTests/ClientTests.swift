// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

@testable import KubeClient

@Suite struct ClientTests {
    @Test(arguments: [
        "2026-11-21T09:45:00Z", "1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2100-12-31T00:00:00Z",
        "1969-12-31T23:59:59Z",
    ])
    func `a time keeps its text`(_ text: String) { #expect(Timestamp(text)?.description == text) }

    @Test func `a time with a fraction and an offset is the same moment`() {
        #expect(Timestamp("2026-11-21T10:45:00.5+01:00")?.micro == "2026-11-21T09:45:00.500000Z")
    }

    @Test(arguments: ["", "2026-11-21", "2026-13-01T00:00:00Z", "2026-11-21T09:45:00", "2026-11-21T25:00:00Z"])
    func `what is no time is refused`(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test(arguments: ["", "a", "ab", "abc", "abcd", "\u{0}\u{ff}x"])
    func `base64 goes there and back`(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(Base64Text.decode(Base64Text.encode(bytes)) == bytes)
    }

    @Test(arguments: ["a", "ab=", "====", "a=bc", "ab!d"])
    func `what is no base64 is refused`(_ text: String) { #expect(Base64Text.decode(text) == nil) }

    @Test func `lines are cut wherever the bytes were`() {
        var splitter = LineSplitter()
        var lines: [String] = []
        for chunk in ["{\"a\"", ":1}\n{\"b\":2}\n", "\n", "rest"] {
            splitter.append(Array(chunk.utf8))
            while let line = splitter.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        #expect(lines == ["{\"a\":1}", "{\"b\":2}", ""])
        #expect(splitter.takeRest().map { String(decoding: $0, as: UTF8.self) } == "rest")
    }

    @Test func `queries are percent-encoded`() {
        let target = KubeClient.target(
            path: "/api/v1/pods", query: [("labelSelector", "app in (a,b)"), ("limit", "5")])
        #expect(target == "/api/v1/pods?labelSelector=app%20in%20%28a%2Cb%29&limit=5")
    }

    @Test func `a queue hands a key to one worker, and again when it was added meanwhile`() async {
        let queue = WorkQueue<String>()
        queue.add("a")
        queue.add("a")
        queue.add("b")
        #expect(queue.count == 2)
        #expect(await queue.next() == "a")
        queue.add("a")
        #expect(await queue.next() == "b")
        #expect(queue.count == 0)
        queue.done("a")
        #expect(await queue.next() == "a")
        queue.shutDown()
        #expect(await queue.next() == nil)
    }

    @Test func `a delayed key comes at its earliest time, once`() async {
        let queue = WorkQueue<String>()
        let start = ContinuousClock.now
        queue.add("late", after: .milliseconds(60))
        queue.add("early", after: .milliseconds(20))
        queue.add("late", after: .milliseconds(200))
        #expect(await queue.next() == "early")
        #expect(await queue.next() == "late")
        #expect(start.duration(to: .now) >= .milliseconds(60))
    }

    @Test func `a waiting worker ends when cancelled`() async throws {
        let queue = WorkQueue<String>()
        let task = Task { await queue.next() }
        try await Task.sleep(for: .milliseconds(5))
        task.cancel()
        #expect(await task.value == nil)
    }

    @Test func `repeated events are counted, similar ones combined, floods dropped`() throws {
        var correlator = EventCorrelator()
        let now = Timestamp(seconds: 1000)
        func key(_ name: String) -> EventCorrelator.Key {
            EventCorrelator.Key(
                target: EventTarget(apiVersion: "v1", kind: "Pod", namespace: "d", name: name), type: .warning,
                reason: "Failed", action: "")
        }
        let firstDecision = correlator.decide(key("a"), message: "m", at: now)
        let first = try #require(firstDecision)
        #expect(first.earlier == nil && first.count == 1)
        correlator.created(first, name: "a.1")
        let secondDecision = correlator.decide(key("a"), message: "m", at: now)
        let second = try #require(secondDecision)
        #expect(second.earlier == "a.1" && second.count == 2)
        var combined = 0
        for index in 0..<12 {
            let decided = correlator.decide(key("b"), message: "m\(index)", at: now)
            let decision = try #require(decided)
            if decision.message.hasPrefix("(combined from similar events)") { combined += 1 }
        }
        #expect(combined == 3)
        let taken = (0..<40).count { _ in correlator.decide(key("c"), message: "m", at: now) != nil }
        #expect(taken == 25)
    }

    @Test func `a kubeconfig survives writing and reading`() throws {
        var user = Kubeconfig.User()
        user.clientCertificateData = Array("CERT".utf8)
        user.clientKeyData = Array("KEY".utf8)
        let config = Kubeconfig(
            name: "swiftlet",
            cluster: Kubeconfig.Cluster(server: "https://127.0.0.1:6443", certificateAuthorityData: Array("CA".utf8)),
            user: "admin", credentials: user)
        let read = try Kubeconfig(yaml: Array(config.yaml.utf8))
        #expect(read == config)
        let resolved = try read.resolve()
        #expect(resolved.cluster.server == "https://127.0.0.1:6443")
        #expect(resolved.user.clientKeyData == Array("KEY".utf8))
        #expect(throws: KubeconfigError.self) { try read.resolve(context: "other") }
    }
}
