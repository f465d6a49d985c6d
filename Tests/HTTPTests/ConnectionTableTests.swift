// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Testing

@testable import HTTP

/// A table in one place, so that what changes it can be expected.
private final class Table {
    private var table: ConnectionTable

    /// With so many of everything; of those who are known, of each kind.
    init(strangers: Int = 10, perPeer: Int = 4, local: Int = 4, each: Int = 5, known: Int = 20) {
        var limits = ConnectionTable.Limits(
            strangers: strangers, strangersPerPeer: perPeer, local: local, known: 0)
        limits.known = { _ in (each, known) }
        table = ConnectionTable(limits)
    }

    var count: Int { table.count }
    func admit(from peer: [UInt8]?) -> (id: UInt64, victim: UInt64?) { table.admit(from: peer) }
    func end(_ id: UInt64) { table.end(id) }

    func vouch(
        _ id: UInt64, _ name: String, _ kind: BudgetHolder.Kind = .everybody, idle: Set<UInt64> = []
    ) -> (isKnown: Bool, victim: UInt64?) {
        table.vouch(for: id, BudgetHolder(name: name, kind: kind)) { idle.contains($0) }
    }
}

@Suite struct ConnectionTableTests {
    @Test func `strangers of one address make room for one another, the oldest first`() {
        let table = Table()
        let first = (0..<4).map { _ in table.admit(from: [1]).id }
        #expect(table.admit(from: [2]).victim == nil)
        #expect(table.admit(from: [1]).victim == first[0])
        // Who has shown whose it is does not make room.
        #expect(table.vouch(first[1], "node").isKnown)
        #expect(table.admit(from: [1]).victim == nil)
        #expect(table.admit(from: [1]).victim == first[2])
        #expect(table.count == 6)
    }

    @Test func `where all strangers have their part, the address with the most gives one up`() {
        let table = Table(strangers: 6)
        for _ in 0..<4 { _ = table.admit(from: [1]) }
        for _ in 0..<2 { _ = table.admit(from: [2]) }
        #expect(table.admit(from: [3]).victim == 1)
    }

    @Test func `any number of holders, all busy, keep out neither a stranger nor another kind`() {
        let table = Table(strangers: 6, perPeer: 6, each: 8, known: 16)
        for number in 0..<400 {
            let new = table.admit(from: [UInt8(number % 50)])
            _ = table.vouch(new.id, "user \(number % 40)")
        }
        #expect(table.count <= 6 + 16)
        // Somebody without anything comes in, and is known once he has shown whose he is.
        let node = table.admit(from: [9])
        #expect(table.vouch(node.id, "node", .nodes) == (true, nil))
        for _ in 0..<6 { _ = table.admit(from: [8]) }
        #expect(table.vouch(node.id, "node", .nodes) == (true, nil))
    }

    @Test func `nobody has more than is left over for the next one`() {
        let table = Table(strangers: 10, perPeer: 10, each: 15, known: 20)
        func open(_ name: String) -> Int {
            (0..<30).count { _ in
                let new = table.admit(from: [1])
                let isKnown = table.vouch(new.id, name).isKnown
                if !isKnown { table.end(new.id) }
                return isKnown
            }
        }
        #expect(open("many") == 10)
        #expect(open("next") == 5)
        #expect(open("last") == 2)
    }

    @Test func `of a holder with as many as he may have, one that is idle goes, else he stays a stranger`() {
        let table = Table(each: 2)
        let ids = (0..<4).map { _ in table.admit(from: [1]).id }
        #expect(table.vouch(ids[0], "a") == (true, nil) && table.vouch(ids[1], "a") == (true, nil))
        #expect(table.vouch(ids[2], "a", idle: [ids[1]]) == (true, ids[1]))
        #expect(table.vouch(ids[3], "a") == (false, nil))
        for _ in 0..<3 { _ = table.admit(from: [1]) }
        #expect(table.admit(from: [1]).victim == ids[3])
        // And is known later, once there is room for him.
        let again = table.admit(from: [2]).id
        #expect(table.vouch(again, "a") == (false, nil))
        table.end(ids[0])
        #expect(table.vouch(again, "a") == (true, nil) && table.vouch(again, "a") == (true, nil))
        for id in 1...12 as ClosedRange<UInt64> { table.end(id) }
        #expect(table.count == 0)
    }

    @Test func `the machine's own that have shown nothing make room for one another`() {
        let table = Table(local: 2)
        let first = table.admit(from: nil).id
        #expect(table.vouch(first, "root").isKnown)
        let second = table.admit(from: nil).id
        #expect(table.admit(from: nil).victim == nil)
        #expect(table.admit(from: nil).victim == second)
        #expect(table.count == 3)
    }

    @Test func `the parts are no more than the whole`() {
        let limits = ConnectionTable.Limits(strangers: 0, strangersPerPeer: 0, local: 0, known: 5120)
        #expect(BudgetHolder.Kind.allCases.map { limits.known($0).total }.reduce(0, +) == 5120)
    }

    @Test(.timeLimit(.minutes(1))) func `a full server lets a new connection in`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.reservedConnections = 3
        let test = try TestServer(.plain, configuration: configuration, handler: TestHandler())
        var idle: [AsyncSocket] = []
        for _ in 0..<3 { idle.append(try await test.raw()) }
        for _ in 0..<5 {
            let answer = try await test.answer(to: "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(answer.hasSuffix("hello nobody"))
        }
        await test.server.stop()
    }
}
