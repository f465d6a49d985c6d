// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@Suite struct EventTests {
    @Test func `epoll reports what is ready by its token`() throws {
        let epoll = try Epoll()
        let counter = try EventCounter()
        let timer = try TimerDescriptor()
        try epoll.add(counter.descriptor, .readable, token: 7)
        try epoll.add(timer.descriptor, .readable, token: 9)
        var ready: [Epoll.Ready] = []
        try epoll.wait(into: &ready, nanoseconds: 0)
        #expect(ready.isEmpty)
        counter.signal()
        counter.signal()
        try epoll.wait(into: &ready)
        #expect(ready.map(\.token) == [7])
        #expect(counter.take() == 2)
        #expect(counter.take() == 0)
        try timer.set(nanoseconds: 1_000_000)
        ready = []
        try epoll.wait(into: &ready)
        #expect(ready.map(\.token) == [9])
        #expect(timer.expirations() == 1)
    }

    @Test func `epoll wait keeps to its limit of time`() throws {
        let epoll = try Epoll()
        var ready: [Epoll.Ready] = []
        let before = KernelClock.monotonic.now()
        try epoll.wait(into: &ready, nanoseconds: 3_000_000)
        #expect(KernelClock.monotonic.now() - before >= 3_000_000)
    }

    @Test func `a semaphore keeps its signals, and to its limit of time`() {
        let semaphore = CountingSemaphore()
        let before = KernelClock.monotonic.now()
        #expect(!semaphore.wait(until: before + 3_000_000))
        #expect(KernelClock.monotonic.now() - before >= 3_000_000)
        semaphore.signal()
        semaphore.signal()
        #expect(semaphore.wait(until: before))
        semaphore.wait()
        #expect(!semaphore.wait(until: before))
    }

    @Test func `descriptors travel over a unix socket`() throws {
        let pair = try Socket.pair()
        let pipe = try FileDescriptor.pipe()
        try pair.one.send([1, 2], descriptor: pipe.writer)
        var message = try pair.other.receive()
        #expect(message.bytes == [1, 2])
        #expect(message.descriptorCount == 1)
        let writer = try owned(message.takeDescriptor())
        try writer.writeAll([42])
        #expect(try pipe.reader.read(upTo: 10) == [42])
        #expect(try pair.one.peerCredentials().process == getpid())
    }

    @Test(arguments: ["127.0.0.1", "::1"]) func `a stream connects to a listener`(host: String) throws {
        let listener = try Socket.listening(at: try #require(SocketAddress(host: host, port: 0)), nonBlocking: false)
        let address = try #require(try listener.localAddress())
        #expect(address.host == host)
        let client = try Socket.connected(to: address)
        let accepted = try listener.accept(nonBlocking: false)
        let server = try owned(accepted)
        try client.descriptor.writeAll(Array("hello".utf8))
        #expect(try server.descriptor.read(upTo: 5) == Array("hello".utf8))
        #expect(try server.peerAddress() == client.localAddress())
    }

    @Test func `a unix address keeps abstract names and refuses long ones`() throws {
        let name = "@swiftlet-test-\(getpid())"
        let listener = try Socket.listening(at: .unix(name))
        #expect(try listener.localAddress() == .unix(name))
        let long = SocketAddress.unix(String(repeating: "x", count: 108))
        #expect(throws: Errno.self) { _ = try Socket.listening(at: long) }
    }
}
