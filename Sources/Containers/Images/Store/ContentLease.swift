// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// What a pull under way needs of the store, by a file that the collector of garbage reads: blobs and layers which no name
/// reaches yet. It counts while its lock is held, so that nothing is left of a process that was killed, and neither waits for
/// the other: a pull takes as long as the registry likes.
final class ContentLease: Sendable {
    private let path: String
    private let lock: FileLock

    fileprivate init(path: String, lock: consuming FileLock) {
        self.path = path
        self.lock = lock
    }

    deinit {
        // One that stays is not locked any more, and goes with the next collection.
        try? Files.removeIfPresent(path)
    }

    /// Only while the content is held: a collection has either ended, and what it left can be looked at, or comes later.
    fileprivate func write(_ lines: [String]) throws(ImageError) {
        do throws(Errno) {
            let file = try FileDescriptor.open(path, O_WRONLY | O_APPEND)
            try file.writeAll(Array(lines.map { $0 + "\n" }.joined().utf8))
        } catch { throw .system("note what a pull needs in \(path)", error) }
    }
}

extension ImageStore {
    private var leases: String { "\(root)/pulls" }

    /// Begins a pull: what is added to the lease stays for as long as the value lives.
    func lease() throws(ImageError) -> ContentLease {
        let path = "\(leases)/\(try uniqueName())"
        return try holdingContent { () throws(ImageError) -> ContentLease in
            do throws(Errno) {
                try Files.makeDirectories(leases, mode: 0o700)
                return ContentLease(path: path, lock: try FileLock.acquire(path))
            } catch { throw .system("note what a pull needs in \(path)", error) }
        }
    }

    /// Keeps blobs and extracted layers, whether or not they are here yet.
    func keep(
        blobs: [ImageDigest], layers: [ImageDigest] = [], by lease: ContentLease
    ) throws(ImageError) {
        try holdingContent { () throws(ImageError) in
            try lease.write(blobs.map { "blob \($0)" } + layers.map { "layer \($0)" })
        }
    }

    /// Makes a blob durable and keeps it, in one.
    func commit(
        _ writer: inout ContentWriter, expected: ImageDigest?, what: String, for lease: ContentLease
    ) throws(ImageError) -> ImageDigest {
        let hold = try holdContent()
        let digest = try writer.commit(expected: expected, what: what)
        try lease.write(["blob \(digest)"])
        hold.release()
        return digest
    }

    private func holdingContent<Result>(_ body: () throws(ImageError) -> Result) throws(ImageError) -> Result {
        let hold = try holdContent()
        let result = try body()
        hold.release()
        return result
    }

    /// What pulls under way need. Only while nobody else holds the content.
    func leased() throws(ImageError) -> (blobs: Set<ImageDigest>, layers: Set<ImageDigest>) {
        var blobs: Set<ImageDigest> = []
        var layers: Set<ImageDigest> = []
        do throws(Errno) {
            guard Files.exists(leases) else { return ([], []) }
            for entry in try Files.list(leases) {
                let path = "\(leases)/\(entry.name)"
                if let dead = try FileLock.tryAcquire(path) {
                    try Files.removeIfPresent(path)
                    dead.release()
                    continue
                }
                for line in try Files.readText(path).split(separator: "\n") {
                    let words = line.split(separator: " ")
                    guard words.count == 2, let digest = ImageDigest(String(words[1])) else { continue }
                    if words[0] == "blob" { blobs.insert(digest) } else { layers.insert(digest) }
                }
            }
        } catch { throw .system("read what pulls under way need", error) }
        return (blobs, layers)
    }
}
