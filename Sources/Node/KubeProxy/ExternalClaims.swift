// SPDX-License-Identifier: Apache-2.0

internal import Netlink

/// Which addresses and ports Services may take for themselves by externalIPs, load balancer addresses and node ports.
///
/// Whoever may write a Service could else receive what every pod and the node itself sends to the API server, to a
/// kubelet, to the DNS server or to a program on the node's loopback (CVE-2020-8554).
struct ExternalClaims: Sendable, Hashable {
    /// Addresses of Services.
    var serviceRanges: [IPPrefix] = []
    /// Addresses of pods.
    var podRanges: [IPPrefix] = []
    /// Addresses of nodes and of the API server, with whose they are.
    var owners: [IPAddress: String] = [:]
    /// Addresses the machine has on any interface, in its Node's status or not. A balancer may have put one there for a
    /// Service, and told so in its status; nobody else gives them away.
    var machine: Set<IPAddress> = []
    /// Addresses of the above kinds that the administrator gives to Services.
    var allowed: [IPPrefix] = []
    /// Whether the above is all. Until then nobody has an address that is not given to him: it may be anybody's.
    var isComplete = true
    /// Ports the nodes listen on themselves.
    var ownPorts: Set<TransportPort> = []

    /// Why no Service may have the address; nil when one may.
    /// - Parameter isBalancers: It is a load balancer's, which only who may write a Service's status says.
    func refusal(of address: IPAddress, port: TransportPort, isBalancers: Bool = false) -> String? {
        if let special = address.specialty { return "\(address) is \(special)" }
        if let owner = owners[address] {
            guard isAllowed(address) else { return "\(address) is the address of \(owner)" }
            if ownPorts.contains(port) { return "\(port) is a port of \(owner) itself" }
        }
        if isAllowed(address) { return nil }
        if !isComplete {
            return "it is not known whose address \(address) is, before nodes and ranges of Services have been listed"
        }
        if machine.contains(address), !isBalancers { return "\(address) is an address of the machine itself" }
        if let range = serviceRanges.first(where: { $0.contains(address) }) {
            return "\(address) is in the range of Services' own addresses \(range)"
        }
        if let range = podRanges.first(where: { $0.contains(address) }) {
            return "\(address) is in the range of pods' addresses \(range)"
        }
        return nil
    }

    /// The addresses that have come to be somebody else's; nil when more than that has changed.
    func changedOwners(since before: ExternalClaims) -> Set<IPAddress>? {
        var same = before
        same.owners = owners
        guard same == self else { return nil }
        let gone = before.owners.filter { owners[$0.key] != $0.value }
        let new = owners.filter { before.owners[$0.key] != $0.value }
        return Set(gone.keys).union(new.keys)
    }

    private func isAllowed(_ address: IPAddress) -> Bool { allowed.contains { $0.contains(address) } }

    /// How many external addresses, each at one port, one Service has at most.
    static let frontendLimit = 4_096
    /// Of so many things refused each is told; of more, how many they are.
    private static let toldLimit = 10

    /// A Service's ports with what they may have of what they ask for, and why the rest is refused.
    func admit(_ ports: [ServicePortSpec]) -> (ports: [ServicePortSpec], refusals: [String]) {
        var left = Self.frontendLimit
        var refusals: [String] = []
        var admitted: [ServicePortSpec] = []
        for port in ports {
            var port = port
            // Before they are looked at: to look at all of them is what takes long.
            let wanted = port.externalIPs.count + port.loadBalancerIPs.count
            if wanted > left {
                refusals.append(
                    "port \(port.name.port): a Service has at most \(Self.frontendLimit) external addresses, each counted "
                        + "for every port")
                port.externalIPs = []
                port.loadBalancerIPs = []
            } else {
                left -= wanted
            }
            let (one, refused) = admit(port)
            admitted.append(one)
            refusals += refused
        }
        if refusals.count > Self.toldLimit {
            let more = refusals.count - Self.toldLimit
            refusals = refusals.prefix(Self.toldLimit) + ["and \(more) more"]
        }
        return (admitted, refusals)
    }

    /// The port with what it may have of what it asks for, and why the rest is refused.
    func admit(_ port: ServicePortSpec) -> (port: ServicePortSpec, refusals: [String]) {
        var port = port
        var refusals: [String] = []
        let transport = TransportPort(port.name.protocolNumber, port.port)
        func admitted(_ addresses: [IPAddress], _ field: String, isBalancers: Bool = false) -> [IPAddress] {
            addresses.filter { address in
                guard let reason = refusal(of: address, port: transport, isBalancers: isBalancers) else {
                    return true
                }
                refusals.append("\(field): \(reason)")
                return false
            }
        }
        port.externalIPs = admitted(port.externalIPs, "spec.externalIPs")
        port.loadBalancerIPs = admitted(port.loadBalancerIPs, "status.loadBalancer.ingress", isBalancers: true)
        let nodePort = TransportPort(port.name.protocolNumber, port.nodePort)
        if ownPorts.contains(nodePort) {
            refusals.append("nodePort: \(nodePort) is a port of the node itself")
            port.nodePort = 0
        }
        return (port, refusals)
    }
}
