// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension NodeRestriction {
    func admitPod(_ pod: APIObject, _ old: APIObject?, _ request: NodeWrite) throws(APIError) {
        switch request.operation {
        case .create(""): try admitMirror(pod, request)
        case .create("eviction"):
            guard isOwn(pod) else {
                throw request.refusal("node \(node) can only evict pods with spec.nodeName set to itself")
            }
        case .delete:
            guard isOwn(pod) else {
                throw request.refusal("node \"\(node)\" can only delete pods with spec.nodeName set to itself")
            }
        case .update("status"): try admitPodStatus(pod, old, request)
        case .update(""):
            throw request.refusal(
                "unexpected operation \"UPDATE\", node \"\(node)\" can only create and delete mirror pods")
        case .create(let subresource), .update(let subresource):
            throw request.refusal(
                "unexpected pod subresource \"\(subresource)\", only 'status' and 'eviction' are allowed")
        }
    }

    private func isOwn(_ pod: APIObject?) -> Bool { pod?.spec["nodeName"]?.string == node }

    /// The pods that a node makes stand for those of its manifests, which no API server knows: they are the node's, go with
    /// it, and refer to nothing.
    private func admitMirror(_ pod: APIObject, _ request: NodeWrite) throws(APIError) {
        guard pod.annotations["kubernetes.io/config.mirror"] != nil else {
            throw request.refusal(
                "pod does not have \"kubernetes.io/config.mirror\" annotation, node \"\(node)\" can only create mirror pods"
            )
        }
        guard isOwn(pod) else {
            throw request.refusal("node \"\(node)\" can only create pods with spec.nodeName set to itself")
        }
        let owners = pod.ownerReferences
        if owners.count > 1 {
            throw request.refusal("node \"\(node)\" can only create pods with a single owner reference set to itself")
        }
        guard let owner = owners.first, owner["apiVersion"] == "v1", owner["kind"] == "Node",
            owner["name"]?.string == node
        else { throw request.refusal("node \"\(node)\" can only create pods with an owner reference set to itself") }
        if owner["controller"]?.bool != true {
            throw request.refusal(
                "node \"\(node)\" can only create pods with a controller owner reference set to itself")
        }
        if owner["blockOwnerDeletion"]?.bool == true {
            throw request.refusal("node \"\(node)\" must not set blockOwnerDeletion on an owner reference")
        }
        guard let object = try core.object("", "nodes", name: node) else {
            throw .notFound(Subject(group: "", resource: "nodes", kind: "Node", name: node))
        }
        let uid = owner["uid"]?.string ?? ""
        guard uid == object.uid else {
            throw request.refusal("node \(node) UID mismatch: expected \(uid) got \(object.uid)")
        }
        if let complaint = PodReferences.complaint(pod) {
            throw request.refusal("node \"\(node)\" can not create pods that reference \(complaint)")
        }
    }

    private func admitPodStatus(_ pod: APIObject, _ old: APIObject?, _ request: NodeWrite) throws(APIError) {
        guard isOwn(old) else {
            throw request.refusal(
                "node \"\(node)\" can only update pod status for pods with spec.nodeName set to itself")
        }
        guard pod.labels == old?.labels else {
            throw request.refusal("node \"\(node)\" cannot update labels through pod status")
        }
        func claims(_ pod: APIObject?) -> [[String?]] {
            (pod?.status["resourceClaimStatuses"]?.array ?? []).map {
                [$0["name"]?.string, $0["resourceClaimName"]?.string]
            }
        }
        guard claims(pod) == claims(old) else {
            throw request.refusal("node \"\(node)\" cannot update resource claim statues")
        }
        guard Semantic.isSame(pod.status["extendedResourceClaimStatus"], old?.status["extendedResourceClaimStatus"])
        else { throw request.refusal("node \"\(node)\" cannot update extended resource claim status") }
    }

    /// Of a claim's status a node writes what an expansion of the file system comes to, and of the rest nothing.
    func admitClaimStatus(_ claim: APIObject, _ old: APIObject, _ request: NodeWrite) throws(APIError) {
        func rest(_ claim: APIObject) -> JSONValue {
            var rest = claim
            rest.resourceVersion = ""
            rest.managedFields = nil
            for field in ["capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"] {
                rest["status"]?[field] = nil
            }
            return .object(rest.json)
        }
        guard Semantic.isSame(rest(claim), rest(old)) else {
            throw request.refusal(
                "node \"\(node)\" is not allowed to update fields other than status.quantity and status.conditions")
        }
    }
}

/// Equality of values in which what is empty is as good as what is not there.
enum Semantic {
    static func isSame(_ a: JSONValue?, _ b: JSONValue?) -> Bool { stripped(a) == stripped(b) }

    private static func stripped(_ value: JSONValue?) -> JSONValue? {
        switch value {
        case .object(let object):
            var result: JSONObject = [:]
            for (key, inner) in object { result[key] = stripped(inner) }
            return result.isEmpty ? nil : .object(result)
        case .array(let items): return items.isEmpty ? nil : .array(items.map { stripped($0) ?? .null })
        case .null, nil: return nil
        default: return value
        }
    }
}
