// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Testing

@testable import Controllers

/// Numbers that users, or whoever may change an object's annotations, have written.
@Suite struct `Numbers that controllers read` {
    static let extremes: [JSONValue] = [
        .integer(.max), .integer(.min), .integer(-1), .integer(0), .integer(2_147_483_647), .integer(-2_147_483_648),
        .integer(4_294_967_296), .number(1e308), .number(-1e308), .number(0.5), "x", .null,
    ]
    static let texts = [
        "", "-1", "0", "+1", "2147483647", "2147483648", "9223372036854775807", "-9223372036854775808",
        "9223372036854775808", "99999999999999999999999", "1e5", "0x1",
    ]

    @Test func `a time that much later is one an API server takes`() {
        for text in ["0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
            guard let time = Timestamp(text) else { continue }
            for seconds in [Int64.max, .min, -1, 0, 1, 1 << 40] {
                let later = time + .seconds(seconds)
                #expect(Timestamp(later.description) != nil, "\(later)")
                _ = later - time
                _ = time - later
            }
        }
        #expect((Timestamp(seconds: 10) + .seconds(-3)).seconds == 7)
    }

    @Test(
        arguments: [
            ("@every 9223372036854775807s", nil), ("@every 99999999999999999999h", nil), ("@every -5s", nil),
            ("@every 5", nil), ("@every 1h30m", 5400), ("@every 10ms", 1), ("@every 2540400h", 9_145_440_000),
        ] as [(String, Int64?)]) func `a schedule's interval is one there is`(_ text: String, _ seconds: Int64?) throws
    {
        guard let seconds else {
            #expect(throws: CronSchedule.Malformed.self) { try CronSchedule(text) }
            return
        }
        let next = try CronSchedule(text).next(after: Timestamp(seconds: 100), in: .utc)
        #expect(next?.seconds == 100 + seconds)
        let last = Timestamp(seconds: 253_402_300_799)
        #expect(try CronSchedule(text).next(after: last, in: .utc) == last)
    }

    @Test(arguments: [
        ("25%", 10, 3), ("0%", 10, 0), ("9223372036854775807%", 10, 2_147_483_647),
        ("99999999999999999999%", 10, 2_147_483_647), ("1000%", 3, 30),
    ]) func `a share of many is held`(_ text: String, _ total: Int, _ share: Int) {
        #expect(scaled(.string(text), of: total, roundUp: true) == share)
    }

    @Test func `no share ends the controllers`() {
        for value in Self.extremes + Self.texts.map({ .string($0 + "%") }) + Self.texts.map({ .string($0) }) {
            for total in [0, 1, Int(Int32.max), Int(Int32.min)] {
                for up in [true, false] {
                    if let share = scaled(value, of: total, roundUp: up) {
                        #expect(Int32(exactly: share) != nil)
                    }
                    _ = IntOrString(value)?.scaled(of: total, roundUp: up)
                }
            }
        }
    }

    @Test func `no size of a set, and no annotation, ends a rollout`() {
        let sizes = [0, 1, 3, Int(Int32.max)]
        for annotation in Self.texts {
            for replicas in sizes {
                let set: JSONObject = [
                    "metadata": [
                        "name": "s", "uid": "s",
                        "annotations": [
                            "deployment.kubernetes.io/revision": .string(annotation),
                            "deployment.kubernetes.io/desired-replicas": .string(annotation),
                            "deployment.kubernetes.io/max-replicas": .string(annotation),
                        ],
                    ], "spec": ["replicas": .count(replicas)],
                ]
                #expect(set.revision >= 0)
                for other in sizes {
                    for surge in [0, Int(Int32.max)] {
                        _ = ProportionalScaling.sizes(
                            [
                                .init(replicas: replicas, lastMaximum: other, created: Timestamp(seconds: 0)),
                                .init(replicas: other, lastMaximum: 1, created: Timestamp(seconds: 1)),
                            ], allowed: other + surge, wanted: other)
                    }
                }
            }
        }
    }

    @Test func `a set of two thousand millions is made piece by piece`() {
        let set: JSONObject = [
            "metadata": ["name": "db"],
            "spec": [
                "replicas": .count(Int(Int32.max)), "podManagementPolicy": "Parallel",
                "ordinals": ["start": .count(Int(Int32.max))],
            ],
        ]
        let pods: [JSONObject] = ["9223372036854775807", "99999999999999999999", "-1", "x"].map {
            ["metadata": ["name": .string("db-\($0)"), "uid": .string($0)]]
        }
        let plan = StatefulPlan(
            set, pods: pods, current: "a", update: "a", currentReplicas: 0, at: Timestamp(seconds: 0))
        #expect(plan.steps.count == 500)
    }

    /// As an earlier version stored them.
    @Test(arguments: [Int64.max, .min, 1 << 40, -1]) func `numbers that fit no field end nothing`(replicas: Int64) {
        let set: JSONObject = [
            "metadata": ["name": "db"],
            "spec": [
                "replicas": .integer(replicas), "ordinals": ["start": .integer(replicas)],
                "updateStrategy": ["rollingUpdate": ["partition": .integer(replicas)]],
            ],
        ]
        let plan = StatefulPlan(
            set, pods: [], current: "a", update: "b", currentReplicas: 0, at: Timestamp(seconds: 0))
        #expect(plan.steps.count <= 1)
        let deployment: JSONObject = [
            "spec": [
                "replicas": .integer(replicas),
                "strategy": ["rollingUpdate": ["maxSurge": .integer(replicas), "maxUnavailable": "100%"]],
            ]
        ]
        let wanted = deployment.int("spec", "replicas") ?? 1
        let limits = RolloutLimits(deployment: deployment)
        _ = limits.newReplicas(wanted: wanted, new: wanted, total: 0)
        _ = limits.removable(wanted: wanted, total: wanted, new: wanted, newAvailable: 0)
        let members = (0..<3).map { _ in
            ProportionalScaling.Member(replicas: wanted, lastMaximum: wanted, created: Timestamp(seconds: 0))
        }
        _ = ProportionalScaling.sizes(members, allowed: wanted + limits.surge, wanted: wanted)
    }

    @Test func `an indexed job of two thousand millions starts at its first index`() {
        var job: JSONObject = [
            "metadata": ["name": "j", "uid": "j"],
            "spec": [
                "completions": .count(Int(Int32.max)), "parallelism": .count(Int(Int32.max)),
                "completionMode": "Indexed", "backoffLimitPerIndex": 1,
                "activeDeadlineSeconds": .integer(.max),
                "successPolicy": ["rules": [["succeededIndexes": "0-2147483645"]]],
            ],
            "status": [
                "completedIndexes": "0-2147483640,9223372036854775807", "failedIndexes": "2147483642",
                "startTime": "2026-01-01T00:00:00Z",
            ],
        ]
        let pods: [JSONObject] = Self.texts.map { text in
            [
                "metadata": [
                    "name": .string(text), "uid": .string(text),
                    "annotations": [
                        "batch.kubernetes.io/job-completion-index": .string(text),
                        "batch.kubernetes.io/job-index-failure-count": .string(text),
                    ], "finalizers": ["batch.kubernetes.io/job-tracking"],
                ], "status": ["phase": "Failed"],
            ]
        }
        var state = JobState(job: job, pods: pods)
        state.count()
        _ = state.ending(at: .now)
        #expect(state.missingIndexes(2) == [2_147_483_641, 2_147_483_643])
        for pod in pods { #expect((0...Int(Int32.max)).contains(JobState.indexFailures(pod))) }
        _ = JobPods.pod(job, index: 0, state)
        job.set("status", "completedIndexes", to: nil)
        #expect(JobState(job: job, pods: []).missingIndexes(3) == [0, 1, 2])
    }
}
