// SPDX-License-Identifier: Apache-2.0

public import Netlink

/// What the machine and the command line decide: names, addresses, places.
public struct KubeletSettings: Sendable {
    public var nodeName: String
    public var nodeAddresses: [String]
    public var rootDirectory = "/var/lib/kubelet"
    public var runDirectory = "/run/swiftlet"
    public var logDirectory = "/var/log/pods"
    public var containerLogDirectory = "/var/log/containers"
    /// The OCI runtime and the pod shim.
    public var runtime = "/usr/local/bin/swiftlet-oci"
    public var shim = "/usr/local/bin/swiftlet-shim"
    public var nodeLabels: [String: String] = [:]
    /// Ports the node itself listens on, which no pod gets as a host port.
    public var ownPorts: Set<TransportPort> = []
    /// Where the cgroup v2 hierarchy is mounted; nil finds it.
    public var cgroupMount: String?
    /// Off: containers stay in the shim's cgroup (a runtime that cannot place them, a test).
    public var usesCgroups = true
    /// The version the node reports.
    public var version = "v1.36.0+swiftlet"

    /// Of a cluster whose API server notes which addresses are proven: the serving certificate is asked for by no
    /// others, for which a person would have to approve it.
    public var asksForProvenAddresses = false

    public init(nodeName: String, nodeAddresses: [String]) {
        self.nodeName = nodeName
        self.nodeAddresses = nodeAddresses
    }

    func podDirectory(_ uid: String) -> String { "\(rootDirectory)/pods/\(uid)" }
    func podRunDirectory(_ uid: String) -> String { "\(runDirectory)/pods/\(uid)" }
}
