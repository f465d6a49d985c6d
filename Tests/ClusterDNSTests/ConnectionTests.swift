// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ClusterDNS

@Suite struct `Connections to the DNS server` {
    @Test func `are never all one client's`() {
        let counts = ClientCounts(limit: 30)
        let clients: [[UInt8]?] = [[10, 0, 0, 1], [10, 0, 0, 2], nil]
        var taken = [0, 0, 0]
        for _ in 0..<100 { if counts.enter(clients[0]) { taken[0] += 1 } }
        #expect(taken[0] == 15)
        for _ in 0..<100 { for client in 1...2 where counts.enter(clients[client]) { taken[client] += 1 } }
        #expect(taken[1] > 0 && taken[2] > 0 && taken.reduce(0, +) < 30)
        for (client, count) in zip(clients, taken) { for _ in 0..<count { counts.leave(client) } }
        #expect(counts.enter(nil))
    }
}
