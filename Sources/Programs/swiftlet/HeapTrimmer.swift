// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux

/// Gives back what bursts of work leave in the allocator. Its free pages lie between used ones, so it keeps them by itself
/// for ever: a server that once had fifty pods start at the same time would be that large until it ends.
enum HeapTrimmer {
    /// With less than this unused there is little to gain.
    private static let slack = 4 << 20

    /// Works until its task is cancelled.
    static func run() async {
        while !Task.isCancelled {
            do {
                try await sleep(for: .seconds(20))
                // Off the event loop: it walks the whole heap.
                try await Blocking.run(.own) { if Heap.unused > slack { Heap.trim() } }
            } catch {
                return  // only cancellation ends a sleep
            }
        }
    }
}
