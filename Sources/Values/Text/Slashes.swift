// SPDX-License-Identifier: Apache-2.0

/// Paths, keys and names with slashes in them, as the kernel and the store read them: a slash is one byte.
///
/// Swift's own `split`, `firstIndex`, `contains` and `hasPrefix` go by characters, and take a slash and a combining mark
/// behind it for one character that is no slash: `a/\u{301}b` would be one name to them, and two to the kernel.
extension StringProtocol {
    /// The parts between slashes; empty ones are left out.
    public var steps: [String] { steps(keepingEmpty: false) }

    /// The parts between slashes.
    public func steps(keepingEmpty: Bool) -> [String] {
        Substring(self).utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: !keepingEmpty).map {
            String(Substring($0))
        }
    }

    public var hasSlash: Bool { firstSlash != nil }

    public var firstSlash: Index? { utf8.firstIndex(of: UInt8(ascii: "/")) }

    public var lastSlash: Index? { Substring(self).utf8.lastIndex(of: UInt8(ascii: "/")) }

    /// Whether the first bytes are those of `prefix`.
    public func hasExactPrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

    /// Whether the last bytes are those of `suffix`.
    public func hasExactSuffix(_ suffix: String) -> Bool { utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }

    /// What follows the first bytes, which are those of `prefix`.
    public func after(exactPrefix prefix: String) -> String? {
        hasExactPrefix(prefix) ? String(Substring(Substring(self).utf8.dropFirst(prefix.utf8.count))) : nil
    }
}
