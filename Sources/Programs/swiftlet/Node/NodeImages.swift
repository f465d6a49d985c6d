// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Images
internal import Kubelet
internal import Linux
internal import Mounts

/// The image store as the kubelet uses it: images are found and pulled in the store, and a container's root is an
/// overlay of the image's layers with a directory of its own on top.
struct NodeImages: ImageService {
    let store: ImageStore
    let registries: RegistryConfiguration

    func image(_ reference: String) async throws -> KubeletImage? {
        let store = store
        do {
            return try await Blocking.run(.own) { try store.resolve(reference) }.map(KubeletImage.init)
        } catch let error as Images.ImageError {
            // What is no name is the pod's mistake, and no retry mends it.
            guard case .invalidReference = error else { throw error }
            throw KubeletImageError(.invalidName, "\(error)")
        }
    }

    func pull(
        _ reference: String, credentials: [RegistryCredential], brought: @escaping @Sendable (Int64) -> Void
    ) async throws -> (image: KubeletImage, credential: RegistryCredential?) {
        var keyring = RegistryKeyring()
        for credential in credentials {
            keyring.add(
                RegistryCredentials(username: credential.username, password: credential.password),
                for: credential.registry)
        }
        let pulled = try await store.pull(reference, keyring: keyring, configuration: registries) { progress in
            brought(progress.received)
        }
        let used = credentials.first {
            $0.username == pulled.credentials?.username && $0.password == pulled.credentials?.password
        }
        return (KubeletImage(pulled.image), used)
    }

    func mountRootFilesystem(_ image: KubeletImage, container: String, at path: String) async throws {
        let store = store
        try await Blocking.run(.pod(container)) {
            if try Mounts.isMountPoint(path) { return }
            guard let record = try store.resolve(image.id) else { throw Images.ImageError.notFound(image.id) }
            try store.hold(record, for: container)
            let directory = "\(store.root)/containers/\(container)"
            try Files.makeDirectories("\(directory)/upper", mode: 0o755)
            try Files.makeDirectories("\(directory)/work", mode: 0o700)
            try Files.makeDirectories(path, mode: 0o755)
            // An image without layers is a root without files, which overlayfs has no word for.
            var lower = store.lowerDirectories(of: record)
            if lower.isEmpty {
                try Files.makeDirectories("\(store.root)/empty", mode: 0o755)
                lower = ["\(store.root)/empty"]
            }
            try OverlayMount(lower: lower, upper: "\(directory)/upper", work: "\(directory)/work").mount(on: path)
        }
    }

    func unmountRootFilesystem(container: String, at path: String) async throws {
        let store = store
        try await Blocking.run(.pod(container)) {
            if Files.exists(path), try Mounts.isMountPoint(path) { try Mounts.unmountAll(path) }
            try Files.removeTree("\(store.root)/containers/\(container)")
        }
    }

    func storage() async throws -> ImageStorage? {
        let store = store
        return try await Blocking.run(.own) {
            let disk = try Files.filesystem(store.root)
            return ImageStorage(capacity: Int64(disk.capacityBytes), available: Int64(disk.availableBytes))
        }
    }

    func remove(_ image: KubeletImage) async throws -> Int64 {
        let store = store
        // Waits for pulls under way, which last as long as their registries let them.
        return try await Blocking.run(.image("garbage")) {
            _ = try store.remove(image.id)
            return try store.collectGarbage()
        }
    }

    func images() async -> [KubeletImage] {
        let store = store
        // The list decorates the node's status; a store that cannot be read shows up at the next pod.
        return ((try? await Blocking.run(.own) { try store.list() }) ?? []).map(KubeletImage.init)
    }
}

extension KubeletImage {
    init(_ record: ImageRecord) {
        self.init(
            id: "\(record.id)", repoTags: record.repoTags, repoDigests: record.repoDigests, size: record.size,
            entrypoint: record.config.entrypoint, command: record.config.command,
            environment: record.config.environment, workingDirectory: record.config.workingDirectory,
            user: record.config.user, stopSignal: record.config.stopSignal ?? "")
    }
}
