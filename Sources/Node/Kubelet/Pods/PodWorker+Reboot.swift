// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Linux
internal import Numbers

extension PodWorker {
    /// After a reboot nothing of the pod is here but its status and its logs: what ran then counts as run, what ended for
    /// good stays so, and old logs are not written over.
    func countOn() {
        let plan = PodPlan(
            pod: pod, containers: PlannedContainer.all(of: pod), situations: [:], hasSandbox: false,
            isTerminating: false, now: 0)
        let statuses =
            pod.status.initContainerStatuses + pod.status.containerStatuses + pod.status.ephemeralContainerStatuses
        for planned in plan.containers {
            let name = planned.name
            let status = statuses.first { $0.name == name }
            if let status, status.containerID?.isEmpty == false {
                let end = ContainerEnd(before: status)
                if planned.role != .initialization, !plan.restarts(planned, after: end.code) {
                    records[name]?.id = end.id
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
        let id = String(status.containerID?.split(separator: "/").last ?? "")
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

    private static func nanoseconds(_ time: KubeTime?) -> Int64 { time?.nanosecondsSinceEpoch ?? 0 }
}
