// SPDX-License-Identifier: Apache-2.0

import JSON
public import KubeAPI
import Schema
import Synchronization
public import Telemetry

/// The object an Event is about.
public struct EventTarget: Sendable, Hashable {
    public var apiVersion: String
    public var kind: String
    public var namespace: String
    public var name: String
    public var uid: String
    public var resourceVersion: String
    /// A part of the object, `spec.containers{app}`.
    public var fieldPath: String

    public init(
        apiVersion: String, kind: String, namespace: String = "", name: String, uid: String = "",
        resourceVersion: String = "", fieldPath: String = ""
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.fieldPath = fieldPath
    }

    public init<T: KubeObject>(_ object: T, fieldPath: String = "") {
        let resource = T.resource
        self.init(
            apiVersion: resource.group.isEmpty ? resource.version : "\(resource.group)/\(resource.version)",
            kind: resource.kind, namespace: object.json.objectNamespace, name: object.json.objectName,
            uid: object.json.objectUID, resourceVersion: object.json.objectResourceVersion, fieldPath: fieldPath)
    }

    var json: JSONObject {
        var object = JSONObject()
        object["kind"] = .string(kind)
        if !namespace.isEmpty { object["namespace"] = .string(namespace) }
        object["name"] = .string(name)
        if !uid.isEmpty { object["uid"] = .string(uid) }
        object["apiVersion"] = .string(apiVersion)
        if !resourceVersion.isEmpty { object["resourceVersion"] = .string(resourceVersion) }
        if !fieldPath.isEmpty { object["fieldPath"] = .string(fieldPath) }
        return object
    }
}

public enum EventType: String, Sendable, Hashable {
    case normal = "Normal"
    case warning = "Warning"
}

/// Writes Events without holding up its caller: repeated ones are counted, similar ones combined, floods dropped.
public final class EventRecorder: Sendable {
    private let client: KubeClient
    private let component: String
    private let host: String
    private let logger: Logger?
    private let stream: AsyncStream<Occurrence>
    private let continuation: AsyncStream<Occurrence>.Continuation
    private let correlator = Mutex(EventCorrelator())

    private struct Occurrence: Sendable {
        var target: EventTarget
        var type: EventType
        var reason: String
        var message: String
        var action: String
        var time: Timestamp
    }

    static let events = ResourceID(group: "", version: "v1", plural: "events", kind: "Event", namespaced: true)

    /// - Parameters:
    ///   - component: Shown as the source, `kubelet`, `default-scheduler`.
    ///   - host: The node's name for components of a node.
    public init(client: KubeClient, component: String, host: String = "", logger: Logger? = nil) {
        self.client = client
        self.component = component
        self.host = host
        self.logger = logger
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1000))
    }

    /// Notes an event; returns at once. Written while `run` runs.
    public func event(
        _ target: EventTarget, _ type: EventType, reason: String, _ message: String, action: String = ""
    ) {
        // Upstream's API refuses longer messages.
        let text =
            message.utf8.count > 1024 ? String(decoding: message.utf8.prefix(1021), as: UTF8.self) + "..." : message
        continuation.yield(
            Occurrence(target: target, type: type, reason: reason, message: text, action: action, time: .now))
    }

    public func event<T: KubeObject>(
        _ object: T, _ type: EventType, reason: String, _ message: String, action: String = ""
    ) {
        event(EventTarget(object), type, reason: reason, message, action: action)
    }

    /// Writes what was noted, in order, until cancelled.
    public func run() async {
        for await occurrence in stream {
            await record(occurrence)
        }
    }

    private func record(_ occurrence: Occurrence) async {
        let key = EventCorrelator.Key(
            target: occurrence.target, type: occurrence.type, reason: occurrence.reason, action: occurrence.action)
        let decision = correlator.withLock { $0.decide(key, message: occurrence.message, at: occurrence.time) }
        guard let decision else { return }
        for attempt in 0..<12 {
            do {
                try await write(occurrence, decision)
                return
            } catch let error as StatusError
                where (error.code < 500 && !error.isTooManyRequests) || error.code == 507
            {
                // A refusal (namespace gone, full, forbidden, invalid) is final: trying again keeps the others waiting.
                logger?.debug("event refused", ["reason": occurrence.reason, "error": "\(error)"])
                return
            } catch {
                if Task.isCancelled { return }
                if attempt == 11 {
                    logger?.warning("event dropped", ["reason": occurrence.reason, "error": "\(error)"])
                    return
                }
                do { try await Task.sleep(for: .seconds(attempt == 0 ? Double.random(in: 0..<1) : 10)) } catch {
                    return
                }
            }
        }
    }

    private func write(_ occurrence: Occurrence, _ decision: EventCorrelator.Decision) async throws {
        let namespace = occurrence.target.namespace.isEmpty ? "default" : occurrence.target.namespace
        if let earlier = decision.earlier {
            let body: JSONObject = [
                "count": .integer(Int64(decision.count)), "lastTimestamp": .string(occurrence.time.description),
                "message": .string(decision.message),
            ]
            do {
                _ = try await client.patch(
                    Self.events, namespace: namespace, name: earlier, body: .object(body), kind: .strategicMerge)
                return
            } catch  where error.isNotFound {
                // Expired meanwhile: written anew below.
            }
        }
        let name = EventRecorder.name(occurrence.target.name, at: occurrence.time)
        var event: JSONObject = ["metadata": ["name": .string(name), "namespace": .string(namespace)]]
        event["involvedObject"] = .object(occurrence.target.json)
        event["reason"] = .string(occurrence.reason)
        event["message"] = .string(decision.message)
        var source: JSONObject = ["component": .string(component)]
        if !host.isEmpty { source["host"] = .string(host) }
        event["source"] = .object(source)
        event["firstTimestamp"] = .string(decision.first.description)
        event["lastTimestamp"] = .string(occurrence.time.description)
        event["count"] = .integer(Int64(decision.count))
        event["type"] = .string(occurrence.type.rawValue)
        event["eventTime"] = .null
        if !occurrence.action.isEmpty { event["action"] = .string(occurrence.action) }
        event["reportingComponent"] = .string(component)
        event["reportingInstance"] = .string(host)
        _ = try await client.create(Self.events, event, namespace: namespace)
        correlator.withLock { $0.created(decision, name: name) }
    }

    /// `<object>.<nanoseconds in hexadecimal>`, cut to what a name may hold.
    static func name(_ object: String, at time: Timestamp) -> String {
        let suffix = String(UInt64(bitPattern: time.seconds &* 1_000_000_000 &+ Int64(time.nanoseconds)), radix: 16)
        return "\(object.prefix(253 - 1 - suffix.utf8.count)).\(suffix)"
    }
}
