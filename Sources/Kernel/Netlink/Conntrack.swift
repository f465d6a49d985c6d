// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// One direction of a tracked flow.
public struct ConntrackTuple: Sendable, Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    /// IPPROTO_*.
    public var protocolNumber: UInt8
    public var sourcePort: UInt16
    public var destinationPort: UInt16

    init?(_ attributes: NetlinkAttributes) {
        let addresses = attributes.nested(1)
        let numbers = attributes.nested(2)
        guard let source = (addresses[1] ?? addresses[3]).flatMap({ IPAddress(bytes: $0) }),
            let destination = (addresses[2] ?? addresses[4]).flatMap({ IPAddress(bytes: $0) }),
            let number: UInt8 = numbers[1]?.integer()
        else { return nil }
        self.source = source
        self.destination = destination
        protocolNumber = number
        sourcePort = UInt16(bigEndian: numbers[2]?.integer() ?? 0)
        destinationPort = UInt16(bigEndian: numbers[3]?.integer() ?? 0)
    }
}

/// A flow the kernel tracks: as its first packet had it, and as answers to it look.
public struct ConntrackEntry: Sendable, Hashable {
    public var original: ConntrackTuple
    public var reply: ConntrackTuple
    public var mark: UInt32
    /// IPS_*: 0x20 destination rewritten, 0x10 source rewritten.
    public var status: UInt32
    /// The kernel's name for this very flow, in its order of bytes: another one of the same addresses and ports has another.
    var id: UInt32?

    public init(original: ConntrackTuple, reply: ConntrackTuple) {
        self.original = original
        self.reply = reply
        mark = 0
        status = 0
    }

    init?(_ answer: NetlinkReply) {
        let attributes = answer.attributes(after: 4)
        guard let original = ConntrackTuple(attributes.nested(1)), let reply = ConntrackTuple(attributes.nested(2))
        else { return nil }
        self.original = original
        self.reply = reply
        mark = UInt32(bigEndian: attributes[8]?.integer() ?? 0)
        status = UInt32(bigEndian: attributes[3]?.integer() ?? 0)
        id = attributes[12]?.integer()
    }
}

/// Which flows to list or delete: every property given must match.
public struct ConntrackFilter: Sendable, Hashable {
    /// The protocol number; needed for ports.
    public var protocolNumber: UInt8
    /// Where the first packet was sent, before any rewriting.
    public var originalDestination: IPAddress?
    public var originalDestinationPort: UInt16?
    /// Who answers: the endpoint a rewritten flow really goes to.
    public var replySource: IPAddress?
    public var replySourcePort: UInt16?

    public init(
        protocolNumber: UInt8, originalDestination: IPAddress? = nil, originalDestinationPort: UInt16? = nil,
        replySource: IPAddress? = nil, replySourcePort: UInt16? = nil
    ) {
        self.protocolNumber = protocolNumber
        self.originalDestination = originalDestination
        self.originalDestinationPort = originalDestinationPort
        self.replySource = replySource
        self.replySourcePort = replySourcePort
    }

    /// Whether `entry` matches.
    public func matches(_ entry: ConntrackEntry) -> Bool {
        entry.original.protocolNumber == protocolNumber
            && (originalDestination ?? entry.original.destination) == entry.original.destination
            && (originalDestinationPort ?? entry.original.destinationPort) == entry.original.destinationPort
            && (replySource ?? entry.reply.source) == entry.reply.source
            && (replySourcePort ?? entry.reply.sourcePort) == entry.reply.sourcePort
    }

    // The bits of CTA_FILTER_*_FLAGS: the kernel compares the tuple's fields named by them.
    private static let sourceAddress: UInt32 = 1 << 0
    private static let destinationAddress: UInt32 = 1 << 1
    private static let protocolField: UInt32 = 1 << 3
    private static let sourcePort: UInt32 = 1 << 4
    private static let destinationPort: UInt32 = 1 << 5

    /// Whether the kernel can be trusted with the addresses: this one and older ones compare those of IPv6 wrongly.
    func comparesAddresses(_ family: IPFamily) -> Bool { family == .v4 }

    /// Appends the two tuples and CTA_FILTER.
    func write(into message: inout NetlinkMessage, family: IPFamily) {
        let any = IPAddress(family: family, high: 0, low: 0)
        ConntrackTuple(
            source: any, destination: originalDestination ?? any, protocolNumber: protocolNumber, sourcePort: 0,
            destinationPort: originalDestinationPort ?? 0
        ).write(1, into: &message)
        ConntrackTuple(
            source: replySource ?? any, destination: any, protocolNumber: protocolNumber,
            sourcePort: replySourcePort ?? 0, destinationPort: 0
        ).write(2, into: &message)
        let addresses = comparesAddresses(family)
        message.nest(25) { message in
            message.append(
                1,
                Self.protocolField | (originalDestination == nil || !addresses ? 0 : Self.destinationAddress)
                    | (originalDestinationPort == nil ? 0 : Self.destinationPort))
            message.append(
                2,
                Self.protocolField | (replySource == nil || !addresses ? 0 : Self.sourceAddress)
                    | (replySourcePort == nil ? 0 : Self.sourcePort))
        }
    }
}

/// Many filters, found by what they ask of a flow in the same time however many they are.
struct ConntrackFilters {
    /// As many are asked of the kernel one by one.
    static let few = 4

    private struct Shape: Hashable {
        var destination, destinationPort, source, sourcePort: Bool
    }

    private var byShape: [Shape: Set<ConntrackFilter>] = [:]

    init(_ filters: [ConntrackFilter]) {
        for filter in filters {
            let shape = Shape(
                destination: filter.originalDestination != nil, destinationPort: filter.originalDestinationPort != nil,
                source: filter.replySource != nil, sourcePort: filter.replySourcePort != nil)
            byShape[shape, default: []].insert(filter)
        }
    }

    func matches(_ entry: ConntrackEntry) -> Bool {
        byShape.contains { shape, filters in
            filters.contains(
                ConntrackFilter(
                    protocolNumber: entry.original.protocolNumber,
                    originalDestination: shape.destination ? entry.original.destination : nil,
                    originalDestinationPort: shape.destinationPort ? entry.original.destinationPort : nil,
                    replySource: shape.source ? entry.reply.source : nil,
                    replySourcePort: shape.sourcePort ? entry.reply.sourcePort : nil))
        }
    }
}

extension ConntrackTuple {
    public init(
        source: IPAddress, destination: IPAddress, protocolNumber: UInt8, sourcePort: UInt16, destinationPort: UInt16
    ) {
        self.source = source
        self.destination = destination
        self.protocolNumber = protocolNumber
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
    }

    /// Appends CTA_TUPLE_ORIG (1) or CTA_TUPLE_REPLY (2).
    func write(_ attribute: UInt16, into message: inout NetlinkMessage) {
        message.nest(attribute) { message in
            message.nest(1) { message in
                message.append(source.family == .v4 ? 1 : 3, source)
                message.append(source.family == .v4 ? 2 : 4, destination)
            }
            message.nest(2) { message in
                message.append(1, protocolNumber)
                message.append(2, bigEndian: sourcePort)
                message.append(3, bigEndian: destinationPort)
            }
        }
    }
}

extension NetlinkSocket {
    private static func conntrack(
        _ type: UInt16, _ flags: NetlinkFlags, _ family: IPFamily, _ operation: String
    ) -> NetlinkMessage {
        // NFNL_SUBSYS_CTNETLINK is 1; struct nfgenmsg follows the header.
        var message = NetlinkMessage(type: 1 << 8 | type, flags: flags, operation: operation)
        message.append(raw: [family.rawValue, 0, 0, 0])
        return message
    }

    /// The flows of `family` that match `filter`; the kernel does the choosing.
    public func conntrackEntries(
        _ family: IPFamily, matching filter: ConntrackFilter? = nil
    ) throws(NetlinkError) -> [ConntrackEntry] {
        var message = Self.conntrack(1, .dump, family, "list conntrack entries")
        filter?.write(into: &message, family: family)
        return try query(message).compactMap(ConntrackEntry.init).filter { filter?.matches($0) ?? true }
    }

    /// Deletes every flow of `family` that matches `filter`. None matching is no error.
    public func deleteConntrackEntries(_ family: IPFamily, matching filter: ConntrackFilter) throws(NetlinkError) {
        if filter.comparesAddresses(family) {
            var message = Self.conntrack(2, [], family, "delete conntrack entries")
            filter.write(into: &message, family: family)
            try deleteConntrack(message)
            return
        }
        for entry in try conntrackEntries(family, matching: filter) { try deleteConntrackEntry(family, entry) }
    }

    /// Deletes every flow of `family` that one of `filters` matches, of which there may be ten thousands: beyond a few, the
    /// flows are read once and looked for among them, where the kernel would go through all of its flows for each.
    public func deleteConntrackEntries(_ family: IPFamily, matchingAny filters: [ConntrackFilter]) throws(NetlinkError)
    {
        if filters.count <= ConntrackFilters.few {
            for filter in filters { try deleteConntrackEntries(family, matching: filter) }
            return
        }
        let sought = ConntrackFilters(filters)
        // One that cannot be deleted keeps no other: the first failure is told in the end.
        var failure: NetlinkError?
        for entry in try conntrackEntries(family, where: sought.matches).entries {
            do throws(NetlinkError) { try deleteConntrackEntry(family, entry) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// Reads the flows of `family`, those of one protocol where it is given, and keeps those that are sought.
    /// - Returns: Besides, whether the kernel gave all there were: where its table changes its size under way, some are missing.
    public func conntrackEntries(
        _ family: IPFamily, protocolNumber: UInt8? = nil, where isSought: (ConntrackEntry) -> Bool
    ) throws(NetlinkError) -> (entries: [ConntrackEntry], areAll: Bool) {
        var message = Self.conntrack(1, .dump, family, "list conntrack entries")
        if let protocolNumber {
            ConntrackFilter(protocolNumber: protocolNumber).write(into: &message, family: family)
        }
        var entries: [ConntrackEntry] = []
        let areAll = try query(message) { reply in
            guard let entry = ConntrackEntry(reply), isSought(entry) else { return }
            entries.append(entry)
        }
        return (entries, areAll)
    }

    /// Deletes a flow that was read, and no other that has come in its place.
    /// - Returns: False when it has ended by itself.
    @discardableResult public func deleteConntrackEntry(
        _ family: IPFamily, _ entry: ConntrackEntry
    ) throws(NetlinkError) -> Bool {
        var message = Self.conntrack(2, [], family, "delete conntrack entry")
        entry.original.write(1, into: &message)
        if let id = entry.id { message.append(12, id) }
        return try deleteConntrack(message)
    }

    /// False when nothing matched, or ended by itself meanwhile.
    @discardableResult private func deleteConntrack(_ message: NetlinkMessage) throws(NetlinkError) -> Bool {
        do throws(NetlinkError) { try perform(message) } catch  where error.code == ENOENT { return false }
        return true
    }
}
