// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Store
internal import Synchronization

/// Gives services their addresses and node ports. What is taken is what the stored services hold: it is counted from
/// them at start, so that nothing can leak or be given twice after a crash.
final class ServiceAllocator: Sendable {
    /// What one request has taken and not yet stored.
    struct Reservation: Sendable {
        var addresses: [String] = []
        var ports: [Int64] = []
        /// What the object held before and gives up once the change is stored.
        var releasedAddresses: [String] = []
        var releasedPorts: [Int64] = []
        static let none = Reservation()
    }

    private struct State {
        var addresses: Set<String> = []
        var ports: Set<Int64> = []
    }

    let ranges: [AddressRange]
    private let portRange: ClosedRange<Int64>
    private let state = Mutex(State())

    init(ranges: [AddressRange], portRange: ClosedRange<Int64>) {
        self.ranges = ranges
        self.portRange = portRange
    }

    /// Takes what the stored services hold.
    func load(_ services: [APIObject]) {
        state.withLock { state in
            for service in services {
                state.addresses.formUnion(Self.addresses(service))
                state.ports.formUnion(Self.ports(service))
            }
        }
    }

    /// Fills in what the service leaves to the server. A dry run takes nothing.
    func prepare(
        _ object: inout APIObject, old: APIObject?, resource: ResourceKind, dryRun: Bool
    ) throws(APIError) -> Reservation {
        guard resource.group.isEmpty, resource.kind == "Service" else { return .none }
        var reservation = Reservation()
        do throws(APIError) {
            try prepareAddresses(&object, old, resource, &reservation)
            try preparePorts(&object, old, resource, &reservation)
        } catch {
            release(reservation)
            throw error
        }
        if dryRun {
            release(reservation)
            return .none
        }
        return reservation
    }

    /// The object is about to be stored: what it gave up is free.
    func commit(_ reservation: Reservation) async throws(APIError) {
        state.withLock { state in
            state.addresses.subtract(reservation.releasedAddresses)
            state.ports.subtract(reservation.releasedPorts)
        }
    }

    /// The object was not stored.
    func release(_ reservation: Reservation) {
        state.withLock { state in
            state.addresses.subtract(reservation.addresses)
            state.ports.subtract(reservation.ports)
        }
    }

    /// A deleted service gives everything back.
    func released(_ object: APIObject, _ resource: ResourceKind) {
        guard resource.group.isEmpty, resource.kind == "Service" else { return }
        state.withLock { state in
            state.addresses.subtract(Self.addresses(object))
            state.ports.subtract(Self.ports(object))
        }
    }

    private static func addresses(_ service: APIObject) -> [String] {
        let all = (service.spec["clusterIPs"]?.array ?? []).compactMap(\.string)
        let single = service.spec["clusterIP"]?.string ?? ""
        return (all.isEmpty ? [single] : all).filter { !$0.isEmpty && $0 != "None" }.map(AddressRange.canonical)
    }

    private static func ports(_ service: APIObject) -> [Int64] {
        var ports = (service.spec["ports"]?.array ?? []).compactMap { $0["nodePort"]?.integer }.filter { $0 > 0 }
        if let health = service.spec["healthCheckNodePort"]?.integer, health > 0 { ports.append(health) }
        return ports
    }

    // MARK: Addresses

    private func prepareAddresses(
        _ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind, _ reservation: inout Reservation
    ) throws(APIError) {
        var spec = object.spec
        defer { object.spec = spec }
        let before = old.map(Self.addresses) ?? []
        if spec["type"]?.string == "ExternalName" {
            // What it was given all the same stays, for validation to refuse.
            if (spec["clusterIPs"]?.array ?? []).isEmpty, let single = spec["clusterIP"]?.string, !single.isEmpty {
                spec["clusterIPs"] = [.string(single)]
            }
            spec["internalTrafficPolicy"] = nil
            reservation.releasedAddresses = before
            return
        }
        inherit(&spec, old)
        let given = (spec["clusterIPs"]?.array ?? []).compactMap(\.string)
        let single = spec["clusterIP"]?.string ?? ""
        let headless = single == "None" || given.first == "None"
        let families = try chooseFamilies(
            &spec, given: given.isEmpty && !single.isEmpty ? [single] : given, object, resource)
        if headless {
            spec["clusterIP"] = "None"
            spec["clusterIPs"] = ["None"]
            spec["ipFamilies"] = .array(families.map { .string($0) })
            return
        }
        let fixed = given.isEmpty ? [single].filter { !$0.isEmpty } : given
        var chosen: [String] = []
        for (index, family) in families.enumerated() {
            if index < fixed.count {
                try take(fixed[index], held: before, index, object, resource, &reservation)
                chosen.append(fixed[index])
            } else {
                chosen.append(try next(family, object, resource, &reservation))
            }
        }
        spec["clusterIP"] = .string(chosen.first ?? "")
        spec["clusterIPs"] = .array(chosen.map { .string($0) })
        spec["ipFamilies"] = .array(families.map { .string($0) })
        let kept = Set(chosen.map(AddressRange.canonical))
        reservation.releasedAddresses = before.filter { !kept.contains($0) }
    }

    /// An update that leaves the addresses out keeps them.
    private func inherit(_ spec: inout JSONObject, _ old: APIObject?) {
        guard let old, old.spec["type"]?.string != "ExternalName" else { return }
        if (spec["clusterIP"]?.string ?? "").isEmpty, (spec["clusterIPs"]?.array ?? []).isEmpty {
            for field in ["clusterIP", "clusterIPs"] { spec[field] = old.spec[field] }
            if spec["ipFamilies"] == nil { spec["ipFamilies"] = old.spec["ipFamilies"] }
            if spec["ipFamilyPolicy"] == nil { spec["ipFamilyPolicy"] = old.spec["ipFamilyPolicy"] }
        } else if (spec["clusterIPs"]?.array ?? []).isEmpty, spec["clusterIP"] == old.spec["clusterIP"] {
            spec["clusterIPs"] = old.spec["clusterIPs"]
        }
    }

    private func chooseFamilies(
        _ spec: inout JSONObject, given: [String], _ object: APIObject, _ resource: ResourceKind
    ) throws(APIError) -> [String] {
        let served = ranges.map(\.family)
        var families = (spec["ipFamilies"]?.array ?? []).compactMap(\.string)
        if families.isEmpty {
            families = given.filter { $0 != "None" }.map { $0.contains(":") ? "IPv6" : "IPv4" }
        }
        for (index, family) in families.enumerated() where !served.contains(family) {
            throw .invalid(
                resource.subject(object.name),
                [
                    .invalid(
                        FieldPath("spec")["ipFamilies"][index], family,
                        "not configured on this cluster")
                ])
        }
        var policy = spec["ipFamilyPolicy"]?.string ?? (families.count > 1 ? "RequireDualStack" : "SingleStack")
        if families.isEmpty { families = [served.first ?? "IPv4"] }
        // A headless service without a selector points anywhere: it may have both families.
        let selectorless = (spec["selector"]?.object ?? [:]).isEmpty
        if spec["ipFamilyPolicy"] == nil, given.first == "None", selectorless { policy = "RequireDualStack" }
        switch policy {
        case "SingleStack":
            if families.count > 1 { families = [families[0]] }
        default:
            if policy == "RequireDualStack", served.count < 2, spec["ipFamilyPolicy"] != nil {
                throw .invalid(
                    resource.subject(object.name),
                    [
                        .invalid(
                            FieldPath("spec")["ipFamilyPolicy"], policy,
                            "this cluster is not configured for dual-stack services")
                    ])
            }
            for family in served where !families.contains(family) { families.append(family) }
        }
        spec["ipFamilyPolicy"] = .string(policy)
        return families
    }

    private func take(
        _ address: String, held: [String], _ index: Int, _ object: APIObject, _ resource: ResourceKind,
        _ reservation: inout Reservation
    ) throws(APIError) {
        // One address is one however it is written: nobody takes another's by another spelling.
        let canonical = AddressRange.canonical(address)
        if held.contains(canonical) { return }
        let path = FieldPath("spec")["clusterIPs"][index]
        guard AddressRange.bytes(address) != nil else {
            throw .invalid(
                resource.subject(object.name),
                [.invalid(path, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")])
        }
        guard let range = ranges.first(where: { $0.contains(address) }) else {
            let valid = ranges.map(\.text).joined(separator: ", ")
            throw .invalid(
                resource.subject(object.name),
                [
                    .invalid(
                        path, address,
                        "failed to allocate IP \(address): the provided network does not match the current range (\(valid))"
                    )
                ])
        }
        _ = range
        let free = state.withLock { $0.addresses.insert(canonical).inserted }
        guard free else {
            throw .invalid(
                resource.subject(object.name),
                [.invalid(path, address, "failed to allocate IP \(address): provided IP is already allocated")])
        }
        reservation.addresses.append(canonical)
    }

    /// A free address of `family`. Addresses are given from the upper part of the range, so that the lower part is left
    /// for those who choose their own.
    private func next(
        _ family: String, _ object: APIObject, _ resource: ResourceKind, _ reservation: inout Reservation
    ) throws(APIError) -> String {
        guard let range = ranges.first(where: { $0.family == family }) else {
            throw .internalError("no service address range of family \(family)")
        }
        let count = range.count
        let lower = min(max(16, count / 16), 256)
        let start = count > lower ? lower : 0
        let found = state.withLock { state -> String? in
            let span = count - start
            let offset = span > 0 ? Int.random(in: 0..<span) : 0
            for step in 0..<max(span, 0) {
                let address = range.address(1 + start + (offset + step) % span)
                if state.addresses.insert(address).inserted { return address }
            }
            for index in 1..<(1 + start) {
                let address = range.address(index)
                if state.addresses.insert(address).inserted { return address }
            }
            return nil
        }
        guard let found else {
            throw .internalError("failed to allocate a serviceIP: range is full")
        }
        reservation.addresses.append(found)
        return found
    }

    // MARK: Ports

    private func preparePorts(
        _ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind, _ reservation: inout Reservation
    ) throws(APIError) {
        var spec = object.spec
        defer { object.spec = spec }
        let before = old.map(Self.ports) ?? []
        let type = spec["type"]?.string ?? "ClusterIP"
        let wants =
            type == "NodePort" || (type == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"]?.bool != false)
        var ports = spec["ports"]?.array ?? []
        var held = Set(before)
        var chosen: [Int64] = []
        var byNumber: [Int64: Set<String>] = [:]
        for index in ports.indices {
            let proto = ports[index]["protocol"]?.string ?? "TCP"
            if let number = ports[index]["nodePort"]?.integer, number > 0 {
                // One number serves several protocols of one service.
                if byNumber[number]?.insert(proto).inserted == nil {
                    try take(port: number, held: &held, index, object, resource, &reservation)
                    byNumber[number] = [proto]
                }
                chosen.append(number)
            } else if wants {
                let kept = Self.samePort(ports[index], in: old)
                let number: Int64
                if let kept { number = kept } else { number = try nextPort(&reservation) }
                ports[index]["nodePort"] = .integer(number)
                byNumber[number, default: []].insert(proto)
                chosen.append(number)
            }
        }
        if type == "LoadBalancer", spec["externalTrafficPolicy"]?.string == "Local" {
            let number = spec["healthCheckNodePort"]?.integer ?? old?.spec["healthCheckNodePort"]?.integer ?? 0
            if number > 0 {
                try take(port: number, held: &held, 0, object, resource, &reservation)
                chosen.append(number)
            } else {
                let fresh = try nextPort(&reservation)
                spec["healthCheckNodePort"] = .integer(fresh)
                chosen.append(fresh)
            }
        } else {
            spec["healthCheckNodePort"] = nil
        }
        if !ports.isEmpty { spec["ports"] = .array(ports) }
        reservation.releasedPorts = before.filter { !chosen.contains($0) }
    }

    private static func samePort(_ port: JSONValue, in old: APIObject?) -> Int64? {
        let candidates = old?.spec["ports"]?.array ?? []
        let same = candidates.first {
            $0["port"] == port["port"] && ($0["protocol"] ?? "TCP") == (port["protocol"] ?? "TCP")
        }
        return same?["nodePort"]?.integer.flatMap { $0 > 0 ? $0 : nil }
    }

    private func take(
        port: Int64, held: inout Set<Int64>, _ index: Int, _ object: APIObject, _ resource: ResourceKind,
        _ reservation: inout Reservation
    ) throws(APIError) {
        if held.contains(port) { return }
        let path = FieldPath("spec")["ports"][index]["nodePort"]
        guard portRange.contains(port) else {
            throw .invalid(
                resource.subject(object.name),
                [
                    .invalid(
                        path, port,
                        "provided port is not in the valid range. The range of valid ports is \(portRange.lowerBound)-\(portRange.upperBound)"
                    )
                ])
        }
        guard state.withLock({ $0.ports.insert(port).inserted }) else {
            throw .invalid(
                resource.subject(object.name), [.invalid(path, port, "provided port is already allocated")])
        }
        reservation.ports.append(port)
        held.insert(port)
    }

    private func nextPort(_ reservation: inout Reservation) throws(APIError) -> Int64 {
        let range = portRange
        let found = state.withLock { state -> Int64? in
            let offset = Int64.random(in: 0..<Int64(range.count))
            for step in 0..<Int64(range.count) {
                let port = range.lowerBound + (offset + step) % Int64(range.count)
                if state.ports.insert(port).inserted { return port }
            }
            return nil
        }
        guard let found else { throw .internalError("failed to allocate a nodePort: range is full") }
        reservation.ports.append(found)
        return found
    }
}
