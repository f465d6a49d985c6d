// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not JSON, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The offset of the offending byte.
    public var offset: Int
    public var reason: String

    public var description: String { "\(reason) (at byte \(offset))" }
}

public struct JSONOptions: Sendable {
    /// The deepest nesting accepted; it bounds the stack the parser, the encoder and a value's release use.
    public var maximumDepth: Int
    /// How many duplicate keys are reported at most.
    public var maximumDuplicates: Int
    /// What nests deeper is null instead of an error, for who only looks at what others have written: one object among many
    /// must not keep the others from being seen.
    public var cutsDeeper: Bool

    public init(maximumDepth: Int = JSONDepth.read, maximumDuplicates: Int = 100, cutsDeeper: Bool = false) {
        self.maximumDepth = maximumDepth
        self.maximumDuplicates = maximumDuplicates
        self.cutsDeeper = cutsDeeper
    }
}

extension JSONValue {
    /// Parses one JSON text; anything but white space after it is an error, as is a byte sequence that is not UTF-8.
    /// Of duplicate keys the last wins.
    public static func parse(
        _ bytes: some Collection<UInt8>, options: JSONOptions = JSONOptions()
    ) throws(JSONError) -> JSONValue {
        try run(bytes, options, collectsDuplicates: false).value
    }

    /// As `parse`, and adds the path of every duplicate key (`spec.containers[0].name`) to `duplicates`.
    public static func parse(
        _ bytes: some Collection<UInt8>, options: JSONOptions = JSONOptions(), duplicates: inout [String]
    ) throws(JSONError) -> JSONValue {
        let result = try run(bytes, options, collectsDuplicates: true)
        duplicates += result.duplicates
        return result.value
    }

    public static func parse(_ text: String, options: JSONOptions = JSONOptions()) throws(JSONError) -> JSONValue {
        try run(text.utf8, options, collectsDuplicates: false).value
    }

    private static func run(
        _ bytes: some Collection<UInt8>, _ options: JSONOptions, collectsDuplicates: Bool
    ) throws(JSONError) -> (value: JSONValue, duplicates: [String]) {
        let body = {
            (buffer: UnsafeBufferPointer<UInt8>) -> Result<(value: JSONValue, duplicates: [String]), JSONError> in
            var parser = JSONParser(buffer, options, collectsDuplicates)
            do throws(JSONError) {
                let value = try parser.parseDocument()
                return .success((value, parser.duplicates))
            } catch {
                return .failure(error)
            }
        }
        if let result = bytes.withContiguousStorageIfAvailable(body) { return try result.get() }
        return try Array(bytes).withUnsafeBufferPointer(body).get()
    }
}

/// A recursive-descent parser over bytes that stay put while it runs.
struct JSONParser {
    let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var at: UnsafePointer<UInt8>
    let options: JSONOptions
    let collectsDuplicates: Bool
    var duplicates: [String] = []
    /// Keys found a second time, the same ones again among them: each costs a path.
    var duplicatesSeen = 0
    var path: [Step] = []
    var keys = KeyCache()
    /// Small texts repeat few keys: filling the cache would cost more than it saves.
    let cachesKeys: Bool

    enum Step {
        case key(String)
        case index(Int)
    }

    init(_ buffer: UnsafeBufferPointer<UInt8>, _ options: JSONOptions, _ collectsDuplicates: Bool) {
        start = buffer.baseAddress ?? UnsafePointer(UnsafeMutablePointer(bitPattern: 8)!)
        end = start + buffer.count
        at = start
        self.options = options
        self.collectsDuplicates = collectsDuplicates
        cachesKeys = buffer.count > 16_384
    }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        skipSpace()
        let value = try parseValue(depth: 0)
        skipSpace()
        if at < end { throw unexpected("after top-level value") }
        return value
    }

    @inline(__always) mutating func skipSpace() {
        while at < end, at.pointee <= 0x20,
            at.pointee == 0x20 || at.pointee == 0x0A || at.pointee == 0x0D || at.pointee == 0x09
        {
            at += 1
        }
    }

    func failure(_ reason: String) -> JSONError { JSONError(offset: at - start, reason: reason) }

    func unexpected(_ context: String) -> JSONError {
        guard at < end else { return failure("unexpected end of JSON input") }
        let byte = at.pointee
        let shown =
            switch byte {
            case 0x27: "'\\''"
            case 0x20...0x7E: "'\(Character(Unicode.Scalar(byte)))'"
            case 0x0A: "'\\n'"
            case 0x0D: "'\\r'"
            case 0x09: "'\\t'"
            default: "'\\x" + String(UInt16(byte) + 0x100, radix: 16).dropFirst() + "'"
            }
        return failure("invalid character \(shown) \(context)")
    }

    mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
        guard at < end else { throw failure("unexpected end of JSON input") }
        switch at.pointee {
        case UInt8(ascii: "\""):
            at += 1
            return .string(try parseString(isKey: false))
        case UInt8(ascii: "{"): return try parseObject(depth: depth + 1)
        case UInt8(ascii: "["): return try parseArray(depth: depth + 1)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        default: throw unexpected("looking for beginning of value")
        }
    }

    private mutating func expect(_ word: StaticString) throws(JSONError) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard at < end, at.pointee == word.utf8Start[offset] else {
                throw unexpected("in literal \(word)")
            }
            at += 1
        }
    }

    private mutating func parseArray(depth: Int) throws(JSONError) -> JSONValue {
        if try isCut(at: depth) { return .null }
        at += 1
        skipSpace()
        if at < end, at.pointee == UInt8(ascii: "]") {
            at += 1
            return .array([])
        }
        var items: [JSONValue] = []
        while true {
            if collectsDuplicates { path.append(.index(items.count)) }
            items.append(try parseValue(depth: depth))
            if collectsDuplicates { path.removeLast() }
            skipSpace()
            guard at < end else { throw failure("unexpected end of JSON input") }
            if at.pointee == UInt8(ascii: ",") {
                at += 1
                skipSpace()
            } else if at.pointee == UInt8(ascii: "]") {
                at += 1
                return .array(items)
            } else {
                throw unexpected("after array element")
            }
        }
    }

    private mutating func parseObject(depth: Int) throws(JSONError) -> JSONValue {
        if try isCut(at: depth) { return .null }
        at += 1
        skipSpace()
        var object = JSONObject()
        if at < end, at.pointee == UInt8(ascii: "}") {
            at += 1
            return .object(object)
        }
        while true {
            guard at < end, at.pointee == UInt8(ascii: "\"") else {
                throw unexpected("looking for beginning of object key string")
            }
            at += 1
            let key = try parseString(isKey: true)
            skipSpace()
            guard at < end, at.pointee == UInt8(ascii: ":") else { throw unexpected("after object key") }
            at += 1
            skipSpace()
            let earlier = object.position(of: key)
            if collectsDuplicates {
                path.append(.key(key))
                if earlier != nil { noteDuplicate() }
            }
            let value = try parseValue(depth: depth)
            if collectsDuplicates { path.removeLast() }
            if let earlier { object.entries[earlier].value = value } else { object.append(key, value) }
            skipSpace()
            guard at < end else { throw failure("unexpected end of JSON input") }
            if at.pointee == UInt8(ascii: ",") {
                at += 1
                skipSpace()
            } else if at.pointee == UInt8(ascii: "}") {
                at += 1
                return .object(object)
            } else {
                throw unexpected("after object key:value pair")
            }
        }
    }

    /// Whether the value here is too deep and was passed over.
    @inline(__always) private mutating func isCut(at depth: Int) throws(JSONError) -> Bool {
        guard depth > options.maximumDepth else { return false }
        guard options.cutsDeeper else { throw failure("exceeded max depth") }
        try skipNested()
        return true
    }

    /// Passes over an object or list without recursion, up to the bracket that closes it.
    private mutating func skipNested() throws(JSONError) {
        var open = 0
        repeat {
            guard at < end else { throw failure("unexpected end of JSON input") }
            switch at.pointee {
            case UInt8(ascii: "{"), UInt8(ascii: "["): open += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): open -= 1
            case UInt8(ascii: "\""):
                at += 1
                while at < end, at.pointee != UInt8(ascii: "\"") {
                    at += at.pointee == UInt8(ascii: "\\") && end - at > 1 ? 2 : 1
                }
            default: break
            }
            if at < end { at += 1 }
        } while open > 0
    }

    private mutating func noteDuplicate() {
        guard duplicatesSeen < options.maximumDuplicates else { return }
        duplicatesSeen += 1
        let text = renderedPath()
        // A key given three times is one finding.
        if !duplicates.contains(text) { duplicates.append(text) }
    }

    private func renderedPath() -> String {
        var text = ""
        for step in path {
            // Keys may be megabytes long; nobody reads that much of a path.
            if text.utf8.count > 1024 { return text + "…" }
            switch step {
            case .key(let key):
                if !text.isEmpty { text += "." }
                text += key.utf8.count > 1024 ? key.prefix(256) + "…" : key[...]
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }
}
