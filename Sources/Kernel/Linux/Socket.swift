// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// A socket of any family. Close-on-exec; writing never raises SIGPIPE.
public struct Socket: ~Copyable, Sendable {
    public enum Kind: Sendable {
        case stream, datagram, sequentialPackets
        var number: Int32 {
            switch self {
            case .stream: 1
            case .datagram: 2
            case .sequentialPackets: 5
            }
        }
    }

    /// Who called connect(2) or listen(2) at the other end of a unix socket, of SO_PEERCRED.
    public struct PeerCredentials: Sendable, Hashable {
        public var process: Int32
        public var user: UInt32
        public var group: UInt32
    }

    public let descriptor: FileDescriptor

    public init(owning descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// socket(2). `family` is AF_UNIX, AF_INET, AF_INET6, or any other with its `protocolNumber`.
    public init(
        family: Int32, kind: Kind = .stream, protocolNumber: Int32 = 0, nonBlocking: Bool = false
    ) throws(Errno) {
        let type = kind.number | (nonBlocking ? Int32(CLINUX_SOCK_NONBLOCK) : 0)
        descriptor = FileDescriptor(
            owning: try kernelCall("socket") { clinux_socket(family, type, protocolNumber) })
    }

    /// Gives the descriptor away.
    public consuming func intoDescriptor() -> FileDescriptor { descriptor }

    /// Two connected unix sockets, in `body`.
    public static func pair(
        _ kind: Kind = .stream, nonBlocking: Bool = false
    ) throws(Errno) -> SocketPair {
        var ends: (Int32, Int32) = (-1, -1)
        let type = kind.number | (nonBlocking ? Int32(CLINUX_SOCK_NONBLOCK) : 0)
        try kernelCall("socketpair") {
            unsafe withUnsafeMutableBytes(of: &ends) {
                unsafe clinux_socketpair(AF_UNIX, type, $0.baseAddress!.assumingMemoryBound(to: Int32.self))
            }
        }
        return SocketPair(
            one: Socket(owning: FileDescriptor(owning: ends.0)), other: Socket(owning: FileDescriptor(owning: ends.1)))
    }

    /// A listening socket at `address`. SO_REUSEADDR is set for inet ones; an IPv6 one takes IPv6 only.
    public static func listening(
        at address: SocketAddress, kind: Kind = .stream, backlog: Int32 = 4096, nonBlocking: Bool = true,
        reusePort: Bool = false
    ) throws(Errno) -> Socket {
        let socket = try Socket(family: address.family, kind: kind, nonBlocking: nonBlocking)
        if address.family != AF_UNIX { try socket.setOption(SOL_SOCKET, SO_REUSEADDR, 1) }
        if address.family == AF_INET6 { try socket.setOption(41, 26, 1) }  // IPPROTO_IPV6, IPV6_V6ONLY
        if reusePort { try socket.setOption(SOL_SOCKET, SO_REUSEPORT, 1) }
        try socket.bind(to: address)
        try socket.listen(backlog: backlog)
        return socket
    }

    /// A connected, blocking socket.
    public static func connected(to address: SocketAddress, kind: Kind = .stream) throws(Errno) -> Socket {
        let socket = try Socket(family: address.family, kind: kind)
        try socket.connect(to: address)
        return socket
    }

    public func bind(to address: SocketAddress) throws(Errno) {
        let number = descriptor.raw
        var raw = try address.kernelAddress()
        try kernelCall("bind \(address)") { unsafe clinux_bind(number, &raw) }
    }

    public func listen(backlog: Int32 = 4096) throws(Errno) {
        let number = descriptor.raw
        try systemCall("listen") { Glibc.listen(number, backlog) }
    }

    /// connect(2). A non-blocking one throws EINPROGRESS (`isInProgress`): wait until writable, then `takeError()`.
    public func connect(to address: SocketAddress) throws(Errno) {
        let number = descriptor.raw
        var raw = try address.kernelAddress()
        let result = unsafe clinux_connect(number, &raw)
        if result == -EINTR {
            // The connection goes on; a second connect would say EALREADY.
            _ = try descriptor.waitUntilReady(.writable)
            if let error = try takeError() { throw error.during("connect \(address)") }
        } else if result < 0 {
            throw Errno(-result, "connect \(address)")
        }
    }

    /// The next connection; nil when none waits (non-blocking). Connections that died in the queue are skipped.
    public func accept(nonBlocking: Bool = true) throws(Errno) -> (Socket)? {
        let number = descriptor.raw
        while true {
            do {
                let result = try kernelCall("accept") { clinux_accept(number, nonBlocking ? 1 : 0, nil) }
                return Socket(owning: FileDescriptor(owning: result))
            } catch {
                switch error.code {
                case EAGAIN: return nil
                case ECONNABORTED, EPROTO: continue
                default: throw error
                }
            }
        }
    }

    public func localAddress() throws(Errno) -> SocketAddress? {
        let number = descriptor.raw
        var raw = clinux_address()
        try kernelCall("getsockname") { unsafe clinux_local_address(number, &raw) }
        return SocketAddress(raw)
    }

    public func peerAddress() throws(Errno) -> SocketAddress? {
        let number = descriptor.raw
        var raw = clinux_address()
        try kernelCall("getpeername") { unsafe clinux_peer_address(number, &raw) }
        return SocketAddress(raw)
    }

    public func peerCredentials() throws(Errno) -> PeerCredentials {
        let number = descriptor.raw
        var result = PeerCredentials(process: 0, user: 0, group: 0)
        try kernelCall("getsockopt SO_PEERCRED") {
            unsafe clinux_peer_credentials(number, &result.process, &result.user, &result.group)
        }
        return result
    }

    public func setOption(_ level: Int32, _ name: Int32, _ value: Int32) throws(Errno) {
        let number = descriptor.raw
        try kernelCall("setsockopt") { clinux_option_set(number, level, name, value) }
    }

    public func option(_ level: Int32, _ name: Int32) throws(Errno) -> Int32 {
        let number = descriptor.raw
        var value: Int32 = 0
        try kernelCall("getsockopt") { unsafe clinux_option_get(number, level, name, &value) }
        return value
    }

    /// Gives the connection up when the peer's kernel has said nothing for `duration`: what was sent must be acknowledged
    /// (TCP_USER_TIMEOUT), and an idle peer is asked three times (keepalive). From three seconds to a day.
    public func setSilenceTimeout(_ duration: Duration) throws(Errno) {
        let seconds = Int32(clamping: min(max(duration.components.seconds, 3), 86_400))
        try setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
        try setOption(6, 4, seconds - seconds / 2)  // IPPROTO_TCP: TCP_KEEPIDLE
        try setOption(6, 5, max(seconds / 6, 1))  // TCP_KEEPINTVL
        try setOption(6, 6, 3)  // TCP_KEEPCNT
        try setOption(6, 18, seconds * 1000)  // TCP_USER_TIMEOUT, milliseconds
    }

    /// TCP_NODELAY.
    public func setNoDelay() throws(Errno) { try setOption(6, 1, 1) }

    /// SO_ERROR, cleared by reading it: how a non-blocking connect ended.
    public func takeError() throws(Errno) -> Errno? {
        let code = try option(SOL_SOCKET, SO_ERROR)
        return code == 0 ? nil : Errno(code, "connect")
    }

    /// SHUT_WR: the peer reads an end of file.
    public func closeWrite() throws(Errno) {
        let number = descriptor.raw
        try systemCall("shutdown") { shutdown(number, 1) }
    }

    /// Sends what the kernel takes and returns how much that was; `isWouldBlock` when it takes nothing.
    public func send(_ bytes: UnsafeRawBufferPointer) throws(Errno) -> Int {
        let number = descriptor.raw
        return try kernelCall("send") { unsafe clinux_send(number, bytes.baseAddress, bytes.count, 0) }
    }

    /// Sends one datagram.
    public func send(_ bytes: [UInt8], to address: SocketAddress) throws(Errno) {
        let number = descriptor.raw
        var raw = try address.kernelAddress()
        try kernelCall("sendto \(address)") { unsafe clinux_send_to(number, bytes, bytes.count, 0, &raw) }
    }

    /// Receives one datagram of at most `limit` bytes and its sender.
    public func receiveFrom(limit: Int = 65536) throws(Errno) -> (bytes: [UInt8], from: SocketAddress?) {
        let number = descriptor.raw
        var raw = clinux_address()
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try kernelCall("recvfrom") {
            unsafe clinux_receive_from(number, &bytes, limit, 0, &raw)
        }
        return (Array(bytes[..<count]), SocketAddress(raw))
    }
}

/// Two connected sockets.
public struct SocketPair: ~Copyable, Sendable {
    public var one: Socket
    public var other: Socket

    init(one: consuming Socket, other: consuming Socket) {
        self.one = one
        self.other = other
    }

    /// Takes the two apart.
    public consuming func split<Result: ~Copyable>(
        _ body: (consuming Socket, consuming Socket) throws -> Result
    ) rethrows -> Result { try body(one, other) }
}

// MARK: - Descriptors in messages (unix sockets)

/// Bytes received with the descriptors that came beside them, in order.
public struct ReceivedMessage: ~Copyable {
    public var bytes: [UInt8]
    private var numbers: [Int32]

    init(bytes: [UInt8], numbers: [Int32]) {
        self.bytes = bytes
        self.numbers = numbers
    }

    deinit { for number in numbers { _ = Glibc.close(number) } }

    public var descriptorCount: Int { numbers.count }

    /// The first descriptor not yet taken; what is left is closed with the message.
    public mutating func takeDescriptor() -> FileDescriptor? {
        numbers.isEmpty ? nil : FileDescriptor(owning: numbers.removeFirst())
    }
}

extension Socket {
    /// Sends `bytes` (not empty) and copies of `descriptors` (their numbers; at most 64) as one SCM_RIGHTS message. On a
    /// stream, the rest of a long message is sent after it.
    public func send(_ bytes: [UInt8], descriptors: [Int32]) throws(Errno) {
        precondition(!bytes.isEmpty, "descriptors travel beside at least one byte")
        let number = descriptor.raw
        let sent = try kernelCall("sendmsg") {
            unsafe clinux_send_descriptors(number, bytes, bytes.count, descriptors, descriptors.count)
        }
        if sent < bytes.count { try descriptor.writeAll(Array(bytes[sent...])) }
    }

    /// Sends `bytes` and a copy of `file`.
    public func send(_ bytes: [UInt8], descriptor file: borrowing FileDescriptor) throws(Errno) {
        try send(bytes, descriptors: [file.raw])
    }

    /// Receives at most `limit` bytes and up to `descriptorLimit` descriptors; empty bytes at the end of the stream.
    public func receive(limit: Int = 65536, descriptorLimit: Int = 64) throws(Errno) -> ReceivedMessage {
        let number = descriptor.raw
        var bytes = [UInt8](repeating: 0, count: limit)
        var numbers = [Int32](repeating: -1, count: descriptorLimit)
        var count = descriptorLimit
        let received = try kernelCall("recvmsg") {
            count = descriptorLimit
            return unsafe clinux_receive_descriptors(number, &bytes, limit, &numbers, &count)
        }
        return ReceivedMessage(bytes: Array(bytes[..<received]), numbers: Array(numbers[..<count]))
    }
}
