// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// What the kernel's table held when the proxy started, as far as the proxy can tell.
struct KernelContent: Sendable {
    var chains: [String: String] = [:]
    var elements: [SetDefinition: [[FieldValue]: ElementData?]] = [:]
    var sets: Set<String> = []
}

/// One family's table as it is programmed, and the changes that lead to what it should be. Pure: it reads no kernel.
struct ProxyState: Sendable {
    let table: ProxyTable
    private let builder: RuleBuilder
    private(set) var programs: [ServicePortName: ServiceProgram] = [:]
    private(set) var ports: [ServicePortName: ServicePortSpec] = [:]
    private var shared: [SetDefinition: [[FieldValue]: Int]] = [:]
    private var slots = SlotAllocator()
    /// Who holds a frontend, and who would take it over: two Services may claim one external address and port.
    private var holders: [SetDefinition: [[FieldValue]: ServicePortName]] = [:]
    private var waiting: [SetDefinition: [[FieldValue]: Set<ServicePortName>]] = [:]
    private(set) var nodePortIPs: Set<[FieldValue]> = []
    /// Before the first sync: what the kernel has; nil means that the table is made anew.
    private var kernel: KernelContent?
    private var isFirst = true

    init(_ table: ProxyTable) {
        self.table = table
        builder = RuleBuilder(table)
    }

    /// Starts from what an earlier run left, so that unchanged rules stay untouched.
    mutating func adopt(_ kernel: KernelContent?) {
        self.kernel = kernel
        isFirst = true
        guard let kernel else { return }
        slots = SlotAllocator(
            used: [table.endpoints, table.affinityEndpoints].flatMap { set in
                (kernel.elements[set] ?? [:]).keys.compactMap { key -> UInt32? in
                    if case .mark(let slot)? = key.first { slot } else { nil }
                }
            })
    }

    /// Changes of Service ports; a nil value removes the port.
    struct Change: Sendable {
        var port: ServicePortSpec
        var choice: EndpointChoice
    }

    /// What a sync does: one transaction, and the flows of datagram protocols whose endpoint is gone.
    struct Plan: Sendable {
        var transaction: Transaction
        var staleFlows: [StaleFlow] = []
    }

    /// The plan that makes the table fit `changes` (and, the first time, nothing else). The state assumes that the plan
    /// is carried out; a caller that could not must start again from the kernel's content.
    mutating func plan(
        _ changes: [ServicePortName: Change?], nodePortIPs wanted: Set<[FieldValue]>? = nil
    ) -> Plan {
        var plan = Plan(transaction: Transaction(table.table))
        var difference = Difference()
        var queue = changes.sorted { $0.key < $1.key }
        var done: Set<ServicePortName> = []
        var freed: [SlotRange] = []
        // Ports that go come first, so that what they held is free for the others.
        queue.sort { ($0.value == nil ? 0 : 1) < ($1.value == nil ? 0 : 1) }
        var index = 0
        while index < queue.count {
            let (name, change) = queue[index]
            index += 1
            let old = programs[name]
            var new: ServiceProgram?
            if let change {
                let kernel = isFirst ? self.kernel : nil
                new = builder.build(change.port, change.choice) { chain, targets in
                    if let kept = Self.keep(old?.chains[chain]?.comment ?? kernel?.chains[chain], targets.count) {
                        return kept
                    }
                    return slots.take(UInt32(targets.count))
                }
            }
            let released = claim(name, &new)
            plan.staleFlows += Self.staleFlows(old, ports[name], new, change?.port)
            difference.remove(old)
            difference.add(new)
            freed += (old?.slots ?? []).filter { !(new?.slots ?? []).contains($0) }
            count(old, new, &difference)
            programs[name] = new
            ports[name] = change?.port
            done.insert(name)
            // Ports that waited for a frontend are built again now that it is free.
            for heir in released where !done.contains(heir) && !queue[index...].contains(where: { $0.key == heir }) {
                if let port = ports[heir] { queue.append((heir, Change(port: port, choice: choices[heir]!))) }
            }
            choices[name] = change?.choice
        }
        if let wanted { changeNodePortIPs(to: wanted, &difference) }
        emit(difference, &plan.transaction)
        for range in freed { slots.give(range) }
        isFirst = false
        kernel = nil
        return plan
    }

    private var choices: [ServicePortName: EndpointChoice] = [:]

    // MARK: Slots

    /// The slots a chain draws from, if they are as many as it needs. Then the chain's rules stay and only the slots'
    /// contents change, in one generation: the kernel checks the whole table after a change of rules, and so spares it
    /// for the common change, one endpoint in another's place.
    private static func keep(_ comment: String?, _ count: Int) -> SlotRange? {
        guard let comment, let range = ChainContent.slots(comment), range.count == UInt32(count) else { return nil }
        return range
    }

    // MARK: Frontends claimed twice

    /// Takes the frontends of `program` that another port holds out of it, and returns the ports that waited for one
    /// this port gives up.
    private mutating func claim(_ name: ServicePortName, _ program: inout ServiceProgram?) -> [ServicePortName] {
        var heirs: [ServicePortName] = []
        for set in [table.serviceIPs, table.serviceNodePorts, table.noEndpointServices, table.noEndpointNodePorts] {
            // One port may have a frontend in a map of chains and in one of refusals; each map has its holders.
            let wanted = Set((program?.elements[set] ?? [:]).keys)
            for (key, _) in programs[name]?.elements[set] ?? [:] where !wanted.contains(key) {
                holders[set]?[key] = nil
                heirs += waiting[set]?.removeValue(forKey: key).map { $0.sorted() } ?? []
            }
            for key in wanted {
                if let holder = holders[set]?[key], holder != name {
                    waiting[set, default: [:]][key, default: []].insert(name)
                    program?.elements[set]?[key] = nil
                } else {
                    holders[set, default: [:]][key] = name
                }
            }
        }
        return heirs
    }

    // MARK: Shared elements

    private mutating func count(_ old: ServiceProgram?, _ new: ServiceProgram?, _ difference: inout Difference) {
        for (set, keys) in new?.shared ?? [:] {
            for key in keys {
                shared[set, default: [:]][key, default: 0] += 1
                if shared[set]![key] == 1 { difference.note(set, key, new: .some(nil)) }
            }
        }
        for (set, keys) in old?.shared ?? [:] {
            for key in keys {
                shared[set]![key]! -= 1
                if shared[set]![key] == 0 {
                    shared[set]![key] = nil
                    difference.note(set, key, old: .some(nil))
                }
            }
        }
    }

    private mutating func changeNodePortIPs(to wanted: Set<[FieldValue]>, _ difference: inout Difference) {
        for key in wanted.subtracting(nodePortIPs) { difference.note(table.nodePortIPs, key, new: .some(nil)) }
        for key in nodePortIPs.subtracting(wanted) { difference.note(table.nodePortIPs, key, old: .some(nil)) }
        nodePortIPs = wanted
    }

    // MARK: Differences

    /// Before and after of each element, chain and set that a plan touches.
    private struct Difference {
        struct Side<Value> {
            var old: Value?
            var new: Value?
        }

        /// The inner optional is the data, which plain sets do not have.
        var elements: [SetDefinition: [[FieldValue]: Side<ElementData?>]] = [:]
        var chains: [String: Side<ChainContent>] = [:]
        var sets: [SetDefinition: Side<Bool>] = [:]

        mutating func note(_ set: SetDefinition, _ key: [FieldValue], old: ElementData??) {
            elements[set, default: [:]][key, default: Side()].old = old
        }
        mutating func note(_ set: SetDefinition, _ key: [FieldValue], new: ElementData??) {
            elements[set, default: [:]][key, default: Side()].new = new
        }

        mutating func remove(_ program: ServiceProgram?) {
            guard let program else { return }
            for (set, content) in program.elements {
                for (key, data) in content {
                    // A port built twice in one plan: its first new content was never programmed.
                    if elements[set]?[key]?.new != nil {
                        elements[set]![key]!.new = nil
                    } else {
                        note(set, key, old: .some(data))
                    }
                }
            }
            for (name, content) in program.chains {
                if chains[name]?.new != nil {
                    chains[name]!.new = nil
                } else {
                    chains[name, default: Side()].old = content
                }
            }
            for set in program.affinitySets {
                if sets[set]?.new != nil { sets[set]!.new = nil } else { sets[set, default: Side()].old = true }
            }
        }

        mutating func add(_ program: ServiceProgram?) {
            guard let program else { return }
            for (set, content) in program.elements {
                for (key, data) in content { note(set, key, new: .some(data)) }
            }
            for (name, content) in program.chains { chains[name, default: Side()].new = content }
            for set in program.affinitySets { sets[set, default: Side()].new = true }
        }
    }

    /// Writes the changes in an order in which everything is there when it is named, and nothing that is named goes.
    private func emit(_ difference: Difference, _ transaction: inout Transaction) {
        var old = KernelContent()
        if isFirst, kernel == nil {
            table.create(&transaction)
        } else if isFirst, let kernel {
            old = kernel
        }
        var added: [String: ChainContent] = [:]
        var rewritten: [String: ChainContent] = [:]
        var removed: [String] = []
        for (name, side) in difference.chains {
            let before = isFirst ? old.chains[name] : side.old?.comment
            if let after = side.new {
                if before == nil { added[name] = after } else if before != after.comment { rewritten[name] = after }
            } else if before != nil {
                removed.append(name)
            }
        }
        let fixed = Set(table.skeleton.map(\.chain.name))
        if isFirst {
            removed += old.chains.keys.filter { !fixed.contains($0) && difference.chains[$0]?.new == nil }
        }
        var newSets: [SetDefinition] = []
        var oldSets: [String] = []
        for (set, side) in difference.sets {
            let before = isFirst ? old.sets.contains(set.name) : side.old != nil
            if side.new != nil, !before { newSets.append(set) }
            if side.new == nil, before { oldSets.append(set.name) }
        }
        if isFirst {
            let wanted = Set(difference.sets.filter { $0.value.new != nil }.map(\.key.name))
            let fixedSets = Set(table.sets.map(\.name))
            oldSets += old.sets.filter { !fixedSets.contains($0) && !wanted.contains($0) }
        }
        // New sets and chains, then rules, then the elements that lead packets there.
        for set in newSets.sorted(by: { $0.name < $1.name }) { transaction.add(.addSet(set)) }
        for name in added.keys.sorted() { transaction.add(.addChain(Chain(name))) }
        var deletions: [(SetDefinition, [Element])] = []
        var additions: [(SetDefinition, [Element])] = []
        for set in table.sets {
            var gone: [Element] = []
            var come: [Element] = []
            let sides = difference.elements[set] ?? [:]
            let before = old.elements[set] ?? [:]
            for (key, side) in sides {
                let held: ElementData?? = isFirst ? before[key] : side.old
                if held == side.new { continue }
                if held != nil { gone.append(Element(key)) }
                if let data = side.new { come.append(Element(key, data)) }
            }
            if isFirst { gone += before.keys.filter { sides[$0] == nil }.map { Element($0) } }
            if !gone.isEmpty { deletions.append((set, gone)) }
            if !come.isEmpty { additions.append((set, come)) }
        }
        for (name, content) in added.sorted(by: { $0.key < $1.key }) {
            for rule in content.rules { transaction.add(.addRule(chain: name, rule)) }
        }
        for (name, content) in rewritten.sorted(by: { $0.key < $1.key }) {
            transaction.setRules(of: name, content.rules)
        }
        for (set, elements) in deletions { transaction.add(.deleteElements(set, elements)) }
        for (set, elements) in additions { transaction.add(.addElements(set, elements)) }
        // Chains may name each other: all are emptied before one is deleted.
        for name in removed.sorted() { transaction.add(.flushChain(name)) }
        for name in removed.sorted() { transaction.add(.deleteChain(name)) }
        for name in oldSets.sorted() { transaction.add(.deleteSet(name)) }
    }
}

/// Hands out neighbouring slots. Ranges given back are used again for lists of the same length.
struct SlotAllocator: Sendable {
    private var next: UInt32 = 1
    private var free: [UInt32: [UInt32]] = [:]

    init(used: [UInt32] = []) { next = (used.max() ?? 0) &+ 1 }

    mutating func take(_ count: UInt32) -> SlotRange {
        if let offset = free[count]?.popLast() { return SlotRange(offset: offset, count: count) }
        defer { next &+= count }
        return SlotRange(offset: next, count: count)
    }

    mutating func give(_ range: SlotRange) { free[range.count, default: []].append(range.offset) }
}

/// Flows of a datagram protocol to forget: those that came for a frontend and go to `target`; without a target those
/// that were never rewritten, because the Service had no endpoints when they began.
struct StaleFlow: Sendable, Hashable {
    var protocolNumber: UInt8
    /// Nil for a node port.
    var address: IPAddress?
    var port: UInt16
    var target: EndpointTarget?
}

extension ProxyState {
    /// Only UDP: other protocols notice by themselves, and their flows must not be cut while an endpoint terminates.
    static func staleFlows(
        _ old: ServiceProgram?, _ oldPort: ServicePortSpec?, _ new: ServiceProgram?, _ newPort: ServicePortSpec?
    ) -> [StaleFlow] {
        guard let port = oldPort ?? newPort, port.name.protocolNumber == 17 else { return [] }
        var flows: [StaleFlow] = []
        func frontends(_ port: ServicePortSpec) -> [(IPAddress?, UInt16)] {
            ([port.clusterIP] + port.externalAddresses).map { ($0, port.port) }
                + (port.nodePort == 0 ? [] : [(nil, port.nodePort)])
        }
        let gone = (old?.targets ?? []).subtracting(new?.targets ?? []).sorted()
        if let oldPort {
            for (address, number) in frontends(oldPort) {
                flows += gone.map { StaleFlow(protocolNumber: 17, address: address, port: number, target: $0) }
            }
        }
        if old?.targets.isEmpty ?? true, let newPort, !(new?.targets.isEmpty ?? true) {
            for case (let address?, let number) in frontends(newPort) {
                flows.append(StaleFlow(protocolNumber: 17, address: address, port: number, target: nil))
            }
        }
        return flows
    }
}
