// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTP
import Linux
import Netlink
import Telemetry
import Testing

@testable import KubeProxy

private typealias IPAddress = Netlink.IPAddress

@Suite struct `Room in the proxy's tables` {
    private static func port(_ number: Int = 1, external: Int = 0) -> ServicePortSpec {
        var port = ServicePortSpec(
            name: ServicePortName(ServiceKey("a", "b"), port: "p\(number)", protocolNumber: 6),
            clusterIP: IPAddress(10, 43, 0, 9), port: UInt16(number))
        port.externalIPs = (0..<external).map { IPAddress(203, 0, 113, UInt8($0)) }
        return port
    }

    private static func choice(_ endpoints: Int) -> EndpointChoice {
        EndpointChoice(
            (0..<endpoints).map { EndpointSpec(IPAddress(10, 42, UInt8($0 / 250), UInt8($0 % 250)), 80) },
            usesLocal: false, node: "n", zone: nil)
    }

    @Test func `is counted by endpoints at each address, and affinity costs more`() {
        #expect(ElementBudget.weight(Self.port(), Self.choice(10)) == 14)
        #expect(ElementBudget.weight(Self.port(external: 4), Self.choice(10)) == 58)
        var sticky = Self.port()
        sticky.affinitySeconds = 10
        #expect(ElementBudget.weight(sticky, Self.choice(10)) > 300)
        var walled = Self.port()
        walled.sourceRanges = (0..<50).map { IPPrefix(host: IPAddress(198, 51, 100, $0)) }
        #expect(ElementBudget.weight(walled, Self.choice(10)) == 14)
        walled.loadBalancerIPs = [IPAddress(203, 0, 113, 1)]
        #expect(ElementBudget.weight(walled, Self.choice(10)) == 14 + 11 + 50)
    }

    @Test func `is bounded for a Service, and in a namespace by what is free besides`() {
        var budget = ElementBudget(.init(service: 100, total: 400))
        func take(_ namespace: String, _ name: String, _ wanted: Int) -> Int {
            let key = ServiceKey(namespace, name)
            let room = budget.open(key)
            let got = min(room, wanted)
            budget.note(key, got, isWaiting: got < wanted)
            return got
        }
        #expect(take("greedy", "one", 5_000) == 100)
        #expect((2...50).map { take("greedy", "\($0)", 5_000) }.reduce(100, +) <= 200)
        // Others have theirs, and what they have they keep when it is looked at again.
        #expect(take("other", "a", 60) == 60)
        #expect(take("third", "a", 30) == 30)
        #expect(take("greedy", "one", 5_000) == 100)
        #expect(take("other", "a", 60) == 60)
        #expect(!budget.waiting.isEmpty)
    }

    @Test func `that comes free is given to who waits for it`() {
        var budget = ElementBudget(.init(service: 100, total: 200))
        let (one, two) = (ServiceKey("a", "one"), ServiceKey("a", "two"))
        #expect(budget.open(one) == 100)
        budget.note(one, 100, isWaiting: false)
        #expect(budget.open(two) == 0)
        budget.note(two, 0, isWaiting: true)
        #expect(budget.takeWaiting().isEmpty)
        // Both are looked at again, and nothing has changed: nobody is to be looked at because of that.
        #expect(budget.open(one) == 100)
        budget.note(one, 100, isWaiting: false)
        #expect(budget.open(two) == 0)
        budget.note(two, 0, isWaiting: true)
        #expect(budget.takeWaiting().isEmpty)
        #expect(budget.open(one) == 100)
        budget.note(one, 10, isWaiting: false)
        #expect(budget.takeWaiting() == [two])
        #expect(budget.takeWaiting().isEmpty)
        #expect(budget.open(two) == 90)
        #expect(budget.refusal(two, room: 90, ports: 3).contains("namespace a"))
        #expect(budget.refusal(one, room: 100, ports: 3).contains("at most 100"))
    }

    /// 5,000 ports with 12 endpoints on this node, all a Service may have.
    @Test func `costs some hundred bytes an element at most`() throws {
        func resident() throws -> Int {
            let text = try Files.readText("/proc/self/statm")
            return (Int(text.split(separator: " ")[1]) ?? 0) * 4096
        }
        var state = ProxyState(ProxyTable(family: .v4, options: RuleOptions()))
        var changes: [ServicePortName: ProxyState.Change?] = [:]
        let specs = (0..<12).map { EndpointSpec(IPAddress(10, 42, 0, UInt8($0 + 2)), 80, isLocal: true) }
        for number in 1...5_000 {
            let port = Self.port(number)
            let choice = EndpointChoice(specs, usesLocal: false, node: "n", zone: nil)
            changes[port.name] = .some(ProxyState.Change(port: port, choice: choice))
        }
        // What other tests have let go of would be used again, and hide some of the cost.
        Heap.trim()
        let before = try resident()
        _ = state.plan(changes)
        Heap.trim()
        let cost = (try resident() - before) / 60_000
        #expect(cost < 600, "\(cost) bytes an element")
        #expect(state.programs.count == 5_000)
    }
}

@Suite struct `Health check ports` {
    @Test func `come and go with their Services, and share few connections`() async throws {
        let checks = try HealthChecks(logger: Logger(label: "test", level: .error)) { true }
        let (one, two) = (ServiceKey("a", "one"), ServiceKey("a", "two"))
        // Ports the kernel says are free.
        let free = try (0..<2).map { _ -> UInt16 in
            let socket = try Socket(family: AF_INET)
            try socket.bind(to: .ipv4(address: [127, 0, 0, 1], port: 0))
            return try socket.localAddress()?.port ?? 0
        }
        checks.update(
            [
                free[0]: ServiceHealth(service: one, localEndpoints: 2),
                free[1]: ServiceHealth(service: two, localEndpoints: 0),
            ], changed: [one, two])
        #expect(checks.ports == free.sorted())
        func status(_ port: UInt16) async throws -> Int {
            try await HTTPClient(base: "http://127.0.0.1:\(port)").send(HTTPRequest(target: "/")).status
        }
        #expect(try await status(free[0]) == 200)
        #expect(try await status(free[1]) == 503)
        checks.update([free[0]: ServiceHealth(service: one, localEndpoints: 0)], changed: [one])
        #expect(try await status(free[0]) == 503)
        // Of one that did not change nothing is known here.
        #expect(checks.ports == free.sorted())
        checks.update([:], changed: [two])
        #expect(checks.ports == [free[0]])
        await checks.stop()
    }
}
