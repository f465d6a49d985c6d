// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// `status.conditions` of a workload object, in the order they were first set.
struct Conditions: Sendable, Hashable {
    var items: [JSONObject]

    init(_ object: JSONObject) { items = object.array("status", "conditions").compactMap(\.object) }

    subscript(type: String) -> JSONObject? { items.first { $0["type"]?.string == type } }

    func isTrue(_ type: String) -> Bool { self[type]?["status"]?.string == "True" }

    /// Sets a condition; the transition time moves only with the status. Returns whether anything changed.
    ///
    /// - Parameter updateTime: Kinds with `lastUpdateTime` (Deployment) get it moved with every change.
    @discardableResult
    mutating func set(
        _ type: String, _ status: Bool, reason: String = "", message: String = "", updateTime: Bool = false,
        probeTime: Bool = false, at now: Timestamp = .now
    ) -> Bool {
        set(
            type, status: status ? "True" : "False", reason: reason, message: message, updateTime: updateTime,
            probeTime: probeTime, at: now)
    }

    /// The same with `True`, `False` or `Unknown`.
    @discardableResult
    mutating func set(
        _ type: String, status text: String, reason: String = "", message: String = "", updateTime: Bool = false,
        probeTime: Bool = false, at now: Timestamp = .now
    ) -> Bool {
        let old = self[type]
        if let old, old["status"]?.string == text, old.string("reason") == reason, old.string("message") == message {
            return false
        }
        var condition: JSONObject = ["type": .string(type), "status": .string(text)]
        if probeTime { condition["lastProbeTime"] = .string(now.description) }
        if updateTime { condition["lastUpdateTime"] = .string(now.description) }
        if let old, old["status"]?.string == text, let since = old["lastTransitionTime"] {
            condition["lastTransitionTime"] = since
        } else {
            condition["lastTransitionTime"] = .string(now.description)
        }
        if !reason.isEmpty { condition["reason"] = .string(reason) }
        if !message.isEmpty { condition["message"] = .string(message) }
        if let index = items.firstIndex(where: { $0["type"]?.string == type }) {
            items[index] = condition
        } else {
            items.append(condition)
        }
        return true
    }

    /// True when the condition was there.
    @discardableResult
    mutating func remove(_ type: String) -> Bool {
        let before = items.count
        items.removeAll { $0["type"]?.string == type }
        return items.count != before
    }

    var json: JSONValue? { items.isEmpty ? nil : .array(items.map { .object($0) }) }
}
