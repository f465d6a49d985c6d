// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Synchronization

/// Gives services their addresses and node ports. Taken is what the stored services hold, as of now, by whatever way they
/// came and went, and what requests under way have been given: nothing is noted that could be forgotten to be taken back.
///
/// Of node ports and of the addresses of a family no namespace gets more than is left over for the next one, but for what
/// masters ask for and for kube-system.
final class ServiceAllocator: Sendable {
    private struct State {
        /// What each stored service has, by its key.
        var holdings: [String: ServiceHolding] = [:]
        var ipv4: AllocationPool<String>
        var ipv6: AllocationPool<String>
        var ports: AllocationPool<Int64>
        /// Keys that were written while what was there at start is read.
        var written: Set<String> = []
        var start: Start

        subscript(_ family: String) -> AllocationPool<String> {
            get { family == "IPv6" ? ipv6 : ipv4 }
            _modify {
                if family == "IPv6" { yield &ipv6 } else { yield &ipv4 }
            }
        }

        mutating func hold(_ key: String, _ holding: ServiceHolding?) {
            if let before = holdings.removeValue(forKey: key) {
                for address in before.addresses {
                    self[AddressRange.family(address)].letGo(address, in: before.namespace)
                }
                for port in before.ports { ports.letGo(port, in: before.namespace) }
            }
            guard let holding else { return }
            holdings[key] = holding
            for address in holding.addresses {
                self[AddressRange.family(address)].hold(address, in: holding.namespace)
            }
            for port in holding.ports { ports.hold(port, in: holding.namespace) }
        }
    }

    /// How far what was stored before this process is known.
    private enum Start {
        case unread([StoredObject])
        /// Somebody reads it; who wait for that.
        case reading([CheckedContinuation<Void, Never>])
        case read
    }

    /// What one request has been given. Ends with the request: what it has stored is taken by what is stored.
    final class Reservation: Sendable {
        fileprivate struct Given {
            var addresses: [String] = []
            var ports: [Int64] = []
        }
        fileprivate let given = Mutex(Given())
        /// Whether whoever asks may take more than others leave over.
        fileprivate let isExempt: Bool

        fileprivate init(isExempt: Bool) { self.isExempt = isExempt }
    }

    let ranges: [AddressRange]
    /// What every pod knows the API server by: nobody else's, also while the Service `kubernetes` is not there.
    private let serverAddress: String?
    private let portRange: ClosedRange<Int64>
    private let bench: Workbench
    private let state: Mutex<State>

    init(
        ranges: [AddressRange], portRange: ClosedRange<Int64>, store: any KeyValueStore, services: ResourceKind,
        _ bench: Workbench
    ) {
        self.ranges = ranges
        serverAddress = ranges.first?.address(1)
        self.portRange = portRange
        self.bench = bench
        func size(_ family: String) -> Int { ranges.first { $0.family == family }?.count ?? 0 }
        state = Mutex(
            State(
                ipv4: AllocationPool(size: size("IPv4")), ipv6: AllocationPool(size: size("IPv6")),
                ports: AllocationPool(size: portRange.count), start: .unread([])))
        let present = store.follow(prefix: ObjectStorage.prefix(services)) { [weak self] in self?.follow($0) }
        state.withLock { $0.start = present.isEmpty ? .read : .unread(present) }
    }

    /// Runs what gives addresses to an object and stores it, or does not. Kinds that have none pay nothing.
    func reserving<Result>(
        for resource: ResourceKind, by user: RequestUser, _ body: (Reservation?) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        guard resource.group.isEmpty, resource.kind == "Service" else { return try await body(nil) }
        await start()
        let reservation = Reservation(isExempt: BudgetHolder(user).kind == .masters)
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
        let request = ObjectIdentifier(reservation)
        state.withLock { state in
            for address in given.addresses { state[AddressRange.family(address)].takeBack(address, from: request) }
            for port in given.ports { state.ports.takeBack(port, from: request) }
        }
    }

    // MARK: What is stored

    /// A Service was written, or went. It is known what one has that was written by this process.
    private func follow(_ event: StoreEvent) {
        let holding = event.object?.remembered(ServiceHolding.self)
        state.withLock { state in
            if case .read = state.start {} else { state.written.insert(event.key) }
            if event.object == nil || holding != nil { state.hold(event.key, holding) }
        }
    }

    /// Reads what was stored before this process, once, where it keeps nobody else waiting.
    func start() async {
        let (isRead, unread): (Bool, [StoredObject]?) = state.withLock { state in
            switch state.start {
            case .read: return (true, nil)
            case .reading: return (false, nil)
            case .unread(let objects):
                state.start = .reading([])
                return (false, objects)
            }
        }
        if isRead { return }
        guard let unread else { return await waitForStart() }
        for turn in RequestScope.turns(unread) {
            await bench.run(for: "services") { [self] in
                for stored in turn.objects {
                    let holding = ServiceHolding.of(stored)
                    state.withLock { state in
                        if !state.written.contains(stored.key) { state.hold(stored.key, holding) }
                    }
                }
            }
        }
        let waiting = state.withLock { state in
            defer {
                state.start = .read
                state.written = []
            }
            if case .reading(let waiting) = state.start { return waiting }
            return []
        }
        for continuation in waiting { continuation.resume() }
    }

    private func waitForStart() async {
        await withCheckedContinuation { continuation in
            let mustWait = state.withLock { state in
                guard case .reading(let waiting) = state.start else { return false }
                state.start = .reading(waiting + [continuation])
                return true
            }
            if !mustWait { continuation.resume() }
        }
    }

    /// Refuses what would leave others less than the namespace has then.
    private func checkShare(
        _ growth: Int, _ what: String, _ object: APIObject, _ resource: ResourceKind, _ reservation: Reservation,
        of pool: @Sendable (State) -> (isBeyond: Bool, held: Int, size: Int)
    ) throws(APIError) {
        if growth <= 0 || reservation.isExempt || object.namespace == "kube-system" { return }
        let (isBeyond, held, size) = state.withLock { pool($0) }
        guard isBeyond else { return }
        throw .forbidden(
            resource.subject(object.name.isEmpty ? object.generateName : object.name),
            "exceeded share of \(what): requested: \(growth), used by namespace \"\(object.namespace)\": \(held), "
                + "of \(size) in all, of which no namespace may have more than is left over for others")
    }

    static func addresses(_ service: APIObject) -> [String] {
        let all = (service.spec["clusterIPs"]?.array ?? []).compactMap(\.string)
        let single = service.spec["clusterIP"]?.string ?? ""
        return (all.isEmpty ? [single] : all).filter { !$0.isEmpty && $0 != "None" }.map(AddressRange.canonical)
    }

    static func ports(_ service: APIObject) -> [Int64] {
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
        for family in families where !before.contains(where: { AddressRange.family($0) == family }) {
            let namespace = object.namespace
            try checkShare(1, "\(family) addresses of Services", object, resource, reservation) {
                ($0[family].isBeyondShare(1, of: namespace), $0[family].held(by: namespace), $0[family].size)
            }
        }
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
        let (request, namespace, family) = (
            ObjectIdentifier(reservation), object.namespace, AddressRange.family(canonical)
        )
        guard isServer || canonical != serverAddress,
            state.withLock({ $0[family].give(canonical, to: request, in: namespace) })
        else {
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
        let (request, namespace) = (ObjectIdentifier(reservation), object.namespace)
        let found = state.withLock { state -> String? in
            guard state[family].used < count else { return nil }
            let span = count - start
            let offset = span > 0 ? Int.random(in: 0..<span) : 0
            for step in 0..<max(span, 0) {
                let address = range.address(1 + start + (offset + step) % span)
                if address != serverAddress, state[family].give(address, to: request, in: namespace) {
                    return address
                }
            }
            for index in 1..<(1 + start) {
                let address = range.address(index)
                if address != serverAddress, state[family].give(address, to: request, in: namespace) {
                    return address
                }
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
        let wantsHealth = type == "LoadBalancer" && spec["externalTrafficPolicy"]?.string == "Local"
        let health = spec["healthCheckNodePort"]?.integer ?? old?.spec["healthCheckNodePort"]?.integer ?? 0
        let growth = Self.portGrowth(ports, wants, before, health: wantsHealth ? health : nil, held: held)
        let namespace = object.namespace
        try checkShare(growth, "node ports", object, resource, reservation) {
            ($0.ports.isBeyondShare(growth, of: namespace), $0.ports.held(by: namespace), $0.ports.size)
        }
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
                    number = try nextPort(object, reservation)
                }
                ports[index]["nodePort"] = .integer(number)
                byNumber[number, default: []].insert(proto)
            }
        }
        if wantsHealth {
            if health > 0 {
                try take(port: health, held: &held, 0, object, resource, reservation)
            } else {
                spec["healthCheckNodePort"] = .integer(try nextPort(object, reservation))
            }
        } else {
            spec["healthCheckNodePort"] = nil
        }
        if !ports.isEmpty { spec["ports"] = .array(ports) }
    }

    /// How many more numbers a Service comes to hold.
    ///
    /// - Parameters:
    ///   - before: The numbers its ports have already.
    ///   - health: That for health checks, 0 where one is to be given; nil without one.
    private static func portGrowth(
        _ ports: [JSONValue], _ wants: Bool, _ before: [PortKey: Int64], health: Int64?, held: Set<Int64>
    ) -> Int {
        var numbers: Set<Int64> = []
        var fresh = health == 0 ? 1 : 0
        for port in ports {
            if let number = port["nodePort"]?.integer, number > 0 {
                numbers.insert(number)
            } else if wants, let kept = before[PortKey(port)] {
                numbers.insert(kept)
            } else if wants {
                fresh += 1
            }
        }
        if let health, health > 0 { numbers.insert(health) }
        return numbers.count + fresh - held.count
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
        let (request, namespace) = (ObjectIdentifier(reservation), object.namespace)
        guard state.withLock({ $0.ports.give(port, to: request, in: namespace) }) else {
            throw .invalid(
                resource.subject(object.name), [.invalid(path, port, "provided port is already allocated")])
        }
        reservation.given.withLock { $0.ports.append(port) }
        held.insert(port)
    }

    private func nextPort(_ object: APIObject, _ reservation: Reservation) throws(APIError) -> Int64 {
        let range = portRange
        let (request, namespace) = (ObjectIdentifier(reservation), object.namespace)
        let found = state.withLock { state -> Int64? in
            guard state.ports.used < range.count else { return nil }
            let offset = Int64.random(in: 0..<Int64(range.count))
            for step in 0..<Int64(range.count) {
                let port = range.lowerBound + (offset + step) % Int64(range.count)
                if state.ports.give(port, to: request, in: namespace) { return port }
            }
            return nil
        }
        guard let found else { throw .internalError("failed to allocate a nodePort: range is full") }
        reservation.given.withLock { $0.ports.append(found) }
        return found
    }
}
