// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import JSON
import KubeAPI
import Schema
import Synchronization
public import Telemetry

/// Runs work in one process of many: whoever holds a Lease.
///
/// A holder that cannot renew within `renewDeadline` stops its work before others may take the lease after
/// `leaseDuration`, by its own clock: no two clocks are compared.
public final class LeaderElector: Sendable {
    public struct Settings: Sendable {
        public var leaseDuration: Duration = .seconds(15)
        public var renewDeadline: Duration = .seconds(10)
        public var retryPeriod: Duration = .seconds(2)
        /// Gives the lease up when the work ends, so that a successor need not wait.
        public var releasesOnCancel = true

        public init() {}
    }

    /// What a Lease says.
    struct Record: Sendable, Equatable {
        var holder = ""
        var durationSeconds = 0
        var acquireTime = ""
        var renewTime = ""
        var transitions = 0

        init() {}

        init(lease: JSONObject) {
            let spec = lease["spec"]
            holder = spec?["holderIdentity"]?.string ?? ""
            durationSeconds = spec?["leaseDurationSeconds"]?.boundedInteger ?? 0
            acquireTime = spec?["acquireTime"]?.string ?? ""
            renewTime = spec?["renewTime"]?.string ?? ""
            transitions = spec?["leaseTransitions"]?.boundedInteger ?? 0
        }

        var spec: JSONObject {
            var spec = JSONObject()
            spec["holderIdentity"] = .string(holder)
            spec["leaseDurationSeconds"] = .integer(Int64(max(1, durationSeconds)))
            if !acquireTime.isEmpty { spec["acquireTime"] = .string(acquireTime) }
            if !renewTime.isEmpty { spec["renewTime"] = .string(renewTime) }
            spec["leaseTransitions"] = .integer(Int64(transitions))
            return spec
        }
    }

    static let leases = ResourceID(
        group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true)

    let client: KubeClient
    public let namespace: String
    public let name: String
    /// Unique among candidates; one that is stable over restarts takes its lease back at once.
    public let identity: String
    let settings: Settings
    let logger: Logger?
    private let observed = Mutex<(record: Record, at: ContinuousClock.Instant)?>(nil)
    private let leading = Mutex(false)

    public init(
        client: KubeClient, namespace: String = "kube-system", name: String, identity: String,
        settings: Settings = Settings(), logger: Logger? = nil
    ) {
        self.client = client
        self.namespace = namespace
        self.name = name
        self.identity = identity
        self.settings = settings
        self.logger = logger
    }

    public var isLeader: Bool { leading.withLock { $0 } }

    /// The identity of the holder last seen.
    public var holder: String { observed.withLock { $0?.record.holder ?? "" } }

    /// Runs `work` whenever and as long as this candidate holds the lease, until cancelled.
    public func run(_ work: @escaping @Sendable () async -> Void) async {
        while !Task.isCancelled {
            guard await acquire() else { return }
            leading.withLock { $0 = true }
            logger?.info("leader election: acquired", ["lease": "\(namespace)/\(name)", "identity": identity])
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await work() }
                group.addTask { await self.renew() }
                _ = await group.next()
                group.cancelAll()
            }
            leading.withLock { $0 = false }
            if Task.isCancelled {
                if settings.releasesOnCancel { await release() }
            } else {
                logger?.error("leader election: lost", ["lease": "\(namespace)/\(name)", "identity": identity])
            }
        }
    }

    private func acquire() async -> Bool {
        while !Task.isCancelled {
            if await tryAcquireOrRenew() { return true }
            do {
                try await Task.sleep(for: settings.retryPeriod * (1 + Double.random(in: 0..<1.2)))
            } catch {
                return false
            }
        }
        return false
    }

    private func renew() async {
        var last = ContinuousClock.now
        while !Task.isCancelled {
            do { try await Task.sleep(for: settings.retryPeriod) } catch { return }
            let deadline = last.advanced(by: settings.renewDeadline)
            let renewed = await withTaskGroup(of: Bool.self) { group in
                group.addTask { await self.tryAcquireOrRenew() }
                group.addTask {
                    // Cancelled when the attempt answers first: then nobody looks at this.
                    do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return false }
                    return false
                }
                let first = await group.next() ?? false
                group.cancelAll()
                return first
            }
            if renewed { last = .now } else if ContinuousClock.now >= deadline { return }
        }
    }

    /// One attempt; true when this candidate holds the lease afterwards.
    func tryAcquireOrRenew() async -> Bool {
        do {
            let now = Timestamp.now.micro
            let lease: JSONObject
            do {
                lease = try await client.get(Self.leases, namespace: namespace, name: name)
            } catch  where error.isNotFound {
                var record = Record()
                record.holder = identity
                record.durationSeconds = Int(settings.leaseDuration.inSeconds)
                record.acquireTime = now
                record.renewTime = now
                let metadata: JSONObject = ["name": .string(name), "namespace": .string(namespace)]
                _ = try await client.create(
                    Self.leases, ["metadata": .object(metadata), "spec": .object(record.spec)], namespace: namespace)
                observe(record)
                return true
            }
            let found = Record(lease: lease)
            let seen = observe(found)
            if !found.holder.isEmpty, found.holder != identity {
                let expiry = seen.advanced(by: .seconds(found.durationSeconds))
                if expiry > ContinuousClock.now { return false }
            }
            var record = found
            record.durationSeconds = Int(settings.leaseDuration.inSeconds)
            record.renewTime = now
            if found.holder != identity {
                record.holder = identity
                record.acquireTime = now
                record.transitions += 1
            }
            var updated = lease
            updated["spec"] = .object(record.spec)
            _ = try await client.update(Self.leases, updated)
            observe(record)
            return true
        } catch {
            if !(error is CancellationError), !error.isConflict, !error.isAlreadyExists {
                logger?.warning(
                    "leader election: cannot take or renew the lease",
                    ["lease": "\(namespace)/\(name)", "error": "\(error)"])
            }
            return false
        }
    }

    /// Notes what the lease says; returns when it last changed, by this process's clock.
    @discardableResult
    private func observe(_ record: Record) -> ContinuousClock.Instant {
        observed.withLock { observed in
            if let current = observed, current.record == record { return current.at }
            let now = ContinuousClock.now
            observed = (record, now)
            return now
        }
    }

    private func release() async {
        // The task is cancelled already; the release must still go out.
        await EventLoop.here.begin {
            do {
                let lease = try await client.get(Self.leases, namespace: namespace, name: name)
                var record = Record(lease: lease)
                guard record.holder == identity else { return }
                record.holder = ""
                record.durationSeconds = 1
                record.renewTime = Timestamp.now.micro
                var updated = lease
                updated["spec"] = .object(record.spec)
                _ = try await client.update(Self.leases, updated)
            } catch {
                logger?.debug("leader election: cannot release the lease", ["error": "\(error)"])
            }
        }.value
    }
}
