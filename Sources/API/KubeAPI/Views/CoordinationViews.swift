// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct Lease: KubeObject {
    public static let resource = ResourceID(
        group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var spec: LeaseSpec {
        get { json[requiredView: "spec"] }
        set { json[requiredView: "spec"] = newValue }
    }
}

public struct LeaseSpec: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var holderIdentity: String? {
        get { json[string: "holderIdentity"] }
        set { json[string: "holderIdentity"] = newValue }
    }
    public var leaseDurationSeconds: Int? {
        get { json[integer: "leaseDurationSeconds"] }
        set { json[integer: "leaseDurationSeconds"] = newValue }
    }
    public var acquireTime: KubeTime? {
        get { json[microTime: "acquireTime"] }
        set { json[microTime: "acquireTime"] = newValue }
    }
    public var renewTime: KubeTime? {
        get { json[microTime: "renewTime"] }
        set { json[microTime: "renewTime"] = newValue }
    }
    public var leaseTransitions: Int? {
        get { json[integer: "leaseTransitions"] }
        set { json[integer: "leaseTransitions"] = newValue }
    }
    public var strategy: String? {
        get { json[string: "strategy"] }
        set { json[string: "strategy"] = newValue }
    }
    public var preferredHolder: String? {
        get { json[string: "preferredHolder"] }
        set { json[string: "preferredHolder"] = newValue }
    }
}
