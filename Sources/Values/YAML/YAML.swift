// SPDX-License-Identifier: Apache-2.0

public import JSON

/// YAML as Kubernetes' clients read and write it: YAML 1.1 whose values are JSON's.
public enum YAML {
    /// The documents of a text; empty ones are left out. Scalars resolve as `sigs.k8s.io/yaml` resolves them; of
    /// duplicate keys the last wins.
    public static func parse(
        _ bytes: some Collection<UInt8>, options: YAMLOptions = YAMLOptions()
    ) throws(YAMLError)
        -> [JSONValue]
    {
        var duplicates: [String] = []
        return try parse(bytes, options: options, duplicates: &duplicates)
    }

    /// As `parse`, and adds the path of every duplicate key to `duplicates`.
    public static func parse(
        _ bytes: some Collection<UInt8>, options: YAMLOptions = YAMLOptions(), duplicates: inout [String]
    ) throws(YAMLError) -> [JSONValue] {
        var reader = YAMLReader(Array(bytes), options)
        let documents = try reader.readDocuments()
        duplicates += reader.duplicates
        return documents
    }

    /// As `parse`, and adds every duplicate key and its line to `duplicateKeys`.
    public static func parse(
        _ bytes: some Collection<UInt8>, options: YAMLOptions = YAMLOptions(),
        duplicateKeys: inout [YAMLDuplicateKey]
    ) throws(YAMLError) -> [JSONValue] {
        var reader = YAMLReader(Array(bytes), options)
        let documents = try reader.readDocuments()
        duplicateKeys += reader.duplicateKeys
        return documents
    }

    public static func parse(_ text: String, options: YAMLOptions = YAMLOptions()) throws(YAMLError) -> [JSONValue] {
        try parse(Array(text.utf8), options: options)
    }

    /// A whole text that must hold exactly one document; an empty text is null.
    public static func parseOne(
        _ bytes: some Collection<UInt8>, options: YAMLOptions = YAMLOptions()
    ) throws(YAMLError)
        -> JSONValue
    {
        let documents = try parse(bytes, options: options)
        guard documents.count <= 1 else {
            throw YAMLError(line: 0, reason: "\(documents.count) documents where one is expected")
        }
        return documents.first ?? .null
    }
}

public struct YAMLOptions: Sendable {
    /// The deepest nesting accepted.
    public var maximumDepth: Int
    /// How many values aliases may add in one text: what keeps nine lines from becoming a billion strings.
    public var maximumAliasedNodes: Int
    /// How many bytes of keys and scalars aliases may add in one text: a long string repeated is as much as many values.
    public var maximumAliasedBytes: Int

    public init(maximumDepth: Int = 512, maximumAliasedNodes: Int = 100_000, maximumAliasedBytes: Int = 1 << 20) {
        self.maximumDepth = maximumDepth
        self.maximumAliasedNodes = maximumAliasedNodes
        self.maximumAliasedBytes = maximumAliasedBytes
    }
}

/// Why a text is not YAML, or not YAML that JSON can hold.
public struct YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Counted from 1; 0 where no line is to blame.
    public var line: Int
    public var reason: String

    public init(line: Int, reason: String) {
        self.line = line
        self.reason = reason
    }

    public var description: String { line > 0 ? "yaml: line \(line): \(reason)" : "yaml: \(reason)" }
}

/// A key that a map has twice, and the line it stands in the second time.
public struct YAMLDuplicateKey: Sendable, Hashable, CustomStringConvertible {
    public var line: Int
    public var key: String

    public var description: String { "line \(line): key \(JSONValue.quoted(key)) already set in map" }
}
