// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
import KubeAPI
public import KubeClient
public import Telemetry

/// What every controller is given.
public struct ControllerContext: Sendable {
    /// What the controller reads and writes with, beside the shared caches.
    public var client: KubeClient
    public var informers: SharedInformerFactory
    public var logger: Logger
    /// Where the controllers compute, in the turns of the namespaces that it is for. Their loop has informers and timers.
    let bench = Workbench(atLeast: 2, name: "syncs")
    /// How many pods are made, by all controllers together.
    let pacer = PodPacer()
    private let accounts: ControllerManager.AccountClients?

    init(
        client: KubeClient, informers: SharedInformerFactory, logger: Logger,
        accounts: ControllerManager.AccountClients? = nil
    ) {
        self.client = client
        self.informers = informers
        self.logger = logger
        self.accounts = accounts
    }

    /// The same for the controller whose service account is `kube-system/<account>`: it may do what the role
    /// `system:controller:<account>` says. Caches stay the manager's, which may list and watch everything.
    func acting(as account: String) -> ControllerContext {
        guard let accounts else { return self }
        var copy = self
        copy.client = accounts(account)
        return copy
    }

    func informer(_ resource: ResourceID) -> Informer<DynamicObject> { informers.informer(resource) }

    func recorder(_ component: String) -> EventRecorder {
        EventRecorder(client: client, component: component, logger: logger)
    }
}

/// A loop that brings the cluster nearer to what objects ask for.
public protocol Controller: Sendable {
    /// As in logs and `--controllers`: `deployment`.
    var name: String { get }
    /// Works until cancelled. Called once, after the informers were started.
    func run() async
}

extension Controller {
    /// Waits for caches, then works on a queue's keys beside the recorder's writer; logs what failed. Each key is worked on
    /// at the bench, in the turn that the queue says: of its namespace, or of the controller.
    ///
    /// What `sync` touches is touched by several threads at once; of one key there is one `sync` at a time. It asks whether
    /// what it did has been seen (`Expectations`, `WriteTracker`) before it reads the caches, and not after.
    ///
    /// - Parameters:
    ///   - workers: How many keys of one turn are worked on at a time.
    ///   - matching: Finds which objects the noted changes concern.
    func work<Key: Hashable & Sendable>(
        on queue: WorkQueue<Key>, workers: Int, after informers: [any AnyInformer], recorder: EventRecorder? = nil,
        in context: ControllerContext, matching: [ChangesByNamespace] = [], beside: [@Sendable () async -> Void] = [],
        _ sync: @escaping @Sendable (Key) async throws -> Void
    ) async {
        do {
            for informer in informers { try await informer.waitForSync() }
        } catch {
            return  // Cancelled before the caches were filled.
        }
        let (name, bench, logger) = (name, context.bench, context.logger)
        // No namespace is named so.
        let own = "/\(name)"
        await withTaskGroup(of: Void.self) { group in
            if let recorder { group.addTask { await recorder.run() } }
            for changes in matching { group.addTask { await changes.run(at: bench) } }
            for task in beside { group.addTask(executorPreference: bench.executor(for: own)) { await task() } }
            group.addTask {
                await queue.run(
                    workers: workers, on: { bench.executor(for: $0.isEmpty ? own : $0) },
                    failed: { key, error in
                        // The normal course of optimistic writes and of caches that follow them.
                        if error.isConflict || error is StaleCache {
                            logger.debug(
                                "sync again with newer objects",
                                ["controller": name, "key": "\(key)", "error": "\(error)"])
                        } else {
                            logger.warning(
                                "sync failed, retrying", ["controller": name, "key": "\(key)", "error": "\(error)"])
                        }
                    }, sync)
            }
        }
    }
}
