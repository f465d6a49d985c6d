// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ClusterDNS

@Suite struct `Turns of clients` {
    private static let (busy, other): ([UInt8], [UInt8]) = ([10, 0, 0, 1], [10, 0, 0, 2])

    @Test func `go by the time a client has had, not by how much it asks`() {
        var turns = ClientTurns<Int>(limit: 1000)
        for item in 0..<400 {
            let taken = turns.add(item, of: Self.busy)
            #expect(taken)
        }
        // One that costs a hundred times as much as the other's.
        var served: [[UInt8]] = []
        for round in 0..<100 {
            if round % 2 == 0 {
                let taken = turns.add(round, of: Self.other)
                #expect(taken)
            }
            guard let (_, client) = turns.next() else { break }
            served.append(client)
            turns.charge(client, client == Self.busy ? 100 : 1)
        }
        // Each question of the other is answered at once, whatever waits.
        #expect(served.count { $0 == Self.other } == 50)
        #expect(served.count { $0 == Self.busy } == 50)
        var left = 0
        while left < 50, let (_, client) = turns.next() {
            left += 1
            turns.charge(client, 100)
        }
        #expect(left == 50)
        let taken = turns.add(1, of: Self.other)
        #expect(taken)
        let first = turns.next()
        #expect(first?.client == Self.other)
    }

    @Test func `are not saved up`() {
        var turns = ClientTurns<Int>(limit: 1000)
        for item in 0..<100 { _ = turns.add(item, of: Self.busy) }
        for _ in 0..<50 { if let (_, client) = turns.next() { turns.charge(client, 1000) } }
        // Who comes later is no further ahead than one turn.
        for item in 0..<100 { _ = turns.add(item, of: Self.other) }
        var inRow = 0
        while let (_, client) = turns.next(), client == Self.other {
            inRow += 1
            turns.charge(client, 1000)
        }
        #expect(inRow <= 2)
    }

    @Test func `wait in as many places as are free besides`() {
        var turns = ClientTurns<Int>(limit: 100)
        var taken = 0
        for item in 0..<1000 { if turns.add(item, of: Self.busy) { taken += 1 } }
        #expect(taken == 50)
        let isTaken = turns.add(1, of: Self.other)
        #expect(isTaken)
        #expect(turns.count == 51)
    }

    @Test func `keep a client's questions in order and forget who asks no more`() {
        var turns = ClientTurns<Int>(limit: 200)
        for item in 0..<90 {
            let taken = turns.add(item, of: Self.busy)
            #expect(taken)
        }
        var order: [Int] = []
        while let (item, client) = turns.next() {
            order.append(item)
            turns.charge(client, 5)
        }
        #expect(order == Array(0..<90))
        for number in 0..<5000 {
            let client = [10, 1, UInt8(number / 256), UInt8(number % 256)]
            let taken = turns.add(number, of: client)
            #expect(taken)
            guard let (item, next) = turns.next() else { break }
            #expect(item == number && next == client)
            turns.charge(next, 5)
        }
        #expect(turns.count == 0)
    }
}
