// SPDX-License-Identifier: Apache-2.0

public import Netlink

/// How pods of this node are connected.
public struct PodNetworkConfiguration: Sendable, Hashable {
    /// The node's own blocks, one a family at most: `10.42.0.0/24`, `fd42::/64`.
    public var podCIDRs: [IPPrefix]
    /// The blocks of all pods of the cluster: traffic to them keeps the pod's address.
    public var clusterCIDRs: [IPPrefix]
    public var bridge: String
    /// Where leases are kept: `/var/lib/swiftlet/network`.
    public var stateDirectory: String
    public var mtu: UInt32
    /// Whether traffic of pods that leaves the cluster takes the node's address.
    public var masquerades: Bool
    public var tableName: String
    /// Ports the node itself listens on, which no pod gets as a host port.
    public var ownPorts: Set<TransportPort>

    public init(
        podCIDRs: [IPPrefix], clusterCIDRs: [IPPrefix]? = nil, bridge: String = "swiftlet0", stateDirectory: String,
        mtu: UInt32 = 1500, masquerades: Bool = true, tableName: String = "swiftlet-pods",
        ownPorts: Set<TransportPort> = []
    ) {
        self.podCIDRs = podCIDRs.map(\.canonical)
        self.clusterCIDRs = (clusterCIDRs ?? podCIDRs).map(\.canonical)
        self.bridge = bridge
        self.stateDirectory = stateDirectory
        self.mtu = mtu
        self.masquerades = masquerades
        self.tableName = tableName
        self.ownPorts = ownPorts
    }

    /// The node's block of `family`.
    func podCIDR(_ family: IPFamily) -> IPPrefix? { podCIDRs.first { $0.family == family } }

    /// The first address of each block: the bridge's, the pods' way out.
    func gateway(_ family: IPFamily) -> IPAddress? { podCIDR(family)?.network.advanced(by: 1) }

    var families: [IPFamily] { podCIDRs.map(\.family) }

    func check() throws(PodNetworkError) {
        guard !podCIDRs.isEmpty else { throw PodNetworkError("configure pod network: no pod CIDR") }
        for cidr in podCIDRs where podCIDRs.count(where: { $0.family == cidr.family }) > 1 {
            throw PodNetworkError("configure pod network: two pod CIDRs of one family: \(podCIDRs)")
        }
        for cidr in podCIDRs where cidr.length > cidr.family.length * 8 - 2 {
            throw PodNetworkError("configure pod network: pod CIDR \(cidr) has no room for a pod")
        }
        guard (1...15).contains(bridge.utf8.count) else {
            throw PodNetworkError("configure pod network: bridge name \"\(bridge)\" is not of 1 to 15 bytes")
        }
    }
}

/// A port of the node that leads to a pod.
public struct HostPort: Sendable, Hashable {
    /// Nil: every address of the node.
    public var hostIP: IPAddress?
    public var hostPort: UInt16
    public var containerPort: UInt16
    /// IPPROTO_TCP 6, IPPROTO_UDP 17, IPPROTO_SCTP 132.
    public var protocolNumber: UInt8

    var transport: TransportPort { TransportPort(protocolNumber, hostPort) }

    /// Whether both would take the same packets.
    func overlaps(_ other: HostPort) -> Bool {
        transport == other.transport && (hostIP == nil || other.hostIP == nil || hostIP == other.hostIP)
    }

    public init(hostIP: IPAddress? = nil, hostPort: UInt16, containerPort: UInt16, protocolNumber: UInt8) {
        // The unspecified address says "every address" in Pod objects; an address of IPv4 is one however it is written.
        let address = hostIP.flatMap { $0.isMapped ? IPAddress(bytes: $0.bytes.suffix(4)) : $0 }
        self.hostIP = address?.isUnspecified == true ? nil : address
        self.hostPort = hostPort
        self.containerPort = containerPort
        self.protocolNumber = protocolNumber
    }
}

/// A pod to connect.
public struct PodNetworkRequest: Sendable, Hashable {
    public var podUID: String
    public var name: String
    public var namespace: String
    /// The file of the pod's network namespace: `/proc/<pid>/ns/net`.
    public var networkNamespace: String
    public var hostPorts: [HostPort]

    public init(
        podUID: String, name: String, namespace: String, networkNamespace: String, hostPorts: [HostPort] = []
    ) {
        self.podUID = podUID
        self.name = name
        self.namespace = namespace
        self.networkNamespace = networkNamespace
        self.hostPorts = hostPorts
    }
}

/// A pod's place in the network.
public struct PodNetworkResult: Sendable, Hashable {
    /// In the order of the configured blocks.
    public var addresses: [IPAddress]
    public var gateways: [IPAddress]
    /// The interface inside the pod.
    public var interface: String
    public var mtu: UInt32
}

/// A step of the pod network that failed.
public struct PodNetworkError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
    init(_ step: String, _ cause: any Error) { description = "\(step): \(cause)" }
}
