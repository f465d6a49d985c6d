// SPDX-License-Identifier: Apache-2.0

/// A runtime command that failed: at which step, on what, why.
public struct RuntimeError: Error, Sendable, CustomStringConvertible {
    public var step: String
    public var reason: String

    public init(_ step: String, _ reason: String) {
        self.step = step
        self.reason = reason
    }

    /// `mount /proc: open /proc: permission denied`.
    public var description: String { "\(step): \(reason)" }
}

/// Runs `body`; what it throws is told as a failure of `step`.
func during<Result: ~Copyable>(_ step: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw RuntimeError(step(), "\(error)") }
}

/// What went wrong without stopping a command.
public struct Warnings: Sendable {
    public private(set) var messages: [String] = []
    public init() {}
    mutating func add(_ message: String) { messages.append(message) }
}
