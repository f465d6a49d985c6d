// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Numbers
internal import Schema
internal import Store
internal import Telemetry

extension RequestScope {
    /// DELETE of one object.
    func delete() async throws(APIError) -> HTTPResponse {
        let wanted = try await deleteOptions()
        if wanted.ignoresReadError { return try await deleteUnreadable() }
        let admission = Admission(
            core: core, user: user, origin: request.origin, certificate: request.certificate, dryRun: wanted.dryRun,
            requestedName: info.name)
        let (object, gone) = try await delete(name: info.name, namespace: namespace, wanted) {
            (last) throws(APIError) in try admission.validateDelete(last, resource: resource)
        }
        if !gone || ObjectStrategy.returnsDeletedObject(resource) { return try respond(object) }
        var details: JSONObject = ["name": .string(object.name)]
        if !resource.group.isEmpty { details["group"] = .string(resource.group) }
        details["kind"] = .string(resource.plural)
        details["uid"] = .string(object.uid)
        return try respond(
            json: [
                "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success",
                "details": .object(details),
            ], schema: Machinery.statusSchema)
    }

    /// DELETE of an object that cannot be read, at once: it has no finalizers that anybody knows of, nor preconditions.
    private func deleteUnreadable() async throws(APIError) -> HTTPResponse {
        _ = try await permit("unsafe-delete-ignore-read-errors")
        for _ in 0..<64 {
            let stored = try storage.require(resource, namespace: namespace, name: info.name)
            if stored.isReadable {
                throw .invalid(
                    subject(),
                    [
                        DeleteOptions.readErrorOption(
                            "is exclusively used to delete corrupt object(s), try again by removing this option")
                    ])
            }
            guard try await storage.remove(unreadable: stored, resource, by: permission) else { continue }
            core.logger.warning("deleted an object that cannot be read", ["key": stored.key, "user": user.name])
            return try respond(
                json: ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success"],
                schema: Machinery.statusSchema)
        }
        throw .modified(subject())
    }

    /// What cannot be read goes with its namespace: afterwards nobody would look for it there.
    private func removeWithNamespace(_ unreadable: [StoredObject]) async throws(APIError) {
        guard !unreadable.isEmpty, resource.namespaced,
            try core.object("", "namespaces", name: namespace)?.deletionTimestamp != nil
        else { return }
        for stored in unreadable {
            core.logger.warning("an object that cannot be read goes with its namespace", ["key": stored.key])
            _ = try await storage.remove(unreadable: stored, resource, by: permission)
        }
    }

    /// DELETE of a collection: each object that the selectors choose.
    func deleteCollection() async throws(APIError) -> HTTPResponse {
        let wanted = try await deleteOptions()
        if wanted.ignoresReadError {
            throw .invalid(
                subject(),
                [
                    DeleteOptions.readErrorOption(
                        "is not allowed with DELETECOLLECTION, try again after removing the option")
                ])
        }
        let page = try await listPage()
        // Before anything is deleted: the answer shows all of it.
        let share = try shareOfLists(page.objects)
        if !wanted.dryRun { try await removeWithNamespace(page.unreadable) }
        let admission = Admission(
            core: core, user: user, origin: request.origin, certificate: request.certificate, dryRun: wanted.dryRun,
            requestedName: info.name)
        for stored in page.objects {
            let place = ObjectStorage.place(of: stored.key, resource)
            if admission.isServers(resource, place.namespace, place.name) { continue }
            do throws(APIError) {
                _ = try await delete(name: place.name, namespace: place.namespace, wanted) {
                    (last) throws(APIError) in try admission.validateDelete(last, resource: resource)
                }
            } catch {
                // Gone already is what was asked for.
                guard error.reason == "NotFound" else { throw error }
            }
        }
        return try await show(page, share)
    }

    /// What a deletion makes of an object.
    private struct Outcome: Sendable {
        var old, marked: APIObject
        var isImmediate: Bool
        var ending: ObjectStorage.Ending
    }

    /// Deletes, or begins to. Returns the last state and whether the object is gone. `admit` refuses by throwing; it is
    /// shown the very state that is deleted.
    func delete(
        name: String, namespace: String, _ wanted: DeleteOptions,
        admit: (APIObject) throws(APIError) -> Void = { (_) throws(APIError) in }
    ) async throws(APIError) -> (APIObject, Bool) {
        for _ in 0..<64 {
            let stored = try storage.require(resource, namespace: namespace, name: name)
            // A large object is read and written where nobody waits for it: a collection has many.
            let outcome = try await apart(stored.bytes.count) { () throws(APIError) in
                let old = StoredForm.outgoing(try APIObject(stored), resource)
                let (marked, isImmediate) = Deletion(options: wanted, resource: resource).mark(old)
                var ending = ObjectStorage.Ending.none
                if isImmediate {
                    ending = .remove
                } else if marked != old {
                    ending = .mark(
                        try StorableForm.value(
                            of: StoredForm.incoming(marked, resource), resource, replacing: stored, typing: .checked))
                }
                return Outcome(old: old, marked: marked, isImmediate: isImmediate, ending: ending)
            }
            try admit(outcome.old)
            try checkPreconditions(wanted, outcome.old, name)
            if wanted.dryRun { return (outcome.marked, outcome.isImmediate) }
            guard
                let revision = try await storage.end(
                    stored, resource, namespace: namespace, name: name, by: permission, outcome.ending)
            else { continue }
            var result = outcome.isImmediate ? outcome.old : outcome.marked
            result.resourceVersion = String(revision)
            return (result, outcome.isImmediate)
        }
        throw .modified(subject(name))
    }

    private func checkPreconditions(_ wanted: DeleteOptions, _ old: APIObject, _ name: String) throws(APIError) {
        if let uid = wanted.preconditionUID, uid != old.uid {
            throw .conflict(
                subject(name),
                "the UID in the precondition (\(uid)) does not match the UID in record (\(old.uid)). "
                    + "The object might have been deleted and then recreated")
        }
        if let revision = wanted.preconditionRevision, revision != old.resourceVersion {
            throw .conflict(
                subject(name),
                "the ResourceVersion in the precondition (\(revision)) does not match the ResourceVersion in record "
                    + "(\(old.resourceVersion)). The object might have been modified")
        }
    }
}

/// What a deletion does to an object: ends it now, or marks it for those who must act first.
struct Deletion: Sendable {
    let options: DeleteOptions
    let resource: ResourceKind

    /// The object as it is to be stored, and whether it may go at once.
    func mark(_ old: APIObject) -> (APIObject, Bool) {
        var object = old
        let finalizers = finalizers(of: old)
        object.finalizers = finalizers
        let grace = gracePeriod(old)
        let held = !finalizers.isEmpty || isNamespaceWithContent(old)
        if grace == 0, !held { return (object, true) }
        if let before = old.deletionTimestamp {
            shorten(&object, before, to: grace)
            if grace == 0, old.deletionGracePeriodSeconds == 0, object == old { return (old, false) }
            return (object, false)
        }
        object.deletionTimestamp = WallClock.text(WallClock.seconds().saturatingSum(grace))
        object.deletionGracePeriodSeconds = grace
        if object.generation > 0 { object.generation = object.generation.saturatingSum(1) }
        if resource.group == "apiextensions.k8s.io", resource.kind == "CustomResourceDefinition" {
            DefinitionStatus.set(
                &object.json, "Terminating", "True", "InstanceDeletionPending",
                "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
                WallClock.text())
        }
        if resource.kind == "Namespace", resource.group.isEmpty {
            var status = object.status
            status["phase"] = "Terminating"
            object.status = status
        }
        return (object, false)
    }

    /// A second deletion can only make the time shorter.
    private func shorten(_ object: inout APIObject, _ before: String, to grace: Int64) {
        let current = object.deletionGracePeriodSeconds ?? 0
        guard options.gracePeriodSeconds != nil, grace < current else { return }
        let now = WallClock.seconds()
        let end = WallClock.parse(before) ?? now
        // A time held at the last there is says nothing of when it began.
        let begun = end >= WallClock.range.upperBound ? now : end.saturatingDifference(current)
        object.deletionTimestamp = WallClock.text(begun.saturatingSum(grace))
        object.deletionGracePeriodSeconds = grace
    }

    /// Pods are given time to end; everything else has none.
    private func gracePeriod(_ object: APIObject) -> Int64 {
        guard resource.kind == "Pod", resource.group.isEmpty else { return 0 }
        let phase = object.status["phase"]?.string
        // Nobody runs it: there is nobody to wait for.
        if (object.spec["nodeName"]?.string ?? "").isEmpty || phase == "Succeeded" || phase == "Failed" { return 0 }
        if let current = object.deletionGracePeriodSeconds, options.gracePeriodSeconds == nil { return current }
        return options.gracePeriodSeconds ?? object.spec["terminationGracePeriodSeconds"]?.integer ?? 30
    }

    private func isNamespaceWithContent(_ object: APIObject) -> Bool {
        resource.kind == "Namespace" && resource.group.isEmpty && !(object.spec["finalizers"]?.array ?? []).isEmpty
    }

    /// The propagation policy is kept as a finalizer for the garbage collector to act on.
    private func finalizers(of object: APIObject) -> [String] {
        var result = object.finalizers
        // The objects of a defined kind go before their definition.
        if resource.group == "apiextensions.k8s.io", resource.kind == "CustomResourceDefinition",
            object.deletionTimestamp == nil, !result.contains(DefinitionStatus.cleanupFinalizer)
        {
            result.append(DefinitionStatus.cleanupFinalizer)
        }
        guard let policy = options.policy else { return result }
        result.removeAll { $0 == "orphan" || $0 == "foregroundDeletion" }
        switch policy {
        case "Orphan": result.append("orphan")
        case "Foreground": result.append("foregroundDeletion")
        default: break
        }
        return result
    }
}
