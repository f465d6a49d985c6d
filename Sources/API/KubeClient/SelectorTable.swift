// SPDX-License-Identifier: Apache-2.0

internal import JSON
public import KubeAPI
internal import Schema
internal import Synchronization

/// The selectors of the objects of one cache, each read once and not for every pod that changes: a selector may have tens
/// of thousands of values.
public final class SelectorTable: Sendable {
    private struct Entry {
        var uid: String
        /// As long as it is the same the object asks for the same.
        var version: String
        var selector: LabelSelector
    }

    private let read: @Sendable (DynamicObject) -> LabelSelector
    private let entries = Mutex<[ObjectKey: Entry]>([:])

    /// - Parameter read: The selector of an object; by default the LabelSelector in `spec.selector`.
    public init(
        _ informer: Informer<DynamicObject>, read: (@Sendable (DynamicObject) -> LabelSelector)? = nil
    ) {
        self.read = read ?? Self.labelSelector
        informer.addHandler { [weak self] change in
            guard case .deleted(let object) = change else { return }
            self?.entries.withLock { _ = $0.removeValue(forKey: object.json.objectKey) }
        }
    }

    /// The selector of an object of the cache.
    public func of(_ object: DynamicObject) -> LabelSelector {
        let key = object.json.objectKey
        let (uid, version) = (object.json.objectUID, Self.version(object))
        let known = entries.withLock { $0[key] }
        if let known, known.uid == uid, known.version == version { return known.selector }
        let selector = read(object)
        entries.withLock { $0[key] = Entry(uid: uid, version: version, selector: selector) }
        return selector
    }

    /// One that is invalid selects nothing: the API server refuses it, and it must not select everything.
    @Sendable private static func labelSelector(_ object: DynamicObject) -> LabelSelector {
        guard let value = object.json.value("spec", "selector"), value.object != nil else { return .nothing }
        return (try? LabelSelector(value)) ?? .nothing
    }

    /// The generation counts changes of what is asked for; what has none is read at every change.
    private static func version(_ object: DynamicObject) -> String {
        if let generation = object.json.int("metadata", "generation"), generation > 0 { return "g\(generation)" }
        return object.json.objectResourceVersion
    }
}
