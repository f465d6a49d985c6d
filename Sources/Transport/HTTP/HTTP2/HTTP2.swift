// SPDX-License-Identifier: Apache-2.0

/// Constants of RFC 9113.
enum HTTP2 {
    /// What a client sends first.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// Error codes.
    static let noError: UInt32 = 0
    static let internalError: UInt32 = 2
    static let refusedStream: UInt32 = 7
    static let cancel: UInt32 = 8

    /// How many of the streams that a peer takes at a time requests may have. A tenth is kept from those that last: what
    /// ends soon never waits for what does not.
    static func room(of streams: Int, isLasting: Bool) -> Int {
        isLasting ? max(1, streams - max(1, streams / 10)) : max(1, streams)
    }

    /// Fields that speak of one HTTP/1 connection and must not be sent (§8.2.2).
    static func isConnectionField(_ name: String) -> Bool {
        ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host"].contains(name)
    }
}

/// A stream or its connection was ended by the peer, or broke.
public struct HTTP2Error: Error, Hashable, Sendable, CustomStringConvertible {
    /// The error code of RFC 9113 §7; nil when the connection broke.
    public let code: UInt32?
    public let reason: String

    static func reset(_ code: UInt32) -> HTTP2Error {
        HTTP2Error(code: code, reason: "the peer ended the stream with error code \(code)")
    }

    static let connectionLost = HTTP2Error(code: nil, reason: "the connection was lost")

    public var description: String { "exchange over HTTP/2: \(reason)" }
}
