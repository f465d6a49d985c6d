// SPDX-License-Identifier: Apache-2.0

internal import Cgroups
internal import Glibc
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Linux

/// What the machine is, as its Node object tells it.
struct NodeStatus: Sendable {
    let settings: KubeletSettings
    let configuration: KubeletConfiguration
    /// Cgroup controllers that limits need and this machine lacks.
    let missingControllers: Set<String>

    static var memoryBytes: Int64 {
        // A machine without /proc/meminfo cannot run pods in any case.
        guard let text = try? Files.readText("/proc/meminfo"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemTotal:") }),
            let kilobytes = Int64(line.split(whereSeparator: \.isWhitespace)[1])
        else { return 0 }
        return kilobytes * 1024
    }

    var capacity: [String: String] {
        var amounts = [
            "cpu": "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)))", "memory": "\(Self.memoryBytes / 1024)Ki",
            "pods": "\(configuration.maxPods)",
        ]
        // Without the directory there is no storage to offer.
        if let disk = try? Files.filesystem(settings.rootDirectory) {
            amounts["ephemeral-storage"] = "\(disk.capacityBytes / 1024)Ki"
        }
        for size in HugePageSize.offered() {
            let reserved = size.reserved
            amounts[size.resource] = reserved == 0 ? "0" : "\(reserved / 1024)Ki"
        }
        return amounts
    }

    /// Capacity less what is reserved for the system and kept free by eviction.
    var allocatable: [String: String] {
        var amounts = capacity
        let cpu = unreservedCPU
        amounts["cpu"] = cpu % 1000 == 0 ? "\(cpu / 1000)" : "\(max(cpu, 0))m"
        var memory = unreservedMemory - threshold("memory.available", of: Self.memoryBytes)
        // What is set aside in huge pages is no other memory.
        memory -= HugePageSize.offered().map(\.reserved).reduce(0, +)
        amounts["memory"] = "\(max(memory, 0) / 1024)Ki"
        if let disk = Quantities.value(amounts["ephemeral-storage"]) {
            let kept = reserved("ephemeral-storage", Quantities.value)
            amounts["ephemeral-storage"] = "\(max(disk - kept - threshold("nodefs.available", of: disk), 0))"
        }
        return amounts
    }

    /// What the cgroup of all pods is held to: everything that is not reserved. Eviction keeps its part free by itself.
    var podsLimits: CgroupLimits {
        var limits = CgroupLimits()
        limits.cpuWeight = PodLimits.weight(milli: unreservedCPU)
        limits.memoryMaximum = UInt64(max(unreservedMemory, 0))
        return limits
    }

    private func reserved(_ name: String, _ amount: (String?) -> Int64?) -> Int64 {
        [configuration.systemReserved, configuration.kubeReserved].compactMap { amount($0[name]) }.reduce(0, +)
    }

    /// Thousandths of a processor.
    private var unreservedCPU: Int64 {
        Int64(sysconf(Int32(_SC_NPROCESSORS_ONLN))) * 1000 - reserved("cpu", Quantities.milli)
    }

    private var unreservedMemory: Int64 { Self.memoryBytes - reserved("memory", Quantities.value) }

    private func threshold(_ signal: String, of capacity: Int64) -> Int64 {
        guard let text = configuration.evictionHard[signal] else { return 0 }
        if text.hasSuffix("%"), let percent = Double(text.dropLast()) { return Int64(Double(capacity) * percent / 100) }
        return Quantities.value(text) ?? 0
    }

    var labels: [String: String] {
        let architecture = self.architecture
        return [
            "kubernetes.io/hostname": settings.nodeName, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": architecture, "beta.kubernetes.io/os": "linux",
            "beta.kubernetes.io/arch": architecture,
        ].merging(settings.nodeLabels) { $1 }
    }

    private var architecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    private func text(_ path: String) -> String {
        // A fact the machine does not tell stays empty, as upstream leaves it.
        ((try? Files.readText(path)) ?? "").split(separator: "\n").first.map(String.init) ?? ""
    }

    var info: JSONValue {
        let release = ((try? Files.readText("/etc/os-release")) ?? "").split(separator: "\n")
        let name = release.first { $0.hasPrefix("PRETTY_NAME=") }.map { String($0.dropFirst(12).filter { $0 != "\"" }) }
        return [
            "machineID": .string(text("/etc/machine-id")),
            "systemUUID": .string(text("/sys/class/dmi/id/product_uuid")),
            "bootID": .string(text("/proc/sys/kernel/random/boot_id")),
            "kernelVersion": .string(text("/proc/sys/kernel/osrelease")), "osImage": .string(name ?? "Linux"),
            "containerRuntimeVersion": "swiftlet://1.36.0", "kubeletVersion": .string(settings.version),
            "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": .string(architecture),
        ]
    }

    /// The whole status, where `old` gives the conditions' times and what others have written.
    ///
    /// - Parameter problems: What keeps the node from being ready.
    func status(old: JSONObject, images: [KubeletImage], problems: [String] = [], now: String) -> JSONObject {
        var status = old
        status["capacity"] = JSONValue(capacity)
        status["allocatable"] = JSONValue(allocatable)
        status["addresses"] = .array(
            settings.nodeAddresses.map { ["type": "InternalIP", "address": .string($0)] } + [
                ["type": "Hostname", "address": .string(settings.nodeName)]
            ])
        status["daemonEndpoints"] = ["kubeletEndpoint": ["Port": .integer(Int64(configuration.port))]]
        status["nodeInfo"] = info
        status["images"] = .array(
            images.sorted { $0.size > $1.size }.prefix(50).map { image in
                [
                    "names": .array((image.repoDigests + image.repoTags).prefix(5).map { .string($0) }),
                    "sizeBytes": .integer(image.size),
                ]
            })
        let own = [
            condition(
                "MemoryPressure", memoryPressure, "KubeletHasInsufficientMemory", "KubeletHasSufficientMemory",
                (
                    "kubelet has insufficient memory available; no pod is evicted for it",
                    "kubelet has sufficient memory available"
                ), old, now),
            condition(
                "DiskPressure", diskPressure, "KubeletHasDiskPressure", "KubeletHasNoDiskPressure",
                ("kubelet has disk pressure; no pod is evicted for it", "kubelet has no disk pressure"), old, now),
            condition(
                "PIDPressure", false, "KubeletHasInsufficientPID", "KubeletHasSufficientPID",
                ("kubelet has insufficient PID available", "kubelet has sufficient PID available"), old, now),
            condition(
                "Ready", problems.isEmpty, "KubeletReady", "KubeletNotReady",
                (readyMessage, problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]"), old, now),
        ]
        let others = (old["conditions"]?.array ?? []).filter { condition in
            !own.contains { $0["type"] == condition["type"] }
        }
        status["conditions"] = .array(others + own)
        return status
    }

    /// Whether two statuses differ in nothing but the time they were written.
    static func isSame(_ old: JSONObject, _ new: JSONObject) -> Bool {
        func timeless(_ status: JSONObject) -> JSONObject {
            var status = status
            status["conditions"] = .array(
                (status["conditions"]?.array ?? []).map { condition in
                    var condition = condition
                    condition["lastHeartbeatTime"] = nil
                    return condition
                }.sorted { ($0["type"]?.string ?? "") < ($1["type"]?.string ?? "") })
            // What is empty may be left out where it is kept.
            for (key, value) in status where value.array?.isEmpty == true || value.isNull { status[key] = nil }
            return status
        }
        return timeless(old) == timeless(new)
    }

    /// Says what is degraded: limits of resources whose controllers the kernel does not offer here.
    private var readyMessage: String {
        guard !missingControllers.isEmpty else { return "kubelet is posting ready status" }
        return "kubelet is posting ready status. Limits are not in force for lack of cgroup v2 controllers: "
            + missingControllers.sorted().joined(separator: ", ")
    }

    private var memoryPressure: Bool {
        guard let text = try? Files.readText("/proc/meminfo"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let available = Int64(line.split(whereSeparator: \.isWhitespace)[1])
        else { return false }
        return available * 1024 < threshold("memory.available", of: Self.memoryBytes)
    }

    private var diskPressure: Bool {
        guard let disk = try? Files.filesystem(settings.rootDirectory) else { return false }
        return Int64(disk.availableBytes) < threshold("nodefs.available", of: Int64(disk.capacityBytes))
            || Int64(disk.freeInodes) < threshold("nodefs.inodesFree", of: Int64(disk.inodes))
    }

    private func condition(
        _ type: String, _ isTrue: Bool, _ yes: String, _ no: String, _ messages: (String, String), _ old: JSONObject,
        _ now: String
    ) -> JSONValue {
        let status = isTrue ? "True" : "False"
        let before = (old["conditions"]?.array ?? []).first { $0["type"]?.string == type }
        let since = before?["status"]?.string == status ? before?["lastTransitionTime"]?.string : nil
        return [
            "type": .string(type), "status": .string(status), "lastHeartbeatTime": .string(now),
            "lastTransitionTime": .string(since ?? now), "reason": .string(isTrue ? yes : no),
            "message": .string(isTrue ? messages.0 : messages.1),
        ]
    }
}
