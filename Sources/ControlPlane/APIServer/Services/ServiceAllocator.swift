// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Store
internal import Synchronization

/// Gives services their addresses and node ports. Taken is what the stored services hold, as of now, by whatever way they
/// came and went, and what requests under way have been given: nothing is noted that could be forgotten to be taken back.
final class ServiceAllocator: Sendable {
    private struct Holding {
        var addresses: [String] = []
        var ports: Set<Int64> = []
    }

    private struct State {
        /// What each stored service has, by its key, and how many have each.
        var holdings: [String: Holding] = [:]
        var addresses: [String: Int] = [:]
        var ports: [Int64: Int] = [:]
        /// What requests have been given and have not stored yet.
        var givenAddresses: Set<String> = []
        var givenPorts: Set<Int64> = []

        mutating func hold(_ key: String, _ holding: Holding?) {
            if let before = holdings.removeValue(forKey: key) {
                for address in before.addresses { Self.add(-1, to: &addresses[address]) }
                for port in before.ports { Self.add(-1, to: &ports[port]) }
            }
            guard let holding else { return }
            holdings[key] = holding
            for address in holding.addresses { Self.add(1, to: &addresses[address]) }
            for port in holding.ports { Self.add(1, to: &ports[port]) }
        }

        private static func add(_ difference: Int, to count: inout Int?) {
            let sum = (count ?? 0) + difference
            count = sum > 0 ? sum : nil
        }

        mutating func give(_ address: String) -> Bool {
            addresses[address] == nil && givenAddresses.insert(address).inserted
        }

        mutating func give(_ port: Int64) -> Bool { ports[port] == nil && givenPorts.insert(port).inserted }
    }

    /// What one request has been given. Ends with the request: what it has stored is taken by what is stored.
    final class Reservation: Sendable {
        fileprivate struct Given {
            var addresses: [String] = []
            var ports: [Int64] = []
        }
        fileprivate let given = Mutex(Given())
    }

    let ranges: [AddressRange]
    /// What every pod knows the API server by: nobody else's, also while the Service `kubernetes` is not there.
    private let serverAddress: String?
    private let portRange: ClosedRange<Int64>
    private let store: any KeyValueStore
    private let prefix: String
    private let changes: ChangedKeys
    private let state = Mutex(State())

    init(ranges: [AddressRange], portRange: ClosedRange<Int64>, store: any KeyValueStore, services: ResourceKind) {
        self.ranges = ranges
        serverAddress = ranges.first?.address(1)
        self.portRange = portRange
        self.store = store
        prefix = ObjectStorage.prefix(services)
        changes = store.changedKeys(under: prefix)
    }

    /// Runs what gives addresses to an object and stores it, or does not. Kinds that have none pay nothing.
    func reserving<Result>(
        for resource: ResourceKind, _ body: (Reservation?) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        guard resource.group.isEmpty, resource.kind == "Service" else { return try await body(nil) }
        let reservation = Reservation()
        defer { release(reservation) }
        return try await body(reservation)
    }

    /// Fills in what the service leaves to the server. What an earlier attempt of the same request was given is free
    /// again; a dry run keeps nothing.
    func prepare(
        _ object: inout APIObject, old: APIObject?, resource: ResourceKind, dryRun: Bool, _ reservation: Reservation?
    ) throws(APIError) {
        guard let reservation else { return }
        release(reservation)
        try prepareAddresses(&object, old, resource, reservation)
        try preparePorts(&object, old, resource, reservation)
        if dryRun { release(reservation) }
    }

    private func release(_ reservation: Reservation) {
        let given = reservation.given.withLock { given in
            defer { given = Reservation.Given() }
            return given
        }
        state.withLock { state in
            state.givenAddresses.subtract(given.addresses)
            state.givenPorts.subtract(given.ports)
        }
    }

    // MARK: What is stored

    /// Gives by what is stored now.
    private func giving<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        state.withLock { state in
            switch changes.take() {
            case .keys(let keys):
                for key in keys { set(&state, key, store.get(key)) }
            case .everything:
                let present = store.current(prefix: prefix)
                for key in Set(state.holdings.keys).subtracting(present.map(\.key)) { state.hold(key, nil) }
                for stored in present { set(&state, stored.key, stored) }
            }
            return body(&state)
        }
    }

    private func set(_ state: inout State, _ key: String, _ stored: StoredObject?) {
        guard let stored else { return state.hold(key, nil) }
        // One that cannot be read keeps what it had.
        guard let service = try? APIObject(stored) else { return }
        state.hold(key, Holding(addresses: Self.addresses(service), ports: Set(Self.ports(service))))
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
        _ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind, _ reservation: Reservation
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
                try take(fixed[index], held: before, index, object, resource, reservation)
                chosen.append(fixed[index])
            } else {
                chosen.append(try next(family, object, resource, reservation))
            }
        }
        spec["clusterIP"] = .string(chosen.first ?? "")
        spec["clusterIPs"] = .array(chosen.map { .string($0) })
        spec["ipFamilies"] = .array(families.map { .string($0) })
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
        _ reservation: Reservation
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
        guard ranges.contains(where: { $0.contains(address) }) else {
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
        let isServer = object.namespace == "default" && object.name == "kubernetes"
        guard isServer || canonical != serverAddress, giving({ $0.give(canonical) }) else {
            throw .invalid(
                resource.subject(object.name),
                [.invalid(path, address, "failed to allocate IP \(address): provided IP is already allocated")])
        }
        reservation.given.withLock { $0.addresses.append(canonical) }
    }

    /// A free address of `family`. Addresses are given from the upper part of the range, so that the lower part is left
    /// for those who choose their own.
    private func next(
        _ family: String, _ object: APIObject, _ resource: ResourceKind, _ reservation: Reservation
    ) throws(APIError) -> String {
        guard let range = ranges.first(where: { $0.family == family }) else {
            throw .internalError("no service address range of family \(family)")
        }
        let count = range.count
        let lower = min(max(16, count / 16), 256)
        let start = count > lower ? lower : 0
        let found = giving { state -> String? in
            let span = count - start
            let offset = span > 0 ? Int.random(in: 0..<span) : 0
            for step in 0..<max(span, 0) {
                let address = range.address(1 + start + (offset + step) % span)
                if address != serverAddress, state.give(address) { return address }
            }
            for index in 1..<(1 + start) {
                let address = range.address(index)
                if address != serverAddress, state.give(address) { return address }
            }
            return nil
        }
        guard let found else {
            throw .internalError("failed to allocate a serviceIP: range is full")
        }
        reservation.given.withLock { $0.addresses.append(found) }
        return found
    }

    // MARK: Ports

    private func preparePorts(
        _ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind, _ reservation: Reservation
    ) throws(APIError) {
        var spec = object.spec
        defer { object.spec = spec }
        let type = spec["type"]?.string ?? "ClusterIP"
        let wants =
            type == "NodePort" || (type == "LoadBalancer" && spec["allocateLoadBalancerNodePorts"]?.bool != false)
        var ports = spec["ports"]?.array ?? []
        var held = Set(old.map(Self.ports) ?? [])
        var byNumber: [Int64: Set<String>] = [:]
        let before = wants ? Self.nodePorts(old) : [:]
        for index in ports.indices {
            let proto = ports[index]["protocol"]?.string ?? "TCP"
            if let number = ports[index]["nodePort"]?.integer, number > 0 {
                // One number serves several protocols of one service.
                if byNumber[number]?.insert(proto).inserted == nil {
                    try take(port: number, held: &held, index, object, resource, reservation)
                    byNumber[number] = [proto]
                }
            } else if wants {
                let number: Int64
                if let kept = before[PortKey(ports[index])] {
                    number = kept
                } else {
                    number = try nextPort(reservation)
                }
                ports[index]["nodePort"] = .integer(number)
                byNumber[number, default: []].insert(proto)
            }
        }
        if type == "LoadBalancer", spec["externalTrafficPolicy"]?.string == "Local" {
            let number = spec["healthCheckNodePort"]?.integer ?? old?.spec["healthCheckNodePort"]?.integer ?? 0
            if number > 0 {
                try take(port: number, held: &held, 0, object, resource, reservation)
            } else {
                spec["healthCheckNodePort"] = .integer(try nextPort(reservation))
            }
        } else {
            spec["healthCheckNodePort"] = nil
        }
        if !ports.isEmpty { spec["ports"] = .array(ports) }
    }

    /// A port as it is told from the others of its Service.
    private struct PortKey: Hashable {
        let port: JSONValue?
        let transport: JSONValue

        init(_ port: JSONValue) {
            self.port = port["port"]
            transport = port["protocol"] ?? "TCP"
        }
    }

    /// The node port of each port that has one; of equal ports the first one counts.
    private static func nodePorts(_ service: APIObject?) -> [PortKey: Int64] {
        var first: [PortKey: Int64?] = [:]
        for port in service?.spec["ports"]?.array ?? [] {
            let number = port["nodePort"]?.integer.flatMap { $0 > 0 ? $0 : nil }
            if first[PortKey(port)] == nil { first[PortKey(port)] = .some(number) }
        }
        return first.compactMapValues { $0 }
    }

    private func take(
        port: Int64, held: inout Set<Int64>, _ index: Int, _ object: APIObject, _ resource: ResourceKind,
        _ reservation: Reservation
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
        guard giving({ $0.give(port) }) else {
            throw .invalid(
                resource.subject(object.name), [.invalid(path, port, "provided port is already allocated")])
        }
        reservation.given.withLock { $0.ports.append(port) }
        held.insert(port)
    }

    private func nextPort(_ reservation: Reservation) throws(APIError) -> Int64 {
        let range = portRange
        let found = giving { state -> Int64? in
            let offset = Int64.random(in: 0..<Int64(range.count))
            for step in 0..<Int64(range.count) {
                let port = range.lowerBound + (offset + step) % Int64(range.count)
                if state.give(port) { return port }
            }
            return nil
        }
        guard let found else { throw .internalError("failed to allocate a nodePort: range is full") }
        reservation.given.withLock { $0.ports.append(found) }
        return found
    }
}
