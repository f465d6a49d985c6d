// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
internal import Text

/// A resource as the server says it serves it.
struct ServedResource: Sendable, Hashable {
    var id: ResourceID
    var verbs: Set<String>
}

/// What a server serves, found by its discovery documents.
enum Discovery {
    /// The preferred version of each resource; groups whose document cannot be read are named in `failed`.
    static func resources(_ client: KubeClient) async throws -> (resources: [ServedResource], failed: [String]) {
        var found: [ServedResource] = []
        var failed: [String] = []
        found += try await read(client, path: "/api/v1", group: "", version: "v1")
        let groups = try await client.request("GET", "/apis")
        for group in groups["groups"]?.array ?? [] {
            let name = group["name"]?.string ?? ""
            var seen: Set<String> = []
            let preferred = group["preferredVersion"]?["version"]?.string ?? ""
            let versions = (group["versions"]?.array ?? []).compactMap { $0["version"]?.string }
            for version in [preferred] + versions.filter({ $0 != preferred }) where !version.isEmpty {
                do {
                    let resources = try await read(
                        client, path: "/apis/\(name)/\(version)", group: name, version: version)
                    for resource in resources where seen.insert(resource.id.plural).inserted { found.append(resource) }
                } catch {
                    if error is CancellationError { throw error }
                    failed.append("\(name)/\(version)")
                }
            }
        }
        return (found, failed)
    }

    private static func read(
        _ client: KubeClient, path: String, group: String, version: String
    ) async throws -> [ServedResource] {
        let document = try await client.request("GET", path)
        return (document["resources"]?.array ?? []).compactMap { row in
            guard let plural = row["name"]?.string, !plural.hasSlash, let kind = row["kind"]?.string else {
                return nil
            }
            return ServedResource(
                id: ResourceID(
                    group: group, version: version, plural: plural, kind: kind,
                    namespaced: row["namespaced"]?.bool ?? false),
                verbs: Set((row["verbs"]?.array ?? []).compactMap(\.string)))
        }
    }
}
