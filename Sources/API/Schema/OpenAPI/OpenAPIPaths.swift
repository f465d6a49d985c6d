// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// The paths of one resource and their operations.
struct OpenAPIPaths {
    private let resource: ResourceKind
    private let version: OpenAPIDocument.Version
    private let bodyOf: (Subresource) -> String?
    private(set) var paths: [(String, JSONValue)] = []
    /// The definitions the operations speak of.
    private(set) var types: [String] = []

    private static let jsonTypes: [JSONValue] = [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    ]
    private static let watchTypes: [JSONValue] = [
        "application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch",
    ]
    private static let patchTypes: [JSONValue] = [
        "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ]

    init(
        resource: ResourceKind, version: OpenAPIDocument.Version, bodyOf: @escaping (Subresource) -> String?
    ) {
        self.resource = resource
        self.version = version
        self.bodyOf = bodyOf
        build()
    }

    static func kindValue(_ group: String, _ version: String, _ kind: String) -> JSONValue {
        ["group": .string(group), "kind": .string(kind), "version": .string(version)]
    }

    // MARK: - Paths

    private mutating func build() {
        let root = (resource.group.isEmpty ? "/api/" : "/apis/") + resource.apiVersion
        let scope = resource.namespaced ? "/namespaces/{namespace}/" : "/"
        let collection = root + scope + resource.plural
        let item = collection + "/{name}"
        let kind = Self.kindValue(resource.group, resource.version, resource.kind)
        let body = resource.schema.name
        types.append(body)
        let list = resource.verbs.contains("list") ? resource.listDefinition : nil

        add(
            collection, parameters: resource.namespaced ? ["namespace"] : [],
            [
                ("get", "list", list), ("post", "create", body),
                ("delete", "deletecollection", OpenAPISchema.meta + "Status"),
            ], verbs: resource.verbs, kind, "")
        if resource.namespaced, list != nil {
            add(
                root + "/" + resource.plural, parameters: [], [("get", "list", list)], verbs: ["list"], kind,
                "ForAllNamespaces")
        }
        add(
            item, parameters: resource.namespaced ? ["name", "namespace"] : ["name"],
            [
                ("get", "get", body), ("put", "update", body), ("patch", "patch", body),
                ("delete", "delete", OpenAPISchema.meta + "Status"),
            ], verbs: resource.verbs, kind, "")
        for subresource in resource.subresources {
            let kind = Self.kindValue(subresource.group, subresource.version, subresource.kind)
            let body = bodyOf(subresource)
            if let body { types.append(body) }
            var name = ""
            for word in subresource.name.split(separator: "-") {
                name += word.prefix(1).uppercased() + word.dropFirst()
            }
            add(
                item + "/" + subresource.name, parameters: resource.namespaced ? ["name", "namespace"] : ["name"],
                [
                    ("get", "get", body), ("post", "create", body), ("put", "update", body),
                    ("patch", "patch", body), ("delete", "delete", body),
                ], verbs: subresource.verbs, kind, name)
        }
    }

    private mutating func add(
        _ path: String, parameters: [String], _ operations: [(method: String, action: String, body: String?)],
        verbs: [String], _ kind: JSONValue, _ suffix: String
    ) {
        var item = JSONObject()
        for (method, action, body) in operations where verbs.contains(action) {
            item[method] = operation(action, body, kind, suffix)
        }
        guard !item.isEmpty else { return }
        // Absent and not empty or false, as upstream's writer has it: clients compare what they read and write again.
        if !parameters.isEmpty {
            item["parameters"] = .array(parameters.map { parameter($0, in: "path", "string", required: true) })
        }
        paths.append((path, .object(item)))
    }

    // MARK: - Operations

    private func operation(_ action: String, _ body: String?, _ kind: JSONValue, _ suffix: String) -> JSONValue {
        var operation = JSONObject()
        let group = Self.groupName(resource.group)
        let version = Self.camel(resource.version)
        operation["tags"] = [.string(group.prefix(1).lowercased() + group.dropFirst() + "_" + resource.version)]
        operation["operationId"] = .string(identifier(action, group + version, suffix))
        let isWrite = ["create", "update", "patch"].contains(action)
        let types = resource.custom == nil ? Self.jsonTypes : Array(Self.jsonTypes.prefix(2))
        let produced = types + (action == "list" ? Self.watchTypes : [])
        let patchTypes =
            resource.custom == nil
            ? Self.patchTypes : Self.patchTypes.filter { $0 != "application/strategic-merge-patch+json" }
        let consumed: [JSONValue] = action == "patch" ? patchTypes : ["*/*"]
        var query = parameters(action)
        let given =
            switch action {
            case "patch": OpenAPISchema.meta + "Patch"
            case "delete", "deletecollection": OpenAPISchema.meta + "DeleteOptions"
            default: isWrite ? body : nil
            }
        switch self.version {
        case .v2:
            operation["consumes"] = .array(consumed)
            operation["produces"] = .array(body == nil ? ["*/*"] : produced)
            operation["schemes"] = ["https"]
            if let given {
                query.insert(
                    [
                        "name": "body", "in": "body", "required": .bool(isWrite),
                        "schema": OpenAPISchema.reference(given, .v2),
                    ], at: 0)
            }
        case .v3:
            if let given {
                var content = JSONObject()
                for type in consumed {
                    content[type.string ?? ""] = ["schema": OpenAPISchema.reference(given, .v3)]
                }
                operation["requestBody"] =
                    isWrite ? ["content": .object(content), "required": true] : ["content": .object(content)]
            }
        }
        if !query.isEmpty { operation["parameters"] = .array(query) }
        operation["responses"] = responses(action, body, produced)
        operation["x-kubernetes-action"] = .string(
            ["create": "post", "update": "put"][action] ?? action)
        operation["x-kubernetes-group-version-kind"] = kind
        return .object(operation)
    }

    private func identifier(_ action: String, _ group: String, _ suffix: String) -> String {
        let verb =
            switch action {
            case "get": "read"
            case "update": "replace"
            case "deletecollection": "deleteCollection"
            default: action
            }
        let scope = resource.namespaced && suffix != "ForAllNamespaces" ? "Namespaced" : ""
        if action == "deletecollection" { return "delete" + group + "Collection" + scope + resource.kind }
        return verb + group + scope + resource.kind + suffix
    }

    /// `RbacAuthorization` for `rbac.authorization.k8s.io`, `Core` for the core group.
    private static func groupName(_ group: String) -> String {
        let words = group.split(separator: ".").filter { $0 != "k8s" && $0 != "io" }
        return words.isEmpty ? "Core" : words.map { camel(String($0)) }.joined()
    }

    private static func camel(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    private func responses(_ action: String, _ body: String?, _ produced: [JSONValue]) -> JSONValue {
        func response(_ text: String) -> JSONValue {
            guard let body else { return ["description": .string(text)] }
            let schema = OpenAPISchema.reference(body, version)
            if version == .v2 { return ["description": .string(text), "schema": schema] }
            var content = JSONObject()
            for type in produced { content[type.string ?? ""] = ["schema": schema] }
            return ["description": .string(text), "content": .object(content)]
        }
        var responses: JSONObject = ["200": response("OK")]
        if ["create", "update", "patch"].contains(action) { responses["201"] = response("Created") }
        if action == "create" || action == "delete" { responses["202"] = response("Accepted") }
        responses["401"] = ["description": "Unauthorized"]
        return .object(responses)
    }

    private func parameters(_ action: String) -> [JSONValue] {
        let names: [(String, String)] =
            switch action {
            case "list":
                [
                    ("allowWatchBookmarks", "boolean"), ("continue", "string"), ("fieldSelector", "string"),
                    ("labelSelector", "string"), ("limit", "integer"), ("pretty", "string"),
                    ("resourceVersion", "string"), ("resourceVersionMatch", "string"),
                    ("sendInitialEvents", "boolean"), ("timeoutSeconds", "integer"), ("watch", "boolean"),
                ]
            case "create", "update":
                [("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string"), ("pretty", "string")]
            case "patch":
                [
                    ("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string"),
                    ("force", "boolean"), ("pretty", "string"),
                ]
            case "delete":
                [
                    ("dryRun", "string"), ("gracePeriodSeconds", "integer"), ("orphanDependents", "boolean"),
                    ("pretty", "string"), ("propagationPolicy", "string"),
                ]
            case "deletecollection":
                [
                    ("continue", "string"), ("dryRun", "string"), ("fieldSelector", "string"),
                    ("gracePeriodSeconds", "integer"), ("labelSelector", "string"), ("limit", "integer"),
                    ("propagationPolicy", "string"), ("resourceVersion", "string"), ("timeoutSeconds", "integer"),
                ]
            default: [("pretty", "string")]
            }
        return names.map { parameter($0.0, in: "query", $0.1, required: false) }
    }

    private func parameter(_ name: String, in place: String, _ type: String, required: Bool) -> JSONValue {
        var parameter: JSONObject = ["name": .string(name), "in": .string(place)]
        if required { parameter["required"] = true }
        switch version {
        case .v2:
            parameter["type"] = .string(type)
            parameter["uniqueItems"] = true
        case .v3: parameter["schema"] = ["type": .string(type), "uniqueItems": true]
        }
        return .object(parameter)
    }
}
