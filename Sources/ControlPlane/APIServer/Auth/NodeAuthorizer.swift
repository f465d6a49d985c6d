// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import KubeAPI
internal import TLS

extension PeerCertificate {
    /// The node that its holder is, where it is one.
    var nodeName: String? { RequestUser(name: commonName, groups: organizations).nodeName }
}

extension RequestUser {
    /// The node that this user is, where it is one; empty for one that says it is a node and not which. A node's name is
    /// ASCII: a text that only looks like it is no node's.
    var nodeName: String? {
        let prefix = "system:node:"
        guard name.hasPrefix(prefix), groups.contains("system:nodes") else { return nil }
        let node = name.utf8.dropFirst(prefix.utf8.count)
        return node.allSatisfy { $0 < 0x80 } ? String(node) ?? "" : ""
    }
}

/// What a kubelet may do: read what the pods on its node refer to, and write what is its own. What it writes is bounded
/// further by `NodeRestriction`, which sees the objects.
struct NodeAuthorizer: Sendable {
    let core: ServerCore

    enum Decision: Sendable, Equatable {
        case allowed
        case noOpinion(String)
    }

    /// What nodes may do to kinds that are not divided among them: the rules of the role `system:node`, to which nobody is
    /// bound.
    private static let rules = DefaultPolicy().rules(ofRole: "system:node").map(HeldRule.init)

    func decide(_ request: AccessRequest, node: String) -> Decision {
        if node.isEmpty { return .noOpinion("unknown node for user \"\(request.user.name)\"") }
        if request.path == nil {
            switch (request.group, request.resource) {
            case ("", "secrets"): return readNamespaced(request, node, .secret)
            case ("", "configmaps"): return readNamespaced(request, node, .configMap)
            case ("", "persistentvolumeclaims"):
                return request.subresource == "status"
                    ? updateStatus(request, node, .claim) : get(request, node, .claim)
            case ("", "persistentvolumes"): return get(request, node, .volume)
            case ("resource.k8s.io", "resourceclaims"): return get(request, node, .resourceClaim)
            case ("storage.k8s.io", "volumeattachments"): return get(request, node, .attachment)
            case ("", "serviceaccounts"): return serviceAccount(request, node)
            case ("coordination.k8s.io", "leases"): return lease(request, node)
            case ("storage.k8s.io", "csinodes"): return csiNode(request, node)
            case ("resource.k8s.io", "resourceslices"): return slice(request, node)
            case ("", "nodes"): return nodeObject(request, node)
            case ("", "pods"): return pod(request, node)
            // Not served by default.
            case ("certificates.k8s.io", "podcertificaterequests"): return .noOpinion("")
            default: break
            }
        }
        return Self.rules.contains { $0.allows(request) } ? .allowed : .noOpinion("")
    }

    // MARK: By what a pod refers to

    private func readNamespaced(_ request: AccessRequest, _ node: String, _ kind: NodeGraph.Kind) -> Decision {
        guard Self.reads.contains(request.verb) else { return .noOpinion("can only read resources of this type") }
        guard request.subresource.isEmpty else { return .noOpinion("cannot read subresource") }
        guard !request.namespace.isEmpty else { return .noOpinion("can only read namespaced object of this type") }
        return related(request, node, kind)
    }

    private func get(_ request: AccessRequest, _ node: String, _ kind: NodeGraph.Kind) -> Decision {
        guard request.verb == "get" else { return .noOpinion("can only get individual resources of this type") }
        guard request.subresource.isEmpty else { return .noOpinion("cannot get subresource") }
        return related(request, node, kind)
    }

    private func updateStatus(_ request: AccessRequest, _ node: String, _ kind: NodeGraph.Kind) -> Decision {
        guard ["update", "patch"].contains(request.verb) else {
            return .noOpinion("can only get/update/patch this type")
        }
        return related(request, node, kind)
    }

    private func serviceAccount(_ request: AccessRequest, _ node: String) -> Decision {
        if request.verb == "get", request.subresource.isEmpty { return readNamespaced(request, node, .account) }
        guard request.verb == "create", !request.name.isEmpty else {
            return .noOpinion("can only create tokens for individual service accounts")
        }
        guard request.subresource == "token" else {
            return .noOpinion("can only create token subresource of serviceaccount")
        }
        return related(request, node, .account)
    }

    private func related(_ request: AccessRequest, _ node: String, _ kind: NodeGraph.Kind) -> Decision {
        guard !request.name.isEmpty else { return .noOpinion("No Object name found") }
        let isOfCluster = [.volume, .attachment, .slice].contains(kind)
        let object = NodeGraph.Vertex(kind, namespace: isOfCluster ? "" : request.namespace, request.name)
        return core.relations.leads(object, to: node)
            ? .allowed : .noOpinion("no relationship found between node '\(node)' and this object")
    }

    // MARK: By name

    private static let reads: Set<String> = ["get", "list", "watch"]
    private static let ownVerbs: Set<String> = ["get", "create", "update", "patch", "delete"]

    private func lease(_ request: AccessRequest, _ node: String) -> Decision {
        guard Self.ownVerbs.contains(request.verb) else {
            return .noOpinion("can only get, create, update, patch, or delete a node lease")
        }
        guard request.namespace == "kube-node-lease" else {
            return .noOpinion("can only access leases in the \"kube-node-lease\" system namespace")
        }
        // The name of what is created is known to admission.
        guard request.verb == "create" || request.name == node else {
            return .noOpinion("can only access node lease with the same name as the requesting node")
        }
        return .allowed
    }

    private func csiNode(_ request: AccessRequest, _ node: String) -> Decision {
        guard Self.ownVerbs.contains(request.verb) else {
            return .noOpinion("can only get, create, update, patch, or delete a CSINode")
        }
        guard request.subresource.isEmpty else { return .noOpinion("cannot authorize CSINode subresources") }
        guard request.verb == "create" || request.name == node else {
            return .noOpinion("can only access CSINode with the same name as the requesting node")
        }
        return .allowed
    }

    private func nodeObject(_ request: AccessRequest, _ node: String) -> Decision {
        switch (request.subresource, request.verb) {
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"): return .allowed
        case ("", "get"), ("", "list"), ("", "watch"):
            // By name and not by the graph: a kubelet looks for its Node before it makes it.
            if request.name == node { return .allowed }
            if request.name.isEmpty {
                return .noOpinion("node '\(node)' cannot read all nodes, only its own Node object")
            }
            return .noOpinion("node '\(node)' cannot read '\(request.name)', only its own Node object")
        default: return .noOpinion("")
        }
    }

    // MARK: By selector

    private func pod(_ request: AccessRequest, _ node: String) -> Decision {
        switch (request.subresource, request.verb) {
        case ("", "get"): return get(request, node, .pod)
        case ("", "list"), ("", "watch"):
            if request.selection.fields.exactValue(of: "spec.nodeName") == node { return .allowed }
            if !request.name.isEmpty { return related(request, node, .pod) }
            return .noOpinion("can only list/watch pods with spec.nodeName field selector")
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"):
            return .allowed
        default: return .noOpinion("")
        }
    }

    private func slice(_ request: AccessRequest, _ node: String) -> Decision {
        guard request.subresource.isEmpty else { return .noOpinion("cannot authorize ResourceSlice subresources") }
        switch request.verb {
        case "create": return .allowed
        case "get", "update", "patch", "delete": return related(request, node, .slice)
        case "watch", "list", "deletecollection":
            if request.selection.fields.exactValue(of: "spec.nodeName") == node { return .allowed }
            return .noOpinion("can only list/watch/deletecollection resourceslices with nodeName field selector")
        default:
            return .noOpinion(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection"
            )
        }
    }
}
