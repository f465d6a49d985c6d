// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import TLS

/// Bounds what a kubelet writes to what is its own: its Node, its lease, the pods bound to it. The authorizer sees a
/// request's names only, this the objects. Kinds that are not named here are the authorizer's business alone.
struct NodeRestriction: Sendable {
    enum Operation: Sendable, Equatable {
        case create(String)
        case update(String)
        case delete
    }

    let core: ServerCore
    let user: RequestUser
    let origin: RequestOrigin
    let node: String

    /// Nil for users that are no nodes.
    init?(core: ServerCore, user: RequestUser, origin: RequestOrigin) {
        guard let node = user.nodeName else { return nil }
        self.core = core
        self.user = user
        self.origin = origin
        self.node = node
    }

    /// Refuses a write that is not the node's to make. `object` is what is asked for (for a deletion what goes; for a
    /// subresource that is no part of its object, such as an eviction, that object as it is), `old` what is there.
    func admit(
        _ object: APIObject, old: APIObject?, _ resource: ResourceKind, _ operation: Operation
    ) throws(APIError) {
        let request = NodeWrite(node: node, subject: resource.subject(object.name), operation: operation)
        if node.isEmpty { throw request.refusal("could not determine node from user \"\(user.name)\"") }
        try Self.checkSize(object, old, resource, operation)
        switch (resource.group, resource.plural) {
        case ("", "pods"): try admitPod(object, old, request)
        case ("", "nodes"): try admitNode(object, old, request)
        case ("", "persistentvolumeclaims"):
            guard let old, operation == .update("status") else { throw request.refusal("may only update PVC status") }
            try admitClaimStatus(object, old, request)
        case ("coordination.k8s.io", "leases"):
            guard object.namespace == "kube-node-lease" else {
                throw request.refusal("can only access leases in the \"kube-node-lease\" system namespace")
            }
            guard object.name == node else {
                throw request.refusal("can only access node lease with the same name as the requesting node")
            }
        case ("storage.k8s.io", "csinodes"):
            guard object.name == node else {
                throw request.refusal("can only access CSINode with the same name as the requesting node")
            }
        case ("resource.k8s.io", "resourceslices"): try admitSlice(object, old, request)
        case ("certificates.k8s.io", "certificatesigningrequests"): try admitSigningRequest(object, request)
        default: break
        }
    }

    /// How large an object of a kind may be that a node makes or makes larger, in bytes of JSON; nil where it has no say in
    /// how many there are, or gets them from others. A Node of a large machine, with 50 images of five names each, has 40 KB.
    static func sizeLimit(_ resource: ResourceKind) -> Int? {
        switch (resource.group, resource.plural) {
        case ("", "nodes"): 256 << 10
        case ("storage.k8s.io", "csinodes"), ("certificates.k8s.io", "certificatesigningrequests"): 64 << 10
        case ("coordination.k8s.io", "leases"): 16 << 10
        default: nil
        }
    }

    static func checkSize(
        _ object: APIObject, _ old: APIObject?, _ resource: ResourceKind, _ operation: Operation
    ) throws(APIError) {
        guard operation != .delete, let limit = sizeLimit(resource) else { return }
        let size = object.json.encoded().count
        guard size > limit, old.map({ size > $0.json.encoded().count }) ?? true else { return }
        throw APIError(
            413, "RequestEntityTooLarge",
            "\(resource.plural) \"\(object.name)\" would have \(size) bytes: of what a node makes it may have \(limit)")
    }

    private func admitSlice(_ slice: APIObject, _ old: APIObject?, _ request: NodeWrite) throws(APIError) {
        let isOwn = slice.spec["nodeName"]?.string == node
        switch request.operation {
        case .create:
            if !isOwn {
                throw request.refusal("can only create ResourceSlice with the same NodeName as the requesting node")
            }
        case .delete:
            if !isOwn {
                throw request.refusal("can only delete ResourceSlice with the same NodeName as the requesting node")
            }
        case .update:
            // The field does not change, the slice's validation says; it must not here either.
            if slice.spec["nodeName"] != old?.spec["nodeName"] {
                throw request.refusal("can only update ResourceSlice with the same NodeName as the requesting node")
            }
        }
    }

    /// A node asks for certificates of its own name only, of the signers that give out a node's.
    private func admitSigningRequest(_ object: APIObject, _ request: NodeWrite) throws(APIError) {
        let signers = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"]
        guard case .create = request.operation, signers.contains(object.spec["signerName"]?.string ?? "") else {
            return
        }
        let asked: CertificateRequest
        do throws(TLSError) {
            asked = try CertificateRequest(pem: Base64.decode(object.spec["request"]?.string ?? "") ?? [])
        } catch {
            throw request.refusal("unable to parse csr: \(error)")
        }
        guard asked.commonName.utf8.elementsEqual("system:node:\(node)".utf8) else {
            throw request.refusal("can only create a node CSR with CN=system:node:\(node)")
        }
    }
}

/// What a node is about to write, for the words of a refusal.
struct NodeWrite: Sendable {
    let node: String
    let subject: Subject
    let operation: NodeRestriction.Operation

    func refusal(_ why: String) -> APIError { .forbidden(subject, why) }
}
