// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Linux
internal import Telemetry

/// Registers the Node, keeps its status true and its Lease fresh.
struct NodeKeeper: Sendable {
    let client: KubeClient
    let status: NodeStatus
    let images: any ImageService
    let network: (any PodNetworking)?
    let logger: Logger
    /// Told of the Node as it is in the API, each time it is read.
    let seen: @Sendable (JSONObject) async -> Void
    private let written = Synchronized<ContinuousClock.Instant?>(nil)

    init(
        client: KubeClient, status: NodeStatus, images: any ImageService, network: (any PodNetworking)?,
        logger: Logger, seen: @escaping @Sendable (JSONObject) async -> Void
    ) {
        self.client = client
        self.status = status
        self.images = images
        self.network = network
        self.logger = logger
        self.seen = seen
    }

    /// What keeps the node from being ready.
    private var problems: [String] { NodeProblems.all(settings: status.settings, network: network) }

    private var name: String { status.settings.nodeName }

    /// Makes the Node or brings an old one up to date; tries until it works.
    func register() async throws {
        var delay = 0.1
        while true {
            do {
                try await registerOnce()
                return
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                logger.warning("register the node", ["node": name, "error": "\(error)"])
                try await sleep(for: .seconds(delay))
                delay = min(delay * 2, 7)
            }
        }
    }

    private func registerOnce() async throws {
        let now = Times.text(KernelClock.wall.now())
        do {
            var object: JSONObject = ["apiVersion": "v1", "kind": "Node"]
            object["metadata"] = ["name": .string(name), "labels": JSONValue(status.labels)]
            if !status.configuration.registerWithTaints.isEmpty {
                object["spec"] = ["taints": .array(status.configuration.registerWithTaints)]
            }
            object["status"] = .object(
                status.status(old: [:], images: await images.images(), problems: problems, now: now))
            _ = try await client.create(Node.resource, object)
        } catch let error as StatusError where error.isAlreadyExists {
            let patch: JSONValue = ["metadata": ["labels": JSONValue(status.labels)]]
            _ = try await client.patch(Node.resource, name: name, body: patch, kind: .strategicMerge)
        }
        // A create may have left the status aside.
        try await report()
    }

    /// Writes the status when it has changed, or when the last time is long ago.
    func report() async throws {
        let node = try await client.get(Node.resource, name: name)
        await seen(node)
        let old = node["status"]?.object ?? [:]
        var new = status.status(
            old: old, images: await images.images(), problems: problems, now: Times.text(KernelClock.wall.now()))
        if NodeStatus.isSame(old, new), let last = written.value,
            ContinuousClock.now - last < status.configuration.nodeStatusReportFrequency
        {
            return
        }
        // The list merges by type, and a node with two families has two addresses of one type: it must replace.
        new["addresses"] = .array((new["addresses"]?.array ?? []) + [["$patch": "replace"]])
        _ = try await client.patch(
            Node.resource, name: name, body: ["status": .object(new)], kind: .strategicMerge, subresource: "status")
        written.change { $0 = .now }
    }

    /// Until cancelled. A status that has not changed is written every few minutes only: the Lease says the node lives.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await renewLease() }
            if let network {
                group.addTask {
                    // It may have come up since the node was registered: then this only reads.
                    await network.waitUntilReady()
                    if Task.isCancelled { return }
                    // Not at the next round: pods wait for the node.
                    do { try await report() } catch {
                        logger.warning("write the node's status", ["node": name, "error": "\(error)"])
                    }
                }
            }
            group.addTask {
                while !Task.isCancelled {
                    do { try await sleep(for: status.configuration.nodeStatusUpdateFrequency) } catch { return }
                    do { try await report() } catch {
                        if error.isNotFound { try? await registerOnce() }  // The next round tries again.
                        logger.warning("write the node's status", ["node": name, "error": "\(error)"])
                    }
                }
            }
        }
    }

    private func renewLease() async {
        let seconds = status.configuration.nodeLeaseDurationSeconds
        while !Task.isCancelled {
            var wait = Duration.seconds(max(seconds / 4, 1))
            do { try await renewOnce(seconds) } catch {
                if error is CancellationError { return }
                logger.warning("renew the node's lease", ["node": name, "error": "\(error)"])
                wait = .seconds(1)
            }
            do { try await sleep(for: wait) } catch { return }
        }
    }

    private func renewOnce(_ seconds: Int) async throws {
        let spec: JSONObject = [
            "holderIdentity": .string(name), "leaseDurationSeconds": .integer(Int64(seconds)),
            "renewTime": .string(Timestamp.now.micro),
        ]
        do {
            _ = try await client.patch(
                Lease.resource, namespace: "kube-node-lease", name: name, body: ["spec": .object(spec)], kind: .merge)
        } catch let error as StatusError where error.isNotFound {
            let node = try await client.get(Node.resource, name: name)
            let lease: JSONObject = [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": [
                    "name": .string(name), "namespace": "kube-node-lease",
                    "ownerReferences": [
                        [
                            "apiVersion": "v1", "kind": "Node", "name": .string(name),
                            "uid": .string(node.objectUID),
                        ]
                    ],
                ],
                "spec": .object(spec),
            ]
            _ = try await client.create(Lease.resource, lease, namespace: "kube-node-lease")
        }
    }
}
