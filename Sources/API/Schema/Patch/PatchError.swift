// SPDX-License-Identifier: Apache-2.0

/// Why a patch could not be applied, and which answer that deserves.
public struct PatchError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The patch itself is no patch: 400.
        case malformed
        /// The patch does not fit the object: 422.
        case unprocessable
        /// The patch holds more operations than are allowed: 413.
        case tooLarge
    }

    public let kind: Kind
    public let description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
