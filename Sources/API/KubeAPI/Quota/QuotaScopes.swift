// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The objects that a ResourceQuota counts: `spec.scopes` and `spec.scopeSelector`. No I/O.
public struct QuotaScopes: Sendable {
    private struct Term: Sendable {
        var scope: String
        var comparison: String
        var values: [String]
    }

    private let terms: [Term]

    public init(_ quota: JSONObject) {
        var terms: [Term] = []
        for scope in quota["spec"]?["scopes"]?.array ?? [] {
            terms.append(Term(scope: scope.string ?? "", comparison: "Exists", values: []))
        }
        for expression in quota["spec"]?["scopeSelector"]?["matchExpressions"]?.array ?? [] {
            terms.append(
                Term(
                    scope: expression["scopeName"]?.string ?? "",
                    comparison: expression["operator"]?.string ?? "Exists",
                    values: (expression["values"]?.array ?? []).compactMap(\.string)))
        }
        self.terms = terms
    }

    /// True when the quota counts `object`. Scopes are about pods: with any, nothing else is counted.
    public func contain(_ object: JSONObject, group: String, plural: String) -> Bool {
        if terms.isEmpty { return true }
        guard group.isEmpty, plural == "pods" else { return false }
        return terms.allSatisfy { Self.matches(object, $0) }
    }

    private static func matches(_ pod: JSONObject, _ term: Term) -> Bool {
        let spec = pod["spec"]
        switch term.scope {
        case "Terminating": return spec?["activeDeadlineSeconds"]?.integer != nil
        case "NotTerminating": return spec?["activeDeadlineSeconds"]?.integer == nil
        case "BestEffort": return pod["status"]?["qosClass"]?.string == "BestEffort"
        case "NotBestEffort": return pod["status"]?["qosClass"]?.string != "BestEffort"
        case "PriorityClass":
            let name = spec?["priorityClassName"]?.string ?? ""
            switch term.comparison {
            case "In": return term.values.contains(name)
            case "NotIn": return !term.values.contains(name)
            case "DoesNotExist": return name.isEmpty
            default: return !name.isEmpty
            }
        case "CrossNamespacePodAffinity": return crossesNamespaces(spec?["affinity"])
        default: return false
        }
    }

    private static func crossesNamespaces(_ affinity: JSONValue?) -> Bool {
        ["podAffinity", "podAntiAffinity"].contains { side in
            let rules = affinity?[side]
            let required = rules?["requiredDuringSchedulingIgnoredDuringExecution"]?.array ?? []
            let preferred = rules?["preferredDuringSchedulingIgnoredDuringExecution"]?.array ?? []
            return (required + preferred.compactMap { $0["podAffinityTerm"] }).contains {
                $0["namespaceSelector"] != nil || !($0["namespaces"]?.array ?? []).isEmpty
            }
        }
    }
}
