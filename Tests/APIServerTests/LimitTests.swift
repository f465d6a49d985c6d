// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import KubeAPI
import Testing

@testable import APIServer

@Suite(.timeLimit(.minutes(1))) struct `Limits of a namespace` {
    private func server(_ limits: JSONValue...) async throws -> TestServer {
        let server = try await TestServer()
        let account: JSONValue = ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]]
        try await server.send("POST", "/api/v1/namespaces/default/serviceaccounts", account)
        let made = try await server.send(
            "POST", "/api/v1/namespaces/default/limitranges",
            [
                "kind": "LimitRange", "apiVersion": "v1", "metadata": ["name": "l"],
                "spec": ["limits": .array(limits)],
            ])
        try #require(made.status == 201)
        return server
    }

    private static func container(_ name: String, _ limits: JSONObject, sidecar: Bool = false) -> JSONValue {
        var container: JSONObject = [
            "name": .string(name), "image": "i", "resources": ["limits": .object(limits), "requests": .object(limits)],
        ]
        if sidecar { container["restartPolicy"] = "Always" }
        return .object(container)
    }

    private static let small: JSONObject = ["cpu": "300m", "memory": "100Mi"]
    private static let two = ["a", "b"].map { container($0, small, sidecar: true) }

    /// Pods beside a limit of 500m and 200Mi for all of a pod, and what is wrong with them.
    private static let cases: [(JSONObject, String?)] = [
        (["containers": [container("c", small)]], nil),
        (
            ["containers": [container("c", small)], "initContainers": .array(two)],
            "[maximum cpu usage per Pod is 500m, but limit is 900m, maximum memory usage per Pod is 200Mi, but limit is 300Mi]"
        ),
        // Those before another are over by then.
        (
            ["containers": [container("c", small)], "initContainers": [container("a", small), container("b", small)]],
            nil
        ),
        (
            [
                "containers": [container("c", ["cpu": "1m", "memory": "1Mi"])],
                "initContainers": [container("a", ["cpu": "600m", "memory": "1Mi"])],
            ],
            "maximum cpu usage per Pod is 500m, but limit is 600m"
        ),
        (
            ["containers": [container("c", small)], "resources": ["limits": ["cpu": "10", "memory": "150Mi"]]],
            "maximum cpu usage per Pod is 500m, but limit is 10"
        ),
        (
            [
                "containers": [["name": "c", "image": "i"]],
                "resources": ["limits": ["cpu": "400m", "memory": "150Mi"]],
            ], nil
        ),
    ]

    @Test(arguments: 0..<6) func `count all that runs at once, and what a pod says as a whole`(
        _ index: Int
    ) async throws {
        let server = try await server(["type": "Pod", "max": ["cpu": "500m", "memory": "200Mi"]])
        let (spec, complaint) = Self.cases[index]
        let answer = try await server.send("POST", pods, pod("p", spec))
        let message = answer.json["message"]?.string ?? ""
        if let complaint {
            #expect(answer.status == 403 && message.hasSuffix(complaint), "\(answer.status) \(message)")
        } else {
            #expect(answer.status == 201, "\(message)")
        }
    }

    @Test func `hold a pod that is resized too`() async throws {
        let server = try await server(["type": "Container", "max": ["cpu": "400m"]])
        let made = try await server.send("POST", pods, pod("p", ["containers": [Self.container("c", ["cpu": "100m"])]]))
        try #require(made.status == 201)
        func resize(_ cpu: String) async throws -> TestServer.Answer {
            try await server.send(
                "PATCH", "\(pods)/p/resize",
                [
                    "spec": [
                        "containers": [
                            [
                                "name": "c",
                                "resources": ["limits": ["cpu": .string(cpu)], "requests": ["cpu": .string(cpu)]],
                            ]
                        ]
                    ]
                ], type: "application/strategic-merge-patch+json")
        }
        let refused = try await resize("100")
        #expect(
            refused.status == 403
                && refused.json["message"]?.string?.hasSuffix(
                    "maximum cpu usage per Container is 400m, but limit is 100")
                    == true
        )
        #expect(try await resize("400m").status == 200)
    }

    @Test func `hold a claim that grows`() async throws {
        let server = try await server(["type": "PersistentVolumeClaim", "max": ["storage": "2Gi"]])
        let claims = "/api/v1/namespaces/default/persistentvolumeclaims"
        func claim(_ size: String) -> JSONValue {
            [
                "kind": "PersistentVolumeClaim", "apiVersion": "v1", "metadata": ["name": "c"],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": .string(size)]]],
            ]
        }
        let large = try await server.send("POST", claims, claim("3Gi"))
        let complaint = "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi"
        #expect(large.status == 403 && large.json["message"]?.string?.hasSuffix(complaint) == true)
        try #require(try await server.send("POST", claims, claim("1Gi")).status == 201)
        let bound: JSONValue = ["status": ["phase": "Bound", "capacity": ["storage": "1Gi"]]]
        try #require(
            try await server.send("PATCH", "\(claims)/c/status", bound, type: "application/merge-patch+json").status
                == 200)
        let grown = try await server.send(
            "PATCH", "\(claims)/c", ["spec": ["resources": ["requests": ["storage": "3Gi"]]]],
            type: "application/merge-patch+json")
        #expect(grown.status == 403 && grown.json["message"]?.string?.hasSuffix(complaint) == true)
    }

    @Test(
        arguments: [
            (["cpu": "100m"], ["cpu": "200m"], nil), (["cpu": "1"], [:], "but no limit is specified or limit is 0"),
            ([:], ["cpu": "1"], "but no request is specified or request is 0"),
            (["cpu": "0"], ["cpu": "1"], "but no request is specified or request is 0"),
            (["cpu": "300m"], ["cpu": "1"], "but provided ratio is 3.333333"),
        ] as [([String: String], [String: String], String?)])
    func `hold the ratio of both`(_ requests: [String: String], _ limits: [String: String], _ complaint: String?) {
        let found = LimitBounds(["maxLimitRequestRatio": ["cpu": "2"]], "Container")
            .complaints(
                requests: requests.compactMapValues { Quantity($0) }, limits: limits.compactMapValues { Quantity($0) })
        #expect(found == (complaint.map { ["cpu max limit to request ratio per Container is 2, \($0)"] } ?? []))
    }

    @Test func `overhead is a class's to say`() async throws {
        let server = try await server(["type": "Container"])
        let made = try await server.send(
            "POST", "/apis/node.k8s.io/v1/runtimeclasses",
            [
                "kind": "RuntimeClass", "apiVersion": "node.k8s.io/v1", "metadata": ["name": "heavy"],
                "handler": "runc", "overhead": ["podFixed": ["memory": "1Mi"]],
            ])
        try #require(made.status == 201)
        let refused = try await server.send("POST", pods, pod("p", ["overhead": ["memory": "900Gi"]]))
        #expect(
            refused.status == 403
                && refused.json["message"]?.string?.hasSuffix(
                    "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead") == true
        )
        let taken = try await server.send("POST", pods, pod("q", ["runtimeClassName": "heavy"]))
        #expect(taken.status == 201 && taken.json["spec"]?["overhead"] == ["memory": "1Mi"])
    }

    // MARK: Priority

    @Test func `how a pod preempts is its class's to say`() async throws {
        let server = try await server(["type": "Container"])
        let made = try await server.send(
            "POST", "/apis/scheduling.k8s.io/v1/priorityclasses",
            [
                "kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": ["name": "never"],
                "value": 1000, "preemptionPolicy": "Never",
            ])
        try #require(made.status == 201)
        let refused = try await server.send(
            "POST", pods, pod("p", ["priorityClassName": "never", "preemptionPolicy": "PreemptLowerPriority"]))
        #expect(refused.status == 403)
        #expect(
            refused.json["message"]?.string?.hasSuffix(
                "the string value of PreemptionPolicy (PreemptLowerPriority) must not be provided in pod spec; priority admission controller computed Never from the given PriorityClass name"
            ) == true)
        #expect(try await server.send("POST", pods, pod("q", ["preemptionPolicy": "Never"])).status == 403)
        let taken = try await server.send(
            "POST", pods, pod("r", ["priorityClassName": "never", "preemptionPolicy": "Never"]))
        #expect(taken.status == 201 && taken.json["spec"]?["priority"] == 1000)
        // An author of an update who leaves both out changes neither.
        var again = try await server.send("GET", "\(pods)/r").json
        again["spec"]?["priority"] = nil
        again["spec"]?["preemptionPolicy"] = nil
        let put = try await server.send("PUT", "\(pods)/r", again)
        #expect(
            put.status == 200 && put.json["spec"]?["preemptionPolicy"] == "Never",
            "\(put.json["message"]?.string ?? "")")
    }
}
