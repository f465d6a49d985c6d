// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Linux
internal import Volumes

/// The disk volumes of a pod that may hold only so much. A volume in memory needs no watch: its file system has the
/// size of the limit.
struct StorageLimits: Sendable {
    private struct Limit: Sendable {
        var name: String
        var text: String
        var bytes: UInt64
        var path: String
    }

    private let limits: [Limit]

    /// - Parameter directory: The pod's own, `/var/lib/kubelet/pods/<uid>`.
    init(_ pod: Pod, directory: String) {
        limits = pod.spec.volumes.compactMap { volume in
            guard let source = volume.emptyDir, (source.medium ?? "").isEmpty, let text = source.sizeLimit,
                let bytes = Quantities.value(text), bytes > 0
            else { return nil }
            return Limit(
                name: volume.name, text: text, bytes: UInt64(bytes),
                path: PodVolumes.emptyDirectory(volume.name, of: directory))
        }
    }

    var isEmpty: Bool { limits.isEmpty }

    /// Why the pod is to be evicted; nil when each volume keeps to its limit. Blocks.
    func excess() throws(Errno) -> PodVerdict? {
        for limit in limits {
            let used: UInt64
            do { used = try Files.usage(limit.path).bytes } catch {
                // Not made yet, or gone already.
                if error.isNotFound { continue }
                throw error
            }
            if used > limit.bytes {
                return PodVerdict(
                    reason: "Evicted",
                    message: "Usage of EmptyDir volume \"\(limit.name)\" exceeds the limit \"\(limit.text)\". ")
            }
        }
        return nil
    }
}
