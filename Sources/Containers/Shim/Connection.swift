// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// One daemon's connection: frames in, frames and descriptors out, neither ever waiting.
final class Connection {
    private let poll: Poll
    private let socket: FileDescriptor
    private var token: UInt64 = 0
    private var inbound: [UInt8] = []
    private var outbound: [Outbound] = []
    /// Whether it has said hello, and so hears of events.
    var isGreeted = false
    var onRequest: ((UInt32, ShimRequest) -> Void)?
    var onEnd: (() -> Void)?

    /// A daemon that does not read its events is cut off when this many wait for it.
    private static let outboundLimit = 4096

    private final class Outbound {
        var bytes: ArraySlice<UInt8>
        var descriptors: [Int32]
        init(_ bytes: ArraySlice<UInt8>, _ descriptors: [Int32]) {
            self.bytes = bytes
            self.descriptors = descriptors
        }
        deinit { for descriptor in descriptors { Glibc.close(descriptor) } }
    }

    init(poll: Poll, socket: consuming FileDescriptor) throws(Errno) {
        self.poll = poll
        self.socket = socket
        let raw = self.socket.raw
        token = try poll.add(raw, readable) { [unowned self] events in ready(events) }
    }

    deinit { poll.remove(socket.raw, token) }

    /// Sends a message, with descriptors that become the connection's to close.
    func send(_ message: ShimMessage, _ descriptors: [Int32] = []) {
        outbound.append(Outbound(message.framed()[...], descriptors))
        guard outbound.count < Connection.outboundLimit else {
            onEnd?()
            return
        }
        drain()
    }

    private func drain() {
        while let first = outbound.first {
            let raw = socket.raw
            let sent = first.bytes.withUnsafeBytes { bytes in
                first.descriptors.withUnsafeBufferPointer {
                    clinux_send_descriptors(raw, bytes.baseAddress, bytes.count, $0.baseAddress, $0.count)
                }
            }
            if sent == -Int(EAGAIN) || sent == -Int(EINTR) { break }
            guard sent >= 0 else {
                onEnd?()
                return
            }
            // The descriptors went with the first byte.
            for descriptor in first.descriptors { Glibc.close(descriptor) }
            first.descriptors = []
            first.bytes.removeFirst(sent)
            if first.bytes.isEmpty { outbound.removeFirst() }
        }
        poll.change(socket.raw, token, outbound.isEmpty ? readable : readable | writable)
    }

    private func ready(_ events: UInt32) {
        if events & writable != 0 { drain() }
        guard events & (readable | hungUp) != 0 else { return }
        do {
            let raw = socket.raw
            var chunk: [UInt8] = Array(repeating: 0, count: 4096)
            guard
                let count = try chunk.withUnsafeMutableBytes({ bytes throws(Errno) in
                    try NonBlocking.read(raw, into: bytes)
                })
            else {
                return
            }
            guard count > 0 else {
                onEnd?()
                return
            }
            inbound += chunk[..<count]
            while let message = try ShimMessage.next(from: &inbound) {
                guard case .request(let number, let request) = message else {
                    throw ShimCodingError("a message only a shim may send")
                }
                onRequest?(number, request)
            }
        } catch {
            onEnd?()
        }
    }
}
