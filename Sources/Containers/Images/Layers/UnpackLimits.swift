// SPDX-License-Identifier: Apache-2.0

internal import Linux
internal import Numbers

/// How much one image may become when it is unpacked. A few kilobytes of a compressed layer can stand for any number of
/// bytes, of files and of names to remember, and the disk they fill is the node's.
public struct UnpackLimits: Sendable, Hashable {
    /// Bytes of all layers of an image, unpacked. Holes in files take no room and do not count.
    public var imageBytes: Int64 = 128 << 30
    /// How many bytes may come of one byte of a layer. gzip makes 1032 of one at most, programs and libraries make three.
    public var ratio: Int64 = 300
    /// Layers below this many unpacked bytes may have any ratio: a few files of zeros are no attack.
    public var ratioFloor: Int64 = 1 << 30
    /// Files, directories and links of all layers of an image.
    public var entries: Int64 = 2_000_000
    /// Bytes that stay free on the disk of the store, or a twentieth of a disk for which that is too much.
    public var reserve: Int64 = 1 << 30

    public init() {}

    /// The most layers an image may have: what overlayfs stacks.
    static let layers = 500
    /// The largest document (manifest, index, configuration) that is parsed.
    static let document: Int64 = 4 << 20
    /// Bytes of the names kept while a layer is unpacked.
    static let names = 256 << 20
}

/// What is left of the limits for one image.
struct UnpackBudget {
    let limits: UnpackLimits
    private var bytes: Int64
    private var entries: Int64
    private var names = UnpackLimits.names
    private var unmeasured: Int64 = 0
    private var unmeasuredEntries = 0
    private let root: String

    /// - Parameter root: A directory on the disk that fills.
    init(_ limits: UnpackLimits, root: String) {
        self.limits = limits
        self.root = root
        bytes = limits.imageBytes
        entries = limits.entries
    }

    /// Takes `count` unpacked bytes; why they may not be, nil when they may.
    mutating func take(bytes count: Int64) -> String? {
        bytes = bytes.saturatingDifference(max(count, 0))
        guard bytes >= 0 else { return "the image is larger than \(limits.imageBytes) bytes (--max-image-size)" }
        unmeasured = unmeasured.saturatingSum(count)
        if unmeasured >= 64 << 20 {
            unmeasured = 0
            return diskShortage()
        }
        return nil
    }

    /// Takes one entry, with the bytes of its name where that is kept.
    mutating func take(entryNamed length: Int) -> String? {
        entries -= 1
        names -= length
        guard entries >= 0 else { return "the image has more than \(limits.entries) files (--max-image-files)" }
        guard names >= 0 else { return "the names of its directories are more than \(UnpackLimits.names) bytes" }
        unmeasuredEntries += 1
        if unmeasuredEntries == 4096 {
            unmeasuredEntries = 0
            return diskShortage()
        }
        return nil
    }

    /// Begins another layer: the names of the one before are forgotten.
    mutating func forgetNames() { names = UnpackLimits.names }

    private func diskShortage() -> String? { DiskReserve.shortage(at: root, reserve: limits.reserve) }
}

/// Keeps the disk of the store from filling: other things live on it, the cluster's state among them.
enum DiskReserve {
    /// Why nothing more may be written below `path`; nil when it may. A disk that cannot be asked is not in the way.
    static func shortage(at path: String, reserve: Int64) -> String? {
        guard let disk = try? Files.filesystem(path) else { return nil }
        let least = min(UInt64(clamping: reserve), disk.capacityBytes / 20)
        if disk.availableBytes < least { return "the disk has less than \(least) bytes left" }
        // File systems that make inodes as they need them tell of none.
        if disk.inodes > 0, disk.freeInodes < disk.inodes / 50 {
            return "the disk has less than 2 % of its inodes left"
        }
        return nil
    }
}
