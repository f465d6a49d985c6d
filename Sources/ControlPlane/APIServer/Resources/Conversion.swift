// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// Objects that two groups show: stored in one form, served in the other. Today that is Event, whose core form is
/// stored.
enum Conversion {
    static func isIdentity(_ resource: ResourceKind) -> Bool {
        resource.storage.group == resource.group && resource.storage.version == resource.version
    }

    /// The stored object as `resource` shows it.
    static func outgoing(_ object: APIObject, _ resource: ResourceKind) -> APIObject {
        if isIdentity(resource) { return object }
        return convert(object, resource, eventFields.map { ($0.core, $0.new) })
    }

    /// An object of `resource` as it is stored.
    static func incoming(_ object: APIObject, _ resource: ResourceKind) -> APIObject {
        if isIdentity(resource) { return object }
        var result = convert(object, resource, eventFields.map { ($0.new, $0.core) })
        result["apiVersion"] = .string(
            resource.storage.group.isEmpty
                ? resource.storage.version : "\(resource.storage.group)/\(resource.storage.version)")
        return result
    }

    private static func convert(
        _ object: APIObject, _ resource: ResourceKind, _ names: [(from: String, to: String)]
    ) -> APIObject {
        var result = object
        result["apiVersion"] = .string(resource.apiVersion)
        guard resource.kind == "Event" else { return result }
        for (from, _) in names { result[from] = nil }
        for (from, to) in names {
            if let value = object[from] { result[to] = value }
        }
        return result
    }

    private static let eventFields: [(core: String, new: String)] = [
        ("involvedObject", "regarding"), ("message", "note"), ("reportingComponent", "reportingController"),
        ("source", "deprecatedSource"), ("firstTimestamp", "deprecatedFirstTimestamp"),
        ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ]
}
