// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Schema
import Testing

@testable import Kubelet

@Suite struct `A log's reader` {
    private static let lines = [
        "2026-01-01T00:00:00.000000001Z stdout F one", "2026-01-01T00:00:01.000000000Z stderr F two",
        "2026-01-01T00:00:02.000000000Z stdout P th", "2026-01-01T00:00:03.000000000Z stdout F ree",
        "2026-01-01T00:00:04.000000000Z stdout F ",
    ]

    private func read(_ lines: [String] = lines, _ change: (inout LogOptions) -> Void = { _ in }) -> String {
        var options = LogOptions()
        change(&options)
        var formatter = LogFormatter(options)
        var bytes: [UInt8] = []
        for line in lines { bytes += formatter.format(Array(line.utf8)[...]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `joins what the runtime has cut`() { #expect(read() == "one\ntwo\nthree\n\n") }

    @Test func `puts a time before each line, not each piece`() {
        #expect(
            read { $0.timestamps = true } == """
                2026-01-01T00:00:00.000000001Z one
                2026-01-01T00:00:01.000000000Z two
                2026-01-01T00:00:02.000000000Z three
                2026-01-01T00:00:04.000000000Z \n
                """)
    }

    @Test(arguments: [("Stdout", "one\nthree\n\n"), ("Stderr", "two\n"), ("All", "one\ntwo\nthree\n\n")])
    func `takes the stream asked for`(stream: String, text: String) { #expect(read { $0.stream = stream } == text) }

    @Test(arguments: [("2026-01-01T00:00:01Z", "two\nthree\n\n"), ("2026-01-01T00:00:05Z", "")])
    func `leaves out what is before a time`(since: String, text: String) {
        #expect(read { $0.since = KubeTime(since) } == text)
    }

    @Test(arguments: [(1, "o"), (4, "one\n"), (5, "one\nt"), (1000, "one\ntwo\nthree\n\n")])
    func `stops at a number of bytes`(limit: Int, text: String) { #expect(read { $0.limitBytes = limit } == text) }

    @Test(arguments: ["", "garbage", "time stdout", "time std F x", "time stdout F"])
    func `passes over a damaged line`(line: String) { #expect(read([line, Self.lines[0]]) == "one\n") }

    @Test func `keeps the pieces of two streams apart`() {
        let mixed = ["t stdout P a", "t stderr F b", "t stdout F c", "t stderr P d", "t stdout F e", "t stderr F f"]
        #expect(read(mixed) { $0.stream = "Stdout" } == "ac\ne\n")
        #expect(read(mixed) { $0.stream = "Stderr" } == "b\ndf\n")
    }

    // MARK: The tail

    private func tail(_ count: Int, of text: String) throws -> String {
        let file = try FileDescriptor.memoryFile("log")
        try file.writeAll(Array(text.utf8))
        let bytes = Array(text.utf8)
        return try String(decoding: bytes[LogTail.offset(of: count, in: file, size: bytes.count)...], as: UTF8.self)
    }

    @Test(arguments: 0...6) func `finds the last lines`(count: Int) throws {
        let all = (1...4).map { "t stdout F \($0)\n" }
        #expect(try tail(count, of: all.joined()) == all.suffix(count).joined())
    }

    @Test func `counts a line cut into pieces once`() throws {
        let text = "t stdout F 0\nt stdout P a\nt stdout P b\nt stdout F c\nt stdout F d\n"
        #expect(try tail(2, of: text) == "t stdout P a\nt stdout P b\nt stdout F c\nt stdout F d\n")
        #expect(try tail(1, of: text) == "t stdout F d\n")
        #expect(try tail(3, of: text) == text)
        #expect(try tail(2, of: "t stdout P a\nt stdout F b\nt stdout F c\n").hasPrefix("t stdout P a"))
    }

    @Test func `finds nothing in an empty log`() throws { #expect(try tail(3, of: "") == "") }

    @Test(arguments: [1, 2, 3, 10, 100, 1999, 2000, 3000])
    func `finds lines across the blocks it reads`(count: Int) throws {
        // Lines whose starts fall on every offset around the borders of 64 KiB.
        let all = (0..<2000).map { "2026-01-01T00:00:00Z stdout F \(String(repeating: "x", count: $0 % 131)) \($0)\n" }
        #expect(try tail(count, of: all.joined()) == all.suffix(count).joined())
    }

    @Test func `finds lines longer than a block`() throws {
        let all = (0..<4).map { "t stdout F \($0)" + String(repeating: "y", count: 100_000) + "\n" }
        for count in 0...5 { #expect(try tail(count, of: all.joined()) == all.suffix(count).joined()) }
    }

    // MARK: The cursor

    @Test func `goes on with the new file after a rotation`() throws {
        let path = "/tmp/kubelet-log-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { for name in [path, path + ".1"] { unlink(name) } }
        try Files.replace(path, with: Array("t stdout F a\nt stdout F b".utf8), durable: false)
        var cursor = try LogCursor(path: path, tail: nil)
        func next() throws -> [String]? {
            try cursor.next()?.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(try next() == ["t stdout F a"])
        #expect(try next() == nil)
        #expect(try !cursor.reopenIfRotated())
        try Files.write(path, Array("c\n".utf8), flags: O_WRONLY | O_APPEND)
        #expect(try next() == ["t stdout F bc"])
        try Files.rename(path, to: path + ".1")
        #expect(try !cursor.reopenIfRotated())
        try Files.replace(path, with: Array("t stdout F d\n".utf8), durable: false)
        #expect(try cursor.reopenIfRotated())
        #expect(try next() == ["t stdout F d"])
    }
}

@Suite struct `A log's rotation` {
    private let root = "/tmp/kubelet-rotation-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    private func inDirectory(_ body: (String) throws -> Void) throws {
        defer { #expect(throws: Never.self) { try Files.removeTree(root) } }
        try Files.makeDirectories("\(root)/logs/pod/main")
        try body("\(root)/logs/pod/main/0.log")
    }

    @Test func `keeps the last files`() throws {
        try inDirectory { path in
            for number in 0..<5 {
                try Files.replace(path, with: Array("\(number)".utf8), durable: false)
                try LogRotation.rotate(path, keep: 3)
            }
            let left = try Files.list(Files.parent(of: path)).map(\.name).sorted()
            #expect(left.count == 2 && left.allSatisfy { $0.hasPrefix("0.log.") })
            #expect(try Files.readText("\(root)/logs/pod/main/\(left[1])") == "4")
        }
    }

    @Test func `follows no link that a pod has put in its way`() throws {
        try inDirectory { path in
            try Files.makeDirectories("\(root)/other/main")
            try Files.replace("\(root)/other/main/0.log", with: [], durable: false)
            try Files.removeTree("\(root)/logs/pod/main")
            try Files.symlink("\(root)/other/main", at: "\(root)/logs/pod/main")
            #expect(throws: Errno.self) { try LogRotation.rotate(path, keep: 3) }
            try Files.removeTree("\(root)/logs/pod")
            try Files.symlink("\(root)/other", at: "\(root)/logs/pod")
            #expect(throws: Errno.self) { try LogRotation.rotate(path, keep: 3) }
            #expect(try Files.list("\(root)/other/main").map(\.name) == ["0.log"])
        }
    }
}

@Suite struct `Terminal sizes on a stream` {
    private func split(_ pieces: [String]) -> [String] {
        var splitter = JSONObjectSplitter()
        return pieces.flatMap { splitter.append(Array($0.utf8)) }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: [
        (["{\"a\":1}"], ["{\"a\":1}"]), (["{\"a\":", "1}{", "}"], ["{\"a\":1}", "{}"]),
        ([" \n{}\n\n{}"], ["{}", "{}"]), (["{\"a\":{}}"], ["{\"a\":{}}"]), (["}{}"], ["{}"]), (["{"], []), ([], []),
        (["{\"}\":\"\\\"{\"}{}"], ["{\"}\":\"\\\"{\"}", "{}"]),
    ]) func `are told apart however they arrive`(pieces: [String], documents: [String]) {
        #expect(split(pieces) == documents)
    }

    @Test func `do not fill the memory`() {
        #expect(split([String(repeating: "{", count: 5000), String(repeating: "}", count: 5000), "{}"]).last == "{}")
    }
}
