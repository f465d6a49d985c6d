// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// What `podFailurePolicy` says of a failed pod.
struct PodFailureVerdict: Equatable {
    enum Action: String { case failJob = "FailJob", failIndex = "FailIndex", ignore = "Ignore", count = "Count" }

    var action: Action
    var message: String

    /// The first rule that matches decides; nil when none does.
    static func of(_ pod: JSONObject, policy: JSONValue?) -> PodFailureVerdict? {
        for (index, rule) in (policy?["rules"]?.array ?? []).enumerated() {
            guard let action = Action(rawValue: rule["action"]?.string ?? "") else { continue }
            if let exit = rule["onExitCodes"], let match = exitMatch(pod, exit) {
                let text =
                    "Container \(match.container) for pod \(pod.objectKey) failed with exit code \(match.code) "
                    + "matching \(action.rawValue) rule at index \(index)"
                return PodFailureVerdict(action: action, message: text)
            }
            for pattern in rule["onPodConditions"]?.array ?? [] {
                guard let type = pattern["type"]?.string else { continue }
                if pod.hasCondition(type, pattern["status"]?.string ?? "True") {
                    let text =
                        "Pod \(pod.objectKey) has condition \(type) matching \(action.rawValue) rule at index \(index)"
                    return PodFailureVerdict(action: action, message: text)
                }
            }
        }
        return nil
    }

    private static func exitMatch(_ pod: JSONObject, _ rule: JSONValue) -> (container: String, code: Int)? {
        let values = Set((rule["values"]?.array ?? []).compactMap(\.integer))
        let wanted = rule["containerName"]?.string
        for list in ["containerStatuses", "initContainerStatuses"] {
            for status in pod.array("status", list) {
                let name = status["name"]?.string ?? ""
                guard wanted == nil || wanted == name,
                    let code = status["state"]?["terminated"]?["exitCode"]?.integer, code != 0
                else { continue }
                let isIn = values.contains(code)
                if rule["operator"]?.string == "NotIn" ? !isIn : isIn { return (name, Int(code)) }
            }
        }
        return nil
    }
}

/// Whether `successPolicy` is met by the indexes completed so far; the message names the rule.
func successPolicyMatch(_ policy: JSONValue?, completed: CompletionIndexes) -> String? {
    for (number, rule) in (policy?["rules"]?.array ?? []).enumerated() {
        var eligible = completed
        if let text = rule["succeededIndexes"]?.string {
            let wanted = CompletionIndexes(text)
            eligible = completed.intersection(wanted)
            if rule["succeededCount"] == nil, eligible.count < wanted.count { continue }
        }
        if let count = rule["succeededCount"]?.boundedInteger, eligible.count < count { continue }
        return "Matched rules at index \(number)"
    }
    return nil
}
