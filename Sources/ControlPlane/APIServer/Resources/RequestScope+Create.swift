// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store

extension RequestScope {
    /// POST to a collection.
    func create() async throws(APIError) -> HTTPResponse {
        let decoded = try await decodeBody(resource.schema, apiVersion: resource.apiVersion, kind: resource.kind)
        let (stored, object) = try await create(decoded.object, manager: .update, by: permission)
        let warnings = decoded.warnings
        return try respond(created: stored, object, warnings: warnings)
    }

    /// The response for what a create came to: stored, or for a dry run not.
    func respond(
        created stored: StoredObject?, _ object: APIObject, warnings: [String]
    ) throws(APIError) -> HTTPResponse {
        let warnings = warnings + Unserved.warnings(object, resource)
        if let stored { return try respond(stored, status: 201, warnings: warnings) }
        return try respond(object, status: 201, warnings: warnings)
    }

    enum FieldOperation: Sendable {
        /// A create or update: the fields it sets are tracked.
        case update
        /// A server-side apply has tracked them already.
        case applied
    }

    /// Everything between a decoded object and a stored one. Nothing is stored for a dry run.
    func create(
        _ given: APIObject, manager operation: FieldOperation, by permission: Permission
    ) async throws(APIError) -> (StoredObject?, APIObject) {
        var object = given
        try prepareMetadata(&object)
        let generated = object.name.isEmpty && !object.generateName.isEmpty
        for attempt in 0..<8 {
            var candidate = object
            if generated { candidate.name = Fresh.name(object.generateName) }
            do throws(APIError) {
                return try await createOnce(candidate, operation, permission)
            } catch {
                // A generated name that is taken is tried again with another end.
                guard generated, error.reason == "AlreadyExists", attempt < 7 else { throw error }
            }
        }
        throw .internalError("no free name for \(object.generateName)")
    }

    private func createOnce(
        _ given: APIObject, _ operation: FieldOperation, _ permission: Permission
    ) async throws(APIError) -> (StoredObject?, APIObject) {
        var object = given
        try permission.require(.create, resource, namespace: object.namespace, name: object.name)
        Machinery.applyDefaults(&object, resource)
        let admission = Admission(
            core: core, user: user, origin: request.origin, certificate: request.certificate, dryRun: options.dryRun,
            requestedName: info.name)
        try await admission.awaitAccount(object, resource)
        let home = try admission.home(of: object, resource)
        try admission.mutate(&object, old: nil, resource: resource, operation: .create)
        Machinery.applyDefaults(&object, resource)
        let strategy = ObjectStrategy(core: core, resource: resource, user: user)
        object.uid = Fresh.uid()
        try strategy.prepareForCreate(&object)
        if operation == .update { trackFields(live: nil, &object, subresource: "") }
        let prepared = object
        return try await core.allocator.reserving(for: resource, by: user) {
            (reservation) async throws(APIError) in
            var object = prepared
            try core.allocator.prepare(&object, old: nil, resource: resource, dryRun: options.dryRun, reservation)
            let errors = Machinery.validate(resource, new: object, old: nil)
            if !errors.isEmpty {
                throw .invalid(subject(object.name.isEmpty ? given.generateName : object.name), errors)
            }
            try admission.validate(object, old: nil, resource: resource, operation: .create)
            if options.dryRun {
                if storage.get(resource, namespace: object.namespace, name: object.name) != nil {
                    throw .alreadyExists(subject(object.name))
                }
                try await core.quotas.charging(object, old: nil, resource, dryRun: true) {}
                _ = try StorableForm.value(of: StoredForm.incoming(object, resource), resource, typing: .checked)
                return (nil, object)
            }
            let incoming = StoredForm.incoming(object, resource)
            let stored = try await core.quotas.charging(object, old: nil, resource, dryRun: false) {
                () async throws(APIError) in
                var home = home
                while true {
                    try requireServed()
                    if let stored = try await storage.create(
                        resource, incoming, in: home, by: permission, typing: .checked,
                        mayForgetManagers: operation != .applied)
                    {
                        return stored
                    }
                    home = try admission.home(of: incoming, resource, as: home)
                }
            }
            object.resourceVersion = String(stored.revision)
            RoleEvaluator.prepare(stored, resource)
            return (stored, object)
        }
    }

    /// The metadata that the server and not the client decides.
    private func prepareMetadata(_ object: inout APIObject) throws(APIError) {
        try checkNamespace(&object)
        var metadata = object.metadata
        if !info.name.isEmpty, info.subresource.isEmpty { metadata["name"] = .string(info.name) }
        if metadata["name"]?.string ?? "" == "", metadata["generateName"]?.string ?? "" == "" {
            metadata["name"] = nil
            if !ObjectStrategy.namesItself(resource) {
                throw .invalid(
                    subject(""),
                    [FieldError(.required, path: "metadata.name", detail: "name or generateName is required")])
            }
        }
        if let revision = metadata["resourceVersion"]?.string, !revision.isEmpty {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        for field in ["resourceVersion", "uid", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            metadata[field] = nil
        }
        metadata["creationTimestamp"] = .string(WallClock.text())
        object.metadata = metadata
    }

    /// The namespace of the path and the one in the object must agree; an object without one gets the path's.
    func checkNamespace(_ object: inout APIObject) throws(APIError) {
        if !resource.namespaced {
            object.namespace = ""
            return
        }
        if object.namespace.isEmpty { object.namespace = namespace }
        if namespace.isEmpty { throw .badRequest("an empty namespace may not be set during creation") }
        if object.namespace != namespace {
            throw .badRequest(
                "the namespace of the provided object does not match the namespace sent on the request")
        }
    }

    /// Notes in `managedFields` which manager set what.
    func trackFields(live: APIObject?, _ object: inout APIObject, subresource: String) {
        Machinery.trackFields(live: live, &object, manager: fieldManager, resource: resource, subresource: subresource)
    }

    /// The manager's name: given, or the first word of the client's user agent.
    var fieldManager: String {
        if let manager = options.fieldManager { return manager }
        return String(decoding: Array(request.agent.utf8.prefix(128)), as: UTF8.self)
    }
}
