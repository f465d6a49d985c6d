// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeAPI
import Schema
import Testing

/// The published API description the tables are compared with; it lies beside the repository, not in it.
enum PublishedAPI {
    static let directory: String? = {
        // .../Tests/KubeAPITests/TableTests.swift: the worktree's parent directories are searched for shared/data.
        var path = #filePath
        for _ in 0..<6 {
            guard let slash = path.lastIndex(of: "/") else { return nil }
            path = String(path[..<slash])
            let candidate = path + "/../shared/data"
            if access(candidate + "/openapi-v2-1.36.json", R_OK) == 0 { return candidate }
        }
        return nil
    }()

    static func read(_ name: String) -> [UInt8]? {
        guard let directory, let file = fopen(directory + "/" + name, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    static let openAPI: JSONValue? = read("openapi-v2-1.36.json").flatMap {
        // Unreadable data is told apart from absent data by the test that needs it.
        try? JSONValue.parse($0)
    }
}

@Suite struct `API tables` {
    @Test func `give each resource its type, verbs and subresources`() throws {
        let pods = try #require(KubeAPI.resource(group: "", version: "v1", plural: "pods"))
        #expect(pods.kind == "Pod" && pods.namespaced && pods.shortNames == ["po"] && pods.categories == ["all"])
        #expect(pods.schema.name == "io.k8s.api.core.v1.Pod")
        #expect(pods.verbs.count == 8)
        #expect(pods.subresource("eviction")?.group == "policy")
        #expect(pods.subresource("exec")?.verbs == ["create", "get"])
        let events = try #require(KubeAPI.resource(group: "events.k8s.io", version: "v1", plural: "events"))
        #expect(events.storage.group == "" && events.storage.version == "v1" && events.storage.plural == "events")
        #expect(KubeAPI.resources.count == 68 || KubeAPI.resources.count == 67, "\(KubeAPI.resources.count)")
    }

    @Test func `know fields by name and by number`() throws {
        let container = try #require(KubeAPI.schema(named: "io.k8s.api.core.v1.Container"))
        let ports = try #require(container.field(named: "ports"))
        #expect(ports.number == 6 && ports.listMapKeys == ["containerPort", "protocol"])
        #expect(ports.patchMergeKey == "containerPort" && ports.patchStrategy == .merge && ports.listType == .map)
        #expect(container.field(number: 1)?.jsonName == "name")
        let volume = try #require(KubeAPI.schema(named: "io.k8s.api.core.v1.Volume"))
        #expect(volume.field(named: "emptyDir")?.inlinedIn == 2)
        #expect(volume.field(number: 2, inlinedIn: 2)?.jsonName == "emptyDir")
        let strategy = try #require(
            KubeAPI.schema(named: "io.k8s.api.apps.v1.DeploymentSpec")?.field(named: "strategy"))
        #expect(strategy.patchStrategy == .retainKeys)
    }

    @Test(.enabled(if: PublishedAPI.directory != nil, "needs ../shared/data, which is not part of the repository"))
    func `agree with the published API description`() throws {
        let definitions = try #require(PublishedAPI.openAPI?["definitions"]?.object)
        var compared = 0
        for (name, definition) in definitions {
            guard let type = KubeAPI.schema(named: name), let properties = definition["properties"]?.object else {
                continue
            }
            #expect(Set(properties.keys) == Set(type.fields.map(\.jsonName)), "\(name)")
            let required = Set(definition["required"]?.array?.compactMap(\.string) ?? [])
            for field in type.fields {
                let property = try #require(properties[field.jsonName])
                let place = "\(name).\(field.jsonName)"
                #expect(field.isRequired == required.contains(field.jsonName), "\(place)")
                #expect(field.listType?.rawValue == property["x-kubernetes-list-type"]?.string, "\(place)")
                #expect(
                    field.listMapKeys == property["x-kubernetes-list-map-keys"]?.array?.compactMap(\.string) ?? [],
                    "\(place)")
                #expect(field.patchMergeKey == property["x-kubernetes-patch-merge-key"]?.string, "\(place)")
                #expect(
                    field.patchStrategy.isEmpty == (property["x-kubernetes-patch-strategy"] == nil), "\(place)")
                compared += 1
            }
        }
        #expect(compared > 2000)
    }

    @Test(.enabled(if: PublishedAPI.directory != nil, "needs ../shared/data, which is not part of the repository"))
    func `agree with the protobuf numbers`() throws {
        let text = String(decoding: try #require(PublishedAPI.read("protobuf-fields-1.36.tsv")), as: UTF8.self)
        var compared = 0
        for line in text.split(separator: "\n").dropFirst() {
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
            let prefix = "io." + columns[0].replacingUnderscores
            let package = columns[0].hasPrefix("k8s.io.api.") ? "io.k8s.api." + columns[0].dropFirst(11) : prefix
            guard let type = KubeAPI.schema(named: package + "." + columns[1]) else { continue }
            let number = try #require(Int(columns[3]))
            // An inlined message's fields stand under its number; the message itself is no field.
            if type.fields.contains(where: { $0.inlinedIn == number }) { continue }
            let field = type.field(number: number)
            #expect(field != nil, "\(package).\(columns[1]).\(columns[2])")
            compared += 1
        }
        #expect(compared > 1500)
    }
}

extension Substring {
    fileprivate var replacingUnderscores: String {
        let text = String(map { $0 == "_" ? "-" : $0 })
        return text.hasPrefix("k8s.io.") ? "k8s." + text.dropFirst(7) : text
    }
}
