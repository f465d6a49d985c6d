// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// What is stored but not acted upon: whoever writes it is told so. `docs/limits.md` lists the same.
enum Unserved {
    private static let consequences: [String: String] = [
        "ValidatingWebhookConfiguration": "its webhooks are not called",
        "MutatingWebhookConfiguration": "its webhooks are not called",
        "ValidatingAdmissionPolicy": "its expressions are not evaluated",
        "ValidatingAdmissionPolicyBinding": "the expressions of its policy are not evaluated",
        "MutatingAdmissionPolicy": "its expressions are not evaluated",
        "MutatingAdmissionPolicyBinding": "the expressions of its policy are not evaluated",
        "APIService": "requests for its group are not forwarded",
        "FlowSchema": "requests are limited by their number alone",
        "PriorityLevelConfiguration": "requests are limited by their number alone",
        "HorizontalPodAutoscaler": "nothing scales its target",
        "NetworkPolicy": "every pod reaches every pod",
        "VolumeAttachment": "volumes are not attached by drivers",
        "CSIDriver": "storage drivers are not called",
        "ResourceClaim": "devices are not allocated",
        "ResourceQuota": "devices and classes of volume attributes are not counted",
        "PersistentVolumeClaim": "it stays Pending unless somebody binds it to a volume",
        "Namespace": "pods are not held to Pod Security Standards",
    ]

    /// Cheap: whether `warnings` may have anything to say.
    static func concerns(_ resource: ResourceKind) -> Bool {
        resource.custom == nil && (consequences[resource.kind] != nil || resource.kind == "Service")
    }

    static func warnings(_ object: APIObject, _ resource: ResourceKind) -> [String] {
        if resource.kind == "Pod", resource.group.isEmpty { return warnings(pod: object) }
        if resource.kind == "Service", resource.group.isEmpty { return warnings(service: object) }
        guard resource.custom == nil, let consequence = consequences[resource.kind], acts(object, resource) else {
            return []
        }
        return ["this server stores the \(resource.kind) but does not act on it yet: \(consequence)"]
    }

    /// The first of external addresses as upstream has it.
    private static func warnings(service: APIObject) -> [String] {
        var result: [String] = []
        // One with a class is left to who has that class.
        if service.spec["type"]?.string == "LoadBalancer", service.spec["loadBalancerClass"]?.string == nil {
            result.append(
                "spec.type: this server has no load balancers: the Service gets no address unless somebody else writes one "
                    + "into its status")
        }
        guard !(service.spec["externalIPs"]?.array ?? []).isEmpty else { return result }
        return result + [
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
            "spec.externalIPs: addresses of nodes, pods and Services are not served, unless nodes are told to "
                + "(--allow-external-ips); an Event of the Service says which",
        ]
    }

    /// Confinement and bounds that a new pod asks for and does not get.
    private static func warnings(pod: APIObject) -> [String] {
        let spec = pod.spec
        var result: [String] = []
        if spec["hostUsers"]?.bool == false {
            result.append(
                "spec.hostUsers: this server's nodes have no user namespaces for pods yet")
        }
        var contexts = [("spec", spec["securityContext"])]
        for field in ["initContainers", "containers"] {
            for (index, container) in (spec[field]?.array ?? []).enumerated() {
                contexts.append(("spec.\(field)[\(index)]", container["securityContext"]))
                if container["resources"]?["limits"]?["ephemeral-storage"] != nil {
                    result.append(
                        "spec.\(field)[\(index)].resources.limits[ephemeral-storage]: this server's nodes do not measure "
                            + "what a container writes outside its volumes")
                }
            }
        }
        for (path, context) in contexts {
            for field in ["appArmorProfile", "seLinuxOptions"] {
                guard let wish = context?[field], wish["type"]?.string != "Unconfined" else { continue }
                result.append(
                    "\(path).securityContext.\(field): this server's nodes do not apply it yet")
            }
        }
        return result
    }

    /// Whether the object asks for something that is not done.
    private static func acts(_ object: APIObject, _ resource: ResourceKind) -> Bool {
        switch resource.kind {
        // Without a service it stands for a group that this server has itself.
        case "APIService": object.spec["service"]?.object != nil
        case "PersistentVolumeClaim": object.spec["volumeName"]?.string?.isEmpty != false
        case "ResourceQuota":
            (object.spec["hard"]?.object ?? [:]).keys.contains { name in
                name.contains(".deviceclass.resource.k8s.io") || name.contains(".volumeattributesclass.storage.k8s.io")
            }
        case "Namespace":
            ["enforce", "warn", "audit"].contains {
                let level = object.labels["pod-security.kubernetes.io/\($0)"]?.string
                return level != nil && level != "privileged"
            }
        default: true
        }
    }
}
