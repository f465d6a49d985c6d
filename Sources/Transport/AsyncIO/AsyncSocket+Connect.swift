// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

extension AsyncSocket {
    /// Connects to `address`; throws `DeadlineExceeded` when that takes longer than `timeout`.
    public static func connect(
        to address: SocketAddress, timeout: Duration? = nil, loop: EventLoop? = nil
    ) async throws -> AsyncSocket {
        try await connect(Socket(family: address.family, nonBlocking: true), to: address, timeout: timeout, loop: loop)
    }

    /// The same with a socket made elsewhere, in another network namespace for instance; it must be non-blocking.
    public static func connect(
        _ raw: consuming Socket, to address: SocketAddress, timeout: Duration? = nil, loop: EventLoop? = nil
    ) async throws -> AsyncSocket {
        try Task.checkCancellation()
        if address.family != AF_UNIX { try raw.setNoDelay() }
        var isConnected = true
        do throws(Errno) {
            try raw.connect(to: address)
        } catch {
            guard error.isInProgress else { throw error }
            isConnected = false
        }
        let socket = try AsyncSocket(raw, loop: loop ?? EventLoop.here)
        if isConnected { return socket }
        do {
            if let timeout { socket.setDeadline(KernelClock.deadline(after: timeout)) }
            try await socket.waitUntilConnected(to: address)
            socket.setDeadline(nil)
            return socket
        } catch {
            socket.shut()
            throw error
        }
    }

    /// Resolves `host` and connects to its addresses in turn until one answers; throws the first failure if none does.
    public static func connect(
        host: String, port: UInt16, timeout: Duration? = nil, loop: EventLoop? = nil
    ) async throws -> AsyncSocket {
        var failure: (any Error)?
        for address in try await Resolver.resolve(host, port: port, timeout: timeout ?? .seconds(30)) {
            do {
                return try await connect(to: address, timeout: timeout, loop: loop)
            } catch let error as CancellationError {
                throw error
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? ResolutionError(host: host, reason: "no usable address")
    }

    /// Two connected sockets of this process.
    public static func pair(loop: EventLoop? = nil) throws(Errno) -> (AsyncSocket, AsyncSocket) {
        let loop = loop ?? EventLoop.here
        var numbers: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(CLINUX_SOCK_NONBLOCK)
        try kernelCall("socketpair") {
            withUnsafeMutableBytes(of: &numbers) {
                clinux_socketpair(AF_UNIX, type, $0.baseAddress!.assumingMemoryBound(to: Int32.self))
            }
        }
        let one = Socket(owning: FileDescriptor(owning: numbers.0))
        let other = Socket(owning: FileDescriptor(owning: numbers.1))
        return (try AsyncSocket(one, loop: loop), try AsyncSocket(other, loop: loop))
    }
}
