// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema
import Testing

@testable import KubeAPI

/// A definition of widgets in two versions.
func widgets(_ change: (inout JSONObject) -> Void = { _ in }) -> JSONObject {
    let schema: JSONValue = [
        "type": "object",
        "properties": [
            "spec": [
                "type": "object",
                "properties": ["color": ["type": "string", "default": "red"], "replicas": ["type": "integer"]],
            ],
            "status": ["type": "object", "properties": ["replicas": ["type": "integer"]]],
        ],
    ]
    var definition: JSONObject = [
        "metadata": ["name": "widgets.example.com"],
        "spec": [
            "group": "example.com", "scope": "Namespaced",
            "names": [
                "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList",
                "shortNames": ["wd"], "categories": ["all"],
            ],
            "conversion": ["strategy": "None"],
            "versions": [
                [
                    "name": "v1beta1", "served": true, "storage": false, "deprecated": true,
                    "schema": ["openAPIV3Schema": schema],
                ],
                [
                    "name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema],
                    "subresources": [
                        "status": [:],
                        "scale": ["specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"],
                    ],
                    "additionalPrinterColumns": [
                        ["name": "Color", "type": "string", "jsonPath": ".spec.color"],
                        ["name": "Replicas", "type": "integer", "jsonPath": ".spec.replicas", "priority": 1],
                        ["name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"],
                    ],
                    "selectableFields": [["jsonPath": ".spec.color"]],
                ],
                ["name": "v2alpha1", "served": false, "storage": false, "schema": ["openAPIV3Schema": schema]],
            ],
        ],
    ]
    change(&definition)
    return definition
}

private func settled(_ definition: JSONObject, taken: [JSONObject] = []) -> JSONObject {
    var names = DefinitionStatus.TakenNames()
    for other in taken { names.add(other) }
    return DefinitionStatus.settled(definition, taken: names, now: "2026-01-01T00:00:00Z")
}

private func condition(_ type: String, _ definition: JSONObject) -> String? {
    definition["status"]?["conditions"]?.array?.first { $0["type"]?.string == type }.map {
        "\($0["status"]?.string ?? "") \($0["reason"]?.string ?? "") \($0["message"]?.string ?? "")"
    }
}

@Suite struct `Custom resource definitions` {
    // MARK: What they define

    @Test func `define a resource for each version they serve`() throws {
        let kinds = CustomResources.kinds(of: settled(widgets()))
        #expect(kinds.map(\.version) == ["v1", "v1beta1"])
        #expect(kinds.allSatisfy { $0.storage.version == "v1" && $0.namespaced && $0.shortNames == ["wd"] })
        #expect(kinds[0].subresources.map(\.name) == ["status", "scale"] && kinds[1].subresources.isEmpty)
        #expect(kinds[0].custom?.selectableFields == ["spec.color"] && kinds[0].custom?.deprecationWarning == nil)
        #expect(kinds[1].custom?.deprecationWarning == "example.com/v1beta1 Widget is deprecated")
        #expect(CustomResources.stored(settled(widgets()))?.version == "v1")
        var ending = settled(widgets())
        ending["metadata"]?["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        #expect(CustomResources.kinds(of: ending).allSatisfy { !$0.verbs.contains("create") })
    }

    @Test func `say which columns are shown`() throws {
        let kinds = CustomResources.kinds(of: settled(widgets()))
        let object: JSONObject = [
            "metadata": ["name": "one", "creationTimestamp": "2026-01-01T00:00:00Z"],
            "spec": ["color": "red", "replicas": "many"],
        ]
        #expect(kinds[0].columns.map(\.name) == ["Name", "Color", "Replicas", "Age"])
        #expect(
            TableColumns.cells(of: object, resource: kinds[0], now: 1_767_225_600 + 90) == ["one", "red", .null, "90s"])
        #expect(kinds[1].columns.map(\.name) == ["Name", "Age"])
    }

    @Test func `order versions by their stability`() {
        let versions = ["v1alpha1", "v10", "foo1", "v2", "v1", "v2beta1", "v11beta2", "v1beta2", "bar", "v2alpha1"]
        #expect(
            versions.sorted(by: APIVersionOrder.isNewer) == [
                "v10", "v2", "v1", "v11beta2", "v2beta1", "v1beta2", "v2alpha1", "v1alpha1", "bar", "foo1",
            ])
    }

    // MARK: Status

    @Test func `are established when their names are free`() {
        let result = settled(widgets())
        #expect(condition("NamesAccepted", result) == "True NoConflicts no conflicts found")
        #expect(condition("Established", result) == "True InitialNamesAccepted the initial names have been accepted")
        #expect(result["status"]?["acceptedNames"] == result["spec"]?["names"])
        #expect(settled(result) == result, "what is settled stays")
    }

    @Test func `wait while others have their names`() {
        var other = widgets()
        other["spec"]?["names"] = [
            "plural": "gadgets", "singular": "gadget", "kind": "Widget", "listKind": "GadgetList", "shortNames": ["wd"],
        ]
        let result = settled(other, taken: [settled(widgets())])
        #expect(condition("NamesAccepted", result) == #"False KindConflict "Widget" is already in use"#)
        #expect(condition("Established", result) == "False NotAccepted not all names are accepted")
        #expect(CustomResources.stored(result) != nil, "the plural was free")
        #expect(
            condition("Established", settled(result))
                == "True InitialNamesAccepted the initial names have been accepted")
    }

    @Test func `loses a name of the server's own even if it was given it once`() throws {
        let builtin = try #require(KubeAPI.resources.first { $0.kind == "IngressClass" })
        var reserved = DefinitionStatus.TakenNames()
        reserved.add(builtin)
        func decided(_ definition: JSONObject) -> JSONObject {
            DefinitionStatus.settled(
                definition, taken: DefinitionStatus.TakenNames(), reserved: reserved, now: "2026-01-01T00:00:00Z")
        }
        for (field, name, reason) in [
            ("plural", "ingressclasses", "PluralConflict"), ("kind", "IngressClass", "KindConflict"),
            ("listKind", "IngressClassList", "ListKindConflict"),
        ] {
            let clashing = widgets { $0["spec"]?["names"]?[field] = .string(name) }
            let before = settled(clashing)
            #expect(DefinitionStatus.isTrue("Established", before))
            let after = decided(before)
            #expect(condition("NamesAccepted", after) == "False \(reason) \"\(name)\" is already in use")
            #expect(condition("Established", after) == "False NotAccepted not all names are accepted")
        }
        #expect(DefinitionStatus.isTrue("Established", decided(settled(widgets()))))
    }

    // MARK: Validation

    private static func complaints(_ new: JSONObject, old: JSONObject? = nil) -> [String] {
        Validation.validate(
            group: "apiextensions.k8s.io", kind: "CustomResourceDefinition", namespaced: false, new: .object(new),
            old: old.map { .object($0) }, subresource: ""
        ).map(\.description)
    }

    /// The first version's schema, changed.
    private static func withSchema(_ schema: JSONValue) -> JSONObject {
        widgets { definition in
            definition["spec"]?["versions"] = [
                ["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema]]
            ]
        }
    }

    @Test func `may be as they are`() { #expect(Self.complaints(widgets()) == []) }

    static let mistakes: [(@Sendable (inout JSONObject) -> Void, String)] = [
        (
            { $0["metadata"] = ["name": "other.example.com"] },
            #"metadata.name: Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group"#
        ),
        (
            { $0["spec"]?["group"] = "example" },
            #"spec.group: Invalid value: "example": should be a domain with at least one dot"#
        ),
        ({ $0["spec"]?["scope"] = "Galaxy" }, #"spec.scope: Unsupported value: "Galaxy""#),
        (
            { $0["spec"]?["names"]?["listKind"] = "Widget" },
            "spec.names.listKind: Invalid value: \"Widget\": kind and listKind may not be the same"
        ),
        (
            { $0["spec"]?["conversion"] = ["strategy": "Webhook", "webhook": [:]] },
            "spec.conversion.strategy: Forbidden: this server does not call conversion webhooks; use None"
        ),
        ({ $0["spec"]?["preserveUnknownFields"] = true }, "spec.preserveUnknownFields: Invalid value: true"),
        (
            { $0["status"] = ["storedVersions": ["v0"]] },
            "status.storedVersions[0]: Invalid value: \"v0\": missing from spec.versions"
        ),
        ({ $0["spec"]?["group"] = "x.k8s.io" }, "metadata.annotations[api-approved.kubernetes.io]: Required value"),
    ]

    @Test(arguments: mistakes)
    func `are refused with the reason`(_ change: @Sendable (inout JSONObject) -> Void, _ complaint: String) {
        let found = Self.complaints(widgets(change))
        #expect(found.contains { $0.hasPrefix(complaint) }, "\(found)")
    }

    @Test(
        arguments: [
            (
                ["type": "array", "items": ["type": "string"]],
                ".type: Invalid value: \"array\": must be object at the root"
            ),
            (["properties": ["a": ["type": "string"]]], ".type: Required value: must not be empty at the root"),
            (
                ["type": "object", "properties": ["a": [:]]],
                ".properties[a].type: Required value: must not be empty for specified object fields"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "array"]]],
                ".properties[a].items: Required value: must be specified"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "text"]]],
                ".properties[a].type: Unsupported value: \"text\""
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "pattern": "("]]],
                ".properties[a].pattern: Invalid value: \"(\": must be a valid regular expression"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "default": 1]]],
                ".properties[a].default: Invalid value: \"integer\""
            ),
            (
                ["type": "object", "properties": ["a": ["type": "object", "default": ["x": 1]]]],
                ".properties[a].default: Invalid value"
            ),
            (
                ["type": "object", "anyOf": [["properties": ["b": ["minLength": 1]]]]],
                ".properties[b]: Required value: because it is defined in"
            ),
            (
                ["type": "object", "properties": ["a": ["type": "string", "anyOf": [["type": "string"]]]]],
                ".properties[a].anyOf[0].type: Forbidden: must be empty to be structural"
            ),
            (
                ["type": "object", "properties": ["a": ["$ref": "#/x", "type": "string"]]],
                ".properties[a].$ref: Forbidden"
            ),
            (
                [
                    "type": "object",
                    "properties": ["metadata": ["type": "object", "properties": ["labels": ["type": "object"]]]],
                ], ".properties[metadata]: Forbidden: must not specify anything other than name and generateName"
            ),
            (
                [
                    "type": "object",
                    "properties": ["a": ["type": "string", "x-kubernetes-validations": [["rule": "self != ''"]]]],
                ],
                ".properties[a].x-kubernetes-validations: Forbidden: this server does not evaluate CEL expressions"
            ),
            (
                [
                    "type": "object",
                    "properties": [
                        "a": [
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                            "items": ["type": "object", "properties": ["n": ["type": "string"]]],
                        ]
                    ],
                ],
                ".properties[a].items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys"
            ),
        ] as [(JSONValue, String)])
    func `have structural schemas`(_ schema: JSONValue, _ complaint: String) {
        let found = Self.complaints(Self.withSchema(schema))
        #expect(found.contains { $0.hasPrefix("spec.versions[0].schema.openAPIV3Schema" + complaint) }, "\(found)")
    }

    @Test func `may say what an int-or-string is`() {
        let forms: JSONValue = [["type": "integer"], ["type": "string"]]
        let found = Self.complaints(
            Self.withSchema([
                "type": "object",
                "properties": [
                    "a": ["x-kubernetes-int-or-string": true, "anyOf": forms],
                    "b": ["x-kubernetes-int-or-string": true, "allOf": [["anyOf": forms], ["pattern": "^[0-9]+%?$"]]],
                ],
            ]))
        #expect(found == [])
    }

    @Test func `keep their names and scope`() {
        let old = settled(widgets())
        var new = old
        new["spec"]?["scope"] = "Cluster"
        new["spec"]?["group"] = "example.org"
        #expect(
            Self.complaints(new, old: old).filter { $0.contains("immutable") }.map { $0.prefix { $0 != ":" } } == [
                "spec.scope", "spec.group",
            ])
    }

    // MARK: OpenAPI

    @Test func `are published as they are written`() throws {
        let kinds = CustomResources.kinds(of: settled(widgets()))
        let all = OpenAPIDocument(resources: kinds) { KubeAPI.schema(named: $0) }
        let document = try #require(all.v3(GroupVersion(group: "example.com", version: "v1")))
        let schema = document["components"]?["schemas"]?["com.example.v1.Widget"]
        #expect(schema?["properties"]?["spec"]?["properties"]?["color"]?["type"] == "string")
        #expect(schema?["properties"]?["metadata"]?["allOf"]?[0]?["$ref"]?.string?.hasSuffix("ObjectMeta") == true)
        #expect(schema?["x-kubernetes-group-version-kind"]?[0]?["kind"] == "Widget")
        #expect(document["components"]?["schemas"]?["com.example.v1.WidgetList"] != nil)
        #expect(document["paths"]?["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]?["patch"] != nil)
        let everywhere = document["paths"]?["/apis/example.com/v1/widgets"]
        #expect(everywhere?["get"] != nil && everywhere?["parameters"] == nil, "clients write no empty list again")
    }
}
