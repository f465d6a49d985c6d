// SPDX-License-Identifier: Apache-2.0

internal import NFTables
public import Netlink

/// Which addresses of the node answer on node ports.
public enum NodePortAddresses: Sendable, Hashable {
    /// The node's main addresses, as its Node object has them.
    case primary([Netlink.IPAddress])
    /// Every address of the node but loopback ones.
    case all
    /// The node's addresses inside these blocks.
    case blocks([IPPrefix])
}

/// How the proxy tells local pods' traffic from others'.
public enum LocalTraffic: Sendable, Hashable {
    case unknown
    case blocks([IPPrefix])
    case interfacePrefix(String)
    case bridge(String)
}

/// What of the configuration shapes rules.
public struct RuleOptions: Sendable, Hashable {
    public var masqueradeBit: UInt32 = 14
    public var masqueradeAll = false
    public var localTraffic = LocalTraffic.unknown
    public var nodePortAddresses = NodePortAddresses.primary([])
    public var tableName = "swiftlet-proxy"
    /// Ports the node itself listens on: no Service gets what is sent to them at an address of the node.
    public var ownPorts: Set<TransportPort> = []

    public init() {}

    var masqueradeMark: UInt32 { 1 << masqueradeBit }
}

/// The sets and fixed chains of the proxy's table in one family.
///
/// A new packet meets: the source-range firewall (-110), then `services` (-100), where the set its frontend is in tells
/// the chain, and a map, by frontend and random index, the endpoint. What is left with a Service's address after that
/// (-90) has no endpoint or no such port, and is refused before routing is asked.
struct ProxyTable: Sendable, Hashable {
    let family: IPFamily
    let options: RuleOptions

    var table: Table { Table(family, options.tableName) }

    /// What tells a Service port from another at a Service's address.
    var frontend: [Selector] { [.destinationAddress(family), .protocolNumber, .destinationPort] }
    /// What tells one from another at the node's address.
    var nodePort: [Selector] { [.protocolNumber, .destinationPort] }
    var frontendKey: [FieldType] { [.address(family), .protocolNumber, .port] }
    var nodePortKey: [FieldType] { [.protocolNumber, .port] }

    /// Frontend and index → endpoint.
    var endpoints: SetDefinition {
        SetDefinition("endpoints", key: frontendKey + [.mark], data: .fields([.address(family), .port]))
    }
    var nodePortEndpoints: SetDefinition {
        SetDefinition("nodeport-endpoints", key: nodePortKey + [.mark], data: .fields([.address(family), .port]))
    }
    /// Frontends with chains of their own: those of Services with session affinity.
    var serviceChains: SetDefinition { SetDefinition("service-chains", key: frontendKey, data: .verdict) }
    var nodePortChains: SetDefinition { SetDefinition("nodeport-chains", key: nodePortKey, data: .verdict) }
    var firewallIPs: SetDefinition { SetDefinition("firewall-ips", key: frontendKey, data: .verdict) }
    /// Every address a Service has: most connections are to others and need not be looked at closer.
    var serviceAddresses: SetDefinition { SetDefinition("service-addresses", key: [.address(family)]) }
    var clusterIPs: SetDefinition { SetDefinition("cluster-ips", key: [.address(family)]) }
    var nodePortIPs: SetDefinition { SetDefinition("nodeport-ips", key: [.address(family)]) }
    var hairpinConnections: SetDefinition {
        SetDefinition(
            "hairpin-connections", key: [.address(family), .address(family), .protocolNumber])
    }

    /// The node's own ports.
    var ownPorts: SetDefinition { SetDefinition("own-ports", key: nodePortKey) }
    var ownPortKeys: Set<[FieldValue]> {
        Set(options.ownPorts.map { [.protocolNumber($0.protocolNumber), .port($0.port)] })
    }

    /// Leaves packets for the node itself alone, whatever Service claims an address that is (or becomes) the node's.
    private var spareNode: Rule {
        Rule(
            .matchSet(nodePort, ownPorts.name), .matchType(.destinationType, .local), .verdict(.returnToCaller))
    }

    func affinitySet(_ name: String, seconds: UInt32) -> SetDefinition {
        SetDefinition(name, key: [.address(family)], timeoutSeconds: seconds)
    }

    /// The groups of frontends that nothing serves.
    private var refusals: [FrontendGroup] {
        [false, true].flatMap { isNodePort in
            [FrontendClass.reject, .drop].map { FrontendGroup($0, isNodePort: isNodePort) }
        }
    }

    private func refuse(isNodePort: Bool) -> [Rule] {
        let verdicts: [(FrontendClass, Verdict)] = [(.reject, .goto(Self.rejectChain)), (.drop, .drop)]
        return verdicts.map { kind, verdict in
            let members = members(of: FrontendGroup(kind, isNodePort: isNodePort))
            return Rule(.matchSet(isNodePort ? nodePort : frontend, members.name), .verdict(verdict))
        }
    }

    var sets: [SetDefinition] {
        refusals.map { members(of: $0) } + [
            endpoints, nodePortEndpoints, serviceChains, nodePortChains, firewallIPs, serviceAddresses, clusterIPs,
            nodePortIPs, hairpinConnections, ownPorts,
        ]
    }

    static let services = "services"
    static let serviceLookup = "service-lookup"
    static let nodePortLookup = "nodeport-lookup"
    static let endpointsCheck = "endpoints-check"
    static let serviceCheck = "service-check"
    static let nodePortCheck = "nodeport-check"
    static let rangesCheck = "service-ranges-check"

    /// Chains that are always there and change with what there is.
    static var changingChains: [String] {
        [dispatchChain(isNodePort: false), dispatchChain(isNodePort: true), rangesCheck]
    }

    /// Addresses for Services that no Service has are nobody's: a packet to one must not wander about outside, where
    /// the default route may even send it back.
    func ranges(_ ranges: [IPPrefix]) -> ChainContent {
        ChainContent(
            ranges.filter { $0.family == family }.map {
                Rule(.matchPrefix(.destinationAddress(family), $0), .verdict(.drop))
            })
    }
    static let firewallCheck = "firewall-check"
    static let rejectChain = "reject-chain"
    static let markForMasquerade = "mark-for-masquerade"
    static let masquerading = "masquerading"

    /// The fixed chains in an order in which each is there before it is named.
    var skeleton: [(chain: Chain, rules: [Rule])] {
        let toService = Statement.matchSet([.destinationAddress(family)], serviceAddresses.name)
        let new = Statement.matchBits(.connectionState, ConnectionState.new)
        let unchanged = Statement.matchBits(
            .connectionStatus, negated: true, ConnectionStatus.destinationRewritten)
        func base(_ name: String, _ kind: ChainKind, _ hook: Hook, _ priority: Int32, _ rule: Rule) -> (Chain, [Rule]) {
            (Chain(name, base: BaseChain(kind, hook, priority: priority)), [rule])
        }
        let nat = HookPriority.destinationNAT
        let firewall = Rule(new, .verdict(.jump(Self.firewallCheck)))
        let check = Rule(new, unchanged, .verdict(.jump(Self.endpointsCheck)))
        let services = Rule(.verdict(.jump(Self.services)))
        return [
            (
                Chain(Self.rejectChain),
                [
                    Rule(.match(.protocolNumber, .protocolNumber(6)), .reject(.tcpReset)),
                    Rule(.reject(.portUnreachable)),
                ]
            ),
            (Chain(Self.markForMasquerade), [Rule(.setMarkBits(options.masqueradeMark))]),
            (Chain(Self.masquerading), masqueradingRules),
            (Chain(Self.firewallCheck), [spareNode, Rule(.verdictMap(frontend, firewallIPs.name))]),
            (
                Chain(Self.serviceCheck),
                [spareNode] + refuse(isNodePort: false) + [
                    // A port the Service does not have.
                    Rule(
                        .matchSet([.destinationAddress(family)], clusterIPs.name), .verdict(.goto(Self.rejectChain)))
                ]
            ),
            (Chain(Self.nodePortCheck), refuse(isNodePort: true)),
            (
                Chain(Self.endpointsCheck),
                [
                    Rule(toService, .verdict(.jump(Self.serviceCheck))),
                    Rule(nodePortConditions + [.verdict(.jump(Self.nodePortCheck))]),
                    Rule(.verdict(.goto(Self.rangesCheck))),
                ]
            ),
            (
                Chain(Self.serviceLookup),
                [spareNode] + masqueradeRules + [
                    Rule(.verdictMap(frontend, serviceChains.name)),
                    Rule(.verdict(.goto(Self.dispatchChain(isNodePort: false)))),
                ]
            ),
            (
                Chain(Self.nodePortLookup),
                [
                    Rule(.verdictMap(nodePort, nodePortChains.name)),
                    Rule(.verdict(.goto(Self.dispatchChain(isNodePort: true)))),
                ]
            ),
            (
                Chain(Self.services),
                [
                    // A balancer may have given out the node's own address: what is no Service's there may be a node
                    // port's.
                    Rule(toService, .verdict(.jump(Self.serviceLookup))),
                    Rule(nodePortConditions + [.verdict(.jump(Self.nodePortLookup))]),
                ]
            ),
            base("filter-prerouting-pre-dnat", .filter, .prerouting, nat - 10, firewall),
            base("filter-output-pre-dnat", .filter, .output, nat - 10, firewall),
            base("nat-prerouting", .nat, .prerouting, nat, services),
            base("nat-output", .nat, .output, nat, services),
            base("filter-prerouting", .filter, .prerouting, nat + 10, check),
            base("filter-output", .filter, .output, nat + 10, check),
            base(
                "nat-postrouting", .nat, .postrouting, HookPriority.sourceNAT, Rule(.verdict(.jump(Self.masquerading)))),
        ]
    }

    /// Traffic from outside the cluster to a cluster address must come back through this node.
    private var masqueradeRules: [Rule] {
        guard let foreign = options.masqueradeAll ? [] : isForeignTraffic() else { return [] }
        let toCluster = Statement.matchSet([.destinationAddress(family)], clusterIPs.name)
        return [Rule(foreign + [toCluster, .verdict(.jump(Self.markForMasquerade))])]
    }

    private var masqueradingRules: [Rule] {
        [
            Rule(
                .matchSet(
                    [.sourceAddress(family), .destinationAddress(family), .protocolNumber], hairpinConnections.name),
                .masquerade(fullyRandom: true)),
            Rule(.matchBits(.mark, negated: true, options.masqueradeMark), .verdict(.returnToCaller)),
            Rule(.clearMarkBits(options.masqueradeMark), .masquerade(fullyRandom: true)),
        ]
    }

    /// What makes a packet one for a node port.
    private var nodePortConditions: [Statement] {
        switch options.nodePortAddresses {
        case .primary, .blocks: [.matchSet([.destinationAddress(family)], nodePortIPs.name)]
        case .all:
            [
                .matchType(.destinationType, .local),
                .matchPrefix(
                    .destinationAddress(family), negated: true,
                    family == .v4 ? IPPrefix("127.0.0.0/8")! : IPPrefix("::1/128")!),
            ]
        }
    }

    /// Names the version of the fixed part: another one in the kernel means a table to replace.
    var skeletonHash: String {
        var hash = ContentHash()
        for (chain, rules) in skeleton {
            hash.add(chain.name)
            if let base = chain.base { hash.add("\(base)") }
            for rule in rules { hash.add(rule.text) }
        }
        for set in sets { hash.add(set.name + set.text) }
        return hash.text
    }

    /// Makes the table anew, in one batch with whatever follows.
    func create(_ transaction: inout Transaction) {
        transaction.recreateTable()
        for set in sets { transaction.add(.addSet(set)) }
        for name in Self.changingChains { transaction.add(.addChain(Chain(name))) }
        for (chain, _) in skeleton { transaction.add(.addChain(chain)) }
        let hash = skeletonHash
        for (chain, rules) in skeleton {
            for (index, rule) in rules.enumerated() {
                var rule = rule
                // Every chain carries the version: one emptied by somebody else shows.
                if index == 0 { rule.comment = hash }
                transaction.add(.addRule(chain: chain.name, rule))
            }
        }
    }

    /// The node's addresses that answer on node ports, given all it has.
    func nodePortElements(nodeAddresses: [IPAddress]) -> [Element] {
        let chosen: [IPAddress] =
            switch options.nodePortAddresses {
            case .all: []
            // None chosen: the addresses the Node object has.
            case .primary(let addresses): addresses.isEmpty ? nodeAddresses : addresses
            case .blocks(let blocks): nodeAddresses.filter { address in blocks.contains { $0.contains(address) } }
            }
        // Loopback destinations cannot be rewritten to another host in nftables mode, here as upstream.
        return Set(chosen.filter { $0.family == family && !$0.isLoopback }).sorted().map { Element([.address($0)]) }
    }

    /// Conditions under which a packet comes from a pod of this node or cluster; empty when that cannot be told.
    func isLocalTraffic() -> [[Statement]] {
        switch options.localTraffic {
        case .unknown: []
        case .blocks(let blocks):
            blocks.filter { $0.family == family }.map { [.matchPrefix(.sourceAddress(family), $0)] }
        case .bridge(let name): [[.match(.inputInterface, .interfaceName(name))]]
        case .interfacePrefix(let prefix): [[.matchInputInterfacePrefix(prefix)]]
        }
    }

    /// Conditions under which it does not; nil when that cannot be told.
    func isForeignTraffic() -> [Statement]? {
        switch options.localTraffic {
        case .unknown: return nil
        case .blocks(let blocks):
            let own = blocks.filter { $0.family == family }
            return own.isEmpty ? nil : own.map { .matchPrefix(.sourceAddress(family), negated: true, $0) }
        case .bridge(let name): return [.match(.inputInterface, negated: true, .interfaceName(name))]
        case .interfacePrefix(let prefix): return [.matchInputInterfacePrefix(negated: true, prefix)]
        }
    }
}

/// FNV-1a, 64 bits: names contents; nothing depends on it being hard to forge.
struct ContentHash: Sendable {
    private var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        value = (value ^ 0xff) &* 0x100_0000_01b3
    }

    var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
