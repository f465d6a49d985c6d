// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// The dependents of owners as the server has them: caches follow it, each kind's in its own time, and one that was made a
/// moment ago may be in none.
struct LiveDependents: Sendable {
    struct Dependent: Sendable {
        var resource: ResourceID
        /// Its metadata alone.
        var object: JSONObject

        func blocks(_ owner: String) -> Bool {
            object.ownerReferences.contains { $0.uid == owner && $0.blocksDeletion }
        }
    }

    private var byOwner: [String: [Dependent]] = [:]

    subscript(owner: String) -> [Dependent] { byOwner[owner] ?? [] }

    /// Some groups could not be asked what they serve: nobody can say that there are no more.
    struct Incomplete: Error, CustomStringConvertible {
        var groups: [String]
        var description: String { "look for dependents: discovery failed for \(groups.joined(separator: ", "))" }
    }

    /// Looks through all kinds that are collected.
    ///
    /// - Parameter namespace: Where the owners are, and so their dependents; empty for owners of the whole cluster, whose
    ///   dependents are anywhere.
    init(of owners: Set<String>, in namespace: String, _ client: KubeClient) async throws {
        let discovered = try await Discovery.resources(client)
        guard discovered.failed.isEmpty else { throw Incomplete(groups: discovered.failed) }
        for served in discovered.resources
        where GarbageCollector.collects(served) && (namespace.isEmpty || served.id.namespaced) {
            var found: [(owner: String, dependent: Dependent)] = []
            do {
                try await client.forEachMetadata(served.id, namespace: namespace) { object in
                    let named = object.array("metadata", "ownerReferences").compactMap { $0["uid"]?.string }
                    for owner in Set(named) where owners.contains(owner) {
                        found.append((owner, Dependent(resource: served.id, object: object)))
                    }
                }
            } catch let error as StatusError where error.code == 404 || error.code == 405 {
                // The kind went since discovery, and its objects with it.
                continue
            }
            for (owner, dependent) in found { byOwner[owner, default: []].append(dependent) }
        }
    }
}
