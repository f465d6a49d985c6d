// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
import JSON
import KubeAPI
import KubeClient
import Synchronization

/// Changes of objects that others of their namespace select by labels. Which of these they concern depends on how many
/// there are and what they ask for, which is anybody's to write: so an informer's handler notes what has changed and does
/// nothing else, and it is found at the bench, in the namespace's turn, for all that has changed meanwhile at once.
final class ChangesByNamespace: Sendable {
    /// What has changed in a namespace.
    struct Noted: Sendable, Equatable {
        /// What has changed and is there, by name.
        var names: Set<String> = []
        /// Labels that objects had before, as they were written.
        var former: [JSONObject] = []
        /// So much that it is not kept: it may concern everything.
        var isAll = false
        fileprivate var size = 0

        /// Labels of changed objects, as they are by now and as they were.
        func labels(of object: (_ name: String) -> DynamicObject?) -> [[String: String]] {
            names.compactMap { object($0)?.json.objectLabels } + former.map { JSONValue.object($0).stringMap }
        }
    }

    typealias Find = @Sendable (_ namespace: String, _ changes: Noted) async -> Void

    /// How many names and labels of a namespace are kept.
    private static let limit = 16_384
    private let pending = Mutex<[String: Noted]>([:])
    private let queue = WorkQueue<String>(turn: { $0 })
    private let find = Mutex<Find?>(nil)

    /// Says who finds what the changes of a namespace concern. Before anything runs.
    func find(_ body: @escaping Find) { find.withLock { $0 = body } }

    /// Notes that an object has changed, which is in a cache.
    func note(_ object: JSONObject) {
        let name = object.objectName
        note(object.objectNamespace, 1) { $0.names.insert(name) }
    }

    /// Notes the labels of an object that has them no longer.
    func note(former object: JSONObject) {
        let labels = object.value("metadata", "labels")?.object ?? [:]
        note(object.objectNamespace, 1 + labels.count) { $0.former.append(labels) }
    }

    private func note(_ namespace: String, _ size: Int, _ change: (inout Noted) -> Void) {
        pending.withLock { pending in
            var noted = pending.removeValue(forKey: namespace) ?? Noted()
            if !noted.isAll {
                change(&noted)
                noted.size += size
                if noted.size > Self.limit { noted = Noted(isAll: true) }
            }
            pending[namespace] = noted
        }
        queue.add(namespace)
    }

    /// Takes what was noted of a namespace.
    func take(_ namespace: String) -> Noted? { pending.withLock { $0.removeValue(forKey: namespace) } }

    /// Finds until cancelled. Whose changes are dear waits a while between them: more of them are one by then.
    func run(at bench: Workbench) async {
        guard let find = find.withLock({ $0 }) else { preconditionFailure("changes that nobody looks at") }
        // Nothing fails but its rest, when all ends.
        await queue.run(on: { bench.executor(for: $0) }, failed: { _, _ in }) { [self] namespace in
            guard let noted = take(namespace) else { return }
            let start = ContinuousClock.now
            await find(namespace, noted)
            let spent = start.duration(to: .now)
            if spent > .milliseconds(20) { try await Task.sleep(for: min(spent * 10, .seconds(2))) }
        }
    }
}

extension ChangesByNamespace {
    /// Queues the objects that select what has changed.
    ///
    /// - Parameters:
    ///   - objects: Those that select, and by what.
    ///   - isOrphan: Whether only what nobody controls concerns them.
    func find(
        _ objects: Informer<DynamicObject>, by selectors: SelectorTable, among changed: Informer<DynamicObject>,
        orphansOnly: Bool, _ queue: WorkQueue<ObjectKey>
    ) {
        find { namespace, noted in
            let labels = noted.labels { name in
                changed.get(name, namespace: namespace).flatMap {
                    orphansOnly && $0.json.controllerReference != nil ? nil : $0
                }
            }
            guard noted.isAll || !labels.isEmpty else { return }
            for object in objects.list(namespace: namespace) {
                let wanted = selectors.of(object)
                if noted.isAll || labels.contains(where: { wanted.matches($0) }) { queue.add(object.json.objectKey) }
            }
        }
    }
}
