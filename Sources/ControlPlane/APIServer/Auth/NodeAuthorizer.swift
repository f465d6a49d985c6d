// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store

/// What a kubelet may read: what the pods on its node refer to, and nothing else of the kind.
struct NodeAuthorizer: Sendable {
    let core: ServerCore

    enum Decision: Sendable {
        case allowed
        case noOpinion(String)
    }

    private static let reads: Set<String> = ["get", "list", "watch"]
    private static let writes: Set<String> = ["create", "update", "patch", "delete"]

    func decide(_ request: AccessRequest, node: String) throws(APIError) -> Decision {
        guard request.path == nil else { return .noOpinion("") }
        // A right on a kind is none on its subresources: `pods` is not `pods/exec`.
        if !request.subresource.isEmpty {
            let known: [String] =
                switch (request.group, request.resource) {
                case ("", "pods"): ["status", "eviction"]
                case ("", "nodes"), ("", "persistentvolumeclaims"): ["status"]
                case ("", "serviceaccounts"): ["token"]
                default: []
                }
            guard known.contains(request.subresource) else { return .noOpinion("") }
        }
        switch (request.group, request.resource) {
        case ("", "secrets"): return try referenced(request, node, "secret", Self.secretNames)
        case ("", "configmaps"): return try referenced(request, node, "configmap", Self.configMapNames)
        case ("", "persistentvolumeclaims"):
            if request.subresource == "status", ["get", "update", "patch"].contains(request.verb) { return .allowed }
            return try referenced(request, node, "persistentvolumeclaim", Self.claimNames)
        case ("", "persistentvolumes"): return try volume(request, node)
        case ("storage.k8s.io", "volumeattachments"):
            return request.verb == "get" ? .allowed : .noOpinion("can only get individual resources of this type")
        case ("", "serviceaccounts"):
            guard request.subresource == "token", request.verb == "create" else {
                return request.verb == "get"
                    ? .allowed : .noOpinion("can only create tokens for individual service accounts")
            }
            return try referenced(request, node, "serviceaccount", Self.accountNames)
        case ("", "pods"):
            if Self.reads.contains(request.verb) { return .allowed }
            let verbs =
                switch request.subresource {
                case "": ["create", "delete"]
                case "status": ["update", "patch"]
                default: ["create"]
                }
            return verbs.contains(request.verb) ? .allowed : .noOpinion("")
        case ("", "nodes"):
            return Self.reads.contains(request.verb) || Self.writes.contains(request.verb) ? .allowed : .noOpinion("")
        case ("coordination.k8s.io", "leases"):
            guard request.namespace == "kube-node-lease" else {
                return .noOpinion("can only access leases in the \"kube-node-lease\" system namespace")
            }
            if request.verb != "create", request.name != node {
                return .noOpinion("can only access node lease with the same name as the requesting node")
            }
            return .allowed
        case ("storage.k8s.io", "csinodes"):
            if request.verb != "create", request.name != node {
                return .noOpinion("can only access CSINode with the same name as the requesting node")
            }
            return .allowed
        case ("", "services"), ("", "endpoints"), ("storage.k8s.io", "csidrivers"), ("node.k8s.io", "runtimeclasses"),
            ("storage.k8s.io", "storageclasses"), ("discovery.k8s.io", "endpointslices"),
            ("resource.k8s.io", "resourceclaims"), ("networking.k8s.io", "servicecidrs"):
            return Self.reads.contains(request.verb) ? .allowed : .noOpinion("")
        case ("", "events"), ("events.k8s.io", "events"):
            return ["create", "update", "patch"].contains(request.verb) ? .allowed : .noOpinion("")
        case ("certificates.k8s.io", "certificatesigningrequests"):
            return ["create", "get", "list", "watch"].contains(request.verb) ? .allowed : .noOpinion("")
        case ("authentication.k8s.io", "tokenreviews"), ("authorization.k8s.io", "subjectaccessreviews"),
            ("authorization.k8s.io", "localsubjectaccessreviews"):
            return request.verb == "create" ? .allowed : .noOpinion("")
        case ("resource.k8s.io", "resourceslices"): return .allowed
        default: return .noOpinion("")
        }
    }

    /// The object is named, only read, and used by a pod of the node.
    private func referenced(
        _ request: AccessRequest, _ node: String, _ kind: String, _ names: (APIObject) -> [String]
    ) throws(APIError) -> Decision {
        let readable = request.resource == "serviceaccounts" || Self.reads.contains(request.verb)
        guard readable else { return .noOpinion("can only read resources of this type") }
        guard !request.name.isEmpty else {
            return .noOpinion("can only read individual resources of this type")
        }
        for pod in try pods(of: node, namespace: request.namespace) where names(pod).contains(request.name) {
            return .allowed
        }
        return .noOpinion("no relationship found between node '\(node)' and this object")
    }

    private func volume(_ request: AccessRequest, _ node: String) throws(APIError) -> Decision {
        guard request.verb == "get" else { return .noOpinion("can only get individual resources of this type") }
        guard let volume = try core.object("", "persistentvolumes", name: request.name),
            let namespace = volume.spec["claimRef"]?["namespace"]?.string,
            let claim = volume.spec["claimRef"]?["name"]?.string
        else { return .noOpinion("no relationship found between node '\(node)' and this object") }
        for pod in try pods(of: node, namespace: namespace) where Self.claimNames(pod).contains(claim) {
            return .allowed
        }
        return .noOpinion("no relationship found between node '\(node)' and this object")
    }

    private func pods(of node: String, namespace: String) throws(APIError) -> [APIObject] {
        let resource = try core.builtin("", "pods")
        var result: [APIObject] = []
        for stored in core.storage.all(resource, namespace: namespace)
        where ObjectFacts.of(stored, resource).fields["spec.nodeName"] == node {
            result.append(try APIObject(stored))
        }
        return result
    }

    // MARK: What a pod refers to

    private static func containers(_ pod: APIObject) -> [JSONValue] {
        ["containers", "initContainers", "ephemeralContainers"].flatMap { pod.spec[$0]?.array ?? [] }
    }

    private static func volumes(_ pod: APIObject) -> [JSONValue] { pod.spec["volumes"]?.array ?? [] }

    static func secretNames(_ pod: APIObject) -> [String] {
        var names = (pod.spec["imagePullSecrets"]?.array ?? []).compactMap { $0["name"]?.string }
        for volume in volumes(pod) {
            names += [volume["secret"]?["secretName"]?.string].compactMap { $0 }
            for source in volume["projected"]?["sources"]?.array ?? [] {
                names += [source["secret"]?["name"]?.string].compactMap { $0 }
            }
            for driver in ["csi", "cephfs", "rbd", "iscsi", "flexVolume", "scaleIO", "storageos"] {
                let reference = volume[driver]
                names += [
                    reference?["nodePublishSecretRef"]?["name"]?.string, reference?["secretRef"]?["name"]?.string,
                ].compactMap { $0 }
            }
        }
        for container in containers(pod) {
            for source in container["envFrom"]?.array ?? [] {
                names += [source["secretRef"]?["name"]?.string].compactMap { $0 }
            }
            for variable in container["env"]?.array ?? [] {
                names += [variable["valueFrom"]?["secretKeyRef"]?["name"]?.string].compactMap { $0 }
            }
        }
        return names
    }

    static func configMapNames(_ pod: APIObject) -> [String] {
        var names: [String] = []
        for volume in volumes(pod) {
            names += [volume["configMap"]?["name"]?.string].compactMap { $0 }
            for source in volume["projected"]?["sources"]?.array ?? [] {
                names += [source["configMap"]?["name"]?.string].compactMap { $0 }
            }
        }
        for container in containers(pod) {
            for source in container["envFrom"]?.array ?? [] {
                names += [source["configMapRef"]?["name"]?.string].compactMap { $0 }
            }
            for variable in container["env"]?.array ?? [] {
                names += [variable["valueFrom"]?["configMapKeyRef"]?["name"]?.string].compactMap { $0 }
            }
        }
        return names
    }

    static func claimNames(_ pod: APIObject) -> [String] {
        volumes(pod).compactMap { volume in
            if let name = volume["persistentVolumeClaim"]?["claimName"]?.string { return name }
            // A generic ephemeral volume's claim is named after the pod and the volume.
            return volume["ephemeral"] == nil ? nil : "\(pod.name)-\(volume["name"]?.string ?? "")"
        }
    }

    static func accountNames(_ pod: APIObject) -> [String] {
        [pod.spec["serviceAccountName"]?.string].compactMap { $0 }
    }
}
