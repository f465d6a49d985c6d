// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON

/// How the end of a remote command is told to the client: a Status object on the error channel since protocol v4.
enum RemoteCommandStatus {
    /// The document for an exit code, or for a failure to run at all.
    static func json(_ result: Result<Int32, any Error>) -> [UInt8] {
        let status: JSONValue
        switch result {
        case .success(0): status = ["metadata": [:], "status": "Success"]
        case .success(let code):
            status = [
                "metadata": [:], "status": "Failure",
                "message": .string("command terminated with non-zero exit code: exit status \(code)"),
                "reason": "NonZeroExitCode",
                "details": ["causes": [["reason": "ExitCode", "message": .string("\(code)")]]],
            ]
        case .failure(let error):
            status = [
                "metadata": [:], "status": "Failure", "message": .string("\(error)"), "reason": "InternalError",
                "code": 500,
            ]
        }
        return status.encoded()
    }

    /// The plain text older protocols want; empty for success.
    static func text(_ result: Result<Int32, any Error>) -> [UInt8] {
        switch result {
        case .success(0): []
        case .success(let code): Array("command terminated with non-zero exit code: exit status \(code)".utf8)
        case .failure(let error): Array("\(error)".utf8)
        }
    }
}

/// A new size of the client's terminal: `{"Width":80,"Height":24}`.
struct TerminalSize: Sendable, Equatable {
    var columns: UInt16
    var rows: UInt16

    init?(_ bytes: [UInt8]) {
        // A size that cannot be read is passed over, as upstream does: the terminal keeps the one it has.
        guard let json = try? JSONValue.parse(bytes), let width = json["Width"]?.integer,
            let height = json["Height"]?.integer, let columns = UInt16(exactly: width),
            let rows = UInt16(exactly: height)
        else { return nil }
        self.columns = columns
        self.rows = rows
    }
}

/// Cuts a stream of JSON objects, as the resize stream of SPDY carries them, into documents.
struct JSONObjectSplitter {
    private var buffer: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    mutating func append(_ bytes: [UInt8]) -> [[UInt8]] {
        var documents: [[UInt8]] = []
        for byte in bytes {
            if depth == 0, byte != UInt8(ascii: "{") { continue }
            buffer.append(byte)
            if isInString {
                // A brace in a string is none.
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte == UInt8(ascii: "\"") {
                isInString = true
            } else if byte == UInt8(ascii: "{") {
                depth += 1
            } else if byte == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 {
                    documents.append(buffer)
                    buffer = []
                }
            }
            // A size is a few dozen bytes; more than this is no size.
            if buffer.count > 4096 { self = JSONObjectSplitter() }
        }
        return documents
    }
}

/// Copies everything from one stream to a closure; returns at the end of the stream.
func drain(_ stream: any ByteStream, _ body: ([UInt8]) async throws -> Void) async throws {
    while true {
        let bytes = try await stream.read(max: 32 << 10)
        if bytes.isEmpty { return }
        try await body(bytes)
    }
}
