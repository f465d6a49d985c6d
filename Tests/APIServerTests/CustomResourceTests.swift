// SPDX-License-Identifier: Apache-2.0

import HTTP
import JSON
import TLS
import Testing

@testable import APIServer

private let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
private let definition = "\(definitions)/widgets.example.com"
private let widgets = "/apis/example.com/v1/namespaces/default/widgets"

private func widget(_ name: String, _ spec: JSONObject = [:], version: String = "v1") -> JSONValue {
    [
        "kind": "Widget", "apiVersion": .string("example.com/\(version)"), "metadata": ["name": .string(name)],
        "spec": .object(spec),
    ]
}

/// Two versions: the second, in which objects are stored, has a field more.
private func widgetDefinition(_ change: (inout JSONValue) -> Void = { _ in }) -> JSONValue {
    func version(_ name: String, stored: Bool, _ more: JSONObject) -> JSONValue {
        var fields: JSONObject = [
            "color": ["type": "string", "default": "red", "enum": ["red", "green"]],
            "replicas": ["type": "integer", "minimum": 0],
        ]
        for (key, value) in more { fields[key] = value }
        return [
            "name": .string(name), "served": true, "storage": .bool(stored),
            "schema": [
                "openAPIV3Schema": [
                    "type": "object",
                    "properties": [
                        "spec": ["type": "object", "properties": .object(fields)],
                        "status": [
                            "type": "object",
                            "properties": ["replicas": ["type": "integer"], "selector": ["type": "string"]],
                        ],
                    ],
                ]
            ],
            "subresources": [
                "status": [:],
                "scale": [
                    "specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas",
                    "labelSelectorPath": ".status.selector",
                ],
            ],
            "additionalPrinterColumns": [["name": "Color", "type": "string", "jsonPath": ".spec.color"]],
            "selectableFields": [["jsonPath": ".spec.color"]],
        ]
    }
    var definition: JSONValue = [
        "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
        "metadata": ["name": "widgets.example.com"],
        "spec": [
            "group": "example.com", "scope": "Namespaced",
            "names": ["plural": "widgets", "kind": "Widget", "shortNames": ["wd"]],
            "versions": [
                version("v1", stored: false, [:]), version("v2", stored: true, ["size": ["type": "integer"]]),
            ],
        ],
    ]
    change(&definition)
    return definition
}

extension TestServer {
    /// Asks until the answer is as wanted: definitions are settled after they are stored.
    private func eventually(
        _ target: String, _ isWanted: (Answer) -> Bool, _ location: SourceLocation = #_sourceLocation
    ) async throws -> Answer {
        var answer = try await send("GET", target)
        for _ in 0..<200 where !isWanted(answer) {
            try await Task.sleep(for: .milliseconds(20))
            answer = try await send("GET", target)
        }
        #expect(isWanted(answer), "\(answer.json)", sourceLocation: location)
        return answer
    }

    fileprivate func define(_ definition: JSONValue = widgetDefinition()) async throws {
        let made = try await send("POST", definitions, definition)
        #expect(made.status == 201, "\(made.json)")
        let name = made.json["metadata"]?["name"]?.string ?? ""
        _ = try await eventually("\(definitions)/\(name)") { Self.condition("Established", $0.json) == "True" }
    }

    fileprivate func gone(_ target: String) async throws { _ = try await eventually(target) { $0.status == 404 } }

    fileprivate func condition(_ type: String, is value: String) async throws -> JSONValue {
        try await eventually(definition) { Self.condition(type, $0.json) == value }.json
    }

    private static func condition(_ type: String, _ definition: JSONValue) -> String? {
        definition["status"]?["conditions"]?.array?.first { $0["type"]?.string == type }?["status"]?.string
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Custom resources` {
    @Test func `are served as soon as they are established, and in every version`() async throws {
        let server = try await TestServer()
        #expect(try await server.send("GET", widgets).status == 404)
        try await server.define()
        let made = try await server.send("POST", widgets, widget("one", ["replicas": 2]))
        #expect(made.status == 201, "\(made.json)")
        #expect(made.json["spec"] == ["replicas": 2, "color": "red"] && made.json["metadata"]?["generation"] == 1)
        let newer = "/apis/example.com/v2/namespaces/default/widgets"
        let read = try await server.send("GET", "\(newer)/one")
        #expect(
            read.json["apiVersion"] == "example.com/v2"
                && read.json["metadata"]?["uid"] == made.json["metadata"]?["uid"])
        try await server.send("POST", newer, widget("two", ["size": 3, "color": "green"], version: "v2"))
        let list = try await server.send("GET", widgets)
        #expect(list.json["kind"] == "WidgetList" && list.json["items"]?.array?.count == 2)
        #expect(list.json["items"]?[1]?["spec"] == ["color": "green"], "v1 does not know the size")
        let selected = try await server.send("GET", "\(widgets)?fieldSelector=spec.color%3Dgreen")
        #expect(selected.json["items"]?.array?.map { $0["metadata"]?["name"] } == ["two"])
        #expect(try await server.send("GET", "\(widgets)?fieldSelector=spec.replicas%3D1").status == 400)
        let groups = try await server.send("GET", "/apis/example.com")
        #expect(groups.json["versions"]?.array?.map { $0["version"] } == ["v2", "v1"])
        let stored = try await server.send("GET", definition)
        #expect(stored.json["status"]?["storedVersions"] == ["v2"])
    }

    @Test func `are watched, and show their columns`() async throws {
        let server = try await TestServer()
        try await server.define()
        let events = Task { try await server.watch("\(widgets)?watch=1&resourceVersion=0", 3) }
        try await server.send("POST", widgets, widget("one"))
        try await server.send(
            "PATCH", "\(widgets)/one", ["spec": ["color": "green"]], type: "application/merge-patch+json")
        try await server.send("DELETE", "\(widgets)/one")
        let seen = try await events.value
        #expect(seen.map { $0["type"] } == ["ADDED", "MODIFIED", "DELETED"])
        #expect(seen.allSatisfy { $0["object"]?["apiVersion"] == "example.com/v1" })
        try await server.send("POST", widgets, widget("two"))
        let table = try await server.send(
            "GET", widgets, headers: [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")])
        #expect(table.json["columnDefinitions"]?.array?.map { $0["name"] } == ["Name", "Color"])
        #expect(table.json["rows"]?[0]?["cells"] == ["two", "red"])
    }

    @Test func `are held to their schema`() async throws {
        let server = try await TestServer()
        try await server.define()
        let wrong = try await server.send("POST", widgets, widget("one", ["color": "blue", "replicas": -1]))
        #expect(wrong.status == 422)
        let message = wrong.json["message"]?.string ?? ""
        #expect(message.hasPrefix(#"Widget.example.com "one" is invalid: ["#))
        #expect(message.contains(#"spec.color: Unsupported value: "blue": supported values: "red", "green""#))
        #expect(
            message.contains(
                "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0"))
        let extra = widget("one", ["size": 1])
        let strict = try await server.send("POST", "\(widgets)?fieldValidation=Strict", extra)
        #expect(strict.status == 400)
        #expect(strict.json["message"]?.string?.contains(#"strict decoding error: unknown field "spec.size""#) == true)
        let warned = try await server.send("POST", widgets, extra)
        #expect(warned.status == 201 && warned.json["spec"]?["size"] == nil)
        #expect(warned.headers["Warning"]?.contains(#"unknown field \"spec.size\""#) == true)
        let silent = try await server.send("PUT", "\(widgets)/one?fieldValidation=Ignore", warned.json)
        #expect(silent.status == 200 && silent.headers["Warning"] == nil)
        let strategic = try await server.send(
            "PATCH", "\(widgets)/one", [:], type: "application/strategic-merge-patch+json")
        #expect(strategic.status == 415)
        let binary = try await server.send(
            "GET", widgets, headers: [("Accept", "application/vnd.kubernetes.protobuf")])
        #expect(binary.status == 406)
    }

    @Test func `have a status and a scale of their own`() async throws {
        let server = try await TestServer()
        try await server.define()
        try await server.send("POST", widgets, widget("one", ["replicas": 1]))
        let status = try await server.send(
            "PATCH", "\(widgets)/one/status", ["spec": ["replicas": 9], "status": ["replicas": 1, "selector": "a=b"]],
            type: "application/merge-patch+json")
        #expect(status.json["spec"]?["replicas"] == 1 && status.json["status"]?["replicas"] == 1)
        #expect(status.json["metadata"]?["generation"] == 1)
        let scale = try await server.send("GET", "\(widgets)/one/scale")
        #expect(scale.json["kind"] == "Scale" && scale.json["spec"] == ["replicas": 1])
        #expect(scale.json["status"] == ["replicas": 1, "selector": "a=b"])
        let scaled = try await server.send(
            "PATCH", "\(widgets)/one/scale", ["spec": ["replicas": 4]], type: "application/merge-patch+json")
        #expect(scaled.status == 200 && scaled.json["spec"] == ["replicas": 4], "\(scaled.json)")
        let read = try await server.send("GET", "\(widgets)/one")
        #expect(read.json["spec"]?["replicas"] == 4 && read.json["metadata"]?["generation"] == 2)
        #expect(try await server.send("GET", "\(widgets)/one/log").status == 404)
    }

    @Test func `are applied with owners of their fields`() async throws {
        let server = try await TestServer()
        try await server.define()
        func apply(_ manager: String, _ spec: JSONObject) async throws -> TestServer.Answer {
            try await server.send(
                "PATCH", "\(widgets)/one?fieldManager=\(manager)", widget("one", spec),
                type: "application/apply-patch+yaml")
        }
        #expect(try await apply("first", ["replicas": 1]).status == 201)
        let conflict = try await apply("second", ["replicas": 2])
        #expect(conflict.status == 409 && conflict.json["message"]?.string?.contains(#"conflict with "first""#) == true)
        #expect(try await apply("second", ["color": "green"]).status == 200)
        let read = try await server.send("GET", "\(widgets)/one")
        #expect(read.json["spec"] == ["replicas": 1, "color": "green"])
        #expect(read.json["metadata"]?["managedFields"]?.array?.count == 2)
    }

    @Test func `go with their definition, once nothing holds them`() async throws {
        let server = try await TestServer()
        try await server.define()
        var held = widget("held")
        held["metadata"]?["finalizers"] = ["example.com/hold"]
        try await server.send("POST", widgets, held)
        try await server.send("POST", widgets, widget("free"))
        try await server.send("DELETE", definition)
        let ending = try await server.condition("Terminating", is: "True")
        #expect(ending["metadata"]?["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"])
        try await server.gone("\(widgets)/free")
        #expect(try await server.send("POST", widgets, widget("late")).status == 405)
        #expect(try await server.send("GET", definition).status == 200, "one object is held")
        try await server.send(
            "PATCH", "\(widgets)/held", ["metadata": ["finalizers": .null]], type: "application/merge-patch+json")
        try await server.gone(definition)
        try await server.gone(widgets)
        #expect(try await server.send("GET", "/apis/example.com").status == 404)
        try await server.define()
        #expect(try await server.send("GET", widgets).json["items"]?.array?.isEmpty == true)
    }

    @Test func `stay when their definition is let go without them, and is made again`() async throws {
        let server = try await TestServer()
        try await server.define()
        var held = widget("held")
        held["metadata"]?["finalizers"] = ["example.com/hold"]
        try await server.send("POST", widgets, held)
        try await server.send("DELETE", definition)
        _ = try await server.condition("Terminating", is: "True")
        for _ in 0..<200 {
            if try await server.send("GET", "\(widgets)/held").json["metadata"]?["deletionTimestamp"] != nil { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let merge = "application/merge-patch+json"
        try await server.send("PATCH", definition, ["metadata": ["finalizers": .null]], type: merge)
        try await server.gone(definition)
        try await server.define()
        for name in ["new", "newer"] {
            #expect(try await server.send("POST", widgets, widget(name)).status == 201)
            // Whoever still waits for what is held looks twice in that time.
            try await Task.sleep(for: .seconds(1))
            #expect(try await server.send("GET", "\(widgets)/\(name)").status == 200)
        }
        #expect(try await server.send("GET", "\(widgets)/held").status == 200)
        // Deleted as well, it takes them along.
        try await server.send("DELETE", definition)
        try await server.gone("\(widgets)/newer")
        try await server.send("PATCH", "\(widgets)/held", ["metadata": ["finalizers": .null]], type: merge)
        try await server.gone(definition)
        try await server.define()
        #expect(try await server.send("GET", widgets).json["items"]?.array?.isEmpty == true)
    }

    /// A POST whose body begins when its head does and ends when `meanwhile` has been done.
    private func late(
        _ server: TestServer, isInside: Bool, _ body: JSONValue, _ meanwhile: () async throws -> Void
    ) async throws -> (status: Int, json: JSONValue) {
        let (writer, stream) = HTTPBodyStream.pipe()
        var request = HTTPRequest(
            method: "POST", target: widgets, headers: ["Content-Type": "application/json"], body: .stream(stream))
        request.context.clientCertificate = PeerCertificate(
            commonName: "root", organizations: ["system:masters"], isVerified: true)
        let sent = request
        let response = Task {
            isInside
                ? try await server.server.exchange(as: TestServer.admin).send(sent) : await server.server.handle(sent)
        }
        let bytes = body.encoded()
        // More than is taken before somebody reads it.
        try await writer.write(Array(repeating: 0x20, count: 256 * 1024))
        try await writer.write(Array(bytes.prefix(10)))
        try await meanwhile()
        try await writer.write(Array(bytes.dropFirst(10)))
        writer.finish()
        let answer = try await response.value
        return (answer.status, try JSONValue.parse(try await answer.body.collect(limit: 1 << 20)))
    }

    @Test(arguments: [false, true])
    func `are made by the definition there is when their body has come`(isInside: Bool) async throws {
        let server = try await TestServer()
        try await server.define()
        let gone = try await late(server, isInside: isInside, widget("ghost", ["color": "green"])) {
            try await server.send("DELETE", definition)
            try await server.gone(definition)
            try await server.gone(widgets)
        }
        #expect(gone.status == 404, "\(gone.json)")
        try await server.define()
        #expect(try await server.send("GET", "\(widgets)/ghost").status == 404)
        let stricter = try await late(server, isInside: isInside, widget("ghost", ["color": "green"])) {
            try await server.send("DELETE", definition)
            try await server.gone(definition)
            try await server.define(
                widgetDefinition {
                    let red: JSONValue = ["type": "string", "default": "red", "enum": ["red"]]
                    for version in 0...1 {
                        let schema = $0["spec"]?["versions"]?[version]?["schema"]
                        #expect(schema != nil)
                        $0["spec"]?["versions"]?[version]?["schema"]?["openAPIV3Schema"]?["properties"]?["spec"]?[
                            "properties"]?["color"] = red
                    }
                })
        }
        #expect(stricter.status == (isInside ? 409 : 422), "\(stricter.json)")
        #expect(try await server.send("GET", "\(widgets)/ghost").status == 404)
    }

    @Test func `follow what their definition becomes`() async throws {
        let server = try await TestServer()
        try await server.define()
        try await server.send("POST", widgets, widget("one"))
        let before = try await server.send("GET", "/openapi/v3/apis/example.com/v1")
        // Ends when the definition changes, long before there are so many events.
        let watch = Task { try await server.watch("\(widgets)?watch=1&resourceVersion=0", 1000) }
        try await server.send(
            "PATCH", definition,
            [
                [
                    "op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/label",
                    "value": ["type": "string", "default": "none"],
                ]
            ], type: "application/json-patch+json")
        for _ in 0..<200 {
            if try await server.send("GET", "\(widgets)/one").json["spec"]?["label"] == "none" { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try await server.send("GET", "\(widgets)/one").json["spec"]?["label"] == "none")
        let after = try await server.send("GET", "/openapi/v3/apis/example.com/v1")
        #expect(before.status == 200 && after.status == 200 && before.json != after.json)
        #expect(try await watch.value.map { $0["type"] } == ["ADDED"])
        let unstored = try await server.send(
            "PATCH", definition, [["op": "remove", "path": "/spec/versions/1"]], type: "application/json-patch+json")
        #expect(unstored.status == 422, "objects are stored in v2")
    }

    @Test func `wait for names that others have`() async throws {
        let server = try await TestServer()
        try await server.define()
        try await server.send(
            "POST", definitions,
            [
                "kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1",
                "metadata": ["name": "gadgets.example.com"],
                "spec": [
                    "group": "example.com", "scope": "Cluster", "names": ["plural": "gadgets", "kind": "Widget"],
                    "versions": [
                        [
                            "name": "v1", "served": true, "storage": true,
                            "schema": ["openAPIV3Schema": ["type": "object"]],
                        ]
                    ],
                ],
            ])
        let gadgets = "\(definitions)/gadgets.example.com"
        func accepted() async throws -> String? {
            try await server.send("GET", gadgets).json["status"]?["conditions"]?.array?
                .first { $0["type"] == "NamesAccepted" }?["status"]?.string
        }
        for _ in 0..<200 where try await accepted() == nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await accepted() == "False")
        #expect(try await server.send("GET", "/apis/example.com/v1/gadgets").status == 404)
        try await server.send("DELETE", definition)
        try await server.gone(definition)
        for _ in 0..<200 where try await accepted() != "True" { try await Task.sleep(for: .milliseconds(20)) }
        #expect(try await accepted() == "True")
        #expect(try await server.send("GET", "/apis/example.com/v1/gadgets").status == 200)
    }

    @Test func `that ask for what is not there are refused`() async throws {
        let server = try await TestServer()
        let webhook = try await server.send(
            "POST", definitions,
            widgetDefinition {
                $0["spec"]?["conversion"] = [
                    "strategy": "Webhook",
                    "webhook": ["conversionReviewVersions": ["v1"], "clientConfig": ["url": "https://example.com"]],
                ]
            })
        #expect(webhook.status == 422)
        #expect(webhook.json["message"]?.string?.contains("does not call conversion webhooks") == true)
        let expression = try await server.send(
            "POST", definitions,
            widgetDefinition {
                $0["spec"]?["versions"]?[0]?["schema"]?["openAPIV3Schema"]?["x-kubernetes-validations"] = [
                    ["rule": "self.spec.replicas < 5"]
                ]
            })
        #expect(expression.status == 422)
        #expect(expression.json["message"]?.string?.contains("does not evaluate CEL expressions") == true)
    }
}
