// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import Text

/// What one object counts for in a ResourceQuota, by the names that `spec.hard` uses. No I/O.
public enum QuotaUsage {
    /// Core kinds that a quota also names without `count/`.
    private static let plainNames: Set<String> = [
        "configmaps", "secrets", "replicationcontrollers", "resourcequotas", "services", "persistentvolumeclaims",
    ]

    /// Everything that `object` uses.
    public static func of(_ object: JSONObject, group: String, plural: String) -> [String: Quantity] {
        var usage: [String: Quantity] = [countName(group: group, plural: plural): 1]
        guard group.isEmpty else { return usage }
        if plainNames.contains(plural) { usage[plural] = 1 }
        switch plural {
        case "pods": if !isFinished(object) { add(pod: object, to: &usage) }
        case "services": add(service: object, to: &usage)
        case "persistentvolumeclaims": add(claim: object, to: &usage)
        default: break
        }
        return usage
    }

    /// Whether what an object counts for is more than one of its kind.
    public static func dependsOnContent(group: String, plural: String) -> Bool {
        group.isEmpty && ["pods", "services", "persistentvolumeclaims"].contains(plural)
    }

    /// `count/deployments.apps`; `count/pods`.
    public static func countName(group: String, plural: String) -> String {
        group.isEmpty ? "count/\(plural)" : "count/\(plural).\(group)"
    }

    /// The kind whose objects use `name`, when `name` is one that a quota knows.
    public static func kind(of name: String) -> (group: String, plural: String)? {
        if name.hasPrefix("count/") {
            let parts = name.dropFirst(6).split(separator: ".", maxSplits: 1).map(String.init)
            return parts.isEmpty ? nil : (parts.count > 1 ? parts[1] : "", parts[0])
        }
        if plainNames.contains(name) { return ("", name) }
        if name.hasPrefix("services.") { return ("", "services") }
        if name == "requests.storage" || name.contains(".storageclass.storage.k8s.io/") {
            return ("", "persistentvolumeclaims")
        }
        if ["pods", "cpu", "memory", "ephemeral-storage"].contains(name) || name.hasPrefix("requests.")
            || name.hasPrefix("limits.") || name.hasPrefix("hugepages-")
        {
            return ("", "pods")
        }
        return nil
    }

    // MARK: Pods

    private static func isFinished(_ pod: JSONObject) -> Bool {
        ["Succeeded", "Failed"].contains(pod["status"]?["phase"]?.string ?? "")
    }

    private static func add(pod: JSONObject, to usage: inout [String: Quantity]) {
        usage["pods"] = 1
        for (name, quantity) in total(pod, "requests") {
            usage["requests.\(name)"] = quantity
            if ["cpu", "memory", "ephemeral-storage"].contains(name) || name.hasPrefix("hugepages-") {
                usage[name] = quantity
            }
        }
        for (name, quantity) in total(pod, "limits") where !name.hasSlash { usage["limits.\(name)"] = quantity }
    }

    /// What a pod needs at most at one time: its containers and sidecars together, or one init container beside the
    /// sidecars started before it; and the overhead of its runtime.
    private static func total(_ pod: JSONObject, _ field: String) -> [String: Quantity] {
        var total = podTotal(pod, field, isSaidAtOnce: isSaidAtOnce)
        let overhead = quantities(pod["spec"]?["overhead"]?.object ?? [:])
        for (name, quantity) in overhead where field == "requests" || total[name] != nil {
            total[name, default: .zero] += quantity
        }
        return total
    }

    /// The resources of which a pod may say what it needs as a whole.
    public static func isSaidAtOnce(_ name: String) -> Bool {
        name == "cpu" || name == "memory" || name.hasPrefix("hugepages-")
    }

    /// The same without overhead, for what is no quota. `isSaidAtOnce` tells of which resources what the pod says as a
    /// whole counts. It cannot ask for less than its parts do, and nothing counts for less than nothing, whatever is stored.
    public static func podTotal(
        _ pod: JSONObject, _ field: String, isSaidAtOnce: (String) -> Bool
    ) -> [String: Quantity] {
        var total = partsTotal(pod, field)
        for (name, whole) in quantities(pod["spec"]?["resources"]?[field]?.object ?? [:])
        where isSaidAtOnce(name) && !whole.isNegative {
            // Its parts may have limits that it cannot reach with all of them together.
            total[name] = field == "limits" ? whole : max(whole, total[name] ?? .zero)
        }
        return total.mapValues { max($0, .zero) }
    }

    /// What the containers of a pod need at most at one time.
    static func partsTotal(_ pod: JSONObject, _ field: String) -> [String: Quantity] {
        let spec = pod["spec"]?.object ?? [:]
        var running: [String: Quantity] = [:]
        for container in spec["containers"]?.array ?? [] { running.add(amounts(container, field)) }
        var starting: [String: Quantity] = [:]
        var sidecars: [String: Quantity] = [:]
        for container in spec["initContainers"]?.array ?? [] {
            let own = amounts(container, field)
            var needed = sidecars
            needed.add(own)
            if container["restartPolicy"]?.string == "Always" {
                sidecars = needed
                running.add(own)
            }
            starting.merge(needed) { max($0, $1) }
        }
        running.merge(starting) { max($0, $1) }
        return running
    }

    private static func amounts(_ container: JSONValue, _ field: String) -> [String: Quantity] {
        quantities(container["resources"]?[field]?.object ?? [:])
    }

    public static func quantities(_ object: JSONObject) -> [String: Quantity] {
        var result: [String: Quantity] = [:]
        for (name, value) in object { result[name] = Quantity(value.string ?? value.description) }
        return result
    }

    /// The containers that leave out what a quota with `names` makes them say, by resource; sorted.
    public static func unspecified(_ pod: JSONObject, _ names: some Sequence<String>) -> [(name: String, by: [String])]
    {
        let checked: Set<String> = [
            "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory",
        ]
        let spec = pod["spec"]?.object ?? [:]
        let containers = (spec["containers"]?.array ?? []) + (spec["initContainers"]?.array ?? [])
        return names.filter { checked.contains($0) }.sorted().compactMap { name in
            let parts = name.split(separator: ".").map(String.init)
            let field = parts.count == 2 ? parts[0] : "requests"
            guard spec["resources"]?[field]?[parts.last ?? ""] == nil else { return nil }
            let silent = containers.filter { $0["resources"]?[field]?[parts.last ?? ""] == nil }
                .compactMap { $0["name"]?.string }
            return silent.isEmpty ? nil : (name, silent.sorted())
        }
    }

    // MARK: Services and claims

    private static func add(service: JSONObject, to usage: inout [String: Quantity]) {
        let spec = service["spec"]?.object ?? [:]
        let ports = spec["ports"]?.array ?? []
        switch spec["type"]?.string {
        case "NodePort": usage["services.nodeports"] = Quantity(Int64(ports.count))
        case "LoadBalancer":
            usage["services.loadbalancers"] = 1
            let allocated =
                spec["allocateLoadBalancerNodePorts"]?.bool == false
                ? ports.count { ($0["nodePort"]?.integer ?? 0) != 0 } : ports.count
            usage["services.nodeports"] = Quantity(Int64(allocated))
        default: break
        }
    }

    private static func add(claim: JSONObject, to usage: inout [String: Quantity]) {
        let storage = quantities(claim["spec"]?["resources"]?["requests"]?.object ?? [:])["storage"]
        if let storage { usage["requests.storage"] = storage }
        let annotation = claim["metadata"]?["annotations"]?["volume.beta.kubernetes.io/storage-class"]?.string
        guard let storageClass = annotation ?? claim["spec"]?["storageClassName"]?.string, !storageClass.isEmpty else {
            return
        }
        let prefix = "\(storageClass).storageclass.storage.k8s.io/"
        usage[prefix + "persistentvolumeclaims"] = 1
        if let storage { usage[prefix + "requests.storage"] = storage }
    }
}

extension [String: Quantity] {
    fileprivate mutating func add(_ other: [String: Quantity]) { merge(other) { $0 + $1 } }
}
