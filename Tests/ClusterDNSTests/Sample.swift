// SPDX-License-Identifier: Apache-2.0

import Netlink

@testable import ClusterDNS

/// A small cluster with one of each.
enum Sample {
    static let zone = DNSName("cluster.local")!

    static let records: ClusterRecords = {
        var records = ClusterRecords(zone: zone)
        for namespace in ["default", "kube-system"] { records.setNamespace(namespace, exists: true) }
        records.setService(
            ObjectName("kube-system", "kube-dns"),
            NamedService(
                .addresses([ip("10.43.0.10"), ip("fd43::a")]),
                [NamedPort("dns", "udp", 53), NamedPort("dns-tcp", "tcp", 53)]))
        records.setService(
            ObjectName("default", "web"),
            NamedService(
                .addresses([ip("10.43.0.80"), ip("fd43::80")]),
                [NamedPort("http", "tcp", 80), NamedPort("https", "tcp", 443)]))
        records.setSlice(
            ObjectName("default", "web-1"),
            EndpointGroup(
                service: ObjectName("default", "web"), ports: [NamedPort("http", "tcp", 8080)],
                members: [.init(ip("10.42.0.80"))]))
        records.setService(
            ObjectName("default", "db"), NamedService(.headless, [NamedPort("sql", "tcp", 5432)]))
        records.setSlice(
            ObjectName("default", "db-4"),
            EndpointGroup(
                service: ObjectName("default", "db"), ports: [NamedPort("sql", "tcp", 5432)],
                members: [.init(ip("10.42.0.5"), hostname: "DB-0"), .init(ip("10.42.0.6"))]))
        records.setSlice(
            ObjectName("default", "db-6"),
            EndpointGroup(
                service: ObjectName("default", "db"), ports: [NamedPort("sql", "tcp", 5432)],
                members: [.init(ip("fd42::5"), hostname: "db-0"), .init(ip("fd42::"))]))
        records.setService(ObjectName("default", "nobody"), NamedService(.headless, [NamedPort("x", "tcp", 1)]))
        records.setService(ObjectName("default", "far"), NamedService(.alias(DNSName("www.example.com.")!), []))
        records.setService(
            ObjectName("default", "near"), NamedService(.alias(DNSName("web.default.svc.cluster.local")!), []))
        records.setService(
            ObjectName("default", "circle"), NamedService(.alias(DNSName("circle.default.svc.cluster.local")!), []))
        return records
    }()

    static func ip(_ text: String) -> Netlink.IPAddress { Netlink.IPAddress(text)! }

    /// The verdict in words: `NOERROR a b`, `NXDOMAIN`, `elsewhere` and for aliases to others `www.example.com. elsewhere`.
    static func ask(_ name: String, _ type: RecordType, _ records: ClusterRecords = records) -> String {
        switch records.verdict(DNSQuestion(DNSName(name)!, type)) {
        case .notOurs: return "elsewhere"
        case .completeElsewhere(let answer, let target):
            return (text(answer.answers) + [target.description, "elsewhere"]).joined(separator: " ")
        case .answer(let answer):
            // Whatever is missing says for how long.
            if answer.answers.isEmpty, answer.authority.first?.type != .soa { return "no SOA" }
            return ([answer.code.label] + text(answer.answers)).joined(separator: " ")
        }
    }

    static func text(_ records: [DNSRecord]) -> [String] {
        let words = records.map { record in
            switch record.content {
            case .address(let address): "\(address)"
            case .cname(let name): "->\(name)"
            case .ns(let name), .ptr(let name): "\(name)"
            case .srv(let weight, let port, let target): "\(weight):\(port):\(target)"
            case .txt(let text): text
            case .soa(let server, _, _, let minimum): "\(server)/\(minimum)"
            }
        }
        // Addresses come in any order; aliases before them.
        return words.filter { $0.hasPrefix("->") } + words.filter { !$0.hasPrefix("->") }.sorted()
    }
}

/// The same numbers on every run.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
