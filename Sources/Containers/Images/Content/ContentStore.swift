// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux
internal import TLS

/// Blobs by digest: `blobs/<algorithm>/<hex>`, as in an OCI image layout. What is there is whole and verified: a blob
/// appears by rename(2) after its bytes are on disk and hash to its name.
public struct ContentStore: Sendable {
    /// The directory of the store.
    public let root: String
    /// Bytes of the disk that are not for blobs.
    let reserve: Int64

    /// Opens the store below `root`, making its directories; leavings of writes cut short by a crash are removed.
    public init(root: String, reserve: Int64 = UnpackLimits().reserve) throws(ImageError) {
        self.root = root
        self.reserve = reserve
        do throws(Errno) {
            for directory in ["blobs/sha256", "blobs/sha512", "ingest"] {
                try Files.makeDirectories("\(root)/\(directory)", mode: 0o700)
            }
        } catch { throw .system("open the image store \(root)", error) }
    }

    /// Where the blob is or would be.
    public func path(of digest: ImageDigest) -> String { "\(root)/blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }

    /// The size of a blob in bytes; nil when the store has not got it.
    public func size(of digest: ImageDigest) -> Int64? {
        var status = stat()
        guard stat(path(of: digest), &status) == 0 else { return nil }
        return Int64(status.st_size)
    }

    /// Whether the blob is there.
    public func contains(_ digest: ImageDigest) -> Bool { size(of: digest) != nil }

    /// Opens a blob for reading.
    public func open(_ digest: ImageDigest) throws(ImageError) -> FileDescriptor {
        do throws(Errno) {
            return try FileDescriptor.open(path(of: digest), O_RDONLY)
        } catch {
            if error.code == ENOENT { throw .notFound("\(digest)") }
            throw .system("open blob \(digest)", error)
        }
    }

    /// Reads a small blob (a manifest, a configuration) whole. Anything above 4 MiB is refused: a hostile index must not
    /// become memory.
    public func read(_ digest: ImageDigest) throws(ImageError) -> [UInt8] {
        let limit = UnpackLimits.document
        guard let size = size(of: digest) else { throw .notFound("\(digest)") }
        guard size <= limit else { throw .malformed(what: "\(digest)", reason: "\(size) bytes are too many to parse") }
        let file = try open(digest)
        do throws(Errno) { return try file.readAll() } catch { throw .system("read blob \(digest)", error) }
    }

    /// Stores `bytes` and returns their SHA-256 digest.
    public func add(_ bytes: [UInt8]) throws(ImageError) -> ImageDigest {
        var writer = try ContentWriter(store: self)
        try writer.write(bytes[...])
        return try writer.commit(expected: nil)
    }

    /// Removes a blob; one that is not there is no error.
    func remove(_ digest: ImageDigest) throws(ImageError) {
        guard unlink(path(of: digest)) != 0, errno != ENOENT else { return }
        throw .system("remove blob \(digest)", Errno(errno, "unlink"))
    }

    /// Every blob in the store.
    func all() throws(ImageError) -> [ImageDigest] {
        var result: [ImageDigest] = []
        for algorithm in [ImageDigest.Algorithm.sha256, .sha512] {
            do throws(Errno) {
                for entry in try Files.list("\(root)/blobs/\(algorithm.rawValue)") {
                    if let digest = ImageDigest("\(algorithm.rawValue):\(entry.name)") { result.append(digest) }
                }
            } catch { throw .system("list blobs of \(root)", error) }
        }
        return result
    }
}

/// A blob on its way into the store. Dropped without `commit`, it leaves nothing behind.
public struct ContentWriter: ~Copyable {
    private let store: ContentStore
    private let temporary: String
    private let file: FileDescriptor
    private let algorithm: ImageDigest.Algorithm
    private var hash: Digest
    /// The bytes written so far, from which a broken download goes on.
    public private(set) var count: Int64 = 0
    private var unmeasured = 0

    /// Starts a blob; `algorithm` is the one it will be checked by.
    public init(store: ContentStore, algorithm: ImageDigest.Algorithm = .sha256) throws(ImageError) {
        let path = "\(store.root)/ingest/\(try uniqueName())"
        self.file = try Self.create(path)
        self.store = store
        self.temporary = path
        self.algorithm = algorithm
        self.hash = Digest(algorithm == .sha512 ? .sha512 : .sha256)
    }

    private static func create(_ path: String) throws(ImageError) -> FileDescriptor {
        do throws(Errno) {
            return try FileDescriptor.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        } catch { throw .system("write to the image store", error) }
    }

    deinit { unlink(temporary) }

    /// Appends `bytes`.
    public mutating func write(_ bytes: ArraySlice<UInt8>) throws(ImageError) {
        unmeasured += bytes.count
        if count == 0 || unmeasured >= 16 << 20 {
            unmeasured = 0
            if let reason = DiskReserve.shortage(at: store.root, reserve: store.reserve) {
                throw .full(store.root, reason: reason)
            }
        }
        do throws(Errno) { try file.writeAll(Array(bytes)) } catch {
            throw .system("write to the image store \(store.root)", error)
        }
        hash.update(bytes)
        count += Int64(bytes.count)
    }

    /// Makes the blob durable and visible under its digest, which must be `expected` where that is given.
    public mutating func commit(expected: ImageDigest?, what: String = "blob") throws(ImageError) -> ImageDigest {
        var finished = Digest(algorithm == .sha512 ? .sha512 : .sha256)
        swap(&finished, &hash)
        guard let actual = ImageDigest("\(algorithm.rawValue):\(Hex.encode(finished.finish()))") else {
            throw .malformed(what: what, reason: "its hash has no text form")
        }
        if let expected, expected != actual {
            throw .digestMismatch(expected: expected, actual: "\(actual)", what: what)
        }
        guard fsync(file.raw) == 0 else { throw .system("write \(actual)", Errno(errno, "fsync")) }
        guard rename(temporary, store.path(of: actual)) == 0 else {
            throw .system("store \(actual)", Errno(errno, "rename"))
        }
        do throws(Errno) {
            try Files.syncDirectory(of: store.path(of: actual))
        } catch { throw .system("store \(actual)", error) }
        return actual
    }
}

/// A name for a temporary file, unique among the processes and threads that share a store.
func uniqueName() throws(ImageError) -> String {
    do throws(Errno) {
        return try randomBytes(12).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    } catch { throw .system("name a temporary file", error) }
}
