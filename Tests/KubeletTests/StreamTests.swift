// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import HTTP
import JSON
import KubeAPI
import KubeClient
import Synchronization
import Telemetry
import Testing

@testable import Kubelet

@Suite(.timeLimit(.minutes(1))) struct `A connection into a container` {
    /// Counts what is begun, and gives none of it.
    private final class Access: ContainerAccess {
        let begun = Mutex(0)

        func pods() -> [Pod] { [] }
        func log(of container: ContainerTarget, previous: Bool) throws(ContainerAccessError) -> ContainerLog {
            throw .notFound("no pod")
        }
        func waitForEnd(of log: ContainerLog) {}
        func exec(_ request: ExecRequest) throws(ContainerAccessError) -> any ContainerSession {
            begun.withLock { $0 += 1 }
            throw .notFound("no pod")
        }
        func attach(_ request: ExecRequest) throws(ContainerAccessError) -> any ContainerSession {
            begun.withLock { $0 += 1 }
            throw .notFound("no pod")
        }
        func connect(namespace: String, pod: String, port: UInt16) throws(ContainerAccessError) -> any ByteStream {
            throw .notFound("no pod")
        }
        func statsSummary() -> [UInt8] { [] }
        func resourceMetrics() -> String { "" }
        func containerMetrics() -> String { "" }
    }

    @Test(arguments: ["exec", "attach"])
    func `begins nothing for a client that speaks nothing known`(_ verb: String) async throws {
        // An API server that knows everybody.
        let reviews = HTTPClosureHandler { _ in
            let review: JSONValue = ["status": ["authenticated": true, "user": ["username": "user"]]]
            return .json(review.encoded(), status: 201)
        }
        var configuration = KubeletConfiguration()
        configuration.authorizationMode = "AlwaysAllow"
        let client = KubeClient(exchange: InProcessExchange(handler: reviews, user: nil), userAgent: "test")
        let access = Access()
        let server = KubeletServer(
            access: access,
            authorization: KubeletAuthorization(client: client, nodeName: "n", configuration: configuration),
            metrics: MetricsRegistry(), configuration: [:], isHealthy: { true })
        func ask(_ subprotocol: String) async throws -> Int {
            var request = HTTPRequest(target: "/\(verb)/default/pod/main?command=id&output=1")
            _ = try WebSocketHandshake.ask(&request, subprotocols: [subprotocol])
            request.headers["Authorization"] = "Bearer good"
            return await server.handle(request).status
        }
        #expect(try await ask("v9.channel.k8s.io") == 400)
        #expect(access.begun.withLock { $0 } == 0)
        #expect(try await ask("v5.channel.k8s.io") == 404)
        #expect(access.begun.withLock { $0 } == 1)
    }

    @Test func `ends when nothing has come or gone for as long as it may be silent`() async throws {
        let ended = Waiter()
        var response = HTTPResponse(status: 101)
        response.upgrade = { stream in
            // What a session does: it reads until there is nothing more to read.
            while let bytes = try? await stream.read(max: 10), !bytes.isEmpty {}
            ended.wake()
        }
        let (client, server) = MemoryStream.pair()
        let limited = IdleLimit.apply(.seconds(1), to: response)
        let serving = Task { await limited.upgrade?(server) }
        var last = ContinuousClock.now
        for _ in 0..<6 {
            // A busy machine may let more time pass than was asked for.
            guard ContinuousClock.now - last < .milliseconds(800) else { break }
            try await client.write([1])
            last = .now
            try await sleep(for: .milliseconds(250))
        }
        await ended.wait()
        await serving.value
        #expect(ContinuousClock.now - last >= .seconds(1))
    }

    @Test func `has upstream's limit unless the configuration has another`() throws {
        #expect(KubeletConfiguration().streamingConnectionIdleTimeout == .seconds(14400))
        let given = try KubeletConfiguration(["streamingConnectionIdleTimeout": "5m"])
        #expect(given.streamingConnectionIdleTimeout == .seconds(300))
        let response = HTTPResponse(status: 101, upgrade: { _ in })
        #expect(IdleLimit.apply(.zero, to: response).upgrade != nil)
    }
}

@Suite struct `An object that pods refer to` {
    private func pod(_ volumes: JSONValue, namespace: String = "a") -> Pod {
        Pod(json: [
            "metadata": ["name": "p", "namespace": .string(namespace)],
            "spec": [
                "volumes": volumes,
                "containers": [["name": "c", "envFrom": [["secretRef": ["name": "environment"]]]]],
                "imagePullSecrets": [["name": "pull"]],
            ],
        ])
    }

    @Test func `is written again where a volume shows it, and nowhere else`() {
        let secret = ReferredObject(kind: .secret, key: .init("a", "s"))
        let map = ReferredObject(kind: .configMap, key: .init("a", "s"))
        let plain = pod([["name": "v", "secret": ["secretName": "s"]]])
        #expect(References.shown(by: plain).contains(secret))
        #expect(!References.shown(by: plain).contains(map))
        let elsewhere = pod([["name": "v", "secret": ["secretName": "s"]]], namespace: "b")
        #expect(!References.shown(by: elsewhere).contains(secret))
        let projected = pod([["name": "v", "projected": ["sources": [["configMap": ["name": "s"]]]]]])
        #expect(References.shown(by: projected).contains(map))
        #expect(!References.shown(by: projected).contains(secret))
        for name in ["environment", "pull"] {
            #expect(!References.shown(by: plain).contains(ReferredObject(kind: .secret, key: .init("a", name))))
        }
    }
}

@Suite struct `A container that was made and never ran` {
    private func taken(back attempt: Int, _ restarts: Int) -> (Int, Int) {
        var record = ContainerRecord(role: .application, maximumBackoff: 1)
        record.takeBack(
            ContainerLabel(
                name: "c", role: .application, attempt: attempt, restartCount: restarts, image: "", imageID: "",
                logPath: "", stopSignal: "", user: 0, group: 0, previous: nil))
        return (record.attempt, record.restartCount)
    }

    @Test func `counts no restart, and one in the place of another counts it once`() {
        #expect(taken(back: 1, 0) == (0, 0))
        // After a reboot the first of this shim has those before it.
        #expect(taken(back: 1, 4) == (0, 4))
        #expect(taken(back: 2, 1) == (1, 0))
        #expect(taken(back: 3, 7) == (2, 6))
    }
}
