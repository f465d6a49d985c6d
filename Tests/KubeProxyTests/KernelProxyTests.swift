// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import Telemetry
import Testing

@testable import KubeProxy

private final class Host: Sendable {
    let namespace: NetworkNamespace
    let route: NetlinkSocket

    init() throws {
        namespace = try NetworkNamespace.create()
        route = try NetlinkSocket(.route, in: namespace)
        try route.perform(.setLink(index: 1, LinkChange(up: true)))
    }

    private func awaitUp(_ name: String) throws {
        for _ in 0..<5000 where try route.link(named: name)?.operationalState != 6 { usleep(1000) }
    }

    /// A wire to `peer`, with an address at each end.
    func wire(_ name: String, _ own: IPPrefix, to peer: Host, _ far: IPPrefix) throws {
        try route.perform(
            .addVeth(LinkChange(name: name, up: true), peer: LinkChange(name: "eth0"), peerNamespace: peer.namespace))
        let link = try #require(try route.link(named: name))
        let other = try #require(try peer.route.link(named: "eth0"))
        try route.perform(.addAddress(own, link: link.index))
        try peer.route.perform([
            .setLink(index: other.index, LinkChange(up: true)), .addAddress(far, link: other.index),
            .addRoute(Route(to: nil, family: own.family, via: own.address, link: other.index)),
        ])
        // On a busy machine the links take a moment; a packet lost to that would be timed as the proxy's.
        try awaitUp(name)
        try peer.awaitUp("eth0")
    }
}

/// A node with two pods and an outside client behind wires of their own: real rules, real connections.
private final class Lab {
    let node: Host
    let pods: [Host]
    let client: Host
    let family: IPFamily
    let proxy: FamilyProxy
    let ruleset: KernelRuleset
    let conntrack: NetlinkSocket

    init(_ family: IPFamily = .v4) throws {
        self.family = family
        node = try Host()
        pods = [try Host(), try Host()]
        client = try Host()
        ruleset = try KernelRuleset(in: node.namespace)
        conntrack = try NetlinkSocket(.netfilter, in: node.namespace)
        proxy = Lab.makeProxy(family, ruleset, conntrack)
        for name in ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"] {
            try node.namespace.setSysctl(name, "1")
        }
        let length = family == .v4 ? 24 : 64
        for index in 0..<2 {
            let own = address("10.42.\(index).1", "fd42:0:0:\(index)::1")
            try node.wire("pod\(index)", IPPrefix(own, length), to: pods[index], IPPrefix(pod(index), length))
        }
        try node.wire("uplink", IPPrefix(nodeAddress, length), to: client, IPPrefix(clientAddress, length))
        let uplink = try #require(try node.route.link(named: "uplink"))
        try node.route.perform(.addRoute(Route(to: nil, family: family, via: clientAddress, link: uplink.index)))
    }

    static func makeProxy(
        _ family: IPFamily, _ ruleset: KernelRuleset, _ conntrack: NetlinkSocket
    ) -> FamilyProxy {
        var options = RuleOptions()
        options.localTraffic = .blocks([IPPrefix("10.42.0.0/16")!, IPPrefix("fd42::/48")!])
        return FamilyProxy(
            ProxyTable(family: family, options: options), ruleset: ruleset, conntrack: conntrack,
            metrics: ProxyMetrics(MetricsRegistry()), logger: Logger(label: "test", level: .error))
    }

    func address(_ v4: String, _ v6: String) -> IPAddress { IPAddress(family == .v4 ? v4 : v6)! }
    func pod(_ index: Int) -> IPAddress { address("10.42.\(index).2", "fd42:0:0:\(index)::2") }
    var nodeAddress: IPAddress { address("192.0.2.1", "2001:db8::1") }
    var clientAddress: IPAddress { address("192.0.2.2", "2001:db8::2") }
    var clusterIP: IPAddress { address("10.43.0.10", "fd43::10") }
    var any: IPAddress { address("0.0.0.0", "::") }

    func port(_ name: String = "web", protocolNumber: UInt8 = 6) -> ServicePortSpec {
        var port = ServicePortSpec(
            name: ServicePortName(ServiceKey("default", name), port: "", protocolNumber: protocolNumber),
            clusterIP: clusterIP, port: 80)
        port.nodePort = 30080
        return port
    }

    /// - Parameter forgets: And looks after flows at once.
    func set(
        _ port: ServicePortSpec, _ endpoints: [Int], with proxy: FamilyProxy? = nil, forgets: Bool = true
    ) throws {
        let specs = endpoints.map { EndpointSpec(pod($0), 8080, isLocal: true) }
        let choice = EndpointChoice(specs, usesLocal: port.usesLocalEndpoints, node: "node", zone: nil)
        let table = (proxy ?? self.proxy).table
        try (proxy ?? self.proxy).sync(
            [port.name.service: [.init(port: port, choice: choice)]],
            nodePortIPs: [[.address(nodeAddress)]])
        _ = table
        if forgets { try (proxy ?? self.proxy).forgetFlows() }
    }
}

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct KernelProxyTests {
    @Test(arguments: IPFamily.allCases)
    func `connections reach the endpoints, from everywhere`(_ family: IPFamily) throws {
        let lab = try Lab(family)
        let server = try Sockets.bound(lab.pods[0].namespace, lab.any, 8080)
        try lab.set(lab.port(), [0])
        let gateway = lab.address("10.42.0.1", "fd42:0:0:0::1")
        // From another pod: its address stays. From the pod itself, the node and outside: the node's is shown.
        let ways: [(String, Host, IPAddress, UInt16, IPAddress?)] = [
            ("pod", lab.pods[1], lab.clusterIP, 80, lab.pod(1)), ("itself", lab.pods[0], lab.clusterIP, 80, gateway),
            ("node", lab.node, lab.clusterIP, 80, gateway),
            ("outside to node port", lab.client, lab.nodeAddress, 30080, gateway),
            ("node to node port", lab.node, lab.nodeAddress, 30080, gateway),
            ("pod to node port", lab.pods[1], lab.nodeAddress, 30080, gateway),
        ]
        for (name, from, address, port, expected) in ways {
            do {
                let peer = try Sockets.talk(from: from.namespace, to: address, port, server: server)
                #expect(peer == expected, "\(name)")
            } catch { Issue.record("\(name): \(error)") }
        }
    }

    /// An administrator's nft(8) must not stumble over ours.
    @Test(arguments: IPFamily.allCases)
    func `nft lists the table`(_ family: IPFamily) throws {
        let lab = try Lab(family)
        var port = lab.port()
        port.externalLocal = true
        try lab.set(port, [0])
        var sticky = lab.port("sticky")
        sticky.port = 81
        sticky.nodePort = 0
        sticky.affinitySeconds = 60
        try lab.set(sticky, [0, 1])
        let listed = try run("/usr/sbin/nft", ["list", "ruleset"], in: lab.node.namespace)
        #expect(listed.status == 0)
        let daddr = family == .v4 ? "ip daddr" : "ip6 daddr"
        for line in [
            "\(daddr) . meta l4proto . th dport @service-any-1 goto service-pick-1",
            "to \(daddr) . meta l4proto . th dport . numgen random mod 1 map @endpoints",
            "to meta l4proto . th dport . numgen random mod 1 offset 2147483648 map @nodeport-endpoints",
            "numgen random mod 2 0 goto endpoint-",
        ] { #expect(listed.output.contains(line), "\(line): \(listed.output)") }
    }

    @Test(arguments: IPFamily.allCases)
    func `without endpoints, and on other ports, connections are refused at once`(_ family: IPFamily) throws {
        let lab = try Lab(family)
        try lab.set(lab.port(), [])
        let clock = ContinuousClock()
        func refused(_ from: Host, _ address: IPAddress, _ port: UInt16) {
            let time = clock.measure {
                let error = #expect(throws: Errno.self) {
                    _ = try Sockets.connect(from.namespace, to: address, port)
                }
                #expect(error?.code == ECONNREFUSED, "\(port)")
            }
            #expect(time < .milliseconds(500), "\(address) \(port)")
        }
        refused(lab.pods[1], lab.clusterIP, 80)
        refused(lab.node, lab.clusterIP, 80)
        refused(lab.client, lab.nodeAddress, 30080)
        refused(lab.pods[1], lab.clusterIP, 81)
        refused(lab.node, lab.clusterIP, 81)
    }

    @Test(arguments: IPFamily.allCases)
    func `traffic spreads, and session affinity gathers it`(_ family: IPFamily) throws {
        let lab = try Lab(family)
        let servers = [
            try Sockets.bound(lab.pods[0].namespace, lab.any, 8080).release(),
            try Sockets.bound(lab.pods[1].namespace, lab.any, 8080).release(),
        ]
        defer { for server in servers { close(server) } }
        /// Connects `count` times from the client; how many connections each pod got.
        func spread(_ count: Int) throws -> [Int] {
            var result = [0, 0]
            for _ in 0..<count {
                _ = try Sockets.connect(lab.client.namespace, to: lab.nodeAddress, 30080)
                var pollers = servers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
                try systemCall("poll") { poll(&pollers, 2, 1000) }
                for index in 0..<2 where pollers[index].revents != 0 {
                    result[index] += 1
                    close(accept(servers[index], nil, nil))
                }
            }
            return result
        }
        var port = lab.port()
        try lab.set(port, [0, 1])
        let even = try spread(60)
        #expect(even[0] > 10 && even[1] > 10 && even[0] + even[1] == 60, "\(even)")
        port.affinitySeconds = 60
        try lab.set(port, [0, 1])
        let sticky = try spread(15)
        #expect(sticky.sorted() == [0, 15], "\(sticky)")
        // Its endpoint goes: the client moves. It comes back: the client stays where it is.
        let first = sticky[0] == 15 ? 0 : 1
        try lab.set(port, [1 - first])
        #expect(try spread(5)[1 - first] == 5)
        try lab.set(port, [0, 1])
        #expect(try spread(5)[1 - first] == 5)
        port.affinitySeconds = nil
        try lab.set(port, [0, 1])
        let again = try spread(60)
        #expect(again[0] > 10 && again[1] > 10)
    }

    @Test func `clients that there is no room to remember are served all the same`() throws {
        let lab = try Lab()
        let server = try Sockets.bound(lab.pods[0].namespace, lab.any, 8080)
        var port = lab.port()
        port.affinitySeconds = 60
        try lab.set(port, [0])
        let nft = "/usr/sbin/nft"
        let listed = try run(nft, ["list", "table", "ip", lab.proxy.table.table.name], in: lab.node.namespace)
        let line = try #require(listed.output.split(separator: "\n").first { $0.contains("set affinity-") })
        let set = line.split(separator: " ")[1]
        let clients = (0..<65_535).map { "100.64.\($0 / 256).\($0 % 256)" }.joined(separator: ", ")
        let filled = try run(
            nft, ["-f", "-"], input: "add element ip \(lab.proxy.table.table.name) \(set) { \(clients) }\n",
            in: lab.node.namespace)
        try #require(filled.status == 0, "\(filled.output)")
        _ = try Sockets.talk(from: lab.client.namespace, to: lab.nodeAddress, 30080, server: server)
    }

    @Test func `external policy Local shows the client and drops where nothing is local`() throws {
        let lab = try Lab()
        let server = try Sockets.bound(lab.pods[0].namespace, lab.any, 8080)
        var port = lab.port()
        port.externalLocal = true
        try lab.set(port, [0])
        #expect(
            try Sockets.talk(from: lab.client.namespace, to: lab.nodeAddress, 30080, server: server)
                == lab.clientAddress)
    }

    @Test(arguments: IPFamily.allCases)
    func `udp clients leave an endpoint that is gone, and others keep theirs`(_ family: IPFamily) throws {
        let lab = try Lab(family)
        let first = try Sockets.bound(lab.pods[0].namespace, lab.pod(0), 8080, udp: true)
        let second = try Sockets.bound(lab.pods[1].namespace, lab.pod(1), 8080, udp: true)
        let port = lab.port(protocolNumber: 17)
        // Before there is an endpoint the client is refused, and the flow must not stick to that.
        try lab.set(port, [])
        let sender = try Sockets.make(lab.client.namespace, family, udp: true)
        try Sockets.send(sender, to: lab.nodeAddress, 30080)
        try lab.set(port, [0])
        try Sockets.send(sender, to: lab.nodeAddress, 30080)
        #expect(try Sockets.receive(first) != nil)
        // The socket keeps its port: without help the flow would go to the first pod for good.
        try lab.set(port, [1])
        try Sockets.send(sender, to: lab.nodeAddress, 30080)
        #expect(try Sockets.receive(second) != nil)
        #expect(try Sockets.receive(first, milliseconds: 50) == nil)
        // A second endpoint comes: the flow stays.
        try lab.set(port, [0, 1])
        for _ in 0..<5 { try Sockets.send(sender, to: lab.nodeAddress, 30080) }
        for _ in 0..<5 { #expect(try Sockets.receive(second) != nil) }
        // It goes and comes back before anybody has looked: the flow is right again, and so is one that began meanwhile.
        try lab.set(port, [0], forgets: false)
        let other = try Sockets.make(lab.client.namespace, family, udp: true)
        try Sockets.send(other, to: lab.nodeAddress, 30080)
        #expect(try Sockets.receive(first) != nil)
        try lab.set(port, [0, 1], forgets: false)
        #expect(try lab.proxy.forgetFlows() == 0)
        for _ in 0..<5 { try Sockets.send(sender, to: lab.nodeAddress, 30080) }
        for _ in 0..<5 { #expect(try Sockets.receive(second) != nil) }
        try Sockets.send(other, to: lab.nodeAddress, 30080)
        #expect(try Sockets.receive(first) != nil)
        try lab.set(port, [0], forgets: false)
        #expect(try lab.proxy.forgetFlows() == 1)
        #expect(try lab.proxy.forgetFlows() == 0)
    }

    @Test func `a restart keeps connections, affinity and rules, and drops what is stale`() throws {
        let lab = try Lab()
        let server = try Sockets.bound(lab.pods[0].namespace, lab.any, 8080)
        try lab.set(lab.port(), [0])
        var stale = lab.port("stale")
        stale.clusterIP = IPAddress(10, 43, 0, 99)
        stale.nodePort = 30099
        try lab.set(stale, [1])
        let connection = try Sockets.connect(lab.client.namespace, to: lab.nodeAddress, 30080)
        let accepted = FileDescriptor(owning: try Sockets.accept(server).socket)
        let table = lab.proxy.table
        let before = try #require(try KernelContent.read(table, from: lab.ruleset))

        let restarted = Lab.makeProxy(lab.family, lab.ruleset, lab.conntrack)
        try lab.set(lab.port(), [0], with: restarted)
        let after = try #require(try KernelContent.read(table, from: lab.ruleset))
        let chain = "service-pick-1"
        #expect(after.chains[chain]?.isEmpty == false)
        #expect(after.chains == before.chains)
        #expect(after.elements[table.endpoints]?.count == 1)
        #expect(after.elements[table.nodePortEndpoints]?.count == 1)
        let members = table.members(of: FrontendGroup(.any(1), isNodePort: false))
        #expect(after.elements[members]?.count == 1)
        try connection.writeAll([7])
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { try accepted.read(into: $0) }
        #expect(byte == [7])
        // Somebody empties the table behind our back: the next check mends it.
        var transaction = Transaction(table.table)
        transaction.add(.flushChain(ProxyTable.services))
        transaction.add(.flushChain(chain))
        try lab.ruleset.commit(transaction)
        try restarted.resync()
        let mended = try #require(try KernelContent.read(table, from: lab.ruleset))
        #expect(mended.chains[chain]?.isEmpty == false)
        _ = try Sockets.talk(from: lab.client.namespace, to: lab.nodeAddress, 30080, server: server)
        try restarted.remove()
        #expect(try lab.ruleset.chains(of: table.table) == nil)
    }
}
