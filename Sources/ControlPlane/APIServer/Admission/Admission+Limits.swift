// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema

extension Admission {
    /// The limits of a namespace, each with the kind of thing it is for (`Container`, `Pod`, `PersistentVolumeClaim`).
    private func limits(_ namespace: String) throws(APIError) -> [JSONValue] {
        try core.objects("", "limitranges", namespace: namespace).flatMap { $0.spec["limits"]?.array ?? [] }
    }

    /// Containers that say nothing get the namespace's default requests and limits.
    func limitDefaults(_ pod: inout APIObject) throws(APIError) {
        let limits = try limits(pod.namespace).filter { $0["type"]?.string == "Container" }
        guard !limits.isEmpty else { return }
        var spec = pod.spec
        for field in ["initContainers", "containers"] {
            guard let containers = spec[field]?.array else { continue }
            spec[field] = .array(
                containers.map { container in
                    var resources = container["resources"]?.object ?? [:]
                    for limit in limits {
                        Self.fill(&resources, "limits", limit["default"]?.object ?? [:])
                        Self.fill(&resources, "requests", limit["defaultRequest"]?.object ?? [:])
                    }
                    var container = container
                    container["resources"] = .object(resources)
                    return container
                })
        }
        pod.spec = spec
    }

    private static func fill(_ resources: inout JSONObject, _ field: String, _ defaults: JSONObject) {
        var values = resources[field]?.object ?? [:]
        for (name, quantity) in defaults where values[name] == nil { values[name] = quantity }
        if !values.isEmpty { resources[field] = .object(values) }
    }

    /// Refuses what lies outside the namespace's bounds.
    func checkLimits(_ object: APIObject, _ resource: ResourceKind) throws(APIError) {
        var complaints: [String] = []
        for limit in try limits(object.namespace) {
            switch (limit["type"]?.string, resource.kind) {
            case ("Container", "Pod"):
                for field in ["initContainers", "containers"] {
                    for container in object.spec[field]?.array ?? [] {
                        complaints += Self.check(
                            limit, "Container", container["resources"]?["requests"]?.object ?? [:],
                            container["resources"]?["limits"]?.object ?? [:])
                    }
                }
            case ("Pod", "Pod"):
                complaints += Self.check(limit, "Pod", Self.total(object, "requests"), Self.total(object, "limits"))
            case ("PersistentVolumeClaim", "PersistentVolumeClaim"):
                let requests = object.spec["resources"]?["requests"]?.object ?? [:]
                complaints += Self.check(limit, "PersistentVolumeClaim", requests, requests)
            default: break
            }
        }
        if complaints.isEmpty { return }
        let text = complaints.count == 1 ? complaints[0] : "[\(complaints.joined(separator: ", "))]"
        throw .forbidden(resource.subject(object.name), text)
    }

    private static func total(_ pod: APIObject, _ field: String) -> JSONObject {
        var sums: [String: Quantity] = [:]
        for container in pod.spec["containers"]?.array ?? [] {
            for (name, value) in container["resources"]?[field]?.object ?? [:] {
                if let quantity = quantity(value) { sums[name] = (sums[name] ?? .zero) + quantity }
            }
        }
        return JSONObject(sums.map { ($0.key, .string($0.value.description)) })
    }

    static func quantity(_ value: JSONValue?) -> Quantity? {
        guard let value else { return nil }
        return Quantity(value.string ?? value.number.map { "\($0)" } ?? "")
    }

    private static func check(
        _ limit: JSONValue, _ type: String, _ requests: JSONObject, _ limits: JSONObject
    ) -> [String] {
        var complaints: [String] = []
        for (name, bound) in limit["min"]?.object ?? [:] {
            guard let minimum = quantity(bound) else { continue }
            if let request = quantity(requests[name]) {
                if request < minimum {
                    complaints.append("minimum \(name) usage per \(type) is \(minimum), but request is \(request)")
                }
            } else {
                complaints.append("minimum \(name) usage per \(type) is \(minimum).  No request is specified")
            }
            if let given = quantity(limits[name]), given < minimum {
                complaints.append("minimum \(name) usage per \(type) is \(minimum), but limit is \(given)")
            }
        }
        for (name, bound) in limit["max"]?.object ?? [:] {
            guard let maximum = quantity(bound) else { continue }
            guard let given = quantity(limits[name]) else {
                complaints.append("maximum \(name) usage per \(type) is \(maximum).  No limit is specified")
                continue
            }
            if maximum < given {
                complaints.append("maximum \(name) usage per \(type) is \(maximum), but limit is \(given)")
            }
        }
        for (name, bound) in limit["maxLimitRequestRatio"]?.object ?? [:] {
            guard let ratio = quantity(bound), let request = quantity(requests[name]), !request.isZero,
                let given = quantity(limits[name])
            else { continue }
            let actual = given.approximate / request.approximate
            if actual > ratio.approximate {
                complaints.append(
                    "\(name) max limit to request ratio per \(type) is \(ratio), but provided ratio is \(actual)")
            }
        }
        return complaints
    }
}
