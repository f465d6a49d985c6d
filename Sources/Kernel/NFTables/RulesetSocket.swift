// SPDX-License-Identifier: Apache-2.0

public import Linux
public import Netlink

/// Something that takes transactions: the kernel, or the model that tests use.
public protocol Ruleset: Sendable {
    /// Applies the transaction as a whole or not at all.
    func commit(_ transaction: Transaction) throws(NFTablesError)
    /// The names of the table's chains, each with the comment of its first commented rule; nil without the table.
    func chains(of table: Table) throws(NFTablesError) -> [String: String?]?
    /// The names of the table's sets and maps.
    func sets(of table: Table) throws(NFTablesError) -> Set<String>
    /// The elements of a set.
    func elements(of set: SetDefinition, in table: Table) throws(NFTablesError) -> [Element]
}

/// nf_tables of the kernel, in the network namespace the socket was made in.
public final class KernelRuleset: Ruleset {
    private let socket: NetlinkSocket

    public init() throws(Errno) { socket = try NetlinkSocket(.netfilter) }
    public init(in namespace: borrowing NetworkNamespace) throws(Errno) {
        socket = try NetlinkSocket(.netfilter, in: namespace)
    }

    public func commit(_ transaction: Transaction) throws(NFTablesError) {
        guard !transaction.isEmpty else { return }
        let encoder = Encoder(transaction.table)
        var messages: [NetlinkMessage] = []
        var owners: [Int] = []
        messages.reserveCapacity(transaction.operations.count)
        for (index, operation) in transaction.operations.enumerated() {
            for message in encoder.encode(operation) {
                messages.append(message)
                owners.append(index)
            }
        }
        let failures = try send(messages, transaction.table)
        guard var first = failures.first else { return }
        let operation = first.index >= 0 ? transaction.operations[owners[first.index]] : nil
        if let operation { first.operation = Self.shortened(operation.text(in: transaction.table)) }
        throw NFTablesError(table: transaction.table, operation: operation, cause: first, refusals: failures.count)
    }

    private func send(_ messages: [NetlinkMessage], _ table: Table) throws(NFTablesError) -> [NetlinkError] {
        do throws(NetlinkError) {
            var failures: [NetlinkError] = []
            // A change by someone else between our begin and end makes the kernel ask for the batch again (EAGAIN).
            for _ in 1...8 {
                failures = try socket.batch(messages, operation: "commit")
                guard let first = failures.first, first.isRetry else { return failures }
            }
            return failures
        } catch { throw NFTablesError(table: table, operation: nil, cause: error) }
    }

    private static func shortened(_ text: String) -> String { text.count <= 300 ? text : text.prefix(297) + "…" }

    // MARK: Reading back

    private func dump(
        _ type: UInt16, _ table: Table, _ operation: String, _ attributes: (inout NetlinkMessage) -> Void = { _ in }
    ) throws(NFTablesError) -> [NetlinkReply]? {
        var message = NetlinkMessage(type: 10 << 8 | type, flags: .dump, operation: operation)
        message.append(raw: [table.family.rawValue, 0, 0, 0])
        attributes(&message)
        do throws(NetlinkError) { return try socket.query(message) } catch {
            if error.isMissing { return nil }
            throw NFTablesError(table: table, operation: nil, cause: error)
        }
    }

    public func chains(of table: Table) throws(NFTablesError) -> [String: String?]? {
        var message = NetlinkMessage(type: 10 << 8 | 1, operation: "get table \(table)")
        message.append(raw: [table.family.rawValue, 0, 0, 0])
        message.append(1, table.name)
        do throws(NetlinkError) { _ = try socket.query(message) } catch {
            if error.isMissing { return nil }
            throw NFTablesError(table: table, operation: nil, cause: error)
        }
        var chains: [String: String?] = [:]
        // The kernel lists the chains of every table of the family.
        for reply in try dump(4, table, "list chains of \(table)") ?? [] {
            let attributes = reply.attributes(after: 4)
            guard attributes[1]?.terminatedString == table.name, let name = attributes[3]?.terminatedString else {
                continue
            }
            chains.updateValue(nil, forKey: name)
        }
        let rules = try dump(7, table, "list rules of \(table)") { $0.append(1, table.name) }
        for reply in rules ?? [] {
            let attributes = reply.attributes(after: 4)
            guard attributes[1]?.terminatedString == table.name, let name = attributes[2]?.terminatedString,
                let data = attributes[7], chains[name] == .some(nil)
            else { continue }
            if let comment = Self.comment(userdata: data) { chains.updateValue(comment, forKey: name) }
        }
        return chains
    }

    static func comment(userdata: ArraySlice<UInt8>) -> String? {
        guard userdata.count > 2, userdata[userdata.startIndex] == 0 else { return nil }
        return userdata.dropFirst(2).prefix(Int(userdata[userdata.startIndex + 1])).terminatedString
    }

    public func sets(of table: Table) throws(NFTablesError) -> Set<String> {
        let replies = try dump(10, table, "list sets of \(table)") { $0.append(1, table.name) }
        return Set(
            (replies ?? []).compactMap { reply in
                let attributes = reply.attributes(after: 4)
                return attributes[1]?.terminatedString == table.name ? attributes[2]?.terminatedString : nil
            })
    }

    public func elements(of set: SetDefinition, in table: Table) throws(NFTablesError) -> [Element] {
        let replies = try dump(13, table, "list elements of \(set.name) in \(table)") {
            $0.append(1, table.name)
            $0.append(2, set.name)
        }
        // A hash table that is growing while it is walked may show an element twice.
        var elements: Set<Element> = []
        for reply in replies ?? [] {
            for item in reply.attributes(after: 4).nested(3) {
                if let element = Element(item.nested, set) { elements.insert(element) }
            }
        }
        return Array(elements)
    }
}

extension NetlinkError {
    var isRetry: Bool { code == Errno.tryAgain }
}

extension Errno {
    /// EAGAIN.
    fileprivate static var tryAgain: Int32 { 11 }
}

extension Element {
    /// Reads NFTA_SET_ELEM_*; nil when the element does not fit the definition.
    init?(_ attributes: NetlinkAttributes, _ set: SetDefinition) {
        guard let bytes = attributes.nested(1)[1], let key = [FieldValue](bytes, set.key) else { return nil }
        self.init(key)
        guard set.data != .none else { return }
        let data = attributes.nested(2)
        switch set.data {
        case .none: break
        case .fields(let fields):
            guard let bytes = data[1], let values = [FieldValue](bytes, fields) else { return nil }
            self.data = .values(values)
        case .verdict:
            let verdict = data.nested(2)
            guard let code: UInt32 = verdict[1]?.integer(),
                let verdict = Verdict(
                    code: Int32(bitPattern: UInt32(bigEndian: code)), chain: verdict[2]?.terminatedString)
            else { return nil }
            self.data = .verdict(verdict)
        }
    }
}
