// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import CLinux
internal import Glibc
internal import Linux
internal import Mounts

/// Images that are directories, by name: each container gets an overlay over one. For tests, and for machines that have
/// no registry.
public struct DirectoryImages: ImageService {
    private let directories: [String: (path: String, image: KubeletImage)]

    /// - Parameter directories: Root file systems by reference.
    public init(_ directories: [String: String], command: [String] = ["/bin/sh"]) {
        self.directories = Dictionary(
            uniqueKeysWithValues: directories.map { name, path in
                (name, (path, KubeletImage(id: "sha256:directory-\(name)", repoTags: [name], command: command)))
            })
    }

    public func image(_ reference: String) async throws -> KubeletImage? { directories[reference]?.image }

    public func pull(
        _ reference: String, credentials: [RegistryCredential], brought: @escaping @Sendable (Int64) -> Void
    ) async throws -> (image: KubeletImage, credential: RegistryCredential?) {
        guard let found = directories[reference] else {
            throw KubeletImageError(.notFound, "failed to resolve reference \"\(reference)\": not found")
        }
        return (found.image, nil)
    }

    public func mountRootFilesystem(_ image: KubeletImage, container: String, at path: String) async throws {
        guard let found = directories.values.first(where: { $0.image.id == image.id }) else {
            throw KubeletImageError(.notFound, "no image \(image.id)")
        }
        let base = Files.parent(of: path)
        try await Blocking.run(.pod(container)) {
            for folder in ["upper", "work"] { try Files.makeDirectories("\(base)/\(folder)", mode: 0o755) }
            try kernelCall("mount overlay on \(path)") {
                clinux_mount(
                    "overlay", path, "overlay", 0, "lowerdir=\(found.path),upperdir=\(base)/upper,workdir=\(base)/work")
            }
        }
    }

    public func unmountRootFilesystem(container: String, at path: String) async throws {
        try await Blocking.run(.pod(container)) {
            guard Files.exists(path) else { return }
            let result = clinux_unmount(path, Int32(MNT_DETACH))
            guard result >= 0 || result == -EINVAL else { throw Errno(-result, "unmount \(path)") }
        }
    }

    public func images() async -> [KubeletImage] { directories.values.map(\.image) }
}
