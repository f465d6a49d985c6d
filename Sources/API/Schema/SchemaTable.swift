// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Text

/// Reads the compact text that describes API types and links the types to each other.
public struct SchemaTable {
    /// Why a table is wrong; a mistake in the program, found by the first test that touches the tables.
    public struct Mistake: Error, CustomStringConvertible {
        public var line: String
        public var reason: String
        public var description: String { "\(reason): \(line)" }
    }

    /// One group's types: the alias other groups use, the prefix of the definitions' names, and the texts.
    public struct Group {
        public var alias: String
        public var prefix: String
        public var texts: [String]

        public init(alias: String, prefix: String, texts: [String]) {
            self.alias = alias
            self.prefix = prefix
            self.texts = texts
        }
    }

    private var types: [String: TypeSchema] = [:]
    private var prefixes: [String: String] = [:]

    /// All types of all groups by their full names.
    public static func read(_ groups: [Group]) throws(Mistake) -> [String: TypeSchema] {
        var table = SchemaTable()
        for group in groups { table.prefixes[group.alias] = group.prefix }
        // Types are created first and filled afterwards, because they refer to each other in any order.
        for group in groups {
            for text in group.texts {
                for line in text.split(separator: "\n") where line.utf8.first != 0x20 {
                    let words = line.split(separator: " ")
                    let name = group.prefix + "." + words[0]
                    table.types[name] = TypeSchema(name: name, isAtomic: words.contains("atomic"))
                }
            }
        }
        for group in groups {
            for text in group.texts { try table.fill(text, group) }
        }
        return table.types
    }

    private func fill(_ text: String, _ group: Group) throws(Mistake) {
        var type: TypeSchema?
        var fields: [FieldSchema] = []
        for line in text.split(separator: "\n") {
            if line.utf8.first == 0x20 {
                fields.append(try field(line, group))
            } else {
                type?.define(fields)
                fields = []
                type = types[group.prefix + "." + (line.split(separator: " ").first ?? "")]
            }
        }
        type?.define(fields)
    }

    private func field(_ line: Substring, _ group: Group) throws(Mistake) -> FieldSchema {
        let words = line.split(separator: " ")
        guard words.count >= 3 else { throw Mistake(line: String(line), reason: "a field needs name, number and type") }
        let numbers = words[1].split(separator: ".").map { Int($0) ?? 0 }
        let type = try type(words[2], group, line)
        var isRequired = false
        var isPointer = false
        var omission = Omission.empty
        var isAtomic = false
        var isGranular = false
        var listType: ListType?
        var listMapKeys: [String] = []
        var strategy: PatchStrategy = []
        var mergeKey: String?
        var enumValues: [String] = []
        var defaultValue: JSONValue?
        for word in words.dropFirst(3) {
            let parts = word.split(separator: "=", maxSplits: 1)
            let value = parts.count > 1 ? parts[1] : ""
            switch parts[0] {
            case "required": isRequired = true
            case "pointer":
                isPointer = true
                omission = .absent
            case "always": omission = .never
            case "atomic": isAtomic = true
            case "granular": isGranular = true
            case "list":
                let (name, keys) = Self.call(value)
                listType = ListType(rawValue: String(name))
                listMapKeys = keys
            case "patch":
                let (names, keys) = Self.call(value)
                mergeKey = keys.first
                for name in names.split(separator: ",") {
                    switch name {
                    case "merge": strategy.insert(.merge)
                    case "retainKeys": strategy.insert(.retainKeys)
                    case "replace": strategy.insert(.replace)
                    default: throw Mistake(line: String(line), reason: "unknown patch strategy")
                    }
                }
            case "enum":
                // Blanks are written `~`, the empty value `""`.
                enumValues = value.split(separator: "|").map {
                    $0 == "\"\"" ? "" : String($0.map { $0 == "~" ? " " : $0 })
                }
            case "default":
                do throws(JSONError) {
                    defaultValue = try JSONValue.parse(String(value))
                } catch {
                    throw Mistake(line: String(line), reason: "the default is not JSON: \(error)")
                }
            default: throw Mistake(line: String(line), reason: "unknown flag \(word)")
            }
        }
        if case .object = type, omission == .absent, !isPointer { omission = .empty }
        return FieldSchema(
            jsonName: String(words[0]), number: numbers.last ?? 0, type: type, isRequired: isRequired,
            omission: omission, isPointer: isPointer, defaultValue: defaultValue, enumValues: enumValues,
            patchMergeKey: mergeKey, patchStrategy: strategy, listType: listType, listMapKeys: listMapKeys,
            isAtomic: isAtomic, isGranular: isGranular, inlinedIn: numbers.count > 1 ? numbers[0] : 0)
    }

    /// Splits `map(a,b)` into the name and what is in parentheses.
    private static func call(_ text: Substring) -> (name: Substring, arguments: [String]) {
        guard let open = text.firstIndex(of: "("), text.last == ")" else { return (text, []) }
        let inside = text[text.index(after: open)...].dropLast()
        return (text[..<open], inside.split(separator: ",").map(String.init))
    }

    private func type(_ word: Substring, _ group: Group, _ line: Substring) throws(Mistake) -> FieldType {
        if word.hasPrefix("[]") { return .array(try type(word.dropFirst(2), group, line)) }
        if word.hasPrefix("{}") { return .map(try type(word.dropFirst(2), group, line)) }
        if let bar = word.firstIndex(of: "|") {
            guard let schema = try type(word[..<bar], group, line).schema else {
                throw Mistake(line: String(line), reason: "an alternative needs a type")
            }
            switch word[word.index(after: bar)...] {
            case "array": return .alternative(.array, schema)
            case "bool": return .alternative(.bool, schema)
            default: return .alternative(.strings, schema)
            }
        }
        switch word {
        case "string": return .string
        case "bytes": return .bytes
        case "bool": return .bool
        case "int32": return .int32
        case "int64": return .int64
        case "double": return .double
        case "quantity": return .quantity
        case "intOrString": return .intOrString
        case "time": return .time
        case "microTime": return .microTime
        case "duration": return .duration
        case "raw": return .rawExtension
        case "json": return .json
        default:
            let parts = word.steps
            let prefix = parts.count > 1 ? prefixes[String(parts[0])] : group.prefix
            guard let prefix, let last = parts.last, let schema = types[prefix + "." + last] else {
                throw Mistake(line: String(line), reason: "unknown type \(word)")
            }
            return .object(schema)
        }
    }
}
