// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Numbers

/// Works out a pod's status from what its worker knows. Pure: the time comes from outside.
struct PodStatusBuilder {
    var pod: Pod
    var containers: [PlannedContainer]
    var records: [String: ContainerRecord]
    var addresses: [String]
    var hostAddresses: [String]
    var hasSandbox: Bool
    var isInitialized: Bool
    var isFinished: Bool
    var hasFailedInitialization: Bool
    /// A phase, reason and message that stand whatever the containers do: refused, evicted, past the deadline.
    var verdict: PodVerdict?
    var isTerminating: Bool
    var startedAt: Int64
    var now: Int64

    func status() -> JSONObject {
        var status = JSONObject()
        if let generation = pod.metadata.generation { status["observedGeneration"] = .integer(Int64(generation)) }
        let phase = phase()
        status["phase"] = .string(phase)
        if let verdict {
            status["reason"] = .string(verdict.reason)
            status["message"] = .string(verdict.message)
        }
        status["conditions"] = .array(conditions(phase))
        if let primary = hostAddresses.first {
            status["hostIP"] = .string(primary)
            status["hostIPs"] = .array(hostAddresses.map { ["ip": .string($0)] })
        }
        if let primary = addresses.first {
            status["podIP"] = .string(primary)
            status["podIPs"] = .array(addresses.map { ["ip": .string($0)] })
        }
        status["startTime"] = .string(pod.status.json["startTime"]?.string ?? Times.text(startedAt))
        for (key, roles) in [
            ("initContainerStatuses", [ContainerRole.initialization, .sidecar]),
            ("containerStatuses", [.application]), ("ephemeralContainerStatuses", [.ephemeral]),
        ] {
            let statuses = containers.filter { roles.contains($0.role) }.map { containerStatus($0) }
            if !statuses.isEmpty { status[key] = .array(statuses) }
        }
        status["qosClass"] = .string(QualityOfService(pod).rawValue)
        return status
    }

    func phase() -> String {
        if let verdict { return verdict.phase }
        if hasFailedInitialization { return "Failed" }
        let applications = containers.filter { $0.role == .application }
        let ends = applications.map { end(of: $0.name) }
        if isFinished || (isTerminating && ends.allSatisfy { $0 != nil }), ends.allSatisfy({ $0 != nil }) {
            return ends.allSatisfy { $0?.code == 0 } ? "Succeeded" : "Failed"
        }
        // Running once every application container has been started, also between restarts.
        let haveStarted = applications.allSatisfy { records[$0.name].map { $0.attempt > 0 } ?? false }
        return isInitialized && haveStarted ? "Running" : "Pending"
    }

    private func end(of name: String) -> ContainerEnd? {
        guard let record = records[name], case .exited = record.situation.phase else { return nil }
        return record.end
    }

    // MARK: - Conditions

    private func conditions(_ phase: String) -> [JSONValue] {
        let isOver = phase == "Succeeded" || phase == "Failed"
        let unready = containers.filter { ($0.role == .application || $0.role == .sidecar) && !isReady($0.name) }
            .map(\.name)
        let over = phase == "Succeeded" ? "PodCompleted" : "PodFailed"
        let containersReady: (Bool, String, String) =
            isOver
            ? (false, over, "")
            : unready.isEmpty
                ? (true, "", "")
                : (false, "ContainersNotReady", "containers with unready status: [\(unready.joined(separator: " "))]")
        let gates = pod.spec.readinessGates.map(\.conditionType).filter { type in
            !pod.status.conditions.contains { $0.type == type && $0.status == "True" }
        }
        let ready: (Bool, String, String) =
            !containersReady.0 || gates.isEmpty
            ? containersReady
            : (
                false, "ReadinessGatesNotReady",
                gates.map { "corresponding condition of pod readiness gate \"\($0)\" does not exist." }
                    .joined(separator: ", ")
            )
        let uninitialized = containers.filter { $0.role == .initialization && end(of: $0.name)?.code != 0 }.map(\.name)
        let initialized: (Bool, String, String) =
            isInitialized || phase == "Succeeded"
            ? (true, phase == "Succeeded" ? "PodCompleted" : "", "")
            : (
                false, "ContainersNotInitialized",
                "containers with incomplete status: [\(uninitialized.joined(separator: " "))]"
            )
        var result = [
            condition("PodReadyToStartContainers", (hasSandbox && !isOver, "", "")),
            condition("Initialized", initialized), condition("Ready", ready),
            condition("ContainersReady", containersReady), condition("PodScheduled", (true, "", "")),
        ]
        // Conditions of others (readiness gates, DisruptionTarget) stay as they are.
        result += pod.status.conditions.filter { !Self.ownConditions.contains($0.type) }.map { .object($0.json) }
        return result
    }

    /// The conditions only the kubelet writes.
    static let ownConditions: Set<String> = [
        "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled",
    ]

    private func condition(_ type: String, _ value: (isTrue: Bool, reason: String, message: String)) -> JSONValue {
        let status = value.isTrue ? "True" : "False"
        let old = pod.status.conditions.first { $0.type == type }
        let since = old?.status == status ? old?.json["lastTransitionTime"]?.string : nil
        var object: JSONObject = [
            "type": .string(type), "status": .string(status), "lastProbeTime": .null,
            "lastTransitionTime": .string(since ?? Times.text(now)),
        ]
        if !value.reason.isEmpty { object["reason"] = .string(value.reason) }
        if !value.message.isEmpty { object["message"] = .string(value.message) }
        if let generation = pod.metadata.generation { object["observedGeneration"] = .integer(Int64(generation)) }
        return .object(object)
    }

    private func isReady(_ name: String) -> Bool {
        guard let record = records[name], record.situation.phase == .running || record.situation.phase == .stopping
        else { return false }
        return record.situation.isReady
    }

    // MARK: - Containers

    private func containerStatus(_ planned: PlannedContainer) -> JSONValue {
        let record = records[planned.name]
        let phase = record?.situation.phase ?? .waiting
        var status: JSONObject = [
            "name": .string(planned.name), "state": state(planned, record),
            "lastState": record?.previous.map { $0.state } ?? [:],
            "ready": .bool(isReadyStatus(planned, record)),
            "restartCount": .integer(Int64(record?.restartCount ?? 0)),
            "image": .string(record.flatMap { $0.image.isEmpty ? nil : $0.image } ?? planned.container.image ?? ""),
            "imageID": .string(record?.imageID ?? ""),
        ]
        // Of what ran before a reboot only the end is known.
        let id = record.map { $0.id.isEmpty ? $0.end?.id ?? "" : $0.id } ?? ""
        if !id.isEmpty { status["containerID"] = .string("swiftlet://\(id)") }
        status["started"] = .bool((phase == .running || phase == .stopping) && record?.situation.isStarted == true)
        if let resources = planned.container.resources, !resources.json.isEmpty, phase == .running {
            status["resources"] = .object(resources.json)
            if !resources.requests.isEmpty {
                status["allocatedResources"] = .object(
                    JSONObject(resources.requests.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
            }
        }
        if let identity = record?.identity, phase == .running {
            status["user"] = [
                "linux": [
                    "uid": .integer(Int64(identity.user.number)), "gid": .integer(Int64(identity.group.number)),
                    "supplementalGroups": .array(identity.additionalGroups.map { .integer(Int64($0.number)) }),
                ]
            ]
        }
        return .object(status)
    }

    private func isReadyStatus(_ planned: PlannedContainer, _ record: ContainerRecord?) -> Bool {
        if planned.role == .initialization { return end(of: planned.name)?.code == 0 }
        return planned.role != .ephemeral && isReady(planned.name)
    }

    private func state(_ planned: PlannedContainer, _ record: ContainerRecord?) -> JSONValue {
        switch record?.situation.phase {
        case .running, .stopping:
            return ["running": ["startedAt": .string(Times.text(record?.startedAt ?? 0))]]
        case .exited:
            if record?.waitingReason.isEmpty == false, !isFinished, !isTerminating { return waiting(record) }
            return record?.end?.state ?? waiting(record)
        case .starting where record?.waitingReason.isEmpty != false:
            return ["waiting": ["reason": .string(waitingReason)]]
        default:
            return waiting(record, fallback: waitingReason)
        }
    }

    /// Why a container that nothing is known against does not run yet.
    private var waitingReason: String { pod.spec.initContainers.isEmpty ? "ContainerCreating" : "PodInitializing" }

    private func waiting(_ record: ContainerRecord?, fallback: String = "ContainerCreating") -> JSONValue {
        var waiting = JSONObject()
        let reason = record?.waitingReason ?? ""
        waiting["reason"] = .string(reason.isEmpty ? fallback : reason)
        if let message = record?.waitingMessage, !message.isEmpty { waiting["message"] = .string(message) }
        return ["waiting": .object(waiting)]
    }
}

/// A pod's end that its containers do not decide.
struct PodVerdict: Sendable, Hashable {
    var phase = "Failed"
    var reason: String
    var message: String
}
