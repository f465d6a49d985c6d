// SPDX-License-Identifier: Apache-2.0

import KubeAPI
public import KubeClient
public import Telemetry

/// What every controller is given.
public struct ControllerContext: Sendable {
    /// What the controller reads and writes with, beside the shared caches.
    public var client: KubeClient
    public var informers: SharedInformerFactory
    public var logger: Logger
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
    /// Waits for caches, then works on a queue's keys beside the recorder's writer; logs what failed.
    func work<Key: Hashable & Sendable>(
        on queue: WorkQueue<Key>, workers: Int, after informers: [any AnyInformer], recorder: EventRecorder? = nil,
        logger: Logger, beside: [@Sendable () async -> Void] = [],
        _ sync: @escaping @Sendable (Key) async throws -> Void
    ) async {
        do {
            for informer in informers { try await informer.waitForSync() }
        } catch {
            return  // Cancelled before the caches were filled.
        }
        let name = name
        await withTaskGroup(of: Void.self) { group in
            if let recorder { group.addTask { await recorder.run() } }
            for task in beside { group.addTask { await task() } }
            group.addTask {
                await queue.run(
                    workers: workers,
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
