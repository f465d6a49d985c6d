// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store

extension RequestScope {
    /// Requests for a subresource. Those that are a part of the object are read and written as the object is.
    func handleSubresource() async throws(APIError) -> HTTPResponse {
        guard resource.subresource(info.subresource) != nil else { throw .unknownResource }
        switch (info.subresource, info.verb) {
        case ("status", "get"), ("approval", "get"), ("ephemeralcontainers", "get"), ("resize", "get"):
            return try await get()
        case ("status", "update"), ("approval", "update"), ("ephemeralcontainers", "update"), ("resize", "update"),
            ("finalize", "update"):
            return try await update()
        case ("status", "patch"), ("approval", "patch"), ("ephemeralcontainers", "patch"), ("resize", "patch"):
            return try await patch()
        case ("scale", "get"): return try await getScale()
        case ("scale", "update"), ("scale", "patch"): return try await writeScale()
        case ("binding", "create"): return try await bind(name: info.name)
        case ("eviction", "create"): return try await evict()
        case ("token", "create"): return try await createToken()
        case ("log", "get"):
            try permission.require(.connect, resource, namespace: namespace, name: info.name)
            return try await KubeletProxy(scope: self).log()
        case ("exec", _), ("attach", _), ("portforward", _):
            guard ["get", "create"].contains(info.verb) else { throw .methodNotAllowed(subject()) }
            // A WebSocket begins with a GET, and comes to the same as the POST of SPDY.
            try await permit("create").require(.connect, resource, namespace: namespace, name: info.name)
            return try await KubeletProxy(scope: self).stream()
        case ("proxy", _):
            try permission.require(.connect, resource, namespace: namespace, name: info.name)
            return try await ObjectProxy(scope: self).forward()
        default: throw .methodNotAllowed(subject())
        }
    }

    // MARK: Scale

    private func scale(of object: APIObject) throws(APIError) -> APIObject {
        if let scale = resource.custom?.scale { return try CustomScale.scale(of: object, scale) }
        var metadata: JSONObject = ["name": .string(object.name)]
        for field in ["namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[field] = object.metadata[field]
        }
        var status: JSONObject = ["replicas": object.status["replicas"] ?? 0]
        let selector = object.spec["selector"]
        // A controller's selector is a label selector, a replication controller's a map.
        do throws(LabelSelectorError) {
            let text =
                resource.kind == "ReplicationController"
                ? LabelSelector(matching: selector?.object ?? [:]).description : try LabelSelector(selector).description
            if !text.isEmpty { status["selector"] = .string(text) }
        } catch {
            // Validation lets no such selector in; a scale without one is what upstream shows too.
            status["selector"] = nil
        }
        var spec: JSONObject = [:]
        if let replicas = object.spec["replicas"]?.integer, replicas != 0 { spec["replicas"] = .integer(replicas) }
        return APIObject([
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": .object(metadata), "spec": .object(spec),
            "status": .object(status),
        ])
    }

    private func respond(scaleOf object: APIObject) throws(APIError) -> HTTPResponse {
        try respond(json: try scale(of: object).json, schema: Machinery.schema("io.k8s.api.autoscaling.v1.Scale"))
    }

    private func getScale() async throws(APIError) -> HTTPResponse {
        try permission.require(.read, resource, namespace: namespace, name: info.name)
        let stored = try storage.require(resource, namespace: namespace, name: info.name)
        return try await apart(stored.bytes.count) { () throws(APIError) in
            try respond(scaleOf: StoredForm.outgoing(try APIObject(stored), resource))
        }
    }

    private func writeScale() async throws(APIError) -> HTTPResponse {
        let patchType = info.verb == "patch" ? try patchType() : nil
        let isApplied = patchType == Self.applyType
        let bytes = try await request.body()
        guard let schema = Machinery.schema("io.k8s.api.autoscaling.v1.Scale") else {
            throw .internalError("the type Scale is unknown")
        }
        let (stored, shown) = try await storage.change(resource, namespace: namespace, name: info.name, by: permission)
        {
            (raw, _) throws(APIError) in
            let old = StoredForm.outgoing(raw, resource)
            let current = try scale(of: old)
            var wanted: APIObject
            var applied: JSONValue?
            if isApplied {
                (wanted, applied) = try configuredScale(bytes)
            } else if let patchType {
                wanted = try patched(bytes, patchType, current, schema)
            } else {
                wanted = try Self.decode(
                    bytes, contentType: contentType, schema: schema, apiVersion: "autoscaling/v1", kind: "Scale",
                    options: options
                ).object
            }
            try Self.checkKind(&wanted.json, apiVersion: "autoscaling/v1", kind: "Scale")
            // A patch can put anything anywhere: what it made is a Scale, or nothing.
            wanted = try Self.checked(wanted.json, schema: schema, duplicates: [], options: options).object
            try checkIdentity(wanted)
            if !wanted.uid.isEmpty, wanted.uid != old.uid { throw .conflict(subject(), "the uid does not match") }
            if !wanted.resourceVersion.isEmpty, wanted.resourceVersion != old.resourceVersion {
                throw .modified(subject())
            }
            var new = old
            if isApplied { new = try applying(applied, to: old) }
            // A field that was only this manager's goes when he applies without; how many there are stays as it is.
            let replicas =
                (isApplied ? replicas(of: new) ?? replicas(of: old) : wanted.spec["replicas"])?.integer ?? 0
            if replicas < 0 {
                throw .invalid(
                    Subject(group: "autoscaling", resource: "scales", kind: "Scale", name: info.name),
                    [.invalid(FieldPath("spec")["replicas"], replicas, "must be greater than or equal to 0")])
            }
            if let scale = resource.custom?.scale {
                new.json = CustomScale.setting(replicas, in: new.json, scale.specReplicas)
            } else {
                var spec = new.spec
                spec["replicas"] = .integer(replicas)
                new.spec = spec
            }
            let errors = Machinery.validate(resource, new: new, old: old)
            if !errors.isEmpty { throw .invalid(subject(), errors) }
            if Self.isSame(new, old) || options.dryRun { return .show(new) }
            try requireServed()
            if !isApplied { trackFields(live: old, &new, subresource: "scale") }
            ObjectStrategy(core: core, resource: resource, user: user).bumpGeneration(&new, old: old)
            return .write(StoredForm.incoming(new, resource), mayForgetManagers: !isApplied)
        }
        if let shown { return try respond(scaleOf: shown) }
        return try respond(scaleOf: StoredForm.outgoing(try APIObject(stored), resource))
    }

    /// Where the number of replicas is.
    private var replicasPath: [String] { resource.custom?.scale?.specReplicas ?? ["spec", "replicas"] }

    private func replicas(of object: APIObject) -> JSONValue? {
        replicasPath.reduce(JSONValue?.some(.object(object.json))) { $0?[$1] }
    }

    /// The object when a number of replicas is applied to it: what others own of it is theirs, as of any other field.
    private func applying(_ replicas: JSONValue?, to object: APIObject) throws(APIError) -> APIObject {
        var value = replicas
        for step in replicasPath.reversed() { value = value.map { .object([step: $0]) } }
        var applied = APIObject(value?.object ?? [:])
        applied["apiVersion"] = .string(resource.apiVersion)
        applied["kind"] = .string(resource.kind)
        applied.name = object.name
        return try Machinery.apply(
            applied, to: object, manager: try applyManager(), force: options.force ?? false, resource: resource,
            subresource: "scale", subject: subject())
    }

    /// The scale that an apply brings, and the number in it: one that is left out asks for none, and is not 0.
    private func configuredScale(_ bytes: [UInt8]) throws(APIError) -> (APIObject, JSONValue?) {
        var duplicates: [String] = []
        guard case .object(let scale) = try Machinery.parseYAML(bytes, duplicates: &duplicates) else {
            throw .badRequest("error decoding YAML: the patch is not an object")
        }
        let object = APIObject(scale)
        if object.managedFields != nil { throw .badRequest("metadata.managedFields must be nil") }
        // The types are looked at where all ways meet.
        let replicas = object.spec["replicas"]
        return (object, replicas == .null ? nil : replicas)
    }

    private func patched(
        _ bytes: [UInt8], _ type: String, _ current: APIObject, _ schema: TypeSchema
    ) throws(APIError) -> APIObject {
        let patch: JSONValue
        do throws(JSONError) { patch = try JSONValue.parse(bytes) } catch {
            throw .badRequest("error decoding patch: \(error)")
        }
        return try Machinery.patch(patch, type: type, to: current, schema: schema, subject: subject())
    }

    // MARK: Binding

    /// Puts a pod on a node. The scheduler's act: once, and never again.
    func bind(name: String) async throws(APIError) -> HTTPResponse {
        guard let schema = Machinery.schema("io.k8s.api.core.v1.Binding") else {
            throw .internalError("the type Binding is unknown")
        }
        let body = try await decodeBody(schema, apiVersion: "v1", kind: "Binding").object
        if name.isEmpty {
            var object = body
            try checkNamespace(&object)
        } else {
            try checkIdentity(body)
        }
        let podName = name.isEmpty ? body.name : name
        let node = body["target"]?["name"]?.string ?? ""
        let kind = body["target"]?["kind"]?.string ?? ""
        let binding = Subject(group: "", resource: "bindings", kind: "Binding", name: podName)
        if !kind.isEmpty, kind != "Node" {
            throw .invalid(binding, [.notSupported(FieldPath("target")["kind"], kind, ["Node", "<empty>"])])
        }
        if node.isEmpty { throw .invalid(binding, [.required(FieldPath("target")["name"])]) }
        let pods = try core.builtin("", "pods")
        let restriction = NodeRestriction(core: core, user: user, origin: request.origin)
        _ = try await storage.update(pods, namespace: namespace, name: podName, by: permission) {
            (old, _) throws(APIError) in
            try restriction?.admit(old, old: old, pods, .create("binding"))
            if !body.uid.isEmpty, body.uid != old.uid { throw .conflict(binding, "the pod's uid is another") }
            if old.deletionTimestamp != nil {
                throw .conflict(binding, "pod \(podName) is being deleted, cannot be assigned to a host")
            }
            let current = old.spec["nodeName"]?.string ?? ""
            if !current.isEmpty {
                throw .conflict(binding, "pod \(podName) is already assigned to node \"\(current)\"")
            }
            if !(old.spec["schedulingGates"]?.array ?? []).isEmpty {
                throw .conflict(binding, "pod \(podName) has non-empty .spec.schedulingGates")
            }
            if options.dryRun { return nil }
            var new = old
            var spec = new.spec
            spec["nodeName"] = .string(node)
            new.spec = spec
            var annotations = new.annotations
            for (key, value) in body.annotations where key != Admission.mirrorAnnotation { annotations[key] = value }
            new.annotations = annotations
            Self.setCondition(&new, "PodScheduled", "True")
            trackFields(live: old, &new, subresource: "binding")
            return new
        }
        return try respond(
            json: ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201],
            schema: Machinery.statusSchema, status: 201)
    }

    static func setCondition(
        _ object: inout APIObject, _ type: String, _ value: String, reason: String? = nil, message: String? = nil
    ) {
        var status = object.status
        var conditions = status["conditions"]?.array ?? []
        var condition: JSONObject = [
            "type": .string(type), "status": .string(value), "lastProbeTime": .null,
            "lastTransitionTime": .string(WallClock.text()),
        ]
        if let reason { condition["reason"] = .string(reason) }
        if let message { condition["message"] = .string(message) }
        if let index = conditions.firstIndex(where: { $0["type"]?.string == type }) {
            if conditions[index]["status"]?.string == value {
                condition["lastTransitionTime"] = conditions[index]["lastTransitionTime"]
            }
            conditions[index] = .object(condition)
        } else {
            conditions.append(.object(condition))
        }
        status["conditions"] = .array(conditions)
        object.status = status
    }

    // MARK: Eviction

    /// A deletion that asks the pod's disruption budget first.
    private func evict() async throws(APIError) -> HTTPResponse {
        guard let schema = Machinery.schema("io.k8s.api.policy.v1.Eviction") else {
            throw .internalError("the type Eviction is unknown")
        }
        let bytes = try await request.body()
        let body = try Self.decode(
            bytes, contentType: contentType, schema: schema, apiVersion: "policy/v1", kind: "Eviction", options: options
        ).object
        if !body.name.isEmpty, body.name != info.name {
            throw .badRequest("name in URL does not match name in Eviction object")
        }
        try checkIdentity(body)
        var wanted = try DeleteOptions(body["deleteOptions"]?.object ?? [:])
        // Of an eviction the query's is the create's, and holds for all that it does.
        if options.dryRun { wanted.dryRun = true }
        let pod = try APIObject(try storage.require(resource, namespace: namespace, name: info.name))
        let restriction = NodeRestriction(core: core, user: user, origin: request.origin)
        try restriction?.admit(pod, old: pod, resource, .create("eviction"))
        try await Disruption(scope: self).admit(pod, dryRun: wanted.dryRun)
        if !wanted.dryRun {
            _ = try await storage.update(resource, namespace: namespace, name: info.name, by: permission) {
                (old, _) throws(APIError) in
                guard old.uid == pod.uid else { throw .conflict(subject(), "the pod is another by now") }
                guard old.deletionTimestamp == nil else { return nil }
                var new = old
                Self.setCondition(
                    &new, "DisruptionTarget", "True", reason: "EvictionByEvictionAPI",
                    message: "Eviction API: evicting")
                return new
            }
        }
        _ = try await delete(name: info.name, namespace: namespace, wanted) { (last) throws(APIError) in
            // By now it may be another of the same name.
            try restriction?.admit(last, old: last, resource, .create("eviction"))
        }
        return try respond(
            json: ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "code": 201],
            schema: Machinery.statusSchema, status: 201)
    }
}
