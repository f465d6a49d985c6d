// SPDX-License-Identifier: Apache-2.0

/// Follows zstd frames (RFC 8878, section 3.1) as their bytes go by, to see each frame's window before whoever decompresses
/// it takes memory for that. It decompresses nothing.
struct ZstdFrames {
    /// The largest window that is taken. RFC 8878 has every decoder take 8 MiB; what container tools write at their highest
    /// levels has 32.
    static let window: UInt64 = 32 << 20

    private enum Part { case magic, skippableSize, descriptor, header(UInt8), block }

    private var part = Part.magic
    /// Bytes of `part` so far, at most 14.
    private var held: [UInt8] = []
    private var needed = 4
    /// Bytes to pass over before the next part.
    private var skipped: UInt64 = 0
    private var hasChecksum = false

    /// Takes the next bytes; returns why they are refused, if they are. Nothing is to follow then.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> String? {
        var rest = bytes[...]
        while !rest.isEmpty {
            if skipped > 0 {
                let count = Int(min(skipped, UInt64(rest.count)))
                rest = rest.dropFirst(count)
                skipped -= UInt64(count)
                continue
            }
            let chunk = rest.prefix(needed - held.count)
            held += chunk
            rest = rest.dropFirst(chunk.count)
            if held.count == needed, let reason = next() { return reason }
        }
        return nil
    }

    /// `held` is a whole part.
    private mutating func next() -> String? {
        defer { held.removeAll(keepingCapacity: true) }
        switch part {
        case .magic:
            let magic = number(held[...])
            if magic == 0xFD2F_B528 {
                expect(.descriptor, 1)
            } else if magic & 0xFFFF_FFF0 == 0x184D_2A50 {
                expect(.skippableSize, 4)
            } else {
                return "what follows a zstd frame is none"
            }
        case .skippableSize:
            skipped = number(held[...])
            expect(.magic, 4)
        case .descriptor:
            let descriptor = held[0]
            hasChecksum = descriptor & 4 != 0
            let length = (Self.isSingle(descriptor) ? 0 : 1) + [0, 1, 2, 4][Int(descriptor & 3)]
            // At least one byte: a frame has its window's size or its content's.
            expect(.header(descriptor), length + Self.sizeLength(descriptor))
        case .header(let descriptor):
            let window = windowSize(descriptor)
            if window > Self.window {
                return "its zstd window is \(window) bytes: at most \(Self.window) are taken"
            }
            expect(.block, 3)
        case .block:
            let block = number(held[...])
            let type = block >> 1 & 3
            if type == 3 { return "a zstd block is of no known type" }
            skipped = type == 1 ? 1 : block >> 3
            let isLast = block & 1 != 0
            if isLast, hasChecksum { skipped += 4 }
            isLast ? expect(.magic, 4) : expect(.block, 3)
        }
        return nil
    }

    private mutating func expect(_ next: Part, _ count: Int) {
        part = next
        needed = count
    }

    private static func isSingle(_ descriptor: UInt8) -> Bool { descriptor & 0x20 != 0 }

    /// How many bytes the content's size has.
    private static func sizeLength(_ descriptor: UInt8) -> Int {
        switch descriptor >> 6 {
        case 0: isSingle(descriptor) ? 1 : 0
        case 1: 2
        case 2: 4
        default: 8
        }
    }

    private func windowSize(_ descriptor: UInt8) -> UInt64 {
        guard Self.isSingle(descriptor) else {
            let base: UInt64 = 1 << (10 + UInt64(held[0] >> 3))
            return base + base / 8 * UInt64(held[0] & 7)
        }
        // One segment: the window is the content.
        let length = Self.sizeLength(descriptor)
        let size = number(held.suffix(length))
        return length == 2 ? size + 256 : size
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
