// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Linux

/// A port of a service as one pod offers it.
struct EndpointPort: Sendable, Hashable, Comparable {
    var name: String
    var number: Int
    var transport: String
    var appProtocol: String?

    static func < (left: EndpointPort, right: EndpointPort) -> Bool {
        (left.name, left.number, left.transport) < (right.name, right.number, right.transport)
    }
}

/// A pod as a service's endpoint.
struct PodEndpoint: Sendable, Hashable {
    var addresses: [String]
    var isReady: Bool
    var isServing: Bool
    var isTerminating: Bool
    var node: String
    var hostname: String?
    var podName: String
    var podNamespace: String
    var podUID: String
    var ports: [EndpointPort]
}

/// The pods behind a service. No I/O.
enum ServiceEndpoints {
    /// The endpoints of one address family, `IPv4` or `IPv6`.
    static func resolve(_ service: JSONObject, pods: [JSONObject], family: String) -> [PodEndpoint] {
        let publishesAll = service.bool("spec", "publishNotReadyAddresses")
        return pods.compactMap { pod in
            guard !pod.podIsFinished else { return nil }
            let addresses = podAddresses(pod).filter { addressFamily($0) == family }
            guard let address = addresses.first else { return nil }
            let isTerminating = pod.objectIsBeingDeleted
            let isServing = pod.podIsReady || publishesAll
            let hostname = pod.string("spec", "hostname")
            let isNamed =
                !hostname.isEmpty && pod.string("spec", "subdomain") == service.objectName
                && pod.objectNamespace == service.objectNamespace
            return PodEndpoint(
                addresses: [address], isReady: publishesAll || (pod.podIsReady && !isTerminating),
                isServing: isServing, isTerminating: isTerminating, node: pod.podNode,
                hostname: isNamed ? hostname : nil, podName: pod.objectName, podNamespace: pod.objectNamespace,
                podUID: pod.objectUID, ports: ports(service, pod))
        }
    }

    /// The service's ports with names resolved to the numbers this pod gives them; ports it lacks are left out.
    static func ports(_ service: JSONObject, _ pod: JSONObject) -> [EndpointPort] {
        service.array("spec", "ports").compactMap { port in
            let transport = port["protocol"]?.string ?? "TCP"
            guard let number = target(port, transport, pod) else { return nil }
            return EndpointPort(
                name: port["name"]?.string ?? "", number: number, transport: transport,
                appProtocol: port["appProtocol"]?.string)
        }.sorted()
    }

    private static func target(_ port: JSONValue, _ transport: String, _ pod: JSONObject) -> Int? {
        guard let target = port["targetPort"] else { return port["port"]?.boundedInteger }
        if let number = target.boundedInteger {
            return number == 0 ? port["port"]?.boundedInteger : number
        }
        guard let name = target.string else { return nil }
        let sidecars = pod.array("spec", "initContainers").filter { $0["restartPolicy"]?.string == "Always" }
        for container in pod.array("spec", "containers") + sidecars {
            for candidate in container["ports"]?.array ?? []
            where candidate["name"]?.string == name && (candidate["protocol"]?.string ?? "TCP") == transport {
                return candidate["containerPort"]?.boundedInteger
            }
        }
        return nil
    }

    /// The addresses of a pod that others reach it by. A node says what its pods have: one that no slice may hold
    /// (loopback, this link alone, an IPv4 address written as one of IPv6) would keep all others out of the slice.
    static func podAddresses(_ pod: JSONObject) -> [String] {
        let all = pod.array("status", "podIPs").compactMap { $0["ip"]?.string }
        return (all.isEmpty ? [pod.string("status", "podIP")] : all).filter { text in
            switch SocketAddress(host: text, port: 0) {
            case .ipv4(let bytes, let port)?: SocketAddress.ipv4(address: bytes, port: port).reach == .global
            case .ipv6(let bytes, let port, 0)?:
                SocketAddress.ipv6(address: bytes, port: port, scope: 0).reach == .global
                    && !(bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff)
            default: false
            }
        }
    }

    static func addressFamily(_ address: String) -> String { address.contains(":") ? "IPv6" : "IPv4" }

    /// The families a service is to have endpoints in.
    static func families(_ service: JSONObject) -> [String] {
        let named = service.array("spec", "ipFamilies").compactMap(\.string)
        if !named.isEmpty { return named }
        let address = service.string("spec", "clusterIP")
        return [address.contains(":") ? "IPv6" : "IPv4"]
    }
}
