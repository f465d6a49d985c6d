// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Schema
import Synchronization
import Testing

@testable import KubeClient

/// Where nothing is asked.
private struct Nowhere: HTTPExchange {
    func send(_ request: HTTPRequest) async throws -> HTTPResponse { throw CancellationError() }
}

private final class Readings: Sendable {
    private let total = Mutex(0)
    var count: Int { total.withLock { $0 } }
    func note() { total.withLock { $0 += 1 } }
}

@Suite struct `A table of selectors` {
    private static let budgets = ResourceID(
        group: "policy", version: "v1", plural: "poddisruptionbudgets", kind: "PodDisruptionBudget", namespaced: true)
    private let informer = Informer<DynamicObject>(client: KubeClient(exchange: Nowhere()), resource: budgets)

    private func budget(_ app: String, uid: String = "1", generation: Int64?, version: Int64) -> DynamicObject {
        var metadata: JSONObject = [
            "name": "b", "namespace": "n", "uid": .string(uid), "resourceVersion": .string("\(version)"),
        ]
        metadata["generation"] = generation.map { .integer($0) }
        return DynamicObject(
            json: [
                "metadata": .object(metadata), "spec": ["selector": ["matchLabels": ["app": .string(app)]]],
            ])
    }

    @Test func `reads one anew when the object asks for something else, and only then`() {
        let read = Readings()
        let table = SelectorTable(informer) { object in
            read.note()
            return LabelSelector(matching: object.json.object("spec", "selector", "matchLabels"))
        }
        let first = budget("a", generation: 1, version: 1)
        informer.store(first)
        for version in Int64(1)...4 {
            #expect(table.of(budget("a", generation: 1, version: version)).matches(["app": "a"]))
        }
        #expect(read.count == 1)
        #expect(table.of(budget("b", generation: 2, version: 5)).matches(["app": "b"]) && read.count == 2)
        // Another object of the same name; and one whose changes nobody counts.
        #expect(table.of(budget("c", uid: "2", generation: 2, version: 6)).matches(["app": "c"]) && read.count == 3)
        for version in Int64(7)...8 { _ = table.of(budget("c", uid: "2", generation: nil, version: version)) }
        #expect(read.count == 5)
    }

    @Test func `forgets one with its object`() {
        let read = Readings()
        let table = SelectorTable(informer) { _ in
            read.note()
            return .everything
        }
        let object = budget("a", generation: 1, version: 1)
        informer.store(object)
        _ = table.of(object)
        informer.remove(object)
        _ = table.of(object)
        #expect(read.count == 2)
    }

    @Test(
        arguments: [
            ["matchExpressions": [["key": "a", "operator": "Sometimes"]]], ["matchLabels": ["!": "x"]], nil,
        ] as [JSONValue?])
    func `selects nothing by what is no selector`(_ selector: JSONValue?) {
        var object = budget("a", generation: 1, version: 1)
        object.json["spec"]?["selector"] = selector
        #expect(SelectorTable(informer).of(object).matchesNothing)
    }
}
