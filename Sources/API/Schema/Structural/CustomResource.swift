// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One version of a custom resource, as its CustomResourceDefinition describes it.
public final class CustomResource: Sendable {
    /// Where the `scale` subresource finds its numbers. Dots separate the fields.
    public struct Scale: Sendable {
        public var specReplicas: [String]
        public var statusReplicas: [String]
        public var labelSelector: [String]?
    }

    public let group: String
    public let version: String
    public let kind: String
    public let listKind: String
    /// The version objects are stored in.
    public let storageVersion: String
    public let schema: StructuralSchema
    /// The schema as it was written; nil where there is none.
    public let written: JSONObject?
    public let hasStatus: Bool
    public let scale: Scale?
    /// The fields objects can be selected by, as selectors name them (`spec.color`).
    public let selectableFields: [String]
    /// What whoever uses the version is told.
    public let deprecationWarning: String?

    /// - Parameters:
    ///   - spec: the definition's spec.
    ///   - entry: the version's entry in it.
    public init(spec: JSONValue, entry: JSONValue, names: JSONValue) {
        group = spec["group"]?.string ?? ""
        version = entry["name"]?.string ?? ""
        kind = names["kind"]?.string ?? ""
        listKind = names["listKind"]?.string ?? kind + "List"
        storageVersion =
            (spec["versions"]?.array ?? []).first { $0["storage"] == true }?["name"]?.string ?? version
        written = entry["schema"]?["openAPIV3Schema"]?.object
        var root = JSONValue.object(written ?? ["type": "object", "x-kubernetes-preserve-unknown-fields": true])
        if spec["preserveUnknownFields"] == true { root["x-kubernetes-preserve-unknown-fields"] = true }
        schema = StructuralSchema(root)
        let subresources = entry["subresources"]
        hasStatus = subresources?["status"]?.object != nil
        scale = subresources?["scale"]?.object.map { scale in
            Scale(
                specReplicas: Self.fields(scale["specReplicasPath"]),
                statusReplicas: Self.fields(scale["statusReplicasPath"]),
                labelSelector: scale["labelSelectorPath"].map { Self.fields($0) })
        }
        selectableFields = (entry["selectableFields"]?.array ?? []).map {
            Self.fields($0["jsonPath"]).joined(separator: ".")
        }
        if entry["deprecated"] == true {
            deprecationWarning =
                entry["deprecationWarning"]?.string ?? "\(group)/\(version) \(kind) is deprecated"
        } else {
            deprecationWarning = nil
        }
    }

    /// The fields of a simple path such as `.spec.replicas`.
    private static func fields(_ path: JSONValue?) -> [String] {
        (path?.string ?? "").split(separator: ".").map(String.init)
    }

    /// `com.example.stable.v1.CronTab`: what OpenAPI calls a kind.
    public static func definitionName(group: String, version: String, kind: String) -> String {
        (group.split(separator: ".").reversed().map(String.init) + [version, kind]).joined(separator: ".")
    }
}
