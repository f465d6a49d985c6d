// SPDX-License-Identifier: Apache-2.0

import JSON
import Schema

/// A cut-down Deployment: every way a field can merge, once.
enum Sample {
    static let port = TypeSchema(
        name: "Port",
        fields: [
            FieldSchema(jsonName: "containerPort", number: 1, type: .int32, isRequired: true),
            FieldSchema(jsonName: "protocol", number: 2, type: .string, defaultValue: "TCP"),
            FieldSchema(jsonName: "name", number: 3, type: .string),
        ])

    static let container = TypeSchema(
        name: "Container",
        fields: [
            FieldSchema(jsonName: "name", number: 1, type: .string, isRequired: true),
            FieldSchema(jsonName: "image", number: 2, type: .string),
            FieldSchema(jsonName: "args", number: 3, type: .array(.string), listType: .atomic),
            FieldSchema(
                jsonName: "ports", number: 4, type: .array(.object(port)), patchMergeKey: "containerPort",
                patchStrategy: .merge, listType: .map, listMapKeys: ["containerPort", "protocol"]),
        ])

    static let meta = TypeSchema(
        name: "Meta",
        fields: [
            FieldSchema(jsonName: "name", number: 1, type: .string),
            FieldSchema(jsonName: "namespace", number: 2, type: .string),
            FieldSchema(jsonName: "labels", number: 3, type: .map(.string)),
            FieldSchema(jsonName: "annotations", number: 4, type: .map(.string)),
            FieldSchema(
                jsonName: "finalizers", number: 5, type: .array(.string), patchStrategy: .merge, listType: .set),
        ])

    static let strategy = TypeSchema(
        name: "Strategy",
        fields: [
            FieldSchema(jsonName: "type", number: 1, type: .string),
            FieldSchema(jsonName: "rollingUpdate", number: 2, type: .map(.string)),
        ])

    static let spec = TypeSchema(
        name: "Spec",
        fields: [
            FieldSchema(jsonName: "replicas", number: 1, type: .int32),
            FieldSchema(
                jsonName: "containers", number: 2, type: .array(.object(container)), patchMergeKey: "name",
                patchStrategy: .merge, listType: .map, listMapKeys: ["name"]),
            FieldSchema(jsonName: "strategy", number: 3, type: .object(strategy), patchStrategy: .retainKeys),
            FieldSchema(jsonName: "selector", number: 4, type: .map(.string), isAtomic: true),
        ])

    static let deployment = TypeSchema(
        name: "Deployment",
        fields: [
            FieldSchema(jsonName: "apiVersion", number: 0, type: .string),
            FieldSchema(jsonName: "kind", number: 0, type: .string),
            FieldSchema(jsonName: "metadata", number: 1, type: .object(meta)),
            FieldSchema(jsonName: "spec", number: 2, type: .object(spec)),
            FieldSchema(jsonName: "status", number: 3, type: .map(.string)),
        ])

    /// `v1` as apiVersion, `Deployment` as kind, `web` as name, and the given spec.
    static func object(_ spec: JSONValue, metadata: JSONObject = [:]) -> JSONObject {
        var metadata = metadata
        metadata["name"] = "web"
        return ["apiVersion": "v1", "kind": "Deployment", "metadata": .object(metadata), "spec": spec]
    }
}
