// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import NFTables
internal import Netlink
internal import Synchronization
internal import Telemetry

/// One family's table in the kernel, kept to the state. A failed sync makes the next one start from what the kernel
/// really holds.
final class FamilyProxy: Sendable {
    let table: ProxyTable
    private let ruleset: any Ruleset
    private let conntrack: NetlinkSocket?
    private let metrics: ProxyMetrics
    private let logger: Logger
    /// Where flows are to be forgotten.
    let flows = StaleFlows()
    private let state: Mutex<State>

    private struct State {
        var proxy: ProxyState?
        /// All ports wanted, for starting anew.
        var wanted: [ServicePortName: ProxyState.Change] = [:]
        var byService: [ServiceKey: Set<ServicePortName>] = [:]
        var nodePortIPs: Set<[FieldValue]> = []
        var serviceRanges: [IPPrefix] = []
    }

    init(
        _ table: ProxyTable, ruleset: any Ruleset, conntrack: NetlinkSocket?, metrics: ProxyMetrics, logger: Logger
    ) {
        self.table = table
        self.ruleset = ruleset
        self.conntrack = conntrack
        self.metrics = metrics
        self.logger = logger
        state = Mutex(State())
    }

    var label: String { table.family == .v4 ? "IPv4" : "IPv6" }

    /// Replaces the ports of each service given and brings the kernel up to date in one transaction. The first call has
    /// to name all services.
    /// - Parameter serviceRanges: Where cluster addresses come from, of either family.
    func sync(
        _ services: [ServiceKey: [ProxyState.Change]], nodePortIPs: Set<[FieldValue]>, serviceRanges: [IPPrefix] = []
    ) throws(NFTablesError) {
        let clock = ContinuousClock()
        let start = clock.now
        let result: (plan: ProxyState.Plan, full: Bool) = try state.withLock { state throws(NFTablesError) in
            let changes = Self.merge(services, into: &state)
            let addresses = state.nodePortIPs == nodePortIPs ? nil : nodePortIPs
            state.nodePortIPs = nodePortIPs
            let ranges = state.serviceRanges == serviceRanges ? nil : serviceRanges
            state.serviceRanges = serviceRanges
            if var proxy = state.proxy {
                // Taken out while it changes: a failure leaves nothing to go on from, and nothing is copied.
                state.proxy = nil
                let plan = proxy.plan(changes, nodePortIPs: addresses, serviceRanges: ranges)
                do throws(NFTablesError) { try ruleset.commit(plan.transaction) } catch {
                    metrics.syncFailures.increment([label])
                    throw error
                }
                state.proxy = proxy
                return (plan, false)
            }
            return (try startAnew(&state), true)
        }
        let duration = clock.now - start
        metrics.syncDuration.observe(duration, [label])
        (result.full ? metrics.fullSyncDuration : metrics.partialSyncDuration).observe(duration, [label])
        flows.add(StaleFlows.Work(frontends: result.plan.staleFrontends))
    }

    /// Whether the last sync failed, so that the next one has to start from the kernel's content.
    var needsFullSync: Bool { state.withLock { $0.proxy == nil } }

    private static func merge(
        _ services: [ServiceKey: [ProxyState.Change]], into state: inout State
    ) -> [ServicePortName: ProxyState.Change?] {
        var changes: [ServicePortName: ProxyState.Change?] = [:]
        for (service, ports) in services {
            let names = Set(ports.map(\.port.name))
            for name in state.byService[service] ?? [] where !names.contains(name) {
                changes.updateValue(nil, forKey: name)
                state.wanted[name] = nil
            }
            for change in ports {
                changes[change.port.name] = .some(change)
                state.wanted[change.port.name] = change
            }
            state.byService[service] = names.isEmpty ? nil : names
        }
        return changes
    }

    private func startAnew(_ state: inout State) throws(NFTablesError) -> ProxyState.Plan {
        do throws(NFTablesError) {
            var proxy = ProxyState(table)
            let kernel = try KernelContent.read(table, from: ruleset)
            proxy.adopt(kernel)
            let plan = proxy.plan(
                state.wanted.mapValues { .some($0) }, nodePortIPs: state.nodePortIPs, serviceRanges: state.serviceRanges
            )
            try ruleset.commit(plan.transaction)
            state.proxy = proxy
            logger.info(
                kernel == nil ? "made the nftables table" : "adopted the nftables table",
                ["table": "\(table.table)", "ports": "\(state.wanted.count)"])
            return plan
        } catch {
            metrics.syncFailures.increment([label])
            throw error
        }
    }

    /// Checks the kernel's table against the state and mends it.
    func resync() throws(NFTablesError) {
        let plan = try state.withLock { state throws(NFTablesError) in
            state.proxy = nil
            return try startAnew(&state)
        }
        flows.add(StaleFlows.Work(frontends: plan.staleFrontends))
    }

    /// Looks through the kernel's flows once for all that `flows` holds, and forgets those that are stale by the rules as they
    /// are now. Takes as long as there are flows: to be called beside the syncs. What it could not do `flows` holds again.
    /// - Returns: How many were forgotten.
    @discardableResult func forgetFlows() throws(NetlinkError) -> Int {
        guard let conntrack else { return 0 }
        let work = flows.take()
        guard !work.isEmpty else { return 0 }
        // After a failed sync nobody knows who serves: the next that succeeds wakes who looks.
        guard let search = state.withLock({ state in state.proxy.map { FlowSearch(work, $0) } }) else {
            flows.keep(work)
            return 0
        }
        let clock = ContinuousClock()
        let start = clock.now
        defer { metrics.conntrackDuration.observe(clock.now - start, [label]) }
        do throws(NetlinkError) {
            let (entries, areAll) = try conntrack.conntrackEntries(
                table.family, protocolNumber: 17, where: search.matches)
            let forgotten = try forget(entries, conntrack)
            metrics.flowsDeleted.increment([label], by: Double(forgotten))
            if !areAll { flows.add(work) }
            return forgotten
        } catch {
            flows.keep(work)
            throw error
        }
    }

    /// Each is looked at by the rules there are when it is forgotten: they do not change in between.
    private func forget(_ entries: [ConntrackEntry], _ conntrack: NetlinkSocket) throws(NetlinkError) -> Int {
        var forgotten = 0
        // One that cannot be forgotten keeps no other.
        var failure: NetlinkError?
        for entry in entries {
            do throws(NetlinkError) {
                let wasThere = try state.withLock { state throws(NetlinkError) in
                    guard let proxy = state.proxy else {
                        throw NetlinkError(EAGAIN, "forget stale flows", kernelMessage: "the rules are not known")
                    }
                    guard proxy.isStale(entry) else { return false }
                    return try conntrack.deleteConntrackEntry(table.family, entry)
                }
                if wasThere { forgotten += 1 }
            } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
        return forgotten
    }

    /// Removes the table: for `swiftlet proxy --cleanup`.
    func remove() throws(NFTablesError) {
        var transaction = Transaction(table.table)
        transaction.removeTable()
        try ruleset.commit(transaction)
        state.withLock { $0.proxy = nil }
    }
}
