// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct PersistentVolume: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "persistentvolumes", kind: "PersistentVolume", namespaced: false)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: PersistentVolumeSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: PersistentVolumeStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct PersistentVolumeClaim: KubeObject {
    public static let resource = ResourceID(
        group: "", version: "v1", plural: "persistentvolumeclaims", kind: "PersistentVolumeClaim", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: PersistentVolumeClaimSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: PersistentVolumeClaimStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct AWSElasticBlockStoreVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeID: String {
        get { json[requiredString: "volumeID"] }
        set { json[requiredString: "volumeID"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var partition: Int? {
        get { json[integer: "partition"] }
        set { json[integer: "partition"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct AzureDiskVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var diskName: String {
        get { json[requiredString: "diskName"] }
        set { json[requiredString: "diskName"] = newValue }
    }
    public var diskURI: String {
        get { json[requiredString: "diskURI"] }
        set { json[requiredString: "diskURI"] = newValue }
    }
    public var cachingMode: String? {
        get { json[string: "cachingMode"] }
        set { json[string: "cachingMode"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var kind: String? {
        get { json[string: "kind"] }
        set { json[string: "kind"] = newValue }
    }
}

public struct AzureFilePersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var secretName: String {
        get { json[requiredString: "secretName"] }
        set { json[requiredString: "secretName"] = newValue }
    }
    public var shareName: String {
        get { json[requiredString: "shareName"] }
        set { json[requiredString: "shareName"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var secretNamespace: String? {
        get { json[string: "secretNamespace"] }
        set { json[string: "secretNamespace"] = newValue }
    }
}

public struct AzureFileVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var secretName: String {
        get { json[requiredString: "secretName"] }
        set { json[requiredString: "secretName"] = newValue }
    }
    public var shareName: String {
        get { json[requiredString: "shareName"] }
        set { json[requiredString: "shareName"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct CSIPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var driver: String {
        get { json[requiredString: "driver"] }
        set { json[requiredString: "driver"] = newValue }
    }
    public var volumeHandle: String {
        get { json[requiredString: "volumeHandle"] }
        set { json[requiredString: "volumeHandle"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var volumeAttributes: [String: String] {
        get { json[stringMap: "volumeAttributes"] }
        set { json[stringMap: "volumeAttributes"] = newValue }
    }
    public var controllerPublishSecretRef: SecretReference? {
        get { json[view: "controllerPublishSecretRef"] }
        set { json[view: "controllerPublishSecretRef"] = newValue }
    }
    public var nodeStageSecretRef: SecretReference? {
        get { json[view: "nodeStageSecretRef"] }
        set { json[view: "nodeStageSecretRef"] = newValue }
    }
    public var nodePublishSecretRef: SecretReference? {
        get { json[view: "nodePublishSecretRef"] }
        set { json[view: "nodePublishSecretRef"] = newValue }
    }
    public var controllerExpandSecretRef: SecretReference? {
        get { json[view: "controllerExpandSecretRef"] }
        set { json[view: "controllerExpandSecretRef"] = newValue }
    }
    public var nodeExpandSecretRef: SecretReference? {
        get { json[view: "nodeExpandSecretRef"] }
        set { json[view: "nodeExpandSecretRef"] = newValue }
    }
}

public struct CSIVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var driver: String {
        get { json[requiredString: "driver"] }
        set { json[requiredString: "driver"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var volumeAttributes: [String: String] {
        get { json[stringMap: "volumeAttributes"] }
        set { json[stringMap: "volumeAttributes"] = newValue }
    }
    public var nodePublishSecretRef: LocalObjectReference? {
        get { json[view: "nodePublishSecretRef"] }
        set { json[view: "nodePublishSecretRef"] = newValue }
    }
}

public struct CephFSPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var monitors: [String] {
        get { json[strings: "monitors"] }
        set { json[strings: "monitors"] = newValue }
    }
    public var path: String? {
        get { json[string: "path"] }
        set { json[string: "path"] = newValue }
    }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var secretFile: String? {
        get { json[string: "secretFile"] }
        set { json[string: "secretFile"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct CephFSVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var monitors: [String] {
        get { json[strings: "monitors"] }
        set { json[strings: "monitors"] = newValue }
    }
    public var path: String? {
        get { json[string: "path"] }
        set { json[string: "path"] = newValue }
    }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var secretFile: String? {
        get { json[string: "secretFile"] }
        set { json[string: "secretFile"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct CinderPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeID: String {
        get { json[requiredString: "volumeID"] }
        set { json[requiredString: "volumeID"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
}

public struct CinderVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeID: String {
        get { json[requiredString: "volumeID"] }
        set { json[requiredString: "volumeID"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
}

public struct ClusterTrustBundleProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var signerName: String? {
        get { json[string: "signerName"] }
        set { json[string: "signerName"] = newValue }
    }
    public var labelSelector: LabelSelectorSpec? {
        get { json[view: "labelSelector"] }
        set { json[view: "labelSelector"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
}

public struct ConfigMapProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var items: [KeyToPath] {
        get { json[views: "items"] }
        set { json[views: "items"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct ConfigMapVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var items: [KeyToPath] {
        get { json[views: "items"] }
        set { json[views: "items"] = newValue }
    }
    public var defaultMode: Int? {
        get { json[integer: "defaultMode"] }
        set { json[integer: "defaultMode"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct DownwardAPIProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var items: [DownwardAPIVolumeFile] {
        get { json[views: "items"] }
        set { json[views: "items"] = newValue }
    }
}

public struct DownwardAPIVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var items: [DownwardAPIVolumeFile] {
        get { json[views: "items"] }
        set { json[views: "items"] = newValue }
    }
    public var defaultMode: Int? {
        get { json[integer: "defaultMode"] }
        set { json[integer: "defaultMode"] = newValue }
    }
}

public struct EmptyDirVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var medium: String? {
        get { json[string: "medium"] }
        set { json[string: "medium"] = newValue }
    }
    public var sizeLimit: String? {
        get { json[quantity: "sizeLimit"] }
        set { json[quantity: "sizeLimit"] = newValue }
    }
}

public struct EphemeralVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeClaimTemplate: PersistentVolumeClaimTemplate? {
        get { json[view: "volumeClaimTemplate"] }
        set { json[view: "volumeClaimTemplate"] = newValue }
    }
}

public struct FCVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var targetWWNs: [String] {
        get { json[strings: "targetWWNs"] }
        set { json[strings: "targetWWNs"] = newValue }
    }
    public var lun: Int? {
        get { json[integer: "lun"] }
        set { json[integer: "lun"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var wwids: [String] {
        get { json[strings: "wwids"] }
        set { json[strings: "wwids"] = newValue }
    }
}

public struct FlexPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var driver: String {
        get { json[requiredString: "driver"] }
        set { json[requiredString: "driver"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var options: [String: String] {
        get { json[stringMap: "options"] }
        set { json[stringMap: "options"] = newValue }
    }
}

public struct FlexVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var driver: String {
        get { json[requiredString: "driver"] }
        set { json[requiredString: "driver"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var options: [String: String] {
        get { json[stringMap: "options"] }
        set { json[stringMap: "options"] = newValue }
    }
}

public struct FlockerVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var datasetName: String? {
        get { json[string: "datasetName"] }
        set { json[string: "datasetName"] = newValue }
    }
    public var datasetUUID: String? {
        get { json[string: "datasetUUID"] }
        set { json[string: "datasetUUID"] = newValue }
    }
}

public struct GCEPersistentDiskVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var pdName: String {
        get { json[requiredString: "pdName"] }
        set { json[requiredString: "pdName"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var partition: Int? {
        get { json[integer: "partition"] }
        set { json[integer: "partition"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct GitRepoVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var repository: String {
        get { json[requiredString: "repository"] }
        set { json[requiredString: "repository"] = newValue }
    }
    public var revision: String? {
        get { json[string: "revision"] }
        set { json[string: "revision"] = newValue }
    }
    public var directory: String? {
        get { json[string: "directory"] }
        set { json[string: "directory"] = newValue }
    }
}

public struct GlusterfsPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var endpoints: String {
        get { json[requiredString: "endpoints"] }
        set { json[requiredString: "endpoints"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var endpointsNamespace: String? {
        get { json[string: "endpointsNamespace"] }
        set { json[string: "endpointsNamespace"] = newValue }
    }
}

public struct GlusterfsVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var endpoints: String {
        get { json[requiredString: "endpoints"] }
        set { json[requiredString: "endpoints"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct HostPathVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
}

public struct ISCSIPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var targetPortal: String {
        get { json[requiredString: "targetPortal"] }
        set { json[requiredString: "targetPortal"] = newValue }
    }
    public var iqn: String {
        get { json[requiredString: "iqn"] }
        set { json[requiredString: "iqn"] = newValue }
    }
    public var lun: Int {
        get { json[requiredInteger: "lun"] }
        set { json[requiredInteger: "lun"] = newValue }
    }
    public var iscsiInterface: String? {
        get { json[string: "iscsiInterface"] }
        set { json[string: "iscsiInterface"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var portals: [String] {
        get { json[strings: "portals"] }
        set { json[strings: "portals"] = newValue }
    }
    public var chapAuthDiscovery: Bool? {
        get { json[bool: "chapAuthDiscovery"] }
        set { json[bool: "chapAuthDiscovery"] = newValue }
    }
    public var chapAuthSession: Bool? {
        get { json[bool: "chapAuthSession"] }
        set { json[bool: "chapAuthSession"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var initiatorName: String? {
        get { json[string: "initiatorName"] }
        set { json[string: "initiatorName"] = newValue }
    }
}

public struct ISCSIVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var targetPortal: String {
        get { json[requiredString: "targetPortal"] }
        set { json[requiredString: "targetPortal"] = newValue }
    }
    public var iqn: String {
        get { json[requiredString: "iqn"] }
        set { json[requiredString: "iqn"] = newValue }
    }
    public var lun: Int {
        get { json[requiredInteger: "lun"] }
        set { json[requiredInteger: "lun"] = newValue }
    }
    public var iscsiInterface: String? {
        get { json[string: "iscsiInterface"] }
        set { json[string: "iscsiInterface"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var portals: [String] {
        get { json[strings: "portals"] }
        set { json[strings: "portals"] = newValue }
    }
    public var chapAuthDiscovery: Bool? {
        get { json[bool: "chapAuthDiscovery"] }
        set { json[bool: "chapAuthDiscovery"] = newValue }
    }
    public var chapAuthSession: Bool? {
        get { json[bool: "chapAuthSession"] }
        set { json[bool: "chapAuthSession"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var initiatorName: String? {
        get { json[string: "initiatorName"] }
        set { json[string: "initiatorName"] = newValue }
    }
}

public struct ImageVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var reference: String? {
        get { json[string: "reference"] }
        set { json[string: "reference"] = newValue }
    }
    public var pullPolicy: String? {
        get { json[string: "pullPolicy"] }
        set { json[string: "pullPolicy"] = newValue }
    }
}

public struct KeyToPath: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var mode: Int? {
        get { json[integer: "mode"] }
        set { json[integer: "mode"] = newValue }
    }
}

public struct LocalVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
}

public struct ModifyVolumeStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var targetVolumeAttributesClassName: String? {
        get { json[string: "targetVolumeAttributesClassName"] }
        set { json[string: "targetVolumeAttributesClassName"] = newValue }
    }
    public var status: String {
        get { json[requiredString: "status"] }
        set { json[requiredString: "status"] = newValue }
    }
}

public struct NFSVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var server: String {
        get { json[requiredString: "server"] }
        set { json[requiredString: "server"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct PersistentVolumeClaimCondition: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var status: String {
        get { json[requiredString: "status"] }
        set { json[requiredString: "status"] = newValue }
    }
    public var lastProbeTime: KubeTime? {
        get { json[time: "lastProbeTime"] }
        set { json[time: "lastProbeTime"] = newValue }
    }
    public var lastTransitionTime: KubeTime? {
        get { json[time: "lastTransitionTime"] }
        set { json[time: "lastTransitionTime"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
}

public struct PersistentVolumeClaimSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var accessModes: [String] {
        get { json[strings: "accessModes"] }
        set { json[strings: "accessModes"] = newValue }
    }
    public var selector: LabelSelectorSpec? {
        get { json[view: "selector"] }
        set { json[view: "selector"] = newValue }
    }
    public var resources: VolumeResourceRequirements? {
        get { json[view: "resources"] }
        set { json[view: "resources"] = newValue }
    }
    public var volumeName: String? {
        get { json[string: "volumeName"] }
        set { json[string: "volumeName"] = newValue }
    }
    public var storageClassName: String? {
        get { json[string: "storageClassName"] }
        set { json[string: "storageClassName"] = newValue }
    }
    public var volumeMode: String? {
        get { json[string: "volumeMode"] }
        set { json[string: "volumeMode"] = newValue }
    }
    public var dataSource: TypedLocalObjectReference? {
        get { json[view: "dataSource"] }
        set { json[view: "dataSource"] = newValue }
    }
    public var dataSourceRef: TypedObjectReference? {
        get { json[view: "dataSourceRef"] }
        set { json[view: "dataSourceRef"] = newValue }
    }
    public var volumeAttributesClassName: String? {
        get { json[string: "volumeAttributesClassName"] }
        set { json[string: "volumeAttributesClassName"] = newValue }
    }
}

public struct PersistentVolumeClaimStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var phase: String? {
        get { json[string: "phase"] }
        set { json[string: "phase"] = newValue }
    }
    public var accessModes: [String] {
        get { json[strings: "accessModes"] }
        set { json[strings: "accessModes"] = newValue }
    }
    public var capacity: [String: String] {
        get { json[quantityMap: "capacity"] }
        set { json[quantityMap: "capacity"] = newValue }
    }
    public var conditions: [PersistentVolumeClaimCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var allocatedResources: [String: String] {
        get { json[quantityMap: "allocatedResources"] }
        set { json[quantityMap: "allocatedResources"] = newValue }
    }
    public var allocatedResourceStatuses: [String: String] {
        get { json[stringMap: "allocatedResourceStatuses"] }
        set { json[stringMap: "allocatedResourceStatuses"] = newValue }
    }
    public var currentVolumeAttributesClassName: String? {
        get { json[string: "currentVolumeAttributesClassName"] }
        set { json[string: "currentVolumeAttributesClassName"] = newValue }
    }
    public var modifyVolumeStatus: ModifyVolumeStatus? {
        get { json[view: "modifyVolumeStatus"] }
        set { json[view: "modifyVolumeStatus"] = newValue }
    }
}

public struct PersistentVolumeClaimTemplate: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: PersistentVolumeClaimSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct PersistentVolumeClaimVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var claimName: String {
        get { json[requiredString: "claimName"] }
        set { json[requiredString: "claimName"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct PersistentVolumeSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var capacity: [String: String] {
        get { json[quantityMap: "capacity"] }
        set { json[quantityMap: "capacity"] = newValue }
    }
    public var gcePersistentDisk: GCEPersistentDiskVolumeSource? {
        get { json[view: "gcePersistentDisk"] }
        set { json[view: "gcePersistentDisk"] = newValue }
    }
    public var awsElasticBlockStore: AWSElasticBlockStoreVolumeSource? {
        get { json[view: "awsElasticBlockStore"] }
        set { json[view: "awsElasticBlockStore"] = newValue }
    }
    public var hostPath: HostPathVolumeSource? {
        get { json[view: "hostPath"] }
        set { json[view: "hostPath"] = newValue }
    }
    public var glusterfs: GlusterfsPersistentVolumeSource? {
        get { json[view: "glusterfs"] }
        set { json[view: "glusterfs"] = newValue }
    }
    public var nfs: NFSVolumeSource? {
        get { json[view: "nfs"] }
        set { json[view: "nfs"] = newValue }
    }
    public var rbd: RBDPersistentVolumeSource? {
        get { json[view: "rbd"] }
        set { json[view: "rbd"] = newValue }
    }
    public var iscsi: ISCSIPersistentVolumeSource? {
        get { json[view: "iscsi"] }
        set { json[view: "iscsi"] = newValue }
    }
    public var cinder: CinderPersistentVolumeSource? {
        get { json[view: "cinder"] }
        set { json[view: "cinder"] = newValue }
    }
    public var cephfs: CephFSPersistentVolumeSource? {
        get { json[view: "cephfs"] }
        set { json[view: "cephfs"] = newValue }
    }
    public var fc: FCVolumeSource? {
        get { json[view: "fc"] }
        set { json[view: "fc"] = newValue }
    }
    public var flocker: FlockerVolumeSource? {
        get { json[view: "flocker"] }
        set { json[view: "flocker"] = newValue }
    }
    public var flexVolume: FlexPersistentVolumeSource? {
        get { json[view: "flexVolume"] }
        set { json[view: "flexVolume"] = newValue }
    }
    public var azureFile: AzureFilePersistentVolumeSource? {
        get { json[view: "azureFile"] }
        set { json[view: "azureFile"] = newValue }
    }
    public var vsphereVolume: VsphereVirtualDiskVolumeSource? {
        get { json[view: "vsphereVolume"] }
        set { json[view: "vsphereVolume"] = newValue }
    }
    public var quobyte: QuobyteVolumeSource? {
        get { json[view: "quobyte"] }
        set { json[view: "quobyte"] = newValue }
    }
    public var azureDisk: AzureDiskVolumeSource? {
        get { json[view: "azureDisk"] }
        set { json[view: "azureDisk"] = newValue }
    }
    public var photonPersistentDisk: PhotonPersistentDiskVolumeSource? {
        get { json[view: "photonPersistentDisk"] }
        set { json[view: "photonPersistentDisk"] = newValue }
    }
    public var portworxVolume: PortworxVolumeSource? {
        get { json[view: "portworxVolume"] }
        set { json[view: "portworxVolume"] = newValue }
    }
    public var scaleIO: ScaleIOPersistentVolumeSource? {
        get { json[view: "scaleIO"] }
        set { json[view: "scaleIO"] = newValue }
    }
    public var local: LocalVolumeSource? {
        get { json[view: "local"] }
        set { json[view: "local"] = newValue }
    }
    public var storageos: StorageOSPersistentVolumeSource? {
        get { json[view: "storageos"] }
        set { json[view: "storageos"] = newValue }
    }
    public var csi: CSIPersistentVolumeSource? {
        get { json[view: "csi"] }
        set { json[view: "csi"] = newValue }
    }
    public var accessModes: [String] {
        get { json[strings: "accessModes"] }
        set { json[strings: "accessModes"] = newValue }
    }
    public var claimRef: ObjectReference? {
        get { json[view: "claimRef"] }
        set { json[view: "claimRef"] = newValue }
    }
    public var persistentVolumeReclaimPolicy: String? {
        get { json[string: "persistentVolumeReclaimPolicy"] }
        set { json[string: "persistentVolumeReclaimPolicy"] = newValue }
    }
    public var storageClassName: String? {
        get { json[string: "storageClassName"] }
        set { json[string: "storageClassName"] = newValue }
    }
    public var mountOptions: [String] {
        get { json[strings: "mountOptions"] }
        set { json[strings: "mountOptions"] = newValue }
    }
    public var volumeMode: String? {
        get { json[string: "volumeMode"] }
        set { json[string: "volumeMode"] = newValue }
    }
    public var nodeAffinity: VolumeNodeAffinity? {
        get { json[view: "nodeAffinity"] }
        set { json[view: "nodeAffinity"] = newValue }
    }
    public var volumeAttributesClassName: String? {
        get { json[string: "volumeAttributesClassName"] }
        set { json[string: "volumeAttributesClassName"] = newValue }
    }
}

public struct PersistentVolumeStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var phase: String? {
        get { json[string: "phase"] }
        set { json[string: "phase"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var lastPhaseTransitionTime: KubeTime? {
        get { json[time: "lastPhaseTransitionTime"] }
        set { json[time: "lastPhaseTransitionTime"] = newValue }
    }
}

public struct PhotonPersistentDiskVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var pdID: String {
        get { json[requiredString: "pdID"] }
        set { json[requiredString: "pdID"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
}

public struct PodCertificateProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var signerName: String {
        get { json[requiredString: "signerName"] }
        set { json[requiredString: "signerName"] = newValue }
    }
    public var keyType: String {
        get { json[requiredString: "keyType"] }
        set { json[requiredString: "keyType"] = newValue }
    }
    public var maxExpirationSeconds: Int? {
        get { json[integer: "maxExpirationSeconds"] }
        set { json[integer: "maxExpirationSeconds"] = newValue }
    }
    public var credentialBundlePath: String? {
        get { json[string: "credentialBundlePath"] }
        set { json[string: "credentialBundlePath"] = newValue }
    }
    public var keyPath: String? {
        get { json[string: "keyPath"] }
        set { json[string: "keyPath"] = newValue }
    }
    public var certificateChainPath: String? {
        get { json[string: "certificateChainPath"] }
        set { json[string: "certificateChainPath"] = newValue }
    }
    public var userAnnotations: [String: String] {
        get { json[stringMap: "userAnnotations"] }
        set { json[stringMap: "userAnnotations"] = newValue }
    }
}

public struct PortworxVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeID: String {
        get { json[requiredString: "volumeID"] }
        set { json[requiredString: "volumeID"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct ProjectedVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var sources: [VolumeProjection] {
        get { json[views: "sources"] }
        set { json[views: "sources"] = newValue }
    }
    public var defaultMode: Int? {
        get { json[integer: "defaultMode"] }
        set { json[integer: "defaultMode"] = newValue }
    }
}

public struct QuobyteVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var registry: String {
        get { json[requiredString: "registry"] }
        set { json[requiredString: "registry"] = newValue }
    }
    public var volume: String {
        get { json[requiredString: "volume"] }
        set { json[requiredString: "volume"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var group: String? {
        get { json[string: "group"] }
        set { json[string: "group"] = newValue }
    }
    public var tenant: String? {
        get { json[string: "tenant"] }
        set { json[string: "tenant"] = newValue }
    }
}

public struct RBDPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var monitors: [String] {
        get { json[strings: "monitors"] }
        set { json[strings: "monitors"] = newValue }
    }
    public var image: String {
        get { json[requiredString: "image"] }
        set { json[requiredString: "image"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var pool: String? {
        get { json[string: "pool"] }
        set { json[string: "pool"] = newValue }
    }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var keyring: String? {
        get { json[string: "keyring"] }
        set { json[string: "keyring"] = newValue }
    }
    public var secretRef: SecretReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct RBDVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var monitors: [String] {
        get { json[strings: "monitors"] }
        set { json[strings: "monitors"] = newValue }
    }
    public var image: String {
        get { json[requiredString: "image"] }
        set { json[requiredString: "image"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var pool: String? {
        get { json[string: "pool"] }
        set { json[string: "pool"] = newValue }
    }
    public var user: String? {
        get { json[string: "user"] }
        set { json[string: "user"] = newValue }
    }
    public var keyring: String? {
        get { json[string: "keyring"] }
        set { json[string: "keyring"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct ScaleIOPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var gateway: String {
        get { json[requiredString: "gateway"] }
        set { json[requiredString: "gateway"] = newValue }
    }
    public var system: String {
        get { json[requiredString: "system"] }
        set { json[requiredString: "system"] = newValue }
    }
    public var secretRef: SecretReference {
        get { json[requiredView: "secretRef"] }
        set { json[requiredView: "secretRef"] = newValue }
    }
    public var sslEnabled: Bool? {
        get { json[bool: "sslEnabled"] }
        set { json[bool: "sslEnabled"] = newValue }
    }
    public var protectionDomain: String? {
        get { json[string: "protectionDomain"] }
        set { json[string: "protectionDomain"] = newValue }
    }
    public var storagePool: String? {
        get { json[string: "storagePool"] }
        set { json[string: "storagePool"] = newValue }
    }
    public var storageMode: String? {
        get { json[string: "storageMode"] }
        set { json[string: "storageMode"] = newValue }
    }
    public var volumeName: String? {
        get { json[string: "volumeName"] }
        set { json[string: "volumeName"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct ScaleIOVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var gateway: String {
        get { json[requiredString: "gateway"] }
        set { json[requiredString: "gateway"] = newValue }
    }
    public var system: String {
        get { json[requiredString: "system"] }
        set { json[requiredString: "system"] = newValue }
    }
    public var secretRef: LocalObjectReference {
        get { json[requiredView: "secretRef"] }
        set { json[requiredView: "secretRef"] = newValue }
    }
    public var sslEnabled: Bool? {
        get { json[bool: "sslEnabled"] }
        set { json[bool: "sslEnabled"] = newValue }
    }
    public var protectionDomain: String? {
        get { json[string: "protectionDomain"] }
        set { json[string: "protectionDomain"] = newValue }
    }
    public var storagePool: String? {
        get { json[string: "storagePool"] }
        set { json[string: "storagePool"] = newValue }
    }
    public var storageMode: String? {
        get { json[string: "storageMode"] }
        set { json[string: "storageMode"] = newValue }
    }
    public var volumeName: String? {
        get { json[string: "volumeName"] }
        set { json[string: "volumeName"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
}

public struct SecretProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var items: [KeyToPath] {
        get { json[views: "items"] }
        set { json[views: "items"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct SecretVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var secretName: String? {
        get { json[string: "secretName"] }
        set { json[string: "secretName"] = newValue }
    }
    public var items: [KeyToPath] {
        get { json[views: "items"] }
        set { json[views: "items"] = newValue }
    }
    public var defaultMode: Int? {
        get { json[integer: "defaultMode"] }
        set { json[integer: "defaultMode"] = newValue }
    }
    public var optional: Bool? {
        get { json[bool: "optional"] }
        set { json[bool: "optional"] = newValue }
    }
}

public struct ServiceAccountTokenProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var audience: String? {
        get { json[string: "audience"] }
        set { json[string: "audience"] = newValue }
    }
    public var expirationSeconds: Int? {
        get { json[integer: "expirationSeconds"] }
        set { json[integer: "expirationSeconds"] = newValue }
    }
    public var path: String {
        get { json[requiredString: "path"] }
        set { json[requiredString: "path"] = newValue }
    }
}

public struct StorageOSPersistentVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeName: String? {
        get { json[string: "volumeName"] }
        set { json[string: "volumeName"] = newValue }
    }
    public var volumeNamespace: String? {
        get { json[string: "volumeNamespace"] }
        set { json[string: "volumeNamespace"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var secretRef: ObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
}

public struct StorageOSVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumeName: String? {
        get { json[string: "volumeName"] }
        set { json[string: "volumeName"] = newValue }
    }
    public var volumeNamespace: String? {
        get { json[string: "volumeNamespace"] }
        set { json[string: "volumeNamespace"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var secretRef: LocalObjectReference? {
        get { json[view: "secretRef"] }
        set { json[view: "secretRef"] = newValue }
    }
}

public struct TypedLocalObjectReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var apiGroup: String? {
        get { json[string: "apiGroup"] }
        set { json[string: "apiGroup"] = newValue }
    }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
}

public struct TypedObjectReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var apiGroup: String? {
        get { json[string: "apiGroup"] }
        set { json[string: "apiGroup"] = newValue }
    }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
}

public struct Volume: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var hostPath: HostPathVolumeSource? {
        get { json[view: "hostPath"] }
        set { json[view: "hostPath"] = newValue }
    }
    public var emptyDir: EmptyDirVolumeSource? {
        get { json[view: "emptyDir"] }
        set { json[view: "emptyDir"] = newValue }
    }
    public var gcePersistentDisk: GCEPersistentDiskVolumeSource? {
        get { json[view: "gcePersistentDisk"] }
        set { json[view: "gcePersistentDisk"] = newValue }
    }
    public var awsElasticBlockStore: AWSElasticBlockStoreVolumeSource? {
        get { json[view: "awsElasticBlockStore"] }
        set { json[view: "awsElasticBlockStore"] = newValue }
    }
    public var gitRepo: GitRepoVolumeSource? {
        get { json[view: "gitRepo"] }
        set { json[view: "gitRepo"] = newValue }
    }
    public var secret: SecretVolumeSource? {
        get { json[view: "secret"] }
        set { json[view: "secret"] = newValue }
    }
    public var nfs: NFSVolumeSource? {
        get { json[view: "nfs"] }
        set { json[view: "nfs"] = newValue }
    }
    public var iscsi: ISCSIVolumeSource? {
        get { json[view: "iscsi"] }
        set { json[view: "iscsi"] = newValue }
    }
    public var glusterfs: GlusterfsVolumeSource? {
        get { json[view: "glusterfs"] }
        set { json[view: "glusterfs"] = newValue }
    }
    public var persistentVolumeClaim: PersistentVolumeClaimVolumeSource? {
        get { json[view: "persistentVolumeClaim"] }
        set { json[view: "persistentVolumeClaim"] = newValue }
    }
    public var rbd: RBDVolumeSource? {
        get { json[view: "rbd"] }
        set { json[view: "rbd"] = newValue }
    }
    public var flexVolume: FlexVolumeSource? {
        get { json[view: "flexVolume"] }
        set { json[view: "flexVolume"] = newValue }
    }
    public var cinder: CinderVolumeSource? {
        get { json[view: "cinder"] }
        set { json[view: "cinder"] = newValue }
    }
    public var cephfs: CephFSVolumeSource? {
        get { json[view: "cephfs"] }
        set { json[view: "cephfs"] = newValue }
    }
    public var flocker: FlockerVolumeSource? {
        get { json[view: "flocker"] }
        set { json[view: "flocker"] = newValue }
    }
    public var downwardAPI: DownwardAPIVolumeSource? {
        get { json[view: "downwardAPI"] }
        set { json[view: "downwardAPI"] = newValue }
    }
    public var fc: FCVolumeSource? {
        get { json[view: "fc"] }
        set { json[view: "fc"] = newValue }
    }
    public var azureFile: AzureFileVolumeSource? {
        get { json[view: "azureFile"] }
        set { json[view: "azureFile"] = newValue }
    }
    public var configMap: ConfigMapVolumeSource? {
        get { json[view: "configMap"] }
        set { json[view: "configMap"] = newValue }
    }
    public var vsphereVolume: VsphereVirtualDiskVolumeSource? {
        get { json[view: "vsphereVolume"] }
        set { json[view: "vsphereVolume"] = newValue }
    }
    public var quobyte: QuobyteVolumeSource? {
        get { json[view: "quobyte"] }
        set { json[view: "quobyte"] = newValue }
    }
    public var azureDisk: AzureDiskVolumeSource? {
        get { json[view: "azureDisk"] }
        set { json[view: "azureDisk"] = newValue }
    }
    public var photonPersistentDisk: PhotonPersistentDiskVolumeSource? {
        get { json[view: "photonPersistentDisk"] }
        set { json[view: "photonPersistentDisk"] = newValue }
    }
    public var projected: ProjectedVolumeSource? {
        get { json[view: "projected"] }
        set { json[view: "projected"] = newValue }
    }
    public var portworxVolume: PortworxVolumeSource? {
        get { json[view: "portworxVolume"] }
        set { json[view: "portworxVolume"] = newValue }
    }
    public var scaleIO: ScaleIOVolumeSource? {
        get { json[view: "scaleIO"] }
        set { json[view: "scaleIO"] = newValue }
    }
    public var storageos: StorageOSVolumeSource? {
        get { json[view: "storageos"] }
        set { json[view: "storageos"] = newValue }
    }
    public var csi: CSIVolumeSource? {
        get { json[view: "csi"] }
        set { json[view: "csi"] = newValue }
    }
    public var ephemeral: EphemeralVolumeSource? {
        get { json[view: "ephemeral"] }
        set { json[view: "ephemeral"] = newValue }
    }
    public var image: ImageVolumeSource? {
        get { json[view: "image"] }
        set { json[view: "image"] = newValue }
    }
}

public struct VolumeDevice: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var devicePath: String {
        get { json[requiredString: "devicePath"] }
        set { json[requiredString: "devicePath"] = newValue }
    }
}

public struct VolumeMount: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var recursiveReadOnly: String? {
        get { json[string: "recursiveReadOnly"] }
        set { json[string: "recursiveReadOnly"] = newValue }
    }
    public var mountPath: String {
        get { json[requiredString: "mountPath"] }
        set { json[requiredString: "mountPath"] = newValue }
    }
    public var subPath: String? {
        get { json[string: "subPath"] }
        set { json[string: "subPath"] = newValue }
    }
    public var mountPropagation: String? {
        get { json[string: "mountPropagation"] }
        set { json[string: "mountPropagation"] = newValue }
    }
    public var subPathExpr: String? {
        get { json[string: "subPathExpr"] }
        set { json[string: "subPathExpr"] = newValue }
    }
}

public struct VolumeMountStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var mountPath: String {
        get { json[requiredString: "mountPath"] }
        set { json[requiredString: "mountPath"] = newValue }
    }
    public var readOnly: Bool? {
        get { json[bool: "readOnly"] }
        set { json[bool: "readOnly"] = newValue }
    }
    public var recursiveReadOnly: String? {
        get { json[string: "recursiveReadOnly"] }
        set { json[string: "recursiveReadOnly"] = newValue }
    }
    public var volumeStatus: VolumeStatus? {
        get { json[view: "volumeStatus"] }
        set { json[view: "volumeStatus"] = newValue }
    }
}

public struct VolumeNodeAffinity: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var required: NodeSelector? {
        get { json[view: "required"] }
        set { json[view: "required"] = newValue }
    }
}

public struct VolumeProjection: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var secret: SecretProjection? {
        get { json[view: "secret"] }
        set { json[view: "secret"] = newValue }
    }
    public var downwardAPI: DownwardAPIProjection? {
        get { json[view: "downwardAPI"] }
        set { json[view: "downwardAPI"] = newValue }
    }
    public var configMap: ConfigMapProjection? {
        get { json[view: "configMap"] }
        set { json[view: "configMap"] = newValue }
    }
    public var serviceAccountToken: ServiceAccountTokenProjection? {
        get { json[view: "serviceAccountToken"] }
        set { json[view: "serviceAccountToken"] = newValue }
    }
    public var clusterTrustBundle: ClusterTrustBundleProjection? {
        get { json[view: "clusterTrustBundle"] }
        set { json[view: "clusterTrustBundle"] = newValue }
    }
    public var podCertificate: PodCertificateProjection? {
        get { json[view: "podCertificate"] }
        set { json[view: "podCertificate"] = newValue }
    }
}

public struct VolumeResourceRequirements: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var limits: [String: String] {
        get { json[quantityMap: "limits"] }
        set { json[quantityMap: "limits"] = newValue }
    }
    public var requests: [String: String] {
        get { json[quantityMap: "requests"] }
        set { json[quantityMap: "requests"] = newValue }
    }
}

public struct VolumeStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var image: ImageVolumeStatus? {
        get { json[view: "image"] }
        set { json[view: "image"] = newValue }
    }
}

public struct VsphereVirtualDiskVolumeSource: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var volumePath: String {
        get { json[requiredString: "volumePath"] }
        set { json[requiredString: "volumePath"] = newValue }
    }
    public var fsType: String? {
        get { json[string: "fsType"] }
        set { json[string: "fsType"] = newValue }
    }
    public var storagePolicyName: String? {
        get { json[string: "storagePolicyName"] }
        set { json[string: "storagePolicyName"] = newValue }
    }
    public var storagePolicyID: String? {
        get { json[string: "storagePolicyID"] }
        set { json[string: "storagePolicyID"] = newValue }
    }
}
