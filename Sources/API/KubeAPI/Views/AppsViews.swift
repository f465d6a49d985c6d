// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct ControllerRevision: KubeObject {
    public static let resource = ResourceID(
        group: "apps", version: "v1", plural: "controllerrevisions", kind: "ControllerRevision", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var data: JSONValue? {
        get { json[value: "data"] }
        set { json[value: "data"] = newValue }
    }
    public var revision: Int {
        get { json[requiredInteger: "revision"] }
        set { json[requiredInteger: "revision"] = newValue }
    }
}

public struct DaemonSet: KubeObject {
    public static let resource = ResourceID(
        group: "apps", version: "v1", plural: "daemonsets", kind: "DaemonSet", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: DaemonSetSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: DaemonSetStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct Deployment: KubeObject {
    public static let resource = ResourceID(
        group: "apps", version: "v1", plural: "deployments", kind: "Deployment", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: DeploymentSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: DeploymentStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct ReplicaSet: KubeObject {
    public static let resource = ResourceID(
        group: "apps", version: "v1", plural: "replicasets", kind: "ReplicaSet", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: ReplicaSetSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: ReplicaSetStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct StatefulSet: KubeObject {
    public static let resource = ResourceID(
        group: "apps", version: "v1", plural: "statefulsets", kind: "StatefulSet", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: StatefulSetSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: StatefulSetStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct DaemonSetCondition: KubeView {
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

public struct DaemonSetSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var selector: LabelSelectorSpec {
        get { json[requiredView: "selector"] }
        set { json[requiredView: "selector"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { json[requiredView: "template"] }
        set { json[requiredView: "template"] = newValue }
    }
    public var updateStrategy: DaemonSetUpdateStrategy? {
        get { json[view: "updateStrategy"] }
        set { json[view: "updateStrategy"] = newValue }
    }
    public var minReadySeconds: Int? {
        get { json[integer: "minReadySeconds"] }
        set { json[integer: "minReadySeconds"] = newValue }
    }
    public var revisionHistoryLimit: Int? {
        get { json[integer: "revisionHistoryLimit"] }
        set { json[integer: "revisionHistoryLimit"] = newValue }
    }
}

public struct DaemonSetStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var currentNumberScheduled: Int {
        get { json[requiredInteger: "currentNumberScheduled"] }
        set { json[requiredInteger: "currentNumberScheduled"] = newValue }
    }
    public var numberMisscheduled: Int {
        get { json[requiredInteger: "numberMisscheduled"] }
        set { json[requiredInteger: "numberMisscheduled"] = newValue }
    }
    public var desiredNumberScheduled: Int {
        get { json[requiredInteger: "desiredNumberScheduled"] }
        set { json[requiredInteger: "desiredNumberScheduled"] = newValue }
    }
    public var numberReady: Int {
        get { json[requiredInteger: "numberReady"] }
        set { json[requiredInteger: "numberReady"] = newValue }
    }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var updatedNumberScheduled: Int? {
        get { json[integer: "updatedNumberScheduled"] }
        set { json[integer: "updatedNumberScheduled"] = newValue }
    }
    public var numberAvailable: Int? {
        get { json[integer: "numberAvailable"] }
        set { json[integer: "numberAvailable"] = newValue }
    }
    public var numberUnavailable: Int? {
        get { json[integer: "numberUnavailable"] }
        set { json[integer: "numberUnavailable"] = newValue }
    }
    public var collisionCount: Int? {
        get { json[integer: "collisionCount"] }
        set { json[integer: "collisionCount"] = newValue }
    }
    public var conditions: [DaemonSetCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}

public struct DaemonSetUpdateStrategy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var rollingUpdate: RollingUpdateDaemonSet? {
        get { json[view: "rollingUpdate"] }
        set { json[view: "rollingUpdate"] = newValue }
    }
}

public struct DeploymentCondition: KubeView {
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
    public var lastUpdateTime: KubeTime? {
        get { json[time: "lastUpdateTime"] }
        set { json[time: "lastUpdateTime"] = newValue }
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

public struct DeploymentSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int? {
        get { json[integer: "replicas"] }
        set { json[integer: "replicas"] = newValue }
    }
    public var selector: LabelSelectorSpec {
        get { json[requiredView: "selector"] }
        set { json[requiredView: "selector"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { json[requiredView: "template"] }
        set { json[requiredView: "template"] = newValue }
    }
    public var strategy: DeploymentStrategy? {
        get { json[view: "strategy"] }
        set { json[view: "strategy"] = newValue }
    }
    public var minReadySeconds: Int? {
        get { json[integer: "minReadySeconds"] }
        set { json[integer: "minReadySeconds"] = newValue }
    }
    public var revisionHistoryLimit: Int? {
        get { json[integer: "revisionHistoryLimit"] }
        set { json[integer: "revisionHistoryLimit"] = newValue }
    }
    public var paused: Bool? {
        get { json[bool: "paused"] }
        set { json[bool: "paused"] = newValue }
    }
    public var progressDeadlineSeconds: Int? {
        get { json[integer: "progressDeadlineSeconds"] }
        set { json[integer: "progressDeadlineSeconds"] = newValue }
    }
}

public struct DeploymentStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var replicas: Int? {
        get { json[integer: "replicas"] }
        set { json[integer: "replicas"] = newValue }
    }
    public var updatedReplicas: Int? {
        get { json[integer: "updatedReplicas"] }
        set { json[integer: "updatedReplicas"] = newValue }
    }
    public var readyReplicas: Int? {
        get { json[integer: "readyReplicas"] }
        set { json[integer: "readyReplicas"] = newValue }
    }
    public var availableReplicas: Int? {
        get { json[integer: "availableReplicas"] }
        set { json[integer: "availableReplicas"] = newValue }
    }
    public var unavailableReplicas: Int? {
        get { json[integer: "unavailableReplicas"] }
        set { json[integer: "unavailableReplicas"] = newValue }
    }
    public var terminatingReplicas: Int? {
        get { json[integer: "terminatingReplicas"] }
        set { json[integer: "terminatingReplicas"] = newValue }
    }
    public var conditions: [DeploymentCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var collisionCount: Int? {
        get { json[integer: "collisionCount"] }
        set { json[integer: "collisionCount"] = newValue }
    }
}

public struct DeploymentStrategy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var rollingUpdate: RollingUpdateDeployment? {
        get { json[view: "rollingUpdate"] }
        set { json[view: "rollingUpdate"] = newValue }
    }
}

public struct ReplicaSetCondition: KubeView {
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

public struct ReplicaSetSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int? {
        get { json[integer: "replicas"] }
        set { json[integer: "replicas"] = newValue }
    }
    public var minReadySeconds: Int? {
        get { json[integer: "minReadySeconds"] }
        set { json[integer: "minReadySeconds"] = newValue }
    }
    public var selector: LabelSelectorSpec {
        get { json[requiredView: "selector"] }
        set { json[requiredView: "selector"] = newValue }
    }
    public var template: PodTemplateSpec? {
        get { json[view: "template"] }
        set { json[view: "template"] = newValue }
    }
}

public struct ReplicaSetStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int {
        get { json[requiredInteger: "replicas"] }
        set { json[requiredInteger: "replicas"] = newValue }
    }
    public var fullyLabeledReplicas: Int? {
        get { json[integer: "fullyLabeledReplicas"] }
        set { json[integer: "fullyLabeledReplicas"] = newValue }
    }
    public var readyReplicas: Int? {
        get { json[integer: "readyReplicas"] }
        set { json[integer: "readyReplicas"] = newValue }
    }
    public var availableReplicas: Int? {
        get { json[integer: "availableReplicas"] }
        set { json[integer: "availableReplicas"] = newValue }
    }
    public var terminatingReplicas: Int? {
        get { json[integer: "terminatingReplicas"] }
        set { json[integer: "terminatingReplicas"] = newValue }
    }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var conditions: [ReplicaSetCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
}

public struct RollingUpdateDaemonSet: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var maxUnavailable: IntOrString? {
        get { json[intOrString: "maxUnavailable"] }
        set { json[intOrString: "maxUnavailable"] = newValue }
    }
    public var maxSurge: IntOrString? {
        get { json[intOrString: "maxSurge"] }
        set { json[intOrString: "maxSurge"] = newValue }
    }
}

public struct RollingUpdateDeployment: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var maxUnavailable: IntOrString? {
        get { json[intOrString: "maxUnavailable"] }
        set { json[intOrString: "maxUnavailable"] = newValue }
    }
    public var maxSurge: IntOrString? {
        get { json[intOrString: "maxSurge"] }
        set { json[intOrString: "maxSurge"] = newValue }
    }
}

public struct RollingUpdateStatefulSetStrategy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var partition: Int? {
        get { json[integer: "partition"] }
        set { json[integer: "partition"] = newValue }
    }
    public var maxUnavailable: IntOrString? {
        get { json[intOrString: "maxUnavailable"] }
        set { json[intOrString: "maxUnavailable"] = newValue }
    }
}

public struct StatefulSetCondition: KubeView {
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

public struct StatefulSetOrdinals: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var start: Int? {
        get { json[integer: "start"] }
        set { json[integer: "start"] = newValue }
    }
}

public struct StatefulSetPersistentVolumeClaimRetentionPolicy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var whenDeleted: String? {
        get { json[string: "whenDeleted"] }
        set { json[string: "whenDeleted"] = newValue }
    }
    public var whenScaled: String? {
        get { json[string: "whenScaled"] }
        set { json[string: "whenScaled"] = newValue }
    }
}

public struct StatefulSetSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var replicas: Int? {
        get { json[integer: "replicas"] }
        set { json[integer: "replicas"] = newValue }
    }
    public var selector: LabelSelectorSpec {
        get { json[requiredView: "selector"] }
        set { json[requiredView: "selector"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { json[requiredView: "template"] }
        set { json[requiredView: "template"] = newValue }
    }
    public var volumeClaimTemplates: [PersistentVolumeClaim] {
        get { json[views: "volumeClaimTemplates"] }
        set { json[views: "volumeClaimTemplates"] = newValue }
    }
    public var serviceName: String? {
        get { json[string: "serviceName"] }
        set { json[string: "serviceName"] = newValue }
    }
    public var podManagementPolicy: String? {
        get { json[string: "podManagementPolicy"] }
        set { json[string: "podManagementPolicy"] = newValue }
    }
    public var updateStrategy: StatefulSetUpdateStrategy? {
        get { json[view: "updateStrategy"] }
        set { json[view: "updateStrategy"] = newValue }
    }
    public var revisionHistoryLimit: Int? {
        get { json[integer: "revisionHistoryLimit"] }
        set { json[integer: "revisionHistoryLimit"] = newValue }
    }
    public var minReadySeconds: Int? {
        get { json[integer: "minReadySeconds"] }
        set { json[integer: "minReadySeconds"] = newValue }
    }
    public var persistentVolumeClaimRetentionPolicy: StatefulSetPersistentVolumeClaimRetentionPolicy? {
        get { json[view: "persistentVolumeClaimRetentionPolicy"] }
        set { json[view: "persistentVolumeClaimRetentionPolicy"] = newValue }
    }
    public var ordinals: StatefulSetOrdinals? {
        get { json[view: "ordinals"] }
        set { json[view: "ordinals"] = newValue }
    }
}

public struct StatefulSetStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var replicas: Int {
        get { json[requiredInteger: "replicas"] }
        set { json[requiredInteger: "replicas"] = newValue }
    }
    public var readyReplicas: Int? {
        get { json[integer: "readyReplicas"] }
        set { json[integer: "readyReplicas"] = newValue }
    }
    public var currentReplicas: Int? {
        get { json[integer: "currentReplicas"] }
        set { json[integer: "currentReplicas"] = newValue }
    }
    public var updatedReplicas: Int? {
        get { json[integer: "updatedReplicas"] }
        set { json[integer: "updatedReplicas"] = newValue }
    }
    public var currentRevision: String? {
        get { json[string: "currentRevision"] }
        set { json[string: "currentRevision"] = newValue }
    }
    public var updateRevision: String? {
        get { json[string: "updateRevision"] }
        set { json[string: "updateRevision"] = newValue }
    }
    public var collisionCount: Int? {
        get { json[integer: "collisionCount"] }
        set { json[integer: "collisionCount"] = newValue }
    }
    public var conditions: [StatefulSetCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var availableReplicas: Int? {
        get { json[integer: "availableReplicas"] }
        set { json[integer: "availableReplicas"] = newValue }
    }
}

public struct StatefulSetUpdateStrategy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var rollingUpdate: RollingUpdateStatefulSetStrategy? {
        get { json[view: "rollingUpdate"] }
        set { json[view: "rollingUpdate"] = newValue }
    }
}
