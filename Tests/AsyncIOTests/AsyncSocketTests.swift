// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import Linux
import Testing

@Suite(.timeLimit(.minutes(1))) struct AsyncSocketTests {
    static let addresses: [SocketAddress] = [
        SocketAddress(host: "127.0.0.1", port: 0)!, SocketAddress(host: "::1", port: 0)!,
        .unix("/tmp/swiftlet-async-\(getpid()).sock"), .unix("@swiftlet-async-\(getpid())"),
    ]

    @Test(arguments: addresses)
    func `bytes go both ways, and the end is seen`(address: SocketAddress) async throws {
        let listener = try AsyncListener(at: address)
        defer { listener.close() }
        async let server: Void = {
            let peer = try await listener.accept()
            while case let bytes = try await peer.read(max: 1000), !bytes.isEmpty { try await peer.write(bytes) }
            try await peer.write(Array("bye".utf8))
            await peer.close()
        }()
        let client = try await AsyncSocket.connect(to: listener.address, timeout: .seconds(5))
        try await client.write(Array("hello".utf8))
        #expect(try await client.readExactly(5) == Array("hello".utf8))
        await client.closeWrite()
        #expect(try await client.readExactly(3) == Array("bye".utf8))
        #expect(try await client.read(max: 10).isEmpty)
        try await server
        await client.close()
    }

    @Test func `a dual listener takes both families`() async throws {
        let listener = try AsyncListener(at: SocketAddress(host: "::", port: 0)!, family: .dual)
        defer { listener.close() }
        let port = try #require(listener.address.port)
        for host in ["127.0.0.1", "::1"] {
            let client = try await AsyncSocket.connect(to: SocketAddress(host: host, port: port)!)
            let peer = try await listener.accept()
            #expect(peer.peerAddress?.plainHost == host)
            await client.close()
            await peer.close()
        }
    }

    @Test func `a writer waits for a slow reader and loses nothing`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let total = 20 * 1024 * 1024
        let writer = Task {
            var next: UInt8 = 0
            var sent = 0
            while sent < total {
                let chunk = (0..<100_003).map { _ in
                    defer { next = next &+ 7 }
                    return next
                }.prefix(total - sent)
                try await one.write(Array(chunk))
                sent += chunk.count
            }
            await one.closeWrite()
        }
        try await sleep(for: .milliseconds(20))
        #expect(one.queuedBytes < 200_000)
        var expected: UInt8 = 0
        var received = 0
        while true {
            let bytes = try await other.read(max: 64 * 1024)
            if bytes.isEmpty { break }
            received += bytes.count
            let good = bytes.allSatisfy { byte in
                defer { expected = expected &+ 7 }
                return byte == expected
            }
            #expect(good)
        }
        try await writer.value
        #expect(received == total)
    }

    @Test func `cancelling ends a read, a write, an accept and a connect`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let read = Task { try await one.read(max: 1) }
        let write = Task { try await other.write([UInt8](repeating: 0, count: 8 << 20)) }
        let listener = try AsyncListener(at: SocketAddress(host: "127.0.0.1", port: 0)!)
        let accept = Task { try await listener.accept() }
        try await sleep(for: .milliseconds(20))
        // Something to read must not be what ends the read below.
        read.cancel()
        write.cancel()
        accept.cancel()
        _ = await read.result
        await #expect(throws: CancellationError.self) { try await write.value }
        await #expect(throws: CancellationError.self) { _ = try await accept.value }
        listener.close()
    }

    @Test func `a deadline ends a read, and a later one does not come early`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let start = KernelClock.monotonic.now()
        one.setDeadline(start + 20_000_000)
        one.setDeadline(start + 60_000_000)
        await #expect(throws: DeadlineExceeded.self) { _ = try await one.read(max: 1) }
        #expect(KernelClock.monotonic.now() - start >= 60_000_000)
        other.setDeadline(KernelClock.monotonic.now() + 10_000_000)
        other.setDeadline(nil)
        try await sleep(for: .milliseconds(30))
        #expect(other.queuedBytes == 0)
        try await other.write([1])
    }

    @Test func `closing ends who waits, and the peer's end is announced`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let closed = Task {
            await withCheckedContinuation { continuation in other.onPeerClosed { continuation.resume() } }
        }
        let read = Task { try await one.read(max: 1) }
        try await sleep(for: .milliseconds(10))
        await one.close()
        await #expect(throws: (any Error).self) { _ = try await read.value }
        await closed.value
        #expect(try await other.read(max: 1).isEmpty)
        await #expect(throws: Errno.self) { try await other.write([1]) }
    }

    @Test func `a refused connection names the address`() async throws {
        let listener = try AsyncListener(at: SocketAddress(host: "127.0.0.1", port: 0)!)
        let address = listener.address
        listener.close()
        let error = await #expect(throws: Errno.self) { _ = try await AsyncSocket.connect(to: address) }
        #expect(error?.description == "connect \(address): connection refused")
    }

    @Test func `a unix path somebody listens on is in use; a stale one is replaced`() async throws {
        let path = "/tmp/swiftlet-stale-\(getpid()).sock"
        let first = try AsyncListener(at: .unix(path))
        #expect(throws: Errno.self) { _ = try AsyncListener(at: .unix(path)) }
        first.close()
        do { _ = try Socket.listening(at: .unix(path)) }  // closed at once, its file stays
        let second = try AsyncListener(at: .unix(path))
        second.close()
        #expect(access(path, F_OK) == -1)
    }

    @Test func `names resolve, and unknown ones say so`() async throws {
        #expect(try await Resolver.resolve("127.0.0.1", port: 5) == [.ipv4(address: [127, 0, 0, 1], port: 5)])
        #expect(try await !Resolver.resolve("localhost", port: 1).isEmpty)
        let error = await #expect(throws: ResolutionError.self) {
            _ = try await Resolver.resolve("does-not-exist.invalid", port: 1)
        }
        #expect(error?.description.hasPrefix("resolve does-not-exist.invalid: ") == true)
    }

    @Test func `any descriptor can be awaited`() async throws {
        let timer = try TimerDescriptor()
        try timer.set(nanoseconds: 20_000_000)
        let descriptor = AsyncDescriptor(owning: try timer.descriptor.duplicate())
        try await descriptor.readable()
        #expect(timer.expirations() == 1)
        let waiting = Task { try await descriptor.readable() }
        try await sleep(for: .milliseconds(10))
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        let other = Task { try await descriptor.readable() }
        try await sleep(for: .milliseconds(10))
        descriptor.close()
        await #expect(throws: Errno.self) { try await other.value }
    }

    @Test func `ten thousand round trips between tasks of one loop are quick`() async throws {
        let loop = try EventLoop()
        let (one, other) = try AsyncSocket.pair(loop: loop)
        let echo = loop.spawn {
            do {
                while case let bytes = try await other.read(max: 64), !bytes.isEmpty { try await other.write(bytes) }
            } catch { Issue.record("\(error)") }
        }
        await loop.spawn {
            do {
                for _ in 0..<10_000 {
                    try await one.write([1, 2, 3])
                    _ = try await one.read(max: 64)
                }
            } catch { Issue.record("\(error)") }
            await one.closeWrite()
        }.value
        await echo.value
        loop.stop()
    }

    @Test func `a second reader breaks the socket, and nothing else`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let readers = (0..<2).map { _ in Task { try await one.read(max: 10) } }
        for reader in readers {
            let failure = await #expect(throws: Errno.self) { try await reader.value }
            #expect(failure?.code == EBUSY)
        }
        await one.close()
        #expect(try await other.read(max: 10).isEmpty)
        await other.close()
    }

    @Test func `reading can be held back, also from who waits, and goes on after it`() async throws {
        let (one, other) = try AsyncSocket.pair()
        let reader = Task { try await one.read(max: 10) }
        one.holdReading(true)
        await #expect(throws: ReadingHeldBack.self) { try await reader.value }
        one.holdReading(false)
        try await other.write([1, 2])
        #expect(try await one.read(max: 10) == [1, 2])
        await one.close()
        await other.close()
    }
}
