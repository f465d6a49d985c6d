// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Every object that a pod refers to by name. The authorizer of nodes grants by it and the admission of mirror pods refuses
/// by it, so that what is refused is all that would be granted.
struct PodReferences: Sendable, Equatable {
    var secrets: Set<String> = []
    var configMaps: Set<String> = []
    var claims: Set<String> = []
    var resourceClaims: Set<String> = []
    var account = ""

    init(_ pod: APIObject) {
        let spec = pod.spec
        // The second is the first's old name; both are the same field to upstream.
        account =
            [spec["serviceAccountName"], spec["serviceAccount"]].compactMap { $0?.string }
            .first { !$0.isEmpty } ?? ""
        add(&secrets, spec["imagePullSecrets"]?.array ?? [], ["name"])
        for container in Self.containers(spec) {
            for source in container["envFrom"]?.array ?? [] {
                add(&secrets, source, ["secretRef", "name"])
                add(&configMaps, source, ["configMapRef", "name"])
            }
            for variable in container["env"]?.array ?? [] {
                add(&secrets, variable, ["valueFrom", "secretKeyRef", "name"])
                add(&configMaps, variable, ["valueFrom", "configMapKeyRef", "name"])
            }
        }
        for volume in spec["volumes"]?.array ?? [] {
            for path in Self.secretPaths { add(&secrets, volume, path) }
            add(&configMaps, volume, ["configMap", "name"])
            for source in volume["projected"]?["sources"]?.array ?? [] {
                add(&secrets, source, ["secret", "name"])
                add(&configMaps, source, ["configMap", "name"])
            }
            if let claim = Self.claim(of: volume, pod) { claims.insert(claim) }
        }
        addResourceClaims(pod)
    }

    /// Where a volume names a secret of the pod's namespace.
    private static let secretPaths: [[String]] = [
        ["secret", "secretName"], ["azureFile", "secretName"], ["cephfs", "secretRef", "name"],
        ["cinder", "secretRef", "name"], ["flexVolume", "secretRef", "name"], ["rbd", "secretRef", "name"],
        ["scaleIO", "secretRef", "name"], ["iscsi", "secretRef", "name"], ["storageos", "secretRef", "name"],
        ["csi", "nodePublishSecretRef", "name"],
    ]

    private static func containers(_ spec: JSONObject) -> [JSONValue] {
        ["containers", "initContainers", "ephemeralContainers"].flatMap { spec[$0]?.array ?? [] }
    }

    /// The claim that a volume is of; a generic ephemeral volume's is named after the pod and the volume.
    static func claim(of volume: JSONValue, _ pod: APIObject) -> String? {
        if volume["persistentVolumeClaim"] != nil { return volume["persistentVolumeClaim"]?["claimName"]?.string }
        return volume["ephemeral"]?.object == nil ? nil : "\(pod.name)-\(volume["name"]?.string ?? "")"
    }

    /// A claim that was made from a template is named in the status.
    private mutating func addResourceClaims(_ pod: APIObject) {
        let made = pod.status["resourceClaimStatuses"]?.array ?? []
        for claim in pod.spec["resourceClaims"]?.array ?? [] {
            if let name = claim["resourceClaimName"]?.string {
                resourceClaims.insert(name)
            } else if claim["resourceClaimTemplateName"]?.string != nil,
                let name = made.first(where: { $0["name"] == claim["name"] })?["resourceClaimName"]?.string
            {
                resourceClaims.insert(name)
            }
        }
        let extended = pod.status["extendedResourceClaimStatus"]?["resourceClaimName"]?.string ?? ""
        if !extended.isEmpty { resourceClaims.insert(extended) }
    }

    private func add(_ names: inout Set<String>, _ values: [JSONValue], _ path: [String]) {
        for value in values { add(&names, value, path) }
    }

    private func add(_ names: inout Set<String>, _ value: JSONValue, _ path: [String]) {
        if let name = path.reduce(value as JSONValue?, { $0?[$1] })?.string, !name.isEmpty { names.insert(name) }
    }
}

extension PodReferences {
    /// Why a pod that no API server may serve refers to what only an API server has; nil when it does not.
    static func complaint(_ pod: APIObject) -> String? {
        let references = PodReferences(pod)
        if !references.account.isEmpty { return "serviceaccounts" }
        if !references.secrets.isEmpty { return "secrets" }
        if !references.configMaps.isEmpty { return "configmaps" }
        if !(pod.spec["resourceClaims"]?.array ?? []).isEmpty { return "resourceclaims" }
        for volume in pod.spec["volumes"]?.array ?? [] {
            for (field, source) in volume.object ?? [:] where field != "name" && source != .null {
                if let complaint = complaint(field, source) { return complaint }
            }
        }
        return nil
    }

    private static func complaint(_ field: String, _ source: JSONValue) -> String? {
        if field != "projected" { return isLocal.contains(field) ? nil : volumes[field] ?? "volumes of type \(field)" }
        for item in source["sources"]?.array ?? [] {
            for (kind, value) in item.object ?? [:] where kind != "downwardAPI" && value != .null {
                return projections[kind] ?? "volume projections of type \(kind)"
            }
        }
        return nil
    }

    /// Volumes that name no object but, some of them, secrets, which are found above.
    private static let isLocal: Set<String> = [
        "awsElasticBlockStore", "azureDisk", "cephfs", "cinder", "downwardAPI", "emptyDir", "fc", "flexVolume",
        "flocker", "gcePersistentDisk", "gitRepo", "hostPath", "image", "iscsi", "nfs", "photonPersistentDisk",
        "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
    ]

    private static let volumes = [
        "configMap": "configmaps (via configmap volumes)", "secret": "secrets (via secret volumes)",
        "csi": "csidrivers (via CSI volumes)", "glusterfs": "endpoints (via glusterFS volumes)",
        "persistentVolumeClaim": "persistentvolumeclaims",
        "ephemeral": "persistentvolumeclaims (via ephemeral volumes)", "azureFile": "secrets (via azureFile volumes)",
    ]

    private static let projections = [
        "configMap": "configmaps (via projected volumes)", "secret": "secrets (via projected volumes)",
        "serviceAccountToken": "serviceaccounts (via projected volumes)",
        "clusterTrustBundle": "clustertrustbundles", "podCertificate": "podcertificates",
    ]
}
