// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Text

/// Pods, and the containers and volumes of pod templates.
enum PodDefaults {
    @Sendable static func container(_ container: inout JSONObject) {
        let image = container["image"]?.string ?? ""
        container.fill("imagePullPolicy", .string(pullPolicy(image)))
    }

    @Sendable static func volume(_ volume: inout JSONObject) {
        // A volume that names no source is an empty directory.
        if volume.keys.allSatisfy({ $0 == "name" }) { volume["emptyDir"] = .object(JSONObject()) }
        volume.change("image") { image in
            let reference = image["reference"]?.string ?? ""
            image.fill("pullPolicy", .string(pullPolicy(reference)))
        }
    }

    /// `Always` for the tag `latest`, which a reference without tag and digest means too.
    static func pullPolicy(_ image: String) -> String {
        guard !image.isEmpty else { return "IfNotPresent" }
        let parts = image.split(separator: "@", maxSplits: 1)
        guard let name = parts.first else { return "IfNotPresent" }
        // A colon before the last slash belongs to the registry's port.
        let last = name.lastSlash.map { name[name.utf8.index(after: $0)...] } ?? name
        if let colon = last.lastIndex(of: ":") {
            return last[last.index(after: colon)...] == "latest" ? "Always" : "IfNotPresent"
        }
        return parts.count > 1 ? "IfNotPresent" : "Always"
    }

    /// What holds for pods only, not for templates.
    static func finish(_ pod: inout JSONObject) {
        pod.change("spec") { spec in
            for list in ["containers", "initContainers"] { spec.changeEach(list, requestsFromLimits) }
            podRequests(&spec)
            spec.fill("enableServiceLinks", true)
            if spec["hostNetwork"]?.bool == true {
                for list in ["containers", "initContainers"] { spec.changeEach(list, hostPorts) }
            }
        }
    }

    private static func requestsFromLimits(_ container: inout JSONObject) {
        container.change("resources") { resources in
            guard let limits = resources["limits"]?.object else { return }
            resources.change("requests", creating: true) { requests in
                for (name, limit) in limits where requests[name] == nil { requests[name] = limit }
                requests = requests.sortedByKey()
            }
        }
    }

    private static func hostPorts(_ container: inout JSONObject) {
        container.changeEach("ports") { port in
            if (port["hostPort"]?.integer ?? 0) == 0 { port["hostPort"] = port["containerPort"] }
        }
    }

    /// Requests of the pod as a whole: what its containers ask for together, else its limits.
    private static func podRequests(_ spec: inout JSONObject) {
        guard let limits = spec["resources"]?["limits"]?.object, !limits.isEmpty else { return }
        var totals: [String: Quantity] = [:]
        for container in spec["containers"]?.array ?? [] {
            for (name, value) in container["resources"]?["requests"]?.object ?? [:] {
                guard let quantity = Quantity(value.string ?? "") else { continue }
                totals[name, default: Quantity(0, format: quantity.format)] += quantity
            }
        }
        var starting: [String: Quantity] = [:]
        var sidecars: [String: Quantity] = [:]
        for container in spec["initContainers"]?.array ?? [] {
            let isSidecar = container["restartPolicy"]?.string == "Always"
            for (name, value) in container["resources"]?["requests"]?.object ?? [:] {
                guard let quantity = Quantity(value.string ?? "") else { continue }
                if isSidecar {
                    sidecars[name, default: Quantity(0, format: quantity.format)] += quantity
                    totals[name, default: Quantity(0, format: quantity.format)] += quantity
                    starting[name] = max(starting[name] ?? .zero, sidecars[name] ?? .zero)
                } else {
                    starting[name] = max(starting[name] ?? .zero, quantity + (sidecars[name] ?? .zero))
                }
            }
        }
        for (name, quantity) in starting { totals[name] = max(totals[name] ?? .zero, quantity) }
        spec.change("resources") { resources in
            resources.change("requests", creating: true) { requests in
                for (name, total) in totals
                where requests[name] == nil && isPodLevel(name) && !name.hasPrefix("hugepages-") {
                    requests[name] = .string(total.description)
                }
                for (name, limit) in limits where requests[name] == nil && isPodLevel(name) { requests[name] = limit }
                requests = requests.sortedByKey()
            }
        }
    }

    private static func isPodLevel(_ name: String) -> Bool {
        name == "cpu" || name == "memory" || name.hasPrefix("hugepages-")
    }
}
