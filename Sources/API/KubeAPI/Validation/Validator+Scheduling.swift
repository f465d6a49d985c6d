// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// How much the scheduler has to look at for one pod, and again for each pod that comes where that one is.
extension Validator {
    /// Terms, requirements, their values, namespaces, tolerations and spread constraints of one pod, together.
    static let maximumSchedulingItems = 1000

    mutating func schedulingSize(_ spec: JSONValue, _ path: FieldPath) {
        let count = Self.schedulingItems(spec)
        if count > Self.maximumSchedulingItems {
            add(
                .forbidden(
                    path,
                    "affinity, tolerations and topologySpreadConstraints may hold no more than "
                        + "\(Self.maximumSchedulingItems) terms, requirements and values in all, and hold \(count)"))
        }
    }

    /// The same for one selector, which is compared with every pod or object that changes beside it.
    mutating func selectorSize(_ selector: JSONValue, _ path: FieldPath) {
        let expressions = selector["matchExpressions"]?.array ?? []
        let count = expressions.reduce(selector["matchLabels"]?.object?.count ?? 0) {
            $0 + 1 + ($1["values"]?.array?.count ?? 0)
        }
        if count > Self.maximumSchedulingItems {
            add(
                .forbidden(
                    path,
                    "may hold no more than \(Self.maximumSchedulingItems) labels, requirements and values in all, "
                        + "and holds \(count)"))
        }
    }

    static func schedulingItems(_ spec: JSONValue) -> Int {
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        var count = spec["tolerations"]?.array?.count ?? 0
        func rows(_ rows: JSONValue?) {
            for row in rows?.array ?? [] { count += 1 + (row["values"]?.array?.count ?? 0) }
        }
        func selector(_ selector: JSONValue?) {
            count += selector?["matchLabels"]?.object?.count ?? 0
            rows(selector?["matchExpressions"])
        }
        func nodeTerm(_ term: JSONValue?) {
            count += 1
            rows(term?["matchExpressions"])
            rows(term?["matchFields"])
        }
        func podTerm(_ term: JSONValue?) {
            count += 1 + (term?["namespaces"]?.array?.count ?? 0)
            for keys in ["matchLabelKeys", "mismatchLabelKeys"] { count += term?[keys]?.array?.count ?? 0 }
            selector(term?["labelSelector"])
            selector(term?["namespaceSelector"])
        }
        for constraint in spec["topologySpreadConstraints"]?.array ?? [] {
            count += 1 + (constraint["matchLabelKeys"]?.array?.count ?? 0)
            selector(constraint["labelSelector"])
        }
        guard let affinity = spec["affinity"] else { return count }
        for term in affinity["nodeAffinity"]?[required]?["nodeSelectorTerms"]?.array ?? [] { nodeTerm(term) }
        for term in affinity["nodeAffinity"]?[preferred]?.array ?? [] { nodeTerm(term["preference"]) }
        for kind in ["podAffinity", "podAntiAffinity"] {
            for term in affinity[kind]?[required]?.array ?? [] { podTerm(term) }
            for term in affinity[kind]?[preferred]?.array ?? [] { podTerm(term["podAffinityTerm"]) }
        }
        return count
    }
}
