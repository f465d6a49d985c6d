// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@testable import Netlink

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct RouteSocketTests {
    @Test func `addresses that come and go are told of`() throws {
        let namespace = try NetworkNamespace.create()
        let socket = try NetlinkSocket(.route, in: namespace)
        let changes = try AddressChanges(in: namespace)
        func isTold() throws -> Bool {
            var waiting = pollfd(fd: changes.descriptor.raw, events: Int16(POLLIN), revents: 0)
            let isReady = poll(&waiting, 1, 100) == 1
            try changes.take()
            return isReady
        }
        #expect(try !isTold())
        try socket.perform(.addBridge(LinkChange(name: "second")))
        let link = try #require(try socket.link(named: "second"))
        #expect(try !isTold())
        try socket.perform(.addAddress(IPPrefix("192.0.2.9/24")!, link: link.index))
        #expect(try isTold())
        #expect(try !isTold())
        try socket.perform(.addAddress(IPPrefix("2001:db8::9/64")!, link: link.index))
        #expect(try isTold())
        try socket.perform(.deleteAddress(IPPrefix("192.0.2.9/24")!, link: link.index))
        #expect(try isTold())
    }

    @Test func `a bridge, a veth into another namespace, addresses, routes and neighbours`() throws {
        let host = try NetworkNamespace.create()
        let pod = try NetworkNamespace.create()
        let socket = try NetlinkSocket(.route, in: host)
        let inside = try NetlinkSocket(.route, in: pod)
        let hardware: [UInt8] = [0x0a, 0x58, 10, 42, 0, 1]

        try socket.perform(.addBridge(LinkChange(name: "br0", up: true, mtu: 1400, address: hardware)))
        let bridge = try #require(try socket.link(named: "br0"))
        #expect(bridge.kind == "bridge")
        #expect(bridge.address == hardware)
        #expect(bridge.isUp)
        try socket.perform([
            .addVeth(
                LinkChange(name: "v0", up: true, mtu: 1400, master: bridge.index),
                peer: LinkChange(name: "eth0", mtu: 1400), peerNamespace: pod),
            .setBridgePort(index: 0, named: "v0", BridgePort(hairpin: true, isolated: true)),
            .addAddress(IPPrefix("10.42.0.1/24")!, link: bridge.index),
            .addAddress(IPPrefix("fd42::1/64")!, link: bridge.index),
            .addNeighbour(IPAddress(10, 42, 0, 5), hardware: [2, 0, 0, 0, 0, 5], link: bridge.index),
        ])
        let port = try #require(try socket.link(named: "v0"))
        #expect(port.master == bridge.index)
        #expect(port.mtu == 1400)
        let addresses = try socket.addresses(link: bridge.index)
        #expect(addresses.map(\.prefix.description).contains("10.42.0.1/24"))
        let v6 = try #require(addresses.first { $0.prefix.description == "fd42::1/64" })
        #expect(!v6.isTentative)
        #expect(try socket.routes(.v4).contains { $0.destination?.description == "10.42.0.0/24" })
        let neighbour = try #require(try socket.neighbours(.v4).first { $0.address == IPAddress(10, 42, 0, 5) })
        #expect(neighbour.hardware == [2, 0, 0, 0, 0, 5])

        let eth0 = try #require(try inside.link(named: "eth0"))
        try inside.perform([
            .setLink(index: 1, LinkChange(up: true)), .setLink(index: eth0.index, LinkChange(up: true)),
            .addAddress(IPPrefix("10.42.0.5/32")!, link: eth0.index, routed: false),
            .addRoute(Route(to: IPPrefix("10.42.0.1/32")!, family: .v4, link: eth0.index)),
            .addRoute(Route(to: nil, family: .v4, via: IPAddress(10, 42, 0, 1), link: eth0.index)),
        ])
        let routes = try inside.routes(.v4).filter { $0.table == 254 }
        #expect(routes.contains { $0.destination == nil && $0.gateway == IPAddress(10, 42, 0, 1) })
        #expect(try inside.links().count == 2)
        // The carrier of both ends tells that the pair is whole.
        #expect(try inside.link(named: "eth0")?.hasCarrier == true)

        try socket.perform(.deleteLink(named: "v0"))
        #expect(try inside.link(named: "eth0") == nil)
        #expect(try socket.link(named: "v0") == nil)
    }

    @Test func `routing rules are added, listed and deleted`() throws {
        let namespace = try NetworkNamespace.create()
        let socket = try NetlinkSocket(.route, in: namespace)
        let rule = RoutingRule(
            family: .v4, priority: 500, table: 1000, source: IPPrefix("10.0.0.0/8")!, mark: 0x4000, markMask: 0x4000)
        try socket.perform(.addRule(rule))
        #expect(try socket.rules(.v4).contains(rule))
        try socket.perform(.deleteRule(rule))
        #expect(try !socket.rules(.v4).contains(rule))
    }

    @Test func `a refusal says what was asked, and which of several requests it was`() throws {
        let namespace = try NetworkNamespace.create()
        let socket = try NetlinkSocket(.route, in: namespace)
        try socket.perform(.setLink(index: 1, LinkChange(up: true)))
        let error = #expect(throws: NetlinkError.self) {
            try socket.perform([
                .addAddress(IPPrefix("127.0.0.2/8")!, link: 1),
                .addRoute(Route(to: IPPrefix("10.9.0.0/16")!, family: .v4, via: IPAddress(192, 0, 2, 1), link: 1)),
            ])
        }
        #expect(error?.index == 1)
        #expect(
            error?.description
                == "add route 10.9.0.0/16 via 192.0.2.1: network is unreachable "
                + "(kernel: Nexthop has invalid gateway)")
    }

    @Test func `a sysctl is written in the namespace and not in ours`() throws {
        let namespace = try NetworkNamespace.create()
        let before = try Sysctl.read("net.ipv4.conf.all.rp_filter")
        try namespace.setSysctl("net.ipv4.conf.all.rp_filter", "2")
        #expect(try namespace.sysctl("net.ipv4.conf.all.rp_filter") == "2")
        #expect(try Sysctl.read("net.ipv4.conf.all.rp_filter") == before)
        #expect(throws: Errno.self) { try namespace.setSysctl("net.ipv4.no_such_thing", "1") }
    }

    @Test func `udp flows are found and deleted by where they were sent`() throws {
        let namespace = try NetworkNamespace.create()
        let route = try NetlinkSocket(.route, in: namespace)
        try route.perform(.setLink(index: 1, LinkChange(up: true)))
        let netfilter = try NetlinkSocket(.netfilter, in: namespace)
        // Nothing matches in an empty table, and that is no error.
        let filter = ConntrackFilter(protocolNumber: 17, originalDestination: IPAddress(127, 0, 0, 1))
        #expect(try netfilter.conntrackEntries(.v4, matching: filter).isEmpty)
        try netfilter.deleteConntrackEntries(.v4, matching: filter)
        let many = (1...10_000).map { ConntrackFilter(protocolNumber: 17, originalDestinationPort: UInt16($0)) }
        for family in [IPFamily.v4, .v6] { try netfilter.deleteConntrackEntries(family, matchingAny: many) }
    }

    @Test func `flows are found among many filters as by each of them`() {
        let addresses = (1...3).map { IPAddress(10, 0, 0, UInt8($0)) }
        var entries: [ConntrackEntry] = []
        for destination in addresses {
            for (port, number) in [(53, 17), (53, 6), (80, 17)] as [(UInt16, UInt8)] {
                entries.append(
                    ConntrackEntry(
                        original: ConntrackTuple(
                            source: addresses[0], destination: destination, protocolNumber: number, sourcePort: 9,
                            destinationPort: port),
                        reply: ConntrackTuple(
                            source: addresses[2], destination: addresses[0], protocolNumber: number, sourcePort: port,
                            destinationPort: 9)))
            }
        }
        var filters: [ConntrackFilter] = []
        for destination in [nil, addresses[0], addresses[1]] {
            for port in [nil, 53, 81] as [UInt16?] {
                for source in [nil, addresses[2], addresses[1]] {
                    filters.append(
                        ConntrackFilter(
                            protocolNumber: 17, originalDestination: destination, originalDestinationPort: port,
                            replySource: source, replySourcePort: port))
                }
            }
        }
        for filter in filters {
            let alone = ConntrackFilters([filter])
            for entry in entries { #expect(alone.matches(entry) == filter.matches(entry), "\(filter) \(entry)") }
        }
        for start in filters.indices {
            let some = Array(filters[start...].prefix(4))
            let together = ConntrackFilters(some)
            for entry in entries {
                #expect(together.matches(entry) == some.contains { $0.matches(entry) }, "\(entry)")
            }
        }
    }
}
