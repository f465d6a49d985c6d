// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// What a Job's status says, and what its pods look like.
extension JobController {
    func writeStatus(
        _ state: JobState, _ conditions: Conditions, startTime: Timestamp?, finished: Bool, _ now: Timestamp
    ) async throws -> JSONObject {
        var status = state.job.object("status")
        let active = finished ? 0 : state.active.count
        func put(_ field: String, _ value: Int) { status[field] = value == 0 ? nil : .count(value) }
        put("active", active)
        status["ready"] = .count(finished ? 0 : state.active.count(where: \.podIsReady))
        status["terminating"] = .count(state.terminating.count)
        put("succeeded", state.succeeded)
        put("failed", state.failed)
        status["startTime"] = startTime.map { .string($0.description) }
        if state.isIndexed {
            let text = state.completed.description
            status["completedIndexes"] = text.isEmpty ? nil : .string(text)
            status["failedIndexes"] = state.failedIndexes.map { .string($0.description) }
        }
        status["conditions"] = conditions.json
        var uncounted = JSONObject()
        func uids(_ set: Set<String>) -> JSONValue? { set.isEmpty ? nil : .array(set.sorted().map { .string($0) }) }
        uncounted["succeeded"] = uids(state.uncountedSucceeded)
        uncounted["failed"] = uids(state.uncountedFailed)
        status["uncountedTerminatedPods"] = .object(uncounted)
        if finished, conditions.isTrue("Complete") { status["completionTime"] = .string(now.description) }
        guard status != state.job.object("status") else { return state.job }
        var updated = state.job
        updated["status"] = .object(status)
        return try await context.client.update(Kinds.jobs, updated, subresource: "status")
    }
}

/// The pods of Jobs. No I/O.
enum JobPods {
    static func pod(_ job: JSONObject, index: Int?, _ state: JobState) -> JSONObject {
        var template = job.object("spec", "template")
        var finalizers = template.array("metadata", "finalizers")
        if !finalizers.contains(.string(JobState.finalizer)) { finalizers.append(.string(JobState.finalizer)) }
        template.set("metadata", "finalizers", to: .array(finalizers))
        guard let index else { return PodControl.pod(template: template, owner: job, resource: Kinds.jobs) }
        let text = JSONValue.string(String(index))
        template.set("metadata", "annotations", JobState.indexAnnotation, to: text)
        template.set("metadata", "labels", JobState.indexAnnotation, to: text)
        if state.failedIndexes != nil {
            let failures =
                state.pods.filter {
                    JobState.index(of: $0) == index && state.isFailed($0) && !state.ignored.contains($0.objectUID)
                }.map { JobState.indexFailures($0) + 1 }.max() ?? 0
            template.set(
                "metadata", "annotations", JobState.indexFailureCount, to: .string(String(failures)))
        }
        template.set("spec", "hostname", to: .string("\(job.objectName)-\(index)"))
        for list in ["containers", "initContainers"] {
            let containers = template.array("spec", list)
            guard !containers.isEmpty else { continue }
            template.set("spec", list, to: .array(containers.map(withIndex)))
        }
        return PodControl.pod(
            template: template, owner: job, resource: Kinds.jobs, generateName: "\(job.objectName)-\(index)-")
    }

    private static func withIndex(_ container: JSONValue) -> JSONValue {
        var env = container["env"]?.array ?? []
        guard !env.contains(where: { $0["name"]?.string == "JOB_COMPLETION_INDEX" }) else { return container }
        env.append([
            "name": "JOB_COMPLETION_INDEX",
            "valueFrom": [
                "fieldRef": [
                    "apiVersion": "v1",
                    "fieldPath": .string("metadata.labels['\(JobState.indexAnnotation)']"),
                ]
            ],
        ])
        var copy = container
        copy["env"] = .array(env)
        return copy
    }
}
