// SPDX-License-Identifier: Apache-2.0

internal import CArchive
internal import CLinux
internal import Glibc
internal import Linux
internal import Numbers

/// Extracts layer entries below one directory in the form overlayfs wants for a lower layer: a whiteout is a character
/// device 0/0, an opaque directory carries `trusted.overlay.opaque` (Documentation/filesystems/overlayfs.rst).
///
/// No name in a layer can reach outside: every parent directory is opened with openat2(2) and RESOLVE_IN_ROOT, and the
/// last component is only ever used relative to that descriptor and never followed.
struct LayerExtractor: ~Copyable {
    private let root: FileDescriptor
    private let layer: String
    /// The directory the last entry was in: entries come in runs of one directory.
    private var parent: FileDescriptor?
    private var parentPath: [[UInt8]] = []
    /// Directory times are set last, since every entry made inside changes them.
    private var directoryTimes: [(path: [UInt8], modified: timespec)] = []

    /// Extracts below `root`; `layer` names the blob in errors.
    init(root: consuming FileDescriptor, layer: String) {
        self.root = root
        self.layer = layer
    }

    /// Extracts every entry of `archive`.
    mutating func extractAll(of archive: LayerArchive) throws(ImageError) {
        while let entry = try archive.nextEntry() {
            try extract(entry, from: archive)
        }
        for (text, modified) in directoryTimes.reversed() {
            if let path = LayerPath(text) { try setTimes(path, modified) }
        }
    }

    private mutating func extract(_ entry: OpaquePointer, from archive: LayerArchive) throws(ImageError) {
        let text = Self.bytes(archive_entry_pathname_utf8(entry)) ?? Self.bytes(archive_entry_pathname(entry)) ?? []
        guard let path = LayerPath(text) else {
            throw .hostileEntry(entry: String(decoding: text, as: UTF8.self), reason: "its path leaves the root")
        }
        let type = mode_t(archive_entry_filetype(entry)) & S_IFMT
        try archive.charge(entryNamed: type == S_IFDIR ? text.count : 0)
        guard !path.isRoot else { return try applyRootMetadata(entry) }
        try openParent(of: path)
        if let whiteout = Whiteout(path.components[path.components.count - 1]) {
            return try apply(whiteout, path)
        }
        if let target = Self.bytes(archive_entry_hardlink_utf8(entry)) ?? Self.bytes(archive_entry_hardlink(entry)) {
            return try makeHardLink(path, to: target)
        }
        switch type {
        case S_IFDIR: try makeDirectory(path, entry)
        case S_IFREG: try makeFile(path, entry, archive)
        case S_IFLNK: try makeSymbolicLink(path, entry)
        case S_IFCHR, S_IFBLK, S_IFIFO: try makeNode(path, entry, type)
        default: throw .hostileEntry(entry: "\(path)", reason: "its file type has no place in a layer")
        }
    }
}

// MARK: - Kinds of entries

extension LayerExtractor {
    private func apply(_ whiteout: Whiteout, _ path: LayerPath) throws(ImageError) {
        let directory = parentNumber
        switch whiteout {
        case .ignored: return
        case .file(let hidden):
            guard !hidden.isEmpty, !hidden.elementsEqual(".".utf8), !hidden.elementsEqual("..".utf8) else {
                throw .hostileEntry(entry: "\(path)", reason: "it hides no file")
            }
            let name = LayerPath.terminated(hidden)
            // The same layer may carry the file it hides below: what it brings itself wins.
            if mknodat(directory, name, S_IFCHR, 0) != 0, errno != EEXIST { throw fail("mknod", path) }
        case .opaqueDirectory:
            let descriptor = try reopen(directory, path)
            try setAttribute(descriptor, "trusted.overlay.opaque", [UInt8(ascii: "y")], path)
        }
    }

    private func makeHardLink(_ path: LayerPath, to target: [UInt8]) throws(ImageError) {
        guard let target = LayerPath(target), !target.isRoot else {
            throw .hostileEntry(entry: "\(path)", reason: "its hard link leaves the root")
        }
        let source: FileDescriptor
        do throws(Errno) { source = try resolveDirectory(target.parent) } catch {
            throw .hostileEntry(entry: "\(path)", reason: "its hard link target \(target) is not in the layer")
        }
        if linkat(source.raw, target.name, parentNumber, path.name, 0) == 0 { return }
        if errno == ENOENT {
            throw .hostileEntry(entry: "\(path)", reason: "its hard link target \(target) is not in the layer")
        }
        guard errno == EEXIST else { throw fail("link", path) }
        try remove(path)
        guard linkat(source.raw, target.name, parentNumber, path.name, 0) == 0 else { throw fail("link", path) }
    }

    private mutating func makeDirectory(_ path: LayerPath, _ entry: OpaquePointer) throws(ImageError) {
        let name = path.name
        if mkdirat(parentNumber, name, 0o700) != 0 {
            guard errno == EEXIST else { throw fail("mkdir", path) }
            var status = stat()
            guard fstatat(parentNumber, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { throw fail("stat", path) }
            if status.st_mode & S_IFMT != S_IFDIR {
                try remove(path)
                guard mkdirat(parentNumber, name, 0o700) == 0 else { throw fail("mkdir", path) }
            }
        }
        let directory = try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        try applyMetadata(directory, path, entry)
        directoryTimes.append((LayerPath.join(path.components[...]), Self.modified(entry)))
    }

    private func makeFile(
        _ path: LayerPath, _ entry: OpaquePointer, _ archive: LayerArchive
    ) throws(ImageError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        var number = clinux_openat(parentNumber, path.name, flags, 0o600)
        if number == -EEXIST {
            try remove(path)
            number = clinux_openat(parentNumber, path.name, flags, 0o600)
        }
        guard number >= 0 else { throw .system("extract \(path) of layer \(layer)", Errno(-number, "open")) }
        let file = FileDescriptor(owning: number)
        let size = archive_entry_size(entry)
        if size > 0 { try archive.writeContent(to: file, size: size) }
        try applyMetadata(file, path, entry)
        var times = [Self.modified(entry), Self.modified(entry)]
        guard futimens(file.raw, &times) == 0 else { throw fail("utimens", path) }
    }

    private func makeSymbolicLink(_ path: LayerPath, _ entry: OpaquePointer) throws(ImageError) {
        guard let target = Self.bytes(archive_entry_symlink_utf8(entry)) ?? Self.bytes(archive_entry_symlink(entry))
        else { throw .hostileEntry(entry: "\(path)", reason: "it is a symbolic link to nothing") }
        let text = LayerPath.terminated(target)
        if symlinkat(text, parentNumber, path.name) != 0 {
            guard errno == EEXIST else { throw fail("symlink", path) }
            try remove(path)
            guard symlinkat(text, parentNumber, path.name) == 0 else { throw fail("symlink", path) }
        }
        try setOwner(path, entry)
        try setTimes(path, Self.modified(entry))
    }

    private func makeNode(_ path: LayerPath, _ entry: OpaquePointer, _ type: mode_t) throws(ImageError) {
        let mode = type | mode_t(archive_entry_perm(entry)) & 0o7777
        let device = type == S_IFIFO ? 0 : dev_t(archive_entry_rdev(entry))
        // A character device 0/0 is how overlayfs spells a whiteout: as an ordinary entry it would hide files unseen.
        guard type != S_IFCHR || device != 0 else {
            throw .hostileEntry(entry: "\(path)", reason: "a character device 0/0 is a whiteout in disguise")
        }
        if mknodat(parentNumber, path.name, mode, device) != 0 {
            guard errno == EEXIST else { throw fail("mknod", path) }
            try remove(path)
            guard mknodat(parentNumber, path.name, mode, device) == 0 else { throw fail("mknod", path) }
        }
        try setOwner(path, entry)
        // After the owner, since chown(2) clears bits, and since mknod(2) took the umask off them.
        guard fchmodat(parentNumber, path.name, mode & 0o7777, 0) == 0 else { throw fail("chmod", path) }
        try setTimes(path, Self.modified(entry))
    }

    private func applyRootMetadata(_ entry: OpaquePointer) throws(ImageError) {
        guard let path = LayerPath([]), mode_t(archive_entry_filetype(entry)) & S_IFMT == S_IFDIR else { return }
        let directory = try reopen(root.raw, path)
        try applyMetadata(directory, path, entry)
    }
}

// MARK: - Metadata

extension LayerExtractor {
    private func applyMetadata(
        _ file: borrowing FileDescriptor, _ path: LayerPath, _ entry: OpaquePointer
    ) throws(ImageError) {
        let (owner, group) = try Self.owner(entry, path)
        guard fchown(file.raw, owner.number, group.number) == 0 else { throw fail("chown", path) }
        // The mode comes after the owner: chown(2) clears the set-user-ID and set-group-ID bits.
        let mode = mode_t(archive_entry_perm(entry)) & 0o7777
        guard fchmod(file.raw, mode) == 0 else { throw fail("chmod", path) }
        archive_entry_xattr_reset(entry)
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name, let value else { continue }
            let key = String(cString: name)
            // What an image may say of its files; `trusted.` would be orders to overlayfs.
            guard key == "security.capability" || key.hasPrefix("user.") else { continue }
            try setAttribute(file, key, Array(UnsafeRawBufferPointer(start: value, count: size)), path)
        }
    }

    private func setAttribute(
        _ file: borrowing FileDescriptor, _ name: String, _ value: [UInt8], _ path: LayerPath
    ) throws(ImageError) {
        guard fsetxattr(file.raw, name, value, value.count, 0) == 0 else {
            // A file system without user attributes loses them, as tar does; the others carry meaning and may not go.
            if errno == ENOTSUP, name.hasPrefix("user.") { return }
            throw fail("setxattr \(name)", path)
        }
    }

    private func setOwner(_ path: LayerPath, _ entry: OpaquePointer) throws(ImageError) {
        let (owner, group) = try Self.owner(entry, path)
        guard fchownat(parentNumber, path.name, owner.number, group.number, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw fail("chown", path)
        }
    }

    private func setTimes(_ path: LayerPath, _ modified: timespec) throws(ImageError) {
        var times = [modified, modified]
        do throws(Errno) {
            let directory = try resolveDirectory(path.parent)
            // A directory a later entry replaced is gone, and its time with it.
            if utimensat(directory.raw, path.name, &times, AT_SYMLINK_NOFOLLOW) != 0, errno != ENOENT {
                throw Errno(errno, "utimens")
            }
        } catch { throw .system("extract \(path) of layer \(layer)", error) }
    }

    /// Whom the entry belongs to. A number that is cut to fit, or that means "no change", would leave a file root's.
    private static func owner(
        _ entry: OpaquePointer, _ path: LayerPath
    ) throws(ImageError) -> (UserID, GroupID) {
        let (user, group) = (archive_entry_uid(entry), archive_entry_gid(entry))
        guard let owner = UserID(user), let ownerGroup = GroupID(group) else {
            throw .hostileEntry(entry: "\(path)", reason: "it belongs to \(user):\(group), whom there is not")
        }
        return (owner, ownerGroup)
    }

    private static func modified(_ entry: OpaquePointer) -> timespec {
        timespec(tv_sec: archive_entry_mtime(entry), tv_nsec: Int(archive_entry_mtime_nsec(entry)))
    }
}

// MARK: - Paths

extension LayerExtractor {
    private var parentNumber: Int32 {
        switch parent {
        case .some(let directory): directory.raw
        case .none: root.raw
        }
    }

    /// Makes `parent` the directory of `path`, creating what is missing: layers may leave out directories.
    private mutating func openParent(of path: LayerPath) throws(ImageError) {
        let wanted = Array(path.parentComponents)
        if parent != nil, wanted == parentPath { return }
        do throws(Errno) {
            parent = try openOrCreate(wanted)
        } catch { throw .system("extract \(path) of layer \(layer)", error) }
        parentPath = wanted
    }

    private func openOrCreate(_ components: [[UInt8]]) throws(Errno) -> FileDescriptor {
        do throws(Errno) {
            return try resolveDirectory(LayerPath.terminated(LayerPath.join(components[...])))
        } catch  where error.code == ENOENT {}
        // How much of the path is there, by halving: a hostile path has thousands of parts, each a walk of all before it.
        var (there, missing) = (0, components.count)
        while missing - there > 1 {
            let middle = (there + missing) / 2
            do throws(Errno) {
                _ = try resolveDirectory(LayerPath.terminated(LayerPath.join(components[..<middle])))
                there = middle
            } catch  where error.code == ENOENT { missing = middle }
        }
        var directory = try resolveDirectory(LayerPath.terminated(LayerPath.join(components[..<there])))
        for component in components[there...] {
            let (above, name) = (directory.raw, LayerPath.terminated(component))
            // What is missing and yet exists is a link to nothing, which is not followed.
            if mkdirat(above, name, 0o755) != 0 { throw Errno(errno == EEXIST ? ENOENT : errno, "mkdir") }
            directory = FileDescriptor(
                owning: try kernelCall("open") {
                    clinux_openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
                })
            // An importer's umask is no part of the image.
            try directory.setPermissions(0o755)
        }
        return directory
    }

    private func resolveDirectory(_ path: [CChar]) throws(Errno) -> FileDescriptor {
        let directory = root.raw
        return FileDescriptor(
            owning: try kernelCall("openat2") {
                clinux_openat2(directory, path, UInt64(Int32(CLINUX_O_PATH) | O_DIRECTORY), 0, Resolve.inRoot.rawValue)
            })
    }

    private func open(_ path: LayerPath, _ flags: Int32) throws(ImageError) -> FileDescriptor {
        let number = clinux_openat(parentNumber, path.name, flags, 0)
        guard number >= 0 else { throw .system("extract \(path) of layer \(layer)", Errno(-number, "open")) }
        return FileDescriptor(owning: number)
    }

    /// A readable descriptor of the directory behind a path descriptor, which attributes need.
    private func reopen(_ directory: Int32, _ path: LayerPath) throws(ImageError) -> FileDescriptor {
        let number = clinux_openat(directory, ".", O_RDONLY | O_DIRECTORY, 0)
        guard number >= 0 else { throw .system("extract \(path) of layer \(layer)", Errno(-number, "open")) }
        return FileDescriptor(owning: number)
    }

    private func remove(_ path: LayerPath) throws(ImageError) {
        do throws(Errno) {
            try Files.removeTree(path.name, at: parentNumber)
        } catch { throw .system("extract \(path) of layer \(layer)", error) }
    }

    private func fail(_ call: String, _ path: LayerPath) -> ImageError {
        .system("extract \(path) of layer \(layer)", Errno(errno, call))
    }

    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8]? {
        guard let text else { return nil }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }
}
