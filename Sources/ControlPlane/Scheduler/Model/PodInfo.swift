// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization

/// A pod as filters and scores compare it. What identifies it is read at once; the rest when it is first asked for, since
/// of the pods that wait most are not looked at for long, and each costs a multiple of its text.
final class PodInfo: Sendable {
    let json: JSONObject
    let key: ObjectKey
    let uid: String
    let labels: [String: String]
    let nodeName: String
    let nominatedNodeName: String
    let priority: Int64
    let preempts: Bool
    let isGated: Bool
    let schedulerName: String
    let isTerminating: Bool
    /// Succeeded or Failed: takes no more room.
    let isFinished: Bool
    let created: Timestamp
    let started: Timestamp?
    let hasRequiredAntiAffinity: Bool
    /// Whether it says anything of other pods, as a demand or as a wish.
    let hasPodTerms: Bool
    private let lazyDetails = Mutex<PodDetails?>(nil)
    private let lazyTerms = Mutex<PodTerms?>(nil)

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
        isGated = spec?["schedulingGates"]?.array?.isEmpty == false
        schedulerName = spec?["schedulerName"]?.string ?? "default-scheduler"
        isTerminating = metadata?["deletionTimestamp"]?.string != nil
        let phase = status?["phase"]?.string
        isFinished = phase == "Succeeded" || phase == "Failed"
        created = metadata?["creationTimestamp"]?.string.flatMap { Timestamp($0) } ?? Timestamp(seconds: 0)
        started = status?["startTime"]?.string.flatMap { Timestamp($0) }
        func has(_ kind: String, _ list: String) -> Bool {
            spec?["affinity"]?[kind]?[list]?.array?.isEmpty == false
        }
        hasRequiredAntiAffinity = has("podAntiAffinity", PodAffinityTerm.required)
        hasPodTerms =
            hasRequiredAntiAffinity || has("podAffinity", PodAffinityTerm.required)
            || has("podAffinity", PodAffinityTerm.preferred) || has("podAntiAffinity", PodAffinityTerm.preferred)
    }

    /// What it asks of a node.
    var details: PodDetails {
        lazyDetails.withLock { details in
            if let details { return details }
            let made = PodDetails(json, labels)
            details = made
            return made
        }
    }

    /// What it asks of other pods.
    var terms: PodTerms {
        guard hasPodTerms else { return .none }
        return lazyTerms.withLock { terms in
            if let terms { return terms }
            let made = PodTerms(json, labels)
            terms = made
            return made
        }
    }

    /// Takes over what was read of the same pod before; only where its labels and its specification are the same.
    func adopt(_ old: PodInfo) {
        if let details = old.lazyDetails.withLock({ $0 }) { lazyDetails.withLock { $0 = details } }
        if let terms = old.lazyTerms.withLock({ $0 }) { lazyTerms.withLock { $0 = terms } }
    }

    /// Whether more was read of it than what identifies it.
    var isRead: Bool { lazyDetails.withLock { $0 != nil } || lazyTerms.withLock { $0 != nil } }

    var requests: PodRequests { details.requests }
    var hostPorts: [HostPort] { details.hostPorts }
    var affinity: NodeSelection { details.affinity }
    var tolerations: [TaintToleration] { details.tolerations }
    var spread: [SpreadConstraint] { details.spread }
    var images: [String] { details.images }
    /// Claims the pod mounts, by name in its namespace.
    var claims: [String] { details.claims }

    /// The same pod on a node: what is assumed while the binding is written.
    func bound(to node: String) -> PodInfo {
        var copy = json
        copy["spec"]?["nodeName"] = .string(node)
        return PodInfo(copy)
    }
}

/// What a pod asks of a node.
final class PodDetails: Sendable {
    let requests: PodRequests
    let hostPorts: [HostPort]
    let affinity: NodeSelection
    let tolerations: [TaintToleration]
    let spread: [SpreadConstraint]
    let images: [String]
    let claims: [String]

    init(_ json: JSONObject, _ labels: [String: String]) {
        let spec = json["spec"]
        requests = PodRequests(spec: spec)
        hostPorts = HostPort.all(spec)
        affinity = NodeSelection(spec: spec)
        tolerations = (spec?["tolerations"]?.array ?? []).map(TaintToleration.init)
        spread = (spec?["topologySpreadConstraints"]?.array ?? []).map { SpreadConstraint($0, labels: labels) }
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
                        address: address.isEmpty ? HostPort.anyAddress : address,
                        transport: port["protocol"]?.string ?? "TCP", port: number))
            }
        }
        return ports
    }

    static let anyAddress = "0.0.0.0"

    /// The same port on any address.
    var anywhere: HostPort { HostPort(address: Self.anyAddress, transport: transport, port: port) }
}

/// The ports that are taken on a node. Two pods cannot both have the same one on the same address, or on any address.
struct UsedPorts: Sendable {
    private var counts: [HostPort: Int] = [:]
    /// By number alone, under the name of any address.
    private var numbers: [HostPort: Int] = [:]

    var isEmpty: Bool { counts.isEmpty }

    mutating func count(_ port: HostPort, _ sign: Int) {
        Self.count(&counts, port, sign)
        Self.count(&numbers, port.anywhere, sign)
    }

    private static func count(_ counts: inout [HostPort: Int], _ port: HostPort, _ sign: Int) {
        let count = (counts[port] ?? 0) + sign
        counts[port] = count == 0 ? nil : count
    }

    func conflict(with port: HostPort) -> Bool {
        if port.address == HostPort.anyAddress { return numbers[port] != nil }
        return counts[port] != nil || counts[port.anywhere] != nil
    }
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
