// SPDX-License-Identifier: Apache-2.0

internal import Netlink
internal import Synchronization
internal import Telemetry

// Each pod has a route of its own, and the rest of the node's block leads nowhere. Were the block on the bridge's wire, the
// kernel would look for each of its addresses that anybody sends to, and remember it: of IPv6 there are 2^64, while all
// namespaces of the machine together have room for some thousand neighbours.

extension PodNetwork {
    /// Who made these routes (RTPROT_*), beside `routeOrigin`: a number nobody has.
    static let podRouteOrigin: UInt8 = 84

    /// Of all routes from here.
    public static let routeOrigins: Set<UInt8> = [routeOrigin, podRouteOrigin]

    func routes(of lease: Lease, bridge: Int32) -> [Route] {
        lease.addresses.map { address in
            var route = Route(
                to: IPPrefix(host: address), family: address.family, link: bridge,
                source: configuration.gateway(address.family))
            route.origin = Self.podRouteOrigin
            return route
        }
    }

    /// What is said of the addresses of the node's blocks that no pod has.
    private var restRoutes: [Route] {
        configuration.podCIDRs.map { block in
            var route = Route(to: block, family: block.family, link: 0)
            route.kind = 7  // RTN_UNREACHABLE
            route.origin = Self.podRouteOrigin
            return route
        }
    }

    /// Makes the routes to this node's pods be those of `leases`; what is there already stays.
    /// - Parameter isFirst: Nobody connects pods meanwhile: routes of pods that are not among them are of an earlier run.
    func settleRoutes(_ leases: [Lease], bridge: Int32, isFirst: Bool) throws(NetlinkError) {
        let wanted = leases.flatMap { routes(of: $0, bridge: bridge) }
        var present: [Route] = []
        for family in configuration.families { present += try route.routes(family).filter { $0.table == 254 } }
        let own = present.filter { $0.origin == Self.podRouteOrigin }
        let known = Set(own.filter { $0.link == bridge }.compactMap(\.destination))
        // First those of pods, so that these notice nothing.
        for lease in leases {
            let missing = routes(of: lease, bridge: bridge).filter { !known.contains($0.destination!) }
            if missing.isEmpty { continue }
            // Under the lock: a pod that has gone meanwhile gets none.
            try state.withLock { state throws(NetlinkError) in
                guard state.leases.leases[lease.podUID] != nil else { return }
                try route.perform(missing.map { .addRoute($0) })
            }
        }
        // An earlier version, and an address that was there before, have the block on the wire.
        for old in present where old.kind == 1 && old.link == bridge && old.gateway == nil {
            let isBlock = old.destination.map(configuration.podCIDRs.contains) ?? false
            let isStale =
                isFirst && old.origin == Self.podRouteOrigin
                && !wanted.contains { $0.destination == old.destination }
            if isBlock || isStale { try remove(old) }
        }
        for rest in restRoutes
        where !own.contains(where: { $0.destination == rest.destination && $0.kind == rest.kind }) {
            do throws(NetlinkError) { try route.perform(.addRoute(rest, replacing: false)) } catch {
                guard error.exists else { throw error }
                logger.warning("somebody has made a route to the node's pods, which stays", ["error": "\(error)"])
            }
        }
    }

    func removeRestRoutes() throws(NetlinkError) { for rest in restRoutes { try remove(rest) } }

    func remove(_ old: Route) throws(NetlinkError) {
        do throws(NetlinkError) { try route.perform(.deleteRoute(old)) } catch { if !error.isMissing { throw error } }
    }

    /// Room for neighbours, of which all namespaces of the machine share one table: pods have a link-local network each,
    /// of which the kernel looks for what they send to.
    func widenNeighbourTables() {
        for family in configuration.families {
            let name = "net.ipv\(family == .v4 ? 4 : 6).neigh.default.gc_thresh"
            for (threshold, least) in [("3", 16_384), ("2", 8_192)] {
                do {
                    guard let present = Int(try namespace.sysctl(name + threshold)), present < least else { continue }
                    try namespace.setSysctl(name + threshold, String(least))
                } catch {
                    // Only the machine's own namespace has it, and may keep it from us: then there is less room.
                    logger.debug("widen the neighbour table", ["error": "\(error)"])
                }
            }
        }
    }
}
