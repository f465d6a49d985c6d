// SPDX-License-Identifier: Apache-2.0

internal import Netlink
internal import Synchronization

/// One table as the kernel would hold it.
struct TableModel: Sendable {
    struct ChainModel: Sendable {
        var chain: Chain
        var rules: [Rule] = []
    }

    struct SetModel: Sendable {
        var definition: SetDefinition
        var elements: [[FieldValue]: Element] = [:]
    }

    var chains: [String: ChainModel] = [:]
    var sets: [String: SetModel] = [:]

    /// The chains that rules and map elements send packets to.
    var referredChains: Set<String> {
        var names: Set<String> = []
        for chain in chains.values {
            for rule in chain.rules {
                for case .verdict(let verdict) in rule.statements { if let name = verdict.chain { names.insert(name) } }
            }
        }
        for set in sets.values {
            for case .verdict(let verdict)? in set.elements.values.map(\.data) {
                if let name = verdict.chain { names.insert(name) }
            }
        }
        return names
    }

    /// The sets rules read or fill.
    var referredSets: Set<String> {
        var names: Set<String> = []
        for rule in chains.values.flatMap(\.rules) {
            for statement in rule.statements { if let name = statement.set { names.insert(name) } }
        }
        return names
    }
}

extension Statement {
    /// The set it refers to.
    var set: String? {
        switch self {
        case .matchSet(_, _, let name), .verdictMap(_, let name), .destinationNAT(_, .map(_, let name)),
            .updateSet(_, let name, _):
            name
        default: nil
        }
    }
}

/// nf_tables in memory, with the kernel's rules about what may be added and deleted: for tests and for tracing packets.
public final class RulesetModel: Ruleset {
    struct State: Sendable {
        var tables: [Table: TableModel] = [:]
        var commits = 0
        var operations = 0
    }

    let state = Mutex(State())

    public init() {}

    /// How many transactions were taken, and how many changes they held.
    public var counts: (commits: Int, operations: Int) { state.withLock { ($0.commits, $0.operations) } }

    public func commit(_ transaction: Transaction) throws(NFTablesError) {
        guard !transaction.isEmpty else { return }
        try state.withLock { state throws(NFTablesError) in
            var table = state.tables[transaction.table]
            for (index, operation) in transaction.operations.enumerated() {
                if let code = Self.apply(operation, to: &table) {
                    throw NFTablesError(
                        table: transaction.table, operation: operation,
                        cause: NetlinkError(code, operation.text(in: transaction.table), index: index))
                }
            }
            // References are judged at the end of a batch, as the kernel's use counts do for changes in order.
            if let table {
                for name in table.referredChains where table.chains[name] == nil {
                    throw NFTablesError(
                        table: transaction.table, operation: nil, cause: NetlinkError(2, "commit: no chain \(name)"))
                }
                for name in table.referredSets where table.sets[name] == nil {
                    throw NFTablesError(
                        table: transaction.table, operation: nil, cause: NetlinkError(2, "commit: no set \(name)"))
                }
            }
            state.tables[transaction.table] = table
            state.commits += 1
            state.operations += transaction.operations.count
        }
    }

    /// Applies one change; an error number when the kernel would refuse it.
    private static func apply(_ operation: Operation, to slot: inout TableModel?) -> Int32? {
        let missing: Int32 = 2
        let exists: Int32 = 17
        let busy: Int32 = 16
        let invalid: Int32 = 22
        if case .addTable = operation {
            if slot == nil { slot = TableModel() }
            return nil
        }
        guard var table = slot else { return missing }
        slot = nil
        defer { if slot == nil, !operation.isTableDeletion { slot = table } }
        switch operation {
        case .addTable, .deleteTable: return nil
        case .addChain(let chain):
            if let present = table.chains[chain.name] { return present.chain == chain ? nil : exists }
            table.chains[chain.name] = .init(chain: chain)
        case .deleteChain(let name):
            guard table.chains[name] != nil else { return missing }
            table.chains[name] = nil
            if table.referredChains.contains(name) { return busy }
        case .flushChain(let name):
            guard table.chains[name] != nil else { return missing }
            table.chains[name]?.rules = []
        case .addRule(let chain, let rule):
            guard table.chains[chain] != nil else { return missing }
            for statement in rule.statements {
                if let set = statement.set, table.sets[set] == nil { return missing }
                if case .verdict(let verdict) = statement, let target = verdict.chain, table.chains[target] == nil {
                    return missing
                }
            }
            table.chains[chain]?.rules.append(rule)
        case .addSet(let set):
            if let present = table.sets[set.name] { return present.definition == set ? nil : exists }
            table.sets[set.name] = .init(definition: set)
        case .deleteSet(let name):
            guard table.sets[name] != nil else { return missing }
            if table.referredSets.contains(name) { return busy }
            table.sets[name] = nil
        case .flushSet(let name):
            guard table.sets[name] != nil else { return missing }
            table.sets[name]?.elements = [:]
        case .addElements(let set, let elements):
            guard let present = table.sets[set.name] else { return missing }
            for element in elements {
                guard element.key.types == present.definition.key else { return invalid }
                if case .verdict(let verdict)? = element.data, let chain = verdict.chain, table.chains[chain] == nil {
                    return missing
                }
                if let old = table.sets[set.name]?.elements[element.key], old != element { return exists }
                table.sets[set.name]?.elements[element.key] = element
            }
        case .deleteElements(let set, let elements):
            guard table.sets[set.name] != nil else { return missing }
            for element in elements {
                guard table.sets[set.name]?.elements.removeValue(forKey: element.key) != nil else { return missing }
            }
        }
        return nil
    }

    public func chains(of table: Table) throws(NFTablesError) -> [String: String?]? {
        state.withLock { state in
            state.tables[table]?.chains.mapValues { $0.rules.lazy.compactMap(\.comment).first }
        }
    }

    public func sets(of table: Table) throws(NFTablesError) -> Set<String> {
        state.withLock { Set($0.tables[table]?.sets.keys.map { $0 } ?? []) }
    }

    public func elements(of set: SetDefinition, in table: Table) throws(NFTablesError) -> [Element] {
        state.withLock { Array($0.tables[table]?.sets[set.name]?.elements.values.map { $0 } ?? []) }
    }

    /// The rules of a chain as text, for tests.
    public func rules(of chain: String, in table: Table) -> [String] {
        state.withLock { $0.tables[table]?.chains[chain]?.rules.map(\.text) ?? [] }
    }
}

extension Operation {
    fileprivate var isTableDeletion: Bool { self == .deleteTable }
}
