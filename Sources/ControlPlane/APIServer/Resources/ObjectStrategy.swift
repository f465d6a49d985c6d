// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Numbers
internal import Schema

/// What the server, and not the client, decides of an object of a kind: which parts a write may touch, what is filled in.
struct ObjectStrategy: Sendable {
    let core: ServerCore
    let resource: ResourceKind
    let user: RequestUser

    /// Kinds whose `metadata.generation` counts the changes of the spec.
    static let generations: Set<String> = [
        "Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job", "CronJob",
        "PodDisruptionBudget", "Ingress", "IngressClass", "NetworkPolicy", "FlowSchema", "PriorityLevelConfiguration",
        "CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding", "PriorityClass", "ResourceSlice", "DeviceClass", "PodTemplate",
        "EndpointSlice",
    ]

    private static func countsGenerations(_ resource: ResourceKind) -> Bool {
        resource.custom != nil || generations.contains(resource.kind)
    }

    /// Kinds whose status a create may bring along.
    private static let keepsStatusOnCreate: Set<String> = ["Node", "PersistentVolumeClaim"]

    /// Kinds a PUT creates when they are missing.
    static func allowsCreateOnUpdate(_ resource: ResourceKind) -> Bool {
        resource.custom == nil
            && [
                "Lease", "Event", "Endpoints", "LimitRange", "Service", "Role", "RoleBinding", "ClusterRole",
                "ClusterRoleBinding",
                "RuntimeClass",
            ].contains(resource.kind)
    }

    /// Kinds whose DELETE answers with the object instead of a Status.
    static func returnsDeletedObject(_ resource: ResourceKind) -> Bool {
        resource.custom == nil
            && [
                "Pod", "Service", "ServiceAccount", "PersistentVolume", "PersistentVolumeClaim", "PodTemplate",
                "ResourceQuota", "StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "Binding",
            ].contains(resource.kind)
    }

    /// Kinds that need no name: reviews are answered, not stored.
    static func namesItself(_ resource: ResourceKind) -> Bool { !resource.isStored }

    // MARK: Create

    func prepareForCreate(_ object: inout APIObject) throws(APIError) {
        if resource.custom != nil {
            if resource.hasStatus { object["status"] = nil }
            object.generation = 1
            return
        }
        // Empty and not absent, as every object upstream writes: JSON patches rely on the field.
        if resource.hasStatus, !Self.keepsStatusOnCreate.contains(resource.kind) { object.status = [:] }
        object.generation = Self.generations.contains(resource.kind) ? 1 : 0
        switch (resource.group, resource.kind) {
        case ("", "Pod"): preparePod(&object)
        case ("", "Namespace"): prepareNamespace(&object)
        case ("", "Secret"): moveStringData(&object)
        case ("", "PersistentVolume"), ("", "PersistentVolumeClaim"): object.status = ["phase": "Pending"]
        case ("", "Service"): object.status = ["loadBalancer": [:]]
        case ("", "ReplicationController"), ("apps", "ReplicaSet"): object.status = ["replicas": 0]
        case ("apps", "DaemonSet"):
            object.status = [
                "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
            ]
        case ("apps", "StatefulSet"): object.status = ["replicas": 0, "availableReplicas": 0]
        case ("networking.k8s.io", "Ingress"): object.status = ["loadBalancer": [:]]
        case ("batch", "Job"): prepareJob(&object)
        case ("policy", "PodDisruptionBudget"):
            object.status = [
                "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
            ]
        case ("certificates.k8s.io", "CertificateSigningRequest"): prepareSigningRequest(&object)
        case ("apiextensions.k8s.io", "CustomResourceDefinition"):
            object.status = ["conditions": [], "acceptedNames": ["plural": "", "kind": ""], "storedVersions": []]
            Self.noteStorageVersion(&object)
        default: break
        }
    }

    private func preparePod(_ object: inout APIObject) {
        object.status = ["phase": "Pending", "qosClass": .string(PodQuality.of(object))]
    }

    private func prepareNamespace(_ object: inout APIObject) {
        var spec = object.spec
        var finalizers = spec["finalizers"]?.array ?? []
        if !finalizers.contains("kubernetes") { finalizers.append("kubernetes") }
        spec["finalizers"] = .array(finalizers)
        object.spec = spec
        object.status = ["phase": "Active"]
        var labels = object.labels
        labels["kubernetes.io/metadata.name"] = .string(object.name)
        object.labels = labels
    }

    /// `stringData` is a way to write, never to read.
    private func moveStringData(_ object: inout APIObject) {
        guard let text = object["stringData"]?.object else { return }
        var data = object["data"]?.object ?? [:]
        for (key, value) in text { data[key] = .string(Base64.encode(Array((value.string ?? "").utf8))) }
        object["data"] = .object(data)
        object["stringData"] = nil
    }

    /// A job finds its pods by its own uid unless its author wants to choose the selector.
    private func prepareJob(_ object: inout APIObject) {
        var spec = object.spec
        guard spec["manualSelector"]?.bool != true else { return }
        var template = spec["template"]?.object ?? [:]
        var metadata = template["metadata"]?.object ?? [:]
        var labels = metadata["labels"]?.object ?? [:]
        for key in ["controller-uid", "batch.kubernetes.io/controller-uid"] { labels[key] = .string(object.uid) }
        for key in ["job-name", "batch.kubernetes.io/job-name"] { labels[key] = .string(object.name) }
        metadata["labels"] = .object(labels)
        template["metadata"] = .object(metadata)
        spec["template"] = .object(template)
        var selector = spec["selector"]?.object ?? [:]
        var matching = selector["matchLabels"]?.object ?? [:]
        matching["batch.kubernetes.io/controller-uid"] = .string(object.uid)
        selector["matchLabels"] = .object(matching)
        spec["selector"] = .object(selector)
        object.spec = spec
    }

    /// Who asks for a certificate is what the server knows, not what the request says.
    private func prepareSigningRequest(_ object: inout APIObject) {
        var spec = object.spec
        spec["username"] = .string(user.name)
        spec["uid"] = user.uid.isEmpty ? nil : .string(user.uid)
        spec["groups"] = .array(user.groups.map { .string($0) })
        spec["extra"] =
            user.extra.isEmpty
            ? nil : .object(JSONObject(user.extra.map { ($0.key, .array($0.value.map { .string($0) })) }))
        object.spec = spec
    }

    // MARK: Update

    /// Confines an update to the part of the object that its path names.
    func prepareForUpdate(_ new: inout APIObject, old: APIObject, subresource: String) throws(APIError) {
        switch subresource {
        case "": try prepareWhole(&new, old: old)
        case "status": prepareStatus(&new, old: old)
        case "ephemeralcontainers":
            let containers = new.spec["ephemeralContainers"]
            new = Self.replacing(old, metadataOf: new)
            new["spec"]?["ephemeralContainers"] = containers
        case "resize":
            let resized = new.spec
            new = Self.replacing(old, metadataOf: new)
            Self.copyResources(from: resized, to: &new)
        case "approval": SigningRequest.prepare(&new, old: old, subresource: subresource)
        case "finalize":
            let finalizers = new.spec["finalizers"]
            new = Self.replacing(old, metadataOf: new)
            var spec = new.spec
            spec["finalizers"] = finalizers
            new.spec = spec
        default: throw .internalError("nothing says what \(resource.plural)/\(subresource) may change")
        }
    }

    private func prepareWhole(_ new: inout APIObject, old: APIObject) throws(APIError) {
        if resource.hasStatus { new["status"] = old["status"] }
        switch (resource.group, resource.kind) {
        case ("", "Secret"): moveStringData(&new)
        case ("", "Namespace"): new["spec"] = old["spec"]
        case ("certificates.k8s.io", "CertificateSigningRequest"):
            SigningRequest.prepare(&new, old: old, subresource: "")
        case ("", "Service"): ServiceTypeChange(from: old.spec, to: new.spec).apply(to: &new)
        case ("apiextensions.k8s.io", "CustomResourceDefinition"): Self.noteStorageVersion(&new)
        default: break
        }
    }

    /// A definition remembers every version that objects may be stored in.
    private static func noteStorageVersion(_ definition: inout APIObject) {
        let storage = (definition.spec["versions"]?.array ?? []).first { $0["storage"] == true }
        var versions = definition.status["storedVersions"]?.array ?? []
        guard let name = storage?["name"], !versions.contains(name) else { return }
        versions.append(name)
        var status = definition.status
        status["storedVersions"] = .array(versions)
        definition.status = status
    }

    /// The metadata that a write of the status may change.
    private var metadataWithStatus: [String] {
        guard resource.custom == nil, !Self.statusIsAlone.contains(resource.kind) else { return ["managedFields"] }
        let fields = ["annotations", "finalizers", "managedFields"]
        return resource.group == "apps" ? fields : fields + ["labels"]
    }

    /// Kinds whose status is written without any metadata.
    private static let statusIsAlone: Set<String> = [
        "ServiceCIDR", "ResourceClaim", "VolumeAttachment", "ValidatingAdmissionPolicy", "APIService", "FlowSchema",
        "PriorityLevelConfiguration",
    ]

    /// A status update leaves everything else, and of the metadata what the kind's owner manages.
    private func prepareStatus(_ new: inout APIObject, old: APIObject) {
        let status = new["status"]
        let metadata = new.metadata
        new.json = old.json
        var kept = old.metadata
        for field in metadataWithStatus { kept[field] = metadata[field] }
        new.metadata = kept
        new["status"] = status
        switch (resource.group, resource.kind) {
        case ("", "Pod"):
            let quality = old.status["qosClass"] ?? .string(PodQuality.of(new))
            new["status"]?["qosClass"] = quality
        case ("certificates.k8s.io", "CertificateSigningRequest"):
            SigningRequest.prepare(&new, old: old, subresource: "status")
        case ("resource.k8s.io", "ResourceClaim"): ResourceClaimRights.dropGivenBack(&new, old: old)
        default: break
        }
    }

    private static func replacing(_ old: APIObject, metadataOf new: APIObject) -> APIObject {
        var result = old
        result.managedFields = new.managedFields
        return result
    }

    private static func copyResources(from spec: JSONObject, to object: inout APIObject) {
        for field in ["containers", "initContainers"] {
            var containers = object.spec[field]?.array ?? []
            let places = Dictionary(containers.enumerated().map { ($1["name"], $0) }) { first, _ in first }
            for wanted in spec[field]?.array ?? [] {
                guard let index = places[wanted["name"]] else { continue }
                containers[index]["resources"] = wanted["resources"]
                containers[index]["resizePolicy"] = wanted["resizePolicy"]
            }
            if !containers.isEmpty { object["spec"]?[field] = .array(containers) }
        }
        if let resources = spec["resources"] { object["spec"]?["resources"] = resources }
    }

    /// Counts a change of what the object asks for.
    func bumpGeneration(_ new: inout APIObject, old: APIObject) {
        guard Self.countsGenerations(resource) else { return }
        let status = resource.custom == nil || resource.hasStatus
        if Self.wish(new, status) != Self.wish(old, status) { new.generation = old.generation.saturatingSum(1) }
    }

    /// Everything but metadata and, where it is written apart, status.
    private static func wish(_ object: APIObject, _ hasStatus: Bool) -> JSONObject {
        var copy = object.json
        for field in ["metadata", "kind", "apiVersion"] { copy[field] = nil }
        if hasStatus { copy["status"] = nil }
        return copy
    }
}

/// The quality of service class of a pod.
enum PodQuality {
    static func of(_ pod: APIObject) -> String {
        var anything = false
        var guaranteed = true
        let containers = (pod.spec["containers"]?.array ?? []) + (pod.spec["initContainers"]?.array ?? [])
        for container in containers {
            let requests = container["resources"]?["requests"]?.object ?? [:]
            let limits = container["resources"]?["limits"]?.object ?? [:]
            for name in ["cpu", "memory"] {
                let request = quantity(requests[name])
                let limit = quantity(limits[name])
                if request != nil || limit != nil { anything = true }
                guard let limit else {
                    guaranteed = false
                    continue
                }
                if let request, request != limit { guaranteed = false }
            }
        }
        if !anything { return "BestEffort" }
        return guaranteed ? "Guaranteed" : "Burstable"
    }

    private static func quantity(_ value: JSONValue?) -> Quantity? {
        guard let value else { return nil }
        let text = value.string ?? (value.number.map { "\($0)" } ?? "")
        guard let quantity = Quantity(text), !quantity.isZero else { return nil }
        return quantity
    }
}
