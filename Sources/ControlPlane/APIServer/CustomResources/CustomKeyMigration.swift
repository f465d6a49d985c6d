// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Store

/// Moves the objects of custom resources that earlier versions stored among those of built-in kinds to the prefix that
/// they have now. Each is moved in one step, so that a server that is killed on the way goes on at its next start.
struct CustomKeyMigration: Sendable {
    let store: any KeyValueStore
    let registry: ResourceRegistry
    /// How much is moved before the room that it had is given back: all of it at once would take as much again.
    var step = 16 << 20

    /// Moves what is to be moved, and returns how many objects that were.
    func run(_ definitions: [APIObject]) async throws(StoreError) -> Int {
        var count = 0
        var moved = 0
        for definition in definitions {
            let group = definition.spec["group"]?.string ?? ""
            let plural = definition.spec["names"]?["plural"]?.string ?? ""
            let tail = "\(group)/\(plural)/"
            guard !group.isEmpty, !plural.isEmpty else { continue }
            for stored in store.current(prefix: "/registry/" + tail) where isCustom(stored, group, plural) {
                let target = ObjectStorage.customPrefix + stored.key.dropFirst("/registry/".count)
                try await store.move(stored.key, to: target)
                count += 1
                moved += stored.bytes.count
                if moved > step {
                    try await store.compact(to: store.currentRevision)
                    moved = 0
                }
            }
        }
        return count
    }

    /// A definition named like a built-in resource, at another version, shared its keys: what is an object of whose is
    /// told by the version it is stored in.
    private func isCustom(_ stored: StoredObject, _ group: String, _ plural: String) -> Bool {
        let builtin = registry.builtinStorage(group: group, plural: plural)
        if builtin.isEmpty { return true }
        // What cannot be read is the server's own to complain of.
        guard let object = try? APIObject(stored) else { return false }
        return !builtin.contains(object.apiVersion)
    }
}
