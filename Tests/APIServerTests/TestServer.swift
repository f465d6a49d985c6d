// SPDX-License-Identifier: Apache-2.0

import APIServer
import Glibc
import HTTP
import JSON
import Linux
import Telemetry
import Testing

/// A server of its own for one test, in a directory that goes with it.
final class TestServer: Sendable {
    let directory: String
    let server: APIServer

    init(
        isStarted: Bool = true, _ change: (inout APIServerConfiguration) -> Void = { _ in }
    ) async throws {
        var template = Array("/tmp/swiftlet-apiserver-XXXXXX".utf8CString)
        directory = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
        var configuration = APIServerConfiguration(dataDirectory: directory, advertiseAddress: "192.0.2.1")
        change(&configuration)
        server = try APIServer(
            configuration, logger: Logger(label: "test", level: .error))
        if isStarted { try await server.start() }
    }

    deinit {
        server.stop()
        try? Files.removeTree(directory)
    }

    static let admin = RequestUser(name: "admin", groups: ["system:masters"])

    struct Answer {
        var status: Int
        var json: JSONValue
        var headers: HTTPHeaders
    }

    @discardableResult
    func send(
        _ method: String, _ target: String, _ body: JSONValue? = nil, as user: RequestUser = admin,
        type: String = "application/json", headers: [(String, String)] = []
    ) async throws -> Answer {
        try await send(method, target, bytes: body?.encoded(), as: user, type: type, headers: headers)
    }

    func send(
        _ method: String, _ target: String, bytes: [UInt8]?, as user: RequestUser = admin,
        type: String = "application/json", headers: [(String, String)] = []
    ) async throws -> Answer {
        var request = HTTPRequest(method: method, target: target, headers: HTTPHeaders(headers))
        if let bytes {
            request.body = .bytes(bytes)
            request.headers["Content-Type"] = type
        }
        let response = try await server.exchange(as: user).send(request)
        let answer = try await response.body.collect(limit: 64 << 20)
        // Some answers are plain text: they are told apart by their status and headers.
        let json = (try? JSONValue.parse(answer)) ?? .string(String(decoding: answer, as: UTF8.self))
        return Answer(status: response.status, json: json, headers: response.headers)
    }

    /// The first `count` events of a watch.
    func watch(_ target: String, _ count: Int) async throws -> [JSONValue] {
        let response = try await server.exchange(as: Self.admin).send(HTTPRequest(target: target))
        guard case .stream(let stream) = response.body else { return [] }
        var lines = LineReader()
        var events: [JSONValue] = []
        while events.count < count, let chunk = try await stream.next() {
            events += try lines.take(chunk).map { try JSONValue.parse($0) }
        }
        return events
    }
}

/// Lines out of chunks.
struct LineReader {
    private var rest: [UInt8] = []

    mutating func take(_ chunk: [UInt8]) -> [[UInt8]] {
        rest += chunk
        var lines: [[UInt8]] = []
        while let end = rest.firstIndex(of: 0x0a) {
            lines.append(Array(rest[..<end]))
            rest.removeSubrange(...end)
        }
        return lines
    }
}

func configMap(_ name: String, _ data: JSONObject = ["a": "b"], labels: JSONObject = [:]) -> JSONValue {
    [
        "kind": "ConfigMap", "apiVersion": "v1", "metadata": ["name": .string(name), "labels": .object(labels)],
        "data": .object(data),
    ]
}

func pod(_ name: String, _ extra: JSONObject = [:]) -> JSONValue {
    var spec: JSONObject = ["containers": [["name": "c", "image": "busybox:1"]]]
    for (key, value) in extra { spec[key] = value }
    return [
        "kind": "Pod", "apiVersion": "v1", "metadata": ["name": .string(name)], "spec": .object(spec),
    ]
}

let maps = "/api/v1/namespaces/default/configmaps"
let pods = "/api/v1/namespaces/default/pods"
