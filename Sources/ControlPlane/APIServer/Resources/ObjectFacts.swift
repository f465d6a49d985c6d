// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization

/// What selectors look at, read once from an object and kept with it.
final class ObjectFacts: Sendable {
    let labels: [String: String]
    let fields: [String: String]
    /// What the fields were read by; nil for built-in kinds.
    private let custom: CustomResource?

    init(_ object: APIObject, _ selectable: SelectableFields, _ custom: CustomResource? = nil) {
        self.custom = custom
        var labels: [String: String] = [:]
        for (key, value) in object.labels { labels[key] = value.string ?? "" }
        self.labels = labels
        var fields = selectable.values(in: object.json)
        fields["metadata.name"] = object.name
        if !object.namespace.isEmpty { fields["metadata.namespace"] = object.namespace }
        self.fields = fields
    }

    /// The facts of a stored object. An object that cannot be read has none and is selected by nothing.
    static func of(_ stored: StoredObject, _ resource: ResourceKind) -> ObjectFacts {
        if let known = known(stored, resource) { return known }
        let selectable =
            resource.custom == nil
            ? SelectableFields(group: resource.storage.group, kind: resource.kind)
            : SelectableFields(resource: resource)
        let facts: ObjectFacts
        do throws(APIError) {
            var object = try APIObject(stored)
            if let custom = resource.custom { object = CustomForm.shown(object, custom) }
            facts = ObjectFacts(object, selectable, resource.custom)
        } catch {
            facts = ObjectFacts(APIObject(), selectable, resource.custom)
        }
        stored.remember(facts)
        return facts
    }

    fileprivate static func known(_ stored: StoredObject, _ resource: ResourceKind) -> ObjectFacts? {
        guard let known = stored.remembered(ObjectFacts.self), known.custom === resource.custom else { return nil }
        return known
    }
}

extension StoredObject {
    /// What is kept with an object, where that is two things.
    private final class Pair: Sendable {
        let one, other: any AnyObject & Sendable
        init(_ one: any AnyObject & Sendable, _ other: any AnyObject & Sendable) {
            (self.one, self.other) = (one, other)
        }
    }

    /// What of this type is kept with the object.
    func remembered<Part: AnyObject & Sendable>(_ type: Part.Type) -> Part? {
        memo.withLock { memo in
            if let part = memo as? Part { return part }
            guard let pair = memo as? Pair else { return nil }
            return pair.one as? Part ?? pair.other as? Part
        }
    }

    /// Keeps what was read from the object with it, beside one thing of another type: those who look at the one must not
    /// make those who look at the other read the object again.
    func remember<Part: AnyObject & Sendable>(_ part: Part) {
        memo.withLock { memo in
            let others = (memo as? Pair).map { [$0.one, $0.other] } ?? [memo].compactMap { $0 }
            memo = others.first { !($0 is Part) }.map { Pair(part, $0) } ?? part
        }
    }
}

/// The label and field selectors of one request.
struct ObjectFilter: Sendable {
    private let labels: LabelSelector
    private let fields: FieldSelector
    let resource: ResourceKind

    /// Refuses fields that objects of the kind cannot be chosen by.
    init(_ resource: ResourceKind, _ selection: ListSelection) throws(APIError) {
        self.resource = resource
        labels = selection.labels
        fields = selection.fields
        guard !fields.isEverything else { return }
        do throws(FieldSelectorError) { try SelectableFields(resource: resource).check(fields) } catch {
            throw .badRequest("\(error)")
        }
    }

    var isEverything: Bool { labels.isEverything && fields.isEverything }

    /// Whether an object is matched without being read.
    func knows(_ stored: StoredObject) -> Bool { isEverything || ObjectFacts.known(stored, resource) != nil }

    /// What it takes to match an object that need not be read, in bytes that could be decoded meanwhile.
    var cost: Int { 32 * (labels.requirements.count + fields.terms.count) }

    /// The one name that can match, where the field selector says so.
    var name: String? { fields.exactValue(of: "metadata.name") }

    /// An object that cannot be read is nobody's: clients that read it would fail on all that comes with it.
    func matches(_ stored: StoredObject) -> Bool {
        guard stored.isReadable else { return false }
        if isEverything { return true }
        let facts = ObjectFacts.of(stored, resource)
        return labels.matches(facts.labels) && fields.matches { facts.fields[Self.alias($0)] ?? "" }
    }

    /// events.k8s.io names what the core group calls `involvedObject` and `reportingComponent` differently.
    private static func alias(_ field: String) -> String {
        if field.hasPrefix("regarding.") { return "involvedObject." + field.dropFirst(10) }
        return field == "reportingController" ? "reportingComponent" : field
    }
}
