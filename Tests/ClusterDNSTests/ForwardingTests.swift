// SPDX-License-Identifier: Apache-2.0

import Linux
import Testing

@testable import ClusterDNS

struct ForwardingTests {
    static func answer(_ name: String, ttl: UInt32) throws -> (ForwardKey, ForeignAnswer) {
        let query = DNSQuery(id: 1, DNSQuestion(DNSName(name)!, .a))
        let record = DNSRecord(name: query.question.name, ttl: ttl, content: .address(Sample.ip("192.0.2.1")))
        let bytes = DNSAnswer(answers: [record]).encoded(query, limit: 512)
        return (ForwardKey(query, isStream: false), try #require(ForeignAnswer(bytes, to: query.question, id: 1)))
    }

    @Test func `an answer is remembered for its records' time and half a minute at most`() throws {
        var cache = AnswerCache()
        let (short, shortAnswer) = try Self.answer("short.example", ttl: 3)
        let (long, longAnswer) = try Self.answer("long.example", ttl: 3600)
        let (never, neverAnswer) = try Self.answer("never.example", ttl: 0)
        cache.store(short, shortAnswer, now: 100)
        cache.store(long, longAnswer, now: 100)
        cache.store(never, neverAnswer, now: 100)
        #expect(cache.find(short, now: 102)?.age == 2)
        #expect(cache.find(short, now: 103) == nil)
        #expect(cache.find(long, now: 129)?.age == 29)
        #expect(cache.find(long, now: 130) == nil)
        #expect(cache.find(never, now: 100) == nil)
    }

    @Test func `questions that differ in more than case are not each other's answer`() throws {
        var cache = AnswerCache()
        let (key, answer) = try Self.answer("one.example", ttl: 30)
        cache.store(key, answer, now: 0)
        #expect(cache.find(try Self.answer("ONE.Example", ttl: 30).0, now: 1) != nil)
        var query = DNSQuery(id: 5, DNSQuestion(DNSName("one.example")!, .a))
        #expect(cache.find(ForwardKey(query, isStream: false), now: 1) != nil)
        #expect(cache.find(ForwardKey(query, isStream: true), now: 1) == nil)
        query.checkingDisabled = true
        #expect(cache.find(ForwardKey(query, isStream: false), now: 1) == nil)
        query.checkingDisabled = false
        query.edns = DNSQuery.Extension(size: 1232, wantsSignatures: true)
        #expect(cache.find(ForwardKey(query, isStream: false), now: 1) == nil)
        query.edns = nil
        query.question.type = .aaaa
        #expect(cache.find(ForwardKey(query, isStream: false), now: 1) == nil)
    }

    @Test func `memory is bounded, and what ends last stays`() throws {
        var cache = AnswerCache(capacity: 64)
        for index in 0..<1000 {
            let (key, answer) = try Self.answer("n\(index).example", ttl: 30)
            cache.store(key, answer, now: Int64(index / 100))
        }
        #expect(cache.count <= 64)
        #expect(cache.find(try Self.answer("n999.example", ttl: 30).0, now: 10) != nil)
        #expect(cache.find(try Self.answer("n0.example", ttl: 30).0, now: 10) == nil)
    }

    @Test func `the machine's resolvers are asked in its order, failed ones last`() {
        var upstreams = Upstreams()
        upstreams.read(
            """
            # a comment
            search example.com
            nameserver 192.0.2.1
            nameserver\t2001:db8::1
            nameserver 10.43.0.10
            nameserver 192.0.2.1
            nameserver not-an-address
            options ndots:5
            """, excluding: ["10.43.0.10"])
        let one = SocketAddress(host: "192.0.2.1", port: 53)!
        let two = SocketAddress(host: "2001:db8::1", port: 53)!
        #expect(upstreams.order(now: 0) == [one, two])
        upstreams.failed(one, now: 0)
        #expect(upstreams.order(now: 5) == [two, one])
        #expect(upstreams.order(now: 10) == [one, two])
        upstreams.failed(one, now: 20)
        upstreams.answered(one)
        #expect(upstreams.order(now: 21) == [one, two])
        upstreams.read("", excluding: [])
        #expect(upstreams.order(now: 21).isEmpty)
    }

    @Test func `a damaged resolv.conf names no server twice and none that is excluded`() {
        var random = SplitMix(state: 5)
        let seed = Array("search a.b\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n nameserver 192.0.2.2 # c\n".utf8)
        for _ in 0..<5000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            var upstreams = Upstreams()
            upstreams.read(String(decoding: bytes, as: UTF8.self), excluding: ["192.0.2.1"])
            #expect(upstreams.servers.count <= 4)
            #expect(Set(upstreams.servers).count == upstreams.servers.count)
            #expect(!upstreams.servers.contains { $0.host == "192.0.2.1" })
        }
    }
}
