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
                for field in ["containers", "initContainers"] {
                    for container in object.spec[field]?.array ?? [] {
                        complaints += LimitBounds(limit, "Container").complaints(
                            requests: QuotaUsage.quantities(container["resources"]?["requests"]?.object ?? [:]),
                            limits: QuotaUsage.quantities(container["resources"]?["limits"]?.object ?? [:]))
                    }
                }
            case ("Pod", "Pod"):
                // Sidecars count with the containers; of what the pod says as a whole these two.
                func total(_ field: String) -> [String: Quantity] {
                    QuotaUsage.podTotal(object.json, field) { ["cpu", "memory"].contains($0) }
                }
                complaints += LimitBounds(limit, "Pod").complaints(
                    requests: total("requests"), limits: total("limits"))
            case ("PersistentVolumeClaim", "PersistentVolumeClaim"):
                complaints += LimitBounds(limit, "PersistentVolumeClaim").complaints(
                    requests: QuotaUsage.quantities(object.spec["resources"]?["requests"]?.object ?? [:]))
            default: break
            }
        }
        if complaints.isEmpty { return }
        let text = complaints.count == 1 ? complaints[0] : "[\(complaints.joined(separator: ", "))]"
        throw .forbidden(resource.subject(object.name), text)
    }
}

/// One item of a LimitRange: between what the amounts of one thing have to be.
struct LimitBounds: Sendable {
    let type: String
    let minimum: [String: Quantity]
    let maximum: [String: Quantity]
    let ratio: [String: Quantity]

    init(_ item: JSONValue, _ type: String) {
        self.type = type
        minimum = QuotaUsage.quantities(item["min"]?.object ?? [:])
        maximum = QuotaUsage.quantities(item["max"]?.object ?? [:])
        ratio = QuotaUsage.quantities(item["maxLimitRequestRatio"]?.object ?? [:])
    }

    /// What is wrong with the amounts. `limits` is nil where there are none but requests: for storage.
    func complaints(requests: [String: Quantity], limits: [String: Quantity]? = nil) -> [String] {
        var complaints: [String] = []
        for (name, bound) in minimum.sorted(by: { $0.key < $1.key }) {
            let rule = "minimum \(name) usage per \(type) is \(bound)"
            guard let request = requests[name] else {
                complaints.append("\(rule).  No request is specified")
                continue
            }
            if request < bound {
                complaints.append("\(rule), but request is \(request)")
            } else if let limit = limits?[name], limit < bound {
                complaints.append("\(rule), but limit is \(limit)")
            }
        }
        for (name, bound) in maximum.sorted(by: { $0.key < $1.key }) {
            let rule = "maximum \(name) usage per \(type) is \(bound)"
            if let limits {
                guard let limit = limits[name] else {
                    complaints.append("\(rule).  No limit is specified")
                    continue
                }
                if limit > bound {
                    complaints.append("\(rule), but limit is \(limit)")
                    continue
                }
            } else if requests[name] == nil {
                complaints.append("\(rule).  No request is specified")
            }
            if let request = requests[name], request > bound {
                complaints.append("\(rule), but request is \(request)")
            }
        }
        guard let limits else { return complaints }
        for (name, bound) in ratio.sorted(by: { $0.key < $1.key }) {
            let rule = "\(name) max limit to request ratio per \(type) is \(bound)"
            guard let request = requests[name], !request.isZero else {
                complaints.append("\(rule), but no request is specified or request is 0")
                continue
            }
            guard let limit = limits[name], !limit.isZero else {
                complaints.append("\(rule), but no limit is specified or limit is 0")
                continue
            }
            let actual = limit.approximate / request.approximate
            if actual > bound.approximate { complaints.append("\(rule), but provided ratio is \(Self.text(actual))") }
        }
        return complaints
    }

    /// With six digits behind the point, as upstream's messages have it.
    private static func text(_ ratio: Double) -> String {
        let millionths = (ratio * 1_000_000).rounded()
        guard let number = Int64(exactly: millionths), number >= 0 else { return "\(ratio)" }
        let fraction = String(number % 1_000_000)
        return "\(number / 1_000_000).\(String(repeating: "0", count: 6 - fraction.utf8.count))\(fraction)"
    }
}
