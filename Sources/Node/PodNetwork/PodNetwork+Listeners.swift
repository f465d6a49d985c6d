// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink
internal import Synchronization
internal import Telemetry

// Host ports beside programs of the machine that listen: a pod gets no port that a program has, and nothing of what the
// machine sends to itself on its loopback while a program listens there.

extension HostPort {
    /// The program's socket whose packets the host port would take; nil when there is none. A program that listens on
    /// loopback alone keeps what comes there, and stands in nobody's way but of who asks for that very address.
    func conflict(with listeners: some Sequence<ListeningSocket>) -> ListeningSocket? {
        listeners.first { listener in
            guard listener.port == transport else { return false }
            if listener.address.isUnspecified { return true }
            return hostIP.map { $0 == listener.address } ?? !listener.address.isLoopback
        }
    }
}

extension PodNetwork {
    /// The sockets of programs of the node's namespace. A kernel that does not tell (CONFIG_INET_DIAG) keeps no pod from
    /// starting: host ports then go before programs, as they do upstream.
    private func listeners() -> Set<ListeningSocket> {
        do throws(NetlinkError) { return try diagnostics.listeners() } catch {
            logger.warning("list the machine's listening sockets", ["error": "\(error)"])
            return []
        }
    }

    /// Fails when a host port of a pod that is to come is a program's.
    func checkHostPorts(_ pod: PodNetworkRequest) throws(PodNetworkError) {
        guard !pod.hostPorts.isEmpty else { return }
        // A pod that has been connected has its ports, whoever came later.
        guard state.withLock({ $0.leases.leases[pod.podUID] == nil }) else { return }
        let listeners = listeners()
        for port in pod.hostPorts {
            if let other = port.conflict(with: listeners) {
                throw PodNetworkError(
                    "host port \(port.transport) is one that a program of the node listens on, at \(other.address)")
            }
        }
    }

    /// The host ports that programs listen on at loopback as well.
    func loopbackListeners(_ leases: some Sequence<Lease>) -> Set<TransportPort> {
        let ports = Set(leases.flatMap(\.hostPorts).map(\.transport))
        if ports.isEmpty { return [] }
        let here = listeners().filter { $0.address.isUnspecified || $0.address.isLoopback }
        return ports.intersection(here.map(\.port))
    }

    /// Has the table know which ports programs listen on now.
    func spareListeners() throws(NFTablesError) {
        let leases = state.withLock { Array($0.leases.leases.values) }
        let ports = loopbackListeners(leases)
        // Under the lock: what an older look would leave must not come last.
        try state.withLock { state throws(NFTablesError) in
            guard state.listeners != ports else { return }
            for table in tables where table.family == .v4 {
                var transaction = Transaction(table.table)
                table.setListeners(ports, in: &transaction)
                try ruleset.commit(transaction)
            }
            state.listeners = ports
        }
    }
}
