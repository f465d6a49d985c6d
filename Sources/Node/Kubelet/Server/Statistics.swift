// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import JSON
internal import KubeAPI
internal import Linux

/// What pods and containers use, read from their cgroups when somebody asks. Without the controllers of a resource its
/// figures are left out: they are not known.
struct Statistics {
    let kubelet: Kubelet

    private struct Used {
        var pod: Pod
        var container: String
        var id: String
        var statistics: CgroupStatistics
        var startedAt: Int64
    }

    private func used() async -> [Used] {
        guard let tree = await kubelet.cgroupTree else { return [] }
        var result: [Used] = []
        for worker in await kubelet.workersByUID.values {
            let pod = worker.shown
            for running in worker.shownRunning {
                // It may end between the look and the reading.
                guard let statistics = try? tree.container(running.id, of: pod).statistics() else { continue }
                result.append(
                    Used(
                        pod: pod, container: running.name, id: running.id, statistics: statistics,
                        startedAt: running.startedAt))
            }
        }
        return result
    }

    private static func now() -> String { Times.text(KernelClock.wall.now()) }

    func summary() async -> [UInt8] {
        let used = await used()
        var pods: [JSONValue] = []
        for (uid, containers) in Dictionary(grouping: used, by: \.pod.uid).sorted(by: { $0.key < $1.key }) {
            guard let pod = containers.first?.pod else { continue }
            pods.append([
                "podRef": [
                    "name": .string(pod.metadata.name ?? ""), "namespace": .string(pod.metadata.namespace ?? ""),
                    "uid": .string(uid),
                ],
                "startTime": .string(pod.status.json["startTime"]?.string ?? Self.now()),
                "containers": .array(
                    containers.map { container in
                        .object(Self.container(container.container, container.statistics, container.startedAt))
                    }),
            ])
        }
        var node: JSONObject = ["nodeName": .string(kubelet.settings.nodeName), "startTime": .string(Self.now())]
        if let memory = NodeMemory.read() {
            node["memory"] = [
                "time": .string(Self.now()), "availableBytes": .integer(memory.available),
                "usageBytes": .integer(memory.total - memory.free),
                "workingSetBytes": .integer(memory.total - memory.available),
            ]
        }
        if let cpu = NodeMemory.cpuNanoseconds() {
            node["cpu"] = ["time": .string(Self.now()), "usageCoreNanoSeconds": .integer(cpu)]
        }
        if let disk = try? Files.filesystem(kubelet.settings.rootDirectory) {
            node["fs"] = [
                "time": .string(Self.now()), "availableBytes": .integer(Int64(disk.availableBytes)),
                "capacityBytes": .integer(Int64(disk.capacityBytes)),
                "usedBytes": .integer(Int64(disk.capacityBytes - disk.freeBytes)),
                "inodesFree": .integer(Int64(disk.freeInodes)), "inodes": .integer(Int64(disk.inodes)),
            ]
        }
        return JSONValue.object(["node": .object(node), "pods": .array(pods)]).encoded()
    }

    private static func container(_ name: String, _ used: CgroupStatistics, _ startedAt: Int64) -> JSONObject {
        var object: JSONObject = ["name": .string(name), "startTime": .string(Times.text(startedAt))]
        if let cpu = used.cpuUsage {
            object["cpu"] = ["time": .string(now()), "usageCoreNanoSeconds": .integer(Int64(cpu) * 1000)]
        }
        if let memory = used.memoryCurrent {
            object["memory"] = [
                "time": .string(now()), "usageBytes": .integer(Int64(memory)),
                "workingSetBytes": .integer(Int64(used.workingSet ?? memory)),
            ]
        }
        return object
    }

    func resourceMetrics() async -> String {
        var lines: [String] = []
        if let cpu = NodeMemory.cpuNanoseconds() {
            lines += [
                "# TYPE node_cpu_usage_seconds_total counter", "node_cpu_usage_seconds_total \(Double(cpu) / 1e9)",
            ]
        }
        if let memory = NodeMemory.read() {
            lines += [
                "# TYPE node_memory_working_set_bytes gauge",
                "node_memory_working_set_bytes \(memory.total - memory.available)",
            ]
        }
        let used = await used()
        lines.append("# TYPE container_cpu_usage_seconds_total counter")
        for one in used {
            if let cpu = one.statistics.cpuUsage {
                lines.append("container_cpu_usage_seconds_total\(Self.labels(one)) \(Double(cpu) / 1e6)")
            }
        }
        lines.append("# TYPE container_memory_working_set_bytes gauge")
        for one in used {
            if let memory = one.statistics.workingSet {
                lines.append("container_memory_working_set_bytes\(Self.labels(one)) \(memory)")
            }
        }
        lines.append("# TYPE container_start_time_seconds gauge")
        for one in used {
            lines.append("container_start_time_seconds\(Self.labels(one)) \(Double(one.startedAt) / 1e9)")
        }
        lines += ["# TYPE resource_scrape_error gauge", "resource_scrape_error 0", ""]
        return lines.joined(separator: "\n")
    }

    private static func labels(_ one: Used) -> String {
        "{container=\"\(one.container)\",namespace=\"\(one.pod.metadata.namespace ?? "")\",pod=\"\(one.pod.metadata.name ?? "")\"}"
    }

    /// The basic series under cAdvisor's names.
    func containerMetrics() async -> String { await resourceMetrics() }
}

/// The machine's own figures.
enum NodeMemory {
    static func read() -> (total: Int64, free: Int64, available: Int64)? {
        guard let text = try? Files.readText("/proc/meminfo") else { return nil }
        var values: [Substring: Int64] = [:]
        for line in text.split(separator: "\n").prefix(5) {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1 { values[words[0]] = Int64(words[1]).map { $0 * 1024 } }
        }
        guard let total = values["MemTotal:"], let free = values["MemFree:"], let available = values["MemAvailable:"]
        else { return nil }
        return (total, free, available)
    }

    /// The time all processors have worked, from /proc/stat's ticks of 10 ms.
    static func cpuNanoseconds() -> Int64? {
        guard let text = try? Files.readText("/proc/stat"), let line = text.split(separator: "\n").first else {
            return nil
        }
        let ticks = line.split(separator: " ").dropFirst().prefix(3).compactMap { Int64($0) }
        return ticks.reduce(0, +) * 10_000_000
    }
}
