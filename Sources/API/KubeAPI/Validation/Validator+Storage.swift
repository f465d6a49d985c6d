// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// Storage: which driver gets which volume of which node stays what it was when it was looked at.
extension Validator {
    static let accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    mutating func storageClass(_ object: JSONValue) {
        if let name = required(object["provisioner"], FieldPath("provisioner")) {
            check(Names.qualifiedName(name.lowercased()), FieldPath("provisioner"), name)
        }
        choice(object["reclaimPolicy"], ["Delete", "Retain"], FieldPath("reclaimPolicy"))
        choice(
            object["volumeBindingMode"], ["Immediate", "WaitForFirstConsumer"], FieldPath("volumeBindingMode"),
            required: true)
        guard let old else { return }
        for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
            unchanged(object[field], old[field], FieldPath(field))
        }
    }

    mutating func volumeAttributesClass(_ object: JSONValue) {
        if let name = required(object["driverName"], FieldPath("driverName")) {
            check(Names.qualifiedName(name.lowercased()), FieldPath("driverName"), name)
        }
        guard let old else { return }
        for field in ["driverName", "parameters"] where !Self.same(object[field], old[field]) {
            add(.forbidden(FieldPath(field), "updates to \(field) are forbidden."))
        }
    }

    mutating func volumeAttachment(_ object: JSONValue) {
        let path = FieldPath("spec")
        if let name = required(object["spec"]?["attacher"], path["attacher"]) {
            check(Names.dnsSubdomain(name.lowercased()), path["attacher"], name)
        }
        required(object["spec"]?["nodeName"], path["nodeName"])
        unchangedSpec(object)
    }

    /// Upstream says `attachedRequired` of the field `attachRequired`.
    mutating func driver(_ object: JSONValue) {
        guard let before = old?["spec"] else { return }
        let path = FieldPath("spec")
        unchanged(object["spec"]?["attachRequired"], before["attachRequired"], path["attachedRequired"])
        unchanged(
            object["spec"]?["volumeLifecycleModes"], before["volumeLifecycleModes"], path["volumeLifecycleModes"])
    }

    /// What a node says of a driver stays until the driver is gone from it, but for how many volumes it takes.
    mutating func nodeDrivers(_ object: JSONValue) {
        let path = FieldPath("spec")["drivers"]
        let drivers = object["spec"]?["drivers"]?.array ?? []
        var seen: Set<String> = []
        for (index, driver) in drivers.enumerated() {
            if let name = required(driver["name"], path[index]["name"]), !seen.insert(name).inserted {
                add(.duplicate(path[index]["name"], name))
            }
            required(driver["nodeID"], path[index]["nodeID"])
        }
        let before = Dictionary((old?["spec"]?["drivers"]?.array ?? []).map { ($0["name"], $0) }) { first, _ in first }
        for driver in drivers {
            guard var was = before[driver["name"]] else { continue }
            was["allocatable"] = driver["allocatable"]
            unchanged(driver, was, path)
        }
    }

    mutating func storageCapacity(_ object: JSONValue) {
        let name = object["storageClassName"]?.string ?? ""
        check(Names.dnsSubdomain(name), FieldPath("storageClassName"), name)
        labelSelector(object["nodeTopology"], FieldPath("nodeTopology"))
        guard let old else { return }
        for field in ["nodeTopology", "storageClassName"] { unchanged(object[field], old[field], FieldPath(field)) }
    }

    // MARK: Volumes and claims

    private mutating func modes(_ spec: JSONValue, _ path: FieldPath, _ detail: String) {
        let modes = spec["accessModes"]?.array ?? []
        if modes.isEmpty { add(.required(path["accessModes"], detail)) }
        for mode in modes { choice(mode, Self.accessModes, path["accessModes"]) }
        if modes.count > 1, modes.contains("ReadWriteOncePod") {
            add(.forbidden(path["accessModes"], "may not use ReadWriteOncePod with other access modes"))
        }
        choice(spec["volumeMode"], ["Block", "Filesystem"], path["volumeMode"])
        if let name = spec["storageClassName"]?.string, !name.isEmpty {
            check(Names.dnsSubdomain(name), path["storageClassName"], name)
        }
    }

    mutating func persistentVolume(_ object: JSONValue) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        modes(spec, path, "")
        let capacity = spec["capacity"]?.object ?? [:]
        if capacity.isEmpty { add(.required(path["capacity"])) }
        if !capacity.isEmpty, capacity["storage"] == nil || capacity.count > 1 {
            add(
                FieldError(
                    .notSupported, path: "\(path["capacity"])", value: "\(capacity)",
                    detail: "supported values: \"storage\""))
        }
        for (name, value) in capacity {
            if let amount = quantityOfResource(name, value, path["capacity"].key(name)), amount.isZero {
                add(.invalid(path["capacity"].key(name), amount.description, Self.notPositive))
            }
        }
        choice(
            spec["persistentVolumeReclaimPolicy"], ["Delete", "Recycle", "Retain"],
            path["persistentVolumeReclaimPolicy"])
        let sources = (spec.object ?? [:]).filter { Self.volumeSources.contains($0.key) && !$0.value.isNull }
        if sources.isEmpty { add(.required(path, "must specify a volume type")) }
        for extra in sources.dropFirst() {
            add(.forbidden(path[extra.key], "may not specify more than 1 volume type"))
        }
        if let source = spec["hostPath"] { hostPath(source, path["hostPath"]) }
        if let local = spec["local"] {
            required(local["path"], path["local"]["path"])
            if spec["nodeAffinity"]?["required"] == nil {
                add(.required(path["nodeAffinity"], "Local volume requires node affinity"))
            }
        }
        if let selector = spec["nodeAffinity"]?["required"] {
            nodeSelector(selector, path["nodeAffinity"]["required"])
        }
        if let before = old?["spec"] { volumeUpdate(spec, before, path) }
    }

    private mutating func volumeUpdate(_ spec: JSONValue, _ before: JSONValue, _ path: FieldPath) {
        var after = spec
        if before["csi"]?["controllerExpandSecretRef"] == nil, after["csi"] != nil {
            after["csi"]?["controllerExpandSecretRef"] = nil
        }
        if Self.volumeSources.contains(where: { !Self.same(after[$0], before[$0]) }) {
            add(
                .forbidden(
                    path["persistentvolumesource"], "spec.persistentvolumesource is immutable after creation\n"))
        }
        unchanged(spec["volumeMode"], before["volumeMode"], FieldPath("volumeMode"))
        if let affinity = before["nodeAffinity"], affinity != .null,
            !Self.same(Self.withoutBetaLabels(spec["nodeAffinity"]), Self.withoutBetaLabels(affinity))
        {
            add(
                .invalid(
                    FieldPath("nodeAffinity"), json: spec["nodeAffinity"],
                    "field is immutable, except for updating from beta label to GA"))
        }
        if before["volumeAttributesClassName"] != nil, spec["volumeAttributesClassName"] == nil {
            add(.forbidden(path["volumeAttributesClassName"], "update from non-nil value to nil is forbidden"))
        }
    }

    private static let betaLabels = [
        "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
        "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
        "beta.kubernetes.io/os": "kubernetes.io/os", "beta.kubernetes.io/arch": "kubernetes.io/arch",
        "beta.kubernetes.io/instance-type": "node.kubernetes.io/instance-type",
    ]

    /// An affinity with labels by the names they have since 1.17.
    private static func withoutBetaLabels(_ affinity: JSONValue?) -> JSONValue? {
        guard var affinity, let terms = affinity["required"]?["nodeSelectorTerms"]?.array else { return affinity }
        let renamed = terms.map { term in
            var term = term
            for index in (term["matchExpressions"]?.array ?? []).indices {
                guard let key = term["matchExpressions"]?[index]?["key"]?.string, let name = betaLabels[key] else {
                    continue
                }
                term["matchExpressions"]?[index]?["key"] = .string(name)
            }
            return term
        }
        affinity["required"]?["nodeSelectorTerms"] = .array(renamed)
        return affinity
    }

    static let volumeSources: Set<String> = [
        "hostPath", "local", "nfs", "csi", "iscsi", "fc", "rbd", "cephfs", "cinder", "glusterfs", "flexVolume",
        "azureDisk", "azureFile", "awsElasticBlockStore", "gcePersistentDisk", "vsphereVolume", "quobyte",
        "portworxVolume", "scaleIO", "storageos", "photonPersistentDisk", "flocker",
    ]

    mutating func persistentVolumeClaim(_ object: JSONValue) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        modes(spec, path, "at least 1 access mode is required")
        labelSelector(spec["selector"], path["selector"])
        if let storage = spec["resources"]?["requests"]?["storage"] {
            if let amount = quantity(storage, path["resources"].key("storage")), amount.sign <= 0 {
                add(.invalid(path["resources"].key("storage"), amount.description, Self.notPositive))
            }
        } else {
            add(.required(path["resources"].key("storage")))
        }
        if let old, let before = old["spec"] { claimUpdate(object, spec, old, before, path) }
    }

    private static let betaClass = "volume.beta.kubernetes.io/storage-class"

    private mutating func claimUpdate(
        _ object: JSONValue, _ spec: JSONValue, _ old: JSONValue, _ before: JSONValue, _ path: FieldPath
    ) {
        var after = spec
        if before["volumeName"]?.isPresent != true { after["volumeName"] = before["volumeName"] }
        let annotation = old["metadata"]?["annotations"]?[Self.betaClass]
        let annotated = object["metadata"]?["annotations"]?[Self.betaClass]
        // A class may be given once, and be named by the field instead of by the annotation of old.
        if before["storageClassName"] == nil, annotation == nil || spec["storageClassName"] == annotation {
            after["storageClassName"] = nil
        }
        let moves = annotation != nil && after["storageClassName"] == nil && spec["storageClassName"] == annotation
        if annotated != annotation, !(moves && annotated == nil) {
            let place = FieldPath("metadata")["annotations"].key(Self.betaClass)
            add(.invalid(place, json: annotated, Self.immutable))
        }
        func size(_ spec: JSONValue) -> Quantity? {
            spec["resources"]?["requests"]?["storage"]?.string.flatMap { Quantity($0) }
        }
        let isBound = object["status"]?["phase"] == "Bound"
        if isBound || size(spec) == size(before), after["resources"]?["requests"]?["storage"] != nil {
            after["resources"]?["requests"]?["storage"] = before["resources"]?["requests"]?["storage"]
        }
        if isBound { after["volumeAttributesClassName"] = before["volumeAttributesClassName"] }
        if !Self.same(after, before) {
            add(
                .forbidden(
                    path,
                    "spec is immutable after creation except resources.requests and volumeAttributesClassName for "
                        + "bound claims\n" + Self.difference(before, after)))
        }
        // What could not be had may be asked less of, but not less than there is.
        if let now = size(spec), let then = size(before), now < then,
            now <= old["status"]?["capacity"]?["storage"]?.string.flatMap({ Quantity($0) }) ?? 0
        {
            add(
                .forbidden(
                    path["resources"]["requests"]["storage"], "field can not be less than status.capacity"))
        }
        let name = spec["volumeAttributesClassName"]?.string
        if old["status"]?["currentVolumeAttributesClassName"]?.string != nil,
            name != before["volumeAttributesClassName"]?.string, name?.isEmpty ?? true
        {
            let what = name == nil ? "nil" : "empty string"
            add(
                .forbidden(
                    path["volumeAttributesClassName"],
                    "update to \(what) is forbidden when status.currentVolumeAttributesClassName is not nil"))
        }
    }
}
