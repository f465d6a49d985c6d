// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Numbers

/// The history of a DaemonSet's or StatefulSet's templates, as ControllerRevisions.
struct RevisionHistory: Sendable {
    static let hashLabel = "controller-revision-hash"

    var client: KubeClient
    var owner: JSONObject
    var ownerResource: ResourceID

    /// What a revision holds: the template as a patch that replaces the owner's. Its fields are in order: upstream's clients
    /// compare it with the owner's template byte by byte.
    static func data(_ owner: JSONObject) -> JSONObject {
        var template = owner.object("spec", "template")
        template["$patch"] = "replace"
        return ["spec": ["template": TemplateHash.canonical(.object(template))]]
    }

    static func hash(of revision: JSONObject) -> String { revision.objectLabels[hashLabel] ?? "" }

    static func number(_ revision: JSONObject) -> Int { revision.int("revision") ?? 0 }

    /// The revision of the present template, made or renumbered to be the newest; and all others, the oldest first.
    ///
    /// A name taken by another template is tried again under the next collision count, which is returned.
    func current(
        _ revisions: [JSONObject], collisions: Int?
    ) async throws -> (current: JSONObject, old: [JSONObject], collisions: Int?) {
        let data = RevisionHistory.data(owner)
        let canonical = TemplateHash.canonical(.object(data))
        let sorted = revisions.sorted { (Self.number($0), $0.creationTime) < (Self.number($1), $1.creationTime) }
        let newest = sorted.last.map(Self.number) ?? 0
        let same = sorted.filter { TemplateHash.canonical($0["data"] ?? .null) == canonical }
        if let match = same.last {
            let old = sorted.filter { $0.objectUID != match.objectUID }
            guard Self.number(match) < newest else { return (match, old, collisions) }
            // A rollback: the old template is the newest again.
            var renumbered = match
            renumbered["revision"] = .count(newest.saturatingSum(1))
            return (try await client.update(Kinds.controllerRevisions, renumbered), old, collisions)
        }
        var collisions = collisions
        for _ in 0..<10 {
            let hash = TemplateHash.of(.object(data), collisions: collisions)
            let name = "\(owner.objectName)-\(hash)"
            var labels = owner.map("spec", "template", "metadata", "labels")
            labels[Self.hashLabel] = hash
            let metadata: JSONObject = [
                "name": .string(name), "namespace": .string(owner.objectNamespace), "labels": JSONValue(labels),
                "ownerReferences": [OwnerReference(controller: owner, resource: ownerResource).json],
            ]
            do {
                let made = try await client.create(
                    Kinds.controllerRevisions,
                    ["metadata": .object(metadata), "data": .object(data), "revision": .count(newest.saturatingSum(1))])
                return (made, sorted, collisions)
            } catch  where error.isAlreadyExists {
                let found = try await client.get(
                    Kinds.controllerRevisions, namespace: owner.objectNamespace, name: name)
                if TemplateHash.canonical(found["data"] ?? .null) == canonical { return (found, sorted, collisions) }
                collisions = (collisions ?? 0) + 1
            }
        }
        throw StatusError(
            code: 409, reason: "AlreadyExists",
            message: "name a revision of \(owner.objectKey): every name tried is taken")
    }

    /// Deletes the oldest revisions that no pod has, beyond `limit`.
    func trim(_ old: [JSONObject], live: Set<String>, limit: Int) async throws {
        let unused = old.filter { !live.contains(Self.hash(of: $0)) }
        guard unused.count > limit else { return }
        for revision in unused.prefix(unused.count - limit) {
            do {
                try await client.delete(
                    Kinds.controllerRevisions, namespace: revision.objectNamespace, name: revision.objectName,
                    options: DeleteOptions(uid: revision.objectUID))
            } catch  where error.isNotFound {
                // Gone already.
            }
        }
    }
}
