// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Shim

@Suite struct `The shim's protocol` {
    static let messages: [ShimMessage] = [
        .request(1, .hello(version: 1)),
        .request(
            2,
            .create(
                ContainerCreation(
                    id: "a", bundle: "/b", logPath: "/l", terminal: true, stdin: true, stdinOnce: true, logLimit: 9))),
        .request(3, .start(container: "ä")),
        .request(4, .signal(container: "a", exec: "e", signal: 15)),
        .request(5, .signal(container: "a", exec: nil, signal: -1)),
        .request(6, .delete(container: "a")),
        .request(7, .exec(ContainerExec(container: "a", exec: "e", processFile: "/p", terminal: true, stdin: true))),
        .request(8, .resize(container: "a", exec: nil, rows: 24, columns: 65535)),
        .request(9, .attach(ContainerAttach(container: "a", stdin: true, stdout: false, stderr: true))),
        .request(10, .reopenLog(container: "a")),
        .request(.max, .shutdown),
        .reply(1, .done),
        .reply(2, .process(ProcessIdentity(pid: 7, startTime: .max), streams: [.stdin, .stdout, .stderr])),
        .reply(3, .attached(streams: [.terminal])),
        .reply(4, .failed(ShimFailure(.runtime, "it broke"))),
        .reply(
            5,
            .hello(
                ShimState(
                    version: 1, podUID: "u", shim: ProcessIdentity(pid: 1, startTime: 2),
                    containers: [
                        ShimContainerState(
                            id: "a", phase: .exited, process: ProcessIdentity(pid: 3, startTime: 4), startedAt: 5,
                            exit: ExitRecord(
                                container: "a", pid: 3, code: 137, signal: 9, startedAt: 5, finishedAt: 6)),
                        ShimContainerState(id: "b", phase: .created, process: nil, startedAt: 0, exit: nil),
                    ]))),
        .event(
            .exited(ExitRecord(container: "a", pid: 3, code: 0, signal: 0, startedAt: -1, finishedAt: .max))),
        .event(
            .execExited(
                container: "a", exec: "e",
                ExitRecord(container: "a", pid: 3, code: 1, signal: 0, startedAt: 0, finishedAt: 1))),
        .event(.logLimitReached(container: "a", bytes: .max)),
        .event(.logFailed(container: "a", message: "no space left on device")),
    ]

    @Test(arguments: messages) func `gives back every message it framed`(message: ShimMessage) throws {
        var bytes = message.framed()
        let whole = bytes
        #expect(try ShimMessage.next(from: &bytes) == message)
        #expect(bytes.isEmpty)
        // Whatever is missing at the end, it waits for the rest.
        for count in 0..<whole.count {
            var part = Array(whole[..<count])
            #expect(try ShimMessage.next(from: &part) == nil)
        }
    }

    @Test func `takes messages one after the other`() throws {
        var bytes = `The shim's protocol`.messages.flatMap { $0.framed() }
        for message in `The shim's protocol`.messages { #expect(try ShimMessage.next(from: &bytes) == message) }
    }

    @Test func `refuses what is no message`() {
        var long: [UInt8] = [0xff, 0xff, 0xff, 0x7f]
        #expect(throws: ShimCodingError.self) { try ShimMessage.next(from: &long) }
        var unknown: [UInt8] = [1, 0, 0, 0, 9]
        #expect(throws: ShimCodingError.self) { try ShimMessage.next(from: &unknown) }
        var trailing = ShimMessage.reply(1, .done).framed()
        trailing[0] += 1
        trailing.append(0)
        #expect(throws: ShimCodingError.self) { try ShimMessage.next(from: &trailing) }
        // A text longer than its frame.
        var lying: [UInt8] = [10, 0, 0, 0, 1, 1, 0, 0, 0, 2, 200, 0, 0, 0]
        #expect(throws: ShimCodingError.self) { try ShimMessage.next(from: &lying) }
    }
}

@Suite struct `The sequence of requests` {
    private func refusal(_ sequence: inout ShimSequence, _ request: ShimRequest) -> String? {
        do {
            try sequence.begin(request)
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `follows a container from its creation to its end`() {
        var sequence = ShimSequence()
        #expect(refusal(&sequence, .create(ContainerCreation(id: "a", bundle: "", logPath: ""))) == nil)
        #expect(refusal(&sequence, .start(container: "a")) == "cannot start container a: it is creating")
        sequence.created("a", success: true)
        #expect(
            refusal(&sequence, .create(ContainerCreation(id: "a", bundle: "", logPath: ""))) == "container a exists")
        #expect(refusal(&sequence, .start(container: "a")) == nil)
        sequence.started("a", success: true)
        #expect(refusal(&sequence, .start(container: "a")) == "cannot start container a: it is running")
        #expect(refusal(&sequence, .shutdown) == "containers are left: a")
        sequence.exited("a")
        let exec = ContainerExec(container: "a", exec: "e", processFile: "")
        #expect(refusal(&sequence, .exec(exec)) == "cannot exec in container a: it is exited")
        #expect(refusal(&sequence, .delete(container: "a")) == nil)
        sequence.deleted("a", success: true)
        #expect(refusal(&sequence, .delete(container: "a")) == "no container a")
        #expect(refusal(&sequence, .shutdown) == nil)
        #expect(refusal(&sequence, .hello(version: 1)) == "the shim is ending")
    }

    @Test func `keeps an end that comes before the start's answer`() {
        var sequence = ShimSequence()
        _ = refusal(&sequence, .create(ContainerCreation(id: "a", bundle: "", logPath: "")))
        sequence.created("a", success: true)
        _ = refusal(&sequence, .start(container: "a"))
        sequence.exited("a")
        sequence.started("a", success: true)
        #expect(sequence.phase(of: "a") == .exited)
    }

    @Test func `refuses another version`() {
        var sequence = ShimSequence()
        #expect(refusal(&sequence, .hello(version: 2)) == "the daemon speaks version 2, this shim 1")
    }
}

@Suite struct `Log lines` {
    private func format(_ chunks: [(ShimStream, String)], finish: Bool = true) -> String {
        var formatter = LogFormatter()
        var output: [UInt8] = []
        for (stream, text) in chunks {
            Array(text.utf8).withUnsafeBytes { formatter.format($0, of: stream, at: Array("T".utf8), into: &output) }
        }
        if finish {
            formatter.finish(.stdout, at: Array("T".utf8), into: &output)
            formatter.finish(.stderr, at: Array("T".utf8), into: &output)
        }
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `are whole when a line is whole`() {
        #expect(format([(.stdout, "a\nb\n"), (.stderr, "\n")]) == "T stdout F a\nT stdout F b\nT stderr F \n")
    }

    @Test func `join what came in pieces, each stream for itself`() {
        #expect(
            format([(.stdout, "he"), (.stderr, "er"), (.stdout, "llo\n"), (.stderr, "ror\n")])
                == "T stdout F hello\nT stderr F error\n")
    }

    @Test func `are parts when a line is too long or has no end`() {
        let long = String(repeating: "x", count: LogFormatter.maximumLine)
        #expect(format([(.stdout, long + "y\n")]) == "T stdout P \(long)\nT stdout F y\n")
        #expect(format([(.stdout, "prompt> ")]) == "T stdout P prompt> \n")
        #expect(format([(.stdout, "prompt> ")], finish: false) == "")
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000000Z"), (951_827_696_123_456_789, "2000-02-29T12:34:56.123456789Z"),
        (1_798_761_599_999_999_999, "2026-12-31T23:59:59.999999999Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
    ]) func `say the time in UTC`(nanoseconds: Int64, text: String) {
        #expect(String(decoding: logTimestamp(nanoseconds), as: UTF8.self) == text)
    }
}
