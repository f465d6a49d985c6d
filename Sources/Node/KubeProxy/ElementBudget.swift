// SPDX-License-Identifier: Apache-2.0

/// How much of the proxy's tables, here and in the kernel, each Service takes, and how much it may. Pure.
///
/// A Service of 20,000 ports is less than a megabyte of text; with fifteen endpoints it is 300,000 elements on every node.
struct ElementBudget: Sendable {
    struct Limits: Sendable {
        /// Of one Service.
        var service = 65_536
        /// Of all together; a namespace has no more than is free besides, so that something is left for every other.
        var total = 262_144
    }

    private let limits: Limits
    private var used: [ServiceKey: Int] = [:]
    /// What Services had that are being counted anew.
    private var before: [ServiceKey: Int] = [:]
    private var byNamespace: [String: Int] = [:]
    private var total = 0
    /// Services that did not get all they asked for because others have it.
    private(set) var waiting: Set<ServiceKey> = []
    /// Something came free since `takeWaiting`.
    private var hasRoom = false

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// How many elements a port counts for: its frontends with their endpoints, and what a port costs by itself. With
    /// session affinity an endpoint has a set, a chain and rules of its own; each range of clients that may use a balancer's
    /// addresses is a rule.
    static func weight(_ port: ServicePortSpec, _ choice: EndpointChoice) -> Int {
        let endpoints = choice.cluster.count + choice.local.count
        let frontends = 1 + port.externalAddresses.count + (port.nodePort == 0 ? 0 : 1)
        let ranges = port.loadBalancerIPs.isEmpty ? 0 : port.sourceRanges.count
        let served = port.affinitySeconds == nil ? frontends * (1 + endpoints) : frontends + 32 * endpoints
        // Endpoints that flows may stay with and that have no element: they are remembered all the same.
        let kept = port.name.protocolNumber == 17 ? max(choice.serving.count - choice.cluster.count, 0) : 0
        return portWeight + ranges + served + kept
    }
    private static let portWeight = 3

    /// Begins to count a Service anew; returns how much it may have.
    /// What it had it keeps, however many others there are by now.
    mutating func open(_ key: ServiceKey) -> Int {
        let before = close(key)
        self.before[key] = before
        waiting.remove(key)
        // Each element more is one more of the namespace's and one less that is free: the two meet half way.
        let share = (limits.total - total - byNamespace[key.namespace, default: 0]) / 2
        return min(limits.service, max(before, share))
    }

    /// Notes what a Service has got, and whether it has to wait for others to get the rest.
    mutating func note(_ key: ServiceKey, _ weight: Int, isWaiting: Bool) {
        if weight > 0 {
            used[key] = weight
            byNamespace[key.namespace, default: 0] += weight
            total += weight
        }
        // One that is looked at again and has what it had gives nothing to those that wait.
        if weight < before.removeValue(forKey: key) ?? 0 { hasRoom = true }
        if isWaiting { waiting.insert(key) }
    }

    /// Takes a Service out of what is counted; returns what it had.
    private mutating func close(_ key: ServiceKey) -> Int {
        guard let weight = used.removeValue(forKey: key) else { return 0 }
        total -= weight
        let left = byNamespace[key.namespace, default: 0] - weight
        byNamespace[key.namespace] = left > 0 ? left : nil
        return weight
    }

    /// The Services to look at again, now that something came free; none when nothing did.
    mutating func takeWaiting() -> Set<ServiceKey> {
        guard hasRoom else { return [] }
        hasRoom = false
        return waiting
    }

    /// Why a port is not served, for people.
    func refusal(_ key: ServiceKey, room: Int, ports: Int) -> String {
        room == limits.service
            ? "the last \(ports) ports: a Service has at most \(limits.service) elements in the proxy's tables, one for "
                + "each endpoint of each port at each address, and some for each port"
            : "the last \(ports) ports: the Services of namespace \(key.namespace) have as many elements in the proxy's "
                + "tables as are free besides, of \(limits.total)"
    }
}
