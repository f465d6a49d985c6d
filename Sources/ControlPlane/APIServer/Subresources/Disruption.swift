// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema

/// Asks a pod's disruption budget, and notes the disruption in its status before the pod goes.
struct Disruption: Sendable {
    let scope: RequestScope

    func admit(_ pod: APIObject, dryRun: Bool) async throws(APIError) {
        let phase = pod.status["phase"]?.string
        // Pods that do not run count for no budget.
        if phase == "Succeeded" || phase == "Failed" || phase == "Pending" || pod.deletionTimestamp != nil { return }
        guard scope.core.registry.preferred("policy", "poddisruptionbudgets") != nil else { return }
        let budgets = try matching(pod)
        if budgets.isEmpty { return }
        if budgets.count > 1 {
            throw APIError.internalError(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        let isReady = (pod.status["conditions"]?.array ?? []).contains {
            $0["type"] == "Ready" && $0["status"] == "True"
        }
        if !isReady, budgets[0].spec["unhealthyPodEvictionPolicy"]?.string == "AlwaysAllow" { return }
        try await spend(budgets[0].name, pod, isReady: isReady, dryRun: dryRun)
    }

    private func matching(_ pod: APIObject) throws(APIError) -> [APIObject] {
        try scope.core.objects("policy", "poddisruptionbudgets", namespace: pod.namespace).filter { budget in
            do throws(LabelSelectorError) {
                return try LabelSelector(budget.spec["selector"]).matches(pod.labels)
            } catch {
                // Validation lets no such selector in.
                return false
            }
        }
    }

    private func spend(_ name: String, _ pod: APIObject, isReady: Bool, dryRun: Bool) async throws(APIError) {
        let resource = try scope.core.builtin("policy", "poddisruptionbudgets")
        _ = try await scope.storage.update(resource, namespace: pod.namespace, name: name, by: .server) {
            (old, _) throws(APIError) in
            var status = old.status
            let allowed = status["disruptionsAllowed"]?.integer ?? 0
            let healthy = status["currentHealthy"]?.integer ?? 0
            let desired = status["desiredHealthy"]?.integer ?? 0
            // A pod that is not ready may go when the budget is met without it.
            if !isReady, healthy >= desired, desired > 0 { return nil }
            let observed = status["observedGeneration"]?.integer ?? 0
            if observed < old.generation {
                throw refusal(
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    "The disruption budget \(name) is still being processed by the server.", retryAfter: 10)
            }
            guard allowed > 0 else {
                throw refusal(
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    "The disruption budget \(name) needs \(desired) healthy pods and has \(healthy) currently",
                    retryAfter: 0)
            }
            if dryRun { return nil }
            status["disruptionsAllowed"] = .integer(allowed - 1)
            var disrupted = status["disruptedPods"]?.object ?? [:]
            disrupted[pod.name] = .string(WallClock.text())
            status["disruptedPods"] = .object(disrupted)
            var new = old
            new.status = status
            return new
        }
    }

    private func refusal(_ message: String, _ cause: String, retryAfter: Int) -> APIError {
        var error = APIError.tooManyRequests(message, retryAfter: retryAfter)
        error.details["causes"] = [["reason": "DisruptionBudget", "message": .string(cause)]]
        return error
    }
}
