// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// A running invocation of the OCI runtime, and what becomes of it when it ends.
final class RuntimeOperation {
    let logPath: String
    let finish: (Result<Void, ShimFailure>) -> Void
    private let verb: String

    init(verb: String, logPath: String, finish: @escaping (Result<Void, ShimFailure>) -> Void) {
        self.verb = verb
        self.logPath = logPath
        self.finish = finish
    }

    func ended(code: Int32, signal: Int32) {
        defer { unlink(logPath) }
        if code == 0, signal == 0 { return finish(.success(())) }
        let how = signal != 0 ? "was killed by signal \(signal)" : "failed with exit code \(code)"
        let said = RuntimeOperation.message(logPath)
        finish(.failure(ShimFailure(.runtime, said.isEmpty ? "runtime \(verb) \(how)" : said)))
    }

    /// What the runtime logged last. Runtimes write `time=… level=error msg="…"`, or plain text.
    static func message(_ path: String) -> String {
        // Without a log the exit code has to do.
        guard let text = try? Files.readText(path) else { return "" }
        guard let line = text.split(separator: "\n").last(where: { !$0.isEmpty }) else { return "" }
        guard let range = line.firstRange(of: "msg=\"") else { return String(line) }
        var message = ""
        var isEscaped = false
        for character in line[range.upperBound...] {
            if isEscaped {
                message.append(character == "n" ? "\n" : character == "t" ? "\t" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            } else {
                message.append(character)
            }
        }
        return message
    }
}
