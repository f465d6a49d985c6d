// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing

@testable import ClusterDNS

struct WireTests {
    /// `kubernetes.default.svc.cluster.local A` as dig sends it, with a cookie.
    static let digQuery: [UInt8] =
        [0x12, 0x34, 0x01, 0x20, 0, 1, 0, 0, 0, 0, 0, 1]
        + [10] + Array("Kubernetes".utf8) + [7] + Array("default".utf8) + [3] + Array("svc".utf8)
        + [7] + Array("cluster".utf8) + [5] + Array("local".utf8) + [0, 0, 1, 0, 1]
        // OPT: root, type 41, 1232 bytes, no flags, 12 bytes of options: a cookie.
        + [0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]

    static func query(_ bytes: [UInt8] = digQuery) throws -> DNSQuery {
        guard case .query(let query) = DNSQuery.read(bytes) else { throw ClusterDNSError(description: "no query") }
        return query
    }

    @Test func `a query is read with its extension`() throws {
        let query = try Self.query()
        #expect(query.id == 0x1234)
        #expect(query.recursionDesired)
        #expect(query.question.name == DNSName("kubernetes.default.svc.cluster.local"))
        #expect(query.question.type == .a)
        #expect(query.edns == DNSQuery.Extension(size: 1232))
        #expect(query.datagramLimit == 1232)
    }

    @Test func `a query is passed on under another id, without what is one hop's own`() throws {
        let query = try Self.query()
        let bytes = query.encoded(id: 7)
        let again = try Self.query(bytes)
        #expect(again.id == 7)
        #expect(again.question == query.question)
        #expect(again.edns == query.edns)
        #expect(bytes.count == Self.digQuery.count - 12)
        var plain = query
        plain.edns = nil
        #expect(try Self.query(plain.encoded(id: 7)).edns == nil)
    }

    @Test func `an answer repeats the client's id and spelling`() throws {
        let query = try Self.query()
        guard case .answer(let answer) = Sample.records.verdict(query.question) else { return }
        let bytes = answer.encoded(query, limit: 512)
        #expect(Array(bytes[..<2]) == [0x12, 0x34])
        #expect(Array(bytes[12..<23]) == [10] + Array("Kubernetes".utf8))
    }

    @Test func `every kind of record survives the wire`() throws {
        let query = try Self.query()
        let name = query.question.name
        let target = DNSName("a.example.com")!
        let contents: [DNSRecord.Content] = [
            .address(Sample.ip("10.43.0.1")), .address(Sample.ip("fd43::1")), .cname(target), .ptr(target), .ns(target),
            .srv(weight: 50, port: 443, target: target), .txt("1.1.0"),
            .soa(server: target, mailbox: target, serial: 7, minimum: 5),
        ]
        for content in contents {
            let answer = DNSAnswer(answers: [DNSRecord(name: name, ttl: 5, content: content)])
            let bytes = answer.encoded(query, limit: 512)
            let read = try #require(ForeignAnswer(bytes, to: query.question, id: query.id), "\(content)")
            #expect(read.code == 0)
            #expect(read.lifetime == 5)
            switch content {
            case .address, .cname: #expect(read.records == answer.answers)
            default: break
            }
        }
    }

    @Test func `what does not fit loses its additional records, then all of them with the flag that says so`() throws {
        var query = try Self.query()
        query.edns = nil
        let name = query.question.name
        let many = (0..<100).map { index in
            DNSRecord(name: name, ttl: 5, content: .address(Netlink.IPAddress(10, 42, 1, UInt8(index))))
        }
        let cut = DNSAnswer(answers: many).encoded(query, limit: query.datagramLimit)
        #expect(cut.count <= 512)
        #expect(cut[2] & 0x02 != 0)
        #expect(try #require(ForeignAnswer(cut, to: query.question, id: query.id)).lifetime == 0)
        let whole = DNSAnswer(answers: many).encoded(query, limit: 65535)
        #expect(whole[2] & 0x02 == 0)
        #expect(ForeignAnswer(whole, to: query.question, id: query.id)?.records.count == 100)
        let less = DNSAnswer(answers: Array(many[..<2]), additional: many).encoded(query, limit: 512)
        #expect(less[2] & 0x02 == 0)
        #expect(less.count <= 512)
        #expect(ForeignAnswer(less, to: query.question, id: query.id)?.records.count == 2)
    }

    @Test func `an answer to something else is not taken`() throws {
        let query = try Self.query()
        let bytes = DNSAnswer(answers: []).encoded(query, limit: 512)
        #expect(ForeignAnswer(bytes, to: query.question, id: query.id) != nil)
        #expect(ForeignAnswer(bytes, to: query.question, id: query.id &+ 1) == nil)
        #expect(ForeignAnswer(bytes, to: DNSQuestion(DNSName("a.b")!, .a), id: query.id) == nil)
        #expect(ForeignAnswer(bytes, to: DNSQuestion(query.question.name, .aaaa), id: query.id) == nil)
        #expect(ForeignAnswer(Self.digQuery, to: query.question, id: query.id) == nil)
    }

    @Test func `a remembered answer grows old and takes the client's id and spelling`() throws {
        let query = try Self.query()
        let record = DNSRecord(name: query.question.name, ttl: 20, content: .address(Sample.ip("192.0.2.1")))
        let bytes = DNSAnswer(answers: [record]).encoded(query, limit: 512)
        let answer = try #require(ForeignAnswer(bytes, to: query.question, id: query.id))
        var other = query
        other.id = 99
        other.question.spelling = query.question.name.wire
        let later = answer.encoded(for: other, age: 7)
        let read = try #require(ForeignAnswer(later, to: other.question, id: 99))
        #expect(read.records.map(\.ttl) == [13])
        // The OPT record at the end has flags where others have their time.
        #expect(later.suffix(11) == bytes.suffix(11))
        #expect(ForeignAnswer(answer.encoded(for: other, age: 21), to: other.question, id: 99)?.records.first?.ttl == 0)
        #expect(Array(later[12..<23]) == [10] + Array("kubernetes".utf8))
    }

    @Test func `no such name is remembered for as long as the SOA record says`() throws {
        let query = try Self.query()
        let soa = DNSRecord(
            name: Sample.zone, ttl: 300,
            content: .soa(server: Sample.zone, mailbox: Sample.zone, serial: 1, minimum: 9))
        let bytes = DNSAnswer(code: .nameError, authority: [soa]).encoded(query, limit: 512)
        #expect(ForeignAnswer(bytes, to: query.question, id: query.id)?.lifetime == 9)
        let failure = DNSAnswer(code: .serverFailure, authority: [soa]).encoded(query, limit: 512)
        #expect(ForeignAnswer(failure, to: query.question, id: query.id)?.lifetime == 0)
    }

    @Test func `a later version of EDNS is told so`() throws {
        var query = try Self.query()
        query.edns?.version = 1
        #expect(DNSResponder.refusal(query) == .badVersion)
        let bytes = DNSAnswer(code: .badVersion).encoded(query, limit: 512)
        // The upper eight bits of the code are in the OPT record, behind its type and size.
        let opt = bytes.count - 11
        #expect(Array(bytes[opt..<(opt + 3)]) == [0, 0, 41])
        #expect(bytes[opt + 5] == 1)
        #expect(bytes[3] & 0xf == 0)
    }

    @Test func `other operations, other classes and zone transfers are refused`() throws {
        var query = try Self.query()
        #expect(DNSResponder.refusal(query) == nil)
        query.question.type = .axfr
        #expect(DNSResponder.refusal(query) == .refused)
        query = try Self.query()
        query.question.classNumber = 3
        #expect(DNSResponder.refusal(query) == .refused)
        query.opcode = 4
        #expect(DNSResponder.refusal(query) == .notImplemented)
    }

    @Test func `answers and fragments get no answer, and what is no query is told so`() {
        var answer = Self.digQuery
        answer[2] |= 0x80
        #expect(DNSQuery.read(answer) == .ignored)
        #expect(DNSQuery.read([]) == .ignored)
        #expect(DNSQuery.read(Array(Self.digQuery[..<11])) == .ignored)
        guard case .malformed(let response) = DNSQuery.read(Array(Self.digQuery[..<20])) else {
            Issue.record("a cut query is no query")
            return
        }
        #expect(response == [0x12, 0x34, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        // No question, or two.
        for count: UInt8 in [0, 2] {
            var bytes = Self.digQuery
            bytes[5] = count
            if case .query = DNSQuery.read(bytes) { Issue.record("\(count) questions") }
        }
    }

    @Test func `damaged messages neither crash nor are taken for what they are not`() throws {
        var random = SplitMix(state: 53)
        let query = try Self.query()
        let target = DNSName("a.example.com")!
        let answer = DNSAnswer(
            answers: [
                DNSRecord(name: query.question.name, ttl: 5, content: .cname(target)),
                DNSRecord(name: target, ttl: 5, content: .address(Sample.ip("fd43::1"))),
                DNSRecord(name: target, ttl: 5, content: .srv(weight: 1, port: 2, target: target)),
                DNSRecord(name: target, ttl: 5, content: .txt("text")),
            ],
            authority: [
                DNSRecord(
                    name: target, ttl: 5, content: .soa(server: target, mailbox: target, serial: 1, minimum: 1))
            ]
        ).encoded(query, limit: 4096)
        for seed in [Self.digQuery, answer] {
            for _ in 0..<20_000 {
                var bytes = seed
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
                if case .query(let read) = DNSQuery.read(bytes) {
                    // What was taken for a query can be looked up, answered and passed on.
                    _ = Sample.records.verdict(read.question)
                    #expect(!DNSAnswer(code: .refused).encoded(read, limit: 512).isEmpty)
                    #expect(!read.encoded(id: 1).isEmpty)
                }
                if let read = ForeignAnswer(bytes, to: query.question, id: query.id) {
                    _ = read.records
                    #expect(read.encoded(for: query).count == bytes.count)
                    #expect(read.encoded(for: query, age: 3).count == bytes.count)
                }
            }
        }
    }

    // MARK: Names

    @Test func `names are compared without case and by whole labels`() throws {
        #expect(DNSName("WWW.Example.com") == DNSName("www.example.com."))
        let name = try #require(DNSName("a.b.cluster.local"))
        #expect(name.labels(in: Sample.zone) == ["a", "b"])
        #expect(Sample.zone.labels(in: Sample.zone) == [])
        #expect(DNSName("acluster.local")?.labels(in: Sample.zone) == nil)
        // One label whose bytes end as the zone does: 0x07 "cluster" 0x05 "local" inside of it.
        let inside = Array(Sample.zone.wire.dropLast())
        let odd = try #require(DNSName(wire: [UInt8(inside.count + 1), 0x61] + inside + [0]))
        #expect(odd.labels(in: Sample.zone) == nil)
        #expect(DNSName("")?.wire == [0])
        #expect(DNSName("a..b") == nil)
        #expect(DNSName(String(repeating: "a", count: 64)) == nil)
        #expect(DNSName(String(repeating: "a.", count: 128)) == nil)
        #expect(DNSName(wire: [1, 0x61]) == nil)
        #expect(DNSName(wire: [0xc0, 12]) == nil)
        #expect(DNSName(wire: [0, 0]) == nil)
    }
}
