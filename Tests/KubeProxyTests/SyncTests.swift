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
        #expect(plan.transaction.operations.count == 2)
        for operation in plan.transaction.operations {
            switch operation {
            case .deleteElements(let set, let elements), .addElements(let set, let elements):
                #expect(set.name == "endpoints")
                #expect(elements.count == 1)
            default: Issue.record("unexpected: \(operation.text(in: plan.transaction.table))")
            }
        }
        try bench.remove(port)
        #expect(bench.trace(from: bench.pod, to: port.clusterIP, 80).isRewritten == false)
    }

    /// The kernel checks the whole table when a rule or an element names a chain: what is common must not.
    @Test func `a further service of a kind that is there names no chain`() throws {
        let bench = try Bench()
        func port(_ index: UInt8) -> ServicePortSpec {
            var port = bench.port("s\(index)")
            port.clusterIP = IPAddress(10, 43, 1, index)
            port.nodePort = 30000 + UInt16(index)
            port.externalIPs = [IPAddress(203, 0, 113, index)]
            port.externalLocal = index % 2 == 0
            return port
        }
        let lists = [[bench.endpoint(1, local: true), bench.endpoint(2)], [bench.endpoint(1)], []]
        for list in lists { for index: UInt8 in 1...2 { try bench.set(port(index), list) } }
        for list in lists {
            for index: UInt8 in 3...4 {
                let plan = try bench.set(port(index), list)
                #expect(!plan.transaction.isEmpty)
                for operation in plan.transaction.operations {
                    switch operation {
                    case .addElements(_, let elements):
                        for case .verdict(let verdict)? in elements.map(\.data) { Issue.record("\(verdict)") }
                    case .deleteElements: break
                    default: Issue.record("unexpected: \(operation.text(in: plan.transaction.table))")
                    }
                }
            }
        }
        for index: UInt8 in 3...4 {
            #expect(try bench.remove(port(index)).transaction.operations.allSatisfy(\.isDeletionOfElements))
        }
    }

    @Test func `an endpoint that goes moves one other at most`() throws {
        let bench = try Bench()
        try bench.set(bench.port(), (1...9).map { bench.endpoint($0) })
        let plan = try bench.set(bench.port(), (1...9).filter { $0 != 3 }.map { bench.endpoint($0) })
        var changed = 0
        for case .addElements(let set, let elements) in plan.transaction.operations where set == bench.table.endpoints {
            changed += elements.count
        }
        #expect(changed == 1)
        let reached = (0..<8).map { bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: $0).packet.destination }
        #expect(Set(reached) == Set((1...9).filter { $0 != 3 }.map { bench.endpoint($0).address }))
    }

    @Test(
        arguments: [
            ([], []), ([1, 2, 3], [1, 2, 3]), ([1, 2, 3], [3]), ([2, 2, 5], [1, 2, 3, 4]), ([9, 8], [1, 2]),
        ] as [([Int], [Int])])
    func `an order is kept and nothing is lost or doubled`(_ held: [Int], _ wanted: [Int]) throws {
        let bench = try Bench()
        let target = { bench.endpoint($0).target }
        let result = RuleBuilder.arrange(wanted.map(target), like: held.map(target))
        #expect(result.sorted() == wanted.map(target))
        for (index, number) in held.enumerated() where wanted.contains(number) && index < wanted.count {
            // Of a doubled one the first stays.
            if held.firstIndex(of: number) == index { #expect(result[index] == target(number)) }
        }
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
        // What classes of frontends share stays: it is bounded by how long lists of endpoints are.
        let after = try #require(try bench.model.chains(of: bench.table.table))
        let shared = /(service|nodeport)-(dispatch|(pick|pick-local|masqueraded|local)-[0-9]+(-[0-9]+)?)/
        func own(_ chains: [String: String?]?) -> [String: String?]? {
            chains?.filter { $0.key.wholeMatch(of: shared) == nil }
        }
        #expect(own(after) == own(before))
        #expect(after.count < before!.count + 24)
        for set in try bench.groupSets + bench.table.sets where set.name != "nodeport-ips" {
            #expect(try bench.model.elements(of: set, in: bench.table.table).isEmpty, "\(set.name)")
        }
        #expect(
            try bench.model.sets(of: bench.table.table)
                == Set((try bench.groupSets + bench.table.sets).map(\.name)))
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
        func ownChains(_ model: RulesetModel) throws -> Set<String> {
            Set(try model.chains(of: table)!.keys.filter { $0.contains("default/") })
        }
        #expect(try ownChains(bench.model) == ownChains(fresh.model))
        let listed = [bench.table.endpoints, bench.table.nodePortEndpoints]
        // Chains of classes stay for the next Service of that kind.
        for set in try bench.groupSets + bench.table.sets where !listed.contains(set) {
            #expect(
                try Set(bench.model.elements(of: set, in: table)) == Set(fresh.model.elements(of: set, in: table)),
                "\(set.name)")
        }
        for set in listed {
            // The order within a list depends on how it came to be; the lists do not.
            func lists(_ model: RulesetModel) throws -> [Frontend: Set<ElementData?>] {
                Dictionary(grouping: try model.elements(of: set, in: table)) { Array($0.key.dropLast()) }
                    .mapValues { Set($0.map(\.data)) }
            }
            #expect(try lists(bench.model) == lists(fresh.model))
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
        try bench.set(stale, [bench.endpoint(6), bench.endpoint(7), bench.endpoint(8)])
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

    @Test func `after a restart groups nobody is in go, with their sets and chains`() throws {
        let bench = try Bench()
        var stale = bench.port("stale")
        stale.nodePort = 30080
        stale.externalLocal = true
        let before = try bench.model.sets(of: bench.table.table)
        try bench.set(stale, [bench.endpoint(1, local: true)])
        var state = ProxyState(bench.table)
        state.adopt(try KernelContent.read(bench.table, from: bench.model))
        try bench.model.commit(state.plan([:]).transaction)
        #expect(try bench.model.sets(of: bench.table.table) == before)
        let fixed = Set(bench.table.skeleton.map(\.chain.name)).union(ProxyTable.changingChains)
        #expect(try Set(bench.model.chains(of: bench.table.table)!.keys) == fixed)
    }

    @Test func `only flows of endpoints that are gone are forgotten, and only udp`() throws {
        let bench = try Bench()
        var port = bench.port(protocolNumber: 17)
        port.port = 53
        port.nodePort = 30053
        // From nothing to something: flows that were never rewritten.
        var plan = try bench.set(port, [bench.endpoint(1), bench.endpoint(2)])
        let frontends: Set<Frontend> = [
            [.address(bench.clusterIP), .protocolNumber(17), .port(53)], [.protocolNumber(17), .port(30053)],
        ]
        #expect(plan.staleFrontends == frontends)
        plan = try bench.set(port, [bench.endpoint(2), bench.endpoint(3)])
        #expect(plan.staleFrontends == frontends)
        plan = try bench.set(port, [bench.endpoint(1), bench.endpoint(2), bench.endpoint(3)])
        #expect(plan.staleFrontends.isEmpty)
        // One more address: whatever was sent there before goes elsewhere now.
        port.externalIPs = [IPAddress(192, 0, 2, 7)]
        plan = try bench.set(port, [bench.endpoint(1), bench.endpoint(2), bench.endpoint(3)])
        #expect(plan.staleFrontends == [[.address(IPAddress(192, 0, 2, 7)), .protocolNumber(17), .port(53)]])
        plan = try bench.remove(port)
        #expect(plan.staleFrontends.count == 3)
        #expect(try bench.set(port, []).staleFrontends.isEmpty)
        #expect(try bench.set(bench.port("tcp"), [bench.endpoint(1)]).staleFrontends.isEmpty)
        #expect(try bench.remove(bench.port("tcp")).staleFrontends.isEmpty)
    }
}

extension SyncTests {
    @Test func `what went while the proxy was away is forgotten, and nothing else`() throws {
        let bench = try Bench()
        func port(_ name: String, _ last: UInt8, _ protocolNumber: UInt8 = 17) -> ServicePortSpec {
            var port = bench.port(name, protocolNumber: protocolNumber)
            port.clusterIP = IPAddress(10, 43, 1, last)
            port.port = 53
            port.nodePort = 30000 + UInt16(last)
            return port
        }
        try bench.set(port("kept", 1), [bench.endpoint(1), bench.endpoint(2)])
        try bench.set(port("gone", 2), [bench.endpoint(3)])
        try bench.set(port("waiting", 3), [])
        try bench.set(port("tcp", 4, 6), [bench.endpoint(4)])
        var state = ProxyState(bench.table)
        state.adopt(try KernelContent.read(bench.table, from: bench.model))
        func change(_ port: ServicePortSpec, _ endpoints: [EndpointSpec]) -> ProxyState.Change {
            .init(port: port, choice: EndpointChoice(endpoints, usesLocal: false, node: "node", zone: nil))
        }
        let plan = state.plan([
            port("kept", 1).name: change(port("kept", 1), [bench.endpoint(2)]),
            port("waiting", 3).name: change(port("waiting", 3), [bench.endpoint(5)]),
        ])
        func frontends(_ last: UInt8) -> [Frontend] {
            [
                [.address(IPAddress(10, 43, 1, last)), .protocolNumber(17), .port(53)],
                [.protocolNumber(17), .port(30000 + UInt16(last))],
            ]
        }
        #expect(plan.staleFrontends == Set(frontends(1) + frontends(2) + frontends(3)))
    }
}

extension NFTables.Operation {
    fileprivate var isDeletionOfElements: Bool {
        if case .deleteElements = self { true } else { false }
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
