// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Kubelet

@Suite struct `The collector of images` {
    /// A disk of 1,000,000 bytes with images of 100,000 each.
    private final class Store: ImageService {
        let here = Mutex<[KubeletImage]>([])
        let other: Int64

        init(_ names: [String], other: Int64 = 0) {
            self.other = other
            add(names)
        }

        func add(_ names: [String]) {
            here.withLock { $0 += names.map { KubeletImage(id: $0, repoDigests: ["\($0)@d"], size: 100_000) } }
        }

        var names: [String] { here.withLock { $0.map(\.id) } }
        func image(_ reference: String) -> KubeletImage? { nil }
        func pull(
            _ reference: String, credentials: [RegistryCredential], brought: @escaping @Sendable (Int64) -> Void
        ) throws -> (image: KubeletImage, credential: RegistryCredential?) {
            throw KubeletImageError(.notFound, reference)
        }
        func mountRootFilesystem(_ image: KubeletImage, container: String, at path: String) {}
        func unmountRootFilesystem(container: String, at path: String) {}
        func images() -> [KubeletImage] { here.withLock { $0 } }
        func storage() -> ImageStorage? {
            ImageStorage(capacity: 1_000_000, available: 1_000_000 - other - Int64(names.count) * 100_000)
        }
        func remove(_ image: KubeletImage) -> Int64 {
            here.withLock { $0.removeAll { $0.id == image.id } }
            return image.size
        }
    }

    private func collector(_ store: Store, high: Int = 85) -> ImageCollector {
        var configuration = KubeletConfiguration()
        configuration.imageGCHighThresholdPercent = high
        return ImageCollector(images: store, configuration: configuration)
    }

    @Test func `leaves a disk that is not full alone`() async throws {
        let store = Store(["a", "b"], other: 640_000)
        #expect(try await collector(store).collect(used: [], now: .now).isEmpty)
        #expect(store.names == ["a", "b"])
    }

    @Test func `removes no more than it must`() async throws {
        // 90 % used: a tenth has to go to be at 80 %.
        let store = Store(["a", "b", "c"], other: 600_000)
        #expect(try await collector(store).collect(used: [], now: .now).count == 1)
        #expect(store.names.count == 2)
    }

    @Test func `keeps what is used and takes what was used longest ago first`() async throws {
        let store = Store(["a", "b", "c", "d"], other: 300_000)
        let collector = collector(store)
        let start = ContinuousClock.now
        #expect(try await collector.collect(used: ["a", "b", "d@d"], now: start).isEmpty)
        #expect(try await collector.collect(used: ["a", "d@d"], now: start + .seconds(300)).isEmpty)
        store.add(["e", "f"])
        // c was never used, b before a, and d is.
        let later = start + .seconds(600)
        #expect(try await collector.collect(used: ["d@d"], now: later).map(\.id) == ["c"])
        store.add(["g"])
        #expect(try await collector.collect(used: ["d@d"], now: later).map(\.id) == ["b"])
        #expect(store.names == ["a", "d", "e", "f", "g"])
    }

    @Test func `spares an image that has just come`() async throws {
        let store = Store([], other: 700_000)
        let collector = collector(store)
        let start = ContinuousClock.now
        _ = try await collector.collect(used: [], now: start)
        store.add(["new", "newer"])
        await #expect(throws: DiskStillFull(wanted: 100_000, freed: 0, removed: 0)) {
            try await collector.collect(used: [], now: start + .seconds(10))
        }
        #expect(store.names == ["new", "newer"])
        #expect(try await collector.collect(used: [], now: start + .seconds(130)).count == 1)
    }

    @Test func `does nothing at a threshold of a hundred`() async throws {
        let store = Store(["a"], other: 900_000)
        #expect(try await collector(store, high: 100).collect(used: [], now: .now).isEmpty)
        #expect(store.names == ["a"])
    }

    @Test(arguments: [
        "imageGCLowThresholdPercent: 85", "imageGCHighThresholdPercent: 101", "imageGCHighThresholdPercent: 80",
    ])
    func `refuses thresholds out of order`(text: String) {
        #expect(throws: KubeletConfigurationError.self) {
            try KubeletConfiguration(text: Array("kind: KubeletConfiguration\n\(text)\n".utf8))
        }
    }
}
