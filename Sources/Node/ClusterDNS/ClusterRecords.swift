// SPDX-License-Identifier: Apache-2.0

internal import Netlink

// KubeAPI has a kind of this name; here an address is always the number on the wire.
typealias IPAddress = Netlink.IPAddress

/// An object by namespace and name.
struct ObjectName: Sendable, Hashable {
    var namespace: String
    var name: String

    init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }
}

/// A named port of a Service or of its endpoints.
struct NamedPort: Sendable, Hashable, Comparable {
    var name: String
    /// In lower case: `tcp`.
    var transport: String
    var number: UInt16

    init(_ name: String, _ transport: String, _ number: UInt16) {
        self.name = name
        self.transport = transport
        self.number = number
    }

    static func < (a: NamedPort, b: NamedPort) -> Bool {
        (a.name, a.transport, a.number) < (b.name, b.transport, b.number)
    }
}

extension [NamedPort] {
    /// Those of one name and protocol. The ports have to be in order: nobody looks at 20,000 of them to find one.
    func named(_ name: String, _ transport: String) -> ArraySlice<NamedPort> {
        let start = firstIndex(isPast: { ($0.name, $0.transport) >= (name, transport) })
        return self[start..<endIndex].prefix { $0.name == name && $0.transport == transport }
    }
}

extension RandomAccessCollection where Index == Int {
    /// Where in order the first element is that `isPast`; all behind it are.
    func firstIndex(isPast: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if isPast(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// A Service as names see it.
struct NamedService: Sendable, Hashable {
    enum Target: Sendable, Hashable {
        case addresses([IPAddress])
        /// Its endpoints are what its name stands for.
        case headless
        /// ExternalName: another name.
        case alias(DNSName)
    }

    var target: Target
    /// In order of name and protocol, as those of `EndpointGroup`.
    let ports: [NamedPort]

    init(_ target: Target, _ ports: [NamedPort]) {
        self.target = target
        self.ports = ports.sorted()
    }
}

/// The ready endpoints of one EndpointSlice.
struct EndpointGroup: Sendable, Hashable {
    struct Member: Sendable, Hashable {
        var address: IPAddress
        /// Its name under the Service: the pod's `hostname`, else its address with dashes.
        var label: String

        init(_ address: IPAddress, hostname: String? = nil) {
            self.address = address
            if let hostname, !hostname.isEmpty {
                label = hostname.lowercased()
            } else {
                label = String("\(address)".map { $0 == "." || $0 == ":" ? "-" : $0 })
                // A label may not end in a dash: `fd42--` is written `fd42--0`.
                if label.hasSuffix("-") { label += "0" }
            }
        }
    }

    let service: ObjectName
    /// In order of name and protocol.
    let ports: [NamedPort]
    /// In order of their labels.
    let members: [Member]

    init(service: ObjectName, ports: [NamedPort], members: [Member]) {
        self.service = service
        self.ports = ports.sorted()
        self.members = members.sorted { ($0.label, $0.address) < ($1.label, $1.address) }
    }

    /// The members of one name, of all.
    func members(labelled label: String?) -> ArraySlice<Member> {
        guard let label else { return members[...] }
        let start = members.firstIndex(isPast: { $0.label >= label })
        return members[start...].prefix { $0.label == label }
    }
}

/// Everything the cluster's names are made of, indexed for the questions asked: namespaces, Services, endpoints. A value;
/// `ClusterRecords+Answer.swift` answers from it.
struct ClusterRecords: Sendable {
    /// `cluster.local`.
    let zone: DNSName
    /// Changes with every change, as the SOA record's serial.
    private(set) var serial: UInt32

    private(set) var namespaces: Set<String> = []
    private(set) var services: [ObjectName: NamedService] = [:]
    private var slices: [ObjectName: EndpointGroup] = [:]
    private var slicesByService: [ObjectName: Set<ObjectName>] = [:]
    private var servicesByAddress: [IPAddress: ObjectName] = [:]
    /// By which label an address is known in which slices.
    private var labelsByAddress: [IPAddress: [ObjectName: String]] = [:]

    /// - Parameter serial: The first serial: seconds of the clock, so that it grows from one start to the next.
    init(zone: DNSName, serial: UInt32 = 0) {
        self.zone = zone
        self.serial = serial
    }

    mutating func setNamespace(_ name: String, exists: Bool) {
        serial &+= 1
        if exists { namespaces.insert(name) } else { namespaces.remove(name) }
    }

    /// Sets or (by nil) removes a Service.
    mutating func setService(_ name: ObjectName, _ service: NamedService?) {
        serial &+= 1
        if case .addresses(let old)? = services[name]?.target {
            // An address that has passed to another Service already stays with that one.
            for address in old where servicesByAddress[address] == name { servicesByAddress[address] = nil }
        }
        services[name] = service
        if case .addresses(let new)? = service?.target { for address in new { servicesByAddress[address] = name } }
    }

    /// Sets or (by nil) removes a slice.
    mutating func setSlice(_ name: ObjectName, _ group: EndpointGroup?) {
        serial &+= 1
        if let old = slices[name] {
            slicesByService[old.service]?.remove(name)
            if slicesByService[old.service]?.isEmpty == true { slicesByService[old.service] = nil }
            for member in old.members {
                labelsByAddress[member.address]?[name] = nil
                if labelsByAddress[member.address]?.isEmpty == true { labelsByAddress[member.address] = nil }
            }
        }
        slices[name] = group
        guard let group else { return }
        slicesByService[group.service, default: []].insert(name)
        for member in group.members { labelsByAddress[member.address, default: [:]][name] = member.label }
    }

    // MARK: Looking up

    /// The slices of a Service, one after the other: who has seen enough asks for no more.
    func groups(of service: ObjectName) -> some Sequence<EndpointGroup> {
        (slicesByService[service] ?? []).lazy.compactMap { slices[$0] }
    }

    /// The names under which an address is known: its Service's, else those of endpoints, `limit` at most.
    func names(of address: IPAddress, limit: Int) -> [DNSName] {
        if let service = servicesByAddress[address] { return [name(of: service)].compactMap { $0 } }
        var names: Set<DNSName> = []
        for (slice, label) in labelsByAddress[address] ?? [:] {
            guard let group = slices[slice], let name = name(of: group.service, member: label) else { continue }
            names.insert(name)
            if names.count == limit { break }
        }
        return names.sorted { $0.wire.lexicographicallyPrecedes($1.wire) }
    }

    /// `[member.]name.namespace.svc.<zone>`; nil for what is no name of DNS.
    func name(of service: ObjectName, member: String? = nil) -> DNSName? {
        let front = member.map { [$0] } ?? []
        return name(front + [service.name, service.namespace, "svc"])
    }

    func name(_ labels: [String]) -> DNSName? {
        guard let front = DNSName(labels.joined(separator: ".")) else { return nil }
        return DNSName(wire: front.wire.dropLast() + zone.wire)
    }
}
