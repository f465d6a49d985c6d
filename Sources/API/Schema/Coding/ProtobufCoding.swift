// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Why bytes are not the protobuf form of an object.
public struct ProtobufError: Error, Sendable, Hashable, CustomStringConvertible {
    public var reason: String

    public init(_ reason: String) { self.reason = reason }

    public var description: String { "protobuf: \(reason)" }
}

/// Kubernetes' protobuf encoding: an envelope that names the kind around a message that the kind's schema describes.
public enum Protobuf {
    /// What stands before every object: `k8s` and a zero byte.
    public static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    /// `runtime.Unknown`: an object's bytes with its type.
    public struct Envelope: Sendable {
        public var apiVersion: String
        public var kind: String
        public var raw: [UInt8]
        public var contentEncoding: String
        public var contentType: String

        public init(
            apiVersion: String, kind: String, raw: [UInt8], contentEncoding: String = "", contentType: String = ""
        ) {
            self.apiVersion = apiVersion
            self.kind = kind
            self.raw = raw
            self.contentEncoding = contentEncoding
            self.contentType = contentType
        }
    }

    /// Reads the envelope; the bytes inside stay as they are.
    public static func open(_ bytes: [UInt8]) throws(ProtobufError) -> Envelope {
        guard bytes.starts(with: magic) else { throw ProtobufError("the body has no k8s prefix") }
        var envelope = Envelope(apiVersion: "", kind: "", raw: [])
        var reader = WireReader(bytes[magic.count...])
        while let (number, wire) = try reader.nextTag() {
            switch number {
            case 1:
                var type = WireReader(try reader.bytes(wire))
                while let (number, wire) = try type.nextTag() {
                    switch number {
                    case 1: envelope.apiVersion = try type.string(wire)
                    case 2: envelope.kind = try type.string(wire)
                    default: try type.skip(wire)
                    }
                }
            case 2: envelope.raw = Array(try reader.bytes(wire))
            case 3: envelope.contentEncoding = try reader.string(wire)
            case 4: envelope.contentType = try reader.string(wire)
            default: try reader.skip(wire)
            }
        }
        return envelope
    }

    public static func seal(_ envelope: Envelope) -> [UInt8] {
        var writer = WireWriter()
        writer.bytes = magic
        writer.message(1) { type in
            type.string(1, envelope.apiVersion)
            type.string(2, envelope.kind)
        }
        writer.data(2, envelope.raw)
        writer.string(3, envelope.contentEncoding)
        writer.string(4, envelope.contentType)
        return writer.bytes
    }

    /// What stands before and after an object's bytes in its envelope, for one that is not in one piece.
    public static func envelope(apiVersion: String, kind: String, around count: Int) -> (head: [UInt8], tail: [UInt8]) {
        var head = WireWriter()
        head.bytes = magic
        head.message(1) { type in
            type.string(1, apiVersion)
            type.string(2, kind)
        }
        head.length(2, count)
        var tail = WireWriter()
        tail.string(3, "")
        tail.string(4, "")
        return (head.bytes, tail.bytes)
    }

    /// The object a message holds. It has no kind and version of its own: those are the envelope's.
    public static func decode(_ bytes: [UInt8], schema: TypeSchema) throws(ProtobufError) -> JSONObject {
        try MessageReader().read(bytes[...], schema, depth: 0)
    }

    /// The message that holds an object.
    public static func encode(_ object: JSONObject, schema: TypeSchema) throws(ProtobufError) -> [UInt8] {
        var writer = WireWriter()
        try MessageWriter.write(object, schema, &writer)
        return writer.bytes
    }

    /// An enveloped object with its kind and version filled in.
    public static func decodeObject(
        _ bytes: [UInt8], schema: (_ apiVersion: String, _ kind: String) -> TypeSchema?
    ) throws(ProtobufError) -> JSONObject {
        let envelope = try open(bytes)
        guard envelope.contentEncoding.isEmpty else {
            throw ProtobufError("unsupported content encoding \(envelope.contentEncoding.quoted)")
        }
        guard let type = schema(envelope.apiVersion, envelope.kind) else {
            throw ProtobufError(
                "no kind \(envelope.kind.quoted) is registered for version \(envelope.apiVersion.quoted)")
        }
        var object: JSONObject = ["kind": .string(envelope.kind), "apiVersion": .string(envelope.apiVersion)]
        for (key, value) in try decode(envelope.raw, schema: type) { object[key] = value }
        return object
    }

    /// An object in its envelope, named by its own kind and version.
    public static func encodeObject(_ object: JSONObject, schema: TypeSchema) throws(ProtobufError) -> [UInt8] {
        seal(
            Envelope(
                apiVersion: object["apiVersion"]?.string ?? "", kind: object["kind"]?.string ?? "",
                raw: try encode(object, schema: schema)))
    }

    /// One frame of a watch: four bytes of length, the most significant first, and a `WatchEvent` around an object in its
    /// envelope.
    public static func watchFrame(type: String, object: [UInt8]) -> [UInt8] {
        var writer = WireWriter()
        writer.string(1, type)
        writer.message(2) { $0.data(1, object) }
        let length = UInt32(writer.bytes.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + writer.bytes
    }
}
