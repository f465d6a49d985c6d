// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import KubeAPI
internal import Linux
internal import Numbers

enum ProbeKind: String, Sendable {
    case startup, liveness, readiness
}

/// Counts a probe's results against its thresholds and says when the verdict changes. Pure.
struct ProbeCounter: Sendable, Hashable {
    let successThreshold: Int
    let failureThreshold: Int
    private(set) var verdict: Bool?
    private var lastResult: Bool?
    private var run = 0

    init(successThreshold: Int, failureThreshold: Int, verdict: Bool?) {
        self.successThreshold = max(successThreshold, 1)
        self.failureThreshold = max(failureThreshold, 1)
        self.verdict = verdict
    }

    /// The new verdict when `result` changes it, else nil.
    mutating func add(_ result: Bool) -> Bool? {
        run = lastResult == result ? run + 1 : 1
        lastResult = result
        guard run >= (result ? successThreshold : failureThreshold), verdict != result else { return nil }
        verdict = result
        return result
    }
}

/// The probes of one run of a container: a task each, no thread, no timer but its own sleep.
final class ContainerProbes: Sendable {
    private let worker: PodWorker
    private let container: Container
    private let id: String
    private let startedAt: Int64
    private let wasReady: Bool
    private let tasks = TaskBag()

    init(worker: PodWorker, container: Container, id: String, startedAt: Int64, wasReady: Bool) {
        self.worker = worker
        self.container = container
        self.id = id
        self.startedAt = startedAt
        self.wasReady = wasReady
    }

    /// Begins with the startup probe when there is one to pass, else with the other two.
    func start(startup: Bool) {
        if startup, let probe = container.startupProbe {
            run(.startup, probe, verdict: nil)
        } else {
            started()
        }
    }

    /// The startup probe has passed.
    func started() {
        if let probe = container.livenessProbe { run(.liveness, probe, verdict: true) }
        if let probe = container.readinessProbe { run(.readiness, probe, verdict: wasReady) }
    }

    func cancel() { tasks.cancel() }

    private func run(_ kind: ProbeKind, _ probe: Probe, verdict: Bool?) {
        tasks.add(
            worker.executor.begin { [worker, container, id, startedAt] in
                var counter = ProbeCounter(
                    successThreshold: probe.successThreshold ?? 1, failureThreshold: probe.failureThreshold ?? 3,
                    verdict: verdict)
                // The start is of the wall clock, which may have been set back since: never longer than was asked for.
                let initial = Nanoseconds.of(seconds: probe.initialDelaySeconds ?? 0)
                let delay = min(initial, initial - KernelClock.wall.now().saturatingDifference(startedAt))
                let period = Duration.seconds(max(probe.periodSeconds ?? 10, 1))
                do {
                    if delay > 0 { try await sleep(for: .nanoseconds(delay)) }
                    while !Task.isCancelled {
                        let result = await ProbeRunner(worker: worker, container: container).run(probe)
                        if Task.isCancelled { return }
                        if case .failure(let message) = result {
                            await worker.unhealthy(container.name, kind, message)
                        }
                        if let changed = counter.add(result == .success) {
                            await worker.probed(
                                container.name, id: id, kind: kind, success: changed, message: result.message)
                            // Passed once, it is done; failed, the container is.
                            if kind == .startup || (kind == .liveness && !changed) { return }
                        }
                        // Until it is started, look often: its first second counts in every rollout.
                        try await sleep(
                            for: counter.verdict == true ? period : min(period, .seconds(kind == .readiness ? 1 : 10)))
                    }
                } catch { return }  // Cancelled: the container has ended.
            })
    }
}

/// Tasks that end with their owner.
final class TaskBag: Sendable {
    private let tasks = Synchronized<[Task<Void, Never>]>([])
    func add(_ task: Task<Void, Never>) { tasks.change { $0.append(task) } }
    func cancel() { for task in tasks.value { task.cancel() } }
    deinit { cancel() }
}

enum ProbeResult: Sendable, Hashable {
    case success
    case failure(String)

    var message: String { if case .failure(let text) = self { text } else { "" } }
}
