// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct CSIDriver: KubeObject {
    public static let resource = ResourceID(
        group: "storage.k8s.io", version: "v1", plural: "csidrivers", kind: "CSIDriver", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: CSIDriverSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct CSINode: KubeObject {
    public static let resource = ResourceID(
        group: "storage.k8s.io", version: "v1", plural: "csinodes", kind: "CSINode", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: CSINodeSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct CSIStorageCapacity: KubeObject {
    public static let resource = ResourceID(
        group: "storage.k8s.io", version: "v1", plural: "csistoragecapacities", kind: "CSIStorageCapacity",
        namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var nodeTopology: LabelSelectorSpec? {
        get { json[view: "nodeTopology"] }
        set { json[view: "nodeTopology"] = newValue }
    }
    public var storageClassName: String {
        get { json[requiredString: "storageClassName"] }
        set { json[requiredString: "storageClassName"] = newValue }
    }
    public var capacity: String? {
        get { json[quantity: "capacity"] }
        set { json[quantity: "capacity"] = newValue }
    }
    public var maximumVolumeSize: String? {
        get { json[quantity: "maximumVolumeSize"] }
        set { json[quantity: "maximumVolumeSize"] = newValue }
    }
}

public struct StorageClass: KubeObject {
    public static let resource = ResourceID(
        group: "storage.k8s.io", version: "v1", plural: "storageclasses", kind: "StorageClass", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var provisioner: String {
        get { json[requiredString: "provisioner"] }
        set { json[requiredString: "provisioner"] = newValue }
    }
    public var parameters: [String: String] {
        get { json[stringMap: "parameters"] }
        set { json[stringMap: "parameters"] = newValue }
    }
    public var reclaimPolicy: String? {
        get { json[string: "reclaimPolicy"] }
        set { json[string: "reclaimPolicy"] = newValue }
    }
    public var mountOptions: [String] {
        get { json[strings: "mountOptions"] }
        set { json[strings: "mountOptions"] = newValue }
    }
    public var allowVolumeExpansion: Bool? {
        get { json[bool: "allowVolumeExpansion"] }
        set { json[bool: "allowVolumeExpansion"] = newValue }
    }
    public var volumeBindingMode: String? {
        get { json[string: "volumeBindingMode"] }
        set { json[string: "volumeBindingMode"] = newValue }
    }
    public var allowedTopologies: [TopologySelectorTerm] {
        get { json[views: "allowedTopologies"] }
        set { json[views: "allowedTopologies"] = newValue }
    }
}

public struct VolumeAttachment: KubeObject {
    public static let resource = ResourceID(
        group: "storage.k8s.io", version: "v1", plural: "volumeattachments", kind: "VolumeAttachment", namespaced: false
    )
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: VolumeAttachmentSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: VolumeAttachmentStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct CSIDriverSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var attachRequired: Bool? {
        get { json[bool: "attachRequired"] }
        set { json[bool: "attachRequired"] = newValue }
    }
    public var podInfoOnMount: Bool? {
        get { json[bool: "podInfoOnMount"] }
        set { json[bool: "podInfoOnMount"] = newValue }
    }
    public var volumeLifecycleModes: [String] {
        get { json[strings: "volumeLifecycleModes"] }
        set { json[strings: "volumeLifecycleModes"] = newValue }
    }
    public var storageCapacity: Bool? {
        get { json[bool: "storageCapacity"] }
        set { json[bool: "storageCapacity"] = newValue }
    }
    public var fsGroupPolicy: String? {
        get { json[string: "fsGroupPolicy"] }
        set { json[string: "fsGroupPolicy"] = newValue }
    }
    public var tokenRequests: [StorageTokenRequest] {
        get { json[views: "tokenRequests"] }
        set { json[views: "tokenRequests"] = newValue }
    }
    public var requiresRepublish: Bool? {
        get { json[bool: "requiresRepublish"] }
        set { json[bool: "requiresRepublish"] = newValue }
    }
    public var seLinuxMount: Bool? {
        get { json[bool: "seLinuxMount"] }
        set { json[bool: "seLinuxMount"] = newValue }
    }
    public var nodeAllocatableUpdatePeriodSeconds: Int? {
        get { json[integer: "nodeAllocatableUpdatePeriodSeconds"] }
        set { json[integer: "nodeAllocatableUpdatePeriodSeconds"] = newValue }
    }
    public var serviceAccountTokenInSecrets: Bool? {
        get { json[bool: "serviceAccountTokenInSecrets"] }
        set { json[bool: "serviceAccountTokenInSecrets"] = newValue }
    }
    public var preventPodSchedulingIfMissing: Bool? {
        get { json[bool: "preventPodSchedulingIfMissing"] }
        set { json[bool: "preventPodSchedulingIfMissing"] = newValue }
    }
}

public struct CSINodeDriver: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var nodeID: String {
        get { json[requiredString: "nodeID"] }
        set { json[requiredString: "nodeID"] = newValue }
    }
    public var topologyKeys: [String] {
        get { json[strings: "topologyKeys"] }
        set { json[strings: "topologyKeys"] = newValue }
    }
    public var allocatable: VolumeNodeResources? {
        get { json[view: "allocatable"] }
        set { json[view: "allocatable"] = newValue }
    }
}

public struct CSINodeSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var drivers: [CSINodeDriver] {
        get { json[views: "drivers"] }
        set { json[views: "drivers"] = newValue }
    }
}

public struct StorageTokenRequest: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var audience: String {
        get { json[requiredString: "audience"] }
        set { json[requiredString: "audience"] = newValue }
    }
    public var expirationSeconds: Int? {
        get { json[integer: "expirationSeconds"] }
        set { json[integer: "expirationSeconds"] = newValue }
    }
}

public struct VolumeAttachmentSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var persistentVolumeName: String? {
        get { json[string: "persistentVolumeName"] }
        set { json[string: "persistentVolumeName"] = newValue }
    }
    public var inlineVolumeSpec: PersistentVolumeSpec? {
        get { json[view: "inlineVolumeSpec"] }
        set { json[view: "inlineVolumeSpec"] = newValue }
    }
}

public struct VolumeAttachmentSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var attacher: String {
        get { json[requiredString: "attacher"] }
        set { json[requiredString: "attacher"] = newValue }
    }
    public var source: VolumeAttachmentSource {
        get { json[requiredView: "source"] }
        set { json[requiredView: "source"] = newValue }
    }
    public var nodeName: String {
        get { json[requiredString: "nodeName"] }
        set { json[requiredString: "nodeName"] = newValue }
    }
}

public struct VolumeAttachmentStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var attached: Bool {
        get { json[requiredBool: "attached"] }
        set { json[requiredBool: "attached"] = newValue }
    }
    public var attachmentMetadata: [String: String] {
        get { json[stringMap: "attachmentMetadata"] }
        set { json[stringMap: "attachmentMetadata"] = newValue }
    }
    public var attachError: VolumeError? {
        get { json[view: "attachError"] }
        set { json[view: "attachError"] = newValue }
    }
    public var detachError: VolumeError? {
        get { json[view: "detachError"] }
        set { json[view: "detachError"] = newValue }
    }
}

public struct VolumeError: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var time: KubeTime? {
        get { json[time: "time"] }
        set { json[time: "time"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var errorCode: Int? {
        get { json[integer: "errorCode"] }
        set { json[integer: "errorCode"] = newValue }
    }
}

public struct VolumeNodeResources: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var count: Int? {
        get { json[integer: "count"] }
        set { json[integer: "count"] = newValue }
    }
}
