// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Linux
import Netlink
import Synchronization
import Testing

@testable import PodNetwork

@Suite(.timeLimit(.minutes(1))) struct FlowRemovalTests {
    /// Carries out what it is told, and holds up the first until it is let go on.
    private final class Kernel: Sendable {
        let asked = Mutex<[[ConntrackFilter]]>([])
        let (isBusy, mayGoOn) = (CountingSemaphore(), CountingSemaphore())

        func remove(_ family: IPFamily, _ filters: [ConntrackFilter]) throws(NetlinkError) {
            let isFirst = asked.withLock { asked in
                asked.append(filters)
                return asked.count == 1
            }
            if isFirst {
                isBusy.signal()
                mayGoOn.wait()
            }
            if filters.contains(where: { $0.originalDestinationPort == 13 }) { throw NetlinkError(5, "delete") }
        }
    }

    private func filter(_ port: UInt16) -> ConntrackFilter {
        ConntrackFilter(protocolNumber: 17, originalDestinationPort: port)
    }

    /// Asks from as many threads, the first of which is being answered when the others come.
    private func ask(_ ports: [UInt16]) async throws -> (asked: [Set<ConntrackFilter>], failed: Set<UInt16>) {
        let kernel = Kernel()
        let removal = FlowRemoval { family, filters throws(NetlinkError) in try kernel.remove(family, filters) }
        let failed = try await withThrowingTaskGroup(of: UInt16?.self) { group in
            // Also when the test is given up: the group waits for all that it has begun.
            defer { kernel.mayGoOn.signal() }
            for port in ports {
                let filters = [IPFamily.v4: [filter(port)]]
                group.addTask {
                    try await Blocking.run(.own) {
                        do throws(NetlinkError) { try removal(filters) } catch { return port }
                        return nil
                    }
                }
                if port == ports[0] { try await Blocking.run(.own) { kernel.isBusy.wait() } }
            }
            while removal.waiting < ports.count - 1 { try await Task.sleep(for: .milliseconds(1)) }
            kernel.mayGoOn.signal()
            return try await group.reduce(into: Set<UInt16>()) { failed, port in
                if let port { failed.insert(port) }
            }
        }
        return (kernel.asked.withLock { $0.map { Set($0) } }, failed)
    }

    @Test func `who comes while flows are read shares the next reading`() async throws {
        let (asked, failed) = try await ask([1, 2, 3, 4])
        #expect(asked == [[filter(1)], [filter(2), filter(3), filter(4)]])
        #expect(failed.isEmpty)
    }

    @Test func `a failure is told to all who shared the reading, and to no others`() async throws {
        #expect(try await ask([1, 12, 13]).failed == [12, 13])
    }

    @Test func `nothing is read for nothing`() throws {
        let kernel = Kernel()
        let removal = FlowRemoval { family, filters throws(NetlinkError) in try kernel.remove(family, filters) }
        try removal([.v4: [], .v6: []])
        #expect(kernel.asked.withLock { $0.isEmpty })
    }
}
