// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

extension RequestUser {
    /// The node that this user is, for a kubelet.
    var nodeName: String? {
        guard groups.contains("system:nodes"), name.hasPrefix("system:node:") else { return nil }
        return String(name.dropFirst("system:node:".count))
    }
}

extension Admission {
    /// A kubelet may write only what is its own: its node, its lease, the pods bound to it.
    func restrictNode(
        _ object: APIObject, old: APIObject?, _ resource: ResourceKind, _ operation: Operation?
    ) throws(APIError) {
        guard let node = user.nodeName else { return }
        func refuse(_ why: String) -> APIError { .forbidden(resource.subject(object.name), why) }
        switch (resource.group, resource.kind) {
        case ("", "Node"):
            if object.name != node { throw refuse("node \"\(node)\" is not allowed to modify node \"\(object.name)\"") }
            if operation == nil { throw refuse("node \"\(node)\" is not allowed to delete its Node object") }
            if let old, operation == .update(""), old.spec["taints"] != object.spec["taints"] {
                throw refuse("node \"\(node)\" is not allowed to modify taints")
            }
        case ("", "Pod"):
            let bound = object.spec["nodeName"]?.string ?? ""
            if bound != node {
                throw refuse("node \"\(node)\" can only write pods with spec.nodeName set to itself")
            }
            if operation == .create {
                if object.annotations["kubernetes.io/config.mirror"] == nil {
                    throw refuse(
                        "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"\(node)\" can only create mirror pods"
                    )
                }
                for volume in object.spec["volumes"]?.array ?? [] {
                    for kind in ["secret", "configMap", "persistentVolumeClaim"] where volume[kind] != nil {
                        throw refuse("node \"\(node)\" can not create pods that reference \(kind)s")
                    }
                }
            }
        case ("coordination.k8s.io", "Lease"):
            if object.namespace == "kube-node-lease", object.name != node {
                throw refuse("can only access node lease with the same name as the requesting node")
            }
        case ("storage.k8s.io", "CSINode"):
            if object.name != node { throw refuse("can only access CSINode with the same name as the requesting node") }
        default: break
        }
    }
}
