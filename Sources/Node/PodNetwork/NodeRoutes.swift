// SPDX-License-Identifier: Apache-2.0

internal import NFTables
public import Netlink
internal import Synchronization

// Nodes on one link-layer network reach each other's pods by plain routes: the other node's block by the other node's
// address. Packets keep the pods' addresses and the link's full size.

/// Another node, as its Node object tells.
public struct NodePeer: Sendable, Hashable {
    public var name: String
    /// When its Node was made, as the object has it: of two that say they have one block, the older has it.
    public var created: String
    public var podCIDRs: [IPPrefix]
    /// Its InternalIPs.
    public var addresses: [IPAddress]
    /// Those of them that are more than its own word: who has only said that an address is its own may have named any
    /// machine's.
    public var proven: Set<IPAddress>

    public init(
        name: String, created: String = "", podCIDRs: [IPPrefix], addresses: [IPAddress], proven: Set<IPAddress> = []
    ) {
        self.name = name
        self.created = created
        self.podCIDRs = podCIDRs.map(\.canonical)
        self.addresses = addresses
        self.proven = proven
    }
}

/// The addresses of other nodes.
struct NodeAddresses: Sendable, Hashable {
    var all: Set<IPAddress> = []
    /// Those over which routes lead to their pods, and from there to the pods of this node: what pods send there
    /// keeps their addresses. To others it takes the node's, or no answer would come back; so it does to an address that
    /// a node has merely said is its own, which may be that of a machine that knows of no pods.
    var neighbours: Set<IPAddress> = []
}

extension PodNetworkConfiguration {
    /// Those of the peer's addresses that a machine can have: none of pods, and none that mean something else.
    func addresses(of peer: NodePeer) -> [IPAddress] {
        peer.addresses.filter { address in
            address.specialty == nil && !(clusterCIDRs + podCIDRs).contains { $0.contains(address) }
        }
    }

    /// Why no route may lead to `block`, which another node says is that of its pods; nil when one may. A Node object is
    /// no reason to send anybody else's packets elsewhere: what is routed is one of the blocks that this cluster gives to
    /// nodes, whole, and each once.
    func refusal(of block: IPPrefix, given: [IPPrefix: String]) -> String? {
        guard let own = podCIDR(block.family) else { return "this node has no pods of its family" }
        guard block.length > 0, block.length == own.length,
            let range = clusterCIDRs.first(where: { $0.family == block.family }), range.length <= block.length,
            range.contains(block.network)
        else { return "it is not a block that the cluster gives to nodes" }
        if block.network == own.network { return "it is this node's own" }
        return given[block].map { "it is that of node \($0), which is older" }
    }

    /// The routes that lead to the pods of `peers`, and why some are not reachable, by the node's name. A peer without
    /// blocks has no pods yet.
    func routes(to peers: [NodePeer]) -> (routes: [Route], unreachable: [String: String]) {
        var routes: [Route] = []
        var unreachable: [String: String] = [:]
        var given: [IPPrefix: String] = [:]
        for peer in peers.sorted(by: { ($0.created, $0.name) < ($1.created, $1.name) }) {
            let addresses = addresses(of: peer)
            for block in peer.podCIDRs where families.contains(block.family) {
                if let refusal = refusal(of: block, given: given) {
                    unreachable[peer.name] = "no route leads to \(block), which it says is that of its pods: \(refusal)"
                    continue
                }
                given[block] = peer.name
                let own = addresses.filter { $0.family == block.family }
                guard let gateway = own.first(where: peer.proven.contains) ?? own.first else {
                    unreachable[peer.name] = "it has no InternalIP of the family of its pods \(block)"
                    continue
                }
                var route = Route(to: block, family: block.family, via: gateway, link: 0)
                route.origin = PodNetwork.routeOrigin
                routes.append(route)
            }
        }
        return (routes, unreachable)
    }
}

extension PodNetwork {
    /// Who made a route (RTPROT_*), as `ip route` shows it (`proto 83`): a number nobody has, so that what is found under
    /// it is known to be from here.
    public static let routeOrigin: UInt8 = 83

    /// Makes this node's routes to pods of others be those to `peers`. Returns which nodes' pods cannot be reached, and
    /// why: above all nodes beyond a router, which would not know where these packets go. A route of anybody else's is
    /// neither replaced nor taken away.
    public func route(to peers: [NodePeer]) throws(PodNetworkError) -> [String: String] {
        // Whoever has lost his way back is let go of before, and whoever has one is known after.
        let (before, _) = configuration.routes(to: peers)
        let proven = Set(peers.flatMap(\.proven))
        let stay = state.withLock { $0.nodes.neighbours }.intersection(before.compactMap(\.gateway))
        try admit(peers, neighbours: stay.intersection(proven))
        var (wanted, unreachable) = configuration.routes(to: peers)
        do {
            let present = try ownRoutes()
            // First those that are no more: a block that is another node's now has a route of ours already.
            for old in present where !wanted.contains(where: { Self.isSame($0, old) }) {
                do throws(NetlinkError) { try route.perform(.deleteRoute(old)) } catch {
                    if !error.isMissing { throw error }
                }
            }
            wanted.removeAll { new in present.contains { Self.isSame($0, new) } }
            for new in wanted {
                do throws(NetlinkError) { try route.perform(.addRoute(new, replacing: false)) } catch {
                    let name = peers.first { peer in peer.podCIDRs.contains { $0 == new.destination } }?.name ?? ""
                    // ENETUNREACH, EHOSTUNREACH, EINVAL: the kernel's words for a gateway that is on no link.
                    switch error.code {
                    case 101, 113, 22:
                        unreachable[name] = "\(error): it is on no network of this node, and traffic is not tunnelled"
                    case _ where error.exists:
                        unreachable[name] = "\(error): somebody else has made this route, which stays"
                    default: throw error
                    }
                }
            }
            try admit(peers, neighbours: proven.intersection(try ownRoutes().compactMap(\.gateway)))
        } catch let error as PodNetworkError { throw error } catch {
            throw PodNetworkError("set the routes to other nodes' pods", error)
        }
        return unreachable
    }

    /// Lets the nodes talk to this one at the bridge's address, and pods to the neighbours under their own.
    private func admit(_ peers: [NodePeer], neighbours: Set<IPAddress>) throws(PodNetworkError) {
        let addresses = NodeAddresses(all: Set(peers.flatMap(configuration.addresses(of:))), neighbours: neighbours)
        // Under the lock: what an older list would leave must not come last.
        try state.withLock { state throws(PodNetworkError) in
            guard state.nodes != addresses else { return }
            for table in tables {
                var transaction = Transaction(table.table)
                table.setNodes(addresses, in: &transaction)
                do throws(NFTablesError) { try ruleset.commit(transaction) } catch {
                    throw PodNetworkError("let other nodes in", error)
                }
            }
            state.nodes = addresses
        }
    }

    private func ownRoutes() throws(NetlinkError) -> [Route] {
        var routes: [Route] = []
        for family in configuration.families {
            routes += try route.routes(family).filter { $0.origin == Self.routeOrigin && $0.table == 254 }
        }
        return routes
    }

    private static func isSame(_ a: Route, _ b: Route) -> Bool {
        a.destination == b.destination && a.gateway == b.gateway
    }
}
