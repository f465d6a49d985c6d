// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@testable import Images

/// Frames of RFC 8878 with blocks that are stored as they are.
private enum Zstd {
    static let magic: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]

    static func blocks(_ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = content[...]
        repeat {
            let block = rest.prefix(100_000)
            rest = rest.dropFirst(block.count)
            let word = block.count << 3 | (rest.isEmpty ? 1 : 0)
            result += [UInt8(word & 0xff), UInt8(word >> 8 & 0xff), UInt8(word >> 16)] + block
        } while !rest.isEmpty
        return result
    }

    /// A window of 2^(10 + exponent) bytes.
    static func frame(_ content: [UInt8], exponent: UInt8 = 10) -> [UInt8] {
        magic + [0x00, exponent << 3] + blocks(content)
    }

    /// As one segment, whose window is its size.
    static func single(_ content: [UInt8], size: UInt32? = nil) -> [UInt8] {
        let size = size ?? UInt32(content.count)
        return magic + [0xa0] + (0..<4).map { UInt8(size >> (8 * $0) & 0xff) } + blocks(content)
    }

    static let skippable: [UInt8] = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]
}

struct CompressionTests {
    private func reason(_ bytes: [UInt8], by step: Int) -> String? {
        var frames = ZstdFrames()
        for start in stride(from: 0, to: bytes.count, by: step) {
            let part = Array(bytes[start..<min(start + step, bytes.count)])
            if let reason = part.withUnsafeBytes({ frames.take($0) }) { return reason }
        }
        return nil
    }

    @Test(arguments: [1, 2, 3, 7, 100_000])
    func `every frame's window is seen, however the bytes come`(step: Int) {
        let content = [UInt8](repeating: 7, count: 1000)
        #expect(reason(Zstd.frame(content), by: step) == nil)
        #expect(reason(Zstd.frame(content, exponent: 15), by: step) == nil)
        #expect(reason(Zstd.single(content), by: step) == nil)
        #expect(reason(Zstd.skippable + Zstd.frame(content) + Zstd.skippable + Zstd.single(content), by: step) == nil)
        for large in [Zstd.frame(content, exponent: 16), Zstd.single(content, size: 40 << 20)] {
            #expect(reason(large, by: step)?.contains("zstd window") == true)
            #expect(reason(Zstd.frame(content) + large, by: step)?.contains("zstd window") == true)
            #expect(reason(Zstd.skippable + large, by: step)?.contains("zstd window") == true)
        }
        #expect(reason(Zstd.frame(content) + [1, 2, 3, 4], by: step) == "what follows a zstd frame is none")
    }

    @Test func `other compressions are known by name, and a plain tar may begin with any name`() {
        func compression(_ bytes: [UInt8]) -> LayerCompression { bytes.withUnsafeBytes { LayerCompression($0) } }
        #expect(compression([0x1f, 0x8b, 8]) == .gzip)
        #expect(compression(Zstd.magic) == .zstd)
        #expect(compression(Zstd.skippable) == .zstd)
        #expect(compression([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]) == .refused("xz"))
        #expect(compression(Array("BZh91AY".utf8)) == .refused("bzip2"))
        #expect(compression([4, 0x22, 0x4d, 0x18]) == .refused("lz4"))
        #expect(compression([0x5d, 0, 0, 0x80]) == .refused("lzma"))
        #expect(compression([]) == LayerCompression.none)
        #expect(compression(TarEntry.archive([.file("BZh9", "x")])) == LayerCompression.none)
    }
}

@Suite(.enabled(if: getuid() == 0, "needs root: layers have owners and whiteout devices"))
struct CompressedLayerTests {
    let scratch: Scratch
    let store: ImageStore

    init() throws {
        scratch = try Scratch()
        store = try ImageStore(root: "\(scratch.path)/store")
    }

    private func extract(_ bytes: [UInt8]) throws -> String {
        let path = "\(scratch.path)/\(try uniqueName())"
        try Files.write(path, bytes, flags: O_WRONLY | O_CREAT)
        let file = try FileDescriptor.open(path, O_RDONLY)
        var budget = UnpackBudget(UnpackLimits(), root: store.root)
        let layer = try store.layers.extract(file, name: "layer", expected: nil, budget: &budget)
        return store.layers.path(of: layer)
    }

    @Test func `a layer of several zstd frames is extracted, one with a large window is not`() throws {
        let tar = TarEntry.archive([.file("a", String(repeating: "x", count: 300_000))])
        let root = try extract(Zstd.frame(Array(tar[..<1000])) + Zstd.skippable + Zstd.single(Array(tar[1000...])))
        #expect(try Files.read("\(root)/a").count == 300_000)
        for large in [
            Zstd.frame(tar, exponent: 17),
            Zstd.frame(Array(tar[..<1000])) + Zstd.frame(Array(tar[1000...]), exponent: 17),
        ] {
            let error = #expect(throws: ImageError.self) { try extract(large) }
            #expect("\(try #require(error))".contains("zstd window"))
        }
        #expect(try Files.list("\(store.root)/unpack").isEmpty)
    }

    @Test func `a layer compressed otherwise is refused by the name of that`() throws {
        let error = #expect(throws: ImageError.self) {
            try extract([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0] + [UInt8](repeating: 1, count: 1000))
        }
        #expect("\(try #require(error))".contains("compressed by xz: layers are plain tar, gzip or zstd"))
    }

    @Test func `what a pull needs stays for as long as it goes on, and nobody waits for it`() throws {
        let blob = try store.content.add(Array("a blob without a name".utf8))
        let other = try store.content.add(Array("one that nobody needs".utf8))
        var lease: ContentLease? = try store.lease()
        try store.keep(blobs: [blob], by: try #require(lease))
        #expect(try store.collectGarbage() > 0)
        #expect(store.content.contains(blob))
        #expect(!store.content.contains(other))
        lease = nil
        #expect(try Files.list("\(store.root)/pulls").isEmpty)
        #expect(try store.collectGarbage() > 0)
        #expect(!store.content.contains(blob))
        // What a process left behind that was killed holds nothing.
        try Files.write("\(store.root)/pulls/left", Array("blob \(blob)\n".utf8), flags: O_WRONLY | O_CREAT)
        _ = try store.content.add(Array("a blob without a name".utf8))
        #expect(try store.collectGarbage() > 0)
        #expect(!store.content.contains(blob))
        #expect(try Files.list("\(store.root)/pulls").isEmpty)
    }
}

struct PullPaceTests {
    @Test func `every interval has to bring something`() {
        var pace = PullPace(interval: 100, now: 0)
        #expect(pace.take(1, at: 99) == true)
        #expect(pace.take(PullPace.bytes, at: 150) == true)
        #expect(pace.take(PullPace.bytes, at: 200) == true)
        #expect(pace.take(0, at: 249) == true)
        #expect(pace.take(0, at: 250) == true)
        #expect(pace.take(PullPace.bytes - 1, at: 349) == true)
        #expect(pace.take(0, at: 350) == false)
    }
}
