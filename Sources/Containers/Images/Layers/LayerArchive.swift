// SPDX-License-Identifier: Apache-2.0

internal import CArchive
internal import Glibc
internal import Linux
internal import TLS

/// A layer blob being read: libarchive undoes the compression and then, in a second reader, the tar format. Between
/// the two the plain bytes are hashed, for the layer is known by the digest of its uncompressed tar.
final class LayerArchive {
    private let compressed: OpaquePointer
    private let tar: OpaquePointer
    private let source: LayerSource
    private let tap: Tap
    private let name: String

    /// What passes from the first reader to the second.
    private final class Tap {
        let source: OpaquePointer
        /// What the source reads.
        private let blob: LayerSource
        private var hash: Digest? = Digest(.sha256)
        var failure: String?
        var budget: UnpackBudget
        /// Bytes of the blob, and how many have come of them.
        private let packed: Int64
        private var unpacked: Int64 = 0

        init(source: OpaquePointer, blob: LayerSource, packed: Int64, budget: UnpackBudget) {
            self.source = source
            self.blob = blob
            self.packed = packed
            self.budget = budget
        }

        /// Notes bytes that have come out; false when they are too many, with the reason in `failure`.
        private func count(_ size: Int) -> Bool {
            unpacked += Int64(size)
            failure = budget.take(bytes: Int64(size))
            let limits = budget.limits
            if failure == nil, unpacked > limits.ratioFloor, unpacked / max(packed, 1) >= limits.ratio {
                failure = "it unpacks to more than \(limits.ratio) times its size (--max-image-ratio)"
            }
            return failure == nil
        }

        /// The digest of all bytes that passed; once.
        func finishHash() -> String {
            guard let hash = hash.take() else { return "" }
            return Hex.encode(hash.finish())
        }

        /// The next run of plain bytes, or nil at the end or on a failure, which is then in `failure`.
        func next() -> UnsafeRawBufferPointer? {
            var block: UnsafeRawPointer?
            var size = 0
            var offset: la_int64_t = 0
            guard failure == nil else { return nil }
            while true {
                switch archive_read_data_block(source, &block, &size, &offset) {
                case ARCHIVE_EOF: return nil
                case ARCHIVE_OK, ARCHIVE_WARN:
                    guard size > 0, let block else { continue }
                    guard count(size) else { return nil }
                    let bytes = UnsafeRawBufferPointer(start: block, count: size)
                    hash?.update(bytes)
                    return bytes
                default:
                    failure =
                        blob.failure ?? archive_error_string(source).map { String(cString: $0) } ?? "unknown error"
                    return nil
                }
            }
        }
    }

    /// Starts reading the blob behind `descriptor`, which stays the caller's and must outlive this value; `name` is
    /// for error messages. What comes out is taken from `budget`.
    init(
        reading descriptor: borrowing FileDescriptor, name: String, budget: UnpackBudget
    ) throws(ImageError) {
        let packed: Int64
        do throws(Errno) { packed = Int64(clamping: try descriptor.status().size) } catch {
            throw .system("read layer \(name)", error)
        }
        let source = LayerSource(descriptor.raw)
        if case .refused(let format) = source.compression {
            throw .archive(name, reason: "it is compressed by \(format): layers are plain tar, gzip or zstd")
        }
        // libarchive turns pax names into the locale's encoding, and the C locale has no letters beyond ASCII.
        setlocale(LC_CTYPE, "C.UTF-8")
        guard let compressed = archive_read_new(), let tar = archive_read_new() else {
            throw .archive(name, reason: "out of memory")
        }
        self.compressed = compressed
        self.tar = tar
        self.name = name
        self.source = source
        self.tap = Tap(source: compressed, blob: source, packed: packed, budget: budget)
        switch source.compression {
        case .gzip: archive_read_support_filter_gzip(compressed)
        case .zstd: archive_read_support_filter_zstd(compressed)
        case .none, .refused: break
        }
        archive_read_support_format_raw(compressed)
        archive_read_support_format_tar(tar)
        archive_read_support_format_empty(tar)

        let isOpen = archive_read_open(
            compressed, Unmanaged.passUnretained(source).toOpaque(), nil,
            { _, context, buffer in
                guard let context, let buffer else { return -1 }
                guard let bytes = Unmanaged<LayerSource>.fromOpaque(context).takeUnretainedValue().next() else {
                    return -1
                }
                buffer.pointee = bytes.baseAddress
                return bytes.count
            }, nil)
        guard isOpen == ARCHIVE_OK else { throw failure(of: compressed) }
        var entry: OpaquePointer?
        let first = archive_read_next_header(compressed, &entry)
        guard first == ARCHIVE_OK || first == ARCHIVE_WARN else { throw failure(of: compressed) }
        // One compression and the plain bytes below it. What is compressed again within would be undone as well, and its
        // bytes in between are counted by nobody.
        guard archive_filter_count(compressed) <= 2 else {
            throw .archive(name, reason: "it is compressed more than once")
        }
        let opened = archive_read_open(
            tar, Unmanaged.passUnretained(tap).toOpaque(), nil,
            { _, context, buffer in
                guard let context, let buffer else { return -1 }
                let tap = Unmanaged<Tap>.fromOpaque(context).takeUnretainedValue()
                guard let bytes = tap.next() else {
                    buffer.pointee = nil
                    return tap.failure == nil ? 0 : -1
                }
                buffer.pointee = bytes.baseAddress
                return bytes.count
            }, nil)
        guard opened == ARCHIVE_OK else { throw failure(of: tar) }
    }

    deinit {
        archive_read_free(tar)
        archive_read_free(compressed)
    }

    /// What is left of the budget.
    var budget: UnpackBudget { tap.budget }

    /// Takes one entry from the budget, with the bytes of its name where that is kept.
    func charge(entryNamed length: Int) throws(ImageError) {
        if let reason = tap.budget.take(entryNamed: length) { throw .archive(name, reason: reason) }
    }

    /// The next entry, valid until the next call; nil at the end.
    func nextEntry() throws(ImageError) -> OpaquePointer? {
        var entry: OpaquePointer?
        switch archive_read_next_header(tar, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: return entry
        case ARCHIVE_EOF: return nil
        default: throw failure(of: tar)
        }
    }

    /// Writes the current entry's content to `file`, leaving holes where the archive has them.
    func writeContent(to file: borrowing FileDescriptor, size: Int64) throws(ImageError) {
        var block: UnsafeRawPointer?
        var count = 0
        var offset: la_int64_t = 0
        var end: Int64 = 0
        while true {
            switch archive_read_data_block(tar, &block, &count, &offset) {
            case ARCHIVE_EOF:
                // A hole at the end is no block: only the length tells of it.
                if end < size, ftruncate(file.raw, Int(size)) != 0 {
                    throw .system("extract a file of \(size) bytes from layer \(name)", Errno(errno, "ftruncate"))
                }
                return
            case ARCHIVE_OK, ARCHIVE_WARN:
                // The header has promised no more, and no more was taken from the budget.
                guard offset >= 0, offset <= size, Int64(count) <= size - offset else {
                    throw .archive(name, reason: "a file goes on behind its end")
                }
                var done = 0
                while done < count, let block {
                    let written = pwrite(file.raw, block + done, count - done, Int(offset) + done)
                    if written < 0 {
                        if errno == EINTR { continue }
                        throw .system("extract layer \(name)", Errno(errno, "write"))
                    }
                    done += written
                }
                end = offset + Int64(count)
            default: throw failure(of: tar)
            }
        }
    }

    /// Reads what is left (tar pads its end) and returns the digest of all plain bytes, the layer's diff ID.
    func finish() throws(ImageError) -> ImageDigest {
        while tap.next() != nil {}
        if let reason = tap.failure { throw .archive(name, reason: reason) }
        guard let digest = ImageDigest("sha256:" + tap.finishHash()) else {
            throw .archive(name, reason: "the hash has no text form")
        }
        return digest
    }

    private func failure(of reader: OpaquePointer) -> ImageError {
        let text =
            tap.failure ?? source.failure ?? archive_error_string(reader).map { String(cString: $0) } ?? "unknown error"
        return .archive(name, reason: text)
    }
}
