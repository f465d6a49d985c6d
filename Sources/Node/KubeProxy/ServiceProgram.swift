// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// A chain of a Service port: its rules, and a hash that tells in the kernel whether they are these.
struct ChainContent: Sendable, Hashable {
    var rules: [Rule]
    /// Kept as the first rule's comment: the hash, and the slots the chain draws from.
    var comment: String

    init(_ rules: [Rule], slots: SlotRange? = nil) {
        var hash = ContentHash()
        for rule in rules { hash.add(rule.text) }
        comment = hash.text + (slots.map { "@\($0.offset)+\($0.count)" } ?? "")
        self.rules = rules
        if !self.rules.isEmpty { self.rules[0].comment = comment }
    }

    /// The slots a comment names.
    static func slots(_ comment: String) -> SlotRange? {
        let parts = comment.split(separator: "@")
        guard parts.count == 2 else { return nil }
        let numbers = parts[1].split(separator: "+")
        guard numbers.count == 2, let offset = UInt32(numbers[0]), let count = UInt32(numbers[1]) else { return nil }
        return SlotRange(offset: offset, count: count)
    }
}

/// Neighbouring slots of the `endpoints` map.
struct SlotRange: Sendable, Hashable {
    var offset: UInt32
    var count: UInt32
}

/// Everything in the table that one Service port needs.
struct ServiceProgram: Sendable, Hashable {
    var chains: [String: ChainContent] = [:]
    /// Elements only this port has, by set.
    var elements: [SetDefinition: [[FieldValue]: ElementData?]] = [:]
    /// Elements other ports may have too.
    var shared: [SetDefinition: Set<[FieldValue]>] = [:]
    var affinitySets: Set<SetDefinition> = []
    var slots: [SlotRange] = []
    /// The endpoints in use, for telling which flows lost theirs.
    var targets: Set<EndpointTarget> = []

    var isEmpty: Bool { chains.isEmpty && elements.isEmpty && shared.isEmpty }
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

    /// - Parameter slots: Gives the slots for a chain's list of endpoints.
    func build(
        _ port: ServicePortSpec, _ choice: EndpointChoice,
        slots: (_ chain: String, _ targets: [EndpointTarget]) -> SlotRange
    ) -> ServiceProgram {
        var program = ServiceProgram()
        let name = port.name
        program.shared[table.clusterIPs] = [[.address(port.clusterIP)]]
        program.targets = Set(choice.cluster + choice.local)
        for target in choice.onThisNode {
            program.shared[table.hairpinConnections, default: []].insert([
                .address(target.address), .address(target.address), .protocolNumber(name.protocolNumber),
            ])
        }
        let externalUsesCluster = port.hasExternalFrontend
        if !choice.cluster.isEmpty, !port.internalLocal || externalUsesCluster {
            addChain(Self.clusterChain(name), port, choice.cluster, masquerade: !port.internalLocal, slots, &program)
        }
        if port.usesLocalEndpoints, !choice.local.isEmpty {
            addChain(Self.localChain(name), port, choice.local, masquerade: port.internalLocal, slots, &program)
        }
        addInternal(port, choice, &program)
        if port.hasExternalFrontend { addExternal(port, choice, &program) }
        return program
    }

    // MARK: Frontends

    private func key(_ address: IPAddress, _ port: ServicePortSpec) -> [FieldValue] {
        [.address(address), .protocolNumber(port.name.protocolNumber), .port(port.port)]
    }

    private func nodePortKey(_ port: ServicePortSpec) -> [FieldValue] {
        [.protocolNumber(port.name.protocolNumber), .port(port.nodePort)]
    }

    /// Nothing serves anywhere: refuse, so that clients know at once. Something does, but not for this policy: drop, as
    /// upstream does, for a load balancer may try another node.
    private func refusal(_ choice: EndpointChoice) -> ElementData {
        .verdict(choice.hasAny ? .drop : .goto(ProxyTable.rejectChain))
    }

    private func addInternal(_ port: ServicePortSpec, _ choice: EndpointChoice, _ program: inout ServiceProgram) {
        let chain = port.internalLocal ? Self.localChain(port.name) : Self.clusterChain(port.name)
        let key = key(port.clusterIP, port)
        if program.chains[chain] != nil {
            program.elements[table.serviceIPs, default: [:]][key] = .verdict(.goto(chain))
        } else {
            program.elements[table.noEndpointServices, default: [:]][key] = refusal(choice)
        }
    }

    private func addExternal(_ port: ServicePortSpec, _ choice: EndpointChoice, _ program: inout ServiceProgram) {
        let chain = Self.externalChain(port.name)
        let serves = port.externalLocal ? !choice.local.isEmpty : !choice.cluster.isEmpty
        let rules = choice.hasAny ? externalRules(port, program) : []
        if !rules.isEmpty { program.chains[chain] = ChainContent(rules) }
        for address in port.externalAddresses {
            let key = key(address, port)
            if !rules.isEmpty { program.elements[table.serviceIPs, default: [:]][key] = .verdict(.goto(chain)) }
            if !serves { program.elements[table.noEndpointServices, default: [:]][key] = refusal(choice) }
        }
        if port.nodePort != 0 {
            let key = nodePortKey(port)
            if !rules.isEmpty { program.elements[table.serviceNodePorts, default: [:]][key] = .verdict(.goto(chain)) }
            if !serves { program.elements[table.noEndpointNodePorts, default: [:]][key] = refusal(choice) }
        }
        addFirewall(port, &program)
    }

    /// Policy Cluster: any endpoint, seen from the node's address so that answers come back here. Policy Local: pods and
    /// the node itself are served as inside the cluster; the client's address is kept for everybody else.
    private func externalRules(_ port: ServicePortSpec, _ program: ServiceProgram) -> [Rule] {
        let cluster = Self.clusterChain(port.name)
        let local = Self.localChain(port.name)
        let hasCluster = program.chains[cluster] != nil
        guard port.externalLocal else {
            guard hasCluster else { return [] }
            return [Rule(.verdict(.jump(ProxyTable.markForMasquerade))), Rule(.verdict(.goto(cluster)))]
        }
        var rules: [Rule] = []
        if hasCluster {
            rules += table.isLocalTraffic().map { Rule($0 + [.verdict(.goto(cluster))]) }
            rules.append(
                Rule(.matchType(.sourceType, .local), .verdict(.jump(ProxyTable.markForMasquerade))))
            rules.append(Rule(.matchType(.sourceType, .local), .verdict(.goto(cluster))))
        }
        if program.chains[local] != nil { rules.append(Rule(.verdict(.goto(local)))) }
        return rules
    }

    private func addFirewall(_ port: ServicePortSpec, _ program: inout ServiceProgram) {
        guard !port.sourceRanges.isEmpty, !port.loadBalancerIPs.isEmpty else { return }
        let chain = Self.firewallChain(port.name)
        var allowed = port.sourceRanges.filter { $0.family == family }
        // A node that holds the address itself appears with it when it connects to it.
        allowed += port.loadBalancerIPs.map { IPPrefix(host: $0) }
        let rules =
            allowed.map { Rule(.matchPrefix(.sourceAddress(family), $0), .verdict(.returnToCaller)) }
            + [Rule(.verdict(.drop))]
        program.chains[chain] = ChainContent(rules)
        for address in port.loadBalancerIPs {
            program.elements[table.firewallIPs, default: [:]][key(address, port)] = .verdict(.goto(chain))
        }
    }

    // MARK: Endpoints

    private func addChain(
        _ chain: String, _ port: ServicePortSpec, _ targets: [EndpointTarget], masquerade: Bool,
        _ slots: (String, [EndpointTarget]) -> SlotRange, _ program: inout ServiceProgram
    ) {
        let range = slots(chain, targets)
        program.slots.append(range)
        var rules = masquerade ? masqueradeRules(port) : []
        let pick = Selector.random(modulus: UInt32(targets.count), offset: range.offset)
        if let seconds = port.affinitySeconds {
            rules += addAffinity(port, targets, range, seconds, &program)
            rules.append(Rule(.verdictMap([pick], table.affinityEndpoints.name)))
        } else {
            for (index, target) in targets.enumerated() {
                program.elements[table.endpoints, default: [:]][[.mark(range.offset + UInt32(index))]] = .values([
                    .address(target.address), .port(target.port),
                ])
            }
            rules.append(Rule(.destinationNAT(family, .map([pick], table.endpoints.name))))
        }
        // Reached only by a packet that saw a slot disappear in the middle of a change: its sender tries again, while
        // going on would send it out with the Service's address.
        rules.append(Rule(.verdict(.drop)))
        program.chains[chain] = ChainContent(rules, slots: range)
    }

    /// Traffic from outside the cluster to a cluster address must come back through this node.
    private func masqueradeRules(_ port: ServicePortSpec) -> [Rule] {
        let toClusterIP = Statement.matchPrefix(.destinationAddress(family), IPPrefix(host: port.clusterIP))
        let mark = Statement.verdict(.jump(ProxyTable.markForMasquerade))
        if table.options.masqueradeAll { return [Rule(toClusterIP, mark)] }
        guard let foreign = table.isForeignTraffic() else { return [] }
        return [Rule([toClusterIP] + foreign + [mark])]
    }

    /// One set of clients and one chain an endpoint: a client that is in a set goes to its endpoint again.
    private func addAffinity(
        _ port: ServicePortSpec, _ targets: [EndpointTarget], _ range: SlotRange, _ seconds: UInt32,
        _ program: inout ServiceProgram
    ) -> [Rule] {
        var rules: [Rule] = []
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
            program.chains[chain] = ChainContent([
                Rule(
                    .updateSet([.sourceAddress(family)], set.name, timeoutSeconds: seconds),
                    .destinationNAT(family, .endpoint(target.address, target.port)))
            ])
            rules.append(Rule(.matchSet([.sourceAddress(family)], set.name), .verdict(.goto(chain))))
            program.elements[table.affinityEndpoints, default: [:]][[.mark(range.offset + UInt32(index))]] = .verdict(
                .goto(chain))
        }
        return rules
    }
}
