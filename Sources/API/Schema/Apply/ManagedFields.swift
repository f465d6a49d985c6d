// SPDX-License-Identifier: Apache-2.0

public import JSON

/// One entry of `metadata.managedFields`: a manager, how and through what it wrote, and what it owns.
public struct ManagedFieldsEntry: Sendable, Hashable {
    public enum Operation: String, Sendable, Hashable {
        case apply = "Apply"
        case update = "Update"
    }

    public var manager: String
    public var operation: Operation
    public var apiVersion: String
    public var subresource: String
    /// RFC 3339, as stored; empty where there is none.
    public var time: String
    public var fields: FieldSet

    public init(
        manager: String, operation: Operation, apiVersion: String, subresource: String = "", time: String = "",
        fields: FieldSet = FieldSet()
    ) {
        self.manager = manager
        self.operation = operation
        self.apiVersion = apiVersion
        self.subresource = subresource
        self.time = time
        self.fields = fields
    }

    /// Nil where the value is no valid entry.
    public init?(_ value: JSONValue) {
        guard let object = value.object, let operation = Operation(rawValue: object["operation"]?.string ?? ""),
            let apiVersion = object["apiVersion"]?.string, !apiVersion.isEmpty,
            object["fieldsType"]?.string == "FieldsV1",
            let fields = FieldSet(fieldsV1: object["fieldsV1"]?.object ?? [:])
        else { return nil }
        self.init(
            manager: object["manager"]?.string ?? "", operation: operation, apiVersion: apiVersion,
            subresource: object["subresource"]?.string ?? "", time: object["time"]?.string ?? "", fields: fields)
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "manager": .string(manager), "operation": .string(operation.rawValue), "apiVersion": .string(apiVersion),
        ]
        if !time.isEmpty { object["time"] = .string(time) }
        object["fieldsType"] = "FieldsV1"
        object["fieldsV1"] = .object(fields.fieldsV1)
        if !subresource.isEmpty { object["subresource"] = .string(subresource) }
        return .object(object)
    }

    /// Whether two entries are of the same owner. An applier stays the same when it changes the version it writes.
    func isSameOwner(as other: ManagedFieldsEntry) -> Bool {
        manager == other.manager && operation == other.operation && subresource == other.subresource
            && (operation == .apply || apiVersion == other.apiVersion)
    }

    /// The same as a key of a table.
    struct Owner: Hashable {
        var manager: String
        var operation: Operation
        var subresource: String
        var apiVersion: String
    }

    var owner: Owner {
        Owner(
            manager: manager, operation: operation, subresource: subresource,
            apiVersion: operation == .apply ? "" : apiVersion)
    }

    /// The owner as conflicts name it.
    var shownOwner: String {
        var text = manager.quoted
        if !subresource.isEmpty { text += " with subresource " + subresource.quoted }
        guard operation == .update else { return text }
        text += " using " + apiVersion
        return time.isEmpty ? text : text + " at " + time
    }

    private var sortKey: [String] { [operation.rawValue, time, manager, apiVersion, subresource] }

    /// The order entries are stored in.
    static func precedes(_ left: ManagedFieldsEntry, _ right: ManagedFieldsEntry) -> Bool {
        left.sortKey.lexicographicallyPrecedes(right.sortKey)
    }
}

/// The owners of one object's fields.
struct ManagedFields: Sendable, Hashable {
    var entries: [ManagedFieldsEntry] = []

    init() {}

    /// Nil where any entry is malformed.
    init?(_ values: [JSONValue]) {
        var places: [ManagedFieldsEntry.Owner: Int] = [:]
        for value in values {
            guard let entry = ManagedFieldsEntry(value) else { return nil }
            if let index = places[entry.owner] {
                entries[index] = entry
            } else {
                places[entry.owner] = entries.count
                entries.append(entry)
            }
        }
    }

    func index(of owner: ManagedFieldsEntry) -> Int? { entries.firstIndex { $0.isSameOwner(as: owner) } }

    mutating func dropEmpty() { entries.removeAll { $0.fields.isEmpty } }

    /// The stored form; nil when nobody owns anything.
    var json: JSONValue? {
        entries.isEmpty ? nil : .array(entries.sorted(by: ManagedFieldsEntry.precedes).map(\.json))
    }

    // MARK: Limits

    /// Beyond this many updaters the oldest are merged into one.
    static let maximumUpdaters = 10

    mutating func mergeOldestUpdaters() {
        var updaters = entries.filter { $0.operation == .update }
        guard updaters.count > Self.maximumUpdaters else { return }
        updaters.sort { ($0.time, $0.manager) < ($1.time, $1.manager) }
        var excess = updaters.count - Self.maximumUpdaters
        var firstOfVersion: [String: ManagedFieldsEntry] = [:]
        var places: [ManagedFieldsEntry.Owner: Int] = [:]
        for (index, entry) in entries.enumerated() where places[entry.owner] == nil { places[entry.owner] = index }
        var merged: Set<Int> = []
        for updater in updaters where excess > 0 {
            guard let first = firstOfVersion[updater.apiVersion] else {
                firstOfVersion[updater.apiVersion] = updater
                continue
            }
            let bucket = ManagedFieldsEntry(
                manager: "ancient-changes", operation: .update, apiVersion: updater.apiVersion)
            if places[bucket.owner] == nil, let place = places.removeValue(forKey: first.owner) {
                entries[place] = bucket
                entries[place].fields = first.fields
                places[bucket.owner] = place
            }
            guard let place = places[bucket.owner] else { continue }
            entries[place].fields.formUnion(updater.fields)
            entries[place].time = updater.time
            if let old = places[updater.owner], old != place { merged.insert(old) }
            excess -= 1
        }
        entries = entries.enumerated().filter { !merged.contains($0.offset) }.map(\.element)
    }
}
