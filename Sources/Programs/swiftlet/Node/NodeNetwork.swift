// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Kubelet
internal import Linux
internal import Netlink
internal import PodNetwork
internal import Synchronization
internal import Telemetry

/// The pod network of a node whose address blocks the cluster hands out: it is set up when the Node object has them, and
/// pods wait for that. Other Node objects tell where the pods of other nodes are.
final class NodeNetwork: PodNetworking {
    private struct State {
        var network: PodNetwork?
        var failure: String?
        /// Each ends when the network is up.
        var waiters: [AsyncStream<Never>.Continuation] = []
    }

    private struct Routing {
        /// The other nodes as routes were last made for them.
        var peers: Set<NodePeer> = []
        /// Those whose pods cannot be reached, as last told.
        var unreachable: [String: String] = [:]
    }

    private let clusterCIDRs: [IPPrefix]
    private let ownPorts: Set<TransportPort>
    private let stateDirectory: String
    private let logger: Logger
    private let state = Mutex(State())
    private let changed = CountingSemaphore()
    /// One at a time: a change must not be undone by who knows less.
    private let routing = Mutex(Routing())

    init(clusterCIDRs: [IPPrefix], ownPorts: Set<TransportPort>, stateDirectory: String, logger: Logger) {
        self.clusterCIDRs = clusterCIDRs
        self.ownPorts = ownPorts
        self.stateDirectory = stateDirectory
        self.logger = logger
    }

    /// Watches the nodes until cancelled: the own one for its blocks, as the kubelet; by `peers`, who may read them all, the
    /// others for routes to theirs.
    func run(client: KubeClient, peers: KubeClient, nodeName: String) async {
        let own = Informer<Node>(
            client: client, resource: Node.resource, fieldSelector: "metadata.name=\(nodeName)", logger: logger)
        let nodes = Informer<Node>(client: peers, resource: Node.resource, logger: logger)
        // One pending wake-up is enough: whoever wakes looks at all nodes.
        let (wakeups, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        own.addHandler { [weak self] change in
            self?.nodeChanged(change.object)
            // The others may have been known before the network was up.
            wake.yield()
        }
        nodes.addHandler { _ in wake.yield() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await own.run() }
            group.addTask { await nodes.run() }
            group.addTask {
                // The kernel drops routes with the link they lead over, and a node may come into reach.
                while !Task.isCancelled {
                    wake.yield()
                    do { try await sleep(for: .seconds(10)) } catch { return }
                }
            }
            group.addTask {
                var due = ContinuousClock.now
                for await _ in wakeups {
                    let isDue = ContinuousClock.now >= due
                    if isDue { due = .now + .seconds(9) }
                    self.updateRoutes(nodes, but: nodeName, always: isDue)
                    // A node that changes its addresses without end keeps no other busy.
                    do { try await sleep(for: .seconds(1)) } catch { return }
                }
            }
        }
    }

    /// By all nodes at once, not one change after another: a start would first take away what it finds in use.
    private func updateRoutes(_ nodes: Informer<Node>, but own: String, always: Bool = false) {
        guard let network = state.withLock({ $0.network }) else { return }
        if always {
            do throws(PodNetworkError) { try network.mend() } catch {
                logger.error("check the pod network's rules", ["error": "\(error)"])
            }
        }
        // Before all are known, those that are missing are not gone.
        guard nodes.hasSynced else { return }
        routing.withLock { routing in
            let peers = Set(nodes.list().filter { $0.metadata.name != own }.map(NodePeer.init))
            guard always || peers != routing.peers else { return }
            do {
                let unreachable = try network.route(to: Array(peers))
                for (node, reason) in unreachable where routing.unreachable[node] != reason {
                    logger.error("pods of another node cannot be reached", ["node": node, "reason": reason])
                }
                routing = Routing(peers: peers, unreachable: unreachable)
            } catch {
                logger.error("reach the pods of other nodes", ["error": "\(error)"])
            }
        }
    }

    private func nodeChanged(_ node: Node) {
        var texts = node.spec.podCIDRs
        if texts.isEmpty, let single = node.spec.podCIDR { texts = [single] }
        guard !texts.isEmpty, state.withLock({ $0.network == nil }) else { return }
        let result = Result { try setUp(texts) }
        let waiters = state.withLock { state -> [AsyncStream<Never>.Continuation] in
            switch result {
            case .success(let network):
                state.network = network
                defer { state.waiters = [] }
                return state.waiters
            case .failure(let error):
                state.failure = "\(error)"
                return []
            }
        }
        switch result {
        case .success:
            logger.info("pod network is up", ["cidrs": texts.joined(separator: ",")])
            for waiter in waiters { waiter.finish() }
        case .failure(let error): logger.error("pod network cannot be set up", ["error": "\(error)"])
        }
        changed.signal()
    }

    private func setUp(_ texts: [String]) throws -> PodNetwork {
        let blocks = try texts.map { text in
            guard let prefix = IPPrefix(text) else { throw PodNetworkError("pod CIDR \"\(text)\" is not a CIDR") }
            return prefix
        }
        let network = try PodNetwork(
            configuration: PodNetworkConfiguration(
                podCIDRs: blocks, clusterCIDRs: clusterCIDRs, stateDirectory: stateDirectory, ownPorts: ownPorts),
            logger: logger)
        try network.setup()
        return network
    }

    /// The network, waited for: a pod may come before its node has been given addresses.
    private func ready() throws -> PodNetwork {
        for _ in 0..<100 {
            let (network, failure) = state.withLock { ($0.network, $0.failure) }
            if let network { return network }
            if let failure { throw PodNetworkError(failure) }
            guard changed.wait(until: KernelClock.deadline(after: .milliseconds(300))) else { continue }
            // Whoever waits beside must wake too.
            changed.signal()
        }
        throw PodNetworkError("the pod network is not ready: the node has no pod CIDR yet")
    }

    // MARK: - PodNetworking

    func attach(_ attachment: PodNetworkAttachment) throws -> [String] {
        let ports = try attachment.hostPorts.map { port in
            guard let hostPort = UInt16(exactly: port.hostPort), let containerPort = UInt16(exactly: port.containerPort)
            else { throw PodNetworkError("host port \(port.hostPort) is not a port") }
            let numbers: [String: UInt8] = ["TCP": 6, "UDP": 17, "SCTP": 132]
            let address = IPAddress(port.hostIP)
            // What cannot be read must not come to mean every address.
            if address == nil, !port.hostIP.isEmpty {
                throw PodNetworkError("host port \(hostPort): hostIP \"\(port.hostIP)\" is not an address")
            }
            return HostPort(
                hostIP: address, hostPort: hostPort, containerPort: containerPort,
                protocolNumber: numbers[port.transport] ?? 6)
        }
        let result = try ready().attach(
            pod: PodNetworkRequest(
                podUID: attachment.podUID, name: attachment.name, namespace: attachment.namespace,
                networkNamespace: attachment.networkNamespace, hostPorts: ports))
        return result.addresses.map { "\($0)" }
    }

    func detach(podUID: String) throws { try ready().detach(podUID: podUID) }

    func reconcile(alive: Set<String>) throws { try ready().reconcile(alive: alive) }

    var notReadyReason: String? {
        state.withLock { state in
            state.network != nil ? nil : state.failure ?? "the node has no pod CIDR yet"
        }
    }

    func waitUntilReady() async {
        let (up, continuation) = AsyncStream<Never>.makeStream()
        let isUp = state.withLock { state in
            if state.network == nil { state.waiters.append(continuation) }
            return state.network != nil
        }
        if isUp { return }
        // A stream of its own for each: one is for one reader. Cancellation ends it too.
        for await _ in up {}
    }

    /// The node's addresses that its pods reach, once there are some; none when cancelled before.
    func gateways() async -> [Netlink.IPAddress] {
        await waitUntilReady()
        return state.withLock { $0.network?.gateways ?? [] }
    }
}

extension NodePeer {
    init(_ node: Node) {
        var blocks = node.spec.podCIDRs
        if blocks.isEmpty, let single = node.spec.podCIDR { blocks = [single] }
        self.init(
            name: node.metadata.name ?? "", created: node.metadata.json["creationTimestamp"]?.string ?? "",
            podCIDRs: blocks.compactMap { IPPrefix($0) },
            addresses: node.status.addresses.filter { $0.type == "InternalIP" }.compactMap { IPAddress($0.address) },
            proven: Set(ProvenAddresses.texts(node.metadata.annotations).compactMap { IPAddress($0) }))
    }
}
