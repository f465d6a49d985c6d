// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Linux
internal import Numbers

/// The images of a node: blobs by digest, extracted layers by diff ID, and names. Safe to use from several tasks and
/// several processes at once. Calls that extract or hash block for as long as that takes: run them off the event loop.
public final class ImageStore: Sendable {
    /// The directory of the store.
    public let root: String
    /// The blobs.
    public let content: ContentStore
    let layers: LayerStore
    let references: ReferenceIndex
    let origins: ContentOrigins
    /// What one image may become.
    public let limits: UnpackLimits

    /// Opens the store at `root`, making it when it is not there.
    public init(root: String, limits: UnpackLimits = UnpackLimits()) throws(ImageError) {
        self.root = root
        self.limits = limits
        content = try ContentStore(root: root, reserve: limits.reserve)
        layers = try LayerStore(root: root)
        references = ReferenceIndex(root: root)
        origins = try ContentOrigins(root: root)
    }

    /// Removes what writes cut short by a crash left behind. Only for the one daemon that owns the store, at its start:
    /// it would pull a download from under a process that is still writing.
    public func removeLeftovers() throws(ImageError) {
        do throws(Errno) {
            for directory in ["ingest", "unpack"] {
                for entry in try Files.list("\(root)/\(directory)") {
                    try Files.removeTree("\(root)/\(directory)/\(entry.name)")
                }
            }
        } catch { throw .system("clean the image store \(root)", error) }
    }
}

// MARK: - Finding images

extension ImageStore {
    /// The image that `name` means: a reference with tag or digest, or a configuration digest, whole or its first
    /// twelve digits or more. Nil when the store has none.
    public func resolve(_ name: String) throws(ImageError) -> ImageRecord? {
        let names = try references.load()
        if let manifest = try manifest(of: name, in: names) { return try record(of: manifest, in: names) }
        return nil
    }

    /// Every image, by name.
    public func list() throws(ImageError) -> [ImageRecord] {
        let names = try references.load()
        var seen: Set<ImageDigest> = []
        var result: [ImageRecord] = []
        for (_, target) in names.sorted(by: { $0.key < $1.key }) where seen.insert(target.manifest).inserted {
            result.append(try record(of: target.manifest, in: names))
        }
        return result
    }

    /// The directories of the image's layers for overlayfs, topmost first, as `lowerdir` wants them.
    public func lowerDirectories(of image: ImageRecord) -> [String] {
        image.layers.reversed().map(layers.path(of:))
    }

    /// The image's configuration as its author wrote it.
    public func configuration(of image: ImageRecord) throws(ImageError) -> [UInt8] { try content.read(image.id) }

    private func manifest(
        of name: String, in names: [String: ReferenceIndex.Target]
    ) throws(ImageError) -> ImageDigest? {
        if let target = names[name] { return target.manifest }
        let hex = name.hasPrefix("sha256:") ? String(name.dropFirst(7)) : name
        if hex.utf8.count >= 12, hex.utf8.count <= 64, hex.allSatisfy(\.isHexDigit) {
            for target in names.values where try configDigest(of: target.manifest).hex.hasPrefix(hex) {
                return target.manifest
            }
            if name.hasPrefix("sha256:") { return nil }
        }
        let reference = try ImageReference(name)
        if let digest = reference.digest {
            // A digest says all: the tag beside it is for people.
            return names[reference.pinned(to: digest)]?.manifest
        }
        return reference.tagged.flatMap { names[$0]?.manifest }
    }

    private func configDigest(of manifest: ImageDigest) throws(ImageError) -> ImageDigest {
        try imageManifest(manifest).config.digest
    }

    func imageManifest(_ digest: ImageDigest) throws(ImageError) -> ImageManifest {
        guard case .manifest(let manifest) = try ManifestDocument(try content.read(digest), what: "\(digest)") else {
            throw .malformed(what: "\(digest)", reason: "it is an index where a manifest was expected")
        }
        return manifest
    }

    private func record(
        of digest: ImageDigest, in names: [String: ReferenceIndex.Target]
    ) throws(ImageError) -> ImageRecord {
        let bytes = try content.read(digest)
        guard case .manifest(let manifest) = try ManifestDocument(bytes, what: "\(digest)") else {
            throw .malformed(what: "\(digest)", reason: "it is an index where a manifest was expected")
        }
        let config = try parseObject(try content.read(manifest.config.digest), what: "\(manifest.config.digest)")
        let own = names.filter { $0.value.manifest == digest }.keys.sorted()
        return ImageRecord(
            id: manifest.config.digest, manifest: digest, repoTags: own.filter { !$0.contains("@") },
            repoDigests: own.filter { $0.contains("@") },
            size: Int64(bytes.count).saturatingSum(manifest.config.size)
                .saturatingSum(manifest.layers.map(\.size).saturatingSum()),
            config: ImageConfiguration(config), layers: try diffIDs(of: config, what: "\(manifest.config.digest)"))
    }
}

// MARK: - Adding and removing

extension ImageStore {
    /// Gives the image of `manifest` a name, and the name pinned to `digest` besides. Its blobs must be in the store and
    /// its layers extracted. A name with a digest is no more than that: only a registry says what its tags mean, and the
    /// tag beside a digest is for people.
    func publish(
        _ reference: ImageReference, digest: ImageDigest, manifest: ImageDigest
    ) throws(ImageError) -> ImageRecord {
        try references.update { (names) throws(ImageError) -> ImageRecord in
            let target = ReferenceIndex.Target(digest: digest, manifest: manifest)
            if reference.digest == nil, let tagged = reference.tagged { names[tagged] = target }
            names[reference.pinned(to: digest)] = target
            return try record(of: manifest, in: names)
        }
    }

    /// Gives an image another name.
    public func tag(_ name: String, as other: String) throws(ImageError) -> ImageRecord {
        guard let image = try resolve(name) else { throw .notFound(name) }
        return try publish(try ImageReference(other), digest: image.manifest, manifest: image.manifest)
    }

    /// Removes the name `name`, or, given an image's identifier, all its names. The blobs go with `collectGarbage`.
    /// Returns the names removed.
    public func remove(_ name: String) throws(ImageError) -> [String] {
        guard let image = try resolve(name) else { throw .notFound(name) }
        return try references.update { (names) throws(ImageError) -> [String] in
            let own = names.filter { $0.value.manifest == image.manifest }.keys.sorted()
            let reference = try? ImageReference(name)  // An identifier need not be a reference.
            let tagged = reference?.digest == nil ? reference?.tagged : nil
            var doomed = own
            if let tagged, own.contains(tagged) {
                let others = own.filter { !$0.contains("@") && $0 != tagged }
                // The last tag takes the pinned names along: they are the record of where the image came from.
                if !others.isEmpty { doomed = [tagged] }
            }
            for name in doomed { names[name] = nil }
            return doomed
        }
    }

    /// Notes that the container with this identifier stands on the image: its blobs and layers stay for as long as the
    /// container's directory `containers/<id>` does, whatever becomes of the image's names. Throws `notFound` when the
    /// image went before that.
    public func hold(_ image: ImageRecord, for container: String) throws(ImageError) {
        do throws(Errno) {
            try Files.makeDirectories("\(root)/containers/\(container)", mode: 0o755)
            try Files.replace(
                "\(root)/containers/\(container)/image", with: Array("\(image.manifest)".utf8), durable: false)
        } catch { throw .system("note the image of container \(container)", error) }
        // Noted first and looked for then: a collection that has not seen the note has taken the names before.
        guard try resolve("\(image.id)") != nil else { throw .notFound("\(image.id)") }
    }

    /// The manifests that containers stand on.
    private func held() throws(ImageError) -> Set<ImageDigest> {
        var held: Set<ImageDigest> = []
        do throws(Errno) {
            guard Files.exists("\(root)/containers") else { return [] }
            for entry in try Files.list("\(root)/containers") where entry.kind == .directory {
                let path = "\(root)/containers/\(entry.name)/image"
                do throws(Errno) {
                    if let digest = ImageDigest(try Files.readText(path)) { held.insert(digest) }
                } catch {
                    if !error.isNotFound { throw error }
                }
            }
        } catch { throw .system("read which images containers stand on", error) }
        return held
    }

    /// Removes every blob and layer that no name reaches and no container stands on; `used` are further images to keep.
    /// Waits for imports under way, which have all they need on this machine, and not for pulls. Returns the bytes freed.
    public func collectGarbage(keeping used: [ImageRecord] = []) throws(ImageError) -> Int64 {
        let alone: FileLock
        do throws(Errno) { alone = try FileLock.acquire("\(root)/content.lock") } catch {
            throw .system("lock the image store \(root)", error)
        }
        // Under the names' lock too, so that no image gets a name while its blobs go.
        let freed = try references.update { (names) throws(ImageError) -> Int64 in
            let (blobs, diffs) = try reachable(
                from: Set(names.values.map(\.manifest)).union(used.map(\.manifest)).union(held()))
            let pulled = try leased()
            let kept = blobs.union(names.values.map(\.digest)).union(pulled.blobs)
            var freed: Int64 = 0
            for digest in try content.all() where !kept.contains(digest) {
                freed += content.size(of: digest) ?? 0
                try content.remove(digest)
            }
            try layers.forgetDiffs(except: kept)
            try origins.forget(except: kept)
            return freed + (try layers.removeAll(except: diffs.union(pulled.layers)))
        }
        alone.release()
        return freed
    }

    private func reachable(
        from manifests: Set<ImageDigest>
    ) throws(ImageError) -> (blobs: Set<ImageDigest>, diffs: Set<ImageDigest>) {
        var blobs = manifests
        var diffs: Set<ImageDigest> = []
        for manifest in manifests {
            let document = try imageManifest(manifest)
            blobs.insert(document.config.digest)
            blobs.formUnion(document.layers.map(\.digest))
            let config = try parseObject(try content.read(document.config.digest), what: "\(manifest)")
            diffs.formUnion(try diffIDs(of: config, what: "\(manifest)"))
        }
        return (blobs, diffs)
    }
}
