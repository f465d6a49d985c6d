// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// A failure of TLS, a certificate, a key or a token: what was attempted and OpenSSL's own reason (or ours).
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, on what: `load the certificate /etc/x.crt`.
    public let attempt: String
    /// Why it failed: `no start line`.
    public let reason: String

    public init(_ attempt: String, _ reason: String) {
        self.attempt = attempt
        self.reason = reason
    }

    public var description: String { "\(attempt): \(reason)" }

    /// What OpenSSL's error queue of this thread says of the call that just failed; empties the queue.
    static func last(_ attempt: String, otherwise: String = "OpenSSL gives no reason") -> TLSError {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            guard let text = ERR_reason_error_string(code) else { continue }
            let reason = String(cString: text)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return TLSError(attempt, reasons.isEmpty ? otherwise : reasons.joined(separator: ", "))
    }
}

/// The value of a call that returns nil on failure.
func checked<Value>(_ value: Value?, _ attempt: @autoclosure () -> String) throws(TLSError) -> Value {
    guard let value else { throw TLSError.last(attempt()) }
    return value
}

/// A call that returns 1 (or more) on success.
func checked(_ result: Int32, _ attempt: @autoclosure () -> String) throws(TLSError) {
    if result <= 0 { throw TLSError.last(attempt()) }
}
