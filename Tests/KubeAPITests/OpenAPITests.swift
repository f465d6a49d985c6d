// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Schema
import Testing

@Suite struct `OpenAPI documents` {
    @Test func `describe types with what clients merge and validate by`() throws {
        let document = KubeAPI.openAPI.v2()
        let definitions = try #require(document["definitions"])
        let container = try #require(definitions["io.k8s.api.core.v1.Container"])
        #expect(container["required"] == ["name"])
        #expect(
            container["properties"]?["ports"] == [
                "type": "array", "items": ["$ref": "#/definitions/io.k8s.api.core.v1.ContainerPort"],
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["containerPort", "protocol"],
                "x-kubernetes-patch-merge-key": "containerPort", "x-kubernetes-patch-strategy": "merge",
            ])
        #expect(
            definitions["io.k8s.api.apps.v1.Deployment"]?["x-kubernetes-group-version-kind"]
                == [["group": "apps", "kind": "Deployment", "version": "v1"]])
        let patch = document["paths"]?["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?["patch"]
        let names = patch?["parameters"]?.array?.compactMap { $0["name"]?.string } ?? []
        #expect(names.contains("dryRun") && names.contains("fieldValidation"))
    }

    @Test func `refer to nothing that is missing`() throws {
        func references(_ value: JSONValue, _ found: inout Set<String>) {
            switch value {
            case .object(let object):
                for (key, inner) in object {
                    if key == "$ref", let text = inner.string { found.insert(text) } else { references(inner, &found) }
                }
            case .array(let items): for item in items { references(item, &found) }
            default: break
            }
        }
        var found: Set<String> = []
        let v2 = KubeAPI.openAPI.v2()
        references(v2, &found)
        let definitions = try #require(v2["definitions"]?.object)
        #expect(found.count > 400)
        for reference in found {
            #expect(definitions[String(reference.dropFirst("#/definitions/".count))] != nil, "\(reference)")
        }
        for (path, groupVersion) in KubeAPI.openAPI.v3Paths {
            let document = try #require(KubeAPI.openAPI.v3(groupVersion), "\(path)")
            var found: Set<String> = []
            references(document, &found)
            let schemas = try #require(document["components"]?["schemas"]?.object)
            for reference in found {
                #expect(schemas[String(reference.dropFirst("#/components/schemas/".count))] != nil, "\(reference)")
            }
        }
        #expect(KubeAPI.openAPI.v3Paths.first?.path == "api/v1")
    }

    @Test(.enabled(if: PublishedAPI.directory != nil, "needs ../shared/data, which is not part of the repository"))
    func `have the published properties and paths`() throws {
        let published = try #require(PublishedAPI.openAPI)
        let ours = KubeAPI.openAPI.v2()
        var compared = 0
        for (name, definition) in try #require(ours["definitions"]?.object) {
            guard let theirs = published["definitions"]?[name] else { continue }
            for (key, property) in definition["properties"]?.object ?? [:] {
                var expected = try #require(theirs["properties"]?[key]?.object)
                expected["description"] = nil
                // What they mean is said in words of our own, or not at all.
                var property = property
                property["description"] = nil
                #expect(property == .object(expected), "\(name).\(key)")
                compared += 1
            }
        }
        #expect(compared > 2000)
        for (path, item) in try #require(ours["paths"]?.object) {
            let theirs = published["paths"]?[path]
            #expect(theirs != nil, "\(path)")
            for (method, operation) in item.object ?? [:] where method != "parameters" {
                // Connections to pods are described by upstream once for each method they answer to.
                guard theirs?[method]?["x-kubernetes-action"]?.string != "connect" else { continue }
                #expect(
                    operation["x-kubernetes-action"] == theirs?[method]?["x-kubernetes-action"], "\(method) \(path)")
                #expect(operation["operationId"] == theirs?[method]?["operationId"], "\(method) \(path)")
            }
        }
    }

    @Test func `take the protobuf form old clients read`() {
        let bytes = OpenAPIProtobuf.encode([
            "swagger": "2.0", "info": ["title": "t", "version": "v"], "paths": [:],
            "definitions": ["a": ["type": "object", "x-k": true]],
        ])
        #expect(
            bytes == [0x0A, 3] + Array("2.0".utf8) + [
                0x12, 6, 0x0A, 1, 0x74, 0x12, 1, 0x76, 0x42, 0, 0x4A, 0x22, 0x0A, 0x20,
                0x0A, 1, 0x61, 0x12, 0x1B, 0xB2, 0x01, 8, 0x0A, 6,
            ] + Array("object".utf8)
                + [0xFA, 0x01, 0x0D, 0x0A, 3] + Array("x-k".utf8) + [0x12, 6, 0x12, 4] + Array("true".utf8))
    }
}
