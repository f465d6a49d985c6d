// SPDX-License-Identifier: Apache-2.0

/// Which images that are on the node a pod must show credentials for: `imagePullCredentialsVerificationPolicy`.
struct ImageVerification: Sendable, Hashable {
    enum Policy: String, Sendable {
        case never = "NeverVerify"
        case neverPreloaded = "NeverVerifyPreloadedImages"
        case neverAllowlisted = "NeverVerifyAllowlistedImages"
        case always = "AlwaysVerify"
    }

    var policy = Policy.neverPreloaded
    /// Names without tag and digest, or `prefix/*`: `preloadedImagesVerificationAllowlist`.
    var allowlist: [String] = []

    /// Whether the pod's credentials decide about an image that is here.
    ///
    /// - Parameter pulled: Whether this kubelet has fetched it; otherwise somebody brought it for everybody.
    func isRequired(for image: String, pulled: Bool) -> Bool {
        switch policy {
        case .never: return false
        case .neverPreloaded: return pulled
        case .always: return true
        case .neverAllowlisted:
            let name = Self.repository(of: image)
            return !allowlist.contains { pattern in
                pattern.hasSuffix("/*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
            }
        }
    }

    /// A name without its tag and digest, as the pod wrote it.
    static func repository(of image: String) -> String {
        let name = image.utf8.firstIndex(of: UInt8(ascii: "@")).map { image[..<$0] } ?? image[...]
        let base = name.utf8.lastIndex(of: UInt8(ascii: "/")) ?? name.startIndex
        guard let colon = name[base...].utf8.firstIndex(of: UInt8(ascii: ":")) else { return String(name) }
        return String(name[..<colon])
    }

    /// What is wrong with the settings; nil for nothing.
    var problem: String? {
        if policy != .neverAllowlisted, !allowlist.isEmpty {
            return "preloadedImagesVerificationAllowlist is for imagePullCredentialsVerificationPolicy "
                + "\(Policy.neverAllowlisted.rawValue) only"
        }
        for pattern in allowlist {
            let name = pattern.hasSuffix("/*") ? String(pattern.dropLast(2)) : pattern
            let isName = !name.isEmpty && !name.contains("*") && name == name.filter { !$0.isWhitespace }
            guard isName, pattern.hasSuffix("/*") || Self.repository(of: name) == name else {
                return "preloadedImagesVerificationAllowlist: \"\(pattern)\" is neither a name without tag and digest "
                    + "nor a prefix that ends in /*"
            }
        }
        return nil
    }
}
