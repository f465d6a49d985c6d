// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// What an API server refuses about an object before it stores it, worded as upstream words it.
public enum Validation {
    /// The complaints about an object in its final form (defaults filled in); empty when it may be stored.
    ///
    /// `old` is the stored object on update, nil on create. `subresource` is `status` and the like, empty for the
    /// object itself.
    public static func validate(
        resource: ResourceKind, new: JSONValue, old: JSONValue? = nil, subresource: String = ""
    ) -> [FieldError] {
        guard let custom = resource.custom else {
            return validate(
                group: resource.group, kind: resource.kind, namespaced: resource.namespaced, new: new, old: old,
                subresource: subresource)
        }
        var validator = Validator(old: old)
        validator.metadata(new["metadata"], namespaced: resource.namespaced, name: NameRule.subdomain.check)
        let object = new.object ?? [:]
        let before = old?.object
        validator.errors += custom.schema.validate(object, old: before)
        let known = before.map { Set(custom.schema.validateLists($0)) } ?? []
        validator.errors += custom.schema.validateLists(object).filter { !known.contains($0) }
        return validator.errors.all
    }

    static func validate(
        group: String, kind: String, namespaced: Bool, new: JSONValue, old: JSONValue? = nil, subresource: String = ""
    ) -> [FieldError] {
        var validator = Validator(old: old)
        let rules = rules["\(group)/\(kind)"] ?? KindRules()
        if rules.hasMetadata { validator.metadata(new["metadata"], namespaced: namespaced, name: rules.name.check) }
        switch subresource {
        case "status" where group.isEmpty && kind == "Service": validator.serviceStatus(new)
        case "status" where group.isEmpty && kind == "Pod": validator.podStatus(new)
        case "status" where group.isEmpty && kind == "Node": validator.nodeStatus(new)
        case "status" where group.isEmpty && kind == "Namespace": validator.namespaceStatus(new)
        case "status" where group == "resource.k8s.io" && kind == "ResourceClaim": validator.resourceClaimStatus(new)
        case "finalize": validator.namespaceFinalizers(new)
        case "status", "scale", "approval": break
        case "ephemeralcontainers": validator.ephemeralContainersUpdate(new)
        case "resize": validator.podResize(new)
        default: rules.body(&validator, new)
        }
        return validator.errors.all
    }

    /// What the names of a kind's objects look like.
    enum NameRule: Sendable {
        case subdomain, label, label1035, pathSegment, address

        func check(_ name: String) -> [String] {
            switch self {
            case .subdomain: Names.dnsSubdomain(name)
            case .label: Names.dnsLabel(name)
            case .label1035: Names.dns1035Label(name)
            case .pathSegment: Names.pathSegment(name)
            case .address: Addresses.isCanonical(name) ? [] : ["must be a canonical form IP address"]
            }
        }
    }

    /// What is particular to one kind.
    struct KindRules: Sendable {
        typealias Body = @Sendable (inout Validator, JSONValue) -> Void

        var name: NameRule
        var hasMetadata: Bool
        var body: Body

        init(
            name: NameRule = .subdomain, hasMetadata: Bool = true, body: @escaping Body = { _, _ in }
        ) {
            self.name = name
            self.hasMetadata = hasMetadata
            self.body = body
        }
    }

    private static let rules: [String: KindRules] = [
        "/Pod": KindRules { $0.pod($1) },
        "/PodTemplate": KindRules { $0.podTemplate($1["template"], FieldPath("template")) },
        "/Service": KindRules(name: .label1035) { $0.service($1) },
        "/ConfigMap": KindRules { $0.configMap($1) },
        "/Secret": KindRules { $0.secret($1) },
        "/Namespace": KindRules(name: .label),
        "/Event": KindRules { $0.coreEvent($1) },
        "events.k8s.io/Event": KindRules { $0.event($1) },
        "/Node": KindRules { $0.node($1) },
        "/Endpoints": KindRules { $0.endpoints($1) },
        "/ResourceQuota": KindRules { $0.resourceQuota($1) },
        "/LimitRange": KindRules { $0.limitRange($1) },
        "/PersistentVolume": KindRules { $0.persistentVolume($1) },
        "/PersistentVolumeClaim": KindRules { $0.persistentVolumeClaim($1) },
        "/ReplicationController": KindRules { $0.replicationController($1) },
        "/Binding": KindRules(hasMetadata: false) { $0.binding($1) },
        "apps/Deployment": KindRules { $0.deployment($1) },
        "apps/ReplicaSet": KindRules { $0.replicaSet($1) },
        "apps/StatefulSet": KindRules(name: .label) { $0.statefulSet($1) },
        "apps/DaemonSet": KindRules { $0.daemonSet($1) },
        "apps/ControllerRevision": KindRules { $0.controllerRevision($1) },
        "batch/Job": KindRules { $0.job($1) },
        "batch/CronJob": KindRules { $0.cronJob($1) },
        "networking.k8s.io/Ingress": KindRules { $0.ingress($1) },
        "networking.k8s.io/IngressClass": KindRules { $0.ingressClass($1) },
        "networking.k8s.io/NetworkPolicy": KindRules { $0.networkPolicy($1) },
        "networking.k8s.io/IPAddress": KindRules(name: .address) { $0.addressObject($1) },
        "networking.k8s.io/ServiceCIDR": KindRules { $0.serviceRange($1) },
        "discovery.k8s.io/EndpointSlice": KindRules { $0.endpointSlice($1) },
        "coordination.k8s.io/Lease": KindRules { $0.lease($1) },
        "rbac.authorization.k8s.io/Role": KindRules(name: .pathSegment) { $0.role($1, namespaced: true) },
        "rbac.authorization.k8s.io/ClusterRole": KindRules(name: .pathSegment) { $0.role($1, namespaced: false) },
        "rbac.authorization.k8s.io/RoleBinding": KindRules(name: .pathSegment) {
            $0.roleBinding($1, namespaced: true)
        },
        "rbac.authorization.k8s.io/ClusterRoleBinding": KindRules(name: .pathSegment) {
            $0.roleBinding($1, namespaced: false)
        },
        "apiextensions.k8s.io/CustomResourceDefinition": KindRules { $0.customResourceDefinition($1) },
        "policy/PodDisruptionBudget": KindRules { $0.podDisruptionBudget($1) },
        "autoscaling/HorizontalPodAutoscaler": KindRules { $0.horizontalPodAutoscaler($1) },
        "autoscaling/Scale": KindRules {
            $0.nonNegative($1["spec"]?["replicas"], FieldPath("spec")["replicas"])
        },
        "scheduling.k8s.io/PriorityClass": KindRules { $0.priorityClass($1) },
        "node.k8s.io/RuntimeClass": KindRules { $0.runtimeClass($1) },
        "resource.k8s.io/ResourceClaim": KindRules { $0.unchangedSpec($1) },
        "resource.k8s.io/ResourceClaimTemplate": KindRules { $0.unchangedSpec($1) },
        "resource.k8s.io/ResourceSlice": KindRules { $0.resourceSlice($1) },
        "storage.k8s.io/CSIDriver": KindRules { $0.driver($1) },
        "storage.k8s.io/CSINode": KindRules { $0.nodeDrivers($1) },
        "storage.k8s.io/CSIStorageCapacity": KindRules { $0.storageCapacity($1) },
        "storage.k8s.io/StorageClass": KindRules { $0.storageClass($1) },
        "storage.k8s.io/VolumeAttachment": KindRules { $0.volumeAttachment($1) },
        "storage.k8s.io/VolumeAttributesClass": KindRules { $0.volumeAttributesClass($1) },
        "certificates.k8s.io/CertificateSigningRequest": KindRules { $0.certificateSigningRequest($1) },
        "authentication.k8s.io/TokenRequest": KindRules(hasMetadata: false) { $0.tokenRequest($1) },
        "authorization.k8s.io/SubjectAccessReview": KindRules(hasMetadata: false) { $0.subjectAccessReview($1) },
        "authorization.k8s.io/LocalSubjectAccessReview": KindRules(hasMetadata: false) {
            $0.subjectAccessReview($1, namespaced: true)
        },
        "authorization.k8s.io/SelfSubjectAccessReview": KindRules(hasMetadata: false) {
            $0.selfSubjectAccessReview($1)
        },
    ]
}
