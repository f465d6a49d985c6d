// SPDX-License-Identifier: Apache-2.0

public import Netlink

/// Which packets a table sees, with the kernel's number (NFPROTO_*).
public enum TableFamily: UInt8, Sendable, Hashable {
    case ip = 2
    case ip6 = 10
    /// Frames that come in by the ports of bridges, before they are packets of anything.
    case bridge = 7

    public init(_ family: IPFamily) { self = family == .v4 ? .ip : .ip6 }
}

/// A table by family and name.
public struct Table: Sendable, Hashable, CustomStringConvertible {
    public var family: TableFamily
    public var name: String

    public init(_ family: IPFamily, _ name: String) { self.init(TableFamily(family), name) }

    public init(_ family: TableFamily, _ name: String) {
        self.family = family
        self.name = name
    }

    public var description: String { "\(family) \(name)" }
}

/// Where in the packet's way a base chain stands.
public enum Hook: UInt32, Sendable, Hashable, CaseIterable {
    case prerouting = 0
    case input = 1
    case forward = 2
    case output = 3
    case postrouting = 4

    var name: String {
        switch self {
        case .prerouting: "prerouting"
        case .input: "input"
        case .forward: "forward"
        case .output: "output"
        case .postrouting: "postrouting"
        }
    }
}

/// What a base chain is for.
public enum ChainKind: String, Sendable, Hashable {
    case filter
    case nat
    case route
}

/// Usual priorities: lower runs earlier.
public enum HookPriority {
    public static let destinationNAT: Int32 = -100
    public static let filter: Int32 = 0
    public static let sourceNAT: Int32 = 100
}

/// A chain's place on a hook.
public struct BaseChain: Sendable, Hashable {
    public var kind: ChainKind
    public var hook: Hook
    public var priority: Int32

    public init(_ kind: ChainKind, _ hook: Hook, priority: Int32) {
        self.kind = kind
        self.hook = hook
        self.priority = priority
    }
}

/// A chain: called by others, or with `base` by the kernel (policy accept).
public struct Chain: Sendable, Hashable {
    public var name: String
    public var base: BaseChain?

    public init(_ name: String, base: BaseChain? = nil) {
        self.name = name
        self.base = base
    }
}

/// A rule: its statements in order, and a comment kept with it in the kernel (at most 127 bytes).
public struct Rule: Sendable, Hashable {
    public var statements: [Statement]
    public var comment: String?

    public init(_ statements: [Statement], comment: String? = nil) {
        self.statements = statements
        self.comment = comment
    }

    public init(_ statements: Statement..., comment: String? = nil) { self.init(statements, comment: comment) }
}

/// What a map gives for a key.
public enum ElementData: Sendable, Hashable {
    case verdict(Verdict)
    case values([FieldValue])
}

/// What the elements of a set carry beside their key.
public enum DataType: Sendable, Hashable {
    case none
    case verdict
    case fields([FieldType])
}

/// A set or map: its name and the shape of its elements.
public struct SetDefinition: Sendable, Hashable {
    public var name: String
    public var key: [FieldType]
    public var data: DataType
    /// Elements are added by rules (`updateSet`) and expire after this many seconds unless renewed.
    public var timeoutSeconds: UInt32?

    public init(_ name: String, key: [FieldType], data: DataType = .none, timeoutSeconds: UInt32? = nil) {
        self.name = name
        self.key = key
        self.data = data
        self.timeoutSeconds = timeoutSeconds
    }
}

/// One element of a set or map.
public struct Element: Sendable, Hashable {
    public var key: [FieldValue]
    public var data: ElementData?

    public init(_ key: [FieldValue], _ data: ElementData? = nil) {
        self.key = key
        self.data = data
    }
}

/// One change of a table's content.
public enum Operation: Sendable, Hashable {
    /// Makes the table unless it is there.
    case addTable
    /// Deletes the table and everything in it; it must be there.
    case deleteTable
    /// Makes the chain unless it is there.
    case addChain(Chain)
    /// Deletes an empty chain nothing refers to.
    case deleteChain(String)
    case flushChain(String)
    /// Adds the rule at the chain's end.
    case addRule(chain: String, Rule)
    case addSet(SetDefinition)
    case deleteSet(String)
    case flushSet(String)
    /// Adds elements; one that is there with the same data is left, with other data it is refused.
    case addElements(SetDefinition, [Element])
    /// Deletes elements, which must be there.
    case deleteElements(SetDefinition, [Element])
}

/// Changes of one table that take effect together or not at all.
public struct Transaction: Sendable, Hashable {
    public let table: Table
    public var operations: [Operation] = []

    public init(_ table: Table) { self.table = table }

    public var isEmpty: Bool { operations.isEmpty }

    public mutating func add(_ operation: Operation) { operations.append(operation) }

    /// Leaves the table empty, whatever it was: adding first makes deleting legal.
    public mutating func recreateTable() { operations += [.addTable, .deleteTable, .addTable] }

    /// Removes the table if it is there.
    public mutating func removeTable() { operations += [.addTable, .deleteTable] }

    /// Makes the chain's content exactly `rules`.
    public mutating func setRules(of chain: String, _ rules: [Rule]) {
        add(.flushChain(chain))
        for rule in rules { add(.addRule(chain: chain, rule)) }
    }
}

/// A refusal of a transaction: which change, in the words of nft(8), and why.
public struct NFTablesError: Error, Sendable, Hashable, CustomStringConvertible {
    public var table: Table
    /// The refused change; nil when the batch as a whole was refused.
    public var operation: Operation?
    public var cause: NetlinkError
    /// How many changes of the batch were refused.
    public var refusals: Int

    public init(table: Table, operation: Operation?, cause: NetlinkError, refusals: Int = 1) {
        self.table = table
        self.operation = operation
        self.cause = cause
        self.refusals = refusals
    }

    public var description: String {
        let more = refusals > 1 ? " (and \(refusals - 1) more refusals)" : ""
        return "change nftables table \(table): \(cause)\(more)"
    }
}
