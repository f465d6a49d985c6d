// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// A chain: its rules, and a hash that tells in the kernel whether they are these.
struct ChainContent: Sendable, Hashable {
    var rules: [Rule]
    /// Kept as the first rule's comment; empty without rules.
    var comment: String

    init(_ rules: [Rule]) {
        var hash = ContentHash()
        for rule in rules { hash.add(rule.text) }
        comment = rules.isEmpty ? "" : hash.text
        self.rules = rules
        if !self.rules.isEmpty { self.rules[0].comment = comment }
    }
}

/// A key of the maps of frontends: address, protocol and port, or protocol and node port.
typealias Frontend = [FieldValue]

extension Frontend {
    var isNodePort: Bool { count == 2 }
}

/// What the table holds for one frontend.
struct FrontendContent: Sendable, Hashable {
    /// Nil with a chain of its own.
    var kind: FrontendClass?
    /// The chain of a Service port with session affinity.
    var chain: String?
    /// The chain that knows who may come here.
    var firewall: String?
    /// Endpoints by index.
    var cluster: [EndpointTarget] = []
    /// Endpoints by index after `FrontendClass.firstLocal`.
    var local: [EndpointTarget] = []
}

/// Everything in the table that one Service port needs.
struct ServiceProgram: Sendable, Hashable {
    var frontends: [Frontend: FrontendContent] = [:]
    /// Chains of its own.
    var chains: [String: ChainContent] = [:]
    /// Elements other ports may have too.
    var shared: [SetDefinition: Set<[FieldValue]>] = [:]
    var affinitySets: Set<SetDefinition> = []
    var protocolNumber: UInt8 = 0
    /// Addresses of endpoints that can meet themselves through the Service; other ports may have them too.
    var hairpins: [IPAddress] = []
    /// The endpoints that serve, in order, for telling which flows lost theirs. Of UDP alone: other protocols notice by
    /// themselves, and their flows must not be cut while an endpoint terminates.
    var targets: [EndpointTarget] = []

    /// Whether the endpoint is among `targets`.
    func serves(_ target: EndpointTarget) -> Bool {
        var (low, high) = (0, targets.count)
        while low < high {
            let middle = (low + high) / 2
            if targets[middle] < target { low = middle + 1 } else { high = middle }
        }
        return low < targets.count && targets[low] == target
    }
}

/// Turns a Service port and its endpoints into what the table needs for it. Pure.
struct RuleBuilder: Sendable {
    let table: ProxyTable
    private var family: IPFamily { table.family }

    init(_ table: ProxyTable) { self.table = table }

    /// The part of chain names that names the port: a hash for uniqueness, the rest for people.
    static func label(_ name: ServicePortName) -> String {
        var hash = ContentHash()
        hash.add(name.service.namespace)
        hash.add(name.service.name)
        hash.add(name.port)
        hash.add(String(name.protocolNumber))
        let transport = name.protocolNumber == 6 ? "tcp" : name.protocolNumber == 17 ? "udp" : "sctp"
        let text = "\(hash.text.prefix(12))-\(name.service.namespace)/\(name.service.name)/\(transport)/\(name.port)"
        // Names of namespace and Service have 63 bytes each, a port's 15: it fits the kernel's 255 with any prefix.
        return text
    }

    static func clusterChain(_ name: ServicePortName) -> String { "service-" + label(name) }
    static func localChain(_ name: ServicePortName) -> String { "local-" + label(name) }
    static func externalChain(_ name: ServicePortName) -> String { "external-" + label(name) }
    static func firewallChain(_ name: ServicePortName) -> String { "firewall-" + label(name) }

    /// - Parameter held: The endpoints the table has for a frontend; those that stay keep their index.
    func build(
        _ port: ServicePortSpec, _ choice: EndpointChoice, held: (Frontend) -> FrontendContent?
    ) -> ServiceProgram {
        var program = ServiceProgram()
        let name = port.name
        program.shared[table.clusterIPs] = [[.address(port.clusterIP)]]
        program.shared[table.serviceAddresses] = Set(([port.clusterIP] + port.externalAddresses).map { [.address($0)] })
        program.protocolNumber = name.protocolNumber
        program.hairpins = choice.onThisNode
        if name.protocolNumber == 17 { program.targets = choice.serving }
        let inside = key(port.clusterIP, port)
        let outside = port.externalAddresses.map { key($0, port) } + nodePortKeys(port)
        if port.affinitySeconds != nil {
            addAffinity(port, choice, inside, outside, &program)
        } else {
            let list = port.internalLocal ? choice.local : choice.cluster
            var content = FrontendContent(kind: list.isEmpty ? refusal(choice) : .any(FrontendClass.room(list.count)))
            content.cluster = list
            program.frontends[inside] = content
            for frontend in outside { program.frontends[frontend] = external(port, choice) }
            for (frontend, var content) in program.frontends {
                let held = held(frontend)
                content.cluster = Self.arrange(content.cluster, like: held?.cluster ?? [])
                content.local = Self.arrange(content.local, like: held?.local ?? [])
                program.frontends[frontend] = content
            }
        }
        addFirewall(port, &program)
        return program
    }

    // MARK: Frontends

    private func key(_ address: IPAddress, _ port: ServicePortSpec) -> Frontend {
        [.address(address), .protocolNumber(port.name.protocolNumber), .port(port.port)]
    }

    private func nodePortKeys(_ port: ServicePortSpec) -> [Frontend] {
        port.nodePort == 0 ? [] : [[.protocolNumber(port.name.protocolNumber), .port(port.nodePort)]]
    }

    /// Nothing serves anywhere: refuse, so that clients know at once. Something does, but not for this policy: drop, as
    /// upstream does, for a load balancer may try another node.
    private func refusal(_ choice: EndpointChoice) -> FrontendClass { choice.hasAny ? .drop : .reject }

    private func external(_ port: ServicePortSpec, _ choice: EndpointChoice) -> FrontendContent {
        guard !choice.cluster.isEmpty else { return FrontendContent(kind: refusal(choice)) }
        guard port.externalLocal else {
            return FrontendContent(
                kind: .masqueraded(FrontendClass.room(choice.cluster.count)), cluster: choice.cluster)
        }
        return FrontendContent(
            kind: .local(
                cluster: FrontendClass.room(choice.cluster.count), local: FrontendClass.room(choice.local.count)),
            cluster: choice.cluster, local: choice.local)
    }

    /// `wanted` in an order that leaves what stays at the index it has, so that one endpoint in another's place is one
    /// element changed.
    static func arrange(_ wanted: [EndpointTarget], like held: [EndpointTarget]) -> [EndpointTarget] {
        guard !held.isEmpty, wanted != held else { return wanted }
        var left = Set(wanted)
        var result: [EndpointTarget?] = held.prefix(wanted.count).map { left.remove($0) }
        result += [EndpointTarget?](repeating: nil, count: wanted.count - result.count)
        var rest = wanted.filter { left.contains($0) }.makeIterator()
        return result.compactMap { $0 ?? rest.next() }
    }

    private func addFirewall(_ port: ServicePortSpec, _ program: inout ServiceProgram) {
        guard port.isRestricted || !port.sourceRanges.isEmpty, !port.loadBalancerIPs.isEmpty else { return }
        let chain = Self.firewallChain(port.name)
        var allowed = port.sourceRanges.filter { $0.family == family }
        // A node that holds the address itself appears with it when it connects to it.
        allowed += port.loadBalancerIPs.map { IPPrefix(host: $0) }
        let rules =
            allowed.map { Rule(.matchPrefix(.sourceAddress(family), $0), .verdict(.returnToCaller)) }
            + [Rule(.verdict(.drop))]
        program.chains[chain] = ChainContent(rules)
        for address in port.loadBalancerIPs { program.frontends[key(address, port)]?.firewall = chain }
    }

    // MARK: Session affinity

    /// A Service port whose clients return to their endpoints has chains of its own.
    private func addAffinity(
        _ port: ServicePortSpec, _ choice: EndpointChoice, _ inside: Frontend, _ outside: [Frontend],
        _ program: inout ServiceProgram
    ) {
        func add(_ chain: String, _ targets: [EndpointTarget]) -> String? {
            guard !targets.isEmpty else { return nil }
            program.chains[chain] = ChainContent(affinityRules(port, targets, &program))
            return chain
        }
        let isClusterUsed = !port.internalLocal || !outside.isEmpty
        let cluster = isClusterUsed ? add(Self.clusterChain(port.name), choice.cluster) : nil
        let local = add(Self.localChain(port.name), choice.local)
        func lead(_ frontend: Frontend, _ chain: String?) {
            program.frontends[frontend] = FrontendContent(kind: chain == nil ? refusal(choice) : nil, chain: chain)
        }
        lead(inside, port.internalLocal ? local : cluster)
        guard !outside.isEmpty else { return }
        if let cluster {
            program.chains[Self.externalChain(port.name)] = ChainContent(
                port.externalLocal
                    ? table.externalLocal(cluster: cluster, local: local) : table.external(cluster: cluster))
        }
        for frontend in outside { lead(frontend, cluster.map { _ in Self.externalChain(port.name) }) }
    }

    /// One set of clients and one chain an endpoint: a client that is in a set goes to its endpoint again.
    private func affinityRules(
        _ port: ServicePortSpec, _ targets: [EndpointTarget], _ program: inout ServiceProgram
    ) -> [Rule] {
        let seconds = port.affinitySeconds ?? 0
        var returning: [Rule] = []
        var first: [Rule] = []
        for (index, target) in targets.enumerated() {
            var hash = ContentHash()
            hash.add("\(target.address)")
            hash.add(String(target.port))
            // The timeout is part of a set's definition: another one means another set.
            hash.add(String(seconds))
            let name = "\(hash.text.prefix(8))-\(Self.label(port.name))"
            let set = table.affinitySet("affinity-\(name)", seconds: seconds)
            let chain = "endpoint-\(name)"
            program.affinitySets.insert(set)
            // Two rules: a set that is full (of 65,535 clients, which senders of false addresses make) ends the one that
            // would add to it, and a client that is not remembered is served all the same.
            program.chains[chain] = ChainContent([
                Rule(.updateSet([.sourceAddress(family)], set.name, timeoutSeconds: seconds)),
                Rule(.destinationNAT(family, .endpoint(target.address, target.port))),
            ])
            returning.append(Rule(.matchSet([.sourceAddress(family)], set.name), .verdict(.goto(chain))))
            // One of those left, each as likely as the others; the last takes what comes to it.
            let left = UInt32(targets.count - index)
            let chance = Statement.match(.random(modulus: left, offset: 0), .mark(0))
            first.append(Rule((left == 1 ? [] : [chance]) + [.verdict(.goto(chain))]))
        }
        return returning + first
    }
}
