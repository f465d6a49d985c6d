// SPDX-License-Identifier: Apache-2.0

internal import CLinux

/// The memory of the C allocator.
public enum Heap {
    /// The bytes it holds that nobody uses: what bursts of work leave behind.
    public static var unused: Int { clinux_heap_unused() }

    /// Gives the unused pages back to the kernel. Takes milliseconds, in which other threads may wait for memory.
    public static func trim() { clinux_heap_trim() }
}
