// SPDX-License-Identifier: Apache-2.0

internal import Text

/// An image name as users write it, made whole the way every container tool does: `nginx` is
/// `docker.io/library/nginx:latest`. Grammar: github.com/distribution/reference.
public struct ImageReference: Hashable, Sendable {
    /// The registry's host and port, such as `docker.io` or `localhost:5000`.
    public let domain: String
    /// The repository below it, such as `library/nginx`.
    public let path: String
    /// The tag. Absent only where a digest is given without one.
    public let tag: String?
    /// The digest the name is pinned to.
    public let digest: ImageDigest?

    /// Parses and completes `text`.
    public init(_ text: String) throws(ImageError) {
        var rest = Substring(text)
        var digest: ImageDigest?
        if let at = rest.firstIndex(of: "@") {
            digest = ImageDigest(rest[rest.index(after: at)...])
            if digest == nil { throw .invalidReference(text, "the part after @ is not a digest") }
            rest = rest[..<at]
        }
        var tag: String?
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].hasSlash {
            let candidate = rest[rest.index(after: colon)...]
            guard Self.isTag(candidate) else { throw .invalidReference(text, "\(candidate) is not a tag") }
            tag = String(candidate)
            rest = rest[..<colon]
        }
        (domain, path) = Self.split(rest)
        guard !path.isEmpty else { throw .invalidReference(text, "the repository name is empty") }
        guard Self.isDomain(domain) else { throw .invalidReference(text, "\(domain) is not a registry host") }
        guard path.steps(keepingEmpty: true).allSatisfy(Self.isComponent) else {
            throw .invalidReference(text, "a repository name is lower-case letters, digits and separators")
        }
        guard domain.utf8.count + path.utf8.count < 255 else {
            throw .invalidReference(text, "the repository name is longer than 255 characters")
        }
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        self.digest = digest
    }

    /// The name without tag and digest: `docker.io/library/nginx`.
    public var repository: String { "\(domain)/\(path)" }

    /// The name with its tag, by which the store lists it; nil where only a digest is given.
    public var tagged: String? { tag.map { "\(repository):\($0)" } }

    /// The name pinned to `digest`: `docker.io/library/nginx@sha256:…`.
    public func pinned(to digest: ImageDigest) -> String { "\(repository)@\(digest)" }

    private static func split(_ name: Substring) -> (domain: String, path: String) {
        guard let slash = name.firstSlash else { return ("docker.io", "library/\(name)") }
        let first = name[..<slash]
        let isHost =
            first.contains(".") || first.contains(":") || first == "localhost" || first.contains { $0.isUppercase }
        guard isHost else { return ("docker.io", String(name)) }
        let domain = first == "index.docker.io" ? "docker.io" : String(first)
        let path = String(name[name.index(after: slash)...])
        return (domain, domain == "docker.io" && !path.hasSlash ? "library/\(path)" : path)
    }

    private static func isTag(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, (1...128).contains(text.utf8.count) else { return false }
        return isWord(first)
            && text.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    private static func isDomain(_ text: String) -> Bool {
        guard !text.isEmpty else { return false }
        // An IPv6 address in brackets, with or without a port, or host labels with or without one.
        let allowed: (UInt8) -> Bool = { isWord($0) || ".-:[]".utf8.contains($0) }
        return text.utf8.allSatisfy(allowed) && !text.hasPrefix("-") && !text.hasPrefix(".")
    }

    private static func isComponent(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isLowerAlphanumeric(first),
            isLowerAlphanumeric(last)
        else { return false }
        var separators = Substring()
        for character in text {
            if character.utf8.count == 1, isLowerAlphanumeric(character.utf8.first ?? 0) {
                separators = ""
                continue
            }
            separators.append(character)
            let legal = separators == "." || separators == "_" || separators == "__"
            guard legal || separators.allSatisfy({ $0 == "-" }) else { return false }
        }
        return true
    }

    private static func isLowerAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLowerAlphanumeric(byte) || (0x41...0x5A).contains(byte) || byte == UInt8(ascii: "_")
    }
}

extension ImageReference: CustomStringConvertible {
    public var description: String {
        repository + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}
