// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Numbers

/// A Job and its pods at one moment, and what follows from them. No I/O.
struct JobState {
    static let finalizer = "batch.kubernetes.io/job-tracking"
    static let indexAnnotation = "batch.kubernetes.io/job-completion-index"

    let job: JSONObject
    let pods: [JSONObject]
    let isIndexed: Bool
    let completions: Int?
    let parallelism: Int
    /// Terminated pods in the status that may still carry the finalizer.
    var uncountedSucceeded: Set<String>
    var uncountedFailed: Set<String>
    var succeeded: Int
    var failed: Int
    var completed: CompletionIndexes
    var failedIndexes: CompletionIndexes?
    /// A rule of the failure policy that ends the job.
    var policyFailure: String?
    /// Pods whose end is told to nobody: removed from tracking without being counted.
    var ignored: Set<String> = []
    private(set) var newlySucceeded: [JSONObject] = []
    private(set) var newlyFailed: [JSONObject] = []

    init(job: JSONObject, pods: [JSONObject]) {
        self.job = job
        self.pods = pods
        isIndexed = job.string("spec", "completionMode") == "Indexed"
        completions = job.int("spec", "completions")
        parallelism = job.int("spec", "parallelism") ?? 1
        let status = job.object("status")
        uncountedSucceeded = Set(status.array("uncountedTerminatedPods", "succeeded").compactMap(\.string))
        uncountedFailed = Set(status.array("uncountedTerminatedPods", "failed").compactMap(\.string))
        succeeded = status.int("succeeded") ?? 0
        failed = status.int("failed") ?? 0
        completed = CompletionIndexes(status.string("completedIndexes"), below: completions)
        failedIndexes =
            job.int("spec", "backoffLimitPerIndex") == nil
            ? nil : CompletionIndexes(status.string("failedIndexes"), below: completions)
    }

    static func index(of pod: JSONObject) -> Int? {
        Int(pod.objectAnnotations[indexAnnotation] ?? "", in: CompletionIndexes.range)
    }

    static func isTracked(_ pod: JSONObject) -> Bool {
        pod.array("metadata", "finalizers").contains(.string(finalizer))
    }

    var replacesFailedOnly: Bool { job.string("spec", "podReplacementPolicy") == "Failed" }

    func isFailed(_ pod: JSONObject) -> Bool {
        if pod.podPhase == "Failed" { return true }
        // A pod on its way out counts as failed, unless its end has to be waited for.
        guard pod.objectIsBeingDeleted, pod.podPhase != "Succeeded" else { return false }
        return !replacesFailedOnly && job.value("spec", "podFailurePolicy") == nil
    }

    /// Counts terminated pods whose finalizer is off, then notes new ones as seen.
    mutating func count() {
        let tracked = Set(pods.filter(JobState.isTracked).map(\.objectUID))
        // The finalizer is gone, so nobody can count them again: they move into the numbers.
        for uid in uncountedSucceeded where !tracked.contains(uid) {
            uncountedSucceeded.remove(uid)
            if !isIndexed { succeeded += 1 }
        }
        for uid in uncountedFailed where !tracked.contains(uid) {
            uncountedFailed.remove(uid)
            failed += 1
        }
        for pod in pods where JobState.isTracked(pod) {
            let uid = pod.objectUID
            if pod.podPhase == "Succeeded" {
                if isIndexed {
                    if let index = JobState.index(of: pod), index < completions ?? 0 { completed.insert(index) }
                }
                if !uncountedSucceeded.contains(uid) { newlySucceeded.append(pod) }
                uncountedSucceeded.insert(uid)
            } else if isFailed(pod), !uncountedFailed.contains(uid) {
                noteFailure(pod)
            }
        }
        if isIndexed { succeeded = completed.count }
    }

    private mutating func noteFailure(_ pod: JSONObject) {
        let uid = pod.objectUID
        let verdict = PodFailureVerdict.of(pod, policy: job.value("spec", "podFailurePolicy"))
        switch verdict?.action {
        case .ignore:
            ignored.insert(uid)
            return
        case .failJob:
            if policyFailure == nil { policyFailure = verdict?.message }
        case .failIndex:
            if let index = JobState.index(of: pod) { failedIndexes?.insert(index) }
        case .count, nil:
            break
        }
        newlyFailed.append(pod)
        uncountedFailed.insert(uid)
        guard failedIndexes != nil, let index = JobState.index(of: pod), !completed.contains(index),
            let limit = job.int("spec", "backoffLimitPerIndex"), verdict?.action != .failIndex
        else { return }
        if JobState.indexFailures(pod) >= limit { failedIndexes?.insert(index) }
    }

    static let indexFailureCount = "batch.kubernetes.io/job-index-failure-count"

    /// How often the pod's index failed before it.
    static func indexFailures(_ pod: JSONObject) -> Int {
        Int(pod.objectAnnotations[indexFailureCount] ?? "", in: 0...Int(Int32.max)) ?? 0
    }

    var active: [JSONObject] {
        pods.filter { pod in
            !pod.podIsFinished && !pod.objectIsBeingDeleted
        }
    }

    var terminating: [JSONObject] { pods.filter { $0.objectIsBeingDeleted && !$0.podIsFinished } }

    var allFailures: Int { failed + uncountedFailed.count }
    var allSuccesses: Int { isIndexed ? completed.count : succeeded + uncountedSucceeded.count }

    /// Why the job is over, with the condition to end in; nil while it is not.
    func ending(at now: Timestamp) -> (type: String, reason: String, message: String)? {
        if let policyFailure { return ("Failed", "PodFailurePolicy", policyFailure) }
        let limit = job.int("spec", "backoffLimit") ?? 6
        if job.int("spec", "backoffLimitPerIndex") == nil || job.int("spec", "backoffLimit") != nil {
            if allFailures > limit || restarts(beyond: limit) {
                return ("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
            }
        }
        if let deadline = job.int("spec", "activeDeadlineSeconds"), let start = job.time("status", "startTime"),
            !job.bool("spec", "suspend"), now >= start + .seconds(deadline)
        {
            return ("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
        }
        if let failedIndexes {
            if let most = job.int("spec", "maxFailedIndexes"), failedIndexes.count > most {
                return (
                    "Failed", "MaxFailedIndexesExceeded",
                    "Job has exceeded the specified maximal number of failed indexes"
                )
            }
            if failedIndexes.count > 0, let completions, failedIndexes.count + completed.count >= completions {
                return ("Failed", "FailedIndexes", "Job has failed indexes")
            }
        }
        if isIndexed, job.value("spec", "successPolicy") != nil {
            if let match = successPolicyMatch(job.value("spec", "successPolicy"), completed: completed) {
                return ("Complete", "SuccessPolicy", match)
            }
        }
        if let completions {
            if allSuccesses >= completions {
                return ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
            }
        } else if allSuccesses > 0, active.isEmpty, terminating.isEmpty {
            return ("Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        }
        return nil
    }

    /// Containers restarted in place count against the limit too.
    private func restarts(beyond limit: Int) -> Bool {
        guard job.string("spec", "template", "spec", "restartPolicy") == "OnFailure" else { return false }
        let restarts = pods.filter { $0.podPhase == "Running" || $0.podPhase == "Pending" }.reduce(0) { sum, pod in
            sum
                + (pod.array("status", "containerStatuses") + pod.array("status", "initContainerStatuses")).reduce(0) {
                    $0 + ($1["restartCount"]?.boundedInteger ?? 0)
                }
        }
        return limit == 0 ? restarts > 0 : restarts >= limit
    }

    /// How many pods should be at work.
    var wanted: Int {
        guard let completions else { return allSuccesses > 0 ? active.count : parallelism }
        let left = completions - allSuccesses - (failedIndexes?.count ?? 0)
        return max(0, min(parallelism, left))
    }

    /// The indexes to start, the lowest first.
    func missingIndexes(_ count: Int) -> [Int] {
        guard let completions else { return [] }
        var taken = Set(active.compactMap(JobState.index))
        if replacesFailedOnly || failedIndexes != nil { taken.formUnion(terminating.compactMap(JobState.index)) }
        var missing: [Int] = []
        var index = 0
        while index < completions, missing.count < count {
            // Over all that is done at once: there may be two thousand millions.
            if let done = completed.run(at: index) ?? failedIndexes?.run(at: index) {
                index = done.upperBound + 1
                continue
            }
            if !taken.contains(index) { missing.append(index) }
            index += 1
        }
        return missing
    }

    /// How long to wait before another pod: 10 s after a failure, doubled with each, ten minutes at most.
    func backoff(at now: Timestamp) -> Duration? {
        let ended = pods.filter { $0.podIsFinished || isFailed($0) }.map { ($0, JobState.finishTime($0)) }
            .sorted { $0.1 > $1.1 }
        var failures = 0
        for (pod, _) in ended {
            if pod.podPhase == "Succeeded" { break }
            if !ignored.contains(pod.objectUID) { failures += 1 }
        }
        guard failures > 0, let last = ended.first?.1 else { return nil }
        let delay = min(Duration.seconds(600), .seconds(10) * (1 << min(failures - 1, 10)))
        let left = delay - (now - last)
        return left > .zero ? left : nil
    }

    static func finishTime(_ pod: JSONObject) -> Timestamp {
        let ends = pod.array("status", "containerStatuses").compactMap {
            $0["state"]?["terminated"]?["finishedAt"]?.string.flatMap { Timestamp($0) }
        }
        return ends.max() ?? pod.time("metadata", "deletionTimestamp") ?? pod.creationTime
    }
}
