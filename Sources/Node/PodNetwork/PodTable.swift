// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// The pod network's own nftables table of one family: masquerading to the outside, host ports, and guards. Pure: it
/// turns a configuration and leases into changes.
struct PodTable: Sendable {
    let family: IPFamily
    let configuration: PodNetworkConfiguration

    var table: Table { Table(family, configuration.tableName) }

    private var portsByAddress: SetDefinition {
        SetDefinition(
            "hostports-by-address", key: [.address(family), .protocolNumber, .port],
            data: .fields([.address(family), .port]))
    }
    private var ports: SetDefinition {
        SetDefinition("hostports", key: [.protocolNumber, .port], data: .fields([.address(family), .port]))
    }
    /// Pods with host ports: one that connects to its own port must see the node as the peer.
    private var hairpin: SetDefinition {
        SetDefinition("hairpin", key: [.address(family), .address(family)])
    }

    /// Host ports that programs of the node listen on as well, at loopback.
    private var listeners: SetDefinition { SetDefinition("loopback-listeners", key: [.protocolNumber, .port]) }

    /// Addresses of other nodes: beside pods, who may talk to the node at the bridge's address.
    private var nodes: SetDefinition { SetDefinition("nodes", key: [.address(family)]) }

    /// Those of them that have a way back to the pods of this node.
    private var neighbours: SetDefinition { SetDefinition("neighbours", key: [.address(family)]) }

    /// The whole table, in one batch that replaces what was there.
    func build(
        _ leases: some Sequence<Lease>, nodes addresses: NodeAddresses = NodeAddresses(),
        listeners found: Set<TransportPort> = []
    ) -> Transaction {
        var transaction = Transaction(table)
        transaction.recreateTable()
        for set in [portsByAddress, ports, hairpin, nodes, neighbours] { transaction.add(.addSet(set)) }
        setNodes(addresses, in: &transaction)
        if family == .v4 {
            transaction.add(.addSet(listeners))
            setListeners(found, in: &transaction)
        }
        addHostPortChains(&transaction)
        addPostrouting(&transaction)
        addGuards(&transaction)
        for lease in leases { add(lease, to: &transaction) }
        return transaction
    }

    private func chain(_ name: String, _ base: BaseChain?, _ rules: [Rule], _ transaction: inout Transaction) {
        transaction.add(.addChain(Chain(name, base: base)))
        for rule in rules { transaction.add(.addRule(chain: name, rule)) }
    }

    private func addHostPortChains(_ transaction: inout Transaction) {
        let key: [Selector] = [.destinationAddress(family), .protocolNumber, .destinationPort]
        // What the machine sends to itself is for the program that listens there.
        let spare = Rule(
            .matchPrefix(.destinationAddress(family), IPPrefix("127.0.0.0/8")!),
            .matchSet([.protocolNumber, .destinationPort], listeners.name), .verdict(.returnToCaller))
        chain(
            "hostports", nil,
            (family == .v4 ? [spare] : []) + [
                Rule(.destinationNAT(family, .map(key, portsByAddress.name))),
                Rule(.destinationNAT(family, .map([.protocolNumber, .destinationPort], ports.name))),
            ], &transaction)
        var conditions: [Statement] = [.matchType(.destinationType, .local)]
        // The kernel routes nothing from ::1 to another host: such a connection could only hang.
        if family == .v6 {
            conditions.append(
                .matchPrefix(.destinationAddress(.v6), negated: true, IPPrefix(host: IPAddress("::1")!)))
        }
        let jump = Rule(conditions + [.verdict(.jump("hostports"))])
        for hook in [Hook.prerouting, .output] {
            // After Services: whoever may create a pod must not take a node port that a Service was given.
            chain(
                "nat-\(hook)", BaseChain(.nat, hook, priority: HookPriority.destinationNAT + 1), [jump],
                &transaction)
        }
    }

    private func addPostrouting(_ transaction: inout Transaction) {
        let toPods = Statement.match(.outputInterface, .interfaceName(configuration.bridge))
        var rules = [
            Rule(
                .matchSet([.sourceAddress(family), .destinationAddress(family)], hairpin.name),
                .masquerade(fullyRandom: true))
        ]
        if family == .v4 {
            // A host port used through 127.0.0.1: the pod has to answer to an address of the node.
            rules.append(
                Rule(
                    .matchPrefix(.sourceAddress(.v4), IPPrefix("127.0.0.0/8")!), toPods,
                    .masquerade(fullyRandom: true)))
        }
        if configuration.masquerades, let pods = configuration.podCIDR(family) {
            let outside = configuration.clusterCIDRs.filter { $0.family == family } + [multicast, linkLocal]
            rules.append(Rule(.matchPrefix(.sourceAddress(family), negated: true, pods), .verdict(.returnToCaller)))
            rules += outside.map { Rule(.matchPrefix(.destinationAddress(family), $0), .verdict(.returnToCaller)) }
            // A pod that asks another node, the API server above all, is not taken for this node.
            rules.append(Rule(.matchSet([.destinationAddress(family)], neighbours.name), .verdict(.returnToCaller)))
            rules.append(Rule(.masquerade(fullyRandom: true)))
        }
        chain(
            "nat-postrouting", BaseChain(.nat, .postrouting, priority: HookPriority.sourceNAT), rules, &transaction)
    }

    private var multicast: IPPrefix { family == .v4 ? IPPrefix("224.0.0.0/4")! : IPPrefix("ff00::/8")! }
    private var linkLocal: IPPrefix { family == .v4 ? IPPrefix("169.254.0.0/16")! : IPPrefix("fe80::/10")! }

    private func addGuards(_ transaction: inout Transaction) {
        let bridge = FieldValue.interfaceName(configuration.bridge)
        chain(
            "guard-addresses", BaseChain(.filter, .prerouting, priority: -150), loopbackGuards + sourceGuards,
            &transaction)
        chain(
            "guard-node", BaseChain(.filter, .input, priority: HookPriority.filter), gatewayGuards, &transaction)
        // Pods talk to each other through the node; a redirect would point them at a wire they cannot use.
        chain(
            "guard-redirects", BaseChain(.filter, .output, priority: HookPriority.filter),
            [Rule(.match(.outputInterface, bridge), .matchICMPType(family, family == .v4 ? 5 : 137), .verdict(.drop))],
            &transaction)
    }

    private var fromBridge: Statement { .match(.inputInterface, .interfaceName(configuration.bridge)) }

    /// From neither the pods of this node nor the node itself.
    private var fromOutside: [Statement] {
        [
            .match(.inputInterface, negated: true, .interfaceName(configuration.bridge)),
            .match(.inputInterface, negated: true, .interfaceName("lo")),
        ]
    }

    /// route_localnet, which host ports on 127.0.0.1 need, lets packets to and from 127.0.0.0/8 through to the node's own
    /// services, and somebody else may have set it for all interfaces (CVE-2020-8558): stop them before answers to the
    /// node's connections through host ports get that destination back (at -100). The kernel itself stops ::1.
    private var loopbackGuards: [Rule] {
        guard family == .v4 else { return [] }
        let loopback = IPPrefix("127.0.0.0/8")!
        return [Selector.destinationAddress(.v4), .sourceAddress(.v4)].map {
            Rule(
                .match(.inputInterface, negated: true, .interfaceName("lo")), .matchPrefix($0, loopback),
                .verdict(.drop))
        }
    }

    /// Pods' addresses come from the bridge and nothing else does.
    private var sourceGuards: [Rule] {
        guard let block = configuration.podCIDR(family), let gateway = configuration.gateway(family) else { return [] }
        let source = Selector.sourceAddress(family)
        // Neighbour discovery speaks with these.
        let others = family == .v6 ? [linkLocal, IPPrefix("::/128")!] : []
        var rules = [
            Rule(
                [fromBridge] + ([block] + others).map { .matchPrefix(source, negated: true, $0) }
                    + [.verdict(.drop)]),
            Rule(fromBridge, .match(source, .address(gateway)), .verdict(.drop)),
        ]
        // Without masquerading, what a pod sends to another node may come back for a pod here with its address.
        if configuration.masquerades {
            rules.append(Rule(fromOutside + [.matchPrefix(source, block), .verdict(.drop)]))
        }
        return rules
    }

    /// The bridge's address is for the cluster: what listens there, above all the DNS server, answers nobody else.
    private var gatewayGuards: [Rule] {
        guard let gateway = configuration.gateway(family) else { return [] }
        let source = Selector.sourceAddress(family)
        let cluster = configuration.clusterCIDRs.filter { $0.family == family }
        return [
            Rule(
                fromOutside + [.match(.destinationAddress(family), .address(gateway))]
                    + cluster.map { .matchPrefix(source, negated: true, $0) }
                    + [.matchSet([source], negated: true, nodes.name), .verdict(.drop)])
        ]
    }

    /// Makes the other nodes be those with `addresses`.
    func setNodes(_ addresses: NodeAddresses, in transaction: inout Transaction) {
        for (set, members) in [(nodes, addresses.all), (neighbours, addresses.neighbours)] {
            transaction.add(.flushSet(set.name))
            let own = members.filter { $0.family == family }.sorted()
            if !own.isEmpty { transaction.add(.addElements(set, own.map { Element([.address($0)]) })) }
        }
    }

    /// Makes `ports` be those that programs listen on at loopback: of the family IPv4, which alone has host ports there.
    func setListeners(_ ports: Set<TransportPort>, in transaction: inout Transaction) {
        transaction.add(.flushSet(listeners.name))
        if ports.isEmpty { return }
        transaction.add(
            .addElements(
                listeners, ports.sorted().map { Element([.protocolNumber($0.protocolNumber), .port($0.port)]) }))
    }

    // MARK: Leases

    private func elements(_ lease: Lease) -> [(SetDefinition, [Element])] {
        guard let pod = lease.address(family) else { return [] }
        var byAddress: [Element] = []
        var anywhere: [Element] = []
        // What an earlier server let a pod have is the node's again.
        for port in lease.hostPorts where !configuration.ownPorts.contains(port.transport) {
            let target = ElementData.values([.address(pod), .port(port.containerPort)])
            let key: [FieldValue] = [.protocolNumber(port.protocolNumber), .port(port.hostPort)]
            if let address = port.hostIP {
                if address.family == family { byAddress.append(Element([.address(address)] + key, target)) }
            } else {
                anywhere.append(Element(key, target))
            }
        }
        guard !byAddress.isEmpty || !anywhere.isEmpty else { return [] }
        return [
            (portsByAddress, byAddress), (ports, anywhere), (hairpin, [Element([.address(pod), .address(pod)])]),
        ].filter { !$0.1.isEmpty }
    }

    func add(_ lease: Lease, to transaction: inout Transaction) {
        for (set, elements) in elements(lease) { transaction.add(.addElements(set, elements)) }
    }

    func remove(_ lease: Lease, from transaction: inout Transaction) {
        for (set, elements) in elements(lease) { transaction.add(.deleteElements(set, elements)) }
    }
}
