// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@Suite struct `Server-side apply` {
    static func writer(
        _ manager: String, subresource: String = "", schema: TypeSchema? = Sample.deployment, time: Int = 0
    ) -> FieldWriter {
        FieldWriter(
            manager: manager, apiVersion: "v1", subresource: subresource, time: "2026-01-01T00:00:0\(time)Z",
            schema: schema, ignored: FieldSet(paths: subresource.isEmpty ? [["status"]] : []))
    }

    static func owned(_ object: JSONObject, by manager: String) -> JSONValue? {
        object["metadata"]?["managedFields"]?.array?.first { $0["manager"]?.string == manager }?["fieldsV1"]
    }

    @Test func `gives the applier what it set`() throws {
        let config = Sample.object(
            [
                "replicas": 1, "selector": ["app": "web"],
                "containers": [["name": "c", "args": ["x"], "ports": [["containerPort": 80]]]],
            ], metadata: ["labels": ["app": "web"], "finalizers": ["f"]])
        let object = try ServerSideApply.apply(live: nil, applied: config, force: false, by: Self.writer("me"))
        #expect(
            Self.owned(object, by: "me") == [
                "f:metadata": ["f:labels": ["f:app": [:]], "f:finalizers": [#"v:"f""#: [:]]],
                "f:spec": [
                    "f:replicas": [:], "f:selector": [:],
                    "f:containers": [
                        #"k:{"name":"c"}"#: [
                            ".": [:], "f:name": [:], "f:args": [:],
                            "f:ports": [
                                #"k:{"containerPort":80,"protocol":"TCP"}"#: [".": [:], "f:containerPort": [:]]
                            ],
                        ]
                    ],
                ],
            ])
        let entry = object["metadata"]?["managedFields"]?[0]
        #expect(entry?["operation"] == "Apply")
        #expect(entry?["time"] == "2026-01-01T00:00:00Z")
        #expect(FieldManager.update(live: nil, new: config, by: Self.writer("u"))["spec"] == config["spec"])
    }

    @Test func `is idempotent and keeps the time of a change`() throws {
        let config = Sample.object(["replicas": 1])
        let first = try ServerSideApply.apply(live: nil, applied: config, force: false, by: Self.writer("me"))
        let second = try ServerSideApply.apply(
            live: first, applied: config, force: false, by: Self.writer("me", time: 5))
        #expect(first == second)
    }

    @Test func `removes what the applier leaves out, unless another owns it`() throws {
        let both = Sample.object(
            ["replicas": 3, "containers": [["name": "a", "image": "1"], ["name": "b", "image": "1"]]],
            metadata: ["labels": ["x": "1", "y": "1"]])
        var live = try ServerSideApply.apply(live: nil, applied: both, force: false, by: Self.writer("one"))
        live = try ServerSideApply.apply(
            live: live, applied: Sample.object(["replicas": 3]), force: false, by: Self.writer("two"))
        live = try ServerSideApply.apply(
            live: live,
            applied: Sample.object(["containers": [["name": "b", "image": "1"]]], metadata: ["labels": ["y": "1"]]),
            force: false, by: Self.writer("one"))
        #expect(live["spec"] == ["replicas": 3, "containers": [["name": "b", "image": "1"]]])
        #expect(live["metadata"]?["labels"] == ["y": "1"])
    }

    @Test func `keeps what nobody owned and what others added inside`() throws {
        var live = try ServerSideApply.apply(
            live: nil, applied: Sample.object(["strategy": ["type": "x"]]), force: false, by: Self.writer("one"))
        var updated = live
        updated["spec"]?["strategy"]?["rollingUpdate"] = ["a": "1"]
        live = FieldManager.update(live: live, new: updated, by: Self.writer("two"))
        live = try ServerSideApply.apply(
            live: live, applied: Sample.object([:]), force: false, by: Self.writer("one"))
        #expect(live["spec"] == ["strategy": ["rollingUpdate": ["a": "1"]]])
    }

    @Test func `names conflicts as upstream does, and force settles them`() throws {
        let live = FieldManager.update(
            live: nil, new: Sample.object(["replicas": 1, "containers": [["name": "c", "image": "1"]]]),
            by: Self.writer("kubectl"))
        let one = Sample.object(["replicas": 2])
        do {
            _ = try ServerSideApply.apply(live: live, applied: one, force: false, by: Self.writer("me"))
            Issue.record("no conflict")
        } catch {
            #expect(
                error.description == "Apply failed with 1 conflict: conflict with \"kubectl\" using v1 at "
                    + "2026-01-01T00:00:00Z: .spec.replicas")
        }
        let two = Sample.object(["replicas": 2, "containers": [["name": "c", "image": "2"]]])
        do {
            _ = try ServerSideApply.apply(live: live, applied: two, force: false, by: Self.writer("me"))
            Issue.record("no conflict")
        } catch {
            #expect(
                error.description == """
                    Apply failed with 2 conflicts: conflicts with "kubectl" using v1 at 2026-01-01T00:00:00Z:
                    - .spec.containers[name="c"].image
                    - .spec.replicas
                    """)
        }
        let forced = try ServerSideApply.apply(live: live, applied: two, force: true, by: Self.writer("me"))
        #expect(forced["spec"]?["replicas"] == 2)
        #expect(
            Self.owned(forced, by: "kubectl")?["f:spec"] == [
                "f:containers": [".": [:], #"k:{"name":"c"}"#: [".": [:], "f:name": [:]]]
            ])
    }

    @Test func `setting the same value shares it`() throws {
        let config = Sample.object(["replicas": 1])
        var live = try ServerSideApply.apply(live: nil, applied: config, force: false, by: Self.writer("one"))
        live = try ServerSideApply.apply(live: live, applied: config, force: false, by: Self.writer("two"))
        #expect(live["metadata"]?["managedFields"]?.array?.count == 2)
    }

    @Test func `without a schema owns field by field and lists whole`() throws {
        let config = Sample.object(["a": ["b": 1], "list": [["name": "x"]]])
        let object = try ServerSideApply.apply(
            live: nil, applied: config, force: false, by: Self.writer("me", schema: nil))
        #expect(
            Self.owned(object, by: "me") == [
                "f:spec": ["f:a": [".": [:], "f:b": [:]], "f:list": [:], ".": [:]]
            ])
    }

    @Test(
        arguments: [
            (
                ["apiVersion": "v2", "kind": "Deployment"],
                "Incorrect version specified in apply patch. Specified patch version: v2, expected: v1"
            ),
            (
                ["apiVersion": "v1", "kind": "Deployment", "metadata": ["managedFields": []]],
                "metadata.managedFields must be nil"
            ),
            (
                [
                    "apiVersion": "v1", "kind": "Deployment", "metadata": ["name": "x", "namespace": "n"],
                    "spec": ["bad": 1],
                ],
                "failed to create typed patch object (n/x; /v1, Kind=Deployment): .spec.bad: field not declared in schema"
            ),
            (
                [
                    "apiVersion": "v1", "kind": "Deployment", "metadata": ["name": "x"],
                    "spec": ["containers": [["name": "a"], ["name": "a"]]],
                ],
                #"failed to create typed patch object (/x; /v1, Kind=Deployment): .spec.containers: duplicate entries for key [name="a"]"#
            ),
        ] as [(JSONObject, String)])
    func `refuses what is no configuration`(config: JSONObject, text: String) {
        do {
            _ = try ServerSideApply.apply(live: nil, applied: config, force: false, by: Self.writer("me"))
            Issue.record("accepted")
        } catch {
            #expect(error.description == text)
        }
    }

    @Test func `takes over from kubectl's client-side apply`() throws {
        let text = #"{"apiVersion":"v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":1}}"#
        let live = FieldManager.update(
            live: nil,
            new: Sample.object(
                ["replicas": 1], metadata: ["annotations": [ServerSideApplyTestKeys.lastApplied: .string(text)]]),
            by: Self.writer("kubectl-client-side-apply"))
        let result = try ServerSideApply.apply(
            live: live, applied: Sample.object(["replicas": 2]), force: false, by: Self.writer("kubectl"))
        #expect(result["spec"]?["replicas"] == 2)
        #expect(
            result["metadata"]?["annotations"]?[ServerSideApplyTestKeys.lastApplied]?.string?.contains(#""replicas":2"#)
                == true)
    }
}

enum ServerSideApplyTestKeys {
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
}

@Suite struct `Managed fields` {
    @Test func `follow updates`() {
        var live = FieldManager.update(
            live: nil, new: Sample.object(["replicas": 1], metadata: ["labels": ["a": "b"]]),
            by: `Server-side apply`.writer("one"))
        #expect(
            `Server-side apply`.owned(live, by: "one") == [
                "f:metadata": ["f:labels": [".": [:], "f:a": [:]]], "f:spec": ["f:replicas": [:]],
            ])
        var changed = live
        changed["spec"]?["replicas"] = 2
        changed["metadata"]?["labels"]?["a"] = nil
        changed["metadata"]?["labels"]?["c"] = "d"
        live = FieldManager.update(live: live, new: changed, by: `Server-side apply`.writer("two"))
        #expect(`Server-side apply`.owned(live, by: "one") == ["f:metadata": ["f:labels": [:]]])
        #expect(
            `Server-side apply`.owned(live, by: "two") == [
                "f:metadata": ["f:labels": ["f:c": [:]]], "f:spec": ["f:replicas": [:]],
            ])
        #expect(FieldManager.update(live: live, new: live, by: `Server-side apply`.writer("three")) == live)
    }

    @Test func `tell subresources apart and skip what a path cannot change`() {
        var object = Sample.object(["replicas": 1])
        object["status"] = ["phase": "x"]
        let main = FieldManager.update(live: nil, new: object, by: `Server-side apply`.writer("m"))
        #expect(`Server-side apply`.owned(main, by: "m")?["f:status"] == nil)
        var status = main
        status["status"]?["phase"] = "y"
        let after = FieldManager.update(
            live: main, new: status, by: `Server-side apply`.writer("m", subresource: "status"))
        let entries = after["metadata"]?["managedFields"]?.array ?? []
        #expect(entries.count == 2)
        #expect(entries.last?["subresource"] == "status")
        #expect(entries.last?["fieldsV1"] == ["f:status": ["f:phase": [:]]])
    }

    @Test func `are forgotten on request and limited in number`() {
        var live = FieldManager.update(
            live: nil, new: Sample.object(["replicas": 1]), by: `Server-side apply`.writer("m"))
        var reset = live
        reset["metadata"]?["managedFields"] = []
        #expect(
            FieldManager.update(live: live, new: reset, by: `Server-side apply`.writer("m"))["metadata"]?[
                "managedFields"] == nil)
        for number in 0..<14 {
            var changed = live
            var labels = changed["metadata"]?["labels"]?.object ?? [:]
            labels["l\(number)"] = "x"
            changed["metadata"]?["labels"] = .object(labels)
            live = FieldManager.update(live: live, new: changed, by: `Server-side apply`.writer("m\(number)"))
        }
        let managers = (live["metadata"]?["managedFields"]?.array ?? []).compactMap { $0["manager"]?.string }
        #expect(managers.count == 10)
        #expect(managers.contains("ancient-changes"))
    }

    @Test func `round trip`() throws {
        let stored: JSONObject = [
            "f:a": [:], "f:b": [".": [:], "f:c": [:]], #"k:{"x":1,"y":"z"}"#: ["f:d": [:]], #"v:"s""#: [:], "i:3": [:],
        ]
        #expect(FieldSet(fieldsV1: stored)?.fieldsV1 == stored)
        #expect(FieldSet(fieldsV1: ["x:a": [:]]) == nil)
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Many managers` {
    @Test func `of one object are merged in one go`() throws {
        let entries = (0..<10_000).map { number -> JSONValue in
            [
                "manager": .string("m\(number)"), "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "time": "2026-01-01T00:00:00Z",
                "fieldsV1": ["f:metadata": ["f:labels": ["f:l\(number)": [:]]]],
            ]
        }
        let live: JSONObject = ["metadata": ["name": "a", "managedFields": .array(entries)]]
        var new = live
        new["spec"] = ["replicas": 2]
        let writer = FieldWriter(
            manager: "w", apiVersion: "v1", subresource: "", time: "2026-01-02T00:00:00Z", schema: Sample.deployment,
            ignored: FieldSet())
        let result = FieldManager.update(live: live, new: new, by: writer)
        let managers = (result["metadata"]?["managedFields"]?.array ?? []).compactMap { $0["manager"]?.string }
        #expect(managers.count <= 12 && managers.contains("ancient-changes") && managers.contains("w"))
        let ancient = result["metadata"]?["managedFields"]?.array?.first { $0["manager"] == "ancient-changes" }
        #expect((ancient?["fieldsV1"]?["f:metadata"]?["f:labels"]?.object?.count ?? 0) > 9_000)
    }
}
