// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI

/// What has been read of API objects for the volumes of one pod, which may name an object ten thousand times: each is read
/// and decoded once for a mount or a refresh, as long as what was read fits.
struct VolumeReads {
    /// How often objects are read at one time.
    static let limit = 2_000
    /// Bytes of what was read that are kept.
    static let kept = 16 << 20

    /// A config map or a secret of the pod's namespace.
    struct Object: Hashable {
        var isSecret: Bool
        var name: String
    }

    private var count = 0
    private var bytes = 0
    private var known: [Object: [String: [UInt8]]?] = [:]
    /// Where volumes of claims are.
    var claims: [String: MountedVolume] = [:]

    /// What an object holds, by `read` where that is not known; nil when there is no object.
    mutating func content(
        of object: Object, _ read: () async throws -> [String: [UInt8]]?
    ) async throws -> [String: [UInt8]]? {
        if let known = known[object] { return known }
        count += 1
        guard count <= Self.limit else {
            throw MountFailure(
                volume: "", "the volumes have config maps and secrets read more than \(Self.limit) times")
        }
        let content = try await read()
        let size = content?.reduce(64) { $0 + $1.key.utf8.count + $1.value.count } ?? 64
        if bytes + size > Self.kept { (known, bytes) = ([:], 0) }
        known.updateValue(content, forKey: object)
        bytes += size
        return content
    }
}
