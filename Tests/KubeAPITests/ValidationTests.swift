// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@testable import KubeAPI

@Suite struct `Validation rules` {
    static func pod(_ change: (inout JSONValue) -> Void) -> JSONValue {
        var pod: JSONValue = [
            "metadata": ["name": "web", "namespace": "default", "labels": ["app": "web"]],
            "spec": [
                "containers": [
                    [
                        "name": "c", "image": "nginx", "imagePullPolicy": "Always",
                        "terminationMessagePolicy": "File", "ports": [["containerPort": 80, "protocol": "TCP"]],
                        "resources": ["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "500m"]],
                        "env": [
                            ["name": "A", "value": "b"],
                            [
                                "name": "B",
                                "valueFrom": ["fieldRef": ["apiVersion": "v1", "fieldPath": "status.podIP"]],
                            ],
                        ],
                        "volumeMounts": [["name": "v", "mountPath": "/v"]],
                        "readinessProbe": [
                            "httpGet": ["path": "/", "port": "http", "scheme": "HTTP"], "successThreshold": 1,
                        ],
                    ]
                ],
                "volumes": [["name": "v", "emptyDir": [:]]],
                "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "terminationGracePeriodSeconds": 30,
                "securityContext": [:], "schedulerName": "default-scheduler",
                "tolerations": [["key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300]],
            ],
        ]
        change(&pod)
        return pod
    }

    static func errors(_ kind: String, _ new: JSONValue, old: JSONValue? = nil, group: String = "") -> [String] {
        let namespaced = !["Node", "Namespace", "ClusterRole", "StorageClass", "PriorityClass"].contains(kind)
        return Validation.validate(group: group, kind: kind, namespaced: namespaced, new: new, old: old)
            .map(\.description)
    }

    @Test func `lets an ordinary pod through`() { #expect(Self.errors("Pod", Self.pod { _ in }) == []) }

    struct Case: Sendable, CustomStringConvertible {
        var error: String
        var change: @Sendable (inout JSONValue) -> Void
        var description: String { error }
    }

    static func set(_ path: String..., to value: JSONValue?, error: String) -> Case {
        Case(error: error) { pod in
            func put(_ keys: ArraySlice<String>, _ node: inout JSONValue) {
                guard let key = keys.first else { return }
                if let index = Int(key) {
                    var inner = node[index] ?? [:]
                    put(keys.dropFirst(), &inner)
                    node[index] = inner
                } else if keys.count == 1 {
                    node[key] = value
                } else {
                    var inner = node[key] ?? [:]
                    put(keys.dropFirst(), &inner)
                    node[key] = inner
                }
            }
            put(path[...], &pod)
        }
    }

    static let cases = [
        set("spec", "containers", to: [], error: "spec.containers: Required value"),
        set("spec", "containers", "0", "image", to: "", error: "spec.containers[0].image: Required value"),
        set(
            "spec", "containers", "0", "name", to: "Bad_Name",
            error:
                "spec.containers[0].name: Invalid value: \"Bad_Name\": a lowercase RFC 1123 label must consist of lower "
                + "case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. "
                + "'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"),
        set(
            "spec", "containers", "0", "ports", "0", "containerPort", to: 70000,
            error:
                "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"
        ),
        set(
            "spec", "containers", "0", "ports", "0", "protocol", to: "ICMP",
            error:
                "spec.containers[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\""
        ),
        set(
            "spec", "containers", "0", "resources", "requests", "cpu", to: "2",
            error:
                "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"
        ),
        set(
            "spec", "containers", "0", "volumeMounts", "0", "name", to: "none",
            error: "spec.containers[0].volumeMounts[0].name: Not found: \"none\""),
        set(
            "spec", "containers", "0", "env", "0", "name", to: "A=B",
            error:
                "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable name must consist only of printable ASCII characters other than '='"
        ),
        set(
            "spec", "containers", "0", "env", "1", "valueFrom", "fieldRef", "fieldPath", to: "spec.x",
            error:
                "spec.containers[0].env[1].valueFrom.fieldRef.fieldPath: Unsupported value: \"spec.x\": supported values: "
                + "\"metadata.name\", \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", "
                + "\"status.hostIP\", \"status.hostIPs\", \"status.podIP\", \"status.podIPs\""),
        set(
            "spec", "containers", "0", "livenessProbe", to: [:],
            error: "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
        set(
            "spec", "volumes", "0", "emptyDir", to: nil,
            error: "spec.volumes[0]: Required value: must specify a volume type"),
        set(
            "spec", "volumes", "0", "hostPath", to: ["path": "/x"],
            error: "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"),
        set(
            "spec", "restartPolicy", to: "Sometimes",
            error:
                "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\""
        ),
        set(
            "spec", "securityContext", "sysctls", to: [["name": "a b", "value": "1"]],
            error:
                "spec.securityContext.sysctls[0].name: Invalid value: \"a b\": must have at most 253 characters and match regex \(Validator.sysctlPattern)"
        ),
        set(
            "spec", "affinity",
            to: ["nodeAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": []]]],
            error:
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term"
        ),
        set("metadata", "namespace", to: nil, error: "metadata.namespace: Required value"),
        set("metadata", "name", to: nil, error: "metadata.name: Required value: name or generateName is required"),
    ]

    @Test(arguments: cases) func `refuses bad pods with upstream's words`(example: Case) {
        #expect(Self.errors("Pod", Self.pod(example.change)) == [example.error])
    }

    @Test func `only lets some fields of a pod change`() {
        var old = Self.pod { $0["metadata"]?["resourceVersion"] = "1" }
        old["metadata"]?["uid"] = "u"
        var new = old
        new["spec"]?["containers"]?[0]?["image"] = "other"
        new["spec"]?["activeDeadlineSeconds"] = 5
        #expect(Self.errors("Pod", new, old: old) == [])
        new["spec"]?["nodeName"] = "n"
        #expect(
            Self.errors("Pod", new, old: old).first?.hasPrefix(
                "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`") == true)
        new = old
        new["metadata"]?["uid"] = "v"
        #expect(Self.errors("Pod", new, old: old) == [#"metadata.uid: Invalid value: "v": field is immutable"#])
    }

    @Test func `lets subresources change what is theirs`() {
        let old = Self.pod { $0["metadata"]?["resourceVersion"] = "1" }
        func errors(_ new: JSONValue, _ subresource: String, old: JSONValue) -> [String] {
            Validation.validate(group: "", kind: "Pod", namespaced: true, new: new, old: old, subresource: subresource)
                .map(\.description)
        }
        var resized = old
        resized["spec"]?["containers"]?[0]?["resources"]?["limits"]?["cpu"] = "2"
        #expect(errors(resized, "resize", old: old) == [])
        #expect(errors(resized, "", old: old).count == 1)
        resized["spec"]?["containers"]?[0]?["image"] = "other"
        #expect(
            errors(resized, "resize", old: old).first?.hasPrefix(
                "spec: Forbidden: only cpu and memory resources are mutable") == true)
        var debugged = old
        debugged["spec"]?["ephemeralContainers"] = [
            ["name": "d", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"]
        ]
        #expect(errors(debugged, "ephemeralcontainers", old: old) == [])
        #expect(
            errors(old, "ephemeralcontainers", old: debugged) == [
                "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be removed\n"
            ])
    }

    @Test func `refuses of ephemeral containers what asks the node for something`() {
        let old = Self.pod { $0["metadata"]?["resourceVersion"] = "1" }
        func errors(_ field: String, _ value: JSONValue) -> [String] {
            var pod = old
            pod["spec"]?["ephemeralContainers"] = [
                [
                    "name": "d", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File",
                    "volumeMounts": [["name": "v", "mountPath": "/v"]],
                ]
            ]
            if field == "subPath" {
                pod["spec"]?["ephemeralContainers"]?[0]?["volumeMounts"]?[0]?["subPath"] = value
            } else {
                pod["spec"]?["ephemeralContainers"]?[0]?[field] = value
            }
            return Validation.validate(
                group: "", kind: "Pod", namespaced: true, new: pod, old: old, subresource: "ephemeralcontainers"
            ).map(\.description)
        }
        #expect(errors("stdin", true) == [])
        #expect(errors("resources", [:]) == [])
        let values: [(String, JSONValue)] = [
            ("resources", ["limits": ["cpu": "1"]]), ("restartPolicy", "Always"),
            ("restartPolicyRules", [["action": "Restart"]]),
        ]
        for (field, value) in values {
            #expect(
                errors(field, value) == [
                    "spec.ephemeralContainers[0].\(field): Forbidden: cannot be set for an Ephemeral Container"
                ])
        }
        #expect(
            errors("subPath", "a") == [
                "spec.ephemeralContainers[0].volumeMounts[0].subPath: Forbidden: "
                    + "cannot be set for an Ephemeral Container"
            ])
    }

    @Test func `holds what a pod asks for as a whole to what its parts ask for`() {
        func errors(_ resources: JSONValue, os: String? = nil) -> [String] {
            Self.errors(
                "Pod",
                Self.pod {
                    $0["spec"]?["resources"] = resources
                    if let os { $0["spec"]?["os"] = ["name": .string(os)] }
                })
        }
        #expect(errors([:]) == [])
        #expect(
            errors(["limits": ["cpu": "1", "memory": "2Gi"], "requests": ["cpu": "500m", "memory": "1Gi"]]) == [])
        #expect(
            errors(["requests": ["cpu": "1m"]]) == [
                "spec.resources.requests[cpu]: Invalid value: \"1m\": must be greater than or equal to aggregate "
                    + "container requests of 500m"
            ])
        #expect(errors(["requests": ["memory": "-1"]]).contains { $0.contains("spec.resources.requests[memory]") })
        #expect(errors(["limits": ["cpu": "-1"]]).contains { $0.contains("must be greater than or equal to 0") })
        #expect(
            errors(["limits": ["cpu": "600m"]]) == [
                "spec.resources.containers[0][cpu].limits: Invalid value: \"1\": "
                    + "must be less than or equal to pod limits of 600m"
            ])
        #expect(errors(["requests": ["cpu": "2"], "limits": ["cpu": "1"]]).count == 1)
        #expect(errors(["requests": ["ephemeral-storage": "1"]]).first?.contains("Unsupported value") == true)
        #expect(errors(["claims": [["name": "a"]]]).first?.contains("claims may not be set") == true)
        #expect(errors(["requests": ["cpu": "1"]], os: "windows").contains { $0.contains("windows pod") })
    }

    @Test func `resizes a pod as a whole, within its parts`() {
        let old = Self.pod {
            $0["metadata"]?["resourceVersion"] = "1"
            $0["spec"]?["resources"] = ["requests": ["cpu": "1"], "limits": ["cpu": "2"]]
        }
        func errors(_ resources: JSONValue?) -> [String] {
            var new = old
            new["spec"]?["resources"] = resources
            return Validation.validate(
                group: "", kind: "Pod", namespaced: true, new: new, old: old, subresource: "resize"
            ).map(\.description)
        }
        #expect(errors(["requests": ["cpu": "600m"], "limits": ["cpu": "3"]]) == [])
        #expect(errors(["requests": ["cpu": "400m"], "limits": ["cpu": "3"]]).count == 1)
        #expect(errors(["requests": ["cpu": "-1"], "limits": ["cpu": "3"]]).isEmpty == false)
        #expect(errors(["requests": ["cpu": "1"]]).first?.contains("limits cannot be removed") == true)
        #expect(errors(nil) == ["spec.resources: Forbidden: pod-level resources cannot be removed"])
    }

    @Test func `a pod that is stored with less than nothing counts for what its parts need`() {
        let pod = Self.pod {
            $0["spec"]?["resources"] = [
                "requests": ["cpu": "-5", "memory": "-1Gi"], "limits": ["cpu": "-1", "memory": "512Mi"],
            ]
        }
        let usage = QuotaUsage.of(pod.object ?? [:], group: "", plural: "pods")
        #expect(usage["requests.cpu"] == Quantity("500m") && usage["requests.memory"] ?? .zero == .zero)
        #expect(usage["limits.cpu"] == Quantity("1") && usage["limits.memory"] == Quantity("512Mi"))
    }

    @Test func `a pod is made without what only comes to one that runs`() {
        let debugger: JSONValue = [
            ["name": "d", "image": "i", "imagePullPolicy": "Always", "terminationMessagePolicy": "File"]
        ]
        #expect(
            Self.errors("Pod", Self.pod { $0["spec"]?["ephemeralContainers"] = debugger }) == [
                "spec.ephemeralContainers: Forbidden: cannot be set on create"
            ])
        let template: JSONValue = [
            "metadata": ["name": "t", "namespace": "default"],
            "template": Self.pod { $0["spec"]?["ephemeralContainers"] = debugger },
        ]
        #expect(
            Self.errors("PodTemplate", template) == [
                "template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template"
            ])
        let gated = Self.pod {
            $0["spec"]?["nodeName"] = "n"
            $0["spec"]?["schedulingGates"] = [["name": "g"]]
        }
        #expect(
            Self.errors("Pod", gated) == [
                "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"
            ])
    }

    @Test func `a pod asks the scheduler no more than it can answer`() {
        func pod(_ count: Int, _ field: String, _ item: JSONValue) -> JSONValue {
            Self.pod { pod in
                let items = JSONValue.array([JSONValue](repeating: item, count: count))
                switch field {
                case "tolerations": pod["spec"]?["tolerations"] = items
                case "nodeAffinity":
                    pod["spec"]?["affinity"] = [
                        "nodeAffinity": [
                            "requiredDuringSchedulingIgnoredDuringExecution": ["nodeSelectorTerms": items]
                        ]
                    ]
                default:
                    pod["spec"]?["affinity"] = [
                        field: ["requiredDuringSchedulingIgnoredDuringExecution": items]
                    ]
                }
            }
        }
        let term: JSONValue = ["labelSelector": ["matchLabels": ["a": "b"]], "topologyKey": "x"]
        let values = JSONValue.array((0..<9).map { .string("v\($0)") })
        let nodeTerm: JSONValue = ["matchExpressions": [["key": "k", "operator": "In", "values": values]]]
        let toleration: JSONValue = ["key": "a", "operator": "Exists"]
        let cases: [(String, JSONValue, Int)] = [
            // One toleration is there in each.
            ("podAffinity", term, 499), ("podAntiAffinity", term, 499), ("nodeAffinity", nodeTerm, 90),
            ("tolerations", toleration, 1000),
        ]
        for (field, item, most) in cases {
            #expect(Self.errors("Pod", pod(most, field, item)) == [])
            let found = Self.errors("Pod", pod(most + 1, field, item))
            #expect(found.count == 1 && found[0].hasPrefix("spec: Forbidden: affinity, tolerations"), "\(field)")
            let template: JSONValue = [
                "metadata": ["name": "t", "namespace": "default"], "template": pod(most + 1, field, item),
            ]
            #expect(Self.errors("PodTemplate", template).count == 1)
        }
        let constraint: JSONValue = [
            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": [:],
        ]
        #expect(
            Self.errors("Pod", Self.pod { $0["spec"]?["topologySpreadConstraints"] = [constraint, constraint] }) == [
                "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}: Duplicate value: "
                    + "\"{zone, DoNotSchedule}\""
            ])
    }

    static let meta: JSONValue = ["name": "web", "namespace": "default", "resourceVersion": "1"]

    static func deployment(_ labels: JSONValue) -> JSONValue {
        var template = pod { _ in }
        template["metadata"] = ["labels": labels]
        return [
            "metadata": meta,
            "spec": [
                "replicas": 1, "selector": ["matchLabels": ["app": "web"]], "template": template,
                "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "25%", "maxUnavailable": "25%"]],
                "progressDeadlineSeconds": 600,
            ],
        ]
    }

    @Test func `checks workloads`() {
        let good = Self.deployment(["app": "web"])
        #expect(Self.errors("Deployment", good, group: "apps") == [])
        #expect(
            Self.errors("Deployment", Self.deployment(["app": "x"]), group: "apps") == [
                #"spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`"#
            ])
        var changed = Self.deployment(["app": "web", "b": "c"])
        changed["spec"]?["selector"] = ["matchLabels": ["b": "c"]]
        #expect(
            Self.errors("Deployment", changed, old: good, group: "apps") == [
                #"spec.selector: Invalid value: {"matchLabels":{"b":"c"}}: field is immutable"#
            ])
        changed = good
        changed["spec"]?["replicas"] = -1
        changed["spec"]?["strategy"]?["rollingUpdate"] = ["maxSurge": 0, "maxUnavailable": "0%"]
        #expect(
            Self.errors("Deployment", changed, group: "apps") == [
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                #"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0"#,
            ])
    }

    @Test func `checks services`() {
        let good: JSONValue = [
            "metadata": Self.meta,
            "spec": [
                "type": "ClusterIP", "clusterIP": "10.43.0.7", "clusterIPs": ["10.43.0.7"], "ipFamilies": ["IPv4"],
                "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
                "ports": [["port": 80, "protocol": "TCP", "targetPort": "http"]],
            ],
        ]
        #expect(Self.errors("Service", good) == [])
        var bad = good
        bad["spec"]?["ports"] = [["port": 0, "protocol": "TCP", "nodePort": 30000]]
        #expect(
            Self.errors("Service", bad) == [
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
            ])
        bad = good
        bad["spec"]?["clusterIP"] = "10.43.0.8"
        bad["spec"]?["clusterIPs"] = ["10.43.0.8"]
        #expect(
            Self.errors("Service", bad, old: good) == [
                #"spec.clusterIPs[0]: Invalid value: "10.43.0.8": may not change once set"#
            ])
    }

    @Test func `keeps immutable data and role references`() {
        let map: JSONValue = ["metadata": Self.meta, "data": ["a": "1"], "immutable": true]
        var changed = map
        changed["data"]?["a"] = "2"
        #expect(
            Self.errors("ConfigMap", changed, old: map) == [
                "data: Forbidden: field is immutable when `immutable` is set"
            ])
        let binding: JSONValue = [
            "metadata": Self.meta, "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"],
        ]
        var other = binding
        other["roleRef"]?["name"] = "s"
        #expect(
            Self.errors("RoleBinding", other, old: binding, group: "rbac.authorization.k8s.io") == [
                #"roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"s"}: cannot change roleRef"#
            ])
    }

    @Test(
        arguments: [
            ("* * * * *", nil), ("*/5 0-6 1,15 jan mon-fri", nil), ("@hourly", nil),
            ("60 * * * *", "end of range (60) above maximum (59): 60"),
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("x * * * *", #"failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax"#),
        ] as [(String, String?)])
    func `reads cron schedules`(schedule: String, problem: String?) {
        #expect(Validator.cronProblem(schedule) == problem)
    }

    @Test(arguments: [
        ("10.0.0.1", 4), ("::", 16), ("fd42::1", 16), ("::ffff:1.2.3.4", 16), ("1:2:3:4:5:6:7:8", 16), ("10.0.0", 0),
        ("256.1.1.1", 0), ("1::2::3", 0), ("12345::", 0), ("", 0), ("1.2.3.4.5", 0), ("1:2:3:4:5:6:7:8:9", 0),
    ])
    func `reads addresses`(text: String, bytes: Int) { #expect(Addresses.parse(text)?.count ?? 0 == bytes) }

    @Test(arguments: [
        ("10.0.0.1", true), ("10.0.0.01", false), ("::", true), ("::1", true), ("fd42:0::1", false), ("FD42::1", false),
        ("2001:db8::1:0:0:1", true), ("2001:db8:0:0:1::1", false), ("1:0:3:4:5:6:7:8", true),
        ("1::3:4:5:6:7:8", false), ("1:2:3:4:5:6::", true), ("x", false),
    ])
    func `knows addresses as RFC 5952 writes them`(text: String, isCanonical: Bool) {
        #expect(Addresses.isCanonical(text) == isCanonical)
    }

    @Test func `checks addresses and ranges of services`() {
        func errors(_ kind: String, _ name: String, _ spec: JSONValue, old: JSONValue? = nil) -> [String] {
            Validation.validate(
                group: "networking.k8s.io", kind: kind, namespaced: false,
                new: ["metadata": ["name": .string(name)], "spec": spec],
                old: old
            ).map(\.description)
        }
        let parent: JSONValue = ["parentRef": ["resource": "services", "name": "s", "namespace": "n"]]
        #expect(errors("IPAddress", "10.43.0.1", parent) == [])
        #expect(
            errors("IPAddress", "10.43.0.01", [:]) == [
                #"metadata.name: Invalid value: "10.43.0.01": must be a canonical form IP address"#,
                "spec.parentRef: Required value",
            ])
        #expect(errors("ServiceCIDR", "r", ["cidrs": ["10.43.0.0/16", "fd43::/112"]]) == [])
        #expect(
            errors("ServiceCIDR", "r", ["cidrs": ["10.43.0.0/16", "10.44.0.0/16"]]) == [
                #"spec.cidrs: Invalid value: ["10.43.0.0/16","10.44.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"#
            ])
        #expect(errors("ServiceCIDR", "r", [:]) == ["spec.cidrs: Required value: at least one CIDR required"])
    }

    @Test func `is quick`() {
        let pod = Self.pod { _ in }
        let clock = ContinuousClock()
        let time = clock.measure { for _ in 0..<200 { _ = Self.errors("Pod", pod) } }
        // Ten times what it takes without optimization: a guard against accidental quadratic work.
        #expect(time < .seconds(2))
    }
}

/// Bodies of three megabytes hold lists of any length: what is found wrong is said within bounds, and in time.
@Suite(.timeLimit(.minutes(1))) struct `Long lists in objects` {
    private func text(_ errors: [FieldError]) -> Int { errors.reduce(0) { $0 + $1.description.utf8.count } }

    private func errors(_ kind: String, _ new: JSONValue, old: JSONValue? = nil) -> [FieldError] {
        Validation.validate(group: "", kind: kind, namespaced: true, new: new, old: old)
    }

    @Test func `of owners are shown once and shortened`() {
        let owners = (0..<20_000).map { number -> JSONValue in
            ["apiVersion": "v1", "kind": "K", "name": .string("n\(number)"), "uid": "u", "controller": true]
        }
        let found = errors(
            "ConfigMap", ["metadata": ["name": "a", "namespace": "b", "ownerReferences": .array(owners)]])
        #expect(!found.isEmpty && found.count <= Complaints.maximumCount + 1)
        #expect(text(found) < 2 * Complaints.maximumText)
        #expect(found.last?.detail.hasSuffix("more errors are left out") == true)
    }

    @Test func `of finalizers are compared in one go`() {
        func object(_ range: Range<Int>) -> JSONValue {
            [
                "metadata": [
                    "name": "a", "namespace": "b", "resourceVersion": "1", "deletionTimestamp": "2026-01-01T00:00:00Z",
                    "finalizers": .array(range.map { .string("example.com/f\($0)") }),
                ]
            ]
        }
        #expect(errors("ConfigMap", object(0..<20_000), old: object(0..<20_000)) == [])
        #expect(errors("ConfigMap", object(1..<20_001), old: object(0..<20_000)).count == 1)
    }

    @Test(arguments: ["tolerations", "volumes", "hostAliases", "topologySpreadConstraints", "imagePullSecrets"])
    func `of a pod are checked in one go`(list: String) {
        let items = (0..<20_000).map { number -> JSONValue in
            switch list {
            case "tolerations": ["key": .string("k\(number)"), "operator": "Exists"]
            case "volumes": ["name": .string("v\(number)"), "emptyDir": [:]]
            case "hostAliases": ["ip": "192.0.2.1", "hostnames": [.string("h\(number)")]]
            case "topologySpreadConstraints":
                ["topologyKey": .string("k\(number)"), "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"]
            default: ["name": .string("s\(number)")]
            }
        }
        let pod = `Validation rules`.pod { $0["spec"]?[list] = .array(items) }
        _ = errors("Pod", pod)
        _ = errors("Pod", pod, old: pod)
    }

    @Test(arguments: ["env", "ports", "volumeMounts", "volumeDevices", "envFrom"])
    func `of a container are checked in one go`(list: String) {
        let items = (0..<20_000).map { number -> JSONValue in
            switch list {
            case "env": ["name": .string("E\(number)"), "value": "$(E\(number))"]
            case "ports":
                ["containerPort": .integer(Int64(number + 1)), "protocol": "TCP", "name": .string("p\(number)")]
            case "volumeMounts": ["name": "v", "mountPath": .string("/m\(number)")]
            case "volumeDevices": ["name": "v", "devicePath": .string("/d\(number)")]
            default: ["configMapRef": ["name": .string("c\(number)")]]
            }
        }
        let pod = `Validation rules`.pod { pod in
            pod["spec"]?["containers"]?[0]?[list] = .array(items)
            if list == "volumeMounts" {
                pod["spec"]?["containers"]?[0]?["volumeDevices"] = .array(
                    (0..<20_000).map { ["name": .string("d\($0)"), "devicePath": .string("/x\($0)")] })
            }
        }
        _ = errors("Pod", pod)
        _ = errors("Pod", pod, old: pod)
    }

    @Test func `of ports of a Service are checked in one go`() {
        let ports = (0..<20_000).map { number -> JSONValue in
            [
                "name": .string("p\(number)"), "port": .integer(Int64(number + 1)), "protocol": "TCP",
                "targetPort": .integer(Int64(number + 1)),
            ]
        }
        let service: JSONValue = [
            "metadata": ["name": "a", "namespace": "b"],
            "spec": [
                "type": "ClusterIP", "ports": .array(ports),
                "externalIPs": .array((0..<20_000).map { .string("203.0.\($0 / 250).\($0 % 250)") }),
            ],
        ]
        _ = errors("Service", service)
        _ = errors("Service", service, old: service)
    }

    @Test func `numbers to count with are held where sums of many still fit`() {
        #expect(JSONValue.integer(.max).boundedInteger == 1 << 40)
        #expect(JSONValue.integer(.min).boundedInteger == -(1 << 40))
        #expect(JSONValue.integer(2_147_483_647).boundedInteger == 2_147_483_647)
        #expect(JSONValue.number(1.5).boundedInteger == nil)
    }
}
