// SPDX-License-Identifier: Apache-2.0

internal import CArchive
internal import Glibc
internal import JSON
internal import Linux

extension ImageStore {
    /// Writes images to `path` as one OCI archive that `docker load` reads as well: blobs once, an index.json and a
    /// manifest.json naming them. The file appears when it is whole.
    public func export(_ names: [String], to path: String) throws(ImageError) {
        var images: [ImageRecord] = []
        for name in names {
            guard let image = try resolve(name) else { throw .notFound(name) }
            images.append(image)
        }
        let temporary = "\(path).\(try uniqueName())"
        do throws(ImageError) {
            try write(images, to: temporary)
            do throws(Errno) { try Files.rename(temporary, to: path) } catch {
                throw .system("export to \(path)", error)
            }
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private func write(_ images: [ImageRecord], to path: String) throws(ImageError) {
        let archive = try ArchiveWriter(path: path)
        try archive.add("oci-layout", bytes: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        var written: Set<ImageDigest> = []
        var index: [JSONValue] = []
        var dockerImages: [JSONValue] = []
        for image in images {
            let manifest = try imageManifest(image.manifest)
            for digest in [image.manifest, manifest.config.digest] + manifest.layers.map(\.digest)
            where written.insert(digest).inserted {
                try archive.add(blobPath(digest), file: try content.open(digest), size: content.size(of: digest) ?? 0)
            }
            let size = content.size(of: image.manifest) ?? 0
            for name in image.repoTags {
                var entry = Descriptor(mediaType: MediaType.ociManifest, digest: image.manifest, size: size).json
                entry["annotations"] = .object(["io.containerd.image.name": .string(name)])
                index.append(entry)
            }
            dockerImages.append(
                .object([
                    "Config": .string(blobPath(manifest.config.digest)),
                    "RepoTags": .array(image.repoTags.map { .string($0) }),
                    "Layers": .array(manifest.layers.map { .string(blobPath($0.digest)) }),
                ]))
        }
        let document: JSONValue = .object([
            "schemaVersion": .integer(2), "mediaType": .string(MediaType.ociIndex), "manifests": .array(index),
        ])
        try archive.add("index.json", bytes: document.encoded())
        try archive.add("manifest.json", bytes: JSONValue.array(dockerImages).encoded())
        try archive.finish()
    }

    private func blobPath(_ digest: ImageDigest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }
}

/// A pax tar being written, with fixed owners and times: the same images give the same bytes.
private struct ArchiveWriter: ~Copyable {
    private let archive: OpaquePointer
    private let path: String

    init(path: String) throws(ImageError) {
        self.archive = try Self.open(path)
        self.path = path
    }

    private static func open(_ path: String) throws(ImageError) -> OpaquePointer {
        guard let archive = archive_write_new() else { throw .archive(path, reason: "out of memory") }
        archive_write_set_format_pax_restricted(archive)
        guard archive_write_open_filename(archive, path) == ARCHIVE_OK else {
            let error = archiveFailure(archive, path)
            archive_write_free(archive)
            throw error
        }
        return archive
    }

    deinit { archive_write_free(archive) }

    func add(_ name: String, bytes: [UInt8]) throws(ImageError) {
        try start(name, size: Int64(bytes.count))
        try write(bytes)
    }

    func add(_ name: String, file: borrowing FileDescriptor, size: Int64) throws(ImageError) {
        try start(name, size: size)
        while true {
            let bytes: [UInt8]
            do throws(Errno) { bytes = try file.read(upTo: 256 * 1024) } catch {
                throw .system("export \(name)", error)
            }
            if bytes.isEmpty { return }
            try write(bytes)
        }
    }

    func finish() throws(ImageError) {
        guard archive_write_close(archive) == ARCHIVE_OK else { throw failure() }
    }

    private func start(_ name: String, size: Int64) throws(ImageError) {
        guard let entry = archive_entry_new() else { throw .archive(path, reason: "out of memory") }
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, name)
        archive_entry_set_size(entry, size)
        archive_entry_set_filetype(entry, 0o100000)  // AE_IFREG, a macro with a cast
        archive_entry_set_perm(entry, 0o644)
        archive_entry_set_mtime(entry, 0, 0)
        guard archive_write_header(archive, entry) == ARCHIVE_OK else { throw failure() }
    }

    private func write(_ bytes: [UInt8]) throws(ImageError) {
        let count = bytes.withUnsafeBytes { archive_write_data(archive, $0.baseAddress, $0.count) }
        guard count == bytes.count else { throw failure() }
    }

    private func failure() -> ImageError { archiveFailure(archive, path) }
}
