// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink
internal import Synchronization

// Senders of datagrams that never pause keep their flow, and with it the endpoint it was given: when that is gone, or came
// after the flow had begun, the flow has to be forgotten. Which flows these are is asked when it is done, of the rules as they
// are then: an endpoint that has come back has its flows, and so has whatever has begun since.

extension ProxyState {
    /// The frontends whose flows may be stale after `old` has become `new`: those that lost an endpoint, got their first, or
    /// changed hands. Only of UDP.
    static func staleFrontends(_ old: ServiceProgram?, _ new: ServiceProgram?) -> Set<Frontend> {
        let (before, after) = (old?.targets ?? [], new?.targets ?? [])
        guard (old ?? new)?.protocolNumber == 17, !before.isEmpty || !after.isEmpty else { return [] }
        let (had, has) = (Set(old?.frontends.keys.map { $0 } ?? []), Set(new?.frontends.keys.map { $0 } ?? []))
        let isStale = before != after && (before.isEmpty || before.contains { new?.serves($0) != true })
        return isStale ? had.union(has) : had.symmetricDifference(has)
    }

    /// The frontends of UDP for which the kernel's table names endpoints.
    static func datagramFrontends(of kernel: KernelContent, _ table: ProxyTable) -> Set<Frontend> {
        var found: Set<Frontend> = []
        for set in [table.endpoints, table.nodePortEndpoints] {
            for key in (kernel.elements[set] ?? [:]).keys where key.contains(.protocolNumber(17)) {
                found.insert(Array(key.dropLast()))
            }
        }
        return found
    }

    /// Whether a flow goes to nobody who serves now where it was sent to. Where no Service is any more it is one that was sent
    /// on to some endpoint.
    func isStale(_ entry: ConntrackEntry) -> Bool {
        let target = EndpointTarget(address: entry.reply.source, port: entry.reply.sourcePort)
        let places = entry.frontends(nodePortIPs)
        // As the rules have it: addresses go before node ports.
        guard let program = places.lazy.compactMap({ holders[$0] }).first.flatMap({ programs[$0] }) else {
            return target != EndpointTarget(address: entry.original.destination, port: entry.original.destinationPort)
        }
        return !program.serves(target)
    }
}

extension ConntrackEntry {
    /// The frontends for which the flow may have come: by its address, and by its port where the address is one at which node
    /// ports are served.
    fileprivate func frontends(_ nodePortIPs: Set<[FieldValue]>) -> [Frontend] {
        let address = FieldValue.address(original.destination)
        let rest: Frontend = [.protocolNumber(original.protocolNumber), .port(original.destinationPort)]
        return [[address] + rest] + (nodePortIPs.contains([address]) ? [rest] : [])
    }
}

/// Finds the flows that came for some of the frontends.
struct FlowSearch: Sendable {
    private let frontends: Set<Frontend>
    /// Most flows have none of these, which is quickly seen.
    private let ports: Set<UInt16>
    private let nodePortIPs: Set<[FieldValue]>

    init(_ work: StaleFlows.Work, _ state: ProxyState) {
        frontends =
            work.isForAll
            ? Set(state.holders.keys.lazy.filter { $0.contains(.protocolNumber(17)) }) : work.frontends
        ports = Set(frontends.compactMap { if case .port(let port)? = $0.last { port } else { nil } })
        nodePortIPs = state.nodePortIPs
    }

    func matches(_ entry: ConntrackEntry) -> Bool {
        ports.contains(entry.original.destinationPort)
            && entry.frontends(nodePortIPs).contains { frontends.contains($0) }
    }
}

/// The frontends of one family among whose flows there may be stale ones, until somebody has looked. However often they
/// change meanwhile, one look is enough.
final class StaleFlows: Sendable {
    /// What one look is for.
    struct Work: Sendable {
        var frontends: Set<Frontend> = []
        /// Every frontend that a Service has: too many were asked for.
        var isForAll = false

        var isEmpty: Bool { frontends.isEmpty && !isForAll }

        mutating func add(_ other: Work, limit: Int) {
            frontends.formUnion(other.frontends)
            isForAll = isForAll || other.isForAll
            // Those that nobody has any more are left to end by themselves.
            if frontends.count > limit { (frontends, isForAll) = ([], true) }
        }
    }

    /// As many as the tables may hold: see `ElementBudget`.
    static let limit = ElementBudget.Limits().total

    private let work = Mutex(Work())
    private let limit: Int
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init(limit: Int = StaleFlows.limit) {
        self.limit = limit
        // Who is woken takes all there is.
        (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Tells that there is something to look for.
    var wakeups: AsyncStream<Void> { stream }

    /// To be called when the rules that send new flows elsewhere are in force.
    func add(_ more: Work) {
        if !keep(more).isEmpty { wake() }
    }

    /// As `add`, and wakes nobody: there is something to wait for first.
    /// - Returns: All there is.
    @discardableResult func keep(_ more: Work) -> Work {
        work.withLock { work in
            work.add(more, limit: limit)
            return work
        }
    }

    func wake() { continuation.yield() }

    func take() -> Work {
        work.withLock { work in
            defer { work = Work() }
            return work
        }
    }
}
