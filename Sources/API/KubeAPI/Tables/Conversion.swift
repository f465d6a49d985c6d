// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// Objects that two resources show in two forms: events in the core group and in `events.k8s.io`, autoscalers in
/// `autoscaling/v1` and `/v2`. One of the two is the stored form (`ResourceKind.storage`).
public enum Conversion {
    /// The object as `target` shows it; unchanged where both show the same form.
    public static func convert(_ object: JSONObject, to target: ResourceID) -> JSONObject {
        guard let from = GroupVersion(apiVersion: object["apiVersion"]?.string ?? ""),
            from.group != target.group || from.version != target.version
        else { return object }
        var result = object
        switch (from.description, target.apiVersion, target.kind) {
        case ("v1", "events.k8s.io/v1", "Event"): rename(&result, eventFields)
        case ("events.k8s.io/v1", "v1", "Event"): rename(&result, eventFields.map { ($0.new, $0.old) })
        case ("autoscaling/v1", "autoscaling/v2", "HorizontalPodAutoscaler"): toMetrics(&result)
        case ("autoscaling/v2", "autoscaling/v1", "HorizontalPodAutoscaler"): fromMetrics(&result)
        default: break
        }
        result["apiVersion"] = .string(target.apiVersion)
        return result
    }

    // MARK: - Events

    private static let eventFields: [(old: String, new: String)] = [
        ("involvedObject", "regarding"), ("message", "note"), ("reportingComponent", "reportingController"),
        ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ]

    private static func rename(_ object: inout JSONObject, _ fields: [(old: String, new: String)]) {
        for (old, new) in fields {
            guard let value = object.removeValue(forKey: old) else { continue }
            object[new] = value
        }
    }

    // MARK: - Autoscalers

    private static let metricsAnnotation = "autoscaling.alpha.kubernetes.io/metrics"
    private static let currentAnnotation = "autoscaling.alpha.kubernetes.io/current-metrics"
    private static let conditionsAnnotation = "autoscaling.alpha.kubernetes.io/conditions"
    private static let behaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior"

    /// The one number of the first version becomes a metric; what it cannot say travels in annotations.
    private static func toMetrics(_ object: inout JSONObject) {
        let kept = takeAnnotations(&object)
        object.change("spec") { spec in
            var metrics = kept[metricsAnnotation]?.array ?? []
            if let target = spec.removeValue(forKey: "targetCPUUtilizationPercentage") {
                metrics.insert(cpuMetric(["type": "Utilization", "averageUtilization": target], "target"), at: 0)
            }
            if !metrics.isEmpty { spec["metrics"] = .array(metrics) }
            if let behavior = kept[behaviorAnnotation] { spec["behavior"] = behavior }
        }
        object.change("status") { status in
            var metrics = kept[currentAnnotation]?.array ?? []
            if let current = status.removeValue(forKey: "currentCPUUtilizationPercentage") {
                metrics.insert(cpuMetric(["averageUtilization": current], "current"), at: 0)
            }
            if !metrics.isEmpty { status["currentMetrics"] = .array(metrics) }
            if let conditions = kept[conditionsAnnotation] { status["conditions"] = conditions }
        }
    }

    private static func fromMetrics(_ object: inout JSONObject) {
        var kept: [(String, JSONValue)] = []
        object.change("spec") { spec in
            let rest = takeCPU(&spec, "metrics", "target", "targetCPUUtilizationPercentage")
            if !rest.isEmpty { kept.append((metricsAnnotation, .array(rest))) }
            if let behavior = spec.removeValue(forKey: "behavior") { kept.append((behaviorAnnotation, behavior)) }
        }
        object.change("status") { status in
            let rest = takeCPU(&status, "currentMetrics", "current", "currentCPUUtilizationPercentage")
            if !rest.isEmpty { kept.append((currentAnnotation, .array(rest))) }
            if let conditions = status.removeValue(forKey: "conditions"), conditions.array?.isEmpty == false {
                kept.append((conditionsAnnotation, conditions))
            }
        }
        guard !kept.isEmpty else { return }
        object.change("metadata", creating: true) { metadata in
            metadata.change("annotations", creating: true) { annotations in
                for (name, value) in kept { annotations[name] = .string(value.description) }
                annotations = annotations.sortedByKey()
            }
        }
    }

    private static func cpuMetric(_ amount: JSONValue, _ key: String) -> JSONValue {
        ["type": "Resource", "resource": .object(["name": "cpu", key: amount])]
    }

    /// Moves the first CPU utilization metric of a list into a field; returns the others.
    private static func takeCPU(
        _ part: inout JSONObject, _ list: String, _ inner: String, _ field: String
    ) -> [JSONValue] {
        var rest = part.removeValue(forKey: list)?.array ?? []
        let position = rest.firstIndex {
            $0["type"] == "Resource" && $0["resource"]?["name"] == "cpu"
                && $0["resource"]?[inner]?["averageUtilization"] != nil
        }
        if let position {
            part[field] = rest[position]["resource"]?[inner]?["averageUtilization"]
            rest.remove(at: position)
        }
        return rest
    }

    private static func takeAnnotations(_ object: inout JSONObject) -> [String: JSONValue] {
        var kept: [String: JSONValue] = [:]
        object.change("metadata") { metadata in
            metadata.change("annotations") { annotations in
                for name in [metricsAnnotation, currentAnnotation, conditionsAnnotation, behaviorAnnotation] {
                    guard let text = annotations[name]?.string else { continue }
                    do throws(JSONError) {
                        // Shallow: what is made of it goes into an object that may be deep itself.
                        kept[name] = try JSONValue.parse(text, options: JSONOptions(maximumDepth: 32))
                        annotations[name] = nil
                    } catch {
                        // Somebody else's text under this name stays an annotation.
                        continue
                    }
                }
            }
            if metadata.isEmptyOrAbsent("annotations") { metadata["annotations"] = nil }
        }
        return kept
    }
}
