// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Controllers

@Suite struct `The pace of endpoints` {
    private static let second: Int64 = 1_000_000_000

    @Test func `lets what is small pass`() {
        let pace = EndpointPace()
        // A hundred pods of a Deployment come up in ten seconds.
        for index in 0..<100 as Range<Int64> {
            let now = index * Self.second / 10
            #expect(pace.wait("a", now: now) == nil)
            pace.charge("a", EndpointPace.size(endpoints: 100, ports: 2), now: now)
        }
    }

    @Test func `bounds what is written of large Services without end, for their namespace alone`() {
        let pace = EndpointPace(rate: 256 << 10, burst: 4 << 20)
        let size = EndpointPace.size(endpoints: 1, ports: 10_000)
        var written = 0
        // Eight of them each 1.5 s, for ten minutes.
        for index in 0..<400 as Range<Int64> {
            for _ in 0..<8 where pace.wait("flapping", now: index * Self.second * 3 / 2) == nil {
                pace.charge("flapping", size, now: index * Self.second * 3 / 2)
                written += size
            }
        }
        #expect(written < 600 * (256 << 10) + (5 << 20))
        #expect(written > 500 * (256 << 10))
        #expect(pace.wait("other", now: 600 * Self.second) == nil)
        // And says when it goes on.
        let now = 601 * Self.second
        while pace.wait("flapping", now: now) == nil { pace.charge("flapping", size, now: now) }
        let wait = pace.wait("flapping", now: now) ?? .zero
        #expect(wait > .zero && wait < .seconds(4))
        #expect(pace.wait("flapping", now: now + 4 * Self.second) == nil)
    }
}
