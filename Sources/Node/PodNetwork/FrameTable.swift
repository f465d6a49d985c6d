// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// What frames pods may send: the pod network's table of the bridge family. Pure: it turns a configuration and leases
/// into changes.
///
/// A pod sends to the node and to nobody else, under its own hardware and IP addresses alone; everything it has to say to
/// other pods goes by the node's routing. Ports of pods are known by their interface group, which a port has before it is
/// up, so that one without elements here is one that may send nothing: what is forgotten or fails half-way stays shut.
/// A frame costs one look-up however many pods there are.
struct FrameTable: Sendable {
    let configuration: PodNetworkConfiguration
    /// The bridge's hardware address.
    let bridgeHardware: [UInt8]

    /// The interface group of pods' ports: a number nobody has (0 is everybody's).
    static let portGroup: UInt32 = 83

    var table: Table { Table(TableFamily.bridge, configuration.tableName) }

    /// Port, sender's hardware address and IP address, as pods were given them.
    private func senders(_ family: IPFamily) -> SetDefinition {
        SetDefinition(
            family == .v4 ? "senders" : "senders6", key: [.interfaceName, .hardwareAddress, .address(family)])
    }

    private enum EtherType {
        static let ip = Statement.match(.etherType, .etherType(0x0800))
        static let arp = Statement.match(.etherType, .etherType(0x0806))
        static let ip6 = Statement.match(.etherType, .etherType(0x86dd))
    }

    /// The whole table, in one batch that replaces what was there.
    func build(_ leases: some Sequence<Lease>) -> Transaction {
        var transaction = Transaction(table)
        transaction.recreateTable()
        for family in IPFamily.allCases { transaction.add(.addSet(senders(family))) }
        for name in ["arp", "ip", "ip6", "to-node"] { transaction.add(.addChain(Chain(name))) }
        add("arp", arp, to: &transaction)
        add("ip", ip, to: &transaction)
        add("ip6", ip6, to: &transaction)
        add("to-node", toNode, to: &transaction)
        let fromPods = Statement.match(.inputInterfaceGroup, .mark(Self.portGroup))
        // Before connection tracking of bridged packets (br_netfilter, 0) sees anything.
        addBase(
            "from-pods", .prerouting,
            [Rule(fromPods, .verdict(.goto("to-node")))], to: &transaction)
        // Frames to the addresses that IEEE 802.1D keeps for bridges pass that hook by and come in on the port itself.
        addBase(
            "reserved", .input,
            [Rule(fromPods, .matchHardwarePrefix(.destinationHardware, [0x01, 0x80, 0xc2, 0, 0]), .verdict(.drop))],
            to: &transaction)
        for lease in leases { add(lease, to: &transaction) }
        return transaction
    }

    private func addBase(_ name: String, _ hook: Hook, _ rules: [Rule], to transaction: inout Transaction) {
        transaction.add(.addChain(Chain(name, base: BaseChain(.filter, hook, priority: -400))))
        add(name, rules, to: &transaction)
    }

    private func add(_ chain: String, _ rules: [Rule], to transaction: inout Transaction) {
        for rule in rules { transaction.add(.addRule(chain: chain, rule)) }
    }

    /// To the node itself anything with a true sender; to groups what resolving neighbours takes.
    private var toNode: [Rule] {
        let node = Statement.match(.destinationHardware, .hardwareAddress(bridgeHardware))
        let broadcast = Statement.match(
            .destinationHardware, .hardwareAddress([UInt8](repeating: 0xff, count: 6)))
        return [
            Rule(node, EtherType.ip, .verdict(.goto("ip"))),
            Rule(node, EtherType.ip6, .verdict(.goto("ip6"))),
            Rule(node, EtherType.arp, .verdict(.goto("arp"))),
            Rule(broadcast, EtherType.arp, .verdict(.goto("arp"))),
            Rule(
                .matchHardwarePrefix(.destinationHardware, [0x33, 0x33]), EtherType.ip6,
                .match(.protocolNumber, .protocolNumber(58)), .verdict(.goto("ip6"))),
            // VLAN tags, other protocols, other pods' hardware addresses, multicast and broadcast.
            Rule(.verdict(.drop)),
        ]
    }

    private func isSender(_ family: IPFamily, _ hardware: Selector, _ address: Selector) -> Statement {
        .matchSet([.inputInterface, hardware, address], senders(family).name)
    }

    private var ip: [Rule] {
        [
            Rule(isSender(.v4, .sourceHardware, .sourceAddress(.v4)), .verdict(.accept)),
            Rule(.verdict(.drop)),
        ]
    }

    /// What the packet says of its sender is what receivers believe; the frame's header must not differ.
    private var arp: [Rule] {
        [
            Rule(
                isSender(.v4, .sourceHardware, .arpSourceAddress),
                isSender(.v4, .arpSourceHardware, .arpSourceAddress), .verdict(.accept)),
            Rule(.verdict(.drop)),
        ]
    }

    private var ip6: [Rule] {
        let sender = isSender(.v6, .sourceHardware, .sourceAddress(.v6))
        let plain = Statement.match(.nextHeader, .protocolNumber(58))
        let own = isSender(.v6, .sourceHardware, .neighbourTarget)
        // Solicitation, advertisement, router's advertisement, redirect. Behind an extension header they are nobody's
        // honest work; in fragments no kernel takes them (RFC 6980).
        return [
            Rule(sender, .match(.protocolNumber, negated: true, .protocolNumber(58)), .verdict(.accept)),
            Rule(.matchICMPType(.v6, 136), plain, sender, own, .verdict(.accept)),
            Rule(.matchICMPType(.v6, 135), plain, sender, .verdict(.accept)),
        ]
            + [133, 134, 135, 136, 137].map { Rule(.matchICMPType(.v6, $0), .verdict(.drop)) }
            + [
                Rule(sender, .match(.protocolNumber, .protocolNumber(58)), .verdict(.accept)),
                Rule(.verdict(.drop)),
            ]
    }

    // MARK: Leases

    /// The addresses a pod may send from: those of its lease, and in IPv6 the link-local one its kernel makes of its
    /// hardware address (RFC 4291, appendix A).
    static func addresses(_ lease: Lease, hardware: [UInt8]) -> [IPAddress] {
        guard lease.address(.v6) != nil else { return lease.addresses }
        let identifier = [hardware[0] ^ 2, hardware[1], hardware[2], 0xff, 0xfe] + hardware[3...]
        return lease.addresses + [IPAddress(bytes: [0xfe, 0x80, 0, 0, 0, 0, 0, 0] + identifier)!]
    }

    private func elements(_ lease: Lease) -> [(SetDefinition, [Element])] {
        let hardware = lease.hardware
        let all = Self.addresses(lease, hardware: hardware)
        return IPFamily.allCases.compactMap { family in
            let own = all.filter { $0.family == family }.map {
                Element([.interfaceName(lease.interface), .hardwareAddress(hardware), .address($0)])
            }
            return own.isEmpty ? nil : (senders(family), own)
        }
    }

    func add(_ lease: Lease, to transaction: inout Transaction) {
        for (set, elements) in elements(lease) { transaction.add(.addElements(set, elements)) }
    }

    func remove(_ lease: Lease, from transaction: inout Transaction) {
        for (set, elements) in elements(lease) { transaction.add(.deleteElements(set, elements)) }
    }
}
