// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

/// Every whole number a client may send, at its bounds: an answer, whatever it is, and a server that is still there.
@Suite struct `Numbers of clients` {
    static let integers: [JSONValue] = [
        .integer(.max), .integer(.min), .integer(-1), .integer(2_147_483_648), .number(1e308),
    ]

    @Test func `a grace period of any length leaves the server standing`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        for (index, grace) in Self.integers.enumerated() {
            let name = "p\(index)"
            try await server.send("POST", pods, pod(name, ["nodeName": "n1"]))
            let answer = try await server.send("DELETE", "\(pods)/\(name)", ["gracePeriodSeconds": grace])
            #expect(answer.status < 500, "\(grace)")
            // Again, shorter.
            #expect(try await server.send("DELETE", "\(pods)/\(name)", ["gracePeriodSeconds": 5]).status < 500)
            let read = try await server.send("GET", "\(pods)/\(name)")
            if read.status == 200, grace == .integer(.max) {
                #expect(read.json["metadata"]?["deletionGracePeriodSeconds"] == 5)
            }
        }
        for text in ["9223372036854775807", "-9223372036854775808", "1e9", "99999999999999999999"] {
            try await server.send("POST", pods, pod("q", ["nodeName": "n1", "terminationGracePeriodSeconds": 0]))
            #expect(try await server.send("DELETE", "\(pods)/q?gracePeriodSeconds=\(text)").status < 500)
            try await server.send("DELETE", "\(pods)/q?gracePeriodSeconds=0")
            for parameter in ["limit", "timeoutSeconds", "resourceVersion", "gracePeriodSeconds"] {
                let list = try await server.send("GET", "\(pods)?\(parameter)=\(text)")
                #expect(list.status < 505, "\(parameter)=\(text)")
            }
        }
        let huge: JSONObject = ["nodeName": "n1", "terminationGracePeriodSeconds": .integer(.max)]
        #expect(try await server.send("POST", pods, pod("r", huge)).status == 201)
        let marked = try await server.send("DELETE", "\(pods)/r")
        #expect(marked.json["metadata"]?["deletionTimestamp"] == "9999-12-31T23:59:59Z")
    }

    /// A subresource is written by other ways than its object: numbers must fit their fields there too.
    @Test func `no subresource takes a number that its field cannot hold`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        let labels: JSONValue = ["app": "a"]
        let template: JSONValue = [
            "metadata": ["labels": labels], "spec": ["containers": [["name": "c", "image": "i"]]],
        ]
        let apps = "/apis/apps/v1/namespaces/default"
        let core = "/api/v1/namespaces/default"
        for (path, selector) in [
            ("\(apps)/deployments", ["matchLabels": labels] as JSONValue),
            ("\(apps)/replicasets", ["matchLabels": labels]),
            ("\(apps)/statefulsets", ["matchLabels": labels]), ("\(core)/replicationcontrollers", labels),
        ] {
            let object: JSONValue = [
                "metadata": ["name": "a"], "spec": ["replicas": 1, "selector": selector, "template": template],
            ]
            #expect(try await server.send("POST", path, object).status == 201, "\(path)")
            for number: JSONValue in [.integer(.max), .integer(2_147_483_648), .integer(-1), .number(1e300), 1.5] {
                let scale: JSONValue = [
                    "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": ["name": "a", "namespace": "default"],
                    "spec": ["replicas": number],
                ]
                #expect(try await server.send("PUT", "\(path)/a/scale", scale).status >= 400, "\(path) \(number)")
                for type in ["merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"] {
                    let answer = try await server.send(
                        "PATCH", "\(path)/a/scale?fieldManager=f", scale, type: "application/\(type)")
                    #expect((400..<500).contains(answer.status), "\(path) \(type) \(number): \(answer.status)")
                }
                let operations: JSONValue = [["op": "add", "path": "/spec/replicas", "value": number]]
                let answer = try await server.send(
                    "PATCH", "\(path)/a/scale", operations, type: "application/json-patch+json")
                #expect((400..<500).contains(answer.status), "\(path) \(number): \(answer.status)")
                // -1 fits the type; the status is the controllers' to vouch for.
                guard number != -1 else { continue }
                for body: JSONValue in [["status": ["replicas": number]], ["status": ["observedGeneration": 1.5]]] {
                    let answer = try await server.send(
                        "PATCH", "\(path)/a/status", body, type: "application/merge-patch+json")
                    #expect((400..<500).contains(answer.status), "\(path) status \(number): \(answer.status)")
                }
            }
            let read = try await server.send("GET", "\(path)/a")
            #expect(read.json["spec"]?["replicas"] == 1)
        }
        #expect(try await server.send("POST", pods, pod("p")).status == 201)
        let resize: JSONValue = [
            "spec": [
                "containers": [
                    [
                        "name": "c", "resources": ["limits": ["cpu": "1"]],
                        "livenessProbe": ["periodSeconds": .integer(.max)],
                    ]
                ]
            ]
        ]
        let answer = try await server.send(
            "PATCH", "\(pods)/p/resize", resize, type: "application/strategic-merge-patch+json")
        #expect((400..<500).contains(answer.status))
    }

    /// Each number of an object is put to each extreme in turn, through create, update and patch.
    @Test func `no number in an object ends the server`() async throws {
        let server = try await TestServer()
        try await server.send(
            "POST", "/api/v1/namespaces/default/serviceaccounts",
            ["kind": "ServiceAccount", "apiVersion": "v1", "metadata": ["name": "default"]])
        for (path, object) in Self.objects {
            let numbers = Self.numbers(in: object, at: [])
            #expect(!numbers.isEmpty)
            let name = object["metadata"]?["name"]?.string ?? ""
            #expect(try await server.send("POST", path, object).status == 201, "\(path)")
            for place in numbers {
                for number in Self.integers {
                    var changed = object
                    Self.set(number, at: place[...], in: &changed)
                    let made = try await server.send("POST", "\(path)?dryRun=All", changed)
                    #expect(made.status < 500, "\(place) = \(number): \(made.status)")
                    let put = try await server.send("PUT", "\(path)/\(name)?dryRun=All", changed)
                    #expect(put.status < 500, "\(place) = \(number): \(put.status)")
                    // What may stand in the status is stored, and read again as a table.
                    let target = place.first == "status" ? "\(path)/\(name)/status" : "\(path)/\(name)?dryRun=All"
                    let patched = try await server.send("PATCH", target, changed, type: "application/merge-patch+json")
                    #expect(patched.status < 500, "\(place) = \(number): \(patched.status)")
                    guard patched.status == 200, place.first == "status" else { continue }
                    let table = try await server.send(
                        "GET", "\(path)/\(name)",
                        headers: [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")])
                    #expect(table.status < 500, "\(place) = \(number)")
                }
            }
        }
        #expect(try await server.send("GET", "/healthz").status == 200)
    }

    private static let probe: JSONValue = [
        "tcpSocket": ["port": 80], "initialDelaySeconds": 1, "timeoutSeconds": 1, "periodSeconds": 1,
        "successThreshold": 1, "failureThreshold": 1, "terminationGracePeriodSeconds": 1,
    ]

    private static let template: JSONObject = [
        "activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 1, "priority": 0, "nodeName": "n1",
        "securityContext": ["runAsUser": 1, "runAsGroup": 1, "fsGroup": 1, "supplementalGroups": [1]],
        "tolerations": [["operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1]],
        "topologySpreadConstraints": [
            [
                "maxSkew": 1, "minDomains": 1, "topologyKey": "x", "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": ["matchLabels": ["a": "b"]],
            ]
        ],
        "volumes": [
            [
                "name": "s",
                "secret": ["secretName": "s", "defaultMode": 1, "items": [["key": "k", "path": "p", "mode": 1]]],
            ],
            [
                "name": "t",
                "projected": [
                    "defaultMode": 1, "sources": [["serviceAccountToken": ["path": "p", "expirationSeconds": 600]]],
                ],
            ],
        ],
        "affinity": [
            "nodeAffinity": [
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    [
                        "weight": 1,
                        "preference": ["matchExpressions": [["key": "a", "operator": "Gt", "values": ["1"]]]],
                    ]
                ]
            ]
        ],
        "containers": [
            [
                "name": "c", "image": "i", "livenessProbe": probe,
                "ports": [["containerPort": 80, "hostPort": 80]],
                "securityContext": ["runAsUser": 1, "runAsGroup": 1],
                "lifecycle": ["preStop": ["sleep": ["seconds": 1]]],
                "resources": ["limits": ["cpu": 1, "memory": 1], "requests": ["cpu": 1, "memory": 1]],
            ]
        ],
    ]

    private static func workload(_ kind: String, _ version: String, _ spec: JSONObject) -> JSONValue {
        var spec = spec
        var pod = template
        pod["activeDeadlineSeconds"] = nil
        if kind == "Job" { pod["restartPolicy"] = "Never" }
        spec["template"] = ["metadata": ["labels": ["a": "b"]], "spec": .object(pod)]
        if kind != "Job" { spec["selector"] = ["matchLabels": ["a": "b"]] }
        return [
            "kind": .string(kind), "apiVersion": .string(version), "metadata": ["name": "x", "generation": 1],
            "spec": .object(spec),
        ]
    }

    private static let objects: [(String, JSONValue)] = [
        (
            pods,
            [
                "kind": "Pod", "apiVersion": "v1",
                "metadata": ["name": "x", "generation": 1, "deletionGracePeriodSeconds": 1], "spec": .object(template),
                "status": [
                    "observedGeneration": 1,
                    "containerStatuses": [
                        [
                            "name": "c", "restartCount": 1,
                            "state": ["terminated": ["exitCode": 1, "signal": 1]],
                        ]
                    ],
                ],
            ]
        ),
        (
            "/apis/apps/v1/namespaces/default/deployments",
            workload(
                "Deployment", "apps/v1",
                [
                    "replicas": 0, "minReadySeconds": 1, "revisionHistoryLimit": 1, "progressDeadlineSeconds": 600,
                    "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": 1, "maxUnavailable": 1]],
                ])
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            workload(
                "StatefulSet", "apps/v1",
                [
                    "replicas": 0, "minReadySeconds": 1, "ordinals": ["start": 1], "serviceName": "s",
                    "updateStrategy": [
                        "type": "RollingUpdate", "rollingUpdate": ["partition": 1, "maxUnavailable": 1],
                    ],
                ])
        ),
        (
            "/apis/batch/v1/namespaces/default/jobs",
            workload(
                "Job", "batch/v1",
                [
                    "parallelism": 1, "completions": 1, "activeDeadlineSeconds": 1, "backoffLimit": 1,
                    "ttlSecondsAfterFinished": 1, "backoffLimitPerIndex": 1, "maxFailedIndexes": 1,
                    "completionMode": "Indexed",
                ])
        ),
        (
            "/api/v1/namespaces/default/services",
            [
                "kind": "Service", "apiVersion": "v1", "metadata": ["name": "x"],
                "spec": [
                    "type": "NodePort", "sessionAffinity": "ClientIP",
                    "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 1]], "healthCheckNodePort": 0,
                    "ports": [["port": 80, "targetPort": 80, "nodePort": 30_001]],
                ],
            ]
        ),
        (
            "/apis/coordination.k8s.io/v1/namespaces/default/leases",
            [
                "kind": "Lease", "apiVersion": "coordination.k8s.io/v1", "metadata": ["name": "x"],
                "spec": ["leaseDurationSeconds": 1, "leaseTransitions": 1],
            ]
        ),
        (
            "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
            [
                "kind": "PodDisruptionBudget", "apiVersion": "policy/v1", "metadata": ["name": "x"],
                "spec": ["minAvailable": 1, "selector": [:]],
                "status": [
                    "disruptionsAllowed": 1, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1,
                    "observedGeneration": 1,
                ],
            ]
        ),
        (
            "/api/v1/nodes",
            [
                "kind": "Node", "apiVersion": "v1", "metadata": ["name": "x"],
                "status": [
                    "capacity": ["cpu": 1, "memory": 1, "pods": 1], "images": [["names": ["i"], "sizeBytes": 1]],
                    "daemonEndpoints": ["kubeletEndpoint": ["Port": 1]],
                ],
            ]
        ),
    ]

    private static func numbers(in value: JSONValue, at place: [String]) -> [[String]] {
        switch value {
        case .integer: [place]
        case .array(let items):
            items.enumerated().flatMap { numbers(in: $0.element, at: place + [String($0.offset)]) }
        case .object(let object): object.flatMap { numbers(in: $0.value, at: place + [$0.key]) }
        default: []
        }
    }

    private static func set(_ number: JSONValue, at place: ArraySlice<String>, in value: inout JSONValue) {
        guard let first = place.first else {
            value = number
            return
        }
        if case .array(let items) = value, let index = Int(first) {
            var inner = items[index]
            set(number, at: place.dropFirst(), in: &inner)
            value[index] = inner
        } else {
            var inner = value[first] ?? .null
            set(number, at: place.dropFirst(), in: &inner)
            value[first] = inner
        }
    }
}
