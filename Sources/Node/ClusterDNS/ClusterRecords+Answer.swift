// SPDX-License-Identifier: Apache-2.0

internal import Netlink

/// How a question about the cluster is settled.
enum Verdict: Sendable, Hashable {
    case answer(DNSAnswer)
    /// An ExternalName Service whose target others know: the alias, to be completed with the target's records.
    case completeElsewhere(DNSAnswer, target: DNSName)
    /// The question is not about the cluster.
    case notOurs
}

// Names and answers are those of the specification "Kubernetes DNS-Based Service Discovery" 1.1.0; where it leaves a
// choice, CoreDNS' is made: a name whose namespace exists but that has no record of the type asked for is NOERROR without
// answers, everything else unknown is NXDOMAIN, pod names are answered for any address of an existing namespace
// (`pods insecure`), and endpoints have names and PTR records under Services with a cluster address too.
extension ClusterRecords {
    /// What the specification's version is told as.
    static let version = "1.1.0"
    /// How long clients may remember an answer, in seconds: what CoreDNS' kubernetes plugin says unless told otherwise.
    static let ttl: UInt32 = 5
    static let dnsService = ObjectName("kube-system", "kube-dns")

    /// - Parameter limit: How many bytes the answer may have. What costs time is bounded by it and not by what there is:
    ///   of more than can fit nothing is made.
    func verdict(_ question: DNSQuestion, limit: Int = Int(UInt16.max)) -> Verdict {
        if let address = ReverseName.address(question.name) {
            let room = Self.room(question.type, limit)
            let names = names(of: address, limit: room + 1)
            if names.isEmpty { return .notOurs }
            if question.type == .ptr, names.count > room { return .answer(Self.tooMuch) }
            let records = names.map { DNSRecord(name: question.name, ttl: Self.ttl, content: .ptr($0)) }
            return .answer(answer(question.type == .ptr ? records : []))
        }
        guard let labels = question.name.labels(in: zone) else { return .notOurs }
        return verdict(question, labels, limit, depth: 0)
    }

    /// How many records of a type `limit` bytes have room for at most: their names are two bytes that point elsewhere.
    static func room(_ type: RecordType, _ limit: Int) -> Int {
        switch type {
        case .a: limit / 16
        case .aaaa: limit / 28
        case .srv: limit / 20
        default: limit / 14
        }
    }

    /// What is said where more records are asked for than there is room: clients ask again by TCP.
    private static let tooMuch = DNSAnswer(isAuthoritative: true, isTruncated: true)

    private func verdict(_ question: DNSQuestion, _ labels: [String], _ limit: Int, depth: Int) -> Verdict {
        switch find(labels) {
        case .nothing: return .answer(missing(.nameError))
        case .records(let records, let additional):
            var result = answer(records.filter { $0.type == question.type }.map { $0.named(question.name) })
            if !result.answers.isEmpty { result.additional = additional }
            return .answer(result)
        case .targets(let targets):
            let room = Self.room(question.type, limit)
            return .answer(
                question.type == .srv ? services(targets, question.name, room) : addresses(targets, question, room))
        case .alias(let target): return follow(target, question, limit, depth)
        }
    }

    // MARK: Finding

    private enum Found {
        case nothing
        /// Fixed records; none at all for a name that only others are under.
        case records([DNSRecord], additional: [DNSRecord] = [])
        case targets(Targets)
        case alias(DNSName)
    }

    /// What a name of a Service leads to, not looked at yet.
    private enum Targets {
        /// Addresses of the Service itself, all under `name`, at these ports.
        case service(DNSName, [IPAddress], ArraySlice<NamedPort>)
        /// Its endpoints, or those of one name, at all ports or one.
        case endpoints(ObjectName, member: String?, port: (name: String, transport: String)?)
    }

    /// - Parameter labels: What stands in front of the zone.
    private func find(_ labels: [String]) -> Found {
        switch labels.count {
        case 0: return .records([authorityRecord, nameServer], additional: nameServerAddresses)
        case 1 where labels[0] == "dns-version":
            return .records([DNSRecord(name: zone, ttl: Self.ttl, content: .txt(Self.version))])
        case 2 where labels == ["ns", "dns"]: return .records(nameServerAddresses)
        default: break
        }
        let kind = labels[labels.count - 1]
        guard kind == "svc" || kind == "pod" else { return .nothing }
        guard labels.count > 1 else { return .records([]) }
        let namespace = labels[labels.count - 2]
        guard labels.count > 2 else { return namespaces.contains(namespace) ? .records([]) : .nothing }
        let front = Array(labels.dropLast(2))
        return kind == "pod" ? pod(front, namespace) : service(front, namespace)
    }

    private func pod(_ front: [String], _ namespace: String) -> Found {
        guard front.count == 1, namespaces.contains(namespace) else { return .nothing }
        let label = front[0]
        let isFour = label.utf8.count { $0 == UInt8(ascii: "-") } == 3 && !label.contains("--")
        let text = String(label.map { $0 == "-" ? (isFour ? "." : ":") : $0 })
        guard let address = IPAddress(text) else { return .nothing }
        return .records([DNSRecord(name: zone, ttl: Self.ttl, content: .address(address))])
    }

    /// - Parameter front: `service`, `endpoint service` or `_port _protocol service`.
    private func service(_ front: [String], _ namespace: String) -> Found {
        let key = ObjectName(namespace, front[front.count - 1])
        guard front.count <= 3, let service = services[key] else { return .nothing }
        var member: String?
        var wanted: (port: String, transport: String)?
        switch front.count {
        case 2: member = front[0]
        case 3:
            guard front[0].hasPrefix("_"), front[1].hasPrefix("_") else { return .nothing }
            wanted = (String(front[0].dropFirst()), String(front[1].dropFirst()))
        default: break
        }
        switch service.target {
        case .alias(let target): return front.count == 1 ? .alias(target) : .nothing
        case .addresses(let addresses) where member == nil:
            let ports = wanted.map { service.ports.named($0.port, $0.transport) } ?? service.ports[...]
            guard let name = name(of: key), !ports.isEmpty else { return .nothing }
            return .targets(.service(name, addresses, ports))
        default:
            for group in groups(of: key) where !group.members(labelled: member).isEmpty {
                if let wanted, group.ports.named(wanted.port, wanted.transport).isEmpty { continue }
                return .targets(.endpoints(key, member: member, port: wanted.map { ($0.port, $0.transport) }))
            }
            return .nothing
        }
    }

    // MARK: Answering

    /// Calls `body` with the ports and members of each slice that counts, until it returns false.
    private func forEachGroup(
        _ service: ObjectName, _ member: String?, _ port: (name: String, transport: String)?,
        _ body: (ArraySlice<EndpointGroup.Member>, ArraySlice<NamedPort>) -> Bool
    ) {
        for group in groups(of: service) {
            let ports = port.map { group.ports.named($0.name, $0.transport) } ?? group.ports[...]
            // Endpoints without ports still have addresses.
            if port != nil, ports.isEmpty { continue }
            guard body(group.members(labelled: member), ports) else { return }
        }
    }

    /// Ports are not looked at: what is asked for are addresses.
    private func addresses(_ targets: Targets, _ question: DNSQuestion, _ room: Int) -> DNSAnswer {
        let family: IPFamily? = question.type == .a ? .v4 : question.type == .aaaa ? .v6 : nil
        var found: Set<IPAddress> = []
        switch targets {
        case .service(_, let addresses, _): found = Set(addresses.filter { $0.family == family })
        case .endpoints(let service, let member, let port):
            guard family != nil else { break }
            forEachGroup(service, member, port) { members, _ in
                for member in members where member.address.family == family {
                    found.insert(member.address)
                    if found.count > room { return false }
                }
                return true
            }
        }
        if found.count > room { return Self.tooMuch }
        // Clients take the first: each answer has another order.
        return answer(
            found.map { DNSRecord(name: question.name, ttl: Self.ttl, content: .address($0)) }.shuffled())
    }

    private func services(_ targets: Targets, _ name: DNSName, _ room: Int) -> DNSAnswer {
        struct Place: Hashable {
            var name: DNSName
            var port: UInt16
        }
        var places: Set<Place> = []
        var additional: Set<DNSRecord> = []
        /// False when there are more than fit.
        func add(_ target: DNSName, _ addresses: [IPAddress], _ ports: ArraySlice<NamedPort>) -> Bool {
            for port in ports where port.number != 0 {
                places.insert(Place(name: target, port: port.number))
                if places.count > room { return false }
            }
            for address in addresses where additional.count <= room {
                additional.insert(DNSRecord(name: target, ttl: Self.ttl, content: .address(address)))
            }
            return true
        }
        var fits = true
        switch targets {
        case .service(let target, let addresses, let ports): fits = add(target, addresses, ports)
        case .endpoints(let service, let member, let port):
            forEachGroup(service, member, port) { members, ports in
                for member in members where !ports.isEmpty {
                    guard let target = self.name(of: service, member: member.label) else { continue }
                    fits = add(target, [member.address], ports)
                    if !fits { return false }
                }
                return true
            }
        }
        guard fits else { return Self.tooMuch }
        guard !places.isEmpty else { return answer([]) }
        let weight = UInt16(max(1, 100 / places.count))
        var result = answer(
            places.map {
                DNSRecord(
                    name: name, ttl: Self.ttl, content: .srv(weight: weight, port: $0.port, target: $0.name))
            }.shuffled())
        // They are a courtesy, and none where not all of them fit.
        if places.count + additional.count <= room { result.additional = additional.shuffled() }
        return result
    }

    private func follow(_ target: DNSName, _ question: DNSQuestion, _ limit: Int, _ depth: Int) -> Verdict {
        let alias = DNSRecord(name: question.name, ttl: Self.ttl, content: .cname(target))
        let alone = answer([alias])
        guard question.type == .a || question.type == .aaaa else { return .answer(alone) }
        guard let labels = target.labels(in: zone) else { return .completeElsewhere(alone, target: target) }
        // Services may point at each other in circles.
        guard depth < 8 else { return .answer(missing(.serverFailure)) }
        var next = question
        next.name = target
        switch verdict(next, labels, limit, depth: depth + 1) {
        case .answer(let rest): return .answer(rest.code == .serverFailure ? rest : rest.behind(alias))
        case .completeElsewhere(let rest, let last): return .completeElsewhere(rest.behind(alias), target: last)
        case .notOurs: return .answer(alone)
        }
    }

    private func answer(_ records: [DNSRecord]) -> DNSAnswer {
        if records.isEmpty { return missing(.noError) }
        return DNSAnswer(isAuthoritative: true, answers: records)
    }

    /// Nothing, with the SOA record by which resolvers know how long to remember that.
    private func missing(_ code: ResponseCode) -> DNSAnswer {
        DNSAnswer(code: code, isAuthoritative: true, authority: [authorityRecord])
    }

    // MARK: The zone's own records

    private var authorityRecord: DNSRecord {
        let server = name(["ns", "dns"]) ?? zone
        let mailbox = name(["hostmaster"]) ?? zone
        return DNSRecord(
            name: zone, ttl: Self.ttl,
            content: .soa(server: server, mailbox: mailbox, serial: serial, minimum: Self.ttl))
    }

    private var nameServer: DNSRecord {
        DNSRecord(name: zone, ttl: Self.ttl, content: .ns(name(of: Self.dnsService) ?? zone))
    }

    private var nameServerAddresses: [DNSRecord] {
        guard case .addresses(let addresses)? = services[Self.dnsService]?.target,
            let name = name(of: Self.dnsService)
        else { return [] }
        return addresses.map { DNSRecord(name: name, ttl: Self.ttl, content: .address($0)) }
    }
}

extension DNSRecord {
    fileprivate func named(_ name: DNSName) -> DNSRecord {
        var copy = self
        copy.name = name
        return copy
    }
}

extension DNSAnswer {
    /// This answer about an alias' target, with the alias in front of it.
    func behind(_ alias: DNSRecord) -> DNSAnswer {
        var copy = self
        copy.answers.insert(alias, at: 0)
        return copy
    }
}

/// Names of addresses: `4.3.2.1.in-addr.arpa`, and nibbles in `ip6.arpa`.
enum ReverseName {
    private static let four = DNSName("in-addr.arpa")
    private static let six = DNSName("ip6.arpa")

    static func address(_ name: DNSName) -> IPAddress? {
        if let four, let labels = name.labels(in: four) {
            guard labels.count == 4 else { return nil }
            return IPAddress(labels.reversed().joined(separator: ".")).flatMap { $0.family == .v4 ? $0 : nil }
        }
        guard let six, let labels = name.labels(in: six), labels.count == 32 else { return nil }
        let nibbles = labels.reversed().compactMap { $0.utf8.count == 1 ? $0.first?.hexDigitValue : nil }
        guard nibbles.count == 32 else { return nil }
        let bytes = stride(from: 0, to: 32, by: 2).map { UInt8(nibbles[$0] << 4 | nibbles[$0 + 1]) }
        return IPAddress(bytes: bytes)
    }
}
