// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import KubeProxy
internal import Kubelet
internal import Netlink

extension NodeOptions {
    /// The ports that programs of ours listen on here. No pod gets one as a host port, no Service as a node port or at
    /// an address of the node: who could take the kubelet's would be asked in its place by the API server.
    var ownPorts: Set<TransportPort> {
        let own = [kubelet.port, kubelet.healthzPort].compactMap { UInt16(exactly: $0) }
        return controlPorts.union(own.filter { $0 > 0 }.map { .tcp($0) }).union(Self.ports(of: proxy))
    }

    /// Those of the proxy's health and metrics.
    static func ports(of proxy: ProxyConfiguration) -> [TransportPort] {
        [proxy.healthzBindAddress, proxy.metricsBindAddress].compactMap {
            UInt16($0.split(separator: ":").last ?? "").map { .tcp($0) }
        }
    }

    /// Refuses ports of ours that Services could be given.
    func checkPorts(nodePorts: ClosedRange<UInt16> = 30_000...32_767, _ command: String) throws {
        for port in ownPorts.sorted() where nodePorts.contains(port.port) {
            throw ArgumentsError(
                "port \(port.port) of this node's own is in the range of node ports "
                    + "\(nodePorts.lowerBound)-\(nodePorts.upperBound): choose another",
                command: command)
        }
    }

    /// Blocks of addresses that Services may claim although nodes, pods or Services have them.
    static let externalIPsFlag = Option.value(
        "allow-external-ips", "cidrs",
        help: "addresses of nodes, pods or Services that Services may have as external or load balancer addresses")

    static func allowedExternalIPs(_ arguments: ParsedArguments) throws -> [IPPrefix] {
        guard arguments.isSet("allow-external-ips") else { return [] }
        return try blocks("allow-external-ips", arguments).compactMap { IPPrefix($0)?.canonical }
    }
}
