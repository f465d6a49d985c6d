// SPDX-License-Identifier: Apache-2.0

import NFTables
import Netlink
import Testing

@testable import KubeProxy

struct SyncTests {
    @Test func `a change of one service touches only what is its own`() throws {
        let bench = try Bench()
        for index in 0..<50 {
            var port = bench.port("s\(index)")
            port.clusterIP = IPAddress(10, 43, 1, UInt8(index))
            try bench.set(port, [bench.endpoint(index + 1), bench.endpoint(100 + index)])
        }
        var port = bench.port("s7")
        port.clusterIP = IPAddress(10, 43, 1, 7)
        // Nothing changed: nothing is sent.
        #expect(try bench.set(port, [bench.endpoint(8), bench.endpoint(107)]).transaction.isEmpty)
        // The order in which endpoints are told does not matter.
        #expect(try bench.set(port, [bench.endpoint(107), bench.endpoint(8)]).transaction.isEmpty)
        let plan = try bench.set(port, [bench.endpoint(8), bench.endpoint(9)])
        #expect(plan.transaction.operations.count <= 6)
        let chain = RuleBuilder.clusterChain(port.name)
        for operation in plan.transaction.operations {
            switch operation {
            case .flushChain(let name), .addRule(let name, _): #expect(name == chain)
            case .deleteElements(let set, let elements), .addElements(let set, let elements):
                #expect(set.name == "endpoints")
                #expect(elements.count == 1)
            default: Issue.record("unexpected: \(operation.text(in: plan.transaction.table))")
            }
        }
        try bench.remove(port)
        #expect(bench.trace(from: bench.pod, to: port.clusterIP, 80).isRewritten == false)
    }

    @Test func `when all services are gone the table is as it was`() throws {
        let bench = try Bench()
        let before = try bench.model.chains(of: bench.table.table)
        var ports: [ServicePortSpec] = []
        for index in 0..<20 {
            var port = bench.port("s\(index)")
            port.clusterIP = IPAddress(10, 43, 1, UInt8(index / 2))
            port.port = UInt16(80 + index % 2)
            port.nodePort = UInt16(30000 + index)
            port.affinitySeconds = index % 3 == 0 ? 60 : nil
            port.externalLocal = index % 4 == 0
            port.loadBalancerIPs = [IPAddress(203, 0, 113, UInt8(index))]
            port.sourceRanges = index % 5 == 0 ? [IPPrefix("198.51.100.0/24")!] : []
            try bench.set(port, (0..<(index % 4)).map { bench.endpoint($0 + 1, local: $0 == 0) })
            ports.append(port)
        }
        for port in ports.shuffled() { try bench.remove(port) }
        #expect(try bench.model.chains(of: bench.table.table) == before)
        for set in bench.table.sets where set.name != "nodeport-ips" {
            #expect(try bench.model.elements(of: set, in: bench.table.table).isEmpty, "\(set.name)")
        }
        #expect(try bench.model.sets(of: bench.table.table) == Set(bench.table.sets.map(\.name)))
    }

    /// The table after any sequence of changes must be what a fresh start from the end state gives.
    @Test(arguments: 0..<20)
    func `random changes lead to the same table as a fresh start`(_ seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let bench = try Bench()
        let fresh = try Bench()
        var last: [Int: (ServicePortSpec, [EndpointSpec])] = [:]
        for _ in 0..<60 {
            let index = Int.random(in: 0..<8, using: &random)
            var port = bench.port("s\(index)")
            port.clusterIP = IPAddress(10, 43, 1, UInt8(index))
            if Bool.random(using: &random), let present = last[index] {
                try bench.remove(present.0)
                last[index] = nil
                continue
            }
            if Bool.random(using: &random) { port.nodePort = UInt16(30000 + Int.random(in: 0..<4, using: &random)) }
            if Bool.random(using: &random) { port.affinitySeconds = 60 }
            port.externalLocal = Bool.random(using: &random)
            port.internalLocal = Bool.random(using: &random)
            let endpoints = (0..<Int.random(in: 0..<4, using: &random)).map {
                bench.endpoint($0 + 1, ready: Bool.random(using: &random), terminating: true, local: $0 == 0)
            }
            try bench.set(port, endpoints)
            last[index] = (port, endpoints)
        }
        // Node ports claimed twice have their holder by order: claim them in the order that is left.
        let contested = Dictionary(grouping: last.values.filter { $0.0.nodePort != 0 }, by: \.0.nodePort)
        guard contested.values.allSatisfy({ $0.count == 1 }) else { return }
        for (_, value) in last.sorted(by: { $0.key < $1.key }) { try fresh.set(value.0, value.1) }
        let table = bench.table.table
        #expect(try Set(bench.model.chains(of: table)!.keys) == Set(fresh.model.chains(of: table)!.keys))
        for set in bench.table.sets where set.name != "endpoints" && set.name != "affinity-endpoints" {
            #expect(
                try Set(bench.model.elements(of: set, in: table)) == Set(fresh.model.elements(of: set, in: table)),
                "\(set.name)")
        }
        for set in [bench.table.endpoints, bench.table.affinityEndpoints] {
            #expect(
                try bench.model.elements(of: set, in: table).count == fresh.model.elements(of: set, in: table).count)
        }
    }

    @Test func `after a restart unchanged services are left untouched and stale ones go`() throws {
        let bench = try Bench()
        var kept = bench.port("kept")
        kept.affinitySeconds = 60
        var other = bench.port("other")
        other.clusterIP = IPAddress(10, 43, 0, 11)
        var stale = bench.port("stale")
        stale.clusterIP = IPAddress(10, 43, 0, 12)
        try bench.set(kept, [bench.endpoint(1), bench.endpoint(2)])
        try bench.set(other, [bench.endpoint(3), bench.endpoint(4), bench.endpoint(5)])
        try bench.set(stale, [bench.endpoint(6)])
        _ = bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 1)

        let content = try #require(try KernelContent.read(bench.table, from: bench.model))
        var state = ProxyState(bench.table)
        state.adopt(content)
        func change(_ port: ServicePortSpec, _ endpoints: [EndpointSpec]) -> ProxyState.Change {
            .init(port: port, choice: EndpointChoice(endpoints, usesLocal: false, node: "node", zone: nil))
        }
        let addresses = Set(bench.table.nodePortElements(nodeAddresses: []).map(\.key))
        let plan = state.plan(
            [
                kept.name: change(kept, [bench.endpoint(1), bench.endpoint(2)]),
                other.name: change(other, [bench.endpoint(3), bench.endpoint(4), bench.endpoint(5)]),
            ], nodePortIPs: addresses)
        // Only the stale service's element, slot, address and chain go; nothing is added.
        for operation in plan.transaction.operations {
            switch operation {
            case .deleteElements, .flushChain, .deleteChain: break
            default: Issue.record("unexpected: \(operation.text(in: plan.transaction.table))")
            }
        }
        try bench.model.commit(plan.transaction)
        bench.state = state
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 0).packet.destination
                == bench.endpoint(2).address)
        #expect(!bench.trace(from: bench.pod, to: stale.clusterIP, 80).isRewritten)
        #expect(
            bench.trace(from: bench.pod, to: other.clusterIP, 80, pick: 2).packet.destination
                == bench.endpoint(5).address)
    }

    @Test func `only flows of endpoints that are gone are forgotten, and only udp`() throws {
        let bench = try Bench()
        var port = bench.port(protocolNumber: 17)
        port.port = 53
        port.nodePort = 30053
        // From nothing to something: flows that were never rewritten.
        var plan = try bench.set(port, [bench.endpoint(1), bench.endpoint(2)])
        #expect(plan.staleFlows == [StaleFlow(protocolNumber: 17, address: bench.clusterIP, port: 53, target: nil)])
        plan = try bench.set(port, [bench.endpoint(2), bench.endpoint(3)])
        let gone = bench.endpoint(1).target
        #expect(
            plan.staleFlows == [
                StaleFlow(protocolNumber: 17, address: bench.clusterIP, port: 53, target: gone),
                StaleFlow(protocolNumber: 17, address: nil, port: 30053, target: gone),
            ])
        plan = try bench.remove(port)
        #expect(plan.staleFlows.count == 4)
        try bench.set(bench.port(), [bench.endpoint(1)])
        #expect(try bench.remove(bench.port()).staleFlows.isEmpty)
    }
}

/// A small reproducible generator.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
