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
        /// The definitions whose objects are being deleted, by uid.
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
            await follow { ending in cleaners.addTask { await self.empty(ending) } }
            cleaners.cancelAll()
        }
    }

    /// Keeps up with the definitions, and calls `clean` with each whose objects have to go.
    private func follow(_ clean: (EndingDefinition) -> Void) async {
        while !Task.isCancelled {
            do {
                let definitions = try core.builtin("apiextensions.k8s.io", "customresourcedefinitions")
                let watch = try await core.store.watch(
                    prefix: ObjectStorage.prefix(definitions), after: core.store.currentRevision)
                repeat {
                    try await refresh()
                    for ending in beginCleaning(definitions) { clean(ending) }
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
    private func beginCleaning(_ definitions: ResourceKind) -> [EndingDefinition] {
        state.withLock { state in
            state.entries.compactMap { name, entry in
                let ending = EndingDefinition(
                    name: name, uid: entry.outline["metadata"]?["uid"]?.string ?? "", resource: definitions)
                guard ending.isMet(by: APIObject(entry.outline)), state.cleaning.insert(ending.uid).inserted else {
                    return nil
                }
                return ending
            }
        }
    }

    /// Deletes the objects of a definition, and tries again where that fails.
    private func empty(_ ending: EndingDefinition) async {
        while !Task.isCancelled {
            do {
                try await clean(ending)
                break
            } catch let error as APIError {
                // Somebody else removed the finalizer: what is left is not this definition's to take along.
                if error.reason == "NotFound" { break }
                core.logger.warning(
                    "delete the objects of a definition, trying again",
                    ["definition": ending.name, "error": error.message])
            } catch {
                return  // Cancelled.
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }  // Cancelled.
        }
        _ = state.withLock { $0.cleaning.remove(ending.uid) }
    }

    /// Deletes the definition's objects, waits until those are gone that somebody holds on to, and lets it go. Throws
    /// `NotFound` when the definition goes before.
    private func clean(_ ending: EndingDefinition) async throws {
        let definition = try APIObject(
            try core.storage.require(ending.resource, namespace: "", name: ending.name))
        if let kind = CustomResources.stored(Self.named(definition.json)) {
            try await note(ending, "True", "InstanceDeletionInProgress", "CustomResource deletion is in progress")
            // What somebody holds on to may be much and large, and held for ever: no state of it is read twice, and the
            // looks come ever less often.
            var begun: [String: Int64] = [:]
            var pause = Duration.milliseconds(200)
            while true {
                try ending.require(in: core.storage)
                var left: [String: Int64] = [:]
                for stored in core.storage.all(kind) {
                    left[stored.key] = stored.revision
                    if begun[stored.key] != stored.revision { try await delete(stored, kind, of: ending) }
                }
                pause = begun == left ? min(pause * 2, .seconds(10)) : .milliseconds(200)
                begun = left
                // Without the definition nobody could ever name them.
                for stored in core.storage.unreadable(kind) {
                    try ending.require(in: core.storage)
                    core.logger.warning("an object that cannot be read goes with its definition", ["key": stored.key])
                    _ = try await core.storage.remove(unreadable: stored, kind, by: .server)
                }
                if core.storage.all(kind).isEmpty { break }
                try await Task.sleep(for: pause)
            }
        }
        try await note(ending, "False", "InstanceDeletionCompleted", "removed all instances")
        _ = try await core.storage.change(ending.resource, namespace: "", name: ending.name, by: .server) {
            (old, _) throws(APIError) in
            try ending.require(old)
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
        _ ending: EndingDefinition, _ value: String, _ reason: String, _ message: String
    ) async throws(APIError) {
        _ = try await core.storage.update(ending.resource, namespace: "", name: ending.name, by: .server) {
            (old, _) throws(APIError) in
            try ending.require(old)
            var new = old
            DefinitionStatus.set(&new.json, "Terminating", value, reason, message, WallClock.text())
            return new
        }
    }

    private func delete(
        _ stored: StoredObject, _ kind: ResourceKind, of ending: EndingDefinition
    ) async throws(APIError) {
        let place = ObjectStorage.place(of: stored.key, kind)
        let request = ParsedRequest(
            HTTPRequest(method: "DELETE", target: kind.id.path(namespace: place.namespace, name: place.name)))
        let me = RequestUser(name: "system:apiserver", groups: [Authorizer.masters])
        let scope = RequestScope(
            core: core, request: request, user: me, holder: BudgetHolder(me), permission: .server, resource: kind,
            options: try QueryOptions(request.query), output: try OutputFormat(request))
        do throws(APIError) {
            _ = try await scope.delete(
                name: place.name, namespace: place.namespace, DeleteOptions(query: scope.options)
            ) { (_) throws(APIError) in
                // Asked of the very state that goes: nothing that is made under a later definition was there before.
                try ending.require(in: core.storage)
            }
        } catch {
            // Gone already is what was wanted, unless it is the definition that is gone.
            guard error.reason == "NotFound" else { throw error }
            try ending.require(in: core.storage)
        }
    }
}

/// A definition that was deleted and takes its objects along: that one, and none that is made later under its name.
private final class EndingDefinition: Sendable {
    let name: String
    let uid: String
    let resource: ResourceKind
    /// The revision at which it was found to be so last: definitions are large.
    private let known = Mutex<Int64>(0)

    init(name: String, uid: String, resource: ResourceKind) {
        self.name = name
        self.uid = uid
        self.resource = resource
    }

    /// Whether the definition is this one, and still waits for its objects to go.
    func isMet(by definition: APIObject) -> Bool {
        definition.uid == uid && definition.deletionTimestamp != nil
            && definition.finalizers.contains(DefinitionStatus.cleanupFinalizer)
    }

    /// Throws `NotFound` where the definition that is there is another, or goes without its objects.
    func require(_ definition: APIObject) throws(APIError) {
        guard isMet(by: definition) else { throw .notFound(resource.subject(name)) }
    }

    /// The same of the definition that is in the store now.
    func require(in storage: ObjectStorage) throws(APIError) {
        let stored = try storage.require(resource, namespace: "", name: name)
        if known.withLock({ $0 }) == stored.revision { return }
        try require(try APIObject(stored))
        known.withLock { $0 = stored.revision }
    }
}
