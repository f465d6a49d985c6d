// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// A blob on its way in, shared between the task that receives it and the thread that makes it durable.
final class BlobDownload: Sendable {
    private struct State: ~Copyable {
        var writer: ContentWriter?
    }

    private let blob: Descriptor
    private let state: Mutex<State>

    init(store: ContentStore, blob: Descriptor) throws(ImageError) {
        self.blob = blob
        state = Mutex(State(writer: try ContentWriter(store: store, algorithm: blob.digest.algorithm)))
    }

    /// Bytes received so far.
    var count: Int64 { state.withLock { $0.writer?.count ?? 0 } }

    /// Adds received bytes; more than the descriptor promised are refused before they fill the disk.
    func append(_ bytes: ArraySlice<UInt8>) throws(ImageError) {
        try state.withLock { (state) throws(ImageError) in
            let total = (state.writer?.count ?? 0) + Int64(bytes.count)
            guard total <= blob.size else {
                throw .malformed(
                    what: "blob \(blob.digest)", reason: "it is longer than the \(blob.size) bytes promised")
            }
            try state.writer?.write(bytes)
        }
    }

    /// Verifies the blob and makes it durable.
    func commit(what: String) throws(ImageError) {
        let taken = state.withLock { $0.writer.take() }
        guard var writer = taken else { return }
        _ = try writer.commit(expected: blob.digest, what: what)
    }
}
