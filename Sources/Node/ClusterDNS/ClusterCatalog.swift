// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Synchronization
internal import Telemetry

/// The records, kept to what the API server says by watching it.
final class ClusterCatalog: Sendable {
    private let records: Mutex<ClusterRecords>
    private let namespaces: Informer<Namespace>
    let services: Informer<Service>
    let slices: Informer<EndpointSlice>
    private let isComplete = Mutex(false)

    init(zone: DNSName, client: KubeClient, logger: Logger) {
        records = Mutex(ClusterRecords(zone: zone, serial: UInt32(truncatingIfNeeded: Timestamp.now.seconds)))
        // Only what names are made of is cached.
        namespaces = Informer(client: client, logger: logger, transform: { $0.reduced() })
        services = Informer(client: client, logger: logger, transform: { $0.reduced("spec").packed("spec", "ports") })
        slices = Informer(
            client: client, logger: logger,
            transform: {
                $0.reduced("addressType", "endpoints", "ports").packed("endpoints").packed("ports")
            })
        addHandlers()
    }

    private func addHandlers() {
        namespaces.addHandler { [weak self] change in
            self?.records.withLock { $0.setNamespace(change.object.name, exists: !change.isDeletion) }
        }
        services.addHandler { [weak self] change in
            let service = change.object
            let value = change.isDeletion ? nil : NamedService(service.unpacked("spec", "ports"))
            self?.records.withLock {
                $0.setService(ObjectName(service.metadata.namespace ?? "", service.name), value)
            }
        }
        slices.addHandler { [weak self] change in
            let slice = change.object
            let value = change.isDeletion ? nil : EndpointGroup(slice.unpacked("endpoints").unpacked("ports"))
            self?.records.withLock { $0.setSlice(ObjectName(slice.metadata.namespace ?? "", slice.name), value) }
        }
    }

    /// Watches until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.namespaces.run() }
            group.addTask { await self.services.run() }
            group.addTask { await self.slices.run() }
            group.addTask {
                do { try await self.waitForSync() } catch { return }  // Cancelled: nobody asks any more.
                self.isComplete.withLock { $0 = true }
            }
        }
    }

    func waitForSync() async throws {
        try await namespaces.waitForSync()
        try await services.waitForSync()
        try await slices.waitForSync()
    }

    /// As `ClusterRecords.verdict`; nil while not all that exists is known, and "no such name" could be a lie.
    func verdict(_ question: DNSQuestion, limit: Int) -> Verdict? {
        let isComplete = isComplete.withLock { $0 }
        return records.withLock { records in
            let verdict = records.verdict(question, limit: limit)
            return isComplete || verdict == .notOurs ? verdict : nil
        }
    }
}

extension InformerChange {
    var isDeletion: Bool {
        if case .deleted = self { return true }
        return false
    }
}

extension KubeObject {
    /// The object with its identity, its labels and these fields alone.
    func reduced(_ fields: String...) -> Self {
        var result = Self()
        var metadata = JSONObject()
        for field in ["name", "namespace", "uid", "resourceVersion", "labels"] {
            metadata[field] = json["metadata"]?[field]
        }
        result.json["metadata"] = .object(metadata)
        for field in fields { result.json[field] = json[field] }
        return result
    }
}
