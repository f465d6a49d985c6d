// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Testing

@testable import HTTP

@Suite struct ConnectionTableTests {
    private func table(total: Int = 100, strangers: Int = 10, perPeer: Int = 4, perUser: Int = 5) -> ConnectionTable {
        ConnectionTable(
            ConnectionTable.Limits(total: total, strangers: strangers, strangersPerPeer: perPeer, perUser: perUser))
    }

    private func admit(
        _ table: inout ConnectionTable, from peer: [UInt8]?, _ isIdle: (UInt64) -> Bool
    ) throws -> (id: UInt64, victim: UInt64?) {
        let admitted = table.admit(from: peer, isIdle: isIdle)
        return try #require(admitted)
    }

    @Test func `strangers of one address make room for one another, the oldest first`() throws {
        var table = table()
        let first = try (0..<4).map { _ in try admit(&table, from: [1]) { _ in true }.id }
        let other = try admit(&table, from: [2]) { _ in true }
        #expect(other.victim == nil)
        let fifth = try admit(&table, from: [1]) { _ in true }
        #expect(fifth.victim == first[0])
        // Who has shown whose it is does not make room.
        table.vouch(for: first[1], "node")
        let sixth = try admit(&table, from: [1]) { _ in true }
        #expect(sixth.victim == nil)
        let seventh = try admit(&table, from: [1]) { _ in true }
        #expect(seventh.victim == first[2])
        #expect(table.count == 6)
    }

    @Test func `where all strangers have their part, the address with the most gives one up`() throws {
        var table = table(strangers: 6)
        for _ in 0..<4 { _ = table.admit(from: [1], isIdle: { _ in true }) }
        for _ in 0..<2 { _ = table.admit(from: [2], isIdle: { _ in true }) }
        let new = try admit(&table, from: [3]) { _ in true }
        #expect(new.victim == 1)
    }

    @Test func `where everything is full, strangers go, then what is idle of the user with the most`() throws {
        var table = table(total: 6, strangers: 6)
        for id in 1...4 as ClosedRange<UInt64> {
            let new = try admit(&table, from: [1]) { _ in true }
            #expect(new.id == id)
            table.vouch(for: id, id < 4 ? "many" : "few")
        }
        _ = table.admit(from: [2], isIdle: { _ in true })
        _ = table.admit(from: nil, isIdle: { _ in true })
        let first = try admit(&table, from: nil) { _ in true }
        #expect(first.victim == 5)
        let second = try admit(&table, from: [3]) { $0 == 2 }
        #expect(second.victim == 2)
        table.vouch(for: second.id, "few")
        let none = table.admit(from: [3], isIdle: { _ in false })
        #expect(none == nil)
        #expect(table.count == 6)
    }

    @Test func `a user's connections beyond his own count as strangers`() throws {
        var table = table(perUser: 2)
        for id in 1...4 as ClosedRange<UInt64> {
            _ = table.admit(from: [1], isIdle: { _ in true })
            table.vouch(for: id, "a")
        }
        for _ in 0..<2 { _ = table.admit(from: [1], isIdle: { _ in true }) }
        let next = try admit(&table, from: [1]) { _ in true }
        #expect(next.victim == 3)
        for id in 1...8 as ClosedRange<UInt64> { table.end(id) }
        #expect(table.count == 0)
    }

    @Test(.timeLimit(.minutes(1))) func `a full server lets a new connection in`() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumConnections = 3
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
