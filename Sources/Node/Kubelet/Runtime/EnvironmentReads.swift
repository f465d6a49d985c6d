// SPDX-License-Identifier: Apache-2.0

/// What has been read of config maps and secrets for one environment, which may name an object ten thousand times: each is
/// read and decoded once, as long as what was read fits.
struct EnvironmentReads {
    /// More objects are read for one environment than a node does.
    struct TooMany: Error, CustomStringConvertible {
        var description: String {
            "the environment has config maps and secrets read more than \(EnvironmentReads.limit) times"
        }
    }

    /// How often objects are read for one environment.
    static let limit = 2_000
    /// Bytes of what was read that are kept.
    static let kept = 16 << 20

    private var count = 0
    private var bytes = 0
    private var known: [ReferredObject: [String: String]?] = [:]

    /// What an object holds, by `read` where that is not known; nil when there is no object.
    mutating func data(
        of object: ReferredObject, _ read: () async throws -> [String: String]?
    ) async throws -> [String: String]? {
        if let known = known[object] { return known }
        count += 1
        guard count <= Self.limit else { throw TooMany() }
        let data = try await read()
        let size = data?.reduce(64) { $0 + $1.key.utf8.count + $1.value.utf8.count } ?? 64
        if bytes + size > Self.kept { (known, bytes) = ([:], 0) }
        known.updateValue(data, forKey: object)
        bytes += size
        return data
    }
}
