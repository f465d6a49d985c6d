// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// A pod read once into what filters and scores compare.
final class PodInfo: Sendable {
    let json: JSONObject
    let key: ObjectKey
    let uid: String
    let labels: [String: String]
    let nodeName: String
    let nominatedNodeName: String
    let priority: Int64
    let preempts: Bool
    let requests: PodRequests
    let hostPorts: [HostPort]
    let affinity: NodeSelection
    let tolerations: [TaintToleration]
    let requiredAffinity: [PodAffinityTerm]
    let requiredAntiAffinity: [PodAffinityTerm]
    let preferredAffinity: [WeightedPodAffinityTerm]
    let preferredAntiAffinity: [WeightedPodAffinityTerm]
    let spread: [SpreadConstraint]
    let schedulingGates: [String]
    let schedulerName: String
    let images: [String]
    /// Claims the pod mounts, by name in its namespace.
    let claims: [String]
    let isTerminating: Bool
    /// Succeeded or Failed: takes no more room.
    let isFinished: Bool
    let created: Timestamp
    let started: Timestamp?

    init(_ json: JSONObject) {
        self.json = json
        let metadata = json["metadata"]
        let spec = json["spec"]
        let status = json["status"]
        key = json.objectKey
        uid = json.objectUID
        labels = json.objectLabels
        nodeName = spec?["nodeName"]?.string ?? ""
        nominatedNodeName = status?["nominatedNodeName"]?.string ?? ""
        priority = spec?["priority"]?.boundedInteger.map(Int64.init) ?? 0
        preempts = spec?["preemptionPolicy"]?.string != "Never"
        requests = PodRequests(spec: spec)
        hostPorts = HostPort.all(spec)
        affinity = NodeSelection(spec: spec)
        tolerations = (spec?["tolerations"]?.array ?? []).map(TaintToleration.init)
        let namespace = json.objectNamespace
        let podAffinity = spec?["affinity"]?["podAffinity"]
        let antiAffinity = spec?["affinity"]?["podAntiAffinity"]
        requiredAffinity = PodAffinityTerm.required(podAffinity, namespace: namespace, labels: labels)
        requiredAntiAffinity = PodAffinityTerm.required(antiAffinity, namespace: namespace, labels: labels)
        preferredAffinity = PodAffinityTerm.preferred(podAffinity, namespace: namespace, labels: labels)
        preferredAntiAffinity = PodAffinityTerm.preferred(antiAffinity, namespace: namespace, labels: labels)
        spread = (spec?["topologySpreadConstraints"]?.array ?? []).map {
            SpreadConstraint($0, labels: json.objectLabels)
        }
        schedulingGates = (spec?["schedulingGates"]?.array ?? []).compactMap { $0["name"]?.string }
        schedulerName = spec?["schedulerName"]?.string ?? "default-scheduler"
        var images: [String] = []
        for list in ["initContainers", "containers"] {
            for container in spec?[list]?.array ?? [] {
                if let image = container["image"]?.string { images.append(image) }
            }
        }
        self.images = images
        claims = (spec?["volumes"]?.array ?? []).compactMap { volume in
            if let claim = volume["persistentVolumeClaim"]?["claimName"]?.string { return claim }
            guard volume["ephemeral"] != nil, let name = volume["name"]?.string else { return nil }
            return "\(json.objectName)-\(name)"
        }
        isTerminating = metadata?["deletionTimestamp"]?.string != nil
        let phase = status?["phase"]?.string
        isFinished = phase == "Succeeded" || phase == "Failed"
        created = metadata?["creationTimestamp"]?.string.flatMap { Timestamp($0) } ?? Timestamp(seconds: 0)
        started = status?["startTime"]?.string.flatMap { Timestamp($0) }
    }

    /// The same pod on a node: what is assumed while the binding is written.
    func bound(to node: String) -> PodInfo {
        var copy = json
        copy["spec"]?["nodeName"] = .string(node)
        return PodInfo(copy)
    }
}

/// A port a pod takes on its node.
struct HostPort: Sendable, Hashable {
    var address: String
    var transport: String
    var port: Int64

    static func all(_ spec: JSONValue?) -> [HostPort] {
        var ports: [HostPort] = []
        let sidecars = (spec?["initContainers"]?.array ?? []).filter { $0["restartPolicy"]?.string == "Always" }
        for container in (spec?["containers"]?.array ?? []) + sidecars {
            for port in container["ports"]?.array ?? [] {
                guard let number = port["hostPort"]?.integer, number > 0 else { continue }
                let address = port["hostIP"]?.string ?? ""
                ports.append(
                    HostPort(
                        address: address.isEmpty ? "0.0.0.0" : address,
                        transport: port["protocol"]?.string ?? "TCP", port: number))
            }
        }
        return ports
    }

    /// Two pods cannot both have it: the same port on the same address, or on any address.
    func conflicts(with other: HostPort) -> Bool {
        guard port == other.port, transport == other.transport else { return false }
        return address == other.address || address == "0.0.0.0" || other.address == "0.0.0.0"
    }
}

/// Which pods a pod wants to be near to, or away from, and what near means.
struct PodAffinityTerm: Sendable, Hashable {
    var selector: LabelSelector
    /// The namespaces named; the pod's own when neither names nor a selector are given.
    var namespaces: Set<String>
    /// Adds the namespaces whose labels match; nil when the term has none.
    var namespaceSelector: LabelSelector?
    var topologyKey: String

    init(_ json: JSONValue?, namespace: String, labels: [String: String]) {
        var selector = SpreadConstraint.selector(json?["labelSelector"])
        selector = selector.narrowed(by: json?["matchLabelKeys"], of: labels, excluding: json?["mismatchLabelKeys"])
        self.selector = selector
        namespaces = Set((json?["namespaces"]?.array ?? []).compactMap(\.string))
        if let value = json?["namespaceSelector"], value.object != nil {
            // An invalid selector matches nothing; the API server refuses it.
            namespaceSelector = (try? LabelSelector(value)) ?? .nothing
        } else {
            namespaceSelector = nil
            if namespaces.isEmpty { namespaces = [namespace] }
        }
        topologyKey = json?["topologyKey"]?.string ?? ""
    }

    func matches(_ pod: PodInfo, namespaceLabels: (String) -> [String: String]) -> Bool {
        let here =
            namespaces.contains(pod.key.namespace)
            || (namespaceSelector?.matches(namespaceLabels(pod.key.namespace)) ?? false)
        return here && selector.matches(pod.labels)
    }

    static func required(_ json: JSONValue?, namespace: String, labels: [String: String]) -> [PodAffinityTerm] {
        (json?["requiredDuringSchedulingIgnoredDuringExecution"]?.array ?? []).map {
            PodAffinityTerm($0, namespace: namespace, labels: labels)
        }
    }

    static func preferred(
        _ json: JSONValue?, namespace: String, labels: [String: String]
    ) -> [WeightedPodAffinityTerm] {
        (json?["preferredDuringSchedulingIgnoredDuringExecution"]?.array ?? []).map {
            WeightedPodAffinityTerm(
                weight: $0["weight"]?.boundedInteger.map(Int64.init) ?? 0,
                term: PodAffinityTerm($0["podAffinityTerm"], namespace: namespace, labels: labels))
        }
    }
}

struct WeightedPodAffinityTerm: Sendable, Hashable {
    var weight: Int64
    var term: PodAffinityTerm
}

/// A row of `topologySpreadConstraints`.
struct SpreadConstraint: Sendable, Hashable {
    var maxSkew: Int64
    var topologyKey: String
    /// `DoNotSchedule`, else a preference.
    var isHard: Bool
    var selector: LabelSelector
    var minDomains: Int64
    var honorsNodeAffinity: Bool
    var honorsNodeTaints: Bool

    init(_ json: JSONValue, labels: [String: String]) {
        maxSkew = json["maxSkew"]?.boundedInteger.map(Int64.init) ?? 1
        topologyKey = json["topologyKey"]?.string ?? ""
        isHard = json["whenUnsatisfiable"]?.string != "ScheduleAnyway"
        selector = SpreadConstraint.selector(json["labelSelector"])
            .narrowed(by: json["matchLabelKeys"], of: labels, excluding: nil)
        minDomains = json["minDomains"]?.boundedInteger.map(Int64.init) ?? 1
        honorsNodeAffinity = json["nodeAffinityPolicy"]?.string != "Ignore"
        honorsNodeTaints = json["nodeTaintsPolicy"]?.string == "Honor"
    }

    /// A label selector; none, and an invalid one, match nothing.
    static func selector(_ json: JSONValue?) -> LabelSelector {
        guard let json, json.object != nil else { return .nothing }
        return (try? LabelSelector(json)) ?? .nothing
    }
}

extension LabelSelector {
    /// The selector that also wants the pod's own values of `matchLabelKeys` and none of `mismatchLabelKeys`.
    ///
    /// An API server that merged the keys at creation loses nothing by this. Labels of a stored pod make valid rows.
    func narrowed(by keys: JSONValue?, of labels: [String: String], excluding others: JSONValue?) -> LabelSelector {
        var rows = requirements
        // `try?` passes over what the API server has refused already: a key or value no label can have.
        for key in (keys?.array ?? []).compactMap(\.string) {
            if let value = labels[key], let row = try? LabelRequirement(key, .in, [value]) { rows.append(row) }
        }
        for key in (others?.array ?? []).compactMap(\.string) {
            if let value = labels[key], let row = try? LabelRequirement(key, .notIn, [value]) { rows.append(row) }
        }
        if matchesNothing || rows.count == requirements.count { return self }
        return LabelSelector(rows)
    }
}
