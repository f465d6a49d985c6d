// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Testing
import Volumes

@Suite struct `The atomic writer` {
    private let scratch: Scratch
    private let writer: AtomicWriter

    init() throws {
        scratch = try Scratch()
        writer = AtomicWriter(directory: scratch.path)
    }

    private func file(_ text: String, _ mode: UInt32 = 0o644) -> ProjectedFile {
        ProjectedFile(bytes: Array(text.utf8), mode: mode)
    }

    @Test func `shows files through links that never change`() throws {
        #expect(try writer.write(["a": file("1"), "dir/b": file("2", 0o400)]))
        #expect(try text(scratch("a")) == "1")
        #expect(try text(scratch("dir/b")) == "2")
        #expect(try Files.readLink(scratch("a")) == "..data/a")
        #expect(try Files.readLink(scratch("dir")) == "..data/dir")
        #expect(try mode(scratch("a")) == 0o644)
        #expect(try mode(scratch("dir/b")) == 0o400)
        #expect(try Files.readLink(scratch("..data")).hasPrefix(".."))
    }

    @Test func `swaps all files at once and removes the old set`() throws {
        try writer.write(["a": file("1"), "gone": file("x")])
        let before = try Files.readLink(scratch("..data"))
        #expect(try writer.write(["a": file("2"), "new": file("y")]))
        let after = try Files.readLink(scratch("..data"))
        #expect(before != after)
        #expect(try names(scratch.path) == ["..data", after, "a", "new"].sorted())
        #expect(try text(scratch("a")) == "2")
        #expect(!Files.exists(scratch(before)))
    }

    @Test func `leaves everything alone when nothing changed`() throws {
        try writer.write(["a": file("1"), "d/b": file("2")])
        let before = try Files.readLink(scratch("..data"))
        #expect(try !writer.write(["a": file("1"), "d/b": file("2")]))
        #expect(try Files.readLink(scratch("..data")) == before)
    }

    @Test(arguments: [
        ["a": ("1", UInt32(0o600))], ["a": ("1 ", 0o644)], ["a": ("1", 0o644), "b": ("", 0o644)], [:],
    ]) func `sees a change of mode, content or number`(to files: [String: (String, UInt32)]) throws {
        try writer.write(["a": file("1")])
        #expect(try writer.write(files.mapValues { file($0.0, $0.1) }))
        #expect(try names(scratch.path).filter { !$0.hasPrefix("..") } == files.keys.sorted())
    }

    @Test func `repairs a file that was tampered with`() throws {
        try writer.write(["a": file("1")])
        try put(scratch("a"), "evil")
        #expect(try writer.write(["a": file("1")]))
        #expect(try text(scratch("a")) == "1")
    }

    @Test func `opens nothing but files, and makes what should be one anew`() throws {
        try writer.write(["a": file("1")])
        let place = scratch("..data/a")
        for _ in 0..<2 {
            try Files.remove(place)
            try Files.makeFifo(place, mode: 0o644)
            #expect(try writer.write(["a": file("1")]))
            #expect(try text(scratch("a")) == "1")
        }
        // However long it has become, no more of it is read than it may have.
        try put(scratch("a"), String(repeating: "1", count: 1 << 20))
        #expect(try writer.write(["a": file("1")]))
    }

    @Test(arguments: ["", "/a", "a/../b", "..", "..data", "a//b", "../a", "a/", "..2026"])
    func `refuses a path that leads elsewhere`(path: String) throws {
        #expect(throws: Errno.self) { try writer.write([path: file("1")]) }
        #expect(try names(scratch.path) == [])
    }

    @Test(arguments: ["..", "../..", "/etc", "..data", "victim", "../victim"])
    func `never removes what a link planted in the volume points at`(target: String) throws {
        let volume = scratch("volume")
        try Files.makeDirectories(volume + "/victim")
        try Files.makeDirectories(scratch("victim"))
        try put(scratch("victim/kept"), "kept")
        try Files.symlink(target, at: volume + "/..data")
        // The names in the volume are the writer's; whatever becomes of them, what is outside stays.
        _ = try? AtomicWriter(directory: volume).write(["a": file("1")])
        #expect(try text(scratch("victim/kept")) == "kept")
        #expect(Files.exists(volume))
    }

    @Test func `does not write through a directory replaced by a link`() throws {
        let outside = scratch("outside")
        try Files.makeDirectories(outside)
        let volume = scratch("volume")
        try Files.makeDirectories(volume)
        let writer = AtomicWriter(directory: volume)
        try writer.write(["d/a": file("1")])
        let data = try Files.readLink(volume + "/..data")
        try Files.removeTree("\(volume)/\(data)/d")
        try Files.symlink(outside, at: "\(volume)/\(data)/d")
        try put(outside + "/a", "1")
        // What reads as the same file is not: it is outside, and a link is no part of a volume.
        #expect(try writer.write(["d/a": file("1")]))
        #expect(try writer.write(["d/a": file("2")]))
        #expect(try text(outside + "/a") == "1")
        #expect(try text(volume + "/d/a") == "2")
    }

    @Test(arguments: [["x", "x/y"], ["d/x", "d/x/y/z", "b"], ["a/" + String(repeating: "n", count: 256)]])
    func `refuses what no directory can hold before it makes anything`(paths: [String]) throws {
        #expect(throws: Errno.self) {
            try writer.write(Dictionary(uniqueKeysWithValues: paths.map { ($0, file("1")) }))
        }
        #expect(try names(scratch.path).isEmpty)
    }

    @Test func `takes the longest names there are`() throws {
        let name = String(repeating: "n", count: 255)
        let path = Array(repeating: name, count: 15).joined(separator: "/") + "/a"
        #expect(try writer.write([path: file("1")]))
        #expect(try text(scratch(path)) == "1")
    }

    @Test func `leaves nothing behind however often it fails, and nothing of a write that was killed`() throws {
        try writer.write(["a": file("1")])
        // No link of the writer's, so it cannot be taken away.
        try Files.makeDirectories(scratch("planted/below"))
        try Files.makeDirectories(scratch("..123/left"))
        for round in 0..<3 { #expect(throws: Errno.self) { try writer.write(["a": file("x\(round)")]) } }
        #expect(try names(scratch.path).filter { $0.hasPrefix("..") && $0 != "..data" }.count == 1)
        try Files.removeTree(scratch("planted"))
        #expect(try writer.write(["a": file("2")]))
        #expect(try names(scratch.path).count == 3)
        #expect(try text(scratch("a")) == "2")
    }

    @Test(.enabled(if: getuid() == 0, "needs root"))
    func `gives files to the user and the group asked for`() throws {
        try writer.write(
            ["a": ProjectedFile(bytes: [1], mode: 0o400, user: 1234), "b": ProjectedFile(bytes: [2], mode: 0o440)],
            group: 99)
        let (a, b) = (try Files.status(scratch("a")), try Files.status(scratch("b")))
        #expect(a.user == 1234 && a.group == 99)
        #expect(b.user == 0 && b.group == 99)
    }

    @Test func `is not held up by what a writer that was killed left`() throws {
        try writer.write(["a": file("1")])
        try Files.symlink("nowhere", at: scratch("..data_tmp"))
        #expect(try writer.write(["a": file("2")]))
        #expect(try text(scratch("a")) == "2")
    }
}
