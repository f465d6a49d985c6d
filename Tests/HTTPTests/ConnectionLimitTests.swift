// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTP

@Suite struct `A server's connections` {
    @Test func `are never all taken by those who came first`() {
        var configuration = HTTPServer.Configuration()
        configuration.maximumConnections = 120
        configuration.maximumConnectionsPerPeer = 50
        var peers = [0, 0, 0, 0, 0]
        for _ in 0..<200 {
            for peer in peers.indices where configuration.admits(beside: peers.reduce(0, +), ofPeer: peers[peer]) {
                peers[peer] += 1
            }
        }
        #expect(peers == [20, 20, 20, 20, 20])
        #expect(configuration.admits(beside: 100, ofPeer: 0) && configuration.admits(beside: 100, ofPeer: nil))
        #expect(!configuration.admits(beside: 120, ofPeer: 0))
    }

    @Test func `of one peer are bounded, and the machine itself is let in when all are taken`() {
        let configuration = HTTPServer.Configuration()
        let (all, each) = (configuration.maximumConnections, configuration.maximumConnectionsPerPeer)
        #expect(configuration.admits(beside: each - 1, ofPeer: each - 1))
        #expect(!configuration.admits(beside: each, ofPeer: each))
        #expect(configuration.admits(beside: all + 1023, ofPeer: nil))
        #expect(!configuration.admits(beside: all + 1024, ofPeer: nil))
    }
}
