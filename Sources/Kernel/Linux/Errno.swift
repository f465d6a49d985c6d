// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A failed system call: its error number and its name. The number is the kernel's, never translated.
public struct Errno: Error, Hashable, Sendable {
    /// The positive error number, as in errno(3).
    public let code: Int32
    /// The call that failed, and what it was made on where that is known: `openat /etc/hosts`.
    public let call: String

    /// Describes the failure of `call` with the error number `code`.
    public init(_ code: Int32, _ call: String) {
        self.code = code
        self.call = call
    }

    /// The message of strerror(3), with its first letter lowered: `no such file or directory`.
    public var reason: String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        let message = unsafe String(cString: text)
        return message.prefix(1).lowercased() + message.dropFirst()
    }
}

extension Errno: CustomStringConvertible {
    /// What was attempted and why it failed: `openat /etc/hosts: permission denied`.
    public var description: String { "\(call): \(reason)" }
}
