// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing

@testable import Images

/// A directory that goes with the test.
final class Scratch {
    let path: String

    init() throws {
        path = "/tmp/swiftlet-images-\(try uniqueName())"
        try Files.makeDirectories(path, mode: 0o700)
    }

    deinit { try? Files.removeTree(path) }
}

@Suite(.enabled(if: getuid() == 0, "needs root: layers have owners and whiteout devices"))
struct ImageStoreTests {
    let scratch: Scratch
    let store: ImageStore

    init() throws {
        scratch = try Scratch()
        store = try ImageStore(root: "\(scratch.path)/store")
    }

    private func importTar(_ entries: [TarEntry], name: String = "test:1") throws -> ImageRecord {
        let path = "\(scratch.path)/\(try uniqueName()).tar"
        try Files.write(path, TarEntry.archive(entries), flags: O_WRONLY | O_CREAT)
        return try #require(try store.importArchive(path, name: name).first)
    }

    @Test func `a plain tar becomes an image with its files, modes and links`() throws {
        let image = try importTar([
            .directory("bin/", mode: 0o755), .file("bin/su", "x", mode: 0o4755), .link("bin/sh", to: "su"),
            .hardLink("bin/again", to: "bin/su"), .file("deep/down/file", "made its directories"),
        ])
        let root = try #require(store.lowerDirectories(of: image).first)
        #expect(try Files.status("\(root)/bin/su").permissions == 0o4755)
        #expect(try Files.readLink("\(root)/bin/sh") == "su")
        #expect(try Files.status("\(root)/bin/again").inode == Files.status("\(root)/bin/su").inode)
        #expect(try Files.readText("\(root)/deep/down/file") == "made its directories")
        #expect(image.repoTags == ["docker.io/library/test:1"])
        #expect(try store.resolve("test:1")?.id == image.id)
        #expect(try store.resolve("\(image.id)")?.id == image.id)
        #expect(try store.resolve(String(image.id.hex.prefix(12)))?.id == image.id)
    }

    @Test func `whiteouts take overlayfs's form`() throws {
        let image = try importTar([
            .directory("etc/"), .file("etc/.wh.gone", ""), .directory("opaque/"), .file("opaque/.wh..wh..opq", ""),
        ])
        let root = try #require(store.lowerDirectories(of: image).first)
        var status = stat()
        #expect(lstat("\(root)/etc/gone", &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0)
        #expect(try ExtendedAttributes.get("\(root)/opaque", "trusted.overlay.opaque") == [UInt8(ascii: "y")])
        #expect(!Files.exists("\(root)/etc/.wh.gone"))
    }

    @Test(arguments: [
        [TarEntry.file("../escape", "x")],
        [.file("a/../../escape", "x")],
        [.hardLink("shadow", to: "../../../../../../etc/shadow")],
        [.hardLink("missing", to: "not/here")],
        [.node("null", type: UInt8(ascii: "3"))],
    ])
    func `a hostile entry is refused and leaves nothing`(entries: [TarEntry]) throws {
        #expect(throws: ImageError.self) { try importTar(entries) }
        #expect(!Files.exists("\(scratch.path)/store/escape"))
        #expect(!Files.exists("\(scratch.path)/escape"))
        #expect(try Files.list("\(store.root)/unpack").isEmpty)
        #expect(try Files.list("\(store.root)/layers").isEmpty)
        #expect(try store.list().isEmpty)
    }

    @Test func `a link in a layer leads nowhere outside it`() throws {
        let image = try importTar([
            .directory("real/"), .link("out", to: "/real"), .file("out/file", "inside"),
            .link("up", to: "../../../.."), .file("up/top", "inside"),
        ])
        let root = try #require(store.lowerDirectories(of: image).first)
        #expect(try Files.readText("\(root)/real/file") == "inside")
        #expect(try Files.readText("\(root)/top") == "inside")
    }

    @Test func `a link to a directory of the host is not followed`() throws {
        let outside = "\(scratch.path)/outside"
        try Files.makeDirectories(outside)
        #expect(throws: ImageError.self) { try importTar([.link("out", to: outside), .file("out/file", "escaped")]) }
        #expect(try Files.list(outside).isEmpty)
    }

    @Test func `a layer refused at its end leaves nothing, however deep it is`() throws {
        // Each link leads to the end of a chain, where the next one begins.
        var entries: [TarEntry] = []
        var start = "d"
        for step in 0..<30 {
            let end = start + String(repeating: "/d", count: 45)
            entries += [.directory(end), .link("l\(step)", to: end)]
            start = "l\(step)"
        }
        let image = try importTar(entries + [.file("l29/bottom", "found")])
        let root = try #require(store.lowerDirectories(of: image).first)
        #expect(try Files.usage(root).inodes == 46 + 29 * 45 + 30 + 2)
        #expect(throws: ImageError.self) { try importTar(entries + [.file("../escape", "x")], name: "refused:1") }
        #expect(try Files.list("\(store.root)/unpack").isEmpty)
    }

    @Test func `a later entry replaces an earlier one of any kind`() throws {
        let image = try importTar([
            .directory("x/"), .file("x/inner", "1"), .file("x", "now a file"), .link("y", to: "/etc"),
            .directory("y/"), .file("y/passwd", "own"),
        ])
        let root = try #require(store.lowerDirectories(of: image).first)
        #expect(try Files.readText("\(root)/x") == "now a file")
        #expect(try Files.status("\(root)/y", followLast: false).kind == .directory)
        #expect(try Files.readText("\(root)/y/passwd") == "own")
    }

    @Test func `export and import give the same image`() throws {
        let image = try importTar([.file("hello", "world")])
        let archive = "\(scratch.path)/out.tar"
        try store.export(["test:1"], to: archive)
        let other = try ImageStore(root: "\(scratch.path)/other")
        let copy = try #require(try other.importArchive(archive).first)
        #expect(copy.id == image.id)
        #expect(copy.layers == image.layers)
        #expect(copy.repoTags == image.repoTags)
        #expect(try Files.readText(other.lowerDirectories(of: copy)[0] + "/hello") == "world")
    }

    @Test func `a blob that does not match its name is refused`() throws {
        let image = try importTar([.file("hello", "world")])
        let archive = "\(scratch.path)/out.tar"
        try store.export(["test:1"], to: archive)
        var bytes = try Files.read(archive)
        let needle = Array("world".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: needle) })
        bytes[place] = UInt8(ascii: "W")
        try Files.replace(archive, with: bytes, durable: false)
        let other = try ImageStore(root: "\(scratch.path)/other")
        #expect(throws: ImageError.self) { try other.importArchive(archive) }
        #expect(try other.list().isEmpty)
        #expect(image.size > 0)
    }

    @Test func `removal frees what no other name needs`() throws {
        let first = try importTar([.file("a", "1")], name: "one:1")
        let second = try importTar([.file("b", "2")], name: "two:1")
        _ = try store.tag("one:1", as: "again:1")
        #expect(try store.remove("one:1") == ["docker.io/library/one:1"])
        #expect(try store.collectGarbage() == 0)
        #expect(try store.resolve("again:1")?.id == first.id)
        _ = try store.remove("again:1")
        #expect(try store.collectGarbage() > 0)
        #expect(try store.list().map(\.id) == [second.id])
        #expect(Files.exists(store.lowerDirectories(of: second)[0]))
        #expect(!Files.exists(store.lowerDirectories(of: first)[0]))
    }

    @Test func `what a container stands on stays without a name`() throws {
        let image = try importTar([.file("a", "1")], name: "one:1")
        try store.hold(image, for: "c1")
        _ = try store.remove("one:1")
        #expect(try store.collectGarbage() == 0)
        #expect(Files.exists(store.lowerDirectories(of: image)[0]))
        #expect(throws: ImageError.self) { try store.hold(image, for: "c2") }
        try Files.removeTree("\(store.root)/containers")
        #expect(try store.collectGarbage() > 0)
        #expect(!Files.exists(store.lowerDirectories(of: image)[0]))
    }

    @Test func `torn archives are errors, never crashes`() throws {
        let whole = TarEntry.archive([.directory("d/"), .file("d/f", String(repeating: "x", count: 3000))])
        var random = SplitMix(state: 20)
        for round in 0..<200 {
            var bytes = Array(
                whole.prefix(round % 2 == 0 ? whole.count : Int.random(in: 1..<whole.count, using: &random)))
            for _ in 0..<8 {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let path = "\(scratch.path)/torn.tar"
            try Files.replace(path, with: bytes, durable: false)
            // Either outcome is right: what matters is that there is one, and that nothing is left half done.
            do { _ = try store.importArchive(path, name: "torn:1") } catch { #expect(!"\(error)".isEmpty) }
            #expect(try Files.list("\(store.root)/unpack").isEmpty)
        }
    }
}

/// The same numbers in every run (Steele, Lea and Flood, 2014).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
