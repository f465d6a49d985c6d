// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Admission {
    static let mountableSecrets = "kubernetes.io/enforce-mountable-secrets"
    /// What `strconv.ParseBool` takes for true.
    private static let truths: Set<String> = ["1", "t", "T", "true", "TRUE", "True"]

    /// A service account that is marked so gives its pods those secrets alone that it lists. Stricter than upstream,
    /// which looks at secret volumes, environments and pull secrets: here it is every way in which a pod names a secret.
    func checkMountableSecrets(
        _ pod: APIObject, _ resource: ResourceKind, ephemeralOnly: Bool
    ) throws(APIError) {
        if pod.annotations[Self.mirrorAnnotation] != nil { return }
        let name = PodReferences(pod).account
        guard
            let account = try account(name.isEmpty ? "default" : name, in: pod.namespace),
            let mark = account.annotations[Self.mountableSecrets]?.string, Self.truths.contains(mark)
        else { return }
        var looked = pod
        if ephemeralOnly {
            // The rest was looked at when the pod was made.
            let containers = pod.spec["ephemeralContainers"]
            looked.spec = [:]
            if let containers { looked["spec"]?["ephemeralContainers"] = containers }
        }
        let pullSecrets = looked.spec["imagePullSecrets"]?.array ?? []
        looked["spec"]?["imagePullSecrets"] = nil
        func names(_ field: String) -> Set<String> {
            Set((account[field]?.array ?? []).compactMap { $0["name"]?.string })
        }
        let mountable = names("secrets")
        for secret in PodReferences(looked).secrets.sorted() where !mountable.contains(secret) {
            throw .forbidden(
                resource.subject(pod.name),
                "secret \"\(secret)\" is not allowed because service account \(account.name) does not reference that "
                    + "secret"
            )
        }
        let pullable = names("imagePullSecrets")
        for (index, secret) in pullSecrets.enumerated() where !pullable.contains(secret["name"]?.string ?? "") {
            throw .forbidden(
                resource.subject(pod.name),
                "imagePullSecrets[\(index)].name=\"\(secret["name"]?.string ?? "")\" is not allowed because service "
                    + "account \(account.name) does not reference that imagePullSecret")
        }
    }

    // MARK: Devices

    private static let adminLabel = "resource.kubernetes.io/admin-access"

    /// Devices that others use are shown only to namespaces that are marked for it (KEP-5018).
    func checkAdminAccess(_ object: APIObject, old: APIObject?, _ resource: ResourceKind) throws(APIError) {
        let spec = resource.kind == "ResourceClaimTemplate" ? object.spec["spec"] : object["spec"]
        var place: FieldPath?
        if old == nil {
            let index = (spec?["devices"]?["requests"]?.array ?? []).firstIndex {
                $0["exactly"]?["adminAccess"]?.bool == true
            }
            place = index.map { FieldPath("spec")["devices"]["requests"][$0]["adminAccess"] }
        } else if Self.adminResult(old) == nil {
            place = Self.adminResult(object).map {
                FieldPath("status")["allocation"]["devices"]["results"][$0]["adminAccess"]
            }
        }
        guard let place else { return }
        let namespace = try core.object("", "namespaces", name: object.namespace)
        if namespace?.labels[Self.adminLabel]?.string == "true" { return }
        throw .invalid(
            resource.subject(object.name),
            [
                .forbidden(
                    place,
                    "admin access to devices requires the `\(Self.adminLabel): true` label on the containing namespace")
            ])
    }

    private static func adminResult(_ claim: APIObject?) -> Int? {
        (claim?.status["allocation"]?["devices"]?["results"]?.array ?? []).firstIndex {
            $0["adminAccess"]?.bool == true
        }
    }
}
