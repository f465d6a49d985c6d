// SPDX-License-Identifier: Apache-2.0

import JSON
public import KubeAPI
public import Schema
import Synchronization
public import Telemetry

/// What every informer offers whatever its kind.
public protocol AnyInformer: Sendable {
    var hasSynced: Bool { get }
    func run() async
    /// Returns when the first list is in the cache; throws when cancelled.
    func waitForSync() async throws
}

/// A cache of one collection kept current by list and watch, and the changes told to handlers.
///
/// `run` does the work until its task is cancelled. Handlers are called one change at a time, in order; they must not
/// block: queue the key and return. A handler added late first gets an `added` for all that is there.
public final class Informer<T: KubeView>: AnyInformer {
    public typealias Handler = @Sendable (InformerChange<T>) -> Void

    public let resource: ResourceID
    public let namespace: String?
    let client: KubeClient
    let labelSelector: String?
    let fieldSelector: String?
    let transform: (@Sendable (T) -> T)?
    let logger: Logger?
    private let state: Mutex<State>

    private struct State {
        var cache = ObjectCache<T>()
        var listeners: [Listener<T>] = []
        var hasSynced = false
        var lastVersion = ""
        var waiters: [UInt64: CheckedContinuation<Void, any Error>] = [:]
        var nextWaiter: UInt64 = 0
    }

    /// - Parameters:
    ///   - namespace: nil watches all namespaces.
    ///   - transform: Applied to every object before it is cached; the default drops `managedFields`, which no
    ///     component reads and which are a third of a small object.
    public init(
        client: KubeClient, resource: ResourceID, namespace: String? = nil, labelSelector: String? = nil,
        fieldSelector: String? = nil, logger: Logger? = nil,
        transform: (@Sendable (T) -> T)? = { $0.withoutManagedFields() }
    ) {
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.transform = transform
        self.logger = logger
        state = Mutex(State())
    }

    // MARK: Reading

    public var hasSynced: Bool { state.withLock { $0.hasSynced } }

    /// The version of the newest change seen.
    public var lastResourceVersion: String { state.withLock { $0.lastVersion } }

    public func get(_ key: ObjectKey) -> T? { state.withLock { $0.cache.objects[key] } }

    public func get(_ name: String, namespace: String = "") -> T? { get(ObjectKey(namespace, name)) }

    public func list() -> [T] { state.withLock { Array($0.cache.objects.values) } }

    public func list(namespace: String) -> [T] {
        // Made beside the lock: whoever has many objects keeps no other from the cache.
        Array(state.withLock { $0.cache.part(namespace: namespace) }.values)
    }

    /// The objects an index holds under `value`; the index must have been added.
    public func list(index: String, value: String) -> [T] {
        Array(state.withLock { $0.cache.part(index: index, value: value) }.values)
    }

    /// The objects it holds under several values, as they are at one moment: none is missed that goes from one to another.
    public func list(index: String, values: [String]) -> [T] {
        state.withLock { state in values.map { state.cache.part(index: index, value: $0) } }.flatMap(\.values)
    }

    public var count: Int { state.withLock { $0.cache.objects.count } }

    public func count(namespace: String) -> Int { state.withLock { $0.cache.count(namespace: namespace) } }

    /// The namespaces that there are objects in.
    public var namespaces: [String] { state.withLock { Array($0.cache.populated) } }

    // MARK: Handlers and indexes

    /// Adds an index; a second index of the same name is ignored, so that components sharing an informer may each ask.
    public func addIndex(_ name: String, _ function: @escaping IndexFunction<T>) {
        state.withLock { $0.cache.addIndex(name, function) }
    }

    public func addHandler(_ handler: @escaping Handler) {
        let listener = Listener(handler)
        state.withLock { state in
            listener.post(state.cache.objects.values.map { .added($0) })
            state.listeners.append(listener)
        }
        listener.drain()
    }

    /// The changes as a stream, from all that is there on.
    public func changes() -> AsyncStream<InformerChange<T>> {
        let (stream, continuation) = AsyncStream.makeStream(of: InformerChange<T>.self)
        addHandler { continuation.yield($0) }
        return stream
    }

    public func waitForSync() async throws {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.hasSynced { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    // MARK: Writing; only the reflector and tests call these

    func replace(with objects: [T], version: String) {
        var fresh: [ObjectKey: T] = [:]
        fresh.reserveCapacity(objects.count)
        for object in objects { fresh[object.json.objectKey] = object }
        change(version: version, synced: true) { $0.replace(with: fresh) }
    }

    func store(_ object: T) {
        let object = transformed(object)
        change(version: object.json.objectResourceVersion) { cache in
            cache.store(object, key: object.json.objectKey).map { [$0] } ?? []
        }
    }

    func remove(_ object: T) {
        let object = transformed(object)
        change(version: object.json.objectResourceVersion) { cache in
            cache.remove(object.json.objectKey).map { _ in [.deleted(object)] } ?? []
        }
    }

    func note(version: String) {
        state.withLock { $0.lastVersion = version }
    }

    func transformed(_ object: T) -> T { transform?(object) ?? object }

    private func change(version: String, synced: Bool = false, _ body: (inout ObjectCache<T>) -> [InformerChange<T>]) {
        let (listeners, waiters) = state.withLock { state in
            let changes = body(&state.cache)
            if !version.isEmpty { state.lastVersion = version }
            var waiters: [CheckedContinuation<Void, any Error>] = []
            if synced, !state.hasSynced {
                state.hasSynced = true
                waiters = Array(state.waiters.values)
                state.waiters = [:]
            }
            // Posted under the lock, so that every listener sees the order in which the cache changed.
            for listener in state.listeners { listener.post(changes) }
            return (state.listeners, waiters)
        }
        for listener in listeners { listener.drain() }
        for waiter in waiters { waiter.resume() }
    }
}

/// One handler and the changes it has yet to be told: whoever finds nobody draining drains.
private final class Listener<T: KubeView>: Sendable {
    private let handler: @Sendable (InformerChange<T>) -> Void
    private let state = Mutex<(pending: [InformerChange<T>], isDraining: Bool)>(([], false))

    init(_ handler: @escaping @Sendable (InformerChange<T>) -> Void) { self.handler = handler }

    func post(_ changes: [InformerChange<T>]) {
        guard !changes.isEmpty else { return }
        state.withLock { $0.pending.append(contentsOf: changes) }
    }

    func drain() {
        while true {
            let batch: [InformerChange<T>]? = state.withLock { state in
                guard !state.isDraining, !state.pending.isEmpty else { return nil }
                state.isDraining = true
                defer { state.pending = [] }
                return state.pending
            }
            guard let batch else { return }
            for change in batch { handler(change) }
            state.withLock { $0.isDraining = false }
        }
    }
}

extension Informer where T: KubeObject {
    public convenience init(
        client: KubeClient, namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        logger: Logger? = nil, transform: (@Sendable (T) -> T)? = { $0.withoutManagedFields() }
    ) {
        self.init(
            client: client, resource: T.resource, namespace: namespace, labelSelector: labelSelector,
            fieldSelector: fieldSelector, logger: logger, transform: transform)
    }
}

extension KubeView {
    /// The object without the record of who set which field.
    public func withoutManagedFields() -> Self {
        guard var metadata = json["metadata"]?.object, metadata["managedFields"] != nil else { return self }
        var copy = self
        metadata.removeValue(forKey: "managedFields")
        copy.json["metadata"] = .object(metadata)
        return copy
    }
}
