// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// Before and after of each element, chain and set that a plan touches.
struct TableDifference {
    private struct Side<Value> {
        var old: Value?
        var new: Value?
    }

    private let table: ProxyTable
    /// The inner optional is the data, which plain sets do not have.
    private var elements: [SetDefinition: [[FieldValue]: Side<ElementData?>]] = [:]
    private var chains: [String: Side<ChainContent>] = [:]
    private var sets: [SetDefinition: Side<Bool>] = [:]

    init(_ table: ProxyTable) { self.table = table }

    mutating func note(_ set: SetDefinition, _ key: [FieldValue], old: ElementData??) {
        elements[set, default: [:]][key, default: Side()].old = old
    }
    mutating func note(_ set: SetDefinition, _ key: [FieldValue], new: ElementData??) {
        elements[set, default: [:]][key, default: Side()].new = new
    }

    mutating func remove(_ program: ServiceProgram?) {
        guard let program else { return }
        for (frontend, content) in program.frontends {
            for (set, key, data) in table.elements(of: frontend, content) {
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
        for (frontend, content) in program.frontends {
            for (set, key, data) in table.elements(of: frontend, content) { note(set, key, new: .some(data)) }
        }
        for (name, content) in program.chains { chains[name, default: Side()].new = content }
        for set in program.affinitySets { sets[set, default: Side()].new = true }
    }

    /// Adds the sets and chains of groups that are new, and leads packets there.
    mutating func change(_ old: Set<FrontendGroup>, to new: Set<FrontendGroup>) {
        for isNodePort in [false, true] {
            chains[ProxyTable.dispatchChain(isNodePort: isNodePort)] = Side(
                old: table.dispatch(old, isNodePort: isNodePort), new: table.dispatch(new, isNodePort: isNodePort))
        }
        for group in new {
            let isOld = old.contains(group)
            for (name, content) in table.chains(of: group) {
                // Groups share chains: what one has may be new to another.
                if isOld { chains[name, default: Side()].old = content }
                chains[name, default: Side()].new = content
            }
            let members = table.members(of: group)
            if !table.sets.contains(members) { sets[members] = Side(old: isOld ? true : nil, new: true) }
        }
    }

    mutating func changeServiceRanges(_ old: [IPPrefix], to new: [IPPrefix]) {
        chains[ProxyTable.rangesCheck] = Side(old: table.ranges(old), new: table.ranges(new))
    }

    /// Writes the changes, in an order in which everything is there when it is named, and nothing that is named goes.
    /// - Parameter kernel: What the table holds, in place of what was noted as old; what is not noted as new goes.
    func emit(_ transaction: inout Transaction, replacing kernel: KernelContent? = nil) {
        var added: [String: ChainContent] = [:]
        var rewritten: [String: ChainContent] = [:]
        var removed: [String] = []
        for (name, side) in chains {
            let before = kernel.map { $0.chains[name] } ?? side.old?.comment
            if let after = side.new {
                if before == nil { added[name] = after } else if before != after.comment { rewritten[name] = after }
            } else if before != nil, kernel == nil {
                removed.append(name)
            }
        }
        var newSets: [SetDefinition] = []
        var oldSets: [String] = []
        for (set, side) in sets {
            let before = kernel.map { $0.sets.contains(set.name) } ?? (side.old != nil)
            if side.new != nil, !before { newSets.append(set) }
            if side.new == nil, before, kernel == nil { oldSets.append(set.name) }
        }
        if let kernel {
            // The chains that change are always among the noted ones.
            let fixed = Set(table.skeleton.map(\.chain.name))
            removed += kernel.chains.keys.filter { !fixed.contains($0) && chains[$0]?.new == nil }
            let wanted = Set(table.sets.map(\.name)).union(sets.filter { $0.value.new != nil }.map(\.key.name))
            oldSets += kernel.sets.subtracting(wanted)
        }
        // New sets and chains, then rules, then the elements that lead packets there.
        for set in newSets.sorted(by: { $0.name < $1.name }) { transaction.add(.addSet(set)) }
        for name in added.keys.sorted() { transaction.add(.addChain(Chain(name))) }
        for (name, content) in added.sorted(by: { $0.key < $1.key }) {
            for rule in content.rules { transaction.add(.addRule(chain: name, rule)) }
        }
        for (name, content) in rewritten.sorted(by: { $0.key < $1.key }) {
            transaction.setRules(of: name, content.rules)
        }
        emitElements(&transaction, kernel)
        // Chains may name each other: all are emptied before one is deleted.
        for name in removed.sorted() { transaction.add(.flushChain(name)) }
        for name in removed.sorted() { transaction.add(.deleteChain(name)) }
        for name in oldSets.sorted() { transaction.add(.deleteSet(name)) }
    }

    private func emitElements(_ transaction: inout Transaction, _ kernel: KernelContent?) {
        let fixed = Set(table.sets)
        var deletions: [(SetDefinition, [Element])] = []
        var additions: [(SetDefinition, [Element])] = []
        // Those of a set that goes go with it.
        let kept = Set(elements.keys).union(
            (kernel?.elements ?? [:]).keys.filter { sets[$0] != nil || fixed.contains($0) })
        for set in kept.sorted(by: { $0.name < $1.name }) {
            var gone: [Element] = []
            var come: [Element] = []
            let sides = elements[set] ?? [:]
            let before = kernel?.elements[set] ?? [:]
            for (key, side) in sides {
                let held: ElementData?? = kernel == nil ? side.old : before[key]
                if held == side.new { continue }
                if held != nil { gone.append(Element(key)) }
                if let data = side.new { come.append(Element(key, data)) }
            }
            gone += before.keys.filter { sides[$0] == nil }.map { Element($0) }
            if !gone.isEmpty { deletions.append((set, gone)) }
            if !come.isEmpty { additions.append((set, come)) }
        }
        for (set, elements) in deletions { transaction.add(.deleteElements(set, elements)) }
        for (set, elements) in additions { transaction.add(.addElements(set, elements)) }
    }
}

extension ProxyTable {
    /// The elements of a frontend.
    func elements(
        of frontend: Frontend, _ content: FrontendContent
    ) -> [(set: SetDefinition, key: [FieldValue], data: ElementData?)] {
        let isNodePort = frontend.isNodePort
        let endpoints = isNodePort ? nodePortEndpoints : endpoints
        var result: [(set: SetDefinition, key: [FieldValue], data: ElementData?)] = []
        if let kind = content.kind {
            result.append((members(of: FrontendGroup(kind, isNodePort: isNodePort)), frontend, nil))
        }
        if let chain = content.chain {
            result.append((isNodePort ? nodePortChains : serviceChains, frontend, .verdict(.goto(chain))))
        }
        if let firewall = content.firewall { result.append((firewallIPs, frontend, .verdict(.goto(firewall)))) }
        for (first, targets) in [(0, content.cluster), (FrontendClass.firstLocal, content.local)] {
            for (index, target) in targets.enumerated() {
                result.append(
                    (
                        endpoints, frontend + [.mark(first + UInt32(index))],
                        .values([.address(target.address), .port(target.port)])
                    ))
            }
        }
        return result
    }
}

extension EndpointTarget {
    /// The data of an element.
    init?(_ values: [FieldValue]) {
        guard case .address(let address)? = values.first, case .port(let port)? = values.last else { return nil }
        self.init(address: address, port: port)
    }
}

extension KernelContent {
    /// The endpoints the table holds for a frontend.
    func frontend(_ frontend: Frontend, _ table: ProxyTable) -> FrontendContent {
        let held = elements[frontend.isNodePort ? table.nodePortEndpoints : table.endpoints] ?? [:]
        func list(from first: UInt32) -> [EndpointTarget] {
            var targets: [EndpointTarget] = []
            while case .some(.values(let values)?) = held[frontend + [.mark(first + UInt32(targets.count))]],
                let target = EndpointTarget(values)
            {
                targets.append(target)
            }
            return targets
        }
        return FrontendContent(cluster: list(from: 0), local: list(from: FrontendClass.firstLocal))
    }
}
