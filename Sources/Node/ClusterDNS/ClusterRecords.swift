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
struct NamedPort: Sendable, Hashable {
    var name: String
    /// In lower case: `tcp`.
    var transport: String
    var number: UInt16

    init(_ name: String, _ transport: String, _ number: UInt16) {
        self.name = name
        self.transport = transport
        self.number = number
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
    var ports: [NamedPort]

    init(_ target: Target, _ ports: [NamedPort]) {
        self.target = target
        self.ports = ports
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

    var service: ObjectName
    var ports: [NamedPort]
    var members: [Member]
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
    private var slicesByAddress: [IPAddress: Set<ObjectName>] = [:]

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
                slicesByAddress[member.address]?.remove(name)
                if slicesByAddress[member.address]?.isEmpty == true { slicesByAddress[member.address] = nil }
            }
        }
        slices[name] = group
        guard let group else { return }
        slicesByService[group.service, default: []].insert(name)
        for member in group.members { slicesByAddress[member.address, default: []].insert(name) }
    }

    // MARK: Looking up

    func groups(of service: ObjectName) -> [EndpointGroup] {
        (slicesByService[service] ?? []).compactMap { slices[$0] }
    }

    /// The names under which an address is known: its Service's, else those of endpoints.
    func names(of address: IPAddress) -> [DNSName] {
        if let service = servicesByAddress[address] { return [name(of: service)].compactMap { $0 } }
        var names: Set<DNSName> = []
        for slice in slicesByAddress[address] ?? [] {
            guard let group = slices[slice] else { continue }
            for member in group.members where member.address == address {
                if let name = name(of: group.service, member: member.label) { names.insert(name) }
            }
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
