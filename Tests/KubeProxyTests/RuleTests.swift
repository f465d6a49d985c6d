// SPDX-License-Identifier: Apache-2.0

import NFTables
import Netlink
import Testing

@testable import KubeProxy

/// A node's proxy over the model, and questions to it: where does this packet go?
final class Bench {
    let model = RulesetModel()
    var state: ProxyState
    let table: ProxyTable
    let family: IPFamily
    /// The node's address on which node ports answer.
    let node: IPAddress
    /// A client outside the cluster.
    let client: IPAddress
    /// A pod of this node.
    let pod: IPAddress
    let clusterIP: IPAddress

    init(_ family: IPFamily = .v4, change: (inout RuleOptions) -> Void = { _ in }) throws {
        self.family = family
        func address(_ v4: String, _ v6: String) -> IPAddress { IPAddress(family == .v4 ? v4 : v6)! }
        node = address("192.0.2.1", "2001:db8::1")
        client = address("198.51.100.7", "2001:db8:1::7")
        pod = address("10.42.0.9", "fd42::9")
        clusterIP = address("10.43.0.10", "fd43::10")
        var options = RuleOptions()
        options.localTraffic = .blocks([IPPrefix("10.42.0.0/16")!, IPPrefix("fd42::/48")!])
        options.nodePortAddresses = .primary([node])
        change(&options)
        table = ProxyTable(family: family, options: options)
        state = ProxyState(table)
        state.adopt(nil)
        let plan = state.plan([:], nodePortIPs: Set(table.nodePortElements(nodeAddresses: [node]).map(\.key)))
        try model.commit(plan.transaction)
    }

    func endpoint(_ number: Int, ready: Bool = true, terminating: Bool = false, local: Bool = false) -> EndpointSpec {
        let address = IPAddress(family == .v4 ? "10.42.1.\(number)" : "fd42:0:0:1::\(number)")!
        return EndpointSpec(
            address, 8080, ready: ready, serving: ready || terminating, terminating: terminating, isLocal: local)
    }

    func port(_ name: String = "web", protocolNumber: UInt8 = 6) -> ServicePortSpec {
        ServicePortSpec(
            name: ServicePortName(ServiceKey("default", name), port: "http", protocolNumber: protocolNumber),
            clusterIP: clusterIP, port: 80)
    }

    /// The sets of groups that have come to be.
    var groupSets: [SetDefinition] {
        get throws { try model.sets(of: table.table).compactMap { table.members(named: $0) } }
    }

    @discardableResult
    func set(_ port: ServicePortSpec, _ endpoints: [EndpointSpec]) throws -> ProxyState.Plan {
        let choice = EndpointChoice(endpoints, usesLocal: port.usesLocalEndpoints, node: "node", zone: nil)
        let plan = state.plan([port.name: .init(port: port, choice: choice)])
        try model.commit(plan.transaction)
        return plan
    }

    @discardableResult
    func remove(_ port: ServicePortSpec) throws -> ProxyState.Plan {
        let plan = state.plan([port.name: nil])
        try model.commit(plan.transaction)
        return plan
    }

    func trace(
        from source: IPAddress, to destination: IPAddress, _ port: UInt16, protocolNumber: UInt8 = 6, pick: UInt32 = 0
    ) -> Trace {
        let tracer = PacketTracer(model, localAddresses: [node], random: { pick % $0 })
        let packet = Packet(
            from: source, to: destination, protocolNumber: protocolNumber, port: port,
            inputInterface: source == pod ? "swiftlet0" : "eth0")
        return tracer.trace(packet, local: source == node)
    }
}

struct RuleTests {
    @Test(arguments: IPFamily.allCases)
    func `a cluster address spreads over the endpoints and keeps a pod's address`(_ family: IPFamily) throws {
        let bench = try Bench(family)
        try bench.set(bench.port(), [bench.endpoint(1), bench.endpoint(2), bench.endpoint(3)])
        for pick in 0..<3 {
            let trace = bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: UInt32(pick))
            #expect(trace.outcome == .delivered)
            #expect(trace.packet.destination == bench.endpoint(pick + 1).address)
            #expect(trace.packet.destinationPort == 8080)
            #expect(!trace.isMasqueraded)
        }
        // From the node and from outside the answers have to come back this way.
        #expect(bench.trace(from: bench.node, to: bench.clusterIP, 80).isMasqueraded)
        #expect(bench.trace(from: bench.client, to: bench.clusterIP, 80).isMasqueraded)
    }

    @Test(arguments: IPFamily.allCases)
    func `without endpoints the client is told at once`(_ family: IPFamily) throws {
        let bench = try Bench(family)
        var port = bench.port()
        port.nodePort = 30080
        try bench.set(port, [])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).outcome == .rejected(.tcpReset))
        #expect(bench.trace(from: bench.node, to: bench.clusterIP, 80).outcome == .rejected(.tcpReset))
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).outcome == .rejected(.tcpReset))
        var udp = bench.port(protocolNumber: 17)
        udp.port = 53
        try bench.set(udp, [])
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 53, protocolNumber: 17).outcome
                == .rejected(.portUnreachable))
        // Endpoints come, and go again.
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).isRewritten)
        try bench.set(port, [])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).outcome == .rejected(.tcpReset))
    }

    @Test func `a port the service does not have is refused, and other addresses pass`() throws {
        let bench = try Bench()
        try bench.set(bench.port(), [bench.endpoint(1)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 81).outcome == .rejected(.tcpReset))
        let other = bench.trace(from: bench.pod, to: bench.client, 80)
        #expect(other.outcome == .delivered)
        #expect(!other.isRewritten && !other.isMasqueraded)
    }

    @Test(arguments: IPFamily.allCases)
    func `an address for services that none has leads nowhere`(_ family: IPFamily) throws {
        let bench = try Bench(family)
        try bench.set(bench.port(), [bench.endpoint(1)])
        let free = bench.clusterIP.advanced(by: 1)
        #expect(bench.trace(from: bench.pod, to: free, 80).outcome == .delivered)
        let ranges = [IPPrefix("10.43.0.0/16")!, IPPrefix("fd43::/112")!]
        try bench.model.commit(bench.state.plan([:], serviceRanges: ranges).transaction)
        #expect(bench.trace(from: bench.pod, to: free, 80).outcome == .dropped)
        #expect(bench.trace(from: bench.node, to: free, 80).outcome == .dropped)
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).isRewritten)
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 81).outcome == .rejected(.tcpReset))
        #expect(bench.trace(from: bench.pod, to: bench.client, 80).outcome == .delivered)
        // A range that is taken back; the table that is found by a restart.
        var state = ProxyState(bench.table)
        state.adopt(try KernelContent.read(bench.table, from: bench.model))
        try bench.model.commit(state.plan([:], serviceRanges: []).transaction)
        #expect(bench.trace(from: bench.pod, to: free, 80).outcome == .delivered)
    }

    @Test func `a pod that meets itself sees the node`() throws {
        let bench = try Bench()
        try bench.set(bench.port(), [bench.endpoint(1, local: true), bench.endpoint(2)])
        let own = bench.endpoint(1).address
        #expect(bench.trace(from: own, to: bench.clusterIP, 80, pick: 0).isMasqueraded)
        #expect(!bench.trace(from: own, to: bench.clusterIP, 80, pick: 1).isMasqueraded)
    }

    @Test(arguments: [LocalTraffic.bridge("swiftlet0"), .interfacePrefix("swift")])
    func `pods are told from others by the interface they come in by`(_ traffic: LocalTraffic) throws {
        let bench = try Bench { $0.localTraffic = traffic }
        var port = bench.port()
        port.nodePort = 30080
        port.externalLocal = true
        try bench.set(port, [bench.endpoint(1)])
        #expect(!bench.trace(from: bench.pod, to: bench.clusterIP, 80).isMasqueraded)
        #expect(bench.trace(from: bench.client, to: bench.clusterIP, 80).isMasqueraded)
        #expect(bench.trace(from: bench.pod, to: bench.node, 30080).isRewritten)
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).outcome == .dropped)
    }

    @Test func `masqueradeAll hides every client`() throws {
        let bench = try Bench { $0.masqueradeAll = true }
        try bench.set(bench.port(), [bench.endpoint(1)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).isMasqueraded)
    }

    @Test(arguments: IPFamily.allCases)
    func `a node port answers on the node's address only`(_ family: IPFamily) throws {
        let bench = try Bench(family)
        var port = bench.port()
        port.nodePort = 30080
        try bench.set(port, [bench.endpoint(1)])
        let trace = bench.trace(from: bench.client, to: bench.node, 30080)
        #expect(trace.packet.destination == bench.endpoint(1).address)
        #expect(trace.isMasqueraded)
        #expect(bench.trace(from: bench.pod, to: bench.node, 30080).isRewritten)
        #expect(!bench.trace(from: bench.client, to: bench.client, 30080).isRewritten)
        let loopback = IPAddress(family == .v4 ? "127.0.0.1" : "::1")!
        #expect(!bench.trace(from: bench.node, to: loopback, 30080).isRewritten)
        // The node's port 80 is not the service's.
        #expect(!bench.trace(from: bench.client, to: bench.node, 80).isRewritten)
    }

    @Test func `all node addresses serve node ports when the configuration says so`() throws {
        let bench = try Bench { $0.nodePortAddresses = .all }
        var port = bench.port()
        port.nodePort = 30080
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).isRewritten)
        #expect(!bench.trace(from: bench.node, to: IPAddress("127.0.0.1")!, 30080).isRewritten)
    }

    @Test func `external traffic policy Local keeps the client and uses local endpoints`() throws {
        let bench = try Bench()
        var port = bench.port()
        port.nodePort = 30080
        port.externalLocal = true
        try bench.set(port, [bench.endpoint(1), bench.endpoint(2, local: true)])
        let trace = bench.trace(from: bench.client, to: bench.node, 30080)
        #expect(trace.packet.destination == bench.endpoint(2).address)
        #expect(!trace.isMasqueraded)
        // Pods and the node itself are served as inside the cluster.
        #expect(
            bench.trace(from: bench.pod, to: bench.node, 30080, pick: 0).packet.destination == bench.endpoint(1).address
        )
        #expect(!bench.trace(from: bench.pod, to: bench.node, 30080).isMasqueraded)
        let own = bench.trace(from: bench.node, to: bench.node, 30080, pick: 0)
        #expect(own.packet.destination == bench.endpoint(1).address)
        #expect(own.isMasqueraded)
        // Without a local endpoint outside traffic is dropped: a load balancer tries another node. Pods are served.
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).outcome == .dropped)
        #expect(bench.trace(from: bench.pod, to: bench.node, 30080).isRewritten)
        try bench.set(port, [])
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).outcome == .rejected(.tcpReset))
    }

    @Test func `internal traffic policy Local never leaves the node`() throws {
        let bench = try Bench()
        var port = bench.port()
        port.internalLocal = true
        try bench.set(port, [bench.endpoint(1), bench.endpoint(2, local: true)])
        for pick: UInt32 in 0..<1 {
            #expect(
                bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: pick).packet.destination
                    == bench.endpoint(2).address)
        }
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).outcome == .dropped)
        try bench.set(port, [])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).outcome == .rejected(.tcpReset))
    }

    @Test func `external and balancer addresses serve, and source ranges guard the balancer's`() throws {
        let bench = try Bench()
        let external = IPAddress("203.0.113.1")!
        let balancer = IPAddress("203.0.113.2")!
        var port = bench.port()
        port.externalIPs = [external]
        port.loadBalancerIPs = [balancer]
        port.sourceRanges = [IPPrefix("198.51.100.0/24")!]
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.client, to: external, 80).isMasqueraded)
        #expect(bench.trace(from: bench.client, to: balancer, 80).isRewritten)
        let stranger = IPAddress("198.18.0.1")!
        #expect(bench.trace(from: stranger, to: balancer, 80).outcome == .dropped)
        #expect(bench.trace(from: stranger, to: external, 80).isRewritten)
        port.sourceRanges = []
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: stranger, to: balancer, 80).isRewritten)
    }

    @Test(arguments: IPFamily.allCases)
    func `session affinity keeps a client on its endpoint until that is gone`(_ family: IPFamily) throws {
        let bench = try Bench(family)
        var port = bench.port()
        port.affinitySeconds = 10800
        try bench.set(port, [bench.endpoint(1), bench.endpoint(2)])
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 1).packet.destination
                == bench.endpoint(2).address)
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 0).packet.destination
                == bench.endpoint(2).address)
        #expect(
            bench.trace(from: bench.client, to: bench.clusterIP, 80, pick: 0).packet.destination
                == bench.endpoint(1).address)
        // A new endpoint does not move anybody.
        try bench.set(port, [bench.endpoint(1), bench.endpoint(2), bench.endpoint(3)])
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 2).packet.destination
                == bench.endpoint(2).address)
        try bench.set(port, [bench.endpoint(1), bench.endpoint(3)])
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 1).packet.destination
                == bench.endpoint(3).address)
        // Switching it off forgets everybody.
        port.affinitySeconds = nil
        try bench.set(port, [bench.endpoint(1), bench.endpoint(3)])
        #expect(
            bench.trace(from: bench.pod, to: bench.clusterIP, 80, pick: 0).packet.destination
                == bench.endpoint(1).address)
        try bench.remove(port)
        #expect(
            try bench.model.sets(of: bench.table.table)
                == Set((try bench.groupSets + bench.table.sets).map(\.name)))
    }

    @Test func `with session affinity each endpoint is as likely as the others`() throws {
        let bench = try Bench()
        var port = bench.port()
        port.affinitySeconds = 60
        try bench.set(port, (1...4).map { bench.endpoint($0) })
        var random = SplitMix(state: 1)
        var counts: [IPAddress: Int] = [:]
        for client in 1...800 {
            let tracer = PacketTracer(
                bench.model, localAddresses: [bench.node], random: { UInt32.random(in: 0..<$0, using: &random) })
            let packet = Packet(
                from: bench.client.advanced(by: UInt64(client)), to: bench.clusterIP, port: 80, inputInterface: "eth0")
            counts[tracer.trace(packet).packet.destination, default: 0] += 1
        }
        #expect(counts.count == 4)
        #expect(counts.values.allSatisfy { (150...250).contains($0) }, "\(counts)")
    }

    @Test(arguments: [1, 2, 3, 4, 5, 7, 9, 17])
    func `each endpoint is as likely as the others`(_ count: Int) throws {
        let bench = try Bench()
        var port = bench.port()
        port.nodePort = 30080
        try bench.set(port, (1...count).map { bench.endpoint($0) })
        var random = SplitMix(state: 7)
        for (address, number) in [(bench.clusterIP, UInt16(80)), (bench.node, 30080)] {
            var counts: [IPAddress: Int] = [:]
            let tracer = PacketTracer(
                bench.model, localAddresses: [bench.node], random: { UInt32.random(in: 0..<$0, using: &random) })
            for _ in 0..<(count * 200) {
                let packet = Packet(from: bench.client, to: address, port: number, inputInterface: "eth0")
                counts[tracer.trace(packet).packet.destination, default: 0] += 1
            }
            #expect(counts.count == count)
            #expect(counts.values.allSatisfy { (140...260).contains($0) }, "\(counts)")
        }
    }

    /// As when a balancer gives out the node's own address.
    @Test func `a balancer's address that is the node's serves node ports too`() throws {
        let bench = try Bench()
        var port = bench.port()
        port.nodePort = 30080
        port.loadBalancerIPs = [bench.node]
        try bench.set(port, [bench.endpoint(1)])
        #expect(bench.trace(from: bench.client, to: bench.node, 80).isRewritten)
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).isRewritten)
        #expect(!bench.trace(from: bench.client, to: bench.node, 22).isRewritten)
        #expect(bench.trace(from: bench.client, to: bench.node, 22).outcome == .delivered)
        try bench.set(port, [])
        #expect(bench.trace(from: bench.client, to: bench.node, 30080).outcome == .rejected(.tcpReset))
        #expect(bench.trace(from: bench.client, to: bench.node, 22).outcome == .delivered)
    }

    @Test func `terminating endpoints serve only when nothing else does`() throws {
        let bench = try Bench()
        try bench.set(
            bench.port(), [bench.endpoint(1, ready: false, terminating: true), bench.endpoint(2)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).packet.destination == bench.endpoint(2).address)
        try bench.set(
            bench.port(), [bench.endpoint(1, ready: false, terminating: true), bench.endpoint(2, ready: false)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).packet.destination == bench.endpoint(1).address)
        try bench.set(bench.port(), [bench.endpoint(2, ready: false)])
        #expect(bench.trace(from: bench.pod, to: bench.clusterIP, 80).outcome == .rejected(.tcpReset))
    }

    @Test func `tcp, udp and sctp on one port are three services`() throws {
        let bench = try Bench()
        for (index, number) in [UInt8(6), 17, 132].enumerated() {
            try bench.set(bench.port(protocolNumber: number), [bench.endpoint(index + 1)])
        }
        for (index, number) in [UInt8(6), 17, 132].enumerated() {
            let trace = bench.trace(from: bench.pod, to: bench.clusterIP, 80, protocolNumber: number)
            #expect(trace.packet.destination == bench.endpoint(index + 1).address)
        }
    }

    @Test func `two services that claim one external address take turns`() throws {
        let bench = try Bench()
        let shared = IPAddress("203.0.113.1")!
        var one = bench.port("one")
        one.externalIPs = [shared]
        var two = bench.port("two")
        two.clusterIP = IPAddress("10.43.0.11")!
        two.externalIPs = [shared]
        try bench.set(one, [bench.endpoint(1)])
        try bench.set(two, [bench.endpoint(2)])
        #expect(bench.trace(from: bench.client, to: shared, 80).packet.destination == bench.endpoint(1).address)
        #expect(bench.trace(from: bench.pod, to: two.clusterIP, 80).packet.destination == bench.endpoint(2).address)
        try bench.remove(one)
        #expect(bench.trace(from: bench.client, to: shared, 80).packet.destination == bench.endpoint(2).address)
    }

    @Test func `balancers are told of ready endpoints of this node only`() throws {
        let bench = try Bench()
        func ready(_ endpoints: [EndpointSpec]) -> Int {
            EndpointChoice(endpoints, usesLocal: true, node: "node", zone: nil).readyHere
        }
        #expect(ready([bench.endpoint(1, local: true), bench.endpoint(2, local: true), bench.endpoint(3)]) == 2)
        // It goes on serving what still comes, but no more should come.
        let leaving = [bench.endpoint(1, ready: false, terminating: true, local: true)]
        #expect(ready(leaving) == 0)
        #expect(EndpointChoice(leaving, usesLocal: true, node: "node", zone: nil).local == leaving.map(\.target))
    }

    @Test func `topology hints keep traffic near while every endpoint has them`() throws {
        let bench = try Bench()
        var near = bench.endpoint(1)
        var far = bench.endpoint(2)
        near.zoneHints = ["a"]
        far.zoneHints = ["b"]
        func chosen(_ endpoints: [EndpointSpec], zone: String?) -> [IPAddress] {
            EndpointChoice(endpoints, usesLocal: false, node: "node", zone: zone).cluster.map(\.address)
        }
        #expect(chosen([near, far], zone: "a") == [near.address])
        #expect(chosen([near, far], zone: "c") == [near.address, far.address])
        #expect(chosen([near, far], zone: nil) == [near.address, far.address])
        #expect(chosen([near, bench.endpoint(3)], zone: "a").count == 2)
        far.nodeHints = ["node"]
        near.nodeHints = ["other"]
        #expect(chosen([near, far], zone: "a") == [far.address])
    }
}
