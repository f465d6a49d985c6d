// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux
internal import Numbers

/// How far a pull is.
public struct PullProgress: Sendable {
    /// The layer or configuration it is about.
    public var digest: ImageDigest
    /// Bytes fetched of it so far.
    public var fetched: Int64
    /// Bytes that have come since the last call about it.
    public var received: Int64 = 0
    /// Bytes it has in all.
    public var total: Int64
    /// Whether it is extracted, or needs no more work.
    public var isDone: Bool
}

/// An image from a registry, and what the registry gave it for: nil for no credentials.
public struct PulledImage: Sendable {
    public var image: ImageRecord
    public var credentials: RegistryCredentials?
}

extension ImageStore {
    /// Pulls `name` from its registry or a mirror of it. Blobs that are here are not fetched again where the registry
    /// is known to have them, see `ContentOrigins`; several are fetched at once, each verified against its digest, each
    /// continued where a broken connection left it. The credentials in `keyring` that match are tried in turn, none at
    /// last. `progress` is called from several tasks.
    public func pull(
        _ name: String, keyring: RegistryKeyring = RegistryKeyring(), configuration: RegistryConfiguration,
        progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) async throws -> PulledImage {
        let reference = try ImageReference(name)
        let connections = RegistryConnections(configuration: configuration)
        var failure: (any Error)?
        for endpoint in try configuration.endpoints(for: reference.domain) {
            for credentials in keyring.credentials(for: reference).map(Optional.some) + [nil] {
                let session = RegistrySession(
                    endpoint: endpoint, repository: reference.path, credentials: credentials, connections: connections)
                do {
                    let image = try await Pull(
                        store: self, session: session, reference: reference, isEverybodys: credentials == nil,
                        parallelBlobs: configuration.parallelBlobs, patience: configuration.patience, progress: progress
                    ).run()
                    return PulledImage(image: image, credentials: credentials)
                } catch let error as CancellationError {
                    throw error
                } catch {
                    // The first refusal that names a cause beats "not reachable", and that of the endpoint meant beats
                    // that of one tried by guess.
                    if failure == nil || (Self.isUnreachable(failure) && !Self.isUnreachable(error)) { failure = error }
                    if case ImageError.unauthorized? = error as? ImageError { continue }
                    break
                }
            }
        }
        throw failure ?? ImageError.unreachable(host: reference.domain, reason: "no endpoint is configured")
    }

    private static func isUnreachable(_ error: (any Error)?) -> Bool {
        if case ImageError.unreachable? = error as? ImageError { return true }
        return false
    }
}

/// One pull from one endpoint.
private struct Pull: Sendable {
    let store: ImageStore
    let session: RegistrySession
    let reference: ImageReference
    /// Without credentials.
    let isEverybodys: Bool
    let parallelBlobs: Int
    let patience: Duration
    let progress: @Sendable (PullProgress) -> Void

    func run() async throws -> ImageRecord {
        let store = store
        let lease = try await Blocking.run(.image("\(reference)")) { try store.lease() }
        let record = try await pull(keeping: lease)
        return withExtendedLifetime(lease) { record }
    }

    private func pull(keeping lease: ContentLease) async throws -> ImageRecord {
        let store = store
        let (target, manifest) = try await fetchManifests(lease)
        let document = try store.imageManifest(manifest)
        try check(document)
        try await Blocking.run(.image("\(reference)")) {
            try store.keep(blobs: [document.config.digest] + document.layers.map(\.digest), by: lease)
        }
        try await fetchBlobs(document)
        let progress = progress
        let layers = document.layers
        try await Blocking.run(.image("\(reference)")) {
            let what = "\(document.config.digest)"
            let config = try parseObject(try store.content.read(document.config.digest), what: what)
            try store.keep(blobs: [], layers: try diffIDs(of: config, what: what), by: lease)
            try store.extractLayers(of: manifest) { event in
                guard case .extracted(let number, _) = event else { return }
                let layer = layers[number - 1]
                progress(PullProgress(digest: layer.digest, fetched: layer.size, total: layer.size, isDone: true))
            }
        }
        let reference = reference
        return try await Blocking.run(.image("\(reference)")) {
            try store.publish(reference, digest: target, manifest: manifest)
        }
    }

    /// What a manifest promises is looked at before the first byte of it is fetched.
    private func check(_ document: ImageManifest) throws(ImageError) {
        let what = "manifest of \(reference)"
        guard document.layers.count <= UnpackLimits.layers else {
            throw .malformed(
                what: what, reason: "\(document.layers.count) layers are more than \(UnpackLimits.layers)")
        }
        guard document.config.size <= UnpackLimits.document else {
            throw .malformed(what: what, reason: "a configuration of \(document.config.size) bytes is too large")
        }
        let total = document.layers.map(\.size).saturatingSum()
        guard total <= store.limits.imageBytes else {
            throw .malformed(
                what: what, reason: "its layers are larger than \(store.limits.imageBytes) bytes (--max-image-size)")
        }
    }

    /// Fetches what the reference names and, behind indexes, this machine's manifest.
    private func fetchManifests(_ lease: ContentLease) async throws -> (target: ImageDigest, manifest: ImageDigest) {
        let wanted = reference.digest?.description ?? reference.tag ?? "latest"
        // Asked also for what is here already: the registry decides whether these credentials may have it.
        let target = try await fetchManifest(wanted, expected: reference.digest, lease)
        var current = target
        for _ in 0..<4 {
            switch try ManifestDocument(try store.content.read(current), what: "\(reference)") {
            case .manifest: return (target, current)
            case .index(let entries):
                let chosen = try store.choose(from: entries, name: "\(reference)")
                let known = chosen.digest
                current = known
                try await Blocking.run(.image("\(reference)")) { [store] in try store.keep(blobs: [known], by: lease) }
                if !isKnown(chosen) {
                    current = try await fetchManifest("\(chosen.digest)", expected: chosen.digest, lease)
                }
            }
        }
        throw ImageError.malformed(what: "\(reference)", reason: "its indexes are nested too deep")
    }

    private func fetchManifest(
        _ name: String, expected: ImageDigest?, _ lease: ContentLease
    ) async throws -> ImageDigest {
        let bytes = try await session.manifest(name)
        let store = store
        let what = "manifest \(name) of \(reference.repository)"
        return try await Blocking.run(.image("\(reference)")) {
            var writer = try ContentWriter(store: store.content, algorithm: expected?.algorithm ?? .sha256)
            try writer.write(bytes[...])
            let digest = try store.commit(&writer, expected: expected, what: what, for: lease)
            try note(digest)
            return digest
        }
    }

    /// Whether a blob is here which the repository is known to have.
    private func isKnown(_ blob: Descriptor) -> Bool {
        store.content.size(of: blob.digest) == blob.size
            && store.origins.has(blob.digest, from: reference.repository)
    }

    private func note(_ blob: ImageDigest) throws(ImageError) {
        try store.origins.note(blob, from: reference.repository, isEverybodys: isEverybodys)
    }

    private func fetchBlobs(_ document: ImageManifest) async throws {
        var pending = ([document.config] + document.layers)[...]
        var seen: Set<ImageDigest> = []
        try await withThrowingTaskGroup(of: Void.self) { group in
            var running = 0
            while let blob = pending.popFirst() {
                // An image may have the same layer twice.
                guard seen.insert(blob.digest).inserted else { continue }
                if running >= max(1, parallelBlobs) {
                    try await group.next()
                    running -= 1
                }
                group.addTask { try await fetch(blob) }
                running += 1
            }
            try await group.waitForAll()
        }
    }

    /// Fetches one blob, going on where a broken connection stopped, and gives up when five tries in a row brought
    /// nothing new.
    private func fetch(_ blob: Descriptor) async throws {
        if isKnown(blob) {
            return progress(PullProgress(digest: blob.digest, fetched: blob.size, total: blob.size, isDone: false))
        }
        let download = try BlobDownload(store: store.content, blob: blob)
        var failures = 0
        // One for all connections: a registry that takes another for every byte is as slow as one that does not.
        var pace = PullPace(interval: interval.nanoseconds, now: KernelClock.monotonic.now())
        while download.count < blob.size || failures == 0 && blob.size == 0 {
            let before = download.count
            do {
                try await receive(into: download, blob, &pace)
                if download.count >= blob.size { break }
                throw ImageError.unreachable(
                    host: session.host, reason: "it closed the connection after \(download.count) bytes")
            } catch let error as ImageError where error.isFinal { throw error } catch is CancellationError {
                throw CancellationError()
            } catch {
                failures = download.count > before ? 1 : failures + 1
                if failures >= 5 { throw broken(error, "blob \(blob.digest)", download.count) }
                try await sleep(for: .milliseconds(100 << failures))
            }
        }
        let what = "blob \(blob.digest) of \(reference.repository)"
        try await Blocking.run(.image("\(reference)")) {
            try download.commit(what: what)
            try note(blob.digest)
        }
    }

    /// The failure of a connection, named by whose it was and what it was to bring.
    private func broken(_ error: any Error, _ what: String, _ count: Int64) -> ImageError {
        if let known = error as? ImageError { return known }
        return .unreachable(host: session.host, reason: "\(what) broke off after \(count) bytes: \(error)")
    }

    private func receive(into download: BlobDownload, _ blob: Descriptor, _ pace: inout PullPace) async throws {
        let (response, start) = try await session.blob(blob.digest, from: download.count)
        // A server without ranges sends from the start again: what is here already is passed over.
        var skip = download.count - start
        guard case .stream(let stream) = response.body else {
            let bytes = try await response.body.collect(limit: 64 << 20)
            try download.append(bytes.dropFirst(Int(min(skip, Int64(bytes.count)))))
            return
        }
        for try await chunk in stream {
            try check(&pace, chunk.count, blob)
            let dropped = Int(min(skip, Int64(chunk.count)))
            skip -= Int64(dropped)
            guard dropped < chunk.count else { continue }
            try download.append(chunk[dropped...])
            progress(
                PullProgress(
                    digest: blob.digest, fetched: download.count, received: Int64(chunk.count), total: blob.size,
                    isDone: false))
        }
    }
}

extension Pull {
    /// Longer than one silence, after which the next connection has time to bring something.
    fileprivate var interval: Duration { patience * 2 }

    fileprivate func check(_ pace: inout PullPace, _ bytes: Int, _ blob: Descriptor) throws(ImageError) {
        guard pace.take(bytes, at: KernelClock.monotonic.now()) else {
            throw .tooSlow(
                host: session.host, what: "blob \(blob.digest)", seconds: interval.components.seconds)
        }
    }
}

extension ImageError {
    /// Whether trying again cannot help.
    fileprivate var isFinal: Bool {
        switch self {
        case .unreachable: false
        case .registry(_, _, let status, _): status < 500 && status != 408 && status != 429
        default: true
        }
    }
}
