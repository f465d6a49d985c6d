// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Linux
internal import Schema
internal import Store
internal import Synchronization

/// How a list is written: what stands before its items, between them and after them, so that no more of it than one piece
/// has to be in memory.
struct ListForm: Sendable {
    var head: [UInt8]
    var tail: [UInt8]
    /// Between two items.
    var separator: [UInt8] = []
    var contentType: String
    /// Whether an item is decoded to be written.
    var isWork = true
    let write: @Sendable (StoredObject, inout [UInt8]) throws(APIError) -> Void

    /// `envelope` is the list, whose last field holds its items and is empty.
    init(
        _ envelope: JSONObject, _ output: OutputFormat, isPretty: Bool,
        item: @escaping @Sendable (StoredObject) throws(APIError) -> JSONValue
    ) {
        guard output.encoding == .yaml else {
            contentType = "application/json"
            separator = Array(",".utf8)
            guard isPretty else {
                head = Array(JSONValue.object(envelope).encoded().dropLast("]}".utf8.count))
                tail = Array("]}".utf8)
                write = { (stored, bytes) throws(APIError) in try item(stored).encode(into: &bytes) }
                return
            }
            head = Array(JSONValue.object(envelope).encodedPretty().dropLast("]\n}\n".utf8.count))
            tail = Array("\n    ]\n}\n".utf8)
            write = { (stored, bytes) throws(APIError) in
                try item(stored).encodePretty(into: &bytes, level: 2)
            }
            return
        }
        contentType = "application/yaml"
        // Keys are sorted, so that there is more after the items; nothing else of a list has a line like this one.
        let whole = Machinery.yaml(.object(envelope))
        let mark = Array("\n\(envelope.keys.last ?? ""): []\n".utf8)
        let place = whole.indices.first { whole[$0...].starts(with: mark) } ?? whole.endIndex
        head = whole[..<place] + mark.dropLast(" []\n".utf8.count) + [0x0A]
        tail = Array(whole.dropFirst(place + mark.count))
        write = { (stored, bytes) throws(APIError) in bytes += Machinery.yaml(.array([try item(stored)])) }
    }

    /// The objects' own bytes: nothing is parsed or encoded.
    init(stored envelope: JSONObject) {
        head = Array(JSONValue.object(envelope).encoded().dropLast("]}".utf8.count))
        tail = Array("]}".utf8)
        separator = Array(",".utf8)
        contentType = "application/json"
        isWork = false
        write = { (stored, bytes) throws(APIError) in bytes += stored.bytes }
    }

    /// The items in protobuf, without an envelope: the length of all of them has to be known for it.
    init(
        protobuf schema: TypeSchema, item: @escaping @Sendable (StoredObject) throws(APIError) -> JSONValue
    ) {
        (head, tail) = ([], [])
        contentType = "application/vnd.kubernetes.protobuf"
        write = { (stored, bytes) throws(APIError) in
            // Items of one list, one after the other, are the items of the list.
            bytes += try Machinery.message(["items": [try item(stored)]], schema: schema)
        }
    }

    /// One after the other, from `position` on, until they are so many bytes.
    func write(
        _ objects: ArraySlice<StoredObject>, isFirst: Bool, to bytes: inout [UInt8]
    ) throws(APIError) {
        for (index, object) in objects.enumerated() {
            if index > 0 || !isFirst { bytes += separator }
            try write(object, &bytes)
        }
    }
}

/// A long list on its way out, a piece at a time.
final class ListCursor: Sendable {
    private let scope: RequestScope
    private let form: ListForm
    private let turns: [ArraySlice<StoredObject>]
    private let position = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)
    private let start = KernelClock.monotonic.now()

    /// Bytes of objects in one piece, or a little more.
    private static let piece = 256 * 1024
    /// What a client has to take in a second, a minute apart: what it has not taken keeps old states of objects in memory.
    private static let pace = 64 * 1024

    init(_ scope: RequestScope, _ form: ListForm, _ objects: [StoredObject]) {
        self.scope = scope
        self.form = form
        turns = RequestScope.turns(objects, of: Self.piece).map(\.objects)
    }

    /// The next piece; nil at the end.
    func next() async throws -> [UInt8]? {
        let turn = position.load(ordering: .relaxed)
        guard turn < turns.count else { return nil }
        let patience = Int64(60 + sent.load(ordering: .relaxed) / Self.pace) * 1_000_000_000
        guard KernelClock.monotonic.now() - start < patience else { throw DeadlineExceeded("send a list") }
        let (form, objects) = (form, turns[turn])
        let (isFirst, isLast) = (turn == 0, turn == turns.count - 1)
        let bytes = try await scope.apart(form.isWork ? objects.byteCount : 0) { () throws(APIError) -> [UInt8] in
            var bytes = isFirst ? form.head : []
            bytes.reserveCapacity(Self.piece + 16 * 1024)
            try form.write(objects, isFirst: isFirst, to: &bytes)
            if isLast { bytes += form.tail }
            return bytes
        }
        position.store(turn + 1, ordering: .relaxed)
        sent.add(bytes.count, ordering: .relaxed)
        return bytes
    }
}

extension Sequence<StoredObject> {
    /// Of all of them.
    var byteCount: Int { reduce(0) { $0 + $1.bytes.count } }
}
