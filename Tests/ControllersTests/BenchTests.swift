// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Synchronization
import Telemetry
import Testing

@testable import Controllers

@Suite(.timeLimit(.minutes(3))) struct `What a namespace has controllers compute` {
    private static func context() -> ControllerContext {
        let client = FakeServer().client
        return ControllerContext(
            client: client, informers: SharedInformerFactory(client: client), logger: Logger(label: "test"))
    }

    /// For a namespace `endless` it computes until it may end.
    private final class Computing: Controller {
        let name = "computing"
        let context: ControllerContext
        let queue = WorkQueue<ObjectKey>()
        let changes = ChangesByNamespace()
        let mayEnd = Atomic(false)
        let begun = Atomic(0)
        let ended = Atomic(0)
        let synced: AsyncStream<String>.Continuation

        init(_ context: ControllerContext, _ synced: AsyncStream<String>.Continuation) {
            self.context = context
            self.synced = synced
            changes.find { [weak self] namespace, noted in
                self?.compute(namespace)
                for name in noted.names { self?.queue.add(ObjectKey(namespace, name)) }
            }
        }

        func run() async {
            await work(on: queue, workers: 5, after: [], in: context, matching: [changes]) { [self] key in
                compute(key.namespace)
                synced.yield(key.namespace)
            }
        }

        private func compute(_ namespace: String) {
            guard namespace == "endless" else { return }
            begun.add(1, ordering: .relaxed)
            while !mayEnd.load(ordering: .acquiring) {}
            ended.add(1, ordering: .relaxed)
        }
    }

    private static func pod(_ namespace: String, _ name: String) -> JSONObject {
        ["metadata": ["namespace": .string(namespace), "name": .string(name), "labels": ["app": .string(name)]]]
    }

    @Test func `keeps no other namespace waiting, in no controller`() async {
        let context = Self.context()
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let first = Computing(context, continuation)
        let second = Computing(context, continuation)
        for number in 0..<20 {
            first.queue.add(ObjectKey("endless", "\(number)"))
            second.changes.note(Self.pod("endless", "\(number)"))
        }
        let running = [first, second].map { controller in Task { await controller.run() } }
        // Not before it has begun.
        while first.begun.load(ordering: .relaxed) == 0, second.begun.load(ordering: .relaxed) == 0 {
            await Task.yield()
        }
        var expected: Set<String> = []
        for number in 0..<10 {
            first.queue.add(ObjectKey("first \(number)", "x"))
            second.queue.add(ObjectKey("second \(number)", "x"))
            second.changes.note(Self.pod("noted \(number)", "x"))
            expected.formUnion(["first \(number)", "second \(number)", "noted \(number)"])
        }
        var iterator = stream.makeAsyncIterator()
        while !expected.isEmpty, let namespace = await iterator.next() {
            #expect(namespace != "endless")
            expected.remove(namespace)
        }
        #expect(first.ended.load(ordering: .relaxed) + second.ended.load(ordering: .relaxed) == 0)
        for controller in [first, second] { controller.mayEnd.store(true, ordering: .releasing) }
        var rest = 40
        while rest > 0, await iterator.next() != nil { rest -= 1 }
        for task in running {
            task.cancel()
            await task.value
        }
    }

    @Test func `is found for all changes of a while at once, and for everything when they are too many`() {
        let changes = ChangesByNamespace()
        for _ in 0..<100 { changes.note(Self.pod("a", "x")) }
        changes.note(Self.pod("a", "y"))
        changes.note(former: Self.pod("a", "z"))
        changes.note(Self.pod("b", "x"))
        let noted = changes.take("a")
        #expect(noted?.names == ["x", "y"] && noted?.former == [["app": "z"]] && noted?.isAll == false)
        let labels = noted?.labels { name in name == "x" ? DynamicObject(json: Self.pod("a", "x now")) : nil }
        #expect(labels == [["app": "x now"], ["app": "z"]])
        #expect(changes.take("a") == nil)
        for _ in 0..<10_000 { changes.note(former: Self.pod("a", "z")) }
        changes.note(Self.pod("a", "y"))
        #expect(changes.take("a")?.isAll == true)
        #expect(changes.take("b")?.names == ["x"])
    }
}

@Suite struct `What selects pods` {
    private static let budgets = Cluster.kind("policy", "poddisruptionbudgets", "PodDisruptionBudget")

    private func addPod(_ name: String, app: String, in cluster: Cluster) async throws {
        _ = try await cluster.client.create(
            Cluster.pods,
            [
                "metadata": ["name": .string(name), "namespace": "default", "labels": ["app": .string(app)]],
                "spec": Cluster.template()["spec"] ?? .null,
            ])
    }

    private func label(_ pod: String, app: String, in cluster: Cluster) async throws {
        _ = try await cluster.client.patch(
            Cluster.pods, namespace: "default", name: pod,
            body: ["metadata": ["labels": ["app": .string(app)]]])
    }

    @Test func `adopts one whose labels come to match`() async throws {
        try await Cluster().run { cluster in
            var set = Cluster.deployment(replicas: 1)
            set.set("spec", "strategy", to: nil)
            _ = try await cluster.client.create(Cluster.replicaSets, set)
            try await cluster.eventually("the set has its pod") { try await cluster.list(Cluster.pods).count == 1 }
            try await addPod("lone", app: "other", in: cluster)
            try await cluster.eventually("the other is there") { try await cluster.list(Cluster.pods).count == 2 }
            try await label("lone", app: "web", in: cluster)
            try await cluster.eventually("one of the two is too many") {
                try await cluster.list(Cluster.pods).count == 1
            }
        }
    }

    @Test func `counts it for budgets while its labels match, and by what owners want`() async throws {
        try await Cluster().run { cluster in
            for (name, spec) in [
                ("web", ["maxUnavailable": 1, "selector": ["matchLabels": ["app": "web"]]] as JSONValue),
                ("lone", ["minAvailable": 1, "selector": ["matchLabels": ["app": "lone"]]]),
            ] {
                _ = try await cluster.client.create(
                    Self.budgets, ["metadata": ["name": .string(name), "namespace": "default"], "spec": spec])
            }
            func status(_ name: String, _ field: String) async throws -> Int? {
                try await cluster.client.get(Self.budgets, namespace: "default", name: name).int("status", field)
            }
            _ = try await cluster.client.create(Cluster.deployments, Cluster.deployment(replicas: 2))
            try await cluster.eventually("two are counted") { try await status("web", "currentHealthy") == 2 }
            #expect(try await status("web", "desiredHealthy") == 1)
            var deployment = try await cluster.client.get(Cluster.deployments, namespace: "default", name: "web")
            deployment.set("spec", "replicas", to: 4)
            _ = try await cluster.client.update(Cluster.deployments, deployment)
            try await cluster.eventually("more are wanted") { try await status("web", "desiredHealthy") == 3 }
            try await addPod("lone", app: "other", in: cluster)
            try await label("lone", app: "lone", in: cluster)
            try await cluster.eventually("it is counted") { try await status("lone", "currentHealthy") == 1 }
            try await label("lone", app: "other", in: cluster)
            try await cluster.eventually("it is not any more") { try await status("lone", "currentHealthy") == 0 }
            try await label("lone", app: "lone", in: cluster)
            try await cluster.eventually("it is again") { try await status("lone", "currentHealthy") == 1 }
            try await cluster.client.delete(Cluster.pods, namespace: "default", name: "lone")
            try await cluster.eventually("it is gone") { try await status("lone", "currentHealthy") == 0 }
        }
    }
}
