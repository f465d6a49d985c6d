// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import CLinux
internal import Glibc
internal import JSON
public import KubeAPI
internal import Linux
internal import Numbers

/// A volume that is there: where it is on the node.
public struct MountedVolume: Sendable, Hashable {
    public var path: String
    public var isReadOnly: Bool

    public init(path: String, isReadOnly: Bool = false) {
        self.path = path
        self.isReadOnly = isReadOnly
    }
}

/// The volumes of one pod, below `<root>/pods/<uid>/volumes/<plugin>/<name>` as upstream lays them out.
public actor PodVolumes {
    private let directory: String
    private let sources: any VolumeSources
    /// Where the pod's files are gone over: they are as many as it likes, and a file system may hang.
    private let cause: Blocking.Cause
    private let namespace: String
    private(set) var mounted: [String: MountedVolume] = [:]
    private var tokens: [String: KeptToken] = [:]

    /// - Parameter directory: The pod's own, `/var/lib/kubelet/pods/<uid>`.
    public init(directory: String, uid: String, namespace: String, sources: any VolumeSources) {
        self.directory = directory
        self.sources = sources
        self.namespace = namespace
        cause = .pod(uid)
    }

    /// Makes every volume of the pod that is not there yet. Idempotent: also after a restart of the kubelet.
    public func mount(_ pod: Pod) async throws -> [String: MountedVolume] {
        var reads = VolumeReads()
        for volume in pod.spec.volumes where mounted[volume.name] == nil {
            mounted[volume.name] = try await mount(volume, of: pod, &reads)
        }
        return mounted
    }

    /// Writes again what comes from API objects, where they have changed. Returns whether any file did.
    @discardableResult
    public func refresh(_ pod: Pod) async throws -> Bool {
        var changed = false
        var reads = VolumeReads()
        for volume in pod.spec.volumes {
            guard let path = mounted[volume.name]?.path, isProjected(volume) else { continue }
            if try await project(volume, of: pod, into: path, &reads) { changed = true }
        }
        return changed
    }

    private func isProjected(_ volume: Volume) -> Bool {
        volume.configMap != nil || volume.secret != nil || volume.downwardAPI != nil || volume.projected != nil
    }

    private func mount(_ volume: Volume, of pod: Pod, _ reads: inout VolumeReads) async throws -> MountedVolume {
        do {
            if let emptyDir = volume.emptyDir { return try await mount(emptyDir, volume.name, pod) }
            if let hostPath = volume.hostPath {
                return try await Blocking.run(cause) { try HostPath.check(hostPath, volume: volume.name) }
            }
            if isProjected(volume) { return try await mountProjected(volume, of: pod, &reads) }
            if let claim = volume.persistentVolumeClaim {
                var local: MountedVolume
                if let known = reads.claims[claim.claimName] {
                    local = known
                } else {
                    let found = try await sources.localPath(
                        claim: claim.claimName, namespace: pod.metadata.namespace ?? "")
                    local = MountedVolume(path: found.path, isReadOnly: found.readOnly)
                    reads.claims[claim.claimName] = local
                }
                if claim.readOnly == true { local.isReadOnly = true }
                return local
            }
            if volume.image != nil {
                let path = PodVolumes.imageDirectory(volume.name, of: directory)
                try Files.makeDirectories(path, mode: 0o755)
                return MountedVolume(path: path, isReadOnly: true)
            }
        } catch let error as Errno {
            throw MountFailure(volume: volume.name, "\(error)")
        }
        let known = volume.json.keys.filter { $0 != "name" }
        if known.isEmpty { return try await mount(EmptyDirVolumeSource(json: [:]), volume.name, pod) }
        throw MountFailure(
            .refused, volume: volume.name,
            "this node has no driver for volumes of type \(known.joined(separator: ", "))")
    }

    private func path(_ plugin: String, _ name: String) throws(Errno) -> String {
        let path = "\(directory)/volumes/kubernetes.io~\(plugin)/\(name)"
        try Files.makeDirectories(path, mode: 0o750)
        return path
    }

    // MARK: - emptyDir

    /// Where the emptyDir `name` of the pod with this directory is.
    public static func emptyDirectory(_ name: String, of directory: String) -> String {
        "\(directory)/volumes/kubernetes.io~empty-dir/\(name)"
    }

    // MARK: - image

    /// Where the image volume `name` of the pod with this directory is. The kubelet mounts the image there, before the
    /// first container that has the volume.
    public static func imageDirectory(_ name: String, of directory: String) -> String {
        "\(directory)/volumes/kubernetes.io~image/\(name)"
    }

    private func mount(_ source: EmptyDirVolumeSource, _ name: String, _ pod: Pod) async throws -> MountedVolume {
        let path = PodVolumes.emptyDirectory(name, of: directory)
        return try await Blocking.run(cause) {
            try Files.makeDirectories(path, mode: 0o750)
            switch source.medium ?? "" {
            case "": break
            case "Memory":
                let limit = source.sizeLimit.flatMap { Quantity($0)?.value }.flatMap { $0 > 0 ? $0 : nil }
                try Tmpfs.mount(path, size: limit)
            case let medium:
                throw MountFailure(.refused, volume: name, "emptyDir medium \(medium) is not supported on this node")
            }
            // Whoever the container runs as may write.
            try Files.setPermissions(path, 0o777)
            try Ownership.apply(path, pod.spec.securityContext)
            return MountedVolume(path: path)
        }
    }

    // MARK: - Content of API objects

    private func mountProjected(
        _ volume: Volume, of pod: Pod, _ reads: inout VolumeReads
    ) async throws -> MountedVolume {
        let plugin =
            volume.configMap != nil
            ? "configmap" : volume.secret != nil ? "secret" : volume.downwardAPI != nil ? "downward-api" : "projected"
        let path = try path(plugin, volume.name)
        // Secrets never touch a disk. Config maps may.
        if volume.secret != nil || volume.projected != nil { try Tmpfs.mount(path, size: nil) }
        _ = try await project(volume, of: pod, into: path, &reads)
        return MountedVolume(path: path, isReadOnly: true)
    }

    private func project(
        _ volume: Volume, of pod: Pod, into path: String, _ reads: inout VolumeReads
    ) async throws -> Bool {
        let files = try await Projection(volume: volume, pod: pod, sources: sources) { [self] key, make in
            try await token(key, make)
        }.files(&reads)
        do {
            return try await Blocking.run(cause) {
                try Files.setPermissions(path, 0o755)
                let group = try Ownership.group(pod.spec.securityContext)?.number
                return try AtomicWriter(directory: path).write(files, group: group)
            }
        } catch let error as Errno {
            throw MountFailure(volume: volume.name, "\(error)")
        }
    }

    /// The token kept under `key` while it has a fifth of its life left, else a new one.
    private func token(_ key: String, _ make: @escaping @Sendable () async throws -> PodToken) async throws -> PodToken
    {
        let now = KernelClock.wall.now() / 1_000_000_000
        if let kept = tokens[key], !kept.isDue(at: now) { return kept.token }
        let made = try await make()
        tokens[key] = KeptToken(token: made, madeAt: now)
        return made
    }

    /// Whether a token should be replaced at `now`, in seconds since the epoch.
    public func hasDueToken(at now: Int64) -> Bool { tokens.values.contains { $0.isDue(at: now) } }

    // MARK: - The end

    /// Unmounts and removes all that was made for the pod. A mount that is still in use is detached.
    public func unmount() async throws {
        mounted = [:]
        // Whoever asks may have been cancelled: what was made has to go all the same.
        try await EventLoop.here.begin { [directory, namespace] in
            try await Blocking.run(.files(namespace, .removing)) { try PodVolumes.cleanUp(directory) }
        }.value
    }

    /// Unmounts everything below `directory`, the deepest first.
    public static func unmountAll(below directory: String) throws {
        for mount in try Tmpfs.mounts(below: directory).reversed() {
            let result = clinux_unmount(mount, Int32(MNT_DETACH))
            // Somebody else has unmounted it since the list was read: a shim in its last moments.
            guard result >= 0 || result == -EINVAL || result == -ENOENT else {
                throw Errno(-result, "unmount \(mount)")
            }
        }
    }

    /// As `unmount`, for a pod nobody knows any more.
    public static func cleanUp(_ directory: String) throws {
        try unmountAll(below: directory)
        // Never across a mount: with all of them gone, one that has come since makes rmdir say EBUSY.
        for part in ["volumes", "volume-subpaths"] where Files.exists("\(directory)/\(part)") {
            try Files.removeTree("\(directory)/\(part)")
        }
    }
}

/// A token in a volume and when it was made.
private struct KeptToken {
    var token: PodToken
    var madeAt: Int64

    /// Upstream replaces a token at 80 % of its life, and after a day at the latest. One from the future, made before the
    /// clock was set back, is not valid yet.
    func isDue(at now: Int64) -> Bool {
        now >= min(madeAt + (token.expiration - madeAt) * 4 / 5, madeAt + 86_400) || now < madeAt
    }
}
