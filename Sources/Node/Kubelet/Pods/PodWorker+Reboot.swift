// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Linux
internal import Numbers
internal import Text

extension PodWorker {
    /// After a reboot nothing of the pod is here but its status and its logs: what ran then counts as run, what ended for
    /// good stays so, and old logs are not written over.
    ///
    /// Whoever may write a pod's status chose what is read here. It is told again, and decides what is started; nothing on
    /// the node is found, stopped or removed by it, so that no record gets its id.
    func countOn() {
        let plan = PodPlan(
            pod: pod, containers: containers.all, situations: [:], hasSandbox: false,
            isTerminating: false, now: 0)
        let statuses =
            pod.status.initContainerStatuses + pod.status.containerStatuses + pod.status.ephemeralContainerStatuses
        let byName = Dictionary(statuses.map { ($0.name, $0) }) { first, _ in first }
        for planned in plan.containers {
            let name = planned.name
            let status = byName[name]
            if let status, status.containerID?.isEmpty == false {
                let end = ContainerEnd(before: status)
                if planned.role != .initialization, !plan.restarts(planned, after: end.code) {
                    records[name]?.restartCount = status.restartCount
                    records[name]?.end = end
                    records[name]?.situation.phase = .exited(code: end.code)
                    continue
                }
                records[name]?.previous = end
                records[name]?.restartCount = status.restartCount + 1
            }
            // A static pod's manifest has no status; its logs tell.
            let runs = (lastLog(of: name) ?? -1) + 1
            if let known = records[name]?.restartCount, known < runs { records[name]?.restartCount = runs }
        }
    }

    /// The number of the newest log of a container.
    private func lastLog(of container: String) -> Int? {
        let directory =
            "\(services.settings.logDirectory)/\(pod.metadata.namespace ?? "")_\(pod.metadata.name ?? "")_\(uid)/\(container)"
        // No directory: it never ran.
        guard let entries = try? Files.list(directory) else { return nil }
        return entries.compactMap { $0.name.split(separator: ".").first.flatMap { Int($0, in: 0...Int(Int32.max)) } }
            .max()
    }
}

extension ContainerEnd {
    /// How a container ended of which a status is all that is left. One that ran when the machine went down ended in a
    /// way nobody saw.
    init(before status: ContainerStatus) {
        let id = ContainerEnd.identifier(status.containerID)
        if let end = status.state?.terminated {
            self.init(
                id: id, code: Int32(truncatingIfNeeded: end.exitCode),
                signal: Int32(truncatingIfNeeded: end.signal ?? 0), reason: end.reason ?? "",
                message: end.message ?? "", startedAt: Self.nanoseconds(end.startedAt),
                finishedAt: Self.nanoseconds(end.finishedAt))
        } else {
            let began = Self.nanoseconds(status.state?.running?.startedAt)
            self.init(
                id: id, code: 255, signal: 0, reason: "Unknown", message: "", startedAt: began,
                finishedAt: KernelClock.wall.now())
        }
    }

    /// The id of a `runtime://id`; empty for what no container has: it may be part of a path.
    static func identifier(_ text: String?) -> String {
        let id = String(text?.steps.last ?? "")
        let isHexadecimal = id.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        return isHexadecimal && id.utf8.count == 64 ? id : ""
    }

    private static func nanoseconds(_ time: KubeTime?) -> Int64 { time?.nanosecondsSinceEpoch ?? 0 }
}
