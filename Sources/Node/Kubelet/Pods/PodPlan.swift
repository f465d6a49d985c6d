// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI

/// The part a container plays in its pod.
enum ContainerRole: String, Sendable, Hashable {
    case initialization, sidecar, application, ephemeral
}

/// A container of a pod's specification, in the order it matters.
struct PlannedContainer: Sendable, Hashable {
    var container: Container
    var role: ContainerRole
    var name: String { container.name }

    static func all(of pod: Pod) -> [PlannedContainer] {
        pod.spec.initContainers.map {
            PlannedContainer(container: $0, role: $0.restartPolicy == "Always" ? .sidecar : .initialization)
        }
            + pod.spec.containers.map { PlannedContainer(container: $0, role: .application) }
            + pod.spec.ephemeralContainers.map {
                PlannedContainer(container: Container(json: $0.json), role: .ephemeral)
            }
    }
}

/// The containers of a pod in their order, found by their names.
struct PlannedContainers: Sendable {
    let all: [PlannedContainer]
    private let places: [String: Int]

    init(_ pod: Pod) {
        all = PlannedContainer.all(of: pod)
        // Where names repeat, which no API server takes, the first counts.
        places = Dictionary(all.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    subscript(name: String) -> PlannedContainer? { places[name].map { all[$0] } }
}

/// Where a container is, as far as decisions need it.
struct ContainerSituation: Sendable, Hashable {
    enum Phase: Sendable, Hashable {
        /// Never started, or its sandbox is a new one.
        case waiting
        /// On its way: image, creation, hooks.
        case starting
        case running
        case stopping
        case exited(code: Int32)
    }
    var phase: Phase = .waiting
    /// The startup probe has passed, or there is none.
    var isStarted = false
    var isReady = false
    /// Nanoseconds of the monotonic clock before which it is not started again.
    var notBefore: Int64 = 0
    /// Has been given up with an error that no retry mends.
    var hasFailedForGood = false
}

/// What to do next for a pod.
enum PodAction: Sendable, Hashable {
    case makeSandbox
    case start(String)
    case stop(String)
    /// All containers have ended for good: what the pod holds is given back.
    case tearDown
    /// Nothing before then.
    case wait(until: Int64)
}

/// Decides from the pod and what is there of it what to do next. No I/O, no clock of its own.
struct PodPlan {
    var pod: Pod
    var containers: [PlannedContainer]
    var situations: [String: ContainerSituation]
    var hasSandbox: Bool
    /// The pod is being deleted, evicted, or past its deadline.
    var isTerminating: Bool
    var now: Int64

    private func situation(_ name: String) -> ContainerSituation { situations[name] ?? ContainerSituation() }
    private var podPolicy: String { pod.spec.restartPolicy ?? "Always" }

    func actions() -> [PodAction] {
        if isTerminating || isFinished { return termination() }
        guard hasSandbox else { return needsSandbox ? [.makeSandbox] : termination() }
        var actions: [PodAction] = []
        if !initialize(&actions) { return actions }
        for planned in containers where planned.role == .application || planned.role == .ephemeral {
            run(planned, &actions)
        }
        return actions
    }

    /// Every application container has ended and none comes back, or the initialization failed for good.
    var isFinished: Bool {
        if hasFailedInitialization { return true }
        let applications = containers.filter { $0.role == .application }
        return !applications.isEmpty && applications.allSatisfy { isOver($0) }
    }

    /// An init container failed and the pod's policy does not try it again.
    var hasFailedInitialization: Bool {
        containers.contains { planned in
            guard planned.role == .initialization, case .exited(let code) = situation(planned.name).phase else {
                return false
            }
            return code != 0 && policy(of: planned) == "Never"
        }
    }

    private var needsSandbox: Bool { !isFinished }

    private func policy(of planned: PlannedContainer) -> String {
        if planned.role == .sidecar { return "Always" }
        if planned.role == .ephemeral { return "Never" }
        let own = planned.container.restartPolicy ?? podPolicy
        // An init container under Always is tried again after a failure only.
        return planned.role == .initialization && own == "Always" ? "OnFailure" : own
    }

    /// Whether the container has ended and will not run again.
    private func isOver(_ planned: PlannedContainer) -> Bool {
        guard case .exited(let code) = situation(planned.name).phase else { return false }
        return !restarts(planned, after: code)
    }

    func restarts(_ planned: PlannedContainer, after code: Int32) -> Bool {
        for rule in planned.container.restartPolicyRules where rule.action == "Restart" {
            guard let codes = rule.exitCodes else { continue }
            let isListed = codes.values.contains(Int(code))
            if codes.operator == "In" ? isListed : !isListed { return true }
        }
        switch policy(of: planned) {
        case "Always": return true
        case "OnFailure": return code != 0
        default: return false
        }
    }

    /// Init containers in their order, sidecars among them. True when the application containers may run.
    private func initialize(_ actions: inout [PodAction]) -> Bool {
        let initials = containers.filter { $0.role == .initialization || $0.role == .sidecar }
        // Once an application container has been started the initialization is behind: only sidecars are looked after.
        let isBehind = containers.contains { $0.role == .application && situation($0.name).phase != .waiting }
        for planned in initials {
            let state = situation(planned.name)
            switch (planned.role, state.phase) {
            case (.initialization, _) where isBehind: continue
            case (.initialization, .exited(code: 0)): continue
            case (.sidecar, .running):
                if state.isStarted || isBehind { continue }
                return false
            case (.sidecar, _):
                run(planned, &actions)
                if isBehind { continue }
                return false
            default:
                run(planned, &actions)
                return false
            }
        }
        return true
    }

    /// Starts what is to run and does not.
    private func run(_ planned: PlannedContainer, _ actions: inout [PodAction]) {
        let state = situation(planned.name)
        switch state.phase {
        case .starting, .running, .stopping: return
        case .waiting: break
        case .exited(let code):
            guard restarts(planned, after: code) else { return }
        }
        if state.hasFailedForGood { return }
        actions.append(state.notBefore > now ? .wait(until: state.notBefore) : .start(planned.name))
    }

    /// Stops application containers together, then sidecars from the last to the first, then gives all back.
    private func termination() -> [PodAction] {
        func isActive(_ planned: PlannedContainer) -> Bool {
            switch situation(planned.name).phase {
            case .starting, .running, .stopping: true
            case .waiting, .exited: false
            }
        }
        let first = containers.filter { $0.role != .sidecar && isActive($0) }
        if !first.isEmpty { return first.filter { situation($0.name).phase != .stopping }.map { .stop($0.name) } }
        if let sidecar = containers.last(where: { $0.role == .sidecar && isActive($0) }) {
            return situation(sidecar.name).phase == .stopping ? [] : [.stop(sidecar.name)]
        }
        return [.tearDown]
    }
}
