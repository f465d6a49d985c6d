// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// From a CustomResourceDefinition to the resources it defines.
public enum CustomResources {
    private static let verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]

    /// The resources that a definition serves, one for each version served, the newest first.
    ///
    /// Names are those that were accepted, which may be fewer than it asks for.
    public static func kinds(of definition: JSONObject) -> [ResourceKind] {
        let spec = definition["spec"] ?? [:]
        let names = definition["status"]?["acceptedNames"] ?? [:]
        let versions = (spec["versions"]?.array ?? []).filter { $0["served"] == true }
        // While the objects are being deleted, there are to be no more.
        let isGoing = definition["metadata"]?["deletionTimestamp"] != nil
        let verbs = isGoing ? verbs.filter { $0 != "create" } : verbs
        let kinds = versions.map { kind(spec, $0, names, verbs: verbs) }
        return kinds.sorted { APIVersionOrder.isNewer($0.version, $1.version) }
    }

    /// The resource in the version that its objects are stored in, served or not; nil before it has a name.
    public static func stored(_ definition: JSONObject) -> ResourceKind? {
        let spec = definition["spec"] ?? [:]
        let names = definition["status"]?["acceptedNames"] ?? [:]
        guard let entry = (spec["versions"]?.array ?? []).first(where: { $0["storage"] == true }),
            names["plural"]?.string?.isEmpty == false
        else { return nil }
        return kind(spec, entry, names)
    }

    private static func kind(
        _ spec: JSONValue, _ entry: JSONValue, _ names: JSONValue, verbs: [String] = CustomResources.verbs
    ) -> ResourceKind {
        let custom = CustomResource(spec: spec, entry: entry, names: names)
        let plural = names["plural"]?.string ?? ""
        let namespaced = spec["scope"] == "Namespaced"
        let name = CustomResource.definitionName(group: custom.group, version: custom.version, kind: custom.kind)
        return ResourceKind(
            group: custom.group, version: custom.version, kind: custom.kind, plural: plural,
            singular: names["singular"]?.string ?? "", shortNames: texts(names["shortNames"]),
            categories: texts(names["categories"]), namespaced: namespaced, verbs: verbs,
            subresources: subresources(of: custom),
            schema: custom.schema.typeSchema(named: name, metadata: objectMeta), columns: columns(entry),
            storage: ResourceID(
                group: custom.group, version: custom.storageVersion, plural: plural, kind: custom.kind,
                namespaced: namespaced), custom: custom)
    }

    /// The type of every object's metadata.
    public static let objectMeta: TypeSchema = {
        guard let type = KubeAPI.types[APITables.metaPrefix + "ObjectMeta"] else {
            preconditionFailure("the tables have no ObjectMeta")
        }
        return type
    }()

    private static func texts(_ value: JSONValue?) -> [String] { (value?.array ?? []).compactMap(\.string) }

    private static func subresources(of custom: CustomResource) -> [Subresource] {
        let verbs = ["get", "patch", "update"]
        var result: [Subresource] = []
        if custom.hasStatus {
            result.append(
                Subresource(
                    name: "status", group: custom.group, version: custom.version, kind: custom.kind, verbs: verbs))
        }
        if custom.scale != nil {
            result.append(
                Subresource(name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: verbs))
        }
        return result
    }

    private static func columns(_ entry: JSONValue) -> [PrinterColumn] {
        let name = PrinterColumn(name: "Name", format: "name", description: "The name of the object")
        let given = entry["additionalPrinterColumns"]?.array ?? []
        if given.isEmpty {
            return [
                name,
                PrinterColumn(
                    name: "Age", type: "date", description: "When the object was created",
                    path: ".metadata.creationTimestamp"),
            ]
        }
        return [name]
            + given.map { column in
                let path = column["jsonPath"]?.string ?? ""
                return PrinterColumn(
                    name: column["name"]?.string ?? "", type: column["type"]?.string ?? "string",
                    format: column["format"]?.string ?? "",
                    description: column["description"]?.string
                        ?? "Custom resource definition column (in JSONPath format): \(path)",
                    priority: Int(column["priority"]?.integer ?? 0), path: path)
            }
    }
}

/// The order of API versions: v2, v1, v1beta2, v1beta1, v1alpha1, then others by their names.
public enum APIVersionOrder {
    public static func isNewer(_ left: String, _ right: String) -> Bool {
        switch (rank(left), rank(right)) {
        case (let a?, let b?): a.lexicographicallyPrecedes(b) == false && a != b
        case (nil, nil): left < right
        case (let a, _): a != nil
        }
    }

    /// Stability, major version and the number after it; nil for a name of another form.
    private static func rank(_ text: String) -> [Int]? {
        guard text.first == "v" else { return nil }
        let major = text.dropFirst().prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(major) else { return nil }
        let rest = text.dropFirst(1 + major.count)
        if rest.isEmpty { return [2, number, 0] }
        for (stability, name) in ["alpha", "beta"].enumerated() where rest.hasPrefix(name) {
            guard let minor = Int(rest.dropFirst(name.count)) else { return nil }
            return [stability, number, minor]
        }
        return nil
    }
}
