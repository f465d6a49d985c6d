// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Synchronization
internal import TLS

/// What the server serves, as clients ask for it. The documents are made when first asked for, and again when the
/// resources served have changed; at the workbench, each for itself, in the turns of whoever asks.
final class Discovery: Sendable {
    private let registry: ResourceRegistry
    private let bench: Workbench
    private let documents = Mutex(Documents())

    private struct Documents: Sendable {
        var byKey: [String: Document] = [:]
        /// The state of the registry that the documents show.
        var generation = 0
    }

    private struct Document: Sendable {
        var bytes: [UInt8]
        var tag: String
        var type: String
        /// Whether it shows nothing but built-in resources of one group and version.
        var isLasting: Bool
    }

    init(_ registry: ResourceRegistry, _ bench: Workbench) {
        self.registry = registry
        self.bench = bench
    }

    private static let aggregatedTypes = ["v2", "v2beta1"]

    /// nil where the path is none of discovery. `flow` takes the turns for what is to be made.
    func response(_ request: ParsedRequest, for flow: String) async -> HTTPResponse? {
        guard request.isRead else { return nil }
        let parts = request.path.segments
        let registry = registry
        switch (parts.first, parts.count) {
        case (nil, _): return await serve(request, flow, "/") { Self.paths(registry) }
        case ("api", 1):
            if let version = aggregated(request) {
                return await serve(request, flow, "/api?\(version)", version) { [self] in
                    aggregatedGroups(core: true, version)
                }
            }
            return await serve(request, flow, "/api") { Self.legacyVersions }
        case ("apis", 1):
            if let version = aggregated(request) {
                return await serve(request, flow, "/apis?\(version)", version) { [self] in
                    aggregatedGroups(core: false, version)
                }
            }
            return await serve(request, flow, "/apis") { [self] in groupList() }
        case ("api", 2): return await resourceList(request, flow, "", parts[1])
        case ("apis", 2):
            guard let group = registry.groups.first(where: { $0.group == parts[1] }), !parts[1].isEmpty else {
                return nil
            }
            return await serve(request, flow, "/apis/\(parts[1])") { [self] in groupObject(group) }
        case ("apis", 3): return await resourceList(request, flow, parts[1], parts[2])
        case ("openapi", 2) where parts[1] == "v2":
            if request.accepted.contains(where: { $0.contains("proto-openapi.spec.v2") }) {
                // The type asked for has an @, which no media type may have: the answer's differs.
                let type = OpenAPIProtobuf.contentType
                return await raw(request, flow, "/openapi/v2 binary", type: type) {
                    Machinery.openAPIv2(registry, binary: true)
                }
            }
            return await raw(request, flow, "/openapi/v2", type: "application/json") {
                Machinery.openAPIv2(registry, binary: false)
            }
        case ("openapi", 2) where parts[1] == "v3":
            return answer(request, await openAPIIndex(flow))
        case ("openapi", _) where parts.count >= 4 && parts[1] == "v3":
            let group = parts.count > 4 ? parts[3] : ""
            let version = parts.count > 4 ? parts[4] : parts[3]
            guard registry.resources.contains(where: { $0.group == group && $0.version == version }) else { return nil }
            return answer(request, await openAPIv3(group, version, flow))
        default: return nil
        }
    }

    private func serve(
        _ request: ParsedRequest, _ flow: String, _ key: String, _ aggregated: String? = nil,
        _ make: @escaping @Sendable () -> JSONObject
    ) async -> HTTPResponse {
        let type =
            aggregated.map { "application/json;g=apidiscovery.k8s.io;v=\($0);as=APIGroupDiscoveryList" }
            ?? "application/json"
        var response = await raw(request, flow, key, type: type) { JSONValue.object(make()).encoded() }
        response.headers["Vary"] = "Accept"
        return response
    }

    private func raw(
        _ request: ParsedRequest, _ flow: String, _ key: String, type: String,
        _ make: @escaping @Sendable () -> [UInt8]
    ) async -> HTTPResponse {
        answer(request, await document(key, type: type, flow, make))
    }

    private func openAPIv3(_ group: String, _ version: String, _ flow: String) async -> Document {
        let isLasting = registry.isBuiltin(group: group, version: version)
        let key = "/openapi/v3/\(group)/\(version)"
        return await document(key, type: "application/json", isLasting: isLasting, flow) { [registry] in
            Machinery.openAPIv3(registry, group: group, version: version)
        }
    }

    private func document(
        _ key: String, type: String, isLasting: Bool = false, _ flow: String,
        _ make: @escaping @Sendable () -> [UInt8]
    ) async -> Document {
        // Read before the document is made: what changes meanwhile makes it out of date.
        let generation = registry.generation
        if let known = known(key, generation) { return known }
        return await bench.run(for: flow) { [self] in
            // Others may have asked for it and had an earlier turn.
            if let known = known(key, generation) { return known }
            let bytes = make()
            let tag = "\"\(Hex.encode(Digest.hash(bytes)).uppercased())\""
            let fresh = Document(bytes: bytes, tag: tag, type: type, isLasting: isLasting)
            documents.withLock { documents in
                if documents.generation == generation { documents.byKey[key] = fresh }
            }
            return fresh
        }
    }

    private func known(_ key: String, _ generation: Int) -> Document? {
        documents.withLock { documents in
            if documents.generation < generation {
                documents.byKey = documents.byKey.filter(\.value.isLasting)
                documents.generation = generation
            }
            return documents.generation == generation || documents.byKey[key]?.isLasting == true
                ? documents.byKey[key] : nil
        }
    }

    private func answer(_ request: ParsedRequest, _ document: Document) -> HTTPResponse {
        var headers: HTTPHeaders = ["Content-Type": document.type, "ETag": document.tag]
        if request.query["hash"] != nil { headers["Cache-Control"] = "public, immutable" }
        if request.knownTags.contains(document.tag) {
            return HTTPResponse(status: 304, headers: headers)
        }
        return HTTPResponse(status: 200, headers: headers, body: .bytes(document.bytes))
    }

    /// The version of aggregated discovery that the client prefers over the plain form.
    private func aggregated(_ request: ParsedRequest) -> String? {
        for entry in request.accepted {
            let parts = entry.split(separator: ";").map { $0.trimmingHTTPSpace() }
            guard parts.first == "application/json" || parts.first == "application/vnd.kubernetes.protobuf" else {
                continue
            }
            guard parts.contains("as=APIGroupDiscoveryList"), parts.contains("g=apidiscovery.k8s.io") else {
                if parts.count == 1, parts.first == "application/json" { return nil }
                continue
            }
            if parts.first == "application/json" {
                for version in Self.aggregatedTypes where parts.contains("v=\(version)") { return version }
            }
        }
        return nil
    }

    // MARK: Documents

    private static func paths(_ registry: ResourceRegistry) -> JSONObject {
        var paths = ["/.well-known/openid-configuration", "/api", "/api/v1", "/apis"]
        for (group, versions) in registry.groups where !group.isEmpty {
            paths.append("/apis/\(group)")
            paths += versions.map { "/apis/\(group)/\($0)" }
        }
        paths += [
            "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/openid/v1/jwks", "/readyz", "/version",
        ]
        return ["paths": .array(paths.map { .string($0) })]
    }

    private static let legacyVersions: JSONObject = [
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": ""]],
    ]

    private func groupObject(_ group: (group: String, versions: [String])) -> JSONObject {
        var object = groupEntry(group)
        object["kind"] = "APIGroup"
        object["apiVersion"] = "v1"
        return object
    }

    private func groupEntry(_ group: (group: String, versions: [String])) -> JSONObject {
        let versions = group.versions.sorted(by: APIVersionOrder.isNewer)
        let entries: [JSONValue] = versions.map {
            ["groupVersion": .string("\(group.group)/\($0)"), "version": .string($0)]
        }
        return ["name": .string(group.group), "versions": .array(entries), "preferredVersion": entries[0]]
    }

    private func groupList() -> JSONObject {
        [
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(registry.groups.filter { !$0.group.isEmpty }.map { .object(groupEntry($0)) }),
        ]
    }

    private func resourceList(
        _ request: ParsedRequest, _ flow: String, _ group: String, _ version: String
    ) async -> HTTPResponse? {
        let resources = registry.resources.filter { $0.group == group && $0.version == version }
        if resources.isEmpty { return nil }
        return await serve(request, flow, "/resources/\(group)/\(version)") {
            var entries: [JSONValue] = []
            for resource in resources {
                entries.append(.object(Self.entry(resource)))
                for sub in resource.subresources { entries.append(.object(Self.entry(resource, sub))) }
            }
            return [
                "kind": "APIResourceList", "apiVersion": "v1",
                "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"), "resources": .array(entries),
            ]
        }
    }

    private static func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }

    private static func entry(_ resource: ResourceKind) -> JSONObject {
        var entry: JSONObject = [
            "name": .string(resource.plural), "singularName": .string(resource.singular),
            "namespaced": .bool(resource.namespaced), "kind": .string(resource.kind),
            "verbs": strings(resource.verbs),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = strings(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = strings(resource.categories) }
        if resource.isStored {
            let text = "\(resource.group)/\(resource.version)/\(resource.plural)"
            entry["storageVersionHash"] = .string(Base64.encode(Digest.hash(Array(text.utf8)).prefix(8)))
        }
        return entry
    }

    private static func entry(_ resource: ResourceKind, _ sub: Subresource) -> JSONObject {
        var entry: JSONObject = [
            "name": .string("\(resource.plural)/\(sub.name)"), "singularName": "",
            "namespaced": .bool(resource.namespaced),
        ]
        if !sub.version.isEmpty, sub.group != resource.group || sub.version != resource.version {
            if !sub.group.isEmpty { entry["group"] = .string(sub.group) }
            entry["version"] = .string(sub.version)
        }
        entry["kind"] = .string(sub.kind)
        entry["verbs"] = strings(sub.verbs)
        return entry
    }

    private func aggregatedGroups(core: Bool, _ version: String) -> JSONObject {
        let groups = registry.groups.filter { $0.group.isEmpty == core }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"), "metadata": [:],
            "items": .array(groups.map { .object(aggregatedGroup($0)) }),
        ]
    }

    private func aggregatedGroup(_ group: (group: String, versions: [String])) -> JSONObject {
        let versions: [JSONValue] = group.versions.sorted(by: APIVersionOrder.isNewer).map { version in
            let resources = registry.resources.filter { $0.group == group.group && $0.version == version }
            return [
                "version": .string(version), "freshness": "Current",
                "resources": .array(resources.map { .object(Self.aggregatedEntry($0)) }),
            ]
        }
        var metadata: JSONObject = ["creationTimestamp": .null]
        if !group.group.isEmpty { metadata["name"] = .string(group.group) }
        return ["metadata": .object(metadata), "versions": .array(versions)]
    }

    private static func aggregatedEntry(_ resource: ResourceKind) -> JSONObject {
        var entry: JSONObject = [
            "resource": .string(resource.plural),
            "responseKind": [
                "group": .string(resource.group), "version": .string(resource.version), "kind": .string(resource.kind),
            ],
            "scope": resource.namespaced ? "Namespaced" : "Cluster", "singularResource": .string(resource.singular),
            "verbs": strings(resource.verbs),
        ]
        if !resource.shortNames.isEmpty { entry["shortNames"] = strings(resource.shortNames) }
        if !resource.categories.isEmpty { entry["categories"] = strings(resource.categories) }
        if !resource.subresources.isEmpty {
            entry["subresources"] = .array(
                resource.subresources.map { sub in
                    [
                        "subresource": .string(sub.name),
                        "responseKind": [
                            "group": .string(sub.group), "version": .string(sub.version), "kind": .string(sub.kind),
                        ],
                        "verbs": strings(sub.verbs),
                    ]
                })
        }
        return entry
    }

    private func openAPIIndex(_ flow: String) async -> Document {
        var tags: [(path: String, tag: String)] = []
        let key = "/openapi/v3"
        if let known = known(key, registry.generation) { return known }
        for (group, versions) in registry.groups {
            for version in versions {
                let path = group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
                tags.append((path, await openAPIv3(group, version, flow).tag))
            }
        }
        let all = tags
        return await document(key, type: "application/json", flow) {
            var paths: JSONObject = [:]
            for (path, tag) in all {
                let hash = tag.dropFirst().dropLast()
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)?hash=\(hash)")]
            }
            return JSONValue.object(["paths": .object(paths)]).encoded()
        }
    }
}
