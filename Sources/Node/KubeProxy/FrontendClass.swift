// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// What becomes of new packets for a frontend.
///
/// Each class has a set of frontends and a chain that all of them share, so that what a frontend adds to the table is
/// elements that name no chain. That is what makes a change cheap: where a rule or an element names a chain, the kernel
/// walks every chain and every element a packet could reach before it commits, which takes as long as the table is large.
enum FrontendClass: Sendable, Hashable {
    /// One of at most so many endpoints, a power of two.
    case any(Int)
    /// The same, seen from the node's address so that answers come back here: external traffic under policy Cluster.
    case masqueraded(Int)
    /// External traffic under policy Local: pods and the node are served as inside the cluster, everybody else by
    /// endpoints of this node.
    case local(cluster: Int, local: Int)
    /// Nothing serves.
    case reject
    /// Something serves, but not here.
    case drop

    /// The room for a list of endpoints. Sizes are few, and so are classes: a packet tries one after the other.
    static func room(_ count: Int) -> Int {
        count < 2 ? count : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }

    /// Endpoints of the list for policy Local have indexes from here on.
    static let firstLocal: UInt32 = 1 << 31

    var name: String {
        switch self {
        case .any(let room): "any-\(room)"
        case .masqueraded(let room): "masqueraded-\(room)"
        case .local(let cluster, let local): "local-\(cluster)-\(local)"
        case .reject: "reject"
        case .drop: "drop"
        }
    }

    /// Small lists are the common ones and are asked for first.
    fileprivate var order: (Int, String) {
        switch self {
        case .any(let room), .masqueraded(let room): (room, name)
        case .local(let cluster, _): (cluster, name)
        case .reject, .drop: (0, name)
        }
    }
}

/// A class among the frontends at Services' addresses or among those at the node's.
struct FrontendGroup: Sendable, Hashable {
    var kind: FrontendClass
    var isNodePort: Bool

    init(_ kind: FrontendClass, isNodePort: Bool) {
        self.kind = kind
        self.isNodePort = isNodePort
    }

    static func prefix(isNodePort: Bool) -> String { isNodePort ? "nodeport-" : "service-" }
    fileprivate var prefix: String { Self.prefix(isNodePort: isNodePort) }
    fileprivate var name: String { prefix + kind.name }
    fileprivate func pickChain(_ room: Int) -> String { "\(prefix)pick-\(room)" }
}

extension ProxyTable {
    /// The frontends of a group.
    func members(of group: FrontendGroup) -> SetDefinition {
        SetDefinition(group.name, key: group.isNodePort ? nodePortKey : frontendKey)
    }

    /// The set of a group by its name; nil for other sets.
    func members(named name: String) -> SetDefinition? {
        let kinds = ["any-", "masqueraded-", "local-"]
        for isNodePort in [false, true] {
            let prefix = FrontendGroup.prefix(isNodePort: isNodePort)
            if kinds.contains(where: { name.hasPrefix(prefix + $0) }) {
                return SetDefinition(name, key: isNodePort ? nodePortKey : frontendKey)
            }
        }
        return nil
    }

    static func dispatchChain(isNodePort: Bool) -> String {
        FrontendGroup.prefix(isNodePort: isNodePort) + "dispatch"
    }

    /// Leads packets to the chains of `groups`.
    func dispatch(_ groups: Set<FrontendGroup>, isNodePort: Bool) -> ChainContent {
        let own = groups.filter { $0.isNodePort == isNodePort && $0.kind != .reject && $0.kind != .drop }
        return ChainContent(
            own.sorted { $0.kind.order < $1.kind.order }.map { group in
                Rule(
                    .matchSet(isNodePort ? nodePort : frontend, members(of: group).name),
                    .verdict(.goto(entry(of: group))))
            })
    }

    private func entry(of group: FrontendGroup) -> String {
        if case .any(let room) = group.kind { group.pickChain(room) } else { group.name }
    }

    /// The chains of a group; some belong to other groups too.
    func chains(of group: FrontendGroup) -> [String: ChainContent] {
        switch group.kind {
        case .any(let room):
            return [group.pickChain(room): pick(room, group)]
        case .masqueraded(let room):
            return [
                group.pickChain(room): pick(room, group),
                group.name: ChainContent(external(cluster: group.pickChain(room))),
            ]
        case .local(let cluster, let local):
            let name = local > 0 ? "\(group.prefix)pick-local-\(local)" : nil
            var chains = [group.pickChain(cluster): pick(cluster, group)]
            if let name { chains[name] = pick(local, group, offset: FrontendClass.firstLocal) }
            chains[group.name] = ChainContent(externalLocal(cluster: group.pickChain(cluster), local: name))
            return chains
        case .reject, .drop: return [:]
        }
    }

    /// Draws one of the endpoints of the frontend the packet is for, all with the same chance: a number that has no
    /// endpoint is drawn again. More than half have one; should sixteen draws fail all the same, the lower half decides.
    private func pick(_ room: Int, _ group: FrontendGroup, offset: UInt32 = 0) -> ChainContent {
        func draw(_ room: Int) -> Rule {
            let random = Selector.random(modulus: UInt32(room), offset: offset)
            return Rule(
                .destinationNAT(
                    family,
                    group.isNodePort
                        ? .map(nodePort + [random], nodePortEndpoints.name)
                        : .map(frontend + [random], endpoints.name)))
        }
        var rules = [Rule](repeating: draw(room), count: room > 2 ? 16 : 1)
        if room > 2 { rules.append(draw(room / 2)) }
        // Reached only by a packet that saw an endpoint disappear in the middle of a change: its sender tries again,
        // while going on would send it out with the Service's address.
        rules.append(Rule(.verdict(.drop)))
        return ChainContent(rules)
    }

    /// Policy Cluster for traffic from outside.
    func external(cluster: String) -> [Rule] {
        [Rule(.verdict(.jump(Self.markForMasquerade))), Rule(.verdict(.goto(cluster)))]
    }

    /// Policy Local for traffic from outside: pods and the node itself are served as inside the cluster; the client's
    /// address is kept for everybody else, who without a local endpoint is dropped, for a balancer may try another node.
    func externalLocal(cluster: String, local: String?) -> [Rule] {
        isLocalTraffic().map { Rule($0 + [.verdict(.goto(cluster))]) } + [
            Rule(.matchType(.sourceType, .local), .verdict(.jump(Self.markForMasquerade))),
            Rule(.matchType(.sourceType, .local), .verdict(.goto(cluster))),
            Rule(.verdict(local.map { .goto($0) } ?? .drop)),
        ]
    }
}
