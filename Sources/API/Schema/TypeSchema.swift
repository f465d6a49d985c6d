// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One API type: its name and its fields, in the order they are declared and written.
///
/// Immutable once it is reachable from more than one task. Two types are the same when they are the same instance.
public final class TypeSchema: Sendable {
    /// The definition's name, such as `io.k8s.api.core.v1.Pod`.
    public let name: String
    /// One short sentence on what the type is for; empty where there is none yet.
    public let description: String
    /// Whether fields the schema does not name are kept (custom resources, embedded objects).
    public let preservesUnknownFields: Bool
    /// Whether a value of the type is one unit for server-side apply (`x-kubernetes-map-type: atomic`).
    public let isAtomic: Bool

    // Types refer to each other in circles, so the fields follow the creation. Written once, by `define`, before the
    // table that owns the type is published through a `static let`.
    private nonisolated(unsafe) var content = Content()

    private struct Content {
        var fields: [FieldSchema] = []
        var byName: [String: Int] = [:]
        /// Keyed by the number, with the enclosing message's number in the upper half.
        var byNumber: [Int: Int] = [:]
        /// The numbers of the messages whose fields JSON writes as the type's own.
        var inlined: Set<Int> = []
        /// Where the fields are that are always written, and those with a default.
        var alwaysWritten: [Int] = []
        var defaulted: [FieldSchema] = []
    }

    /// A type whose fields `define` will set.
    public init(
        name: String, description: String = "", preservesUnknownFields: Bool = false, isAtomic: Bool = false
    ) {
        self.name = name
        self.description = description
        self.preservesUnknownFields = preservesUnknownFields
        self.isAtomic = isAtomic
    }

    public convenience init(
        name: String, fields: [FieldSchema], description: String = "", preservesUnknownFields: Bool = false,
        isAtomic: Bool = false
    ) {
        self.init(
            name: name, description: description, preservesUnknownFields: preservesUnknownFields, isAtomic: isAtomic)
        define(fields)
    }

    /// Sets the fields. Only the maker of the type may call this, once, before anyone else can see the type.
    public func define(_ fields: [FieldSchema]) {
        content = Content(
            fields: fields,
            byName: Dictionary(fields.enumerated().map { ($1.jsonName, $0) }, uniquingKeysWith: { first, _ in first }),
            byNumber: Dictionary(
                fields.enumerated().filter { $1.number > 0 }.map { ($1.inlinedIn << 32 | $1.number, $0) },
                uniquingKeysWith: { first, _ in first }),
            inlined: Set(fields.map(\.inlinedIn).filter { $0 > 0 }),
            alwaysWritten: fields.indices.filter { fields[$0].omission == .never },
            defaulted: fields.filter { $0.defaultValue != nil })
    }

    public var fields: [FieldSchema] { content.fields }

    /// Where the field is in `fields`.
    func position(of name: String) -> Int? { content.byName[name] }

    /// Where the fields are that are written even when nothing was given.
    var alwaysWritten: [Int] { content.alwaysWritten }

    var defaultedFields: [FieldSchema] { content.defaulted }

    /// Whether the message `number` is one whose fields JSON writes as the type's own.
    func inlines(_ number: Int) -> Bool { content.inlined.contains(number) }

    public func field(named name: String) -> FieldSchema? { content.byName[name].map { content.fields[$0] } }

    public func field(number: Int) -> FieldSchema? { content.byNumber[number].map { content.fields[$0] } }

    /// The field `number` of the message that is inlined as field `container`.
    public func field(number: Int, inlinedIn container: Int) -> FieldSchema? {
        content.byNumber[container << 32 | number].map { content.fields[$0] }
    }

    /// The last component of the name: `Pod`.
    public var shortName: String { name.split(separator: ".").last.map(String.init) ?? name }
}

extension TypeSchema: Hashable {
    public static func == (left: TypeSchema, right: TypeSchema) -> Bool { left === right }
    public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}

/// What a field holds.
public indirect enum FieldType: Sendable, Hashable {
    case string
    /// Base64 in JSON.
    case bytes
    case bool
    case int32, int64
    case double
    /// `resource.Quantity`: a string in JSON, a message of one string in protobuf.
    case quantity
    /// `intstr.IntOrString`.
    case intOrString
    /// RFC 3339 with seconds.
    case time
    /// RFC 3339 with six digits of fraction.
    case microTime
    /// `metav1.Duration`: a Go duration string in JSON, nanoseconds in protobuf.
    case duration
    /// A whole object of any kind (`runtime.RawExtension`).
    case rawExtension
    /// Any JSON value (`apiextensions.JSON`, `FieldsV1`): JSON bytes in a protobuf message's first field.
    case json
    case object(TypeSchema)
    /// Either the object or something simpler, as in CustomResourceDefinitions' schemas.
    case alternative(SchemaAlternative, TypeSchema)
    case array(FieldType)
    /// An object with free keys and values of one type.
    case map(FieldType)

    /// The type of an array's elements or of a map's values.
    public var element: FieldType? {
        switch self {
        case .array(let element), .map(let element): element
        default: nil
        }
    }

    /// The schema of an object, or of the elements of an array or map of objects.
    public var schema: TypeSchema? {
        switch self {
        case .object(let schema), .alternative(_, let schema): schema
        case .array(let element), .map(let element): element.schema
        default: nil
        }
    }
}

/// What may stand in an object schema's place.
public enum SchemaAlternative: Sendable, Hashable {
    /// An array of schemas.
    case array
    case bool
    /// An array of strings.
    case strings
}

/// How server-side apply treats a list (`x-kubernetes-list-type`).
public enum ListType: String, Sendable, Hashable {
    case atomic, set, map
}

/// How strategic merge patch treats a field (`x-kubernetes-patch-strategy`).
public struct PatchStrategy: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    public static let merge = PatchStrategy(rawValue: 1)
    public static let retainKeys = PatchStrategy(rawValue: 2)
    public static let replace = PatchStrategy(rawValue: 4)
}

/// When a field is left out of the JSON that the server writes.
public enum Omission: Sendable, Hashable {
    /// Always written, null when nothing is there.
    case never
    /// Left out when it is false, zero, empty or absent.
    case empty
    /// Left out when absent only: an explicit zero is kept.
    case absent
}

/// One field of an API type.
public final class FieldSchema: Sendable {
    public let jsonName: String
    /// The protobuf field number; 0 where the type has no protobuf form.
    public let number: Int
    public let type: FieldType
    public let isRequired: Bool
    public let omission: Omission
    /// Whether absent and zero differ: a Go pointer.
    public let isPointer: Bool
    /// The static default, filled in where the field is absent.
    public let defaultValue: JSONValue?
    /// The values accepted; empty when any is.
    public let enumValues: [String]
    public let patchMergeKey: String?
    public let patchStrategy: PatchStrategy
    public let listType: ListType?
    public let listMapKeys: [String]
    /// Whether a map or object is one unit for server-side apply.
    public let isAtomic: Bool
    /// Whether the field's own fields are owned one by one although its type is atomic elsewhere.
    public let isGranular: Bool
    /// In protobuf, the number of the message the field is inside of, where JSON writes that message's fields as the
    /// parent's own (`Volume` and its `VolumeSource`); 0 for every other field.
    public let inlinedIn: Int
    public let description: String

    public init(
        jsonName: String, number: Int, type: FieldType, isRequired: Bool = false, omission: Omission = .empty,
        isPointer: Bool = false, defaultValue: JSONValue? = nil, enumValues: [String] = [],
        patchMergeKey: String? = nil, patchStrategy: PatchStrategy = [], listType: ListType? = nil,
        listMapKeys: [String] = [], isAtomic: Bool = false, isGranular: Bool = false, inlinedIn: Int = 0,
        description: String = ""
    ) {
        self.jsonName = jsonName
        self.number = number
        self.type = type
        self.isRequired = isRequired
        self.omission = omission
        self.isPointer = isPointer
        self.defaultValue = defaultValue
        self.enumValues = enumValues
        self.patchMergeKey = patchMergeKey
        self.patchStrategy = patchStrategy
        self.listType = listType
        self.listMapKeys = listMapKeys
        self.isAtomic = isAtomic
        self.isGranular = isGranular
        self.inlinedIn = inlinedIn
        self.description = description
    }
}
