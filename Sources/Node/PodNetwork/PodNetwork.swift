// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import NFTables
public import Netlink
internal import Synchronization
public import Telemetry

// Each pod has an address of its own length (/32, /128) and sends everything to the node, packets for its neighbours on
// the bridge too. So every packet passes the node's connection tracking in both directions, and Service addresses work
// between pods of one node whether the kernel has br_netfilter or not. With br_netfilter a rewritten packet may go from
// port to port by itself, even back to the one it came from: hence hairpin on every port, and no port isolated.

/// The node's built-in pod network. Its calls may come from several threads; each is complete when it returns.
public final class PodNetwork: Sendable {
    public let configuration: PodNetworkConfiguration
    let logger: Logger
    let namespace: NetworkNamespace
    let route: NetlinkSocket
    private let flows: FlowRemoval
    let diagnostics: NetlinkSocket
    let ruleset: KernelRuleset
    let state: Mutex<State>

    struct State: ~Copyable, Sendable {
        var leases: LeaseStore
        var bridge: Int32 = 0
        /// The kernel has tables for frames.
        var filtersFrames = false
        /// The addresses of other nodes.
        var nodes = NodeAddresses()
        /// Host ports that programs listen on at loopback, as the table has them.
        var listeners: Set<TransportPort> = []
    }

    /// The interface every pod sees.
    static let podInterface = "eth0"

    /// Opens the network of the calling thread's namespace; programs nothing yet.
    public convenience init(configuration: PodNetworkConfiguration, logger: Logger) throws(PodNetworkError) {
        do {
            try self.init(configuration: configuration, logger: logger, namespace: NetworkNamespace.current())
        } catch let error as PodNetworkError { throw error } catch {
            throw PodNetworkError("open network namespace", error)
        }
    }

    /// Opens the network of `namespace`.
    public init(
        configuration: PodNetworkConfiguration, logger: Logger, namespace: consuming NetworkNamespace
    ) throws(PodNetworkError) {
        try configuration.check()
        self.configuration = configuration
        self.logger = logger
        do {
            route = try NetlinkSocket(.route, in: namespace)
            let conntrack = try NetlinkSocket(.netfilter, in: namespace)
            flows = FlowRemoval { family, filters throws(NetlinkError) in
                try conntrack.deleteConntrackEntries(family, matchingAny: filters)
            }
            diagnostics = try NetlinkSocket(.socketDiagnostics, in: namespace)
            ruleset = try KernelRuleset(in: namespace)
        } catch { throw PodNetworkError("open netlink sockets", error) }
        self.namespace = namespace
        state = Mutex(State(leases: try LeaseStore.open(configuration.stateDirectory)))
    }

    var tables: [PodTable] { configuration.families.map { PodTable(family: $0, configuration: configuration) } }

    var frames: FrameTable { FrameTable(configuration: configuration, bridgeHardware: bridgeHardware) }

    /// The node's addresses on the bridge, where its pods reach it.
    public var gateways: [Netlink.IPAddress] { configuration.families.compactMap(configuration.gateway) }

    /// The bridge's hardware address: the kernel would change it with each port otherwise.
    var bridgeHardware: [UInt8] { Self.hardware(configuration.podCIDRs[0].network.advanced(by: 1)) }

    /// A locally administered hardware address made of the last four bytes of `address`.
    static func hardware(_ address: IPAddress) -> [UInt8] { [0x0a, 0x58] + address.bytes.suffix(4) }

    /// The name of the node's end of a pod's pair, from its UID.
    static func interfaceName(_ podUID: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in podUID.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return "veth" + (String(repeating: "0", count: 16 - digits.count) + digits).suffix(10)
    }

    private func step<Result>(_ name: String, _ body: () throws -> Result) throws(PodNetworkError) -> Result {
        do { return try body() } catch { throw PodNetworkError(name, error) }
    }

    // MARK: The node

    /// Makes the bridge, its addresses, forwarding, and the nftables tables with the host ports of all leases. What is
    /// there already stays; running pods notice nothing.
    public func setup() throws(PodNetworkError) {
        let index = try step("set up bridge \(configuration.bridge)") { try makeBridge() }
        try step("set up forwarding") { try setSysctls() }
        let (leases, nodes) = state.withLock { state in
            state.bridge = index
            return (Array(state.leases.leases.values), state.nodes)
        }
        try step("set up routes to pods") { try settleRoutes(leases, bridge: index, isFirst: true) }
        let listeners = loopbackListeners(leases)
        state.withLock { $0.listeners = listeners }
        for table in tables {
            try step("set up nftables") {
                try ruleset.commit(table.build(leases, nodes: nodes, listeners: listeners))
            }
        }
        // Rules first: from then on the ports of pods are found by them.
        let filters = filterFrames(leases)
        state.withLock { $0.filtersFrames = filters }
        try step("set up bridge ports") { try securePorts(of: leases, bridge: index) }
    }

    private func makeBridge() throws -> Int32 {
        let name = configuration.bridge
        let change = LinkChange(name: name, up: true, mtu: configuration.mtu, address: bridgeHardware)
        if let link = try route.link(named: name) {
            guard link.kind == "bridge" else {
                throw PodNetworkError("link \(name) exists and is a \(link.kind), not a bridge")
            }
            // Before Linux 6.2 a name, even the one it has, is refused for a link that is up.
            var present = change
            present.name = nil
            // Given its address anew, even the one it has, the kernel forgets every neighbour on it.
            if link.address == bridgeHardware { present.address = nil }
            try route.perform(.setLink(index: link.index, present))
        } else {
            try route.perform(.addBridge(change))
        }
        guard let link = try route.link(named: name) else { throw PodNetworkError("link \(name) vanished") }
        let wanted = configuration.podCIDRs.map { IPPrefix($0.network.advanced(by: 1), $0.length) }
        // The block is not on the bridge's wire: see `settleRoutes`.
        try route.perform(wanted.map { .addAddress($0, link: link.index, routed: false) })
        // Addresses of an earlier configuration would attract other nodes' traffic.
        let stale = try route.addresses(link: link.index).filter {
            !wanted.contains($0.prefix) && !$0.prefix.address.isLinkLocal
        }
        try route.perform(stale.map { .deleteAddress($0.prefix, link: link.index) })
        return link.index
    }

    private func setSysctls() throws {
        widenNeighbourTables()
        let bridge = configuration.bridge
        if configuration.podCIDR(.v4) != nil {
            try set("net.ipv4.ip_forward", "1")
            // 127.0.0.1:hostPort: the packet leaves by the bridge with a loopback source until it is masqueraded.
            try set("net.ipv4.conf.\(bridge).route_localnet", "1")
            try set("net.ipv4.conf.\(bridge).send_redirects", "0")
            try set("net.ipv4.conf.\(bridge).accept_redirects", "0")
            // Answers to masqueraded packets come in by the bridge for any address of the node.
            try set("net.ipv4.conf.\(bridge).rp_filter", "2")
        }
        if configuration.podCIDR(.v6) != nil {
            try keepRouterAdvertisements()
            try set("net.ipv6.conf.all.forwarding", "1")
        }
        // Pods are no routers, whichever families they have.
        for name in ["accept_ra", "accept_redirects"] {
            do throws(Errno) { try set("net.ipv6.conf.\(bridge).\(name)", "0") } catch {
                // A kernel without IPv6 has nothing to take them.
                if error.code != ENOENT || configuration.podCIDR(.v6) != nil { throw error }
            }
        }
    }

    /// Forwarding makes the kernel ignore router advertisements unless accept_ra is 2: a node that has its default route
    /// from them would lose it.
    private func keepRouterAdvertisements() throws {
        guard try namespace.sysctl("net.ipv6.conf.all.forwarding") == "0" else { return }
        for link in try route.links() where !link.isLoopback && link.kind.isEmpty {
            let name = "net.ipv6.conf.\(link.name.replacingDots).accept_ra"
            if try namespace.sysctl(name) == "1" { try namespace.setSysctl(name, "2") }
        }
    }

    private func set(_ name: String, _ value: String) throws(Errno) {
        // Read first: where /proc/sys is read-only the right value is all that is asked for.
        if try namespace.sysctl(name) != value { try namespace.setSysctl(name, value) }
    }

    // MARK: Pods

    /// Connects a pod: loopback up, eth0 with its addresses and default routes, host ports. Called again for the same
    /// pod it completes what is missing and gives the same addresses. After a failure nothing of the attempt stays.
    public func attach(pod: PodNetworkRequest) throws(PodNetworkError) -> PodNetworkResult {
        let name = "attach pod \(pod.namespace)/\(pod.name)"
        for port in pod.hostPorts where configuration.ownPorts.contains(port.transport) {
            throw PodNetworkError("\(name): host port \(port.transport) is a port of the node itself")
        }
        let interface = Self.interfaceName(pod.podUID)
        let (lease, bridge): (Lease, Int32)
        do throws(PodNetworkError) {
            try checkHostPorts(pod)
            (lease, bridge) = try state.withLock { state throws(PodNetworkError) in
                (try state.leases.add(pod, from: configuration.podCIDRs, interface: interface), state.bridge)
            }
        } catch { throw PodNetworkError(name, error) }
        do {
            guard bridge != 0 else { throw PodNetworkError("the network is not set up") }
            let podNamespace = try NetworkNamespace.open(pod.networkNamespace)
            try Self.refuseDirections(podNamespace)
            try connect(lease, podNamespace, bridge: bridge)
            // Before the pod's end is up: what it may send is known before it can send.
            try addRules(lease)
            try configure(lease, podNamespace)
        } catch {
            do { try detach(podUID: pod.podUID) } catch let second {
                logger.error(
                    "clean up after a failed attach", ["pod": "\(pod.namespace)/\(pod.name)", "error": "\(second)"])
            }
            throw PodNetworkError(name, error)
        }
        return PodNetworkResult(
            addresses: lease.addresses, gateways: gateways,
            interface: Self.podInterface, mtu: configuration.mtu)
    }

    private func addRules(_ lease: Lease) throws {
        try addSender(lease)
        guard !lease.hostPorts.isEmpty else { return }
        for table in tables {
            var transaction = Transaction(table.table)
            table.add(lease, to: &transaction)
            try ruleset.commit(transaction)
        }
        try spareListeners()
    }

    /// Disconnects a pod and frees its addresses; a pod that is not connected is left. The pod's namespace may be gone.
    public func detach(podUID: String) throws(PodNetworkError) {
        guard let lease = state.withLock({ $0.leases.leases[podUID] }) else { return }
        try step("detach pod \(lease.namespace)/\(lease.name)") {
            try removeHostPorts(lease)
            try delete(.deleteLink(named: lease.interface))
            try removeSender(lease)
            let bridge = state.withLock { $0.bridge }
            for address in lease.addresses where bridge != 0 {
                try delete(.deleteNeighbour(address, link: bridge))
            }
        }
        // Last: until here a crash leaves the record to clean up by. With the routes: `settleRoutes` makes those of leases.
        try state.withLock { state throws(PodNetworkError) in
            if state.bridge != 0 {
                do throws(NetlinkError) {
                    for old in routes(of: lease, bridge: state.bridge) { try remove(old) }
                } catch { throw PodNetworkError("detach pod \(lease.namespace)/\(lease.name)", error) }
            }
            try state.leases.remove(podUID)
        }
    }

    private func delete(_ message: NetlinkMessage) throws(NetlinkError) {
        do throws(NetlinkError) { try route.perform(message) } catch { if !error.isMissing { throw error } }
    }

    private func removeHostPorts(_ lease: Lease) throws {
        guard !lease.hostPorts.isEmpty else { return }
        for table in tables {
            var transaction = Transaction(table.table)
            table.remove(lease, from: &transaction)
            do throws(NFTablesError) { try ruleset.commit(transaction) } catch {
                guard error.cause.isMissing else { throw error }
                // Not all of it was there (a failed attach, an edited table): write the table anew without this pod.
                let (all, nodes, listeners) = state.withLock {
                    (Array($0.leases.leases.values), $0.nodes, $0.listeners)
                }
                try ruleset.commit(
                    table.build(all.filter { $0.podUID != lease.podUID }, nodes: nodes, listeners: listeners))
            }
        }
        // Flows of a datagram port would go on to the dead address for as long as the sender keeps sending.
        let ports = lease.hostPorts.filter { $0.protocolNumber == 17 }
        var filters: [IPFamily: [ConntrackFilter]] = [:]
        for address in lease.addresses {
            filters[address.family, default: []] += ports.map {
                ConntrackFilter(
                    protocolNumber: 17, originalDestinationPort: $0.hostPort, replySource: address,
                    replySourcePort: $0.containerPort)
            }
        }
        // The lease stays until this is done: nobody else is given its addresses before.
        try flows(filters)
    }

    /// After a restart: disconnects every leased pod that is not in `alive` and removes ends of pairs on the bridge that
    /// no lease knows.
    public func reconcile(alive: Set<String>) throws(PodNetworkError) {
        let (known, bridge) = state.withLock { (Array($0.leases.leases.values), $0.bridge) }
        for lease in known where !alive.contains(lease.podUID) { try detach(podUID: lease.podUID) }
        let names = Set(known.filter { alive.contains($0.podUID) }.map(\.interface))
        try step("remove stale links") {
            for link in try route.links() where link.master == bridge && bridge != 0 {
                guard link.kind == "veth", link.name.hasPrefix("veth"), !names.contains(link.name) else { continue }
                try delete(.deleteLink(named: link.name))
            }
        }
    }

    /// The addresses a pod holds; nil when it is not connected.
    public func addresses(podUID: String) -> [IPAddress]? {
        state.withLock { $0.leases.leases[podUID]?.addresses }
    }

    /// Removes bridge, tables and leases of pods that are gone: nothing of the network stays.
    public func tearDown() throws(PodNetworkError) {
        for lease in state.withLock({ Array($0.leases.leases.values) }) { try detach(podUID: lease.podUID) }
        try step("remove pod network") {
            for table in tables {
                var transaction = Transaction(table.table)
                transaction.removeTable()
                try ruleset.commit(transaction)
            }
            try delete(.deleteLink(named: configuration.bridge))
            try removeRestRoutes()
            if state.withLock({ $0.filtersFrames }) {
                var transaction = Transaction(frames.table)
                transaction.removeTable()
                try ruleset.commit(transaction)
            }
        }
    }
}

extension String {
    /// A link name inside a sysctl name: its dots are slashes there.
    var replacingDots: String { String(map { $0 == "." ? "/" : $0 }) }
}
