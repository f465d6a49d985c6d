// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient

/// A Deployment's status as its sets imply it. No I/O.
extension DeploymentState {
    /// The status to write; equal to the present one when there is nothing to say.
    ///
    /// - Parameter rollout: Whether progress is judged; a paused or scaled Deployment's is not.
    func status(rollout: Bool, at now: Timestamp = .now) -> JSONObject {
        let before = deployment.object("status")
        var status = before
        let total = DeploymentState.total(all)
        let available = DeploymentState.status(all, "availableReplicas")
        status["observedGeneration"] = .count(deployment.int("metadata", "generation") ?? 0)
        func set(_ field: String, _ value: Int) { status[field] = value == 0 ? nil : .count(value) }
        set("replicas", DeploymentState.status(all, "replicas"))
        set("updatedReplicas", new?.int("status", "replicas") ?? 0)
        set("readyReplicas", DeploymentState.status(all, "readyReplicas"))
        set("availableReplicas", available)
        set("unavailableReplicas", max(0, total - available))
        if all.contains(where: { $0.value("status", "terminatingReplicas") != nil }) {
            status["terminatingReplicas"] = .count(DeploymentState.status(all, "terminatingReplicas"))
        }
        var conditions = Conditions(deployment)
        if available >= wanted - limits.unavailable {
            conditions.set(
                "Available", true, reason: "MinimumReplicasAvailable",
                message: "Deployment has minimum availability.", updateTime: true, at: now)
        } else {
            conditions.set(
                "Available", false, reason: "MinimumReplicasUnavailable",
                message: "Deployment does not have minimum availability.", updateTime: true, at: now)
        }
        if rollout { judgeProgress(&conditions, from: before, to: status, at: now) }
        noteFailure(&conditions, at: now)
        status["conditions"] = conditions.json
        return status
    }

    /// Every pod is of the new template and available, and none is left over.
    func isComplete(_ status: JSONObject) -> Bool {
        (status.int("updatedReplicas") ?? 0) == wanted && (status.int("replicas") ?? 0) == wanted
            && (status.int("availableReplicas") ?? 0) == wanted
            && (status.int("observedGeneration") ?? 0) >= (deployment.int("metadata", "generation") ?? 0)
    }

    private func judgeProgress(
        _ conditions: inout Conditions, from before: JSONObject, to status: JSONObject, at now: Timestamp
    ) {
        guard let deadline = progressDeadline else {
            conditions.remove("Progressing")
            return
        }
        let current = conditions["Progressing"]
        let isDone =
            (status.int("replicas") ?? 0) == (status.int("updatedReplicas") ?? 0)
            && current?.string("reason") == "NewReplicaSetAvailable"
        guard !isDone else { return }
        let subject = new.map { "ReplicaSet \"\($0.objectName)\"" } ?? "Deployment \"\(deployment.objectName)\""
        if isComplete(status) {
            conditions.set(
                "Progressing", true, reason: "NewReplicaSetAvailable",
                message: "\(subject) has successfully progressed.", updateTime: true, at: now)
        } else if progressed(from: before, to: status) {
            // Each step of progress moves the update time, from which the deadline counts.
            let since = current?["status"]?.string == "True" ? current?["lastTransitionTime"] : nil
            conditions.remove("Progressing")
            conditions.set(
                "Progressing", true, reason: "ReplicaSetUpdated", message: "\(subject) is progressing.",
                updateTime: true, at: now)
            if let since, let index = conditions.items.firstIndex(where: { $0["type"]?.string == "Progressing" }) {
                conditions.items[index]["lastTransitionTime"] = since
            }
        } else if hasTimedOut(current, deadline: deadline, at: now) {
            conditions.set(
                "Progressing", false, reason: "ProgressDeadlineExceeded",
                message: "\(subject) has timed out progressing.", updateTime: true, at: now)
        }
    }

    private func progressed(from before: JSONObject, to status: JSONObject) -> Bool {
        func grew(_ field: String) -> Bool { (status.int(field) ?? 0) > (before.int(field) ?? 0) }
        func left(_ status: JSONObject) -> Int { (status.int("replicas") ?? 0) - (status.int("updatedReplicas") ?? 0) }
        return grew("updatedReplicas") || left(status) < left(before) || grew("readyReplicas")
            || grew("availableReplicas")
    }

    private func hasTimedOut(_ condition: JSONObject?, deadline: Int, at now: Timestamp) -> Bool {
        guard let condition else { return false }
        switch condition.string("reason") {
        case "NewReplicaSetAvailable": return false
        case "ProgressDeadlineExceeded": return true
        default:
            guard let since = condition.time("lastUpdateTime") else { return false }
            return now > since + .seconds(deadline)
        }
    }

    private func noteFailure(_ conditions: inout Conditions, at now: Timestamp) {
        let failing = all.lazy.compactMap { $0.condition("ReplicaFailure") }.first
        guard let failing else {
            conditions.remove("ReplicaFailure")
            return
        }
        conditions.set(
            "ReplicaFailure", status: failing.string("status"), reason: failing.string("reason"),
            message: failing.string("message"), updateTime: true, at: now)
    }

    /// When the deadline has to be looked at again though nothing happened.
    func deadlineCheck(_ status: JSONObject, at now: Timestamp = .now) -> Duration? {
        guard let deadline = progressDeadline, !isComplete(status), !isPaused else { return nil }
        let conditions = (status["conditions"]?.array ?? []).compactMap(\.object)
        guard let progress = conditions.first(where: { $0["type"]?.string == "Progressing" }),
            !["NewReplicaSetAvailable", "ProgressDeadlineExceeded"].contains(progress.string("reason")),
            let since = progress.time("lastUpdateTime")
        else { return nil }
        return max(.seconds(1), (since + .seconds(deadline + 1)) - now)
    }
}
