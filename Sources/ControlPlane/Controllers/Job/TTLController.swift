// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Deletes Jobs some time after they finished.
final class TTLAfterFinishedController: Controller {
    let name = "ttl-after-finished"
    private let context: ControllerContext
    private let jobs: Informer<DynamicObject>
    private let queue = WorkQueue<ObjectKey>()

    init(_ context: ControllerContext) {
        self.context = context
        jobs = context.informer(Kinds.jobs)
        jobs.addHandler { [queue] change in
            if case .deleted = change { return }
            let job = change.object.json
            if job.int("spec", "ttlSecondsAfterFinished") != nil, Self.finishTime(job) != nil {
                queue.add(job.objectKey)
            }
        }
    }

    func run() async {
        await work(on: queue, workers: 2, after: [jobs], in: context) { [self] in try await sync($0) }
    }

    static func finishTime(_ job: JSONObject) -> Timestamp? {
        for type in ["Complete", "Failed"] where job.hasCondition(type) {
            return job.condition(type)?.time("lastTransitionTime")
        }
        return nil
    }

    private func sync(_ key: ObjectKey) async throws {
        guard let cached = jobs.get(key)?.json, !cached.objectIsBeingDeleted,
            let seconds = cached.int("spec", "ttlSecondsAfterFinished"), let end = Self.finishTime(cached)
        else { return }
        let left = (end + .seconds(seconds)) - .now
        if left > .zero { return queue.add(key, after: left + .milliseconds(10)) }
        do {
            // Read anew: the time may have been made longer a moment ago.
            let job = try await context.client.get(Kinds.jobs, namespace: key.namespace, name: key.name)
            guard job.objectUID == cached.objectUID,
                job.int("spec", "ttlSecondsAfterFinished") == seconds, Self.finishTime(job) == end
            else { return }
            // The version makes it fail, and be looked at again, when it is made longer at this very moment.
            try await context.client.delete(
                Kinds.jobs, namespace: key.namespace, name: key.name,
                options: DeleteOptions(
                    propagationPolicy: .foreground, uid: job.objectUID, resourceVersion: job.objectResourceVersion))
        } catch  where error.isNotFound {
            // Gone already.
        }
    }
}
