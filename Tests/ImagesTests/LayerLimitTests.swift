// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Testing

@testable import Images

@Suite(.enabled(if: getuid() == 0, "needs root: layers have owners and whiteout devices"))
struct LayerLimitTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func store(_ name: String = "store", _ change: (inout UnpackLimits) -> Void) throws -> ImageStore {
        var limits = UnpackLimits()
        limits.reserve = 0
        change(&limits)
        return try ImageStore(root: "\(scratch.path)/\(name)", limits: limits)
    }

    private func file(_ bytes: [UInt8]) throws -> String {
        let path = "\(scratch.path)/\(try uniqueName()).tar"
        try Files.write(path, bytes, flags: O_WRONLY | O_CREAT)
        return path
    }

    private func expectNothing(_ store: ImageStore) throws {
        #expect(try Files.list("\(store.root)/unpack").isEmpty)
        #expect(try Files.list("\(store.root)/layers").isEmpty)
        #expect(try Files.list("\(store.root)/ingest").isEmpty)
        #expect(try store.list().isEmpty)
    }

    @Test func `a layer with more bytes than an image may have is refused, and leaves nothing`() throws {
        let path = try file(TarEntry.archive([.file("a", String(repeating: "x", count: 100_000))]))
        let tight = try store { $0.imageBytes = 50_000 }
        let error = #expect(throws: ImageError.self) { try tight.importArchive(path, name: "x:1") }
        #expect("\(try #require(error))".contains("--max-image-size"))
        try expectNothing(tight)
        let wide = try store("wide") { $0.imageBytes = 110_000 }
        #expect(try wide.importArchive(path, name: "x:1").count == 1)
    }

    @Test func `a layer that is mostly nothing is refused`() throws {
        // Zeros, as gzip packs them best.
        let zeros = TarEntry.archive([
            TarEntry(name: "zeros", type: UInt8(ascii: "0"), content: [UInt8](repeating: 0, count: 1 << 20))
        ])
        let path = try file(try gzip(zeros))
        let tight = try store {
            $0.ratio = 100
            $0.ratioFloor = 512 << 10
        }
        let error = #expect(throws: ImageError.self) { try tight.importArchive(path, name: "x:1") }
        #expect("\(try #require(error))".contains("--max-image-ratio"))
        try expectNothing(tight)
        // What is small may be mostly nothing.
        #expect(try store("usual") { _ in }.importArchive(path, name: "x:1").count == 1)
    }

    @Test func `what is compressed within what is compressed is not undone`() throws {
        let once = try gzip(TarEntry.archive([.file("a", "b")]))
        let path = try file(try gzip(once))
        let store = try store { _ in }
        var budget = UnpackBudget(store.limits, root: store.root)
        let blob = try FileDescriptor.open(path, O_RDONLY)
        #expect(throws: ImageError.self) {
            try store.layers.extract(blob, name: "twice", expected: nil, budget: &budget)
        }
        try expectNothing(store)
    }

    @Test func `a layer of more files than an image may have is refused`() throws {
        let path = try file(TarEntry.archive((0..<50).map { .file("f\($0)", "") }))
        let tight = try store { $0.entries = 49 }
        let error = #expect(throws: ImageError.self) { try tight.importArchive(path, name: "x:1") }
        #expect("\(try #require(error))".contains("--max-image-files"))
        try expectNothing(tight)
        #expect(try store("wide") { $0.entries = 50 }.importArchive(path, name: "x:1").count == 1)
    }

    @Test func `a full disk is left as it is`() throws {
        let path = try file(TarEntry.archive([.file("a", "b")]))
        // A tmpfs of one page is full with it.
        let disk = "\(scratch.path)/disk"
        try Files.makeDirectories(disk)
        guard mount("tmpfs", disk, "tmpfs", 0, "size=4m") == 0 else { return }
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let store = try ImageStore(root: disk)
        try Files.write("\(disk)/filler", [UInt8](repeating: 1, count: (4 << 20) - 150_000), flags: O_WRONLY | O_CREAT)
        let error = #expect(throws: ImageError.self) { try store.importArchive(path, name: "x:1") }
        #expect("\(try #require(error))".contains("bytes left"))
        try expectNothing(store)
    }

    @Test(arguments: [(0xFFFF_FFFF, 0), (0, 0xFFFF_FFFF), (0x1_0000_0000, 0), (-1, 0), (0x1_0000_0001, 0)])
    func `a file of a user there is not is refused`(_ user: Int, _ group: Int) throws {
        var entry = TarEntry.file("su", "x", mode: 0o4755)
        entry.user = user
        entry.group = group
        let path = try file(TarEntry.archive([entry]))
        let store = try store { _ in }
        #expect(throws: ImageError.self) { try store.importArchive(path, name: "x:1") }
        try expectNothing(store)
    }

    @Test(arguments: [Int.max, -1, Int(Int64.min), 0x7FFF_FFFF_FFFF])
    func `a time of any year is no end of the world`(_ time: Int) throws {
        var entry = TarEntry.file("f", "x")
        entry.modified = time
        let path = try file(TarEntry.archive([entry]))
        let store = try store { _ in }
        // Refused or taken, as the file system likes.
        _ = try? store.importArchive(path, name: "x:1")
        #expect(try Files.list("\(store.root)/unpack").isEmpty)
    }

    // MARK: What blobs are

    /// An image of another's layer: its manifest and configuration name the layer `claimed`, its blob holds `entries`.
    private func claim(
        _ claimed: ImageDigest, _ entries: [TarEntry], size: Int64? = nil, in store: ImageStore
    ) throws -> ImageRecord? {
        let content = try ImageStore(root: "\(scratch.path)/\(try uniqueName())").content
        let blob = try content.add(TarEntry.archive(entries))
        let config = try content.add(ImageConfiguration().encoded(layers: [claimed]))
        let manifest = try content.add(
            ImageManifest(
                config: Descriptor(mediaType: "", digest: config, size: try #require(content.size(of: config))),
                layers: [Descriptor(mediaType: "", digest: blob, size: try size ?? #require(content.size(of: blob)))]
            ).encoded)
        let index: JSONValue = [
            "schemaVersion": 2,
            "manifests": [
                Descriptor(mediaType: "", digest: manifest, size: try #require(content.size(of: manifest))).json
            ],
        ]
        try Files.write("\(content.root)/index.json", index.encoded(), flags: O_WRONLY | O_CREAT)
        return try store.importArchive(content.root, name: "claim:1").first
    }

    @Test func `a layer is not another's by its claim`() throws {
        let store = try store { _ in }
        let secret = try #require(
            store.importArchive(try file(TarEntry.archive([.file("secret", "s")])), name: "secret:1").first)
        let diff = try #require(secret.layers.first)
        #expect(throws: ImageError.self) { try claim(diff, [.file("mine", "m")], in: store) }
        #expect(try store.resolve("claim:1") == nil)
        // Nor by half of it, which is what the directory is called.
        let half = try #require(ImageDigest("sha256:" + diff.hex.prefix(32) + String(repeating: "0", count: 32)))
        #expect(throws: ImageError.self) { try claim(half, [.file("mine", "m")], in: store) }
        let other = try #require(ImageDigest("sha512:" + diff.hex.prefix(32) + String(repeating: "0", count: 96)))
        #expect(throws: ImageError.self) { try claim(other, [.file("secret", "s")], in: store) }
        // Whoever has the bytes has the layer.
        let own = try #require(try claim(diff, [.file("secret", "s")], in: store))
        #expect(own.layers == [diff])
        // And what was found out once is known.
        #expect(try claim(diff, [.file("secret", "s")], in: store) != nil)
        _ = try store.remove("claim:1")
        _ = try store.remove("secret:1")
        _ = try store.collectGarbage()
        #expect(try Files.list("\(store.root)/diffs").isEmpty)
    }

    @Test(arguments: [Int64.max, 0, 1]) func `a size that is not the blob's is refused`(_ size: Int64) throws {
        let store = try store { _ in }
        let image = try #require(
            store.importArchive(try file(TarEntry.archive([.file("a", "b")])), name: "a:1").first)
        #expect(throws: ImageError.self) {
            try claim(try #require(image.layers.first), [.file("a", "b")], size: size, in: store)
        }
        #expect(try store.list().count == 1)
    }

    @Test func `an archive that is no file is not opened`() throws {
        let store = try store { _ in }
        let fifo = "\(scratch.path)/fifo"
        try Files.makeFifo(fifo, mode: 0o600)
        #expect(throws: ImageError.self) { try store.importArchive(fifo, name: "x:1") }
        #expect(throws: ImageError.self) { try store.importArchive("/dev/zero", name: "x:1") }
        let layout = "\(scratch.path)/layout"
        try Files.makeDirectories("\(layout)/blobs/sha256")
        try Files.makeFifo("\(layout)/index.json", mode: 0o600)
        #expect(throws: ImageError.self) { try store.importArchive(layout, name: "x:1") }
        try Files.remove("\(layout)/index.json")
        try Files.write("\(layout)/index.json", Array("{}".utf8), flags: O_WRONLY | O_CREAT)
        try Files.makeFifo("\(layout)/blobs/sha256/\(String(repeating: "0", count: 64))", mode: 0o600)
        #expect(throws: ImageError.self) { try store.importArchive(layout, name: "x:1") }
        try expectNothing(store)
    }

    /// By the smallest of all gzip writers: runs of zeros in dynamic blocks would do better, stored ones do not do.
    private func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let (plain, packed) = ("\(scratch.path)/\(try uniqueName())", "\(scratch.path)/\(try uniqueName()).gz")
        try Files.write(plain, bytes, flags: O_WRONLY | O_CREAT)
        let pid = spawn(["/bin/sh", "-c", "gzip -9 -c '\(plain)' > '\(packed)'"])
        var status: Int32 = 0
        try #require(waitpid(pid, &status, 0) == pid && status == 0)
        return try Files.read(packed)
    }

    private func spawn(_ arguments: [String]) -> pid_t {
        var pid: pid_t = 0
        var words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        posix_spawn(&pid, arguments[0], nil, nil, &words, environ)
        return pid
    }
}
