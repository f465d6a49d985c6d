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
            try Files.makeDirectories("\(root)/diffs", mode: 0o700)
        } catch { throw .system("open the image store \(root)", error) }
    }

    /// Where the layer with this diff ID is or would be.
    func path(of diffID: ImageDigest) -> String { "\(root)/layers/\(diffID.hex.prefix(32))" }

    /// Whether the layer is extracted.
    func contains(_ diffID: ImageDigest) -> Bool { access(path(of: diffID), F_OK) == 0 }

    /// Extracts the blob `digest` of `content`, within `budget`. Its plain bytes must hash to `expected` where that is
    /// given; returns what they hash to.
    ///
    /// A layer that is there already is not extracted again, but only what this store has itself found the blob's plain
    /// bytes to be counts: that an image claims a layer by its diff ID gives it no part in another's.
    @discardableResult
    func extract(
        _ digest: ImageDigest, from content: ContentStore, expected: ImageDigest?, budget: inout UnpackBudget
    ) throws(ImageError) -> ImageDigest {
        var found = verified(digest)
        if found == nil, let expected, contains(expected) {
            let blob = try content.open(digest)
            let archive = try LayerArchive(reading: blob, name: "\(digest)", budget: budget)
            found = try archive.finish()
        }
        if let found {
            try check(found, expected, "\(digest)")
            try note(digest, is: found)
            if contains(found) { return found }
        }
        let diffID = try extract(try content.open(digest), name: "\(digest)", expected: expected, budget: &budget)
        try note(digest, is: diffID)
        return diffID
    }

    /// Extracts the layer tar (compressed or not) behind `blob`.
    func extract(
        _ blob: borrowing FileDescriptor, name: String, expected: ImageDigest?, budget: inout UnpackBudget
    ) throws(ImageError) -> ImageDigest {
        let temporary = "\(root)/unpack/\(try uniqueName())"
        guard mkdir(temporary, 0o755) == 0 else { throw .system("extract layer \(name)", Errno(errno, "mkdir")) }
        // mkdir(2) obeys the umask, and the root of a file system must be open to all its users.
        guard chmod(temporary, 0o755) == 0 else { throw .system("extract layer \(name)", Errno(errno, "chmod")) }
        do throws(ImageError) {
            let diffID = try fill(temporary, from: blob, name: name, &budget)
            try check(diffID, expected, name)
            try publish(temporary, as: diffID)
            return diffID
        } catch {
            // The failure in hand is the one to report; what stays in `unpack` goes at the next start.
            try? Files.removeTree(temporary)
            throw error
        }
    }

    private func check(_ found: ImageDigest, _ expected: ImageDigest?, _ name: String) throws(ImageError) {
        guard let expected, expected != found else { return }
        throw .digestMismatch(expected: expected, actual: "\(found)", what: "layer \(name)")
    }

    private func fill(
        _ directory: String, from blob: borrowing FileDescriptor, name: String, _ budget: inout UnpackBudget
    ) throws(ImageError) -> ImageDigest {
        budget.forgetNames()
        let archive = try LayerArchive(reading: blob, name: name, budget: budget)
        let root: FileDescriptor
        do throws(Errno) { root = try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY) } catch {
            throw .system("extract layer \(name)", error)
        }
        var extractor = LayerExtractor(root: root, layer: name)
        try extractor.extractAll(of: archive)
        let diffID = try archive.finish()
        budget = archive.budget
        return diffID
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

// MARK: - What blobs were found to be

extension LayerStore {
    private func place(_ blob: ImageDigest) -> String { "\(root)/diffs/\(blob.algorithm.rawValue)-\(blob.hex)" }

    /// The diff ID of a blob, as this store has computed it; nil when it has not.
    private func verified(_ blob: ImageDigest) -> ImageDigest? {
        // What is not there, or torn by a power cut, is computed anew.
        (try? Files.readText(place(blob))).flatMap { ImageDigest($0) }
    }

    private func note(_ blob: ImageDigest, is diffID: ImageDigest) throws(ImageError) {
        guard verified(blob) != diffID else { return }
        do throws(Errno) {
            try Files.replace(place(blob), with: Array("\(diffID)".utf8), mode: 0o600, durable: false)
        } catch { throw .system("note what layer \(blob) is", error) }
    }

    /// Forgets the diff IDs of all blobs but `kept`.
    func forgetDiffs(except kept: Set<ImageDigest>) throws(ImageError) {
        let names = Set(kept.map { "\($0.algorithm.rawValue)-\($0.hex)" })
        do throws(Errno) {
            for entry in try Files.list("\(root)/diffs") where !names.contains(entry.name) {
                try Files.removeIfPresent("\(root)/diffs/\(entry.name)")
            }
        } catch { throw .system("forget removed layers", error) }
    }
}
