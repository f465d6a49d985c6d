// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Makes Jobs on schedule.
final class CronJobController: Controller {
    let name = "cronjob"
    private let context: ControllerContext
    private let crons: Informer<DynamicObject>
    private let jobs: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()
    private let recorder: EventRecorder

    init(_ context: ControllerContext) {
        self.context = context
        crons = context.informer(Kinds.cronJobs)
        jobs = context.informer(Kinds.jobs)
        recorder = context.recorder("cronjob-controller")
        OwnerIndex.add(to: jobs)
        crons.addHandler { [queue] in queue.add($0.object.json.objectKey) }
        jobs.addHandler { [queue] change in
            guard let owner = change.object.json.controllerReference, owner.kind == "CronJob" else { return }
            queue.add(ObjectKey(change.object.json.objectNamespace, owner.name))
        }
    }

    func run() async {
        await work(on: queue, workers: 5, after: [crons, jobs], recorder: recorder, in: context) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let cron = crons.get(key)?.json, !cron.objectIsBeingDeleted else { return }
        let owned = OwnerIndex.owned(jobs, by: cron)
        var status = cron.object("status")
        var active = owned.filter { TTLAfterFinishedController.finishTime($0) == nil }
        noteFinished(cron, owned, &status)
        try await trimHistory(cron, owned)
        if !cron.bool("spec", "suspend") {
            do {
                try await schedule(cron, &active, &status)
            } catch let error as CronSchedule.Malformed {
                warn(cron, "UnparseableSchedule", "unparseable schedule: \(error)")
            } catch let error as TimeZoneRules.Unknown {
                warn(cron, "UnknownTimeZone", "\(error)")
            }
        }
        status["active"] = active.isEmpty ? nil : .array(active.map(Self.reference))
        guard status != cron.object("status") else { return }
        var updated = cron
        updated["status"] = .object(status)
        _ = try await context.client.update(Kinds.cronJobs, updated, subresource: "status")
    }

    private static func reference(_ job: JSONObject) -> JSONValue {
        [
            "apiVersion": "batch/v1", "kind": "Job", "namespace": .string(job.objectNamespace),
            "name": .string(job.objectName), "uid": .string(job.objectUID),
            "resourceVersion": .string(job.objectResourceVersion),
        ]
    }

    private func warn(_ cron: JSONObject, _ reason: String, _ message: String) {
        recorder.event(EventTarget(cron, Kinds.cronJobs), .warning, reason: reason, message)
    }

    // MARK: Starting

    private func schedule(_ cron: JSONObject, _ active: inout [JSONObject], _ status: inout JSONObject) async throws {
        let schedule = try CronSchedule(cron.string("spec", "schedule"))
        let zoneName = cron.string("spec", "timeZone")
        let zone = zoneName.isEmpty ? TimeZoneRules.utc : try TimeZoneRules(named: zoneName)
        let now = Timestamp.now
        let deadline = cron.int("spec", "startingDeadlineSeconds")
        var earliest = status.time("lastScheduleTime") ?? cron.creationTime
        if let deadline { earliest = max(earliest, now + .seconds(-deadline)) }
        let missed = Self.missed(schedule, after: earliest, until: now, in: zone)
        if let next = schedule.next(after: now, in: zone) {
            queue.add(cron.objectKey, after: (next - now) + .milliseconds(100))
        }
        guard let time = missed.last else { return }
        if missed.tooMany {
            warn(
                cron, "TooManyMissedTimes",
                "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew")
        }
        if let deadline, time + .seconds(deadline) < now {
            return warn(cron, "MissSchedule", "Missed scheduled time to start a job: \(time)")
        }
        let job = Self.job(cron, at: time)
        if active.contains(where: { $0.objectName == job.objectName }) || status.time("lastScheduleTime") == time {
            return
        }
        switch cron.string("spec", "concurrencyPolicy") {
        case "Forbid" where !active.isEmpty:
            recorder.event(
                EventTarget(cron, Kinds.cronJobs), .normal, reason: "JobAlreadyActive",
                "Not starting job because prior execution is running and concurrency policy is Forbid")
            return
        case "Replace":
            for old in active { try await delete(old, of: cron) }
            active = []
        default: break
        }
        do {
            let made = try await context.client.create(Kinds.jobs, job)
            recorder.event(
                EventTarget(cron, Kinds.cronJobs), .normal, reason: "SuccessfulCreate", "Created job \(made.objectName)"
            )
            active.append(made)
        } catch  where error.isAlreadyExists {
            // Made before, and not yet in the cache.
        } catch {
            if !error.isNamespaceTerminating { warn(cron, "FailedCreate", "Error creating job: \(error)") }
            throw error
        }
        status["lastScheduleTime"] = .string(time.description)
    }

    /// The last start that was due, and whether more were than can be explained.
    static func missed(
        _ schedule: CronSchedule, after start: Timestamp, until now: Timestamp, in zone: TimeZoneRules
    ) -> (last: Timestamp?, tooMany: Bool) {
        var last: Timestamp?
        var count = 0
        var time = start
        while let next = schedule.next(after: time, in: zone), next <= now {
            last = next
            time = next
            count += 1
            // A controller that slept for years looks at the recent past only.
            if count == 100_000 { time = max(time, now + .seconds(-86_400)) }
        }
        return (last, count > 100)
    }

    /// The job of a start: named by its minute, so that it is made once however often it is tried.
    static func job(_ cron: JSONObject, at time: Timestamp) -> JSONObject {
        let template = cron.object("spec", "jobTemplate")
        var annotations = template.map("metadata", "annotations")
        annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] = time.description
        var metadata: JSONObject = [
            "name": .string("\(cron.objectName)-\(time.seconds / 60)"), "namespace": .string(cron.objectNamespace),
            "annotations": JSONValue(annotations),
            "ownerReferences": [OwnerReference(controller: cron, resource: Kinds.cronJobs).json],
        ]
        if let labels = template.value("metadata", "labels") { metadata["labels"] = labels }
        return ["metadata": .object(metadata), "spec": template["spec"] ?? .object(JSONObject())]
    }

    // MARK: Ended jobs

    private func noteFinished(_ cron: JSONObject, _ owned: [JSONObject], _ status: inout JSONObject) {
        let listed = Set(cron.array("status", "active").compactMap { $0["uid"]?.string })
        for job in owned where listed.contains(job.objectUID) {
            guard let end = TTLAfterFinishedController.finishTime(job) else { continue }
            let isComplete = job.hasCondition("Complete")
            recorder.event(
                EventTarget(cron, Kinds.cronJobs), .normal, reason: "SawCompletedJob",
                "Saw completed job: \(job.objectName), condition: \(isComplete ? "Complete" : "Failed")")
            if isComplete, end > status.time("lastSuccessfulTime") ?? Timestamp(seconds: 0) {
                status["lastSuccessfulTime"] = .string(end.description)
            }
        }
    }

    private func trimHistory(_ cron: JSONObject, _ owned: [JSONObject]) async throws {
        for (type, field, standard) in [
            ("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1),
        ] {
            let limit = cron.int("spec", field) ?? standard
            let ended = owned.filter { $0.hasCondition(type) && !$0.objectIsBeingDeleted }.sorted {
                ($0.time("status", "startTime") ?? $0.creationTime)
                    < ($1.time("status", "startTime") ?? $1.creationTime)
            }
            guard ended.count > limit else { continue }
            for job in ended.prefix(ended.count - limit) { try await delete(job, of: cron) }
        }
    }

    private func delete(_ job: JSONObject, of cron: JSONObject) async throws {
        do {
            try await context.client.delete(
                Kinds.jobs, namespace: job.objectNamespace, name: job.objectName,
                options: DeleteOptions(propagationPolicy: .background, uid: job.objectUID))
            recorder.event(
                EventTarget(cron, Kinds.cronJobs), .normal, reason: "SuccessfulDelete", "Deleted job \(job.objectName)")
        } catch  where error.isNotFound || error.isConflict {
            // Gone, or made anew.
        }
    }
}
