// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

extension NodeRestriction {
    /// A node asks for tokens of the pods bound to it, for audiences that the pod itself asks for: what it gets ends with
    /// the pod.
    func admitToken(_ asked: APIObject, account: APIObject, _ resource: ResourceKind) throws(APIError) {
        let request = NodeWrite(node: node, subject: resource.subject(account.name), operation: .create("token"))
        if node.isEmpty { throw request.refusal("could not determine node from user \"\(user.name)\"") }
        let reference = asked.spec["boundObjectRef"]
        let audiences = (asked.spec["audiences"]?.array ?? []).compactMap(\.string)
        if isForOwnProxy(reference, audiences, account) { return }
        guard reference?["apiVersion"] == "v1", reference?["kind"] == "Pod", let name = reference?["name"]?.string,
            !name.isEmpty
        else { throw request.refusal("node requested token not bound to a pod") }
        let uid = reference?["uid"]?.string ?? ""
        if uid.isEmpty { throw request.refusal("node requested token with a pod binding without a uid") }
        guard let pod = try core.object("", "pods", namespace: account.namespace, name: name) else {
            throw .notFound(Subject(group: "", resource: "pods", kind: "Pod", name: name))
        }
        guard uid == pod.uid else {
            throw request.refusal(
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
            )
        }
        guard pod.spec["nodeName"]?.string == node else {
            throw request.refusal("node requested token bound to a pod scheduled on a different node")
        }
        try admitAudience(audiences, pod, account, request)
    }

    /// The service proxy of a node that has no control plane beside it goes by a token of its own account. It is bound to
    /// the Node, and which nodes get it is RBAC's to say. Upstream's proxy is a pod, and its token that pod's.
    private func isForOwnProxy(_ reference: JSONValue?, _ audiences: [String], _ account: APIObject) -> Bool {
        guard account.namespace == "kube-system", account.name == "kube-proxy", audiences.isEmpty,
            reference?["apiVersion"] == "v1", reference?["kind"] == "Node", reference?["name"]?.string == node
        else { return false }
        // One that cannot be read is none to bind to.
        let uid = (try? core.object("", "nodes", name: node))?.uid ?? ""
        return !uid.isEmpty && reference?["uid"]?.string == uid
    }

    private func admitAudience(
        _ audiences: [String], _ pod: APIObject, _ account: APIObject, _ request: NodeWrite
    ) throws(APIError) {
        if audiences.count > 1 { throw request.refusal("node may only request 0 or 1 audiences") }
        let audience = audiences.first ?? ""
        if try asksFor(audience, pod) { return }
        let permission = AccessRequest(
            user: user, verb: "request-serviceaccounts-token-audience", resource: audience,
            namespace: account.namespace, name: account.name)
        if try Authorizer(core: core).decide(permission).allowed { return }
        throw request.refusal(
            "audience \"\(audience)\" not found in pod spec volume, \(user.name) is not authorized to request tokens for this audience"
        )
    }

    /// Whether a volume of the pod projects a token for the audience, or is of a driver that is given one.
    private func asksFor(_ audience: String, _ pod: APIObject) throws(APIError) -> Bool {
        for volume in pod.spec["volumes"]?.array ?? [] {
            for source in volume["projected"]?["sources"]?.array ?? [] {
                if let token = source["serviceAccountToken"]?.object, token["audience"]?.string ?? "" == audience {
                    return true
                }
            }
            guard let driver = try driver(of: volume, pod),
                let object = try core.object("storage.k8s.io", "csidrivers", name: driver)
            else { continue }
            let requests = object.spec["tokenRequests"]?.array ?? []
            if requests.contains(where: { ($0["audience"]?.string ?? "") == audience }) { return true }
        }
        return false
    }

    /// The CSI driver that a volume is of: as it says, by its claim, or as the successor of an in-tree driver.
    private func driver(of volume: JSONValue, _ pod: APIObject) throws(APIError) -> String? {
        if let claim = PodReferences.claim(of: volume, pod) {
            guard
                let name = try core.object("", "persistentvolumeclaims", namespace: pod.namespace, name: claim)?
                    .spec["volumeName"]?.string,
                let source = try core.object("", "persistentvolumes", name: name)?.spec
            else { return nil }
            return Self.driver(.object(source))
        }
        return Self.driver(volume)
    }

    private static func driver(_ source: JSONValue) -> String? {
        source["csi"]?["driver"]?.string ?? migrated.first { source[$0.key] != nil }?.value
    }

    private static let migrated = [
        "awsElasticBlockStore": "ebs.csi.aws.com", "azureDisk": "disk.csi.azure.com",
        "azureFile": "file.csi.azure.com", "cinder": "cinder.csi.openstack.org",
        "gcePersistentDisk": "pd.csi.storage.gke.io", "portworxVolume": "pxd.portworx.com",
        "vsphereVolume": "csi.vsphere.vmware.com",
    ]
}
