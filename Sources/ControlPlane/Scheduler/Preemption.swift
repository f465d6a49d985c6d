// SPDX-License-Identifier: Apache-2.0

import KubeAPI
import KubeClient

/// A PodDisruptionBudget as preemption respects it.
struct Budget: Sendable {
    var namespace: String
    var selector: LabelSelector
    var allowed: Int64
    /// Pods whose eviction was granted already.
    var disrupted: Set<String>
}

/// Which pods must go for another one. No I/O.
struct Preemption {
    struct Candidate: Sendable {
        var node: String
        /// The most important first.
        var victims: [PodInfo]
        var violations: Int
    }

    struct Outcome: Sendable {
        var best: Candidate?
        /// Text for the pod's condition when there is none.
        var message: String
    }

    /// How many nodes are tried for one pod, at least: the rest when it comes again.
    static let leastCandidates = 100
    /// How long they are tried for one pod.
    static let longest = Duration.milliseconds(50)

    private let cycle: Cycle
    private let budgets: [String: [Budget]]

    private var pod: PodInfo { cycle.pod }
    private var snapshot: Snapshot { cycle.snapshot }

    init(_ cycle: Cycle, budgets: [Budget]) {
        self.cycle = cycle
        self.budgets = Dictionary(grouping: budgets, by: \.namespace)
    }

    /// Finds the node where the least important pods have to go.
    func find(_ failure: FitFailure) -> Outcome {
        guard pod.preempts else {
            return Outcome(message: "preemption: not eligible due to preemptionPolicy=Never.")
        }
        if let node = snapshot[pod.nominatedNodeName],
            node.pods.values.contains(where: { $0.isTerminating && $0.priority < pod.priority })
        {
            return Outcome(message: "preemption: not eligible due to a terminating pod on the nominated node.")
        }
        var candidates: [Candidate] = []
        var reasons: [[String]] = []
        // From another node each time, so that none is left out for ever.
        let nodes = snapshot.nodes
        let first = nodes.isEmpty ? 0 : Int.random(in: nodes.indices)
        let enough = max(Self.leastCandidates, nodes.count / 10)
        let end = ContinuousClock.now.advanced(by: Self.longest)
        for node in nodes[first...] + nodes[..<first] {
            guard candidates.count < enough, candidates.isEmpty || .now < end else { break }
            guard failure.general == nil, let rejection = failure.rejections[node.name], rejection.isResolvable else {
                reasons.append(["Preemption is not helpful for scheduling"])
                continue
            }
            switch victims(on: node) {
            case .success(let candidate): candidates.append(candidate)
            case .failure(let refusal): reasons.append(refusal.reasons)
            }
        }
        if let best = candidates.min(by: isBetter) { return Outcome(best: best, message: "") }
        return Outcome(
            message: "preemption: 0/\(snapshot.nodes.count) nodes are available: \(FitFailure.histogram(reasons)).")
    }

    private struct Refusal: Error { var reasons: [String] }

    /// The fewest pods of `node` whose going makes room: all lesser ones, then as many as possible put back.
    private func victims(on node: NodeInfo) -> Result<Candidate, Refusal> {
        let lesser = node.pods.values.filter { $0.priority < pod.priority }
        guard !lesser.isEmpty else {
            return .failure(Refusal(reasons: ["No preemption victims found for incoming pod"]))
        }
        var emptier = Cycle.Trial(node, cycle)
        for victim in lesser { emptier.remove(victim) }
        if let rejection = emptier.check(cycle) { return .failure(Refusal(reasons: rejection.reasons)) }
        let sorted = lesser.sorted(by: Preemption.isMoreImportant)
        let (violating, harmless) = split(sorted)
        var victims: [PodInfo] = []
        var violations = 0
        func reprieve(_ other: PodInfo) -> Bool {
            emptier.add(other)
            if emptier.check(cycle) == nil { return true }
            emptier.remove(other)
            victims.append(other)
            return false
        }
        for other in violating where !reprieve(other) { violations += 1 }
        for other in harmless { _ = reprieve(other) }
        return .success(
            Candidate(
                node: node.name, victims: victims.sorted(by: Preemption.isMoreImportant), violations: violations))
    }

    /// Pods whose going would break a budget, and the others, each in order.
    private func split(_ pods: [PodInfo]) -> (violating: [PodInfo], harmless: [PodInfo]) {
        var left = budgets.mapValues { $0.map(\.allowed) }
        var violating: [PodInfo] = []
        var harmless: [PodInfo] = []
        for pod in pods {
            var breaks = false
            let namespace = pod.key.namespace
            for (index, budget) in (budgets[namespace] ?? []).enumerated()
            where !pod.labels.isEmpty && budget.selector.matches(pod.labels)
                && !budget.disrupted.contains(pod.key.name)
            {
                let rest = (left[namespace]?[index] ?? 0) - 1
                left[namespace]?[index] = rest
                if rest < 0 { breaks = true }
            }
            if breaks { violating.append(pod) } else { harmless.append(pod) }
        }
        return (violating, harmless)
    }

    static func isMoreImportant(_ left: PodInfo, _ right: PodInfo) -> Bool {
        if left.priority != right.priority { return left.priority > right.priority }
        return (left.started ?? left.created) < (right.started ?? right.created)
    }

    /// Fewer broken budgets, a lower highest victim, a lower sum, fewer victims, the latest started.
    private func isBetter(_ left: Candidate, _ right: Candidate) -> Bool {
        if left.violations != right.violations { return left.violations < right.violations }
        let highest = (left.victims.first?.priority ?? .min, right.victims.first?.priority ?? .min)
        if highest.0 != highest.1 { return highest.0 < highest.1 }
        // Shifted, so that many negative priorities do not beat a few.
        func sum(_ candidate: Candidate) -> Int64 {
            candidate.victims.reduce(0) { $0 + $1.priority + Int64(Int32.max) + 1 }
        }
        let sums = (sum(left), sum(right))
        if sums.0 != sums.1 { return sums.0 < sums.1 }
        if left.victims.count != right.victims.count { return left.victims.count < right.victims.count }
        func start(_ candidate: Candidate) -> Timestamp {
            let top = candidate.victims.first?.priority
            return candidate.victims.filter { $0.priority == top }.map { $0.started ?? $0.created }.min()
                ?? Timestamp(seconds: 0)
        }
        return start(left) > start(right)
    }
}
