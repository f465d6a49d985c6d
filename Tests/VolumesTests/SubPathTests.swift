// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Testing
import Volumes

@Suite(.enabled(if: getuid() == 0, "needs root")) struct `A subPath` {
    private let scratch: Scratch
    private let volume: String
    private let target: String

    init() throws {
        scratch = try Scratch()
        volume = scratch("volume")
        target = scratch("target/0")
        try Files.makeDirectories(volume + "/inside")
        try put(volume + "/inside/file", "inside")
        try Files.makeDirectories(scratch("outside"))
        try put(scratch("outside/file"), "outside")
    }

    private func bind(_ subPath: String) throws {
        _ = try SubPath.bind(volumePath: volume, subPath: subPath, target: target)
    }

    @Test func `is the directory or the file of the volume`() throws {
        try bind("inside")
        #expect(try text(target + "/file") == "inside")
        // The same again replaces the mount, and puts none on top.
        try bind("inside/file")
        #expect(try text(target) == "inside")
    }

    @Test func `is made as a directory where nothing is`() throws {
        try bind("new/deep")
        #expect(try Files.status(volume + "/new/deep").kind == .directory)
        try put(target + "/x", "1")
        #expect(try text(volume + "/new/deep/x") == "1")
    }

    @Test func `is made below a link inside the volume, however its name begins`() throws {
        try Files.symlink(scratch("outside"), at: volume + "/link")
        #expect(throws: Errno.self) { try bind("link/\u{301}x") }
        #expect(throws: Errno.self) { try bind("link/\u{301}x/y") }
        #expect(try names(scratch("outside")) == ["file"])
        try bind("inside/\u{301}x/y")
        #expect(try Files.status(volume + "/inside/\u{301}x/y").kind == .directory)
    }

    @Test func `follows links that stay inside`() throws {
        try Files.symlink("inside", at: volume + "/link")
        try bind("link/file")
        #expect(try text(target) == "inside")
    }

    /// Swift takes a slash and the mark behind it for one character; the kernel does not.
    @Test(arguments: [
        "../outside", "/etc", "inside/../../outside", "..", "../\u{301}x", "inside/../../\u{301}x", "/\u{301}x",
    ])
    func `may not name a way out`(subPath: String) throws { #expect(throws: Errno.self) { try bind(subPath) } }

    @Test(arguments: [
        "../outside", "/etc", "../../../../../etc/passwd", "/proc/self/root", "inside/../../outside/file",
    ])
    func `is not led out by a link`(to escape: String) throws {
        try Files.symlink(escape, at: volume + "/link")
        #expect(throws: Errno.self) { try bind("link") }
        #expect(throws: Errno.self) { try bind("link/file") }
        #expect(try !Files.exists(target) || Files.status(target).isMountRoot != true)
        #expect(try names(scratch("outside")) == ["file"])
    }

    @Test func `is not led out by a link that turns while it is opened`() async throws {
        // Another thread swaps a directory and a link to the outside as fast as it can.
        let volume = volume
        try Files.symlink(scratch("outside"), at: volume + "/evil")
        let swapping = Task.detached { @Sendable in
            while !Task.isCancelled { try Files.exchange(volume + "/inside", volume + "/evil") }
        }
        defer { swapping.cancel() }

        for _ in 0..<300 {
            do { try bind("inside/file") } catch { continue }

            #expect(try text(target) == "inside")
        }
        swapping.cancel()
        _ = await swapping.result

        #expect(try text(scratch("outside/file")) == "outside")
    }
}
