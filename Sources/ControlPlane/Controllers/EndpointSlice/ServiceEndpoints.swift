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

/// The pods that offer a service at the same ports.
struct EndpointGroup: Sendable {
    var ports: [EndpointPort]
    var members: [PodEndpoint] = []
}

/// Long work in pieces: others have their turn in between.
struct WorkPieces {
    /// About a millisecond's worth of what is done for one port.
    private static let size = 2_048
    private var left = WorkPieces.size

    /// Notes that the work for so many ports is done.
    mutating func done(_ count: Int = 1) async {
        left -= count
        guard left <= 0 else { return }
        left = Self.size
        await Task.yield()
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
}

/// The pods behind a service. No I/O.
enum ServiceEndpoints {
    /// The endpoints of one address family, `IPv4` or `IPv6`, by the ports they have, in no order.
    static func resolve(
        _ service: JSONObject, pods: [JSONObject], family: String, _ pieces: inout WorkPieces
    ) async -> [EndpointGroup] {
        let wanted = await ServicePorts(service, &pieces)
        var groups: [EndpointGroup] = []
        var places: [[EndpointPort]: Int] = [:]
        for pod in pods {
            await pieces.done(16)
            guard let endpoint = endpoint(service, pod, family) else { continue }
            if wanted.areAlike, !groups.isEmpty {
                groups[0].members.append(endpoint)
                continue
            }
            let ports = await wanted.ports(of: pod, &pieces)
            let place = places[ports] ?? groups.count
            if place == groups.count {
                places[ports] = place
                groups.append(EndpointGroup(ports: ports))
            }
            groups[place].members.append(endpoint)
        }
        return groups
    }

    private static func endpoint(_ service: JSONObject, _ pod: JSONObject, _ family: String) -> PodEndpoint? {
        guard !pod.podIsFinished else { return nil }
        let publishesAll = service.bool("spec", "publishNotReadyAddresses")
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
            podUID: pod.objectUID)
    }

    /// For how many ports something is done to find the endpoints of a service.
    static func effort(_ service: JSONObject, _ pods: [JSONObject]) -> Int {
        let ports = service.array("spec", "ports")
        guard ports.contains(where: { $0["targetPort"]?.string != nil }) else { return ports.count + pods.count }
        return pods.reduce(ports.count) { sum, pod in
            ServicePorts.containers(pod).reduce(sum + ports.count) { $0 + ($1["ports"]?.array?.count ?? 0) }
        }
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

/// The ports that a service asks its pods for.
private struct ServicePorts {
    private enum Target {
        case number(Int)
        case name(String)
    }

    private struct Key: Hashable {
        var name: String
        var transport: String
    }

    /// In the order of their names, so that those of a pod are nearly in theirs.
    private var all: [(port: EndpointPort, target: Target)] = []
    /// What is asked for by a name.
    private var names: Set<Key> = []
    /// Whether all pods have the same: none is asked for by a name.
    var areAlike: Bool { names.isEmpty }

    init(_ service: JSONObject, _ pieces: inout WorkPieces) async {
        for port in service.array("spec", "ports") {
            await pieces.done()
            let transport = port["protocol"]?.string ?? "TCP"
            let row = EndpointPort(
                name: port["name"]?.string ?? "", number: 0, transport: transport,
                appProtocol: port["appProtocol"]?.string)
            if let name = port["targetPort"]?.string {
                names.insert(Key(name: name, transport: transport))
                all.append((row, .name(name)))
            } else {
                // What is no number either is no port; none, or 0, is the service's own.
                guard let target = port["targetPort"].map({ $0.boundedInteger }) ?? 0,
                    let number = target == 0 ? port["port"]?.boundedInteger : target
                else { continue }
                all.append((row, .number(number)))
            }
        }
        all.sort { $0.port < $1.port }
    }

    /// With names resolved to the numbers this pod gives them; ports it lacks are left out.
    func ports(of pod: JSONObject, _ pieces: inout WorkPieces) async -> [EndpointPort] {
        var numbers: [Key: Int?] = [:]
        if !names.isEmpty {
            for container in Self.containers(pod) {
                for port in container["ports"]?.array ?? [] {
                    await pieces.done()
                    guard let name = port["name"]?.string else { continue }
                    let key = Key(name: name, transport: port["protocol"]?.string ?? "TCP")
                    // The first of a name counts.
                    guard names.contains(key), numbers[key] == nil else { continue }
                    numbers[key] = .some(port["containerPort"]?.boundedInteger)
                }
            }
        }
        var found: [EndpointPort] = []
        for (port, target) in all {
            await pieces.done()
            var port = port
            switch target {
            case .number(let number): port.number = number
            case .name(let name):
                guard let number = numbers[Key(name: name, transport: port.transport)] ?? nil else { continue }
                port.number = number
            }
            found.append(port)
        }
        return found.sorted()
    }

    /// The containers whose ports are the pod's: not those that end before it runs.
    static func containers(_ pod: JSONObject) -> [JSONValue] {
        pod.array("spec", "containers")
            + pod.array("spec", "initContainers").filter { $0["restartPolicy"]?.string == "Always" }
    }
}
