// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization
internal import TLS
internal import Text

/// The built-in admission plugins, in upstream's order. They read other objects but write none.
struct Admission: Sendable {
    enum Operation: Sendable, Equatable {
        case create
        case update(String)
    }

    let core: ServerCore
    let user: RequestUser
    /// Where the request comes from.
    let origin: RequestOrigin
    /// What the client has shown in its handshake.
    let certificate: PeerCertificate?
    let dryRun: Bool
    /// The name in the request's path; empty for a create by POST.
    let requestedName: String
    let accounts = LastRead()

    func mutate(
        _ object: inout APIObject, old: APIObject?, resource: ResourceKind, operation: Operation
    ) throws(APIError) {
        if let old, case .update(let subresource) = operation {
            try NodeRestriction(core: core, user: user, origin: origin)?.admit(
                object, old: old, resource, .update(subresource))
            proveAddresses(&object, old, resource)
            noteOrigin(&object, old, resource)
            noteMaker(&object, old, resource)
        }
        if let old, resource.group.isEmpty, resource.kind == "Pod" {
            if operation == .update("") {
                tolerations(&object)
                keepPriority(&object, old)
            }
            // What is resized has to be what might be made so.
            if operation == .update("resize"), old.deletionTimestamp == nil { try limitDefaults(&object) }
        }
        guard operation == .create else { return }
        switch (resource.group, resource.kind) {
        case ("", "Pod"):
            try limitDefaults(&object)
            try serviceAccount(&object)
            try priority(&object)
            try runtimeClass(&object)
            tolerations(&object)
        case ("", "Node"): taintNotReady(&object)
        case ("", "PersistentVolumeClaim"):
            try defaultStorageClass(&object)
            Self.protect(&object, "kubernetes.io/pvc-protection")
        case ("", "PersistentVolume"): Self.protect(&object, "kubernetes.io/pv-protection")
        case ("networking.k8s.io", "Ingress"): try defaultIngressClass(&object)
        default: break
        }
        try NodeRestriction(core: core, user: user, origin: origin)?.admit(object, old: nil, resource, .create(""))
        proveAddresses(&object, nil, resource)
        noteOrigin(&object, nil, resource)
        noteMaker(&object, nil, resource)
    }

    func validate(
        _ object: APIObject, old: APIObject?, resource: ResourceKind, operation: Operation
    ) throws(APIError) {
        try keepOwnService(object, old: old, resource, operation)
        switch (resource.group, resource.kind, operation) {
        case ("", "Pod", .create):
            try checkLimits(object, resource)
            try checkMountableSecrets(object, resource, ephemeralOnly: false)
        case ("", "Pod", .update("ephemeralcontainers")):
            try checkMountableSecrets(object, resource, ephemeralOnly: true)
        case ("", "PersistentVolumeClaim", .create): try checkLimits(object, resource)
        case ("resource.k8s.io", "ResourceClaim", .create), ("resource.k8s.io", "ResourceClaimTemplate", .create),
            ("resource.k8s.io", "ResourceClaim", .update("status")):
            try checkAdminAccess(object, old: old, resource)
        case ("", "Pod", .update("resize")), ("", "PersistentVolumeClaim", .update("")):
            if old?.deletionTimestamp == nil { try checkLimits(object, resource) }
        case ("", "Service", .create), ("", "Service", .update("")): try denyExternalIPs(object, old, resource)
        case ("rbac.authorization.k8s.io", _, _):
            try RoleEscalation(core: core, user: user, name: requestedName).check(object, old: old, resource: resource)
        case ("certificates.k8s.io", "CertificateSigningRequest", .create):
            if user.groups.containsExactly(SigningRequestRoll.bootstrappers) {
                try NodeRestriction.checkSize(object, old, resource, .create(""))
            }
            try core.signingRequests.admit(object, by: user, resource) { core.nodes.standing(of: $0) }
            try checkSubject(object, resource)
            // Once more, after its time was written down: who was let in before the Node was made by another asks for
            // no certificate afterwards.
            if let certificate { try core.nodes.require(certificate) }
        case ("certificates.k8s.io", "CertificateSigningRequest", .update("approval")):
            try checkSigner("approve", object, resource)
        case ("certificates.k8s.io", "CertificateSigningRequest", .update("status"))
        where object.status["certificate"] != old?.status["certificate"]
            || object.status["conditions"] != old?.status["conditions"]:
            try checkSigner("sign", object, resource)
        case ("scheduling.k8s.io", "PriorityClass", .create): try checkPriorityClass(object, resource)
        default: break
        }
    }

    /// The object that was read last, for those who ask for it again.
    final class LastRead: Sendable {
        private let last = Mutex<(stored: StoredObject, object: APIObject, count: Int)?>(nil)

        /// How many objects have been read.
        var count: Int { last.withLock { $0?.count ?? 0 } }

        func object(_ stored: StoredObject) throws(APIError) -> APIObject {
            if let last = last.withLock({ $0 }), last.stored === stored { return last.object }
            let object = try APIObject(stored)
            last.withLock { $0 = (stored, object, ($0?.count ?? 0) + 1) }
            return object
        }
    }

    // MARK: Namespaces

    /// The namespace that a new object comes into, as it is stored; nil for an object that is in none. Throws where it takes
    /// no new objects. What is admitted by that is stored beside it only while it is the same (`NewValue.beside`): nothing
    /// comes into a namespace that is emptied meanwhile, however long it took to be admitted.
    func home(
        of object: APIObject, _ resource: ResourceKind, as before: StoredObject? = nil
    ) throws(APIError) -> StoredObject? {
        guard resource.namespaced else { return nil }
        guard let stored = try core.stored("", "namespaces", name: object.namespace),
            // Made again by that name, it is another.
            before == nil || before?.created == stored.created
        else { throw .notFound(Subject(group: "", resource: "namespaces", kind: "Namespace", name: object.namespace)) }
        let namespace = try APIObject(stored)
        guard namespace.deletionTimestamp != nil || namespace.status["phase"]?.string == "Terminating" else {
            return stored
        }
        var refusal = APIError.forbidden(
            resource.subject(object.name),
            "unable to create new content in namespace \(object.namespace) because it is being terminated")
        refusal.details["causes"] = [
            [
                "reason": "NamespaceTerminating",
                "message": .string("namespace \(object.namespace) is being terminated"), "field": "metadata.namespace",
            ]
        ]
        throw refusal
    }

    /// What must not go: the namespaces that a cluster stands on.
    func validateDelete(_ object: APIObject, resource: ResourceKind) throws(APIError) {
        if resource.group.isEmpty, resource.kind == "Namespace",
            ["default", "kube-system", "kube-public"].contains(object.name)
        {
            throw .forbidden(resource.subject(object.name), "this namespace may not be deleted")
        }
        if resource.group == "scheduling.k8s.io", object.name.hasPrefix("system-") {
            throw .forbidden(resource.subject(object.name), "this is a system priority class and cannot be deleted")
        }
        if isServers(resource, object.namespace, object.name) { throw servers(object, resource) }
        try NodeRestriction(core: core, user: user, origin: origin)?.admit(object, old: object, resource, .delete)
    }

    /// Whether an object is the Service by which all pods reach the API server, and the user somebody to whom it does not
    /// belong.
    func isServers(_ resource: ResourceKind, _ namespace: String, _ name: String) -> Bool {
        resource.group.isEmpty && resource.plural == "services" && namespace == "default" && name == "kubernetes"
            && !user.groups.containsExactly(Authorizer.masters)
    }

    private func servers(_ object: APIObject, _ resource: ResourceKind) -> APIError {
        .forbidden(
            resource.subject(object.name), "all pods reach the API server by it, and only the server keeps it")
    }

    /// Whoever may write Services in `default` has no say in where the others' requests to the API server go, nor in
    /// whether they arrive: not for as long either as the server takes to put its Service right.
    private func keepOwnService(
        _ object: APIObject, old: APIObject?, _ resource: ResourceKind, _ operation: Operation
    ) throws(APIError) {
        guard isServers(resource, object.namespace, object.name) else { return }
        switch operation {
        case .create: throw servers(object, resource)
        case .update("status"): return
        case .update:
            func kept(_ object: APIObject?) -> [JSONValue?] {
                let metadata = ["labels", "annotations", "finalizers", "ownerReferences"].map { object?.metadata[$0] }
                return metadata + [object?["spec"]]
            }
            if kept(object) != kept(old) { throw servers(object, resource) }
        }
    }

    /// DenyServiceExternalIPs: those a Service has may stay.
    private func denyExternalIPs(_ object: APIObject, _ old: APIObject?, _ resource: ResourceKind) throws(APIError) {
        guard core.configuration.deniesExternalIPs else { return }
        let held = old?.spec["externalIPs"]?.array ?? []
        guard (object.spec["externalIPs"]?.array ?? []).allSatisfy(held.contains) else {
            throw .forbidden(resource.subject(object.name), "Use of external IPs is denied by admission control")
        }
    }

    // MARK: Nodes, storage and ingress

    /// A new node takes no pods until its kubelet says it is ready.
    private func taintNotReady(_ object: inout APIObject) {
        var spec = object.spec
        var taints = spec["taints"]?.array ?? []
        if taints.contains(where: { $0["key"] == "node.kubernetes.io/not-ready" }) { return }
        taints.append(["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"])
        spec["taints"] = .array(taints)
        object.spec = spec
    }

    /// Storage stays while something uses it; a controller takes the finalizer away.
    private static func protect(_ object: inout APIObject, _ finalizer: String) {
        if !object.finalizers.contains(finalizer) { object.finalizers.append(finalizer) }
    }

    private func defaultStorageClass(_ object: inout APIObject) throws(APIError) {
        guard object.spec["storageClassName"] == nil else { return }
        let annotation = "storageclass.kubernetes.io/is-default-class"
        if let name = try newestDefault("storage.k8s.io", "storageclasses", annotation) {
            object["spec"]?["storageClassName"] = .string(name)
        }
    }

    private func defaultIngressClass(_ object: inout APIObject) throws(APIError) {
        guard object.spec["ingressClassName"] == nil,
            object.annotations["kubernetes.io/ingress.class"] == nil
        else { return }
        let annotation = "ingressclass.kubernetes.io/is-default-class"
        if let name = try newestDefault("networking.k8s.io", "ingressclasses", annotation) {
            object["spec"]?["ingressClassName"] = .string(name)
        }
    }

    private func newestDefault(_ group: String, _ plural: String, _ annotation: String) throws(APIError) -> String? {
        guard core.registry.preferred(group, plural) != nil else { return nil }
        return try core.objects(group, plural)
            .filter { $0.annotations[annotation]?.string == "true" }
            .max { $0.creationTimestamp < $1.creationTimestamp }?.name
    }

    /// Approving and signing are permissions on the signer: on its name, or on all of its domain.
    private func checkSigner(_ verb: String, _ object: APIObject, _ resource: ResourceKind) throws(APIError) {
        let signer = object.spec["signerName"]?.string ?? ""
        let domain = signer.steps.first ?? ""
        let authorizer = Authorizer(core: core)
        for name in [signer, "\(domain)/*"] {
            let request = AccessRequest(
                user: user, verb: verb, group: resource.group, resource: "signers", name: name)
            if try authorizer.decide(request).allowed { return }
        }
        throw .forbidden(
            resource.subject(object.name), "user not permitted to \(verb) requests with signerName \"\(signer)\"")
    }

    /// Nobody becomes the cluster's master by a certificate: no role could take that back.
    private func checkSubject(_ object: APIObject, _ resource: ResourceKind) throws(APIError) {
        let request: CertificateRequest
        do throws(TLSError) {
            request = try CertificateRequest(pem: Base64.decode(object.spec["request"]?.string ?? "") ?? [])
        } catch {
            throw .invalid(
                resource.subject(object.name),
                [FieldError(.invalid, path: "spec.request", detail: "\(error)")])
        }
        let signer = object.spec["signerName"]?.string ?? ""
        guard signer == "kubernetes.io/kube-apiserver-client", request.organizations.contains(Authorizer.masters)
        else { return }
        throw .forbidden(
            resource.subject(object.name), "use of \(signer) signer with system:masters group is not allowed")
    }

    private func checkPriorityClass(_ object: APIObject, _ resource: ResourceKind) throws(APIError) {
        guard object["globalDefault"]?.bool == true else { return }
        for other in try core.objects("scheduling.k8s.io", "priorityclasses")
        where other["globalDefault"]?.bool == true && other.name != object.name {
            throw .forbidden(
                resource.subject(object.name),
                "PriorityClass \(other.name) is already marked as default. Only one default can exist")
        }
    }
}
