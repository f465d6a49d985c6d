// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

public struct EventsEvent: KubeObject {
    public static let resource = ResourceID(
        group: "events.k8s.io", version: "v1", plural: "events", kind: "Event", namespaced: true)
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ObjectMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var eventTime: KubeTime? {
        get { json[microTime: "eventTime"] }
        set { json[microTime: "eventTime"] = newValue }
    }
    public var series: EventsEventSeries? {
        get { json[view: "series"] }
        set { json[view: "series"] = newValue }
    }
    public var reportingController: String? {
        get { json[string: "reportingController"] }
        set { json[string: "reportingController"] = newValue }
    }
    public var reportingInstance: String? {
        get { json[string: "reportingInstance"] }
        set { json[string: "reportingInstance"] = newValue }
    }
    public var action: String? {
        get { json[string: "action"] }
        set { json[string: "action"] = newValue }
    }
    public var reason: String? {
        get { json[string: "reason"] }
        set { json[string: "reason"] = newValue }
    }
    public var regarding: ObjectReference? {
        get { json[view: "regarding"] }
        set { json[view: "regarding"] = newValue }
    }
    public var related: ObjectReference? {
        get { json[view: "related"] }
        set { json[view: "related"] = newValue }
    }
    public var note: String? {
        get { json[string: "note"] }
        set { json[string: "note"] = newValue }
    }
    public var type: String? {
        get { json[string: "type"] }
        set { json[string: "type"] = newValue }
    }
    public var deprecatedSource: EventSource? {
        get { json[view: "deprecatedSource"] }
        set { json[view: "deprecatedSource"] = newValue }
    }
    public var deprecatedFirstTimestamp: KubeTime? {
        get { json[time: "deprecatedFirstTimestamp"] }
        set { json[time: "deprecatedFirstTimestamp"] = newValue }
    }
    public var deprecatedLastTimestamp: KubeTime? {
        get { json[time: "deprecatedLastTimestamp"] }
        set { json[time: "deprecatedLastTimestamp"] = newValue }
    }
    public var deprecatedCount: Int? {
        get { json[integer: "deprecatedCount"] }
        set { json[integer: "deprecatedCount"] = newValue }
    }
}

public struct EventsEventSeries: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var count: Int {
        get { json[requiredInteger: "count"] }
        set { json[requiredInteger: "count"] = newValue }
    }
    public var lastObservedTime: KubeTime? {
        get { json[microTime: "lastObservedTime"] }
        set { json[microTime: "lastObservedTime"] = newValue }
    }
}
