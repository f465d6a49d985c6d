// SPDX-License-Identifier: Apache-2.0

public import Linux

/// What can go wrong with an image: what was attempted, on what, and why.
public enum ImageError: Error, Sendable {
    /// The name is not an image reference; the second value says which rule it breaks.
    case invalidReference(String, String)
    /// The store holds no image of that name, digest or identifier.
    case notFound(String)
    /// Bytes did not hash to what names them.
    case digestMismatch(expected: ImageDigest, actual: String, what: String)
    /// A manifest, index or configuration is not what the specification says.
    case malformed(what: String, reason: String)
    /// A layer holds an entry that may not be extracted.
    case hostileEntry(entry: String, reason: String)
    /// The archive could not be read; the second value is libarchive's reason.
    case archive(String, reason: String)
    /// No manifest of the index fits this machine.
    case noPlatform(String, wanted: String)
    /// The registry answered with an error.
    case registry(host: String, what: String, status: Int, message: String)
    /// The registry could not be reached, or the connection broke.
    case unreachable(host: String, reason: String)
    /// The registry sends what it was asked for, but less of it than anybody waits for.
    case tooSlow(host: String, what: String, seconds: Int64)
    /// The registry wants credentials that were not given or not accepted.
    case unauthorized(host: String, repository: String)
    /// A system call failed.
    case system(String, Errno)
    /// The disk of the store has no room; the second value says how little.
    case full(String, reason: String)
    /// The image is in use and was not removed.
    case inUse(String, by: String)
}

extension ImageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidReference(let name, let reason): "image name \"\(name)\" is not valid: \(reason)"
        case .notFound(let name): "image \(name) is not in the store"
        case .digestMismatch(let expected, let actual, let what):
            "\(what) does not match its digest: expected \(expected), got \(actual)"
        case .malformed(let what, let reason): "\(what) is malformed: \(reason)"
        case .hostileEntry(let entry, let reason): "layer entry \"\(entry)\" was refused: \(reason)"
        case .archive(let path, let reason): "read archive \(path): \(reason)"
        case .noPlatform(let name, let wanted): "\(name) has no image for \(wanted)"
        case .registry(let host, let what, let status, let message):
            "registry \(host) answered \(status) to \(what)" + (message.isEmpty ? "" : ": \(message)")
        case .unreachable(let host, let reason): "registry \(host) could not be reached: \(reason)"
        case .tooSlow(let host, let what, let seconds):
            "registry \(host) sent less than \(PullPace.bytes) bytes of \(what) in \(seconds) s"
        case .unauthorized(let host, let repository):
            "registry \(host) refused access to \(repository): credentials are missing or wrong"
        case .system(let what, let errno): "\(what): \(errno)"
        case .full(let root, let reason): "write to the image store \(root): \(reason)"
        case .inUse(let name, let user): "image \(name) is in use by \(user)"
        }
    }
}
