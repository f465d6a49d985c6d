// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization
internal import Telemetry
internal import Text

/// Serves what CustomResourceDefinitions define, and keeps their status true.
///
/// A resource is served before its definition says that it is, so that whoever waits for that finds it.
final class DefinitionKeeper: Sendable {
    private let core: ServerCore
    private let state = Mutex(State())

    private struct State: Sendable {
        var entries: [String: Entry] = [:]
        /// The definitions whose objects are being deleted.
        var cleaning: Set<String> = []
    }

    /// One definition, settled.
    private struct Entry: Sendable {
        var revision: Int64
        /// What the resources were made of; while it stays they do.
        var source: [JSONValue?]
        var kinds: [ResourceKind]
        /// The definition but for its versions, which are large.
        var outline: JSONObject
        var group: String { outline["spec"]?["group"]?.string ?? "" }
    }

    init(core: ServerCore) { self.core = core }

    /// Works until cancelled or the store is closed.
    func run() async {
        await withDiscardingTaskGroup { cleaners in
            await follow { name in cleaners.addTask { await self.empty(name) } }
            cleaners.cancelAll()
        }
    }

    /// Keeps up with the definitions, and calls `clean` with each whose objects have to go.
    private func follow(_ clean: (String) -> Void) async {
        while !Task.isCancelled {
            do {
                let definitions = try core.builtin("apiextensions.k8s.io", "customresourcedefinitions")
                let watch = try await core.store.watch(
                    prefix: ObjectStorage.prefix(definitions), after: core.store.currentRevision)
                repeat {
                    try await refresh()
                    for name in beginCleaning() { clean(name) }
                } while try await watch.next() != nil
                return  // The watch ended: the server stops.
            } catch {
                core.logger.warning("follow the custom resource definitions, trying again", ["error": "\(error)"])
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }  // Cancelled.
        }
    }

    /// Takes in what has changed: serves it, then writes what the definitions' status is.
    func refresh() async throws(APIError) {
        let resource = try core.builtin("apiextensions.k8s.io", "customresourcedefinitions")
        let stored = core.storage.all(resource)
        var entries = state.withLock(\.entries)
        var isChanged = forgetDeleted(&entries, stored)
        var unsettled: [String] = []
        for (definition, revision) in try changed(stored, entries) {
            let before = entries[definition.name]
            let settled = DefinitionStatus.settled(
                definition.json, taken: taken(entries, definition), reserved: reserved(definition),
                now: WallClock.text())
            let source = Self.source(settled)
            let kinds: [ResourceKind]
            if let before, before.source == source {
                kinds = before.kinds
            } else {
                kinds =
                    DefinitionStatus.isTrue("Established", settled) ? CustomResources.kinds(of: settled) : []
                isChanged = true
            }
            var outline = settled
            outline["spec"]?["versions"] = nil
            entries[definition.name] = Entry(revision: revision, source: source, kinds: kinds, outline: outline)
            if settled["status"] != definition["status"] {
                unsettled.append(definition.name)
                // Names that it had may be free now. Its own write brings the next look.
                if before != nil { lookAgain(at: &entries, group: definition.spec["group"]?.string ?? "") }
            }
        }
        let result = entries
        state.withLock { $0.entries = result }
        if isChanged {
            core.registry.serve(
                entries.sorted { ($0.value.group, $0.key) < ($1.value.group, $1.key) }.flatMap(\.value.kinds))
        }
        for name in unsettled { try await writeStatus(of: name, resource) }
    }

    /// What the resources of a definition are made of. The generation counts the changes of the spec.
    private static func source(_ definition: JSONObject) -> [JSONValue?] {
        let metadata = definition["metadata"]
        return [
            metadata?["uid"], metadata?["generation"], metadata?["deletionTimestamp"],
            definition["status"]?["acceptedNames"], .bool(DefinitionStatus.isTrue("Established", definition)),
        ]
    }

    /// The definitions that are new or changed: those that have names before those that ask for some, then by age.
    private func changed(
        _ stored: [StoredObject], _ entries: [String: Entry]
    ) throws(APIError) -> [(definition: APIObject, revision: Int64)] {
        var changed: [(definition: APIObject, revision: Int64)] = []
        for object in stored where entries[Self.name(object)]?.revision != object.revision {
            changed.append((try APIObject(object), object.revision))
        }
        func rank(_ definition: APIObject) -> (Int, String, String) {
            let hasNames = definition.status["acceptedNames"]?["plural"]?.string?.isEmpty == false
            return (hasNames ? 0 : 1, definition.metadata["creationTimestamp"]?.string ?? "", definition.name)
        }
        return changed.sorted { rank($0.definition) < rank($1.definition) }
    }

    private static func name(_ stored: StoredObject) -> String {
        stored.key.steps.last ?? ""
    }

    /// True when a definition went. Others of its group may now have the names that it had.
    private func forgetDeleted(_ entries: inout [String: Entry], _ stored: [StoredObject]) -> Bool {
        let present = Set(stored.map(Self.name))
        let gone = entries.filter { !present.contains($0.key) }
        for (name, entry) in gone {
            entries[name] = nil
            lookAgain(at: &entries, group: entry.group)
        }
        return !gone.isEmpty
    }

    /// Those of a group that did not get the names they ask for are settled anew.
    private func lookAgain(at entries: inout [String: Entry], group: String) {
        for (name, waiting) in entries
        where waiting.group == group && !DefinitionStatus.isTrue("NamesAccepted", waiting.outline) {
            entries[name]?.revision = 0
        }
    }

    private func taken(_ entries: [String: Entry], _ definition: APIObject) -> DefinitionStatus.TakenNames {
        let group = definition.spec["group"]?.string ?? ""
        var taken = DefinitionStatus.TakenNames()
        for (name, entry) in entries where entry.group == group && name != definition.name { taken.add(entry.outline) }
        return taken
    }

    private func reserved(_ definition: APIObject) -> DefinitionStatus.TakenNames {
        core.registry.builtinNames(in: definition.spec["group"]?.string ?? "")
    }

    private func writeStatus(of name: String, _ resource: ResourceKind) async throws(APIError) {
        let entries = state.withLock(\.entries)
        do throws(APIError) {
            _ = try await core.storage.update(resource, namespace: "", name: name, by: .server) {
                (old, _) throws(APIError) in
                let settled = DefinitionStatus.settled(
                    old.json, taken: taken(entries, old), reserved: reserved(old), now: WallClock.text())
                return settled == old.json ? nil : APIObject(settled)
            }
        } catch {
            // Deleted meanwhile: there is nothing to say of it.
            guard error.reason == "NotFound" else { throw error }
        }
    }

    // MARK: Deletion

    /// The definitions that are to go and whose objects nobody deletes yet.
    private func beginCleaning() -> [String] {
        state.withLock { state in
            state.entries.filter { name, entry in
                let metadata = entry.outline["metadata"]
                return metadata?["deletionTimestamp"] != nil
                    && metadata?["finalizers"]?.array?.contains(.string(DefinitionStatus.cleanupFinalizer)) == true
                    && state.cleaning.insert(name).inserted
            }.map(\.key)
        }
    }

    /// Deletes the objects of a definition, and tries again where that fails.
    private func empty(_ name: String) async {
        while !Task.isCancelled {
            do {
                let resource = try core.builtin("apiextensions.k8s.io", "customresourcedefinitions")
                try await clean(name, resource)
                break
            } catch let error as APIError {
                // Somebody else removed the finalizer.
                if error.reason == "NotFound" { break }
                core.logger.warning(
                    "delete the objects of a definition, trying again",
                    ["definition": name, "error": error.message])
            } catch {
                return  // Cancelled.
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }  // Cancelled.
        }
        _ = state.withLock { $0.cleaning.remove(name) }
    }

    /// Deletes the definition's objects, waits until those are gone that somebody holds on to, and lets it go.
    private func clean(_ name: String, _ resource: ResourceKind) async throws {
        let definition = try APIObject(try core.storage.require(resource, namespace: "", name: name))
        if let kind = CustomResources.stored(Self.named(definition.json)) {
            try await note(
                name, resource, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
            // What somebody holds on to may be much and large, and held for ever: no state of it is read twice, and the
            // looks come ever less often.
            var begun: [String: Int64] = [:]
            var pause = Duration.milliseconds(200)
            while true {
                var left: [String: Int64] = [:]
                for stored in core.storage.all(kind) {
                    left[stored.key] = stored.revision
                    if begun[stored.key] != stored.revision { try await delete(stored, kind) }
                }
                pause = begun == left ? min(pause * 2, .seconds(10)) : .milliseconds(200)
                begun = left
                // Without the definition nobody could ever name them.
                for stored in core.storage.unreadable(kind) {
                    core.logger.warning("an object that cannot be read goes with its definition", ["key": stored.key])
                    _ = try await core.storage.remove(unreadable: stored, kind, by: .server)
                }
                if core.storage.all(kind).isEmpty { break }
                try await Task.sleep(for: pause)
            }
        }
        try await note(name, resource, "False", "InstanceDeletionCompleted", "removed all instances")
        _ = try await core.storage.change(resource, namespace: "", name: name, by: .server) {
            (old, _) throws(APIError) in
            var new = old
            new.finalizers.removeAll { $0 == DefinitionStatus.cleanupFinalizer }
            return RequestScope.isFinished(new) ? .remove(new) : .write(new)
        }
    }

    /// A definition that was refused the names it has may have had objects before. They are under its own name in any
    /// case, which is of its plural and group.
    private static func named(_ definition: JSONObject) -> JSONObject {
        guard definition["status"]?["acceptedNames"]?["plural"]?.string ?? "" == "" else { return definition }
        var named = definition
        var status = definition["status"]?.object ?? [:]
        status["acceptedNames"] = definition["spec"]?["names"]
        named["status"] = .object(status)
        return named
    }

    private func note(
        _ name: String, _ resource: ResourceKind, _ value: String, _ reason: String, _ message: String
    ) async throws(APIError) {
        _ = try await core.storage.update(resource, namespace: "", name: name, by: .server) {
            (old, _) throws(APIError) in
            var new = old
            DefinitionStatus.set(&new.json, "Terminating", value, reason, message, WallClock.text())
            return new
        }
    }

    private func delete(_ stored: StoredObject, _ kind: ResourceKind) async throws(APIError) {
        let place = ObjectStorage.place(of: stored.key, kind)
        let request = ParsedRequest(
            HTTPRequest(method: "DELETE", target: kind.id.path(namespace: place.namespace, name: place.name)))
        let me = RequestUser(name: "system:apiserver", groups: [Authorizer.masters])
        let scope = RequestScope(
            core: core, request: request, user: me, holder: BudgetHolder(me), permission: .server, resource: kind,
            options: try QueryOptions(request.query), output: try OutputFormat(request))
        do throws(APIError) {
            _ = try await scope.delete(
                name: place.name, namespace: place.namespace, DeleteOptions(query: scope.options))
        } catch {
            // Gone already is what was wanted.
            guard error.reason == "NotFound" else { throw error }
        }
    }
}
