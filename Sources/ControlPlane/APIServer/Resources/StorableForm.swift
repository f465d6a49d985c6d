// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization

/// What every object has to be before it is stored, whichever request or part of the server brings it. All writes of
/// `ObjectStorage` pass here, and nothing else writes.
enum StorableForm {
    /// Whether the types of all fields were looked at since somebody outside had a say.
    enum Typing: Sendable {
        /// By `RequestScope.checked`, for the object as a whole.
        case checked
        /// Not, or not for the whole: done here.
        case unchecked
    }

    /// The value to store for `object`. `present` is what it replaces.
    static func value(
        of object: APIObject, _ resource: ResourceKind, replacing present: StoredObject? = nil, typing: Typing,
        mayForgetManagers: Bool = false
    ) throws(APIError) -> NewValue {
        if typing == .unchecked { try checkTypes(object, resource) }
        var (value, depth) = object.storedValue()
        if mayForgetManagers, object.managedFields != nil, !SizeLimit.fits(value) {
            var plain = object
            plain.managedFields = nil
            (value, depth) = plain.storedValue()
        }
        try checkDepth(depth, object, resource, present)
        value.isKnownSound = true
        if resource.group.isEmpty, resource.kind == "Service" { value.memo = ServiceHolding(object) }
        return value
    }

    /// Numbers that do not fit their field, above all: whoever reads the object counts on it.
    private static func checkTypes(_ object: APIObject, _ resource: ResourceKind) throws(APIError) {
        // Of custom resources the schema says it, which validation has looked at.
        guard resource.custom == nil else { return }
        let stored = KubeAPI.schema(
            group: resource.storage.group, version: resource.storage.version, kind: resource.kind)
        _ = try Machinery.checkAndPrune(object.json, schema: stored ?? resource.schema, fillsZeros: false)
    }

    private static func checkDepth(
        _ depth: Int, _ object: APIObject, _ resource: ResourceKind, _ present: StoredObject?
    ) throws(APIError) {
        if depth <= limit(resource) { return }
        // Earlier versions stored deeper ones: somebody has to be able to write their status and to delete them.
        if let present, depth <= JSONDepth.read, depth <= JSONValue.object(try APIObject(present).json).depth { return }
        throw APIError(
            422, "Invalid",
            "\(resource.subject(object.name).resourceText) is invalid: objects and lists in it nest \(depth) deep, "
                + "the limit is \(limit(resource))")
    }

    /// The history of a workload holds a part of it, two levels deeper.
    private static func limit(_ resource: ResourceKind) -> Int {
        resource.custom == nil && resource.kind == "ControllerRevision" ? JSONDepth.stored + 8 : JSONDepth.stored
    }
}

extension StoredObject {
    /// Whether it is known whether the object can be read.
    var isExamined: Bool { soundness.load(ordering: .relaxed) != .unknown }

    /// Whether the object can be shown to anybody. Looked at once; what this process wrote needs no look.
    var isReadable: Bool {
        switch soundness.load(ordering: .relaxed) {
        case .sound: return true
        case .unsound: return false
        case .unknown:
            let isReadable = (try? JSONValue.parse(bytes))?.object != nil
            soundness.store(isReadable ? .sound : .unsound, ordering: .relaxed)
            return isReadable
        }
    }
}

extension Array where Element == StoredObject {
    /// Those that can be read. One that cannot takes part in nothing but its own deletion, so that it stops nobody.
    var readable: [StoredObject] { allSatisfy(\.isReadable) ? self : filter(\.isReadable) }
}

extension APIError {
    /// An object that is damaged, or deeper than anything is read.
    static func unreadable(_ stored: StoredObject, _ why: JSONError) -> APIError {
        .internalError(
            "\(stored.key) is corrupt, its stored form cannot be read: \(why). Delete it with "
                + "\(DeleteOptions.ignoreReadError)=true")
    }
}
