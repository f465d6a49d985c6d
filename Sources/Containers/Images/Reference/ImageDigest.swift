// SPDX-License-Identifier: Apache-2.0

/// A content digest, `sha256:<64 hex digits>` or `sha512:<128>`: the only algorithms the OCI image spec registers.
public struct ImageDigest: Hashable, Sendable {
    /// The hash function, by the name it carries in the text.
    public enum Algorithm: String, Sendable {
        case sha256, sha512

        var hexLength: Int { self == .sha256 ? 64 : 128 }
    }

    public let algorithm: Algorithm
    /// Lower-case hexadecimal. Safe as a file name: checked on the way in.
    public let hex: String

    /// Parses `text`; nil when it is not a well-formed digest. What passes may be used in a path.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let algorithm = Algorithm(rawValue: String(parts[0])),
            parts[1].utf8.count == algorithm.hexLength,
            parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        self.algorithm = algorithm
        self.hex = String(parts[1])
    }
}

extension ImageDigest: CustomStringConvertible {
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}
