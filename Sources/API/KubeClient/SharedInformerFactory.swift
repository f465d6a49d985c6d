// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
public import KubeAPI
import Synchronization
public import Telemetry

/// One informer a kind for all components of a process: one watch, one cache.
///
/// Informers asked for before or after `start` run until `stop`.
public final class SharedInformerFactory: Sendable {
    public let client: KubeClient
    let logger: Logger?
    private let state = Mutex(State())

    private struct State {
        var informers: [String: any AnyInformer] = [:]
        var order: [String] = []
        var tasks: [Task<Void, Never>] = []
        /// Of the component that has started them; nil while they do not run.
        var loop: EventLoop?
    }

    public init(client: KubeClient, logger: Logger? = nil) {
        self.client = client
        self.logger = logger
    }

    deinit {
        state.withLock { state in
            for task in state.tasks { task.cancel() }
        }
    }

    /// The shared informer over all namespaces of a kind.
    public func informer<T: KubeObject>(_ type: T.Type = T.self) -> Informer<T> {
        let resource = T.resource
        return shared("\(resource.group)/\(resource.plural)/\(T.self)") {
            Informer<T>(client: client, logger: logger)
        }
    }

    /// The shared informer of a kind narrowed to one namespace or by selectors.
    public func informer<T: KubeObject>(
        _ type: T.Type = T.self, namespace: String?, labelSelector: String? = nil, fieldSelector: String? = nil
    ) -> Informer<T> {
        let resource = T.resource
        let key =
            "\(resource.group)/\(resource.plural)/\(T.self)?\(namespace ?? "")&\(labelSelector ?? "")&"
            + (fieldSelector ?? "")
        return shared(key) {
            Informer<T>(
                client: client, namespace: namespace, labelSelector: labelSelector, fieldSelector: fieldSelector,
                logger: logger)
        }
    }

    func shared<T: KubeView>(_ key: String, make: () -> Informer<T>) -> Informer<T> {
        state.withLock { state in
            if let informer = state.informers[key] as? Informer<T> { return informer }
            let informer = make()
            state.informers[key] = informer
            state.order.append(key)
            if let loop = state.loop { state.tasks.append(loop.begin { await informer.run() }) }
            return informer
        }
    }

    /// Starts all informers that do not run yet, and has them, and those asked for later, run on the loop this runs on.
    public func start() {
        state.withLock { state in
            guard state.loop == nil else { return }
            let loop = EventLoop.here
            state.loop = loop
            for key in state.order {
                guard let informer = state.informers[key] else { continue }
                state.tasks.append(loop.begin { await informer.run() })
            }
        }
    }

    /// Ends all informers; their caches stay readable.
    public func stop() {
        state.withLock { state in
            for task in state.tasks { task.cancel() }
            state.tasks = []
            state.loop = nil
        }
    }

    /// Returns when every informer asked for so far has its first list.
    public func waitForSync() async throws {
        let informers = state.withLock { state in state.order.compactMap { state.informers[$0] } }
        for informer in informers { try await informer.waitForSync() }
    }
}
