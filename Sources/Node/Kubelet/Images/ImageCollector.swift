// SPDX-License-Identifier: Apache-2.0

/// Keeps images from filling the disk: when it is used beyond the high threshold, images that no container uses go, the
/// one longest unused first, until it is below the low one.
actor ImageCollector {
    private struct Seen {
        /// Nil for what was there before the kubelet: it may be ever so old.
        var came: ContinuousClock.Instant?
        var lastUsed: ContinuousClock.Instant?
    }

    private let images: any ImageService
    private let configuration: KubeletConfiguration
    private var seen: [String: Seen]?

    init(images: any ImageService, configuration: KubeletConfiguration) {
        self.images = images
        self.configuration = configuration
    }

    /// Removes what has to go and returns it.
    ///
    /// - Parameter used: Identifiers or pinned names of the images containers were made from.
    func collect(used: Set<String>, now: ContinuousClock.Instant) async throws -> [KubeletImage] {
        let present = await images.images()
        let inUse = { (image: KubeletImage) in
            used.contains(image.id) || image.repoDigests.contains { used.contains($0) }
        }
        var times: [String: Seen] = [:]
        for image in present {
            var known = seen?[image.id] ?? Seen(came: seen == nil ? nil : now)
            if inUse(image) { known.lastUsed = now }
            times[image.id] = known
        }
        seen = times
        guard configuration.imageGCHighThresholdPercent < 100, let storage = try await images.storage(),
            storage.capacity > 0,
            100 - storage.available * 100 / storage.capacity >= configuration.imageGCHighThresholdPercent
        else { return [] }
        let wanted =
            storage.capacity / 100 * Int64(100 - configuration.imageGCLowThresholdPercent) - storage.available
        let candidates = present.filter { image in
            guard !inUse(image) else { return false }
            return times[image.id]?.came.map { now - $0 >= configuration.imageMinimumGCAge } ?? true
        }.sorted { one, other in
            let (one, other) = (times[one.id], times[other.id])
            if one?.lastUsed != other?.lastUsed { return Self.isEarlier(one?.lastUsed, other?.lastUsed) }
            return Self.isEarlier(one?.came, other?.came)
        }
        var removed: [KubeletImage] = []
        var freed: Int64 = 0
        for image in candidates where freed < wanted {
            freed += try await images.remove(image)
            removed.append(image)
            seen?[image.id] = nil
        }
        guard freed >= wanted else { throw DiskStillFull(wanted: wanted, freed: freed, removed: removed.count) }
        return removed
    }

    /// Never is before any time.
    private static func isEarlier(_ one: ContinuousClock.Instant?, _ other: ContinuousClock.Instant?) -> Bool {
        guard let other else { return false }
        guard let one else { return true }
        return one < other
    }
}

/// There were not enough images to remove.
struct DiskStillFull: Error, Hashable, CustomStringConvertible {
    var wanted: Int64
    var freed: Int64
    var removed: Int

    var description: String { "wanted to free \(wanted) bytes, but freed \(freed) with \(removed) images" }
}
