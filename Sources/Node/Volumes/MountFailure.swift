// SPDX-License-Identifier: Apache-2.0

/// Why a volume cannot be had. The text becomes the message of a FailedMount event.
public struct MountFailure: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// It may come to be: try again.
        case pending
        /// It never will with this pod.
        case refused
    }
    public var kind: Kind
    public var volume: String
    public var reason: String

    public init(_ kind: Kind = .pending, volume: String, _ reason: String) {
        self.kind = kind
        self.volume = volume
        self.reason = reason
    }

    public var description: String { "MountVolume.SetUp failed for volume \"\(volume)\" : \(reason)" }
}
