// SPDX-License-Identifier: Apache-2.0

internal import Netlink

/// A Service by namespace and name.
struct ServiceKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    var namespace: String
    var name: String

    init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    var description: String { "\(namespace)/\(name)" }
    static func < (a: ServiceKey, b: ServiceKey) -> Bool { (a.namespace, a.name) < (b.namespace, b.name) }
}

/// One port of a Service.
struct ServicePortName: Sendable, Hashable, Comparable, CustomStringConvertible {
    var service: ServiceKey
    /// The port's name, empty for the only one.
    var port: String
    /// IPPROTO_*.
    var protocolNumber: UInt8

    init(_ service: ServiceKey, port: String, protocolNumber: UInt8) {
        self.service = service
        self.port = port
        self.protocolNumber = protocolNumber
    }

    var description: String { port.isEmpty ? "\(service)" : "\(service):\(port)" }
    static func < (a: ServicePortName, b: ServicePortName) -> Bool {
        (a.service, a.port, a.protocolNumber) < (b.service, b.port, b.protocolNumber)
    }
}

/// What the proxy needs to know of one port of a Service, in one family.
struct ServicePortSpec: Sendable, Hashable {
    var name: ServicePortName
    var clusterIP: IPAddress
    var port: UInt16
    /// 0 for none.
    var nodePort: UInt16 = 0
    var externalIPs: [IPAddress] = []
    /// Load balancer addresses whose packets arrive unchanged (ipMode VIP).
    var loadBalancerIPs: [IPAddress] = []
    /// Who may use the load balancer addresses; empty: everybody, unless `isRestricted`.
    var sourceRanges: [IPPrefix] = []
    /// Only `sourceRanges` may, and so nobody when none of what was said can be read.
    var isRestricted = false
    /// Nil without session affinity.
    var affinitySeconds: UInt32?
    var internalLocal = false
    var externalLocal = false
    /// 0 for none.
    var healthCheckNodePort: UInt16 = 0

    init(name: ServicePortName, clusterIP: IPAddress, port: UInt16) {
        self.name = name
        self.clusterIP = clusterIP
        self.port = port
    }

    /// Addresses outside clients use.
    var externalAddresses: [IPAddress] {
        var seen: Set<IPAddress> = []
        return (externalIPs + loadBalancerIPs).filter { seen.insert($0).inserted }
    }

    var usesLocalEndpoints: Bool { internalLocal || (externalLocal && hasExternalFrontend) }
    var hasExternalFrontend: Bool { nodePort != 0 || !externalIPs.isEmpty || !loadBalancerIPs.isEmpty }
}

/// One endpoint of a Service's port.
struct EndpointSpec: Sendable, Hashable {
    var address: IPAddress
    var port: UInt16
    var ready: Bool
    var serving: Bool
    var terminating: Bool
    /// On this node.
    var isLocal: Bool
    var zoneHints: Set<String> = []
    var nodeHints: Set<String> = []

    init(
        _ address: IPAddress, _ port: UInt16, ready: Bool = true, serving: Bool = true, terminating: Bool = false,
        isLocal: Bool = false
    ) {
        self.address = address
        self.port = port
        self.ready = ready
        self.serving = serving
        self.terminating = terminating
        self.isLocal = isLocal
    }

    var target: EndpointTarget { EndpointTarget(address: address, port: port) }
}

/// Where packets are sent.
struct EndpointTarget: Sendable, Hashable, Comparable {
    var address: IPAddress
    var port: UInt16

    static func < (a: EndpointTarget, b: EndpointTarget) -> Bool { (a.address, a.port) < (b.address, b.port) }
}

/// Which endpoints serve which traffic.
struct EndpointChoice: Sendable, Hashable {
    /// For traffic under policy Cluster.
    var cluster: [EndpointTarget] = []
    /// For traffic under policy Local.
    var local: [EndpointTarget] = []
    /// Those that flows of datagram protocols may stay with: all that serve, whatever the traffic's policy, the topology, or
    /// whether they are about to go.
    var serving: [EndpointTarget] = []
    /// Whether anything serves at all, here or elsewhere.
    var hasAny = false
    /// How many addresses of this node are ready: what balancers are told. Those that only still serve while they
    /// terminate do not count, so that balancers go elsewhere before they are gone.
    var readyHere = 0
    /// The addresses of endpoints on this node among the above: they can meet themselves through the Service.
    var onThisNode: [IPAddress] = []

    /// Chooses as upstream does: ready endpoints; where there are none, those that still serve while they terminate.
    /// Topology hints narrow the choice for policy Cluster when every usable endpoint has them and one is for us.
    init(_ endpoints: [EndpointSpec], usesLocal: Bool, node: String, zone: String?) {
        func usable(_ candidates: [EndpointSpec]) -> [EndpointSpec] {
            let ready = candidates.filter(\.ready)
            return ready.isEmpty ? candidates.filter { $0.serving && $0.terminating } : ready
        }
        let all = usable(endpoints)
        hasAny = !all.isEmpty
        let near = Self.near(all, node: node, zone: zone)
        cluster = Self.targets(near)
        let serving = endpoints.filter { $0.ready || $0.serving }
        // The list itself where it is all there is: it is kept once.
        self.serving = near.count == serving.count ? cluster : Self.targets(serving)
        if usesLocal { local = Self.targets(usable(endpoints.filter(\.isLocal))) }
        readyHere = Set(endpoints.lazy.filter { $0.isLocal && $0.ready }.map(\.address)).count
        let localAddresses = Set(endpoints.lazy.filter(\.isLocal).map(\.address))
        onThisNode = Set((cluster + local).map(\.address)).filter { localAddresses.contains($0) }.sorted()
    }

    private static func near(_ endpoints: [EndpointSpec], node: String, zone: String?) -> [EndpointSpec] {
        guard endpoints.allSatisfy(\.ready) else { return endpoints }
        let onNode = endpoints.filter { $0.nodeHints.contains(node) }
        if !onNode.isEmpty, endpoints.allSatisfy({ !$0.nodeHints.isEmpty }) { return onNode }
        guard let zone, endpoints.allSatisfy({ !$0.zoneHints.isEmpty }) else { return endpoints }
        let inZone = endpoints.filter { $0.zoneHints.contains(zone) }
        return inZone.isEmpty ? endpoints : inZone
    }

    private static func targets(_ endpoints: [EndpointSpec]) -> [EndpointTarget] {
        Set(endpoints.map(\.target)).sorted()
    }
}
