// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import KubeAPI
internal import KubeClient
internal import Linux
internal import Netlink
internal import Synchronization
internal import Telemetry

// What Services may not claim: who has which addresses, and what is told about it.

/// Why a Service does not get all it asks for, as its events name it.
enum RefusalReason: String {
    /// Addresses and ports that are somebody else's.
    case addressRefused = "AddressRefused"
    /// More than there is room for: `ElementBudget`.
    case portsNotServed = "PortsNotServed"
}

extension ProxyServer {
    /// The Service of the API server, whose endpoints are its addresses.
    static let apiServer = ServiceKey("default", "kubernetes")

    /// What Services may claim depends on who has which addresses: looks at all of them again when that changed.
    func claimsChanged() {
        // Before that `knowOwners` looks when all are there, not at each that comes.
        let change = state.withLock { state -> (before: ExternalClaims, after: ExternalClaims)? in
            guard let before = state.claims else { return nil }
            // Read under the lock: what an older look would leave must not come last.
            let claims = readClaims(state.addresses, state.machine)
            state.claims = claims
            return claims == before ? nil : (before, claims)
        }
        guard let change else { return }
        guard let addresses = change.after.changedOwners(since: change.before) else { return queue.node() }
        for service in services.list() {
            let texts = service.spec.externalIPs + (service.status.loadBalancer?.ingress ?? []).compactMap(\.ip)
            if texts.contains(where: { IPAddress($0).map(addresses.contains) ?? false }) {
                queue.service(ServiceKey(service.metadata.namespace ?? "", service.name))
            }
        }
    }

    /// Looks again when nodes' addresses have changed, at once and then once a second: a node that changes its own without
    /// end keeps no other busy.
    func ownerLoop() async throws {
        for await _ in owners.wakeups {
            claimsChanged()
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func readClaims(_ own: [IPAddress], _ machine: Set<IPAddress>) -> ExternalClaims {
        var claims = ExternalClaims()
        claims.machine = machine
        claims.serviceRanges = ranges.list().flatMap(\.spec.cidrs).compactMap { IPPrefix($0) }.sorted()
        claims.podRanges = configuration.clusterCIDRs
        claims.isComplete = nodes.hasSynced && ranges.hasSynced
        claims.allowed = configuration.allowedExternalIPs
        claims.ownPorts = configuration.rules.ownPorts
        for slice in slices.list(index: "service", value: "\(Self.apiServer)") {
            for address in slice.endpoints.flatMap(\.addresses).compactMap({ IPAddress($0) }) {
                claims.owners[address] = "the API server"
            }
        }
        for node in nodes.list() {
            for address in node.status.addresses.compactMap({ IPAddress($0.address) }) {
                claims.owners[address] = "node \(node.metadata.name ?? "")"
            }
        }
        for address in own where claims.owners[address] == nil {
            claims.owners[address] = "node \(nodeName)"
        }
        return claims
    }

    /// Tells once what a Service asks for and does not get.
    func tell(_ reason: RefusalReason, _ refusals: [String], of key: ServiceKey) {
        let isNew = state.withLock { state in
            let before = state.refusals[reason]?[key] ?? []
            state.refusals[reason, default: [:]][key] = refusals.isEmpty ? nil : refusals
            return !refusals.isEmpty && before != refusals
        }
        guard isNew, let service = services.get(key.name, namespace: key.namespace) else { return }
        let text = refusals.joined(separator: "; ")
        logger.warning("a Service asks for what it does not get", ["service": "\(key)", "refused": text])
        recorder.event(service, .warning, reason: reason.rawValue, text, action: "Sync")
    }

    /// Looks again when it is known who has which addresses, however long that takes.
    func knowOwnersAtLast() async {
        do {
            try await nodes.waitForSync()
            try await ranges.waitForSync()
        } catch { return }  // Cancelled.
        claimsChanged()
    }

    /// Waits for who has which addresses. An API server that does not tell (an older one has no ranges) must not keep
    /// every Service from working: they do at their own addresses, and at no others until then.
    func knowOwners() async {
        readMachine()
        let isKnown = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do {
                    try await self.nodes.waitForSync()
                    try await self.ranges.waitForSync()
                    return true
                } catch { return false }
            }
            group.addTask {
                // Cancelled when the other was faster: then nobody looks at this.
                do { try await Task.sleep(for: .seconds(10)) } catch { return false }
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
        if !isKnown, !Task.isCancelled {
            logger.error(
                "nodes or ranges of Services cannot be listed: until they can, Services have no external addresses", [:]
            )
        }
        state.withLock { $0.claims = readClaims($0.addresses, $0.machine) }
    }

    /// Follows which addresses the machine has: a second network card, another program's bridge.
    func addressLoop() async throws {
        while true {
            do {
                let namespace = try NetworkNamespace.current()
                let changes = try AddressChanges(in: namespace)
                let events = AsyncDescriptor(owning: try changes.descriptor.duplicate())
                readMachine()
                while true {
                    try await events.readable()
                    // A pod that starts makes several changes, none of which matters here.
                    try await Task.sleep(for: .milliseconds(100))
                    try changes.take()
                    readMachine()
                }
            } catch {
                try Task.checkCancellation()
                logger.error("follow the machine's addresses", ["error": "\(error)"])
                try await Task.sleep(for: .seconds(10))
            }
        }
    }

    /// Looks which addresses the machine has; after a failure they are what they were.
    func readMachine() {
        do throws(NetlinkError) {
            let all = try route.addresses().map(\.prefix.address)
            let machine = Set(all.filter { $0.specialty == nil })
            let isNew = state.withLock { state in
                defer { state.machine = machine }
                return state.machine != machine
            }
            if isNew { claimsChanged() }
        } catch {
            logger.error("list the machine's addresses", ["error": "\(error)"])
        }
    }
}
