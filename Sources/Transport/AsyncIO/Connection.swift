// SPDX-License-Identifier: Apache-2.0

public import Linux

/// A byte stream over a socket, with what protocols need beside reading and writing: queueing without waiting, the
/// loop it belongs to, deadlines, and word of the peer's end. `AsyncSocket` is one, a TLS session is another.
public protocol Connection: ByteStream {
    var loop: EventLoop { get }
    var peerAddress: SocketAddress? { get }
    var localAddress: SocketAddress? { get }

    /// Queues `bytes` behind what is queued already, without waiting. Returns how many bytes are queued now.
    @discardableResult
    func send(_ bytes: [UInt8]) throws -> Int
    /// How many bytes the kernel has not taken yet.
    var queuedBytes: Int { get }
    /// Waits until the kernel has taken everything queued.
    func drained() async throws
    /// See `AsyncSocket.onDrained`.
    func onDrained(_ body: (@Sendable () -> Void)?)
    /// See `AsyncSocket.onPeerClosed`.
    func onPeerClosed(_ body: (@Sendable () -> Void)?)
    /// See `AsyncSocket.holdReading`.
    func holdReading(_ isHeld: Bool)
    /// See `AsyncSocket.setDeadline`.
    func setDeadline(_ deadline: Int64?)
    /// `close`, without waiting.
    func shut()
}

extension AsyncSocket: Connection {}

/// A read was ended because somebody else takes the connection over.
public struct ReadingHeldBack: Error, CustomStringConvertible {
    public init() {}

    public var description: String { "read: another takes the connection over" }
}
