// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store

extension RequestScope {
    /// PUT of an object or of a subresource that is a part of it.
    func update() async throws(APIError) -> HTTPResponse {
        let decoded = try await decodeBody(resource.schema, apiVersion: resource.apiVersion, kind: resource.kind)
        let given = decoded.object
        try checkName(given)
        if given.name.isEmpty { throw .badRequest("name must be provided") }
        let existed = storage.get(resource, namespace: namespace, name: info.name) != nil
        if !existed, info.subresource.isEmpty, ObjectStrategy.allowsCreateOnUpdate(resource) {
            let (stored, object) = try await create(given, manager: .update, by: try await permit("create"))
            return try respond(created: stored, object, warnings: decoded.warnings)
        }
        return try await write(warnings: decoded.warnings) { (_) throws(APIError) in given }
    }

    /// The read-change-write of an update or patch: `change` computes the wanted object from the current one.
    func write(
        warnings: [String] = [], operation: FieldOperation = .update,
        _ change: (APIObject) async throws(APIError) -> APIObject
    ) async throws(APIError) -> HTTPResponse {
        guard isCounted else { return try await writeOnce(warnings: warnings, operation: operation, nil, change) }
        return try await core.quotas.charging(namespace) { (charges) async throws(APIError) in
            try await writeOnce(warnings: warnings, operation: operation, charges, change)
        }
    }

    /// Whether this update may make an object larger in the eyes of a quota.
    private var isCounted: Bool {
        resource.group.isEmpty && ["", "resize"].contains(info.subresource)
            && ["pods", "services", "persistentvolumeclaims"].contains(resource.plural)
            && core.quotas.bind(namespace)
    }

    private func writeOnce(
        warnings: [String], operation: FieldOperation, _ charges: Quotas.Charges?,
        _ change: (APIObject) async throws(APIError) -> APIObject
    ) async throws(APIError) -> HTTPResponse {
        let (stored, shown) = try await core.allocator.reserving(for: resource, by: user) {
            (reservation) async throws(APIError) in
            try await storage.change(resource, namespace: namespace, name: info.name, by: permission) {
                (raw, present) throws(APIError) in
                let old = StoredForm.outgoing(raw, resource)
                let new = try await change(old)
                return try await step(from: old, present, to: new, operation, reservation, charges)
            }
        }
        RoleEvaluator.prepare(stored, resource)
        var warnings = warnings
        if Unserved.concerns(resource) {
            let object = if let shown { shown } else { try APIObject(stored) }
            warnings += Unserved.warnings(object, resource)
        }
        if let shown { return try respond(shown, warnings: warnings) }
        return try respond(stored, warnings: warnings)
    }

    /// What an update of `old` to what is asked for comes to.
    private func step(
        from old: APIObject, _ present: StoredObject, to wanted: APIObject, _ operation: FieldOperation,
        _ reservation: ServiceAllocator.Reservation?, _ charges: Quotas.Charges?
    ) async throws(APIError) -> ObjectStorage.Step {
        var new = wanted
        try Self.checkKind(&new.json, apiVersion: resource.apiVersion, kind: resource.kind)
        try checkName(new)
        try checkNamespace(&new)
        try checkPreconditions(new, old)
        guard let final = try prepared(new, old: old, operation, reservation) else { return .show(old) }
        if let charges {
            try await core.quotas.charge(final, old: old, resource, dryRun: options.dryRun, charges)
        }
        if options.dryRun {
            _ = try StorableForm.value(
                of: StoredForm.incoming(final, resource), resource, replacing: present, typing: .checked)
            return .show(final)
        }
        // The last finalizer went: this was the update that the deletion waited for.
        if Self.isFinished(final), old.deletionTimestamp != nil { return .remove(final) }
        try requireServed()
        // An apply without its record would not know the next time what was its own.
        return .write(
            StoredForm.incoming(final, resource), typing: .checked, mayForgetManagers: operation != .applied)
    }

    /// Nothing holds a deletion back any more.
    static func isFinished(_ object: APIObject) -> Bool {
        object.deletionTimestamp != nil && object.finalizers.isEmpty && (object.deletionGracePeriodSeconds ?? 0) == 0
            && !(object.kind == "Namespace" && object.apiVersion == "v1"
                && !(object.spec["finalizers"]?.array ?? []).isEmpty)
    }

    /// Of a patch, too, the object stays the one that the path names and the rights are on.
    private func checkName(_ new: APIObject) throws(APIError) {
        guard new.name != info.name, !new.name.isEmpty else { return }
        throw .badRequest("the name of the object (\(new.name)) does not match the name on the URL (\(info.name))")
    }

    /// The same for an object that stands for another: a scale, a binding.
    func checkIdentity(_ body: APIObject) throws(APIError) {
        try checkName(body)
        if !body.namespace.isEmpty, body.namespace != namespace {
            throw .badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
    }

    private func checkPreconditions(_ new: APIObject, _ old: APIObject) throws(APIError) {
        if !new.uid.isEmpty, new.uid != old.uid {
            throw .conflict(
                subject(),
                "Precondition failed: UID in precondition: \(new.uid), UID in object meta: \(old.uid)")
        }
        if !new.resourceVersion.isEmpty, new.resourceVersion != "0", new.resourceVersion != old.resourceVersion {
            throw .modified(subject())
        }
    }

    /// The object to store, or nil when nothing changes.
    private func prepared(
        _ given: APIObject, old: APIObject, _ operation: FieldOperation,
        _ reservation: ServiceAllocator.Reservation?
    ) throws(APIError) -> APIObject? {
        var new = given
        try keepMirror(new, old)
        keepServerMetadata(&new, old)
        Machinery.applyDefaults(&new, resource)
        let strategy = ObjectStrategy(core: core, resource: resource, user: user)
        // What is asked for is judged, also where a subresource would not have written it.
        let admission = Admission(
            core: core, user: user, origin: request.origin, certificate: request.certificate, dryRun: options.dryRun,
            requestedName: info.name)
        try admission.mutate(&new, old: old, resource: resource, operation: .update(info.subresource))
        try strategy.prepareForUpdate(&new, old: old, subresource: info.subresource)
        if operation == .update { trackFields(live: old, &new, subresource: info.subresource) }
        strategy.bumpGeneration(&new, old: old)
        try core.allocator.prepare(&new, old: old, resource: resource, dryRun: options.dryRun, reservation)
        var errors = Machinery.validate(resource, new: new, old: old, subresource: info.subresource)
        errors += try kindErrors(new, old: old)
        if !errors.isEmpty { throw .invalid(subject(), errors) }
        try admission.validate(new, old: old, resource: resource, operation: .update(info.subresource))
        return Self.isSame(new, old) ? nil : new
    }

    /// What the request may not change of this kind by this subresource.
    private func kindErrors(_ new: APIObject, old: APIObject) throws(APIError) -> [FieldError] {
        switch (resource.group, resource.kind, info.subresource) {
        case ("certificates.k8s.io", "CertificateSigningRequest", _):
            return SigningRequest.errors(new, old: old, subresource: info.subresource)
        case ("resource.k8s.io", "ResourceClaim", "status"):
            return try ResourceClaimRights(authorizer: Authorizer(core: core), access: permission.access)
                .errors(new, old: old)
        default: return []
        }
    }

    /// Equal but for the times at which managers wrote: not worth a revision.
    static func isSame(_ new: APIObject, _ old: APIObject) -> Bool {
        func plain(_ object: APIObject) -> APIObject {
            var copy = object
            copy.resourceVersion = ""
            copy.managedFields = .array(
                (object.managedFields?.array ?? []).map { entry in
                    var entry = entry
                    entry["time"] = nil
                    return entry
                })
            return copy
        }
        return plain(new) == plain(old)
    }

    /// Whether a pod is the mirror of a static one is said when it is made: its kubelet goes by it ever after.
    private func keepMirror(_ new: APIObject, _ old: APIObject) throws(APIError) {
        guard resource.kind == "Pod", resource.custom == nil else { return }
        let key = Admission.mirrorAnnotation
        guard new.annotations[key] != old.annotations[key] else { return }
        let path = FieldPath("metadata")["annotations"].key(key)
        let what =
            old.annotations[key] == nil
            ? "may not add mirror pod annotation" : "may not remove or update mirror pod annotation"
        throw .invalid(subject(), [.forbidden(path, what)])
    }

    /// What a client cannot change by sending something else.
    private func keepServerMetadata(_ new: inout APIObject, _ old: APIObject) {
        var metadata = new.metadata
        let before = old.metadata
        for field in [
            "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
            "generateName", "generation", "resourceVersion",
        ] {
            metadata[field] = before[field]
        }
        metadata["selfLink"] = nil
        new.metadata = metadata
    }
}
