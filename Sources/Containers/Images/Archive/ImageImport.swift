// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import JSON
internal import Linux
internal import Text

/// What the importer says while it works.
public enum ImportProgress: Sendable {
    /// A file of the archive was stored: its name and its size in bytes.
    case stored(name: String, bytes: Int64)
    /// A layer was extracted: which of how many.
    case extracted(layer: Int, of: Int)
}

extension ImageStore {
    /// Imports what is at `path`: an archive of `docker save`, an OCI archive, an OCI layout directory, or the plain tar
    /// of a root file system. `name` is what to call the image when the archive names none (or, for a plain tar, in any
    /// case); `configuration` is what containers of a plain tar start from.
    public func importArchive(
        _ path: String, name: String? = nil, configuration: ImageConfiguration = ImageConfiguration(),
        progress: (ImportProgress) -> Void = { _ in }
    ) throws(ImageError) -> [ImageRecord] {
        let hold = try holdContent()
        let result = try importHeld(path, name, configuration, progress)
        hold.release()
        return result
    }

    private func importHeld(
        _ path: String, _ name: String?, _ configuration: ImageConfiguration, _ progress: (ImportProgress) -> Void
    ) throws(ImageError) -> [ImageRecord] {
        let given: ImageReference?
        if let name { given = try ImageReference(name) } else { given = nil }
        let files: ArchivedFiles
        switch try ArchiveKind(of: path) {
        case .layout: files = try ArchivedFiles(layout: path, content: content, progress: progress)
        case .images:
            files = try ArchivedFiles(
                archive: path, content: content, budget: UnpackBudget(limits, root: root), progress: progress)
        case .rootFileSystem:
            guard let given else {
                throw .invalidReference("", "a root file system's archive names no image: give one")
            }
            return [try importRootFileSystem(path, as: given, configuration, progress)]
        }
        return try files.documents["manifest.json"] != nil
            ? importDocker(files, path, given, progress) : importOCI(files, path, given, progress)
    }

    /// Keeps the garbage collector from blobs that have no name yet, until the lock is let go.
    func holdContent() throws(ImageError) -> FileLock {
        do throws(Errno) { return try FileLock.acquire("\(root)/content.lock", shared: true) } catch {
            throw .system("lock the image store \(root)", error)
        }
    }
}

/// What an archive holds, by the documents at its top.
private enum ArchiveKind {
    case layout, images, rootFileSystem

    init(of path: String) throws(ImageError) {
        do throws(Errno) {
            if try Files.status(path).kind == .directory {
                self = .layout
                return
            }
        } catch { throw .system("import \(path)", error) }
        let archive = try ArchiveReader(path: path)
        while let entry = try archive.next() {
            if entry.name == "manifest.json" || entry.name == "oci-layout" || entry.name == "index.json" {
                self = .images
                return
            }
        }
        self = .rootFileSystem
    }
}

/// The files of an image archive: small documents in memory, everything else in the content store.
private struct ArchivedFiles {
    /// JSON documents, by entry name.
    var documents: [String: [UInt8]] = [:]
    /// Stored blobs, by entry name.
    var blobs: [String: ImageDigest] = [:]
    private var links: [String: String] = [:]

    /// All documents of an archive together: they are kept in memory.
    private static let documentBytes: Int64 = 64 << 20

    init(
        archive path: String, content: ContentStore, budget: UnpackBudget, progress: (ImportProgress) -> Void
    ) throws(ImageError) {
        let archive = try ArchiveReader(path: path)
        var budget = budget
        var left = ArchivedFiles.documentBytes
        while let entry = try archive.next() {
            if let reason = budget.take(entryNamed: entry.name.utf8.count + (entry.link?.utf8.count ?? 0)) {
                throw .archive(path, reason: reason)
            }
            if let link = entry.link { links[entry.name] = link }
            guard entry.isFile else { continue }
            if entry.name.hasSuffix(".json") || entry.name == "oci-layout" {
                guard entry.size <= UnpackLimits.document, entry.size <= left else {
                    throw .malformed(what: entry.name, reason: "\(entry.size) bytes are too many to parse")
                }
                left -= max(entry.size, 0)
                var bytes: [UInt8] = []
                try archive.content { (run) throws(ImageError) in
                    bytes += run
                    guard bytes.count <= max(entry.size, 0) else {
                        throw .malformed(what: entry.name, reason: "it goes on behind its end")
                    }
                }
                documents[entry.name] = bytes
                blobs[entry.name] = try content.add(bytes)
                continue
            }
            var writer = try ContentWriter(store: content)
            try archive.content { (run) throws(ImageError) in
                if let reason = budget.take(bytes: Int64(run.count)) { throw .archive(path, reason: reason) }
                try writer.write(run)
            }
            blobs[entry.name] = try writer.commit(expected: Self.promised(by: entry.name), what: entry.name)
            progress(.stored(name: entry.name, bytes: entry.size))
        }
    }

    init(layout path: String, content: ContentStore, progress: (ImportProgress) -> Void) throws(ImageError) {
        do throws(Errno) {
            for name in ["index.json", "manifest.json", "oci-layout"] where Files.exists("\(path)/\(name)") {
                documents[name] = try Files.readRegular("\(path)/\(name)", limit: Int(UnpackLimits.document))
            }
        } catch { throw .system("import \(path)", error) }
        guard documents["index.json"] != nil else {
            throw .malformed(what: path, reason: "it is a directory without index.json, so no OCI layout")
        }
        let names: [String]
        do throws(Errno) { names = try Files.list("\(path)/blobs/sha256").map(\.name) } catch {
            throw .system("import \(path)", error)
        }
        for name in names {
            guard let expected = ImageDigest("sha256:\(name)") else { continue }
            let size = try Self.copy("\(path)/blobs/sha256/\(name)", to: content, expected)
            blobs["blobs/sha256/\(name)"] = expected
            progress(.stored(name: name, bytes: size))
        }
    }

    /// The blob an entry name means, through links in the archive.
    func blob(_ name: String, in archive: String) throws(ImageError) -> ImageDigest {
        var name = name
        for _ in 0..<8 {
            if let digest = blobs[name] { return digest }
            guard let next = links[name] else { break }
            name = next
        }
        throw .malformed(what: archive, reason: "it refers to \(name), which it does not hold")
    }

    private static func promised(by name: String) -> ImageDigest? {
        let prefix = "blobs/sha256/"
        return name.hasPrefix(prefix) ? ImageDigest("sha256:" + name.dropFirst(prefix.count)) : nil
    }

    private static func copy(
        _ path: String, to content: ContentStore, _ digest: ImageDigest
    ) throws(ImageError) -> Int64 {
        if let size = content.size(of: digest) { return size }
        var writer = try ContentWriter(store: content)
        do {
            let file = try Files.openRegular(path)
            while true {
                let bytes = try file.read(upTo: 256 * 1024)
                if bytes.isEmpty { break }
                try writer.write(bytes[...])
            }
        } catch let error as ImageError { throw error } catch let error as Errno {
            throw .system("import \(path)", error)
        } catch { throw .malformed(what: path, reason: "\(error)") }
        let size = writer.count
        _ = try writer.commit(expected: digest, what: path)
        return size
    }
}

// MARK: - The forms

extension ImageStore {
    private func importDocker(
        _ files: ArchivedFiles, _ path: String, _ given: ImageReference?, _ progress: (ImportProgress) -> Void
    ) throws(ImageError) -> [ImageRecord] {
        let images: JSONValue
        do throws(JSONError) { images = try JSONValue.parse(files.documents["manifest.json"] ?? []) } catch {
            throw .malformed(what: "manifest.json of \(path)", reason: "\(error)")
        }
        var result: [ImageRecord] = []
        for image in images.array ?? [] {
            guard let configName = image["Config"]?.string, let layerNames = image["Layers"]?.array else {
                throw .malformed(what: "manifest.json of \(path)", reason: "an image has a Config and Layers")
            }
            let config = try descriptor(try files.blob(configName, in: path), MediaType.ociConfig)
            var layers: [Descriptor] = []
            for name in layerNames {
                layers.append(try descriptor(try files.blob(name.string ?? "", in: path), MediaType.ociLayer))
            }
            let manifest = try content.add(ImageManifest(config: config, layers: layers).encoded)
            try extractLayers(of: manifest, progress)
            var names: [ImageReference] = []
            for tag in image["RepoTags"]?.array ?? [] { names.append(try ImageReference(tag.string ?? "")) }
            if let given { names = [given] }
            result += try publish(names, path, digest: manifest, manifest: manifest)
        }
        guard !result.isEmpty else { throw .malformed(what: path, reason: "it holds no image") }
        return result
    }

    private func importOCI(
        _ files: ArchivedFiles, _ path: String, _ given: ImageReference?, _ progress: (ImportProgress) -> Void
    ) throws(ImageError) -> [ImageRecord] {
        let index = try parseObject(files.documents["index.json"] ?? [], what: "index.json of \(path)")
        var result: [ImageRecord] = []
        for entry in index["manifests"]?.array ?? [] {
            let target = try Descriptor(entry, what: "index.json of \(path)")
            let manifest = try selectManifest(target.digest, name: path)
            try extractLayers(of: manifest, progress)
            let annotations = entry["annotations"]
            let name = annotations?["io.containerd.image.name"] ?? annotations?["org.opencontainers.image.ref.name"]
            var names: [ImageReference] = []
            if let given {
                names = [given]
            } else if let name = name?.string, name.hasSlash || name.contains(":") {
                names = [try ImageReference(name)]
            }
            result += try publish(names, path, digest: target.digest, manifest: manifest)
        }
        guard !result.isEmpty else { throw .malformed(what: path, reason: "it holds no image") }
        return result
    }

    private func importRootFileSystem(
        _ path: String, as name: ImageReference, _ configuration: ImageConfiguration,
        _ progress: (ImportProgress) -> Void
    ) throws(ImageError) -> ImageRecord {
        var writer = try ContentWriter(store: content)
        do {
            let file = try Files.openRegular(path)
            while true {
                let bytes = try file.read(upTo: 256 * 1024)
                if bytes.isEmpty { break }
                try writer.write(bytes[...])
            }
        } catch let error as ImageError { throw error } catch let error as Errno {
            throw .system("import \(path)", error)
        } catch { throw .malformed(what: path, reason: "\(error)") }
        let layer = try writer.commit(expected: nil)
        var budget = UnpackBudget(limits, root: root)
        let diffID = try layers.extract(layer, from: content, expected: nil, budget: &budget)
        progress(.extracted(layer: 1, of: 1))
        let config = try descriptor(try content.add(configuration.encoded(layers: [diffID])), MediaType.ociConfig)
        let document = ImageManifest(config: config, layers: [try descriptor(layer, MediaType.ociLayer)])
        let manifest = try content.add(document.encoded)
        return try publish(name, digest: manifest, manifest: manifest)
    }

    private func publish(
        _ names: [ImageReference], _ path: String, digest: ImageDigest, manifest: ImageDigest
    ) throws(ImageError) -> [ImageRecord] {
        guard !names.isEmpty else {
            throw .invalidReference("", "\(path) holds an image without a name: give it one")
        }
        var record: ImageRecord?
        for name in names { record = try publish(name, digest: digest, manifest: manifest) }
        return record.map { [$0] } ?? []
    }

    private func descriptor(_ digest: ImageDigest, _ mediaType: String) throws(ImageError) -> Descriptor {
        guard let size = content.size(of: digest) else { throw .notFound("\(digest)") }
        return Descriptor(mediaType: mediaType, digest: digest, size: size)
    }
}

// MARK: - From blobs to an image

extension ImageStore {
    /// The manifest for this machine behind `digest`, which may be an index of indexes.
    func selectManifest(_ digest: ImageDigest, name: String) throws(ImageError) -> ImageDigest {
        var digest = digest
        // An index may point to an index; four levels are more than anybody builds and a loop's end.
        for _ in 0..<4 {
            switch try ManifestDocument(try content.read(digest), what: "\(digest)") {
            case .manifest: return digest
            case .index(let entries): digest = try choose(from: entries, name: name).digest
            }
        }
        throw .malformed(what: name, reason: "its indexes are nested too deep")
    }

    /// The entry of an index that fits this machine.
    func choose(from entries: [Descriptor], name: String) throws(ImageError) -> Descriptor {
        if let fitting = entries.first(where: { $0.platform?.fitsHost ?? false }) { return fitting }
        // One entry that names no platform is the image: nothing else could be meant.
        if entries.count == 1, entries[0].platform == nil { return entries[0] }
        throw .noPlatform(name, wanted: "\(Platform.host)")
    }

    /// Extracts every layer of `manifest` that is not there yet, each checked against the configuration's diff IDs.
    func extractLayers(of manifest: ImageDigest, _ progress: (ImportProgress) -> Void) throws(ImageError) {
        let document = try imageManifest(manifest)
        let config = try parseObject(try content.read(document.config.digest), what: "\(document.config.digest)")
        let diffs = try diffIDs(of: config, what: "\(document.config.digest)")
        guard diffs.count == document.layers.count else {
            let reason = "\(document.layers.count) layers but \(diffs.count) diff_ids"
            throw .malformed(what: "\(manifest)", reason: reason)
        }
        guard diffs.count <= UnpackLimits.layers else {
            throw .malformed(what: "\(manifest)", reason: "\(diffs.count) layers are more than \(UnpackLimits.layers)")
        }
        // One blob named twice may be given two sizes, of which only one was looked at when it came.
        for blob in [document.config] + document.layers where content.size(of: blob.digest) != blob.size {
            throw .malformed(
                what: "\(manifest)", reason: "\(blob.digest) does not have the \(blob.size) bytes it is said to have")
        }
        var budget = UnpackBudget(limits, root: root)
        for (number, (layer, diff)) in zip(document.layers, diffs).enumerated() {
            try layers.extract(layer.digest, from: content, expected: diff, budget: &budget)
            progress(.extracted(layer: number + 1, of: diffs.count))
        }
    }
}
