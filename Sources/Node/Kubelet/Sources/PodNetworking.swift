// SPDX-License-Identifier: Apache-2.0

/// What a pod asks of the network.
public struct PodNetworkAttachment: Sendable, Hashable {
    public struct HostPort: Sendable, Hashable {
        public var hostIP: String
        public var hostPort: Int
        public var containerPort: Int
        public var transport: String

        public init(hostIP: String, hostPort: Int, containerPort: Int, transport: String) {
            self.hostIP = hostIP
            self.hostPort = hostPort
            self.containerPort = containerPort
            self.transport = transport
        }
    }
    public var podUID: String
    public var namespace: String
    public var name: String
    /// The path of the pod's network namespace.
    public var networkNamespace: String
    public var hostPorts: [HostPort]
}

/// The pod network as the kubelet uses it. Calls may block; they are made off the event loops.
public protocol PodNetworking: Sendable {
    /// Connects the pod and returns its addresses, the primary first. Idempotent: the same pod gets the same again.
    func attach(_ attachment: PodNetworkAttachment) throws -> [String]
    func detach(podUID: String) throws
    /// Frees what pods that are gone have left behind.
    func reconcile(alive: Set<String>) throws
    /// Why pods cannot be connected yet; nil when they can. Does not block.
    var notReadyReason: String? { get }
    /// Returns once pods can be connected, or when cancelled. One task at a time may wait.
    func waitUntilReady() async
}

extension PodNetworking {
    public var notReadyReason: String? { nil }
    public func waitUntilReady() async {}
}
