// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Controllers of pods.
enum WorkloadDefaults {
    @Sendable static func deployment(_ deployment: inout JSONObject) {
        deployment.change("spec", creating: true) { spec in
            spec.change("strategy", creating: true) { strategy in
                strategy.fill("type", "RollingUpdate")
                guard strategy["type"]?.string == "RollingUpdate" else { return }
                strategy.change("rollingUpdate", creating: true) { update in
                    update.fill("maxUnavailable", "25%")
                    update.fill("maxSurge", "25%")
                }
            }
        }
    }

    @Sendable static func daemonSet(_ set: inout JSONObject) {
        set.change("spec", creating: true) { spec in
            spec.change("updateStrategy", creating: true) { strategy in
                strategy.fill("type", "RollingUpdate")
                guard strategy["type"]?.string == "RollingUpdate" else { return }
                strategy.change("rollingUpdate", creating: true) { update in
                    update.fill("maxUnavailable", 1)
                    update.fill("maxSurge", 0)
                }
            }
        }
    }

    @Sendable static func statefulSet(_ set: inout JSONObject) {
        set.change("spec", creating: true) { spec in
            spec.change("updateStrategy", creating: true) { strategy in
                if strategy.isEmptyOrAbsent("type") {
                    strategy["type"] = "RollingUpdate"
                    strategy.fill("rollingUpdate", .object(JSONObject()))
                }
                guard strategy["type"]?.string == "RollingUpdate" else { return }
                strategy.change("rollingUpdate") { $0.fill("partition", 0) }
            }
        }
    }

    @Sendable static func job(_ job: inout JSONObject) {
        let labels = job["spec"]?["template"]?["metadata"]?["labels"]?.object
        job.change("spec", creating: true) { spec in
            if spec["completions"] == nil, spec["parallelism"] == nil { spec["completions"] = 1 }
            spec.fill("parallelism", 1)
            let isPerIndex = spec["backoffLimitPerIndex"] != nil
            let hasFailurePolicy = spec["podFailurePolicy"] != nil
            spec.fill("backoffLimit", !isPerIndex ? 6 : .integer(Int64(Int32.max)))
            spec.fill("completionMode", "NonIndexed")
            spec.fill("suspend", false)
            spec.fill("podReplacementPolicy", hasFailurePolicy ? "Failed" : "TerminatingOrFailed")
            spec.fill("manualSelector", false)
        }
        guard let labels, !labels.isEmpty else { return }
        job.change("metadata", creating: true) { metadata in
            if metadata.isEmptyOrAbsent("labels") { metadata["labels"] = .object(labels) }
        }
    }

    @Sendable static func autoscaler(_ autoscaler: inout JSONObject) {
        autoscaler.change("spec", creating: true) { spec in
            if spec.isEmptyOrAbsent("metrics") {
                spec["metrics"] = [
                    [
                        "type": "Resource",
                        "resource": ["name": "cpu", "target": ["type": "Utilization", "averageUtilization": 80]],
                    ]
                ]
            }
            spec.change("behavior") { behavior in
                behavior.change("scaleUp", creating: true) { rules in
                    rules.fill("stabilizationWindowSeconds", 0)
                    rules.fill("selectPolicy", "Max")
                    rules.fill(
                        "policies",
                        [
                            ["type": "Pods", "value": 4, "periodSeconds": 15],
                            ["type": "Percent", "value": 100, "periodSeconds": 15],
                        ])
                }
                behavior.change("scaleDown", creating: true) { rules in
                    rules.fill("selectPolicy", "Max")
                    rules.fill("policies", [["type": "Percent", "value": 100, "periodSeconds": 15]])
                }
            }
        }
    }
}
