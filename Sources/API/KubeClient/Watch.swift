// SPDX-License-Identifier: Apache-2.0

import HTTP
public import JSON
public import KubeAPI
import Schema

/// One frame of a watch.
public enum WatchEvent<Object: Sendable>: Sendable {
    case added(Object)
    case modified(Object)
    case deleted(Object)
    /// Nothing changed up to this version; `initialEventsEnd` closes the initial events of a streaming list.
    case bookmark(resourceVersion: String, initialEventsEnd: Bool)
}

/// The frames of one watch response. ERROR frames are thrown as StatusError.
public struct WatchStream: AsyncSequence, Sendable {
    public typealias Element = WatchEvent<JSONObject>

    let body: HTTPBody
    let resource: ResourceID

    public func makeAsyncIterator() -> Iterator { Iterator(body: body, resource: resource) }

    public struct Iterator: AsyncIteratorProtocol {
        private var chunks: HTTPBodyStream.AsyncIterator?
        private var lines = LineSplitter()
        private let resource: ResourceID

        init(body: HTTPBody, resource: ResourceID) {
            self.resource = resource
            switch body {
            case .empty: break
            case .bytes(let bytes): lines.append(bytes)
            case .stream(let stream): chunks = stream.makeAsyncIterator()
            }
        }

        public mutating func next() async throws -> WatchEvent<JSONObject>? {
            while true {
                try Task.checkCancellation()
                if let line = lines.next() {
                    if let event = try decode(line) { return event }
                    continue
                }
                guard chunks != nil else {
                    guard let rest = lines.takeRest() else { return nil }
                    return try decode(rest)
                }
                if let chunk = try await chunks?.next() {
                    lines.append(chunk)
                } else {
                    chunks = nil
                }
            }
        }

        private func decode(_ line: ArraySlice<UInt8>) throws -> WatchEvent<JSONObject>? {
            if line.allSatisfy({ $0 <= 0x20 }) { return nil }
            let frame = try JSONValue.parse(line, options: .answer)
            let type = frame["type"]?.string ?? ""
            guard let object = frame["object"]?.object else {
                throw StatusError(
                    code: 500, reason: "InternalError", message: "watch \(resource.plural): a frame without an object")
            }
            switch type {
            case "ADDED": return .added(object.identified(as: resource))
            case "MODIFIED": return .modified(object.identified(as: resource))
            case "DELETED": return .deleted(object.identified(as: resource))
            case "BOOKMARK":
                let end = object["metadata"]?["annotations"]?["k8s.io/initial-events-end"]?.string == "true"
                return .bookmark(resourceVersion: object.objectResourceVersion, initialEventsEnd: end)
            case "ERROR": throw StatusError(status: object, code: 500)
            default:
                throw StatusError(
                    code: 500, reason: "InternalError",
                    message: "watch \(resource.plural): a frame of the unknown type \"\(type)\"")
            }
        }
    }
}

/// The same as views of one kind.
public struct TypedWatchStream<T: KubeObject>: AsyncSequence, Sendable {
    public typealias Element = WatchEvent<T>

    let stream: WatchStream

    public func makeAsyncIterator() -> Iterator { Iterator(inner: stream.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        var inner: WatchStream.Iterator

        public mutating func next() async throws -> WatchEvent<T>? {
            switch try await inner.next() {
            case nil: nil
            case .added(let object): .added(T(json: object))
            case .modified(let object): .modified(T(json: object))
            case .deleted(let object): .deleted(T(json: object))
            case .bookmark(let version, let end): .bookmark(resourceVersion: version, initialEventsEnd: end)
            }
        }
    }
}

/// Cuts a byte stream at newlines without copying what is already whole.
struct LineSplitter {
    private var buffer: [UInt8] = []
    private var start = 0
    private var scanned = 0

    mutating func append(_ bytes: [UInt8]) {
        if start > 0 {
            buffer.removeSubrange(0..<start)
            scanned -= start
            start = 0
        }
        if buffer.isEmpty { buffer = bytes } else { buffer.append(contentsOf: bytes) }
    }

    /// The next whole line without its newline.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = buffer[scanned...].firstIndex(of: 0x0A) else {
            scanned = buffer.count
            return nil
        }
        let line = buffer[start..<end]
        start = end + 1
        scanned = start
        return line
    }

    /// What follows the last newline, when the stream has ended.
    mutating func takeRest() -> ArraySlice<UInt8>? {
        guard start < buffer.count else { return nil }
        defer {
            buffer = []
            start = 0
            scanned = 0
        }
        return buffer[start...]
    }
}
