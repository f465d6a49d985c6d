// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Synchronization
internal import Telemetry

/// Writes pods' statuses to the API server: at once, one write a pod at a time, and always the latest.
final class StatusReporter: Sendable {
    private struct Pending {
        var pod: Pod
        var status: JSONObject
        var isDone: Bool
        var finished: @Sendable () async -> Void
    }
    private struct Slot {
        var pending: Pending?
        var isWriting = false
        var lastWritten: JSONObject?
    }
    private let client: KubeClient?
    private let logger: Logger
    private let slots = Mutex<[String: Slot]>([:])
    /// The uid under which the API server knows a static pod's mirror, by the static pod's uid.
    private let mirrors = Mutex<[String: String]>([:])

    init(client: KubeClient?, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    var isConnected: Bool { client != nil }

    func setMirror(_ uid: String?, for pod: String) {
        let before = mirrors.withLock { mirrors in
            let before = mirrors[pod]
            mirrors[pod] = uid
            return before
        }
        // Another object, which has been told of nothing yet.
        if before != uid { slots.withLock { $0[pod]?.lastWritten = nil } }
    }

    /// - Parameters:
    ///   - isDone: Nothing of the pod runs any more: its object may be removed once the status is written.
    ///   - executor: Where it is written.
    func report(
        pod: Pod, status: JSONObject, isDone: Bool, on executor: any TaskExecutor,
        finished: @escaping @Sendable () async -> Void
    ) {
        guard client != nil else { return }
        let pending = Pending(pod: pod, status: status, isDone: isDone, finished: finished)
        let begins = slots.withLock { slots in
            var slot = slots[pod.uid] ?? Slot()
            slot.pending = pending
            let begins = !slot.isWriting
            slot.isWriting = true
            slots[pod.uid] = slot
            return begins
        }
        if begins { executor.begin { await self.write(pod.uid) } }
    }

    func forget(_ uid: String) { slots.withLock { $0[uid] = nil } }

    private func next(_ uid: String) -> Pending? {
        slots.withLock { slots in
            guard let pending = slots[uid]?.pending else {
                slots[uid]?.isWriting = false
                return nil
            }
            slots[uid]?.pending = nil
            return pending
        }
    }

    private func write(_ uid: String) async {
        var delay = 0.1
        while let pending = next(uid) {
            do {
                try await write(pending)
                delay = 0.1
            } catch {
                // The pod's end must be told; what came meanwhile is newer and goes instead.
                slots.withLock { slots in
                    if slots[uid]?.pending == nil { slots[uid]?.pending = pending }
                }
                logger.warning("write a pod's status", ["pod": pending.pod.key, "error": "\(error)"])
                do { try await sleep(for: .seconds(delay)) } catch { return }
                delay = min(delay * 2, 10)
            }
        }
    }

    private func write(_ pending: Pending) async throws {
        guard let client else { return }
        let pod = pending.pod
        let uid = mirrors.withLock { $0[pod.uid] } ?? pod.uid
        if pod.isStatic, mirrors.withLock({ $0[pod.uid] }) == nil { return }
        let last = slots.withLock { $0[pod.uid]?.lastWritten }
        do {
            if last != pending.status {
                _ = try await client.patch(
                    Pod.resource, namespace: pod.metadata.namespace, name: pod.metadata.name ?? "",
                    body: patch(pending.status, old: last ?? pod.status.json, uid: uid), kind: .strategicMerge,
                    subresource: "status")
                slots.withLock { $0[pod.uid]?.lastWritten = pending.status }
            }
            if pending.isDone, !pod.isStatic {
                var options = DeleteOptions()
                options.gracePeriodSeconds = 0
                options.uid = uid
                try await client.delete(
                    Pod.resource, namespace: pod.metadata.namespace, name: pod.metadata.name ?? "", options: options)
                await pending.finished()
            }
        } catch let error as StatusError where error.isNotFound || (error.isConflict && pending.isDone) {
            // The object is gone, or another has its name: nobody is left to tell.
            if pending.isDone { await pending.finished() }
        }
    }

    /// The whole status; members that are gone are taken away.
    private func patch(_ status: JSONObject, old: JSONObject, uid: String) -> JSONValue {
        var status = status
        for key in old.keys where status[key] == nil && !StatusReporter.foreign.contains(key) { status[key] = .null }
        status["conditions"] = .array(
            (status["conditions"]?.array ?? []).map { condition in
                let before = old["conditions"]?.array?.first { $0["type"] == condition["type"] }
                return StatusReporter.clearing(condition, before)
            })
        // Addresses are merged by their text, so that those of an earlier sandbox would stay.
        for key in ["podIPs", "hostIPs"] {
            if let addresses = status[key]?.array { status[key] = .array(addresses + [["$patch": "replace"]]) }
        }
        return ["metadata": ["uid": .string(uid)], "status": .object(status)]
    }

    /// The condition, with a null for what it no longer says: a merge would keep an old reason or message.
    private static func clearing(_ condition: JSONValue, _ before: JSONValue?) -> JSONValue {
        guard var members = condition.object else { return condition }
        for key in before?.object?.keys ?? [] where members[key] == nil { members[key] = .null }
        return .object(members)
    }

    /// Members that other components write.
    private static let foreign: Set<String> = ["nominatedNodeName", "resourceClaimStatuses", "resize"]
}
