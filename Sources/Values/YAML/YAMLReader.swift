// SPDX-License-Identifier: Apache-2.0

internal import CYAML
internal import JSON

/// Builds values from libyaml's events.
struct YAMLReader {
    private let options: YAMLOptions
    private let parser: YAMLEvents
    private var anchors: [String: Anchored] = [:]
    private var aliased = Extent()
    private var path: [String] = []
    var duplicates: [String] = []
    /// The same, with the keys and the lines they stand in.
    var duplicateKeys: [YAMLDuplicateKey] = []

    private struct Anchored {
        var value: JSONValue
        var extent: Extent
    }

    /// How much a value is: values in it, and bytes of its keys and scalars.
    private struct Extent {
        var nodes = 0
        var bytes = 0

        static func += (left: inout Extent, right: Extent) {
            left.nodes += right.nodes
            left.bytes += right.bytes
        }

        static func - (left: Extent, right: Extent) -> Extent {
            Extent(nodes: left.nodes - right.nodes, bytes: left.bytes - right.bytes)
        }
    }

    init(_ bytes: [UInt8], _ options: YAMLOptions) {
        self.options = options
        parser = YAMLEvents(bytes)
    }

    mutating func readDocuments() throws(YAMLError) -> [JSONValue] {
        var documents: [JSONValue] = []
        while true {
            let event = try parser.next()
            switch event.kind {
            case .streamStart, .documentEnd: continue
            case .streamEnd: return documents
            case .documentStart:
                // Anchors live for one document; the count of aliased values for the whole text.
                anchors = [:]
                var extent = Extent()
                let first = try parser.next()
                let value = try value(of: first, depth: 0, &extent)
                // `---` with nothing after it is no document.
                if case .scalar = first.kind, value.isNull, first.text.isEmpty { continue }
                documents.append(value)
            default: throw YAMLError(line: event.line, reason: "unexpected content")
            }
        }
    }

    private mutating func value(
        of event: YAMLEvent, depth: Int, _ extent: inout Extent
    ) throws(YAMLError) -> JSONValue {
        extent.nodes += 1
        switch event.kind {
        case .scalar:
            let value = try YAMLScalar.resolve(event)
            extent.bytes += event.text.utf8.count
            remember(event.anchor, value, Extent(nodes: 1, bytes: event.text.utf8.count))
            return value
        case .alias:
            guard let anchored = anchors[event.anchor] else {
                throw YAMLError(line: event.line, reason: "unknown anchor '\(event.anchor)' referenced")
            }
            aliased += anchored.extent
            extent += anchored.extent
            guard aliased.nodes <= options.maximumAliasedNodes, aliased.bytes <= options.maximumAliasedBytes else {
                throw YAMLError(line: event.line, reason: "document contains excessive aliasing")
            }
            return anchored.value
        case .sequenceStart: return try sequence(event, depth: depth + 1, &extent)
        case .mappingStart: return try mapping(event, depth: depth + 1, &extent)
        default: throw YAMLError(line: event.line, reason: "unexpected content")
        }
    }

    private mutating func remember(_ anchor: String, _ value: JSONValue, _ extent: Extent) {
        if !anchor.isEmpty { anchors[anchor] = Anchored(value: value, extent: extent) }
    }

    /// A collection with what is in it.
    private func whole(_ content: Extent) -> Extent { Extent(nodes: content.nodes + 1, bytes: content.bytes) }

    private func check(_ depth: Int, _ event: YAMLEvent) throws(YAMLError) {
        if depth > options.maximumDepth { throw YAMLError(line: event.line, reason: "exceeded max depth") }
    }

    private mutating func sequence(
        _ start: YAMLEvent, depth: Int, _ extent: inout Extent
    ) throws(YAMLError) -> JSONValue {
        try check(depth, start)
        let before = extent
        var items: [JSONValue] = []
        while true {
            let event = try parser.next()
            if event.kind == .sequenceEnd { break }
            path.append("[\(items.count)]")
            items.append(try value(of: event, depth: depth, &extent))
            path.removeLast()
        }
        remember(start.anchor, .array(items), whole(extent - before))
        return .array(items)
    }

    private mutating func mapping(
        _ start: YAMLEvent, depth: Int, _ extent: inout Extent
    ) throws(YAMLError) -> JSONValue {
        try check(depth, start)
        let before = extent
        var object = JSONObject()
        var merged: [JSONObject] = []
        while true {
            let event = try parser.next()
            if event.kind == .mappingEnd { break }
            let isMerge = event.kind == .scalar && event.text == "<<" && event.isPlain
            let key = try key(of: event, depth: depth, &extent)
            path.append(path.isEmpty ? key : "." + key)
            if !isMerge, object.contains(key) { noteDuplicate(key, line: event.line) }
            let value = try value(of: parser.next(), depth: depth, &extent)
            path.removeLast()
            if isMerge {
                merged += try mergeSources(value, event)
            } else {
                object[key] = value
            }
        }
        // A key of the mapping itself wins over a merged one, an earlier source over a later one.
        for source in merged {
            for (key, value) in source where !object.contains(key) { object[key] = value }
        }
        remember(start.anchor, .object(object), whole(extent - before))
        return .object(object)
    }

    private func mergeSources(_ value: JSONValue, _ event: YAMLEvent) throws(YAMLError) -> [JSONObject] {
        switch value {
        case .object(let object): return [object]
        case .array(let items):
            var sources: [JSONObject] = []
            for item in items {
                guard let object = item.object else { break }
                sources.append(object)
            }
            if sources.count == items.count { return sources }
        default: break
        }
        throw YAMLError(line: event.line, reason: "map merge requires map or sequence of maps as the value")
    }

    /// JSON's keys are strings: numbers and booleans become their text, as `sigs.k8s.io/yaml` does it.
    private mutating func key(of event: YAMLEvent, depth: Int, _ extent: inout Extent) throws(YAMLError) -> String {
        switch try value(of: event, depth: depth, &extent) {
        case .string(let text): return text
        case .integer(let number): return String(number)
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let number): return JSONValue.number(number).description
        case .null: return "null"
        case .array, .object: throw YAMLError(line: event.line, reason: "a map or list cannot be a key")
        }
    }

    private mutating func noteDuplicate(_ key: String, line: Int) {
        // The same ones again count too: each costs a path.
        guard duplicateKeys.count < 100 else { return }
        duplicateKeys.append(YAMLDuplicateKey(line: line, key: key))
        let text = path.joined()
        if !duplicates.contains(text) { duplicates.append(text) }
    }
}

/// One event of libyaml, with what outlives it.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd, alias, scalar
        case sequenceStart, sequenceEnd, mappingStart, mappingEnd, none
    }

    var kind: Kind
    var line: Int
    var text = ""
    var tag = ""
    var anchor = ""
    var isPlain = false
}

/// libyaml's parser over bytes that live as long as it does.
final class YAMLEvents {
    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let input: UnsafeMutablePointer<UInt8>
    private let isReady: Bool

    init(_ bytes: [UInt8]) {
        let input = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        bytes.withUnsafeBufferPointer {
            if let base = $0.baseAddress { input.update(from: base, count: bytes.count) }
        }
        self.input = input
        isReady = yaml_parser_initialize(parser) == 1
        if isReady {
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, input, bytes.count)
        }
    }

    deinit {
        if isReady { yaml_parser_delete(parser) }
        parser.deallocate()
        input.deallocate()
    }

    func next() throws(YAMLError) -> YAMLEvent {
        guard isReady else { throw YAMLError(line: 0, reason: "out of memory") }
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        let line = Int(event.start_mark.line) + 1
        switch event.type {
        case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, line: line)
        case YAML_STREAM_END_EVENT: return YAMLEvent(kind: .streamEnd, line: line)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, line: line)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, line: line)
        case YAML_ALIAS_EVENT:
            return YAMLEvent(kind: .alias, line: line, anchor: Self.text(event.data.alias.anchor))
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let value = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return YAMLEvent(
                kind: .scalar, line: line, text: String(decoding: value, as: UTF8.self), tag: Self.text(scalar.tag),
                anchor: Self.text(scalar.anchor), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
        case YAML_SEQUENCE_START_EVENT:
            return YAMLEvent(
                kind: .sequenceStart, line: line, tag: Self.text(event.data.sequence_start.tag),
                anchor: Self.text(event.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: return YAMLEvent(kind: .sequenceEnd, line: line)
        case YAML_MAPPING_START_EVENT:
            return YAMLEvent(
                kind: .mappingStart, line: line, tag: Self.text(event.data.mapping_start.tag),
                anchor: Self.text(event.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .mappingEnd, line: line)
        default: return YAMLEvent(kind: .none, line: line)
        }
    }

    private func failure() -> YAMLError {
        let reason = parser.pointee.problem.map { String(cString: $0) } ?? "unknown problem"
        let mark = parser.pointee.problem_mark
        return YAMLError(line: Int(mark.line) + 1, reason: reason)
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String {
        guard let pointer else { return "" }
        return String(decodingCString: pointer, as: UTF8.self)
    }
}
