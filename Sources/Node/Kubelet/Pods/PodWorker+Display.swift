// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Synchronization

extension PodWorker {
    /// What the kubelet may look at without waiting for the worker.
    struct Display {
        /// With its status.
        var pod: Pod
        /// The ids of its containers' images.
        var images: Set<String> = []
        var running: [RunningContainer] = []
    }

    /// A run of a container.
    struct RunningContainer: Sendable {
        var name, id: String
        var startedAt: Int64
    }

    /// The pod with its status as it was last told.
    nonisolated var shown: Pod { display.withLock { $0.pod } }

    /// The images of its containers.
    nonisolated var shownImages: Set<String> { display.withLock { $0.images } }

    /// Those of its containers that run.
    nonisolated var shownRunning: [RunningContainer] { display.withLock { $0.running } }

    /// Shows the pod, and with it what it was last told to have.
    func show() {
        let pod = pod
        display.withLock { $0.pod = pod }
    }

    /// Shows the pod and all that its records say of containers.
    func showAll() {
        let images = Set(records.values.lazy.map(\.imageID).filter { !$0.isEmpty })
        let running = records.lazy.filter { $0.value.situation.phase == .running }.map {
            RunningContainer(name: $0.key, id: $0.value.id, startedAt: $0.value.startedAt)
        }
        let shown = Display(pod: pod, images: images, running: Array(running))
        display.withLock { $0 = shown }
    }

    /// An image is used from now on: it must not go.
    func show(image: String) { display.withLock { _ = $0.images.insert(image) } }
}
