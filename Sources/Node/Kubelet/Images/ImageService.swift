// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Glibc
internal import Linux
internal import Mounts

/// What an image says of the process it is for.
public struct KubeletImage: Sendable, Hashable {
    /// The digest of its configuration.
    public var id: String
    public var repoTags: [String]
    public var repoDigests: [String]
    public var size: Int64
    public var entrypoint: [String]
    public var command: [String]
    public var environment: [String]
    public var workingDirectory: String
    /// `user`, `uid`, `user:group` or `uid:gid`; empty means root.
    public var user: String
    public var stopSignal: String

    public init(
        id: String, repoTags: [String] = [], repoDigests: [String] = [], size: Int64 = 0, entrypoint: [String] = [],
        command: [String] = [], environment: [String] = [], workingDirectory: String = "", user: String = "",
        stopSignal: String = ""
    ) {
        self.id = id
        self.repoTags = repoTags
        self.repoDigests = repoDigests
        self.size = size
        self.entrypoint = entrypoint
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.user = user
        self.stopSignal = stopSignal
    }
}

/// A user and password of a registry, from `imagePullSecrets`.
public struct RegistryCredential: Sendable, Hashable {
    public var registry: String
    public var username: String
    public var password: String
    /// Where they are from.
    public var source: PullSecret

    public init(registry: String, username: String, password: String, source: PullSecret) {
        self.registry = registry
        self.username = username
        self.password = password
        self.source = source
    }
}

/// The images of the node, as the kubelet uses them.
public protocol ImageService: Sendable {
    /// The image a reference names, when it is here.
    func image(_ reference: String) async throws -> KubeletImage?
    /// Fetches an image; with credentials for its registry tried in turn. Tells which the registry gave it for: nil for none.
    /// `brought` is called with bytes as they come, from several tasks.
    func pull(
        _ reference: String, credentials: [RegistryCredential], brought: @escaping @Sendable (Int64) -> Void
    ) async throws -> (image: KubeletImage, credential: RegistryCredential?)
    /// Mounts a writable root file system of the image at `path` for a container. Idempotent.
    func mountRootFilesystem(_ image: KubeletImage, container: String, at path: String) async throws
    /// Mounts the image's files at `path`, read-only, for a volume. Idempotent; ended by `unmountRootFilesystem`.
    func mountVolume(_ image: KubeletImage, volume: String, at path: String) async throws
    /// Unmounts either and forgets what the container wrote. Idempotent.
    func unmountRootFilesystem(container: String, at path: String) async throws
    func images() async -> [KubeletImage]
    /// The disk the images are on; nil when they are on none of their own to be kept from filling.
    func storage() async throws -> ImageStorage?
    /// Removes an image with all its names and returns the bytes this has freed. What containers stand on stays.
    func remove(_ image: KubeletImage) async throws -> Int64
}

extension ImageService {
    public func mountVolume(_ image: KubeletImage, volume: String, at path: String) async throws {
        try await mountRootFilesystem(image, container: volume, at: path)
        try await Blocking.run(.pod(volume)) {
            try Mounts.setAttributes(of: FileDescriptor.open(path, O_RDONLY | O_DIRECTORY), set: .readOnly)
        }
    }
    public func storage() async throws -> ImageStorage? { nil }
    public func remove(_ image: KubeletImage) async throws -> Int64 { 0 }
}

/// Bytes of a disk.
public struct ImageStorage: Sendable, Hashable {
    public var capacity: Int64
    public var available: Int64

    public init(capacity: Int64, available: Int64) {
        self.capacity = capacity
        self.available = available
    }
}

/// Why an image is not to be had: what the pod's status and events tell by `kind`.
public struct KubeletImageError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case invalidName, notFound, registry
    }
    public var kind: Kind
    public var description: String

    public init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
