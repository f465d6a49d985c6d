// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct CronJob: KubeObject {
    public static let resource = ResourceID(
        group: "batch", version: "v1", plural: "cronjobs", kind: "CronJob", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: CronJobSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: CronJobStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct Job: KubeObject {
    public static let resource = ResourceID(
        group: "batch", version: "v1", plural: "jobs", kind: "Job", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: JobSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
    public var status: JobStatus {
        get { json[requiredView: "status"] }
        set { json[requiredView: "status"] = newValue }
    }
}

public struct CronJobSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var schedule: String {
        get { json[requiredString: "schedule"] }
        set { json[requiredString: "schedule"] = newValue }
    }
    public var timeZone: String? {
        get { json[string: "timeZone"] }
        set { json[string: "timeZone"] = newValue }
    }
    public var startingDeadlineSeconds: Int? {
        get { json[integer: "startingDeadlineSeconds"] }
        set { json[integer: "startingDeadlineSeconds"] = newValue }
    }
    public var concurrencyPolicy: String? {
        get { json[string: "concurrencyPolicy"] }
        set { json[string: "concurrencyPolicy"] = newValue }
    }
    public var suspend: Bool? {
        get { json[bool: "suspend"] }
        set { json[bool: "suspend"] = newValue }
    }
    public var jobTemplate: JobTemplateSpec {
        get { json[requiredView: "jobTemplate"] }
        set { json[requiredView: "jobTemplate"] = newValue }
    }
    public var successfulJobsHistoryLimit: Int? {
        get { json[integer: "successfulJobsHistoryLimit"] }
        set { json[integer: "successfulJobsHistoryLimit"] = newValue }
    }
    public var failedJobsHistoryLimit: Int? {
        get { json[integer: "failedJobsHistoryLimit"] }
        set { json[integer: "failedJobsHistoryLimit"] = newValue }
    }
}

public struct CronJobStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var active: [ObjectReference] {
        get { json[views: "active"] }
        set { json[views: "active"] = newValue }
    }
    public var lastScheduleTime: KubeTime? {
        get { json[time: "lastScheduleTime"] }
        set { json[time: "lastScheduleTime"] = newValue }
    }
    public var lastSuccessfulTime: KubeTime? {
        get { json[time: "lastSuccessfulTime"] }
        set { json[time: "lastSuccessfulTime"] = newValue }
    }
}

public struct JobCondition: KubeView {
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

public struct JobSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var parallelism: Int? {
        get { json[integer: "parallelism"] }
        set { json[integer: "parallelism"] = newValue }
    }
    public var completions: Int? {
        get { json[integer: "completions"] }
        set { json[integer: "completions"] = newValue }
    }
    public var activeDeadlineSeconds: Int? {
        get { json[integer: "activeDeadlineSeconds"] }
        set { json[integer: "activeDeadlineSeconds"] = newValue }
    }
    public var podFailurePolicy: PodFailurePolicy? {
        get { json[view: "podFailurePolicy"] }
        set { json[view: "podFailurePolicy"] = newValue }
    }
    public var successPolicy: SuccessPolicy? {
        get { json[view: "successPolicy"] }
        set { json[view: "successPolicy"] = newValue }
    }
    public var backoffLimit: Int? {
        get { json[integer: "backoffLimit"] }
        set { json[integer: "backoffLimit"] = newValue }
    }
    public var backoffLimitPerIndex: Int? {
        get { json[integer: "backoffLimitPerIndex"] }
        set { json[integer: "backoffLimitPerIndex"] = newValue }
    }
    public var maxFailedIndexes: Int? {
        get { json[integer: "maxFailedIndexes"] }
        set { json[integer: "maxFailedIndexes"] = newValue }
    }
    public var selector: LabelSelectorSpec? {
        get { json[view: "selector"] }
        set { json[view: "selector"] = newValue }
    }
    public var manualSelector: Bool? {
        get { json[bool: "manualSelector"] }
        set { json[bool: "manualSelector"] = newValue }
    }
    public var template: PodTemplateSpec {
        get { json[requiredView: "template"] }
        set { json[requiredView: "template"] = newValue }
    }
    public var ttlSecondsAfterFinished: Int? {
        get { json[integer: "ttlSecondsAfterFinished"] }
        set { json[integer: "ttlSecondsAfterFinished"] = newValue }
    }
    public var completionMode: String? {
        get { json[string: "completionMode"] }
        set { json[string: "completionMode"] = newValue }
    }
    public var suspend: Bool? {
        get { json[bool: "suspend"] }
        set { json[bool: "suspend"] = newValue }
    }
    public var podReplacementPolicy: String? {
        get { json[string: "podReplacementPolicy"] }
        set { json[string: "podReplacementPolicy"] = newValue }
    }
    public var managedBy: String? {
        get { json[string: "managedBy"] }
        set { json[string: "managedBy"] = newValue }
    }
}

public struct JobStatus: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var conditions: [JobCondition] {
        get { json[views: "conditions"] }
        set { json[views: "conditions"] = newValue }
    }
    public var startTime: KubeTime? {
        get { json[time: "startTime"] }
        set { json[time: "startTime"] = newValue }
    }
    public var completionTime: KubeTime? {
        get { json[time: "completionTime"] }
        set { json[time: "completionTime"] = newValue }
    }
    public var active: Int? {
        get { json[integer: "active"] }
        set { json[integer: "active"] = newValue }
    }
    public var succeeded: Int? {
        get { json[integer: "succeeded"] }
        set { json[integer: "succeeded"] = newValue }
    }
    public var failed: Int? {
        get { json[integer: "failed"] }
        set { json[integer: "failed"] = newValue }
    }
    public var terminating: Int? {
        get { json[integer: "terminating"] }
        set { json[integer: "terminating"] = newValue }
    }
    public var completedIndexes: String? {
        get { json[string: "completedIndexes"] }
        set { json[string: "completedIndexes"] = newValue }
    }
    public var failedIndexes: String? {
        get { json[string: "failedIndexes"] }
        set { json[string: "failedIndexes"] = newValue }
    }
    public var uncountedTerminatedPods: UncountedTerminatedPods? {
        get { json[view: "uncountedTerminatedPods"] }
        set { json[view: "uncountedTerminatedPods"] = newValue }
    }
    public var ready: Int? {
        get { json[integer: "ready"] }
        set { json[integer: "ready"] = newValue }
    }
}

public struct JobTemplateSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: JobSpec? {
        get { json[view: "spec"] }
        set { json[view: "spec"] = newValue }
    }
}

public struct PodFailurePolicy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var rules: [PodFailurePolicyRule] {
        get { json[views: "rules"] }
        set { json[views: "rules"] = newValue }
    }
}

public struct PodFailurePolicyOnExitCodesRequirement: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var containerName: String? {
        get { json[string: "containerName"] }
        set { json[string: "containerName"] = newValue }
    }
    public var `operator`: String {
        get { json[requiredString: "operator"] }
        set { json[requiredString: "operator"] = newValue }
    }
    public var values: [Int] {
        get { json[integers: "values"] }
        set { json[integers: "values"] = newValue }
    }
}

public struct PodFailurePolicyOnPodConditionsPattern: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var type: String {
        get { json[requiredString: "type"] }
        set { json[requiredString: "type"] = newValue }
    }
    public var status: String? {
        get { json[string: "status"] }
        set { json[string: "status"] = newValue }
    }
}

public struct PodFailurePolicyRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var action: String {
        get { json[requiredString: "action"] }
        set { json[requiredString: "action"] = newValue }
    }
    public var onExitCodes: PodFailurePolicyOnExitCodesRequirement? {
        get { json[view: "onExitCodes"] }
        set { json[view: "onExitCodes"] = newValue }
    }
    public var onPodConditions: [PodFailurePolicyOnPodConditionsPattern] {
        get { json[views: "onPodConditions"] }
        set { json[views: "onPodConditions"] = newValue }
    }
}

public struct SuccessPolicy: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var rules: [SuccessPolicyRule] {
        get { json[views: "rules"] }
        set { json[views: "rules"] = newValue }
    }
}

public struct SuccessPolicyRule: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var succeededIndexes: String? {
        get { json[string: "succeededIndexes"] }
        set { json[string: "succeededIndexes"] = newValue }
    }
    public var succeededCount: Int? {
        get { json[integer: "succeededCount"] }
        set { json[integer: "succeededCount"] = newValue }
    }
}

public struct UncountedTerminatedPods: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var succeeded: [String] {
        get { json[strings: "succeeded"] }
        set { json[strings: "succeeded"] = newValue }
    }
    public var failed: [String] {
        get { json[strings: "failed"] }
        set { json[strings: "failed"] = newValue }
    }
}
