// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux

/// What the runtime and a container's init say to each other while it is made and nobody of the container can reach it, one
/// packet each. From then on they have a `Gate`.
enum Message {
    // From init.
    /// Its user namespace is there and wants its maps. Without a new one, init goes on by itself.
    case ready
    /// The root is built; the runtime's hooks may run now. Without any, init goes on by itself.
    case built
    /// All is done but what others of the container may see.
    case waiting
    case warning(String)
    case failed(String)
    // From the runtime.
    case proceed

    /// A packet's size: room for a hook's last words, and little enough to be no cost beside the message.
    static let limit = 8 * 1024

    var bytes: [UInt8] {
        switch self {
        case .ready: [2]
        case .built: [3]
        case .waiting: [4]
        case .warning(let text): [5] + Array(text.utf8.prefix(Self.limit - 1))
        case .failed(let text): [6] + Array(text.utf8.prefix(Self.limit - 1))
        case .proceed: [7]
        }
    }

    init?(_ bytes: [UInt8]) {
        let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
        switch bytes.first {
        case 2: self = .ready
        case 3: self = .built
        case 4: self = .waiting
        case 5: self = .warning(text)
        case 6: self = .failed(text)
        case 7: self = .proceed
        default: return nil
        }
    }
}

/// One end of the socket pair between runtime and init.
struct Channel: ~Copyable {
    let socket: Socket

    func send(_ message: Message) throws { try socket.send(message.bytes, descriptors: []) }

    /// The next message; nil when the other side has closed (ended, or become the container's program).
    func receive() throws -> Message? {
        var received: ReceivedMessage
        do { received = try socket.receive(limit: Message.limit, descriptorLimit: 1) } catch {
            // The other side was killed with unread messages.
            if error.code == ECONNRESET { return nil }
            throw error
        }
        if received.bytes.isEmpty { return nil }
        guard let message = Message(received.bytes) else { throw RuntimeError("init", "unknown message") }
        _ = received.takeDescriptor()
        return message
    }
}
