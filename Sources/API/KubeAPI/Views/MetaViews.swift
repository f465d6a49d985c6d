// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Condition: KubeView {
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
    public var observedGeneration: Int? {
        get { json[integer: "observedGeneration"] }
        set { json[integer: "observedGeneration"] = newValue }
    }
    public var lastTransitionTime: KubeTime? {
        get { json[time: "lastTransitionTime"] }
        set { json[time: "lastTransitionTime"] = newValue }
    }
    public var reason: String {
        get { json[requiredString: "reason"] }
        set { json[requiredString: "reason"] = newValue }
    }
    public var message: String {
        get { json[requiredString: "message"] }
        set { json[requiredString: "message"] = newValue }
    }
}

public struct DeleteOptions: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kind: String? {
        get { json[string: "kind"] }
        set { json[string: "kind"] = newValue }
    }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
    public var gracePeriodSeconds: Int? {
        get { json[integer: "gracePeriodSeconds"] }
        set { json[integer: "gracePeriodSeconds"] = newValue }
    }
    public var preconditions: Preconditions? {
        get { json[view: "preconditions"] }
        set { json[view: "preconditions"] = newValue }
    }
    public var orphanDependents: Bool? {
        get { json[bool: "orphanDependents"] }
        set { json[bool: "orphanDependents"] = newValue }
    }
    public var propagationPolicy: String? {
        get { json[string: "propagationPolicy"] }
        set { json[string: "propagationPolicy"] = newValue }
    }
    public var dryRun: [String] {
        get { json[strings: "dryRun"] }
        set { json[strings: "dryRun"] = newValue }
    }
    public var ignoreStoreReadErrorWithClusterBreakingPotential: Bool? {
        get { json[bool: "ignoreStoreReadErrorWithClusterBreakingPotential"] }
        set { json[bool: "ignoreStoreReadErrorWithClusterBreakingPotential"] = newValue }
    }
}

public struct FieldSelectorRequirement: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var `operator`: String {
        get { json[requiredString: "operator"] }
        set { json[requiredString: "operator"] = newValue }
    }
    public var values: [String] {
        get { json[strings: "values"] }
        set { json[strings: "values"] = newValue }
    }
}

public struct LabelSelectorRequirement: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var key: String {
        get { json[requiredString: "key"] }
        set { json[requiredString: "key"] = newValue }
    }
    public var `operator`: String {
        get { json[requiredString: "operator"] }
        set { json[requiredString: "operator"] = newValue }
    }
    public var values: [String] {
        get { json[strings: "values"] }
        set { json[strings: "values"] = newValue }
    }
}

public struct LabelSelectorSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var matchLabels: [String: String] {
        get { json[stringMap: "matchLabels"] }
        set { json[stringMap: "matchLabels"] = newValue }
    }
    public var matchExpressions: [LabelSelectorRequirement] {
        get { json[views: "matchExpressions"] }
        set { json[views: "matchExpressions"] = newValue }
    }
}

public struct ListMeta: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var selfLink: String? {
        get { json[string: "selfLink"] }
        set { json[string: "selfLink"] = newValue }
    }
    public var resourceVersion: String? {
        get { json[string: "resourceVersion"] }
        set { json[string: "resourceVersion"] = newValue }
    }
    public var `continue`: String? {
        get { json[string: "continue"] }
        set { json[string: "continue"] = newValue }
    }
    public var remainingItemCount: Int? {
        get { json[integer: "remainingItemCount"] }
        set { json[integer: "remainingItemCount"] = newValue }
    }
    public var shardInfo: ShardInfo? {
        get { json[view: "shardInfo"] }
        set { json[view: "shardInfo"] = newValue }
    }
}

public struct ManagedFieldsEntry: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var manager: String? {
        get { json[string: "manager"] }
        set { json[string: "manager"] = newValue }
    }
    public var operation: String? {
        get { json[string: "operation"] }
        set { json[string: "operation"] = newValue }
    }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
    public var time: KubeTime? {
        get { json[time: "time"] }
        set { json[time: "time"] = newValue }
    }
    public var fieldsType: String? {
        get { json[string: "fieldsType"] }
        set { json[string: "fieldsType"] = newValue }
    }
    public var fieldsV1: JSONValue? {
        get { json[value: "fieldsV1"] }
        set { json[value: "fieldsV1"] = newValue }
    }
    public var subresource: String? {
        get { json[string: "subresource"] }
        set { json[string: "subresource"] = newValue }
    }
}

public struct ObjectMeta: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var generateName: String? {
        get { json[string: "generateName"] }
        set { json[string: "generateName"] = newValue }
    }
    public var namespace: String? {
        get { json[string: "namespace"] }
        set { json[string: "namespace"] = newValue }
    }
    public var selfLink: String? {
        get { json[string: "selfLink"] }
        set { json[string: "selfLink"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
    public var resourceVersion: String? {
        get { json[string: "resourceVersion"] }
        set { json[string: "resourceVersion"] = newValue }
    }
    public var generation: Int? {
        get { json[integer: "generation"] }
        set { json[integer: "generation"] = newValue }
    }
    public var creationTimestamp: KubeTime? {
        get { json[time: "creationTimestamp"] }
        set { json[time: "creationTimestamp"] = newValue }
    }
    public var deletionTimestamp: KubeTime? {
        get { json[time: "deletionTimestamp"] }
        set { json[time: "deletionTimestamp"] = newValue }
    }
    public var deletionGracePeriodSeconds: Int? {
        get { json[integer: "deletionGracePeriodSeconds"] }
        set { json[integer: "deletionGracePeriodSeconds"] = newValue }
    }
    public var labels: [String: String] {
        get { json[stringMap: "labels"] }
        set { json[stringMap: "labels"] = newValue }
    }
    public var annotations: [String: String] {
        get { json[stringMap: "annotations"] }
        set { json[stringMap: "annotations"] = newValue }
    }
    public var ownerReferences: [OwnerReference] {
        get { json[views: "ownerReferences"] }
        set { json[views: "ownerReferences"] = newValue }
    }
    public var finalizers: [String] {
        get { json[strings: "finalizers"] }
        set { json[strings: "finalizers"] = newValue }
    }
    public var managedFields: [ManagedFieldsEntry] {
        get { json[views: "managedFields"] }
        set { json[views: "managedFields"] = newValue }
    }
}

public struct OwnerReference: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var apiVersion: String {
        get { json[requiredString: "apiVersion"] }
        set { json[requiredString: "apiVersion"] = newValue }
    }
    public var kind: String {
        get { json[requiredString: "kind"] }
        set { json[requiredString: "kind"] = newValue }
    }
    public var name: String {
        get { json[requiredString: "name"] }
        set { json[requiredString: "name"] = newValue }
    }
    public var uid: String {
        get { json[requiredString: "uid"] }
        set { json[requiredString: "uid"] = newValue }
    }
    public var controller: Bool? {
        get { json[bool: "controller"] }
        set { json[bool: "controller"] = newValue }
    }
    public var blockOwnerDeletion: Bool? {
        get { json[bool: "blockOwnerDeletion"] }
        set { json[bool: "blockOwnerDeletion"] = newValue }
    }
}

public struct Preconditions: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
    public var resourceVersion: String? {
        get { json[string: "resourceVersion"] }
        set { json[string: "resourceVersion"] = newValue }
    }
}

public struct ShardInfo: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var selector: String {
        get { json[requiredString: "selector"] }
        set { json[requiredString: "selector"] = newValue }
    }
}

public struct Status: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var kind: String? {
        get { json[string: "kind"] }
        set { json[string: "kind"] = newValue }
    }
    public var apiVersion: String? {
        get { json[string: "apiVersion"] }
        set { json[string: "apiVersion"] = newValue }
    }
    public var metadata: ListMeta? {
        get { json[view: "metadata"] }
        set { json[view: "metadata"] = newValue }
    }
    public var status: String? {
        get { json[string: "status"] }
        set { json[string: "status"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var details: StatusDetails? {
        get { json[view: "details"] }
        set { json[view: "details"] = newValue }
    }
    public var code: Int? {
        get { json[integer: "code"] }
        set { json[integer: "code"] = newValue }
    }
}

public struct StatusCause: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var message: String? {
        get { json[string: "message"] }
        set { json[string: "message"] = newValue }
    }
    public var field: String? {
        get { json[string: "field"] }
        set { json[string: "field"] = newValue }
    }
}

public struct StatusDetails: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var name: String? {
        get { json[string: "name"] }
        set { json[string: "name"] = newValue }
    }
    public var group: String? {
        get { json[string: "group"] }
        set { json[string: "group"] = newValue }
    }
    public var kind: String? {
        get { json[string: "kind"] }
        set { json[string: "kind"] = newValue }
    }
    public var uid: String? {
        get { json[string: "uid"] }
        set { json[string: "uid"] = newValue }
    }
    public var causes: [StatusCause] {
        get { json[views: "causes"] }
        set { json[views: "causes"] = newValue }
    }
    public var retryAfterSeconds: Int? {
        get { json[integer: "retryAfterSeconds"] }
        set { json[integer: "retryAfterSeconds"] = newValue }
    }
}
