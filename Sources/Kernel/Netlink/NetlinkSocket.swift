// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux
internal import Synchronization

/// The netlink families used here.
public enum NetlinkProtocol: Int32, Sendable {
    case route = 0
    case socketDiagnostics = 4
    case netfilter = 12
}

/// A netlink socket for requests and their answers. Calls from several threads take turns.
public final class NetlinkSocket: Sendable {
    private struct State: ~Copyable {
        let descriptor: FileDescriptor
        var sequence: UInt32 = 1
        var sendSpace = 0
        var receiveSpace = 0
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    }

    private let state: Mutex<State>

    /// A socket in the namespace of the calling thread.
    public convenience init(_ family: NetlinkProtocol) throws(Errno) {
        self.init(
            prepared: FileDescriptor(
                owning: try systemCall("socket AF_NETLINK") {
                    Glibc.socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue), family.rawValue)
                }))
    }

    /// A socket inside `namespace`.
    public convenience init(_ family: NetlinkProtocol, in namespace: borrowing NetworkNamespace) throws(Errno) {
        self.init(
            prepared: try namespace.socket(
                domain: AF_NETLINK, type: Int32(SOCK_RAW.rawValue), protocol: family.rawValue))
    }

    private init(prepared descriptor: consuming FileDescriptor) {
        // Older kernels lack these options: errors then come without text, and nothing else is lost.
        for option in [netlinkExtendedAcknowledgement, netlinkCapAcknowledgement, netlinkStrictCheck] {
            _ = Self.set(descriptor.raw, solNetlink, option, 1)
        }
        state = Mutex(State(descriptor: descriptor))
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) -> Bool {
        var value = value
        return unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0
    }

    // MARK: Requests

    /// Sends `messages` with one system call and waits for each one's acknowledgement. The kernel takes them in turn;
    /// the first refusal is thrown, after all were tried: they are not atomic.
    public func perform(_ messages: [NetlinkMessage]) throws(NetlinkError) {
        // Acknowledgements queue in the receive buffer while the kernel works: bounded groups keep it from overflowing.
        var start = 0
        while start < messages.count {
            let end = min(start + 64, messages.count)
            let failures = try refusals(of: messages[start..<end])
            if var first = failures.first {
                first.index += start
                throw first
            }
            start = end
        }
    }

    /// Sends `message` and waits for its acknowledgement.
    public func perform(_ message: NetlinkMessage) throws(NetlinkError) { try perform([message]) }

    private func refusals(of messages: ArraySlice<NetlinkMessage>) throws(NetlinkError) -> [NetlinkError] {
        let operation = messages.first?.operation ?? ""
        return try state.withLock { state throws(NetlinkError) in
            let first = state.sequence
            try Self.send(&state, messages, adding: .acknowledge, operation)
            var failures: [NetlinkError] = []
            var pending = messages.count
            while pending > 0 {
                for reply in try Self.receive(&state, operation) {
                    let index = Int(reply.sequence &- first)
                    guard index < messages.count, reply.type == messageError else { continue }
                    pending -= 1
                    let name = messages[messages.startIndex + index].operation
                    if let error = NetlinkError(reply: reply, operation: name, index: index) { failures.append(error) }
                }
            }
            return failures
        }
    }

    /// Sends `message` and returns the answers before its end: one for a plain get, many for a dump. A dump that the
    /// kernel reports as interrupted is made again.
    public func query(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkReply] {
        for _ in 0..<8 {
            var replies: [NetlinkReply] = []
            if try query(message, each: { replies.append($0) }) { return replies }
            replies = []
        }
        throw NetlinkError(EAGAIN, message.operation, kernelMessage: "the dump kept being interrupted by changes")
    }

    /// As `query`, handing each answer to `each` as it comes. False when the dump was interrupted and is inconsistent.
    public func query(
        _ message: NetlinkMessage, each: (NetlinkReply) -> Void
    ) throws(NetlinkError) -> Bool {
        try state.withLock { state throws(NetlinkError) in
            let sequence = state.sequence
            // A dump ends with NLMSG_DONE by itself; for a get the acknowledgement marks the end.
            let isDump =
                (message.bytes.integer(at: 6) as UInt16) & NetlinkFlags.dump.rawValue == NetlinkFlags.dump.rawValue
            try Self.send(&state, [message], adding: isDump ? [] : .acknowledge, message.operation)
            var consistent = true
            while true {
                for reply in try Self.receive(&state, message.operation) where reply.sequence == sequence {
                    if reply.flags.contains(.interrupted) { consistent = false }
                    switch reply.type {
                    case messageError:
                        if let error = NetlinkError(reply: reply, operation: message.operation, index: 0) {
                            throw error
                        }
                        return consistent
                    case messageDone:
                        if reply.payload.count >= 4 {
                            let status: Int32 = reply.payload.integer(at: 0)
                            if status < 0 { throw NetlinkError(-status, message.operation) }
                        }
                        return consistent
                    default: each(reply)
                    }
                }
            }
        }
    }

    /// Sends a netfilter batch: `messages` between a begin and an end, taken by the kernel as a whole or not at all.
    /// Returns every refusal, each with the index of its message; -1 is the batch itself (a conflict at commit).
    public func batch(_ messages: [NetlinkMessage], operation: String) throws(NetlinkError) -> [NetlinkError] {
        guard !messages.isEmpty else { return [] }
        var all: [NetlinkMessage] = []
        all.reserveCapacity(messages.count + 2)
        all.append(Self.batchMarker(type: 0x10))
        all += messages
        // One acknowledgement is enough to know the end: the last message's, sent after commit or abort.
        all[all.count - 1] = messages[messages.count - 1].adding(.acknowledge)
        all.append(Self.batchMarker(type: 0x11))
        return try state.withLock { state throws(NetlinkError) in
            let first = state.sequence
            Self.reserveReceive(&state, messages: messages.count)
            try Self.send(&state, all[...], adding: [], operation)
            var failures: [NetlinkError] = []
            // All answers are queued before sendmsg(2) returns: read until the queue is empty.
            while let datagram = try Self.receiveQueued(&state, operation) {
                for reply in NetlinkReply.parse(datagram[...]) {
                    let index = Int(reply.sequence &- first) - 1
                    guard index >= -1, index < messages.count, reply.type == messageError else { continue }
                    let name = index < 0 ? operation : messages[index].operation
                    if let error = NetlinkError(reply: reply, operation: name, index: index) { failures.append(error) }
                }
            }
            return failures
        }
    }

    private static func batchMarker(type: UInt16) -> NetlinkMessage {
        var message = NetlinkMessage(type: type, operation: "batch")
        // struct nfgenmsg: any family, version 0, and the subsystem the batch is for (nftables, 10), in network order.
        message.append(raw: [0, 0, 0, 10])
        return message
    }

    // MARK: Bytes

    private static func send(
        _ state: inout State, _ messages: ArraySlice<NetlinkMessage>, adding flags: NetlinkFlags, _ operation: String
    ) throws(NetlinkError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(messages.reduce(0) { $0 + $1.bytes.count + 4 })
        for var message in messages {
            message.seal(sequence: state.sequence, adding: flags)
            state.sequence &+= 1
            bytes += message.bytes
        }
        // The kernel refuses a datagram larger than the send buffer; root may raise that beyond net.core.wmem_max.
        if bytes.count > max(state.sendSpace, 128 * 1024) {
            let wanted = Int32(clamping: bytes.count + 64 * 1024)
            if set(state.descriptor.raw, SOL_SOCKET, soSendBufferForce, wanted) { state.sendSpace = Int(wanted) }
        }
        let descriptor = state.descriptor.raw
        do throws(Errno) {
            let sent = try systemCall("send to netlink") {
                unsafe bytes.withUnsafeBytes { unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, 0) }
            }
            precondition(sent == bytes.count, "netlink sockets take whole datagrams")
        } catch { throw NetlinkError(error, operation) }
    }

    /// Room for one refusal per message, as the kernel queues them.
    private static func reserveReceive(_ state: inout State, messages: Int) {
        let wanted = min(messages * 1024, 64 * 1024 * 1024)
        guard wanted > max(state.receiveSpace, 128 * 1024) else { return }
        if set(state.descriptor.raw, SOL_SOCKET, soReceiveBufferForce, Int32(clamping: wanted)) {
            state.receiveSpace = wanted
        }
    }

    private static func receive(_ state: inout State, _ operation: String) throws(NetlinkError) -> [NetlinkReply] {
        guard let datagram = try receive(&state, operation, flags: 0) else { return [] }
        return NetlinkReply.parse(datagram[...])
    }

    private static func receiveQueued(_ state: inout State, _ operation: String) throws(NetlinkError) -> [UInt8]? {
        try receive(&state, operation, flags: Int32(MSG_DONTWAIT))
    }

    private static func receive(
        _ state: inout State, _ operation: String, flags: Int32
    ) throws(NetlinkError) -> [UInt8]? {
        let descriptor = state.descriptor.raw
        do throws(Errno) {
            while true {
                let size = try systemCall("receive from netlink") {
                    unsafe state.buffer.withUnsafeMutableBytes {
                        unsafe recv(descriptor, $0.baseAddress, $0.count, flags | Int32(MSG_PEEK | MSG_TRUNC))
                    }
                }
                if size > state.buffer.count {
                    state.buffer = [UInt8](repeating: 0, count: size * 2)
                }
                let count = try systemCall("receive from netlink") {
                    unsafe state.buffer.withUnsafeMutableBytes {
                        unsafe recv(descriptor, $0.baseAddress, $0.count, flags)
                    }
                }
                return Array(state.buffer[..<count])
            }
        } catch {
            if error.code == EAGAIN, flags & Int32(MSG_DONTWAIT) != 0 { return nil }
            throw NetlinkError(error, operation)
        }
    }
}

extension NetlinkMessage {
    func adding(_ flags: NetlinkFlags) -> NetlinkMessage {
        var copy = self
        copy.seal(sequence: 0, adding: flags)
        return copy
    }
}

private let messageError: UInt16 = 2
private let messageDone: UInt16 = 3
private let solNetlink: Int32 = 270
private let netlinkCapAcknowledgement: Int32 = 10
private let netlinkExtendedAcknowledgement: Int32 = 11
private let netlinkStrictCheck: Int32 = 12
private let soSendBufferForce: Int32 = 32
private let soReceiveBufferForce: Int32 = 33
