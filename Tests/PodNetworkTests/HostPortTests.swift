// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import Testing

@testable import PodNetwork

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct HostPortTests {
    @Test func `host ports answer from outside, from the node, from loopback and from the pod itself`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        let ports = [
            HostPort(hostPort: 8081, containerPort: 80, protocolNumber: 6),
            HostPort(hostIP: Node.address, hostPort: 8082, containerPort: 80, protocolNumber: 6),
            HostPort(hostIP: IPAddress(127, 0, 0, 1), hostPort: 8083, containerPort: 80, protocolNumber: 6),
        ]
        let place = try network.attach(pod: request("a", a, ports))
        _ = try network.attach(pod: request("b", b))
        let server = try Sockets.bound(a, IPAddress(0, 0, 0, 0), 80)
        let gateway = place.gateways[0]

        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8082, server: server) == Node.outsideAddress)
        _ = try Sockets.talk(from: node.namespace, to: Node.address, 8081, server: server)
        #expect(try Sockets.talk(from: node.namespace, to: IPAddress(127, 0, 0, 1), 8081, server: server) == gateway)
        #expect(try Sockets.talk(from: node.namespace, to: IPAddress(127, 0, 0, 1), 8083, server: server) == gateway)
        // From another pod, and from the pod itself: it sees the node, or it would answer itself directly.
        #expect(
            try Sockets.talk(from: b, to: Node.address, 8081, server: server) == IPAddress(10, 42, 0, 3))
        #expect(try Sockets.talk(from: a, to: Node.address, 8081, server: server) == gateway)
        // 8083 is for loopback only.
        let refused = #expect(throws: Errno.self) {
            _ = try Sockets.connect(node.outside, to: Node.address, 8083)
        }
        #expect(refused?.code == ECONNREFUSED)

        try network.detach(podUID: "uid-a")
        let gone = #expect(throws: Errno.self) { _ = try Sockets.connect(node.outside, to: Node.address, 8081) }
        #expect(gone?.code == ECONNREFUSED)
    }

    @Test func `a pod gets no port that a program of the node listens on`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let any = IPAddress(0, 0, 0, 0)
        let everywhere = try Sockets.bound(node.namespace, any, 8081)
        let dualStack = try Sockets.bound(node.namespace, IPAddress("::")!, 8082, udp: true)
        let one = try Sockets.bound(node.namespace, Node.address, 8083)
        let inside = try Sockets.bound(node.namespace, IPAddress(127, 0, 0, 53), 8084, udp: true)
        func refusal(_ port: UInt16, _ number: UInt8, at address: IPAddress? = nil) throws -> String? {
            let pod = try NetworkNamespace.create()
            let port = HostPort(hostIP: address, hostPort: port, containerPort: 80, protocolNumber: number)
            do throws(PodNetworkError) {
                _ = try network.attach(pod: request("a", pod, [port]))
                try network.detach(podUID: "uid-a")
                return nil
            } catch { return error.description }
        }
        #expect(
            try refusal(8081, 6)
                == "attach pod default/a: host port 8081/TCP is one that a program of the node listens on, at 0.0.0.0")
        #expect(try refusal(8081, 17) == nil)
        #expect(try refusal(8081, 6, at: IPAddress(127, 0, 0, 1))?.contains("8081/TCP") == true)
        #expect(try refusal(8082, 17)?.hasSuffix("at ::") == true)
        #expect(try refusal(8083, 6)?.hasSuffix("at 192.0.2.1") == true)
        #expect(try refusal(8083, 6, at: IPAddress(127, 0, 0, 1)) == nil)
        #expect(try refusal(8084, 17, at: IPAddress(127, 0, 0, 53))?.hasSuffix("at 127.0.0.53") == true)
        // Beside a program on loopback a pod may have the port of the node's other addresses.
        #expect(try refusal(8084, 17) == nil)
        for socket in [everywhere.raw, dualStack.raw, one.raw, inside.raw] { #expect(socket >= 0) }
    }

    @Test func `what the node sends to itself is the program's that listens there`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let pod = try NetworkNamespace.create()
        let loopback = IPAddress(127, 0, 0, 1)
        let program = try Sockets.bound(node.namespace, loopback, 8081)
        let port = HostPort(hostPort: 8081, containerPort: 80, protocolNumber: 6)
        let late = HostPort(hostPort: 8082, containerPort: 80, protocolNumber: 6)
        let gateway = try network.attach(pod: request("a", pod, [port, late])).gateways[0]
        let server = try Sockets.bound(pod, IPAddress(0, 0, 0, 0), 80)
        #expect(try Sockets.talk(from: node.namespace, to: loopback, 8081, server: program) == loopback)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
        // Where nobody listens it is the pod's, until somebody does.
        #expect(try Sockets.talk(from: node.namespace, to: loopback, 8082, server: server) == gateway)
        let second = try Sockets.bound(node.namespace, loopback, 8082)
        try network.mend()
        #expect(try Sockets.talk(from: node.namespace, to: loopback, 8082, server: second) == loopback)
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8082, server: server) == Node.outsideAddress)
        try network.setup()
        #expect(try Sockets.talk(from: node.namespace, to: loopback, 8082, server: second) == loopback)
    }

    @Test func `a host port is one pod's, and stays its own whoever else asks for it`() throws {
        let node = try Node()
        let network = try node.network()
        try network.setup()
        let a = try NetworkNamespace.create()
        let b = try NetworkNamespace.create()
        func port(_ address: String?, _ number: UInt16 = 8081, to container: UInt16 = 80) -> HostPort {
            HostPort(
                hostIP: address.map { IPAddress($0)! }, hostPort: number, containerPort: container, protocolNumber: 6)
        }
        _ = try network.attach(pod: request("a", a, [port(nil), port("192.0.2.1", 8082)]))
        let server = try Sockets.bound(a, IPAddress(0, 0, 0, 0), 80)
        let others = [
            port(nil), port("0.0.0.0"), port("::"), port("192.0.2.1"), port("2001:db8::1"), port("192.0.2.1", 8082),
            port("::ffff:192.0.2.1", 8082), port(nil, 8082),
        ]
        for other in others {
            let error = #expect(throws: PodNetworkError.self) { try network.attach(pod: request("b", b, [other])) }
            #expect(
                error?.description == "attach pod default/b: host port \(other.hostPort)/TCP is another pod's",
                "\(other)")
            #expect(network.addresses(podUID: "uid-b") == nil)
        }
        for number: UInt16 in [8081, 8082] {
            #expect(
                try Sockets.talk(from: node.outside, to: Node.address, number, server: server) == Node.outsideAddress)
        }
        // Beside it there is room, and nothing of one pod's leads to two places.
        _ = try network.attach(pod: request("b", b, [port("127.0.0.1", 8082), port("192.0.2.1", 8083)]))
        let twice = #expect(throws: PodNetworkError.self) {
            let c = try NetworkNamespace.create()
            _ = try network.attach(pod: request("c", c, [port(nil, 8084), port("::", 8084, to: 81)]))
        }
        #expect(twice?.description.hasSuffix("host port 8084/TCP leads to two ports of the pod") == true)
        try network.detach(podUID: "uid-a")
        _ = try network.attach(pod: request("a", a, [port("::ffff:192.0.2.1")]))
        #expect(try Sockets.talk(from: node.outside, to: Node.address, 8081, server: server) == Node.outsideAddress)
    }
}
