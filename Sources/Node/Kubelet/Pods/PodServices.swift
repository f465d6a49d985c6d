// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Cgroups
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Telemetry
internal import Volumes

/// What every pod's worker uses: the node's services, made once.
struct PodServices: Sendable {
    var configuration: KubeletConfiguration
    var settings: KubeletSettings
    var images: any ImageService
    var pulls: PullRecords
    var pullTurns: PullTurns
    var network: (any PodNetworking)?
    var objects: PodObjects
    var events: PodEvents
    var statuses: StatusReporter
    var cgroups: CgroupTree?
    var memoryCapacity: Int64
    var logger: Logger
    /// Where pods are looked after, in turns of their namespaces.
    var bench: Workbench
    /// Who writes what volumes show again.
    var refreshes = NamespaceGate(limit: 4)
}

/// Notes events of pods, with or without an API server.
struct PodEvents: Sendable {
    var recorder: EventRecorder?
    var logger: Logger

    func normal(_ pod: Pod, _ reason: String, _ message: String, container: String? = nil) {
        write(pod, .normal, reason, message, container)
    }

    func warning(_ pod: Pod, _ reason: String, _ message: String, container: String? = nil) {
        write(pod, .warning, reason, message, container)
    }

    private func write(_ pod: Pod, _ type: EventType, _ reason: String, _ message: String, _ container: String?) {
        logger.debug(message, ["reason": reason, "pod": pod.key])
        // A static pod has no object of its own: its events are those of its mirror, which has its uid as annotation.
        recorder?.event(
            EventTarget(pod, fieldPath: container.map { "spec.containers{\($0)}" } ?? ""), type, reason: reason, message
        )
    }
}

extension Pod {
    /// `namespace/name`.
    var key: String { "\(metadata.namespace ?? "")/\(metadata.name ?? "")" }
    var uid: String { metadata.uid ?? "" }
    /// `name_namespace(uid)`, as upstream's messages name a pod.
    var described: String { "\(metadata.name ?? "")_\(metadata.namespace ?? "")(\(uid))" }
    var isStatic: Bool { (metadata.annotations["kubernetes.io/config.source"] ?? "api") != "api" }
    /// As one that the API server has sent.
    var fromAPI: Pod {
        guard isStatic else { return self }
        var annotations = metadata.annotations
        annotations["kubernetes.io/config.source"] = "api"
        var pod = self
        pod.json.set("metadata", "annotations", to: JSONValue(annotations))
        return pod
    }
    var isMirror: Bool { metadata.annotations["kubernetes.io/config.mirror"] != nil }
}
