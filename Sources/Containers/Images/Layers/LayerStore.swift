// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
internal import Linux

/// Extracted layers, one directory each, shared by every image that has the layer: `layers/<32 hex digits of the diff
/// ID>`. A layer appears by rename(2) once it is whole, verified and on disk. The names are short because overlayfs takes
/// all lower directories in one page of mount options.
struct LayerStore: Sendable {
    let root: String

    init(root: String) throws(ImageError) {
        self.root = root
        do throws(Errno) {
            try Files.makeDirectories("\(root)/layers", mode: 0o700)
            try Files.makeDirectories("\(root)/unpack", mode: 0o700)
        } catch { throw .system("open the image store \(root)", error) }
    }

    /// Where the layer with this diff ID is or would be.
    func path(of diffID: ImageDigest) -> String { "\(root)/layers/\(diffID.hex.prefix(32))" }

    /// Whether the layer is extracted.
    func contains(_ diffID: ImageDigest) -> Bool { access(path(of: diffID), F_OK) == 0 }

    /// Extracts the blob `digest` of `content`. Its plain bytes must hash to `expected` where that is given; returns what
    /// they hash to. A layer that is there already is not extracted again.
    @discardableResult
    func extract(
        _ digest: ImageDigest, from content: ContentStore, expected: ImageDigest?
    ) throws(ImageError) -> ImageDigest {
        if let expected, contains(expected) { return expected }
        return try extract(try content.open(digest), name: "\(digest)", expected: expected)
    }

    /// Extracts the layer tar (compressed or not) behind `blob`.
    func extract(
        _ blob: borrowing FileDescriptor, name: String, expected: ImageDigest?
    ) throws(ImageError) -> ImageDigest {
        let temporary = "\(root)/unpack/\(try uniqueName())"
        guard mkdir(temporary, 0o755) == 0 else { throw .system("extract layer \(name)", Errno(errno, "mkdir")) }
        // mkdir(2) obeys the umask, and the root of a file system must be open to all its users.
        guard chmod(temporary, 0o755) == 0 else { throw .system("extract layer \(name)", Errno(errno, "chmod")) }
        do throws(ImageError) {
            let diffID = try fill(temporary, from: blob, name: name)
            if let expected, expected != diffID {
                throw .digestMismatch(expected: expected, actual: "\(diffID)", what: "layer \(name)")
            }
            try publish(temporary, as: diffID)
            return diffID
        } catch {
            // The failure in hand is the one to report; what stays in `unpack` goes at the next start.
            try? Files.removeTree(temporary)
            throw error
        }
    }

    private func fill(
        _ directory: String, from blob: borrowing FileDescriptor, name: String
    ) throws(ImageError) -> ImageDigest {
        let archive = try LayerArchive(reading: blob, name: name)
        let root: FileDescriptor
        do throws(Errno) { root = try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY) } catch {
            throw .system("extract layer \(name)", error)
        }
        var extractor = LayerExtractor(root: root, layer: name)
        try extractor.extractAll(of: archive)
        return try archive.finish()
    }

    private func publish(_ temporary: String, as diffID: ImageDigest) throws(ImageError) {
        do throws(Errno) {
            // Before the rename: after a power cut a layer that has its name must have its bytes.
            try syncFileSystem(temporary)
            if rename(temporary, path(of: diffID)) != 0 {
                // Somebody extracted the same layer meanwhile, and the same diff ID is the same content.
                guard errno == EEXIST || errno == ENOTEMPTY else { throw Errno(errno, "rename") }
                try Files.removeTree(temporary)
            }
            try Files.syncDirectory(of: path(of: diffID))
        } catch { throw .system("store layer \(diffID)", error) }
    }

    private func syncFileSystem(_ path: String) throws(Errno) {
        let directory = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        try kernelCall("syncfs \(path)") { clinux_syncfs(directory.raw) }
    }

    /// Removes extracted layers whose diff ID is not in `kept`; returns the bytes freed.
    func removeAll(except kept: Set<ImageDigest>) throws(ImageError) -> Int64 {
        let names = Set(kept.map { String($0.hex.prefix(32)) })
        var freed: Int64 = 0
        do throws(Errno) {
            for entry in try Files.list("\(root)/layers") where !names.contains(entry.name) {
                let path = "\(root)/layers/\(entry.name)"
                freed += Int64(try Files.usage(path).bytes)
                // Out of sight first: a crash half way must not leave half a layer under a good name.
                let doomed = "\(root)/unpack/\(entry.name)"
                try Files.removeTree(doomed)
                try Files.rename(path, to: doomed)
                try Files.removeTree(doomed)
            }
        } catch { throw .system("remove unused layers", error) }
        return freed
    }
}
