// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import NFTables
internal import Netlink
internal import Synchronization
internal import Telemetry

// How a pod's end of the bridge is made, and what it may carry.

extension PodNetwork {
    /// Why this kernel cannot check pods' frames, tried in a namespace of its own; nil when it can.
    public static func frameFilterProblem() -> String? {
        let configuration = PodNetworkConfiguration(podCIDRs: [IPPrefix("10.42.0.0/24")!], stateDirectory: "")
        do {
            let namespace = try NetworkNamespace.create()
            let table = FrameTable(configuration: configuration, bridgeHardware: [2, 0, 0, 0, 0, 1])
            try KernelRuleset(in: namespace).commit(table.build([]))
            return nil
        } catch { return "\(error)" }
    }

    /// False, and said, where the kernel has no tables for frames: a pod that may make raw frames can then send under
    /// another's address, though it receives nothing that is another's.
    func filterFrames(_ leases: [Lease]) -> Bool {
        do throws(NFTablesError) {
            try ruleset.commit(frames.build(leases))
            return true
        } catch {
            logger.error(
                "frames of pods cannot be checked: pods with CAP_NET_RAW can send under other pods' addresses",
                ["error": "\(error)"])
            return false
        }
    }

    /// Makes tables anew that somebody removed: `nft flush ruleset`, which Debian's nftables.service does when it starts,
    /// takes every table of the machine.
    public func mend() throws(PodNetworkError) {
        let (bridge, leases, nodes, filters, listeners) = state.withLock { state in
            (state.bridge, Array(state.leases.leases.values), state.nodes, state.filtersFrames, state.listeners)
        }
        guard bridge != 0 else { return }
        do throws(NetlinkError) { try settleRoutes(leases, bridge: bridge, isFirst: false) } catch {
            throw PodNetworkError("mend the routes to pods", error)
        }
        do throws(NFTablesError) {
            for table in tables {
                try restore(table.table) { table.build(leases, nodes: nodes, listeners: listeners) }
            }
            try spareListeners()
            if filters { try restore(frames.table) { frames.build(leases) } }
        } catch { throw PodNetworkError("mend nftables", error) }
    }

    private func restore(_ table: Table, _ build: () -> Transaction) throws(NFTablesError) {
        guard try ruleset.chains(of: table) == nil else { return }
        logger.warning("somebody removed a table of the pod network; making it anew", ["table": "\(table)"])
        try ruleset.commit(build())
    }

    /// Ports that an earlier server made are made to be as `connect` leaves them.
    func securePorts(of leases: [Lease], bridge: Int32) throws {
        let links = try route.links().filter { $0.master == bridge }
        for lease in leases {
            guard let link = links.first(where: { $0.name == lease.interface }) else { continue }
            let neighbours = Self.neighbours(lease, bridge: bridge)
            do throws(NetlinkError) { try route.perform(Self.secure(link.index, lease) + neighbours) } catch {
                // A pod that went in this moment has taken its port along.
                if !error.isMissing { throw error }
            }
        }
    }

    /// The port takes frames from its pod's hardware address alone and is sent nothing that is not for it: whatever a
    /// pod sends, the bridge learns nothing from it. Pods know the node and the node knows them, so no port needs what
    /// is sent to all.
    private static func secure(_ port: Int32, _ lease: Lease) -> [NetlinkMessage] {
        [
            .addForwarding(hardware: lease.hardware, port: port),
            .setBridgePort(
                index: port,
                BridgePort(
                    hairpin: true, unicastFlood: false, multicastFlood: false, broadcastFlood: false, learning: false,
                    locked: true)),
            .setLink(index: port, LinkChange(group: FrameTable.portGroup)),
        ]
    }

    private static func neighbours(_ lease: Lease, bridge: Int32) -> [NetlinkMessage] {
        lease.addresses.map { .addNeighbour($0, hardware: lease.hardware, link: bridge) }
    }

    /// The pod's interface, made after this, takes its routes from nobody but us, and has no link-local network (mode 1:
    /// none): nobody is there but the node, which the pod knows, and for each address that it sends to the kernel would
    /// remember a neighbour, in the table that all namespaces share.
    static func refuseDirections(_ podNamespace: borrowing NetworkNamespace) throws(Errno) {
        for (name, value) in [
            ("net.ipv6.conf.default.accept_ra", "0"), ("net.ipv6.conf.default.accept_redirects", "0"),
            ("net.ipv6.conf.default.addr_gen_mode", "1"), ("net.ipv4.conf.all.accept_redirects", "0"),
            ("net.ipv4.conf.default.accept_redirects", "0"),
        ] {
            do throws(Errno) { try podNamespace.setSysctl(name, value) } catch {
                // A kernel without IPv6.
                if error.code != ENOENT { throw error }
            }
        }
    }

    func connect(
        _ lease: Lease, _ podNamespace: borrowing NetworkNamespace, bridge: Int32
    ) throws(NetlinkError) {
        let add = NetlinkMessage.addVeth(
            LinkChange(
                name: lease.interface, up: true, mtu: configuration.mtu, master: bridge, group: FrameTable.portGroup),
            peer: LinkChange(name: Self.podInterface, mtu: configuration.mtu, address: lease.hardware),
            peerNamespace: podNamespace)
        // Known neighbours on both sides: the first packet waits for no resolution, and no answer is believed.
        let neighbours =
            Self.neighbours(lease, bridge: bridge) + routes(of: lease, bridge: bridge).map { .addRoute($0) }
        do throws(NetlinkError) { try route.perform([add] + neighbours) } catch {
            guard error.exists, error.index == 0 else { throw error }
            // The pair of an earlier attempt: good if its other end is in this namespace, else stale.
            let inside = try socket(in: podNamespace)
            if try inside.link(named: Self.podInterface) == nil {
                try route.perform(.deleteLink(named: lease.interface))
                try route.perform(add)
            }
            try route.perform(neighbours)
        }
        guard let port = try route.link(named: lease.interface) else {
            throw NetlinkError(ENODEV, "get link \(lease.interface)")
        }
        try route.perform(Self.secure(port.index, lease))
    }

    private func socket(in podNamespace: borrowing NetworkNamespace) throws(NetlinkError) -> NetlinkSocket {
        do throws(Errno) { return try NetlinkSocket(.route, in: podNamespace) } catch {
            throw NetlinkError(error.code, error.call)
        }
    }

    func configure(_ lease: Lease, _ podNamespace: borrowing NetworkNamespace) throws {
        let inside = try socket(in: podNamespace)
        guard let link = try inside.link(named: Self.podInterface) else {
            throw PodNetworkError("interface \(Self.podInterface) is not in the pod's namespace")
        }
        var messages: [NetlinkMessage] = [
            .setLink(index: 1, named: "lo", LinkChange(up: true)),
            .setLink(index: link.index, named: Self.podInterface, LinkChange(up: true)),
        ]
        for address in lease.addresses {
            guard let gateway = configuration.gateway(address.family) else { continue }
            messages += [
                .addAddress(IPPrefix(host: address), link: link.index, routed: false),
                .addNeighbour(gateway, hardware: bridgeHardware, link: link.index),
                .addRoute(Route(to: IPPrefix(host: gateway), family: address.family, link: link.index)),
                .addRoute(
                    Route(to: nil, family: address.family, via: gateway, link: link.index, source: address)),
            ]
        }
        try inside.perform(messages)
    }

    /// Lets the pod send under its own addresses.
    func addSender(_ lease: Lease) throws {
        guard state.withLock({ $0.filtersFrames }) else { return }
        var transaction = Transaction(frames.table)
        frames.add(lease, to: &transaction)
        try ruleset.commit(transaction)
    }

    func removeSender(_ lease: Lease) throws {
        guard state.withLock({ $0.filtersFrames }) else { return }
        var transaction = Transaction(frames.table)
        frames.remove(lease, from: &transaction)
        do throws(NFTablesError) { try ruleset.commit(transaction) } catch {
            guard error.cause.isMissing else { throw error }
            // As with host ports: what is not whole is written anew.
            let others = state.withLock { Array($0.leases.leases.values) }.filter { $0.podUID != lease.podUID }
            try ruleset.commit(frames.build(others))
        }
    }
}
