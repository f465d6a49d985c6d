// SPDX-License-Identifier: Apache-2.0

internal import CArchive
internal import Glibc
internal import Linux

/// A tar archive on disk, compressed or not, read from front to back. For image archives, whose entries are blobs and
/// small documents; layers have a reader of their own.
struct ArchiveReader: ~Copyable {
    /// One entry's header.
    struct Entry {
        var name: String
        /// Where a symbolic or hard link in the archive points, by entry name.
        var link: String?
        var isFile: Bool
        var size: Int64
    }

    private let archive: OpaquePointer
    private let file: ArchiveFile
    private let path: String

    /// Opens the archive at `path`, which must be a regular file: a device or a FIFO is not opened.
    init(path: String) throws(ImageError) {
        let file = try ArchiveFile(path)
        self.archive = try Self.open(file, path)
        self.file = file
        self.path = path
    }

    private static func open(
        _ file: ArchiveFile, _ path: String
    ) throws(ImageError) -> OpaquePointer {
        setlocale(LC_CTYPE, "C.UTF-8")
        guard let archive = archive_read_new() else { throw .archive(path, reason: "out of memory") }
        archive_read_support_filter_gzip(archive)
        archive_read_support_filter_zstd(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_filter_bzip2(archive)
        archive_read_support_format_tar(archive)
        guard archive_read_open_fd(archive, file.descriptor.raw, 256 * 1024) == ARCHIVE_OK else {
            let error = archiveFailure(archive, path)
            archive_read_free(archive)
            throw error
        }
        return archive
    }

    deinit { archive_read_free(archive) }

    /// The next entry; nil at the end.
    func next() throws(ImageError) -> Entry? {
        var entry: OpaquePointer?
        switch archive_read_next_header(archive, &entry) {
        case ARCHIVE_OK, ARCHIVE_WARN: break
        case ARCHIVE_EOF: return nil
        default: throw failure()
        }
        guard let entry else { return nil }
        let name = text(archive_entry_pathname_utf8(entry)) ?? ""
        guard let clean = LayerPath(name.utf8) else {
            throw .hostileEntry(entry: name, reason: "its path leaves the archive")
        }
        var link = text(archive_entry_hardlink_utf8(entry)).flatMap { LayerPath($0.utf8) }
        if link == nil, let target = text(archive_entry_symlink_utf8(entry)) {
            let base = LayerPath.join(clean.parentComponents)
            link = LayerPath(base + Array("/\(target)".utf8))
        }
        return Entry(
            name: "\(clean)", link: link.map { "\($0)" },
            isFile: mode_t(archive_entry_filetype(entry)) & S_IFMT == S_IFREG && link == nil,
            size: archive_entry_size(entry))
    }

    /// Hands the current entry's content to `body`, run by run.
    func content(_ body: (ArraySlice<UInt8>) throws(ImageError) -> Void) throws(ImageError) {
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            let count = buffer.withUnsafeMutableBytes { archive_read_data(archive, $0.baseAddress, $0.count) }
            if count == 0 { return }
            guard count > 0 else { throw failure() }
            try body(buffer[..<count])
        }
    }

    private func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }

    private func failure() -> ImageError { archiveFailure(archive, path) }
}

/// The file of an archive, open for as long as it is read.
private final class ArchiveFile {
    let descriptor: FileDescriptor

    init(_ path: String) throws(ImageError) {
        do throws(Errno) { descriptor = try Files.openRegular(path) } catch {
            throw .system("read archive \(path)", error)
        }
    }
}

/// What libarchive last complained of.
func archiveFailure(_ archive: OpaquePointer, _ path: String) -> ImageError {
    .archive(path, reason: archive_error_string(archive).map { String(cString: $0) } ?? "unknown error")
}
