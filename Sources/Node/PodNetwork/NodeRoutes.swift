// SPDX-License-Identifier: Apache-2.0

internal import NFTables
public import Netlink
internal import Synchronization

// Nodes on one link-layer network reach each other's pods by plain routes: the other node's block by the other node's
// address. Packets keep the pods' addresses and the link's full size.

/// Another node, as its Node object tells.
public struct NodePeer: Sendable, Hashable {
    public var name: String
    public var podCIDRs: [IPPrefix]
    /// Its InternalIPs.
    public var addresses: [IPAddress]

    public init(name: String, podCIDRs: [IPPrefix], addresses: [IPAddress]) {
        self.name = name
        self.podCIDRs = podCIDRs.map(\.canonical)
        self.addresses = addresses
    }
}

extension PodNetwork {
    /// Who made a route (RTPROT_*), as `ip route` shows it (`proto 83`): a number nobody has, so that what is found under
    /// it is known to be from here.
    public static let routeOrigin: UInt8 = 83

    /// The routes that lead to the pods of `peers`, and why some are not reachable, by the node's name. A peer without
    /// blocks has no pods yet.
    static func routes(to peers: [NodePeer]) -> (routes: [Route], unreachable: [String: String]) {
        var routes: [Route] = []
        var unreachable: [String: String] = [:]
        for peer in peers {
            for block in peer.podCIDRs {
                guard let gateway = peer.addresses.first(where: { $0.family == block.family && !$0.isLoopback }) else {
                    unreachable[peer.name] = "it has no InternalIP of the family of its pods \(block)"
                    continue
                }
                var route = Route(to: block, family: block.family, via: gateway, link: 0)
                route.origin = routeOrigin
                routes.append(route)
            }
        }
        return (routes, unreachable)
    }

    /// Makes this node's routes to pods of others be those to `peers`. Returns which nodes' pods cannot be reached, and
    /// why: above all nodes beyond a router, which would not know where these packets go.
    public func route(to peers: [NodePeer]) throws(PodNetworkError) -> [String: String] {
        try admit(peers)
        var (wanted, unreachable) = Self.routes(to: peers)
        wanted.removeAll { configuration.podCIDR($0.family) == nil }
        do throws(NetlinkError) {
            let present = try ownRoutes()
            for new in wanted where !present.contains(where: { Self.isSame($0, new) }) {
                do throws(NetlinkError) { try route.perform(.addRoute(new)) } catch {
                    // ENETUNREACH, EHOSTUNREACH, EINVAL: the kernel's words for a gateway that is on no link.
                    guard [101, 113, 22].contains(error.code) else { throw error }
                    let name = peers.first { peer in peer.podCIDRs.contains { $0 == new.destination } }?.name ?? ""
                    unreachable[name] = "\(error): it is on no network of this node, and traffic is not tunnelled"
                }
            }
            for old in try ownRoutes() where !wanted.contains(where: { Self.isSame($0, old) }) {
                do throws(NetlinkError) { try route.perform(.deleteRoute(old)) } catch {
                    if !error.isMissing { throw error }
                }
            }
        } catch { throw PodNetworkError("set the routes to other nodes' pods", error) }
        return unreachable
    }

    /// Lets the nodes talk to this one at the bridge's address.
    private func admit(_ peers: [NodePeer]) throws(PodNetworkError) {
        let addresses = Set(peers.flatMap(\.addresses))
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
