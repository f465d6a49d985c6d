// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A listening stream socket.
public final class AsyncListener: Sendable {
    /// Where it listens, with the port the kernel chose when 0 was asked for.
    public let address: SocketAddress
    private let descriptor: AsyncDescriptor
    private let isUnix: Bool

    /// How an IPv6 listener treats IPv4.
    public enum Family: Sendable { case sixOnly, dual }

    /// Listens at `address`. A `dual` IPv6 listener takes IPv4 connections too. The file a dead process has left at a
    /// unix path is replaced; one that somebody listens on is EADDRINUSE.
    public convenience init(
        at address: SocketAddress, family: Family = .sixOnly, backlog: Int32 = 4096, reusePort: Bool = false,
        loop: EventLoop? = nil
    ) throws(Errno) {
        if case .unix(let path) = address { try Self.removeStale(path) }
        let socket = try Socket(family: address.family, nonBlocking: true)
        if address.family != AF_UNIX { try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1) }
        if reusePort { try socket.setOption(SOL_SOCKET, SO_REUSEPORT, 1) }
        if address.family == AF_INET6 {
            try socket.setOption(Int32(IPPROTO_IPV6), IPV6_V6ONLY, family == .dual ? 0 : 1)
        }
        try socket.bind(to: address)
        try socket.listen(backlog: backlog)
        try self.init(owning: socket, loop: loop)
    }

    /// Takes over a socket that listens already (systemd's socket activation).
    public init(owning socket: consuming Socket, loop: EventLoop? = nil) throws(Errno) {
        let number = socket.descriptor.raw
        try systemCall("fcntl O_NONBLOCK") { fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }
        let local = try socket.localAddress() ?? .unix("")
        address = local
        if case .unix = local { isUnix = true } else { isUnix = false }
        descriptor = AsyncDescriptor(owning: socket.intoDescriptor(), loop: loop)
    }

    /// The next connection, on `loop`. Waits out a shortage of descriptors or memory rather than fail; throws when the
    /// listener is closed or the task cancelled.
    public func accept(on loop: EventLoop? = nil) async throws -> AsyncSocket {
        while true {
            do {
                if let socket = try take(loop ?? EventLoopGroup.shared.next()) { return socket }
                try await descriptor.readable()
            } catch let error as Errno where [EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSPC].contains(error.code) {
                // The connection stays in the queue; other connections must end first.
                try await sleep(for: .milliseconds(50))
            }
        }
    }

    private func take(_ loop: EventLoop) throws -> AsyncSocket? {
        let accepted = try descriptor.withDescriptor { file throws(Errno) -> Int32? in
            try Self.accept(file)
        }
        guard let accepted else { throw Errno(EBADF, "accept: the listener is closed") }
        guard let number = accepted else { return nil }
        let socket = Socket(owning: FileDescriptor(owning: number))
        // Refused by one that is gone already, as reading it will tell.
        if !isUnix { try? socket.setNoDelay() }
        return try AsyncSocket(socket, loop: loop)
    }

    private static func accept(_ file: borrowing FileDescriptor) throws(Errno) -> Int32? {
        let number = file.raw
        while true {
            do throws(Errno) {
                return try kernelCall("accept") { clinux_accept(number, 1, nil) }
            } catch {
                switch error.code {
                case EAGAIN: return nil
                // The connection died in the queue, as accept(2) says of pending network errors.
                case ECONNABORTED, EPROTO, ENETDOWN, EHOSTDOWN, EHOSTUNREACH, ENETUNREACH, EPERM: continue
                default: throw error
                }
            }
        }
    }

    /// Stops listening and closes; a unix socket's file is removed.
    public func close() {
        descriptor.close()
        if case .unix(let path) = address, !path.isEmpty, !path.hasPrefix("@") { unlink(path) }
    }

    private static func removeStale(_ path: String) throws(Errno) {
        guard !path.isEmpty, !path.hasPrefix("@") else { return }
        do throws(Errno) {
            let probe = try Socket(family: AF_UNIX)
            try probe.connect(to: .unix(path))
        } catch {
            if error.code == ECONNREFUSED { unlink(path) }
            return
        }
        throw Errno(EADDRINUSE, "bind \(path)")
    }
}
