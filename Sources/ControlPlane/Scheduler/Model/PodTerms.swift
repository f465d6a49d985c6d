// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Which pods a pod wants to be near to, or away from, and what near means.
struct PodAffinityTerm: Sendable, Hashable {
    static let required = "requiredDuringSchedulingIgnoredDuringExecution"
    static let preferred = "preferredDuringSchedulingIgnoredDuringExecution"

    var selector: LabelSelector
    /// The namespaces named; the pod's own when neither names nor a selector are given.
    var namespaces: Set<String>
    /// Adds the namespaces whose labels match; nil when the term has none.
    var namespaceSelector: LabelSelector?
    var topologyKey: String

    init(_ json: JSONValue?, namespace: String, labels: [String: String]) {
        var selector = SpreadConstraint.selector(json?["labelSelector"])
        selector = selector.narrowed(by: json?["matchLabelKeys"], of: labels, excluding: json?["mismatchLabelKeys"])
        self.selector = selector
        namespaces = Set((json?["namespaces"]?.array ?? []).compactMap(\.string))
        if let value = json?["namespaceSelector"], value.object != nil {
            // An invalid selector matches nothing; the API server refuses it.
            namespaceSelector = (try? LabelSelector(value)) ?? .nothing
        } else {
            namespaceSelector = nil
            if namespaces.isEmpty { namespaces = [namespace] }
        }
        topologyKey = json?["topologyKey"]?.string ?? ""
    }

    func matches(_ pod: PodInfo, namespaceLabels: (String) -> [String: String]) -> Bool {
        let here =
            namespaces.contains(pod.key.namespace)
            || (namespaceSelector?.matches(namespaceLabels(pod.key.namespace)) ?? false)
        return here && selector.matches(pod.labels)
    }

    /// Whether it matches, as far as that can be said without the labels of namespaces.
    func mayMatch(_ pod: PodInfo) -> Bool {
        (namespaceSelector != nil || namespaces.contains(pod.key.namespace)) && selector.matches(pod.labels)
    }

    static func read(_ json: JSONValue?, namespace: String, labels: [String: String]) -> [PodAffinityTerm] {
        (json?[required]?.array ?? []).map { PodAffinityTerm($0, namespace: namespace, labels: labels) }
    }

    static func readPreferred(
        _ json: JSONValue?, namespace: String, labels: [String: String], sign: Int64
    ) -> [(term: PodAffinityTerm, weight: Int64)] {
        (json?[preferred]?.array ?? []).map {
            (
                PodAffinityTerm($0["podAffinityTerm"], namespace: namespace, labels: labels),
                sign * ($0["weight"]?.boundedInteger.map(Int64.init) ?? 0)
            )
        }
    }
}

/// All that a pod says of other pods.
final class PodTerms: Sendable {
    /// Required: other pods must match all of these. Each once, without its topology key.
    let affinity: [PodAffinityTerm]
    /// The topologies in which they must be.
    let affinityKeys: [String]
    /// Each of them by itself.
    let company: TermIndex
    let antiAffinity: TermIndex
    /// Wishes, those against others with negative weights.
    let preferred: TermIndex
    /// What the pod adds to the scores of others: its wishes, and 1 for each required term.
    let scoring: TermIndex

    static let none = PodTerms([:], [:])

    init(_ json: JSONObject, _ labels: [String: String]) {
        let affinity = json["spec"]?["affinity"]
        let namespace = json.objectNamespace
        let near = affinity?["podAffinity"]
        let away = affinity?["podAntiAffinity"]
        let required = PodAffinityTerm.read(near, namespace: namespace, labels: labels)
        var keys: Set<String> = []
        affinityKeys = required.map(\.topologyKey).filter { keys.insert($0).inserted }
        var seen: Set<PodAffinityTerm> = []
        self.affinity = required.compactMap { term in
            var term = term
            term.topologyKey = ""
            return seen.insert(term).inserted ? term : nil
        }
        company = TermIndex(required.map { (term: $0, weight: 1) })
        antiAffinity = TermIndex(
            PodAffinityTerm.read(away, namespace: namespace, labels: labels).map { (term: $0, weight: 1) })
        let wishes =
            PodAffinityTerm.readPreferred(near, namespace: namespace, labels: labels, sign: 1)
            + PodAffinityTerm.readPreferred(away, namespace: namespace, labels: labels, sign: -1)
        preferred = TermIndex(wishes)
        scoring = required.isEmpty ? preferred : TermIndex(wishes + required.map { (term: $0, weight: 1) })
    }
}

/// Terms, found by the namespaces and labels that they could match: a pod of which they say nothing costs as much as it has
/// labels, however many they are.
struct TermIndex: Sendable {
    private struct Label: Hashable {
        var key: String
        /// Nil for any.
        var value: String?
    }

    /// The terms about one namespace.
    private struct Bucket {
        var all: [Int] = []
        /// By a label without which a pod is not matched.
        var byLabel: [Label: [Int]] = [:]
        /// Those that name no such label.
        var others: [Int] = []
    }

    /// Each once; weights of equal ones are summed.
    let terms: [(term: PodAffinityTerm, weight: Int64)]
    private var buckets: [String: Bucket] = [:]
    /// The terms that select namespaces by their labels.
    private var anywhere = Bucket()

    var isEmpty: Bool { terms.isEmpty }

    init(_ list: [(term: PodAffinityTerm, weight: Int64)]) {
        var positions: [PodAffinityTerm: Int] = [:]
        var terms: [(term: PodAffinityTerm, weight: Int64)] = []
        for (term, weight) in list where !term.selector.matchesNothing {
            if let position = positions[term] {
                terms[position].weight += weight
            } else {
                positions[term] = terms.count
                terms.append((term, weight))
            }
        }
        self.terms = terms
        for (position, (term, _)) in terms.enumerated() {
            let labels = TermIndex.labels(term.selector)
            if term.namespaceSelector != nil {
                TermIndex.add(position, labels, &anywhere)
            } else {
                for namespace in term.namespaces {
                    TermIndex.add(position, labels, &buckets[namespace, default: Bucket()])
                }
            }
        }
    }

    private static func add(_ position: Int, _ labels: [Label], _ bucket: inout Bucket) {
        bucket.all.append(position)
        if labels.isEmpty { bucket.others.append(position) }
        for label in labels { bucket.byLabel[label, default: []].append(position) }
    }

    /// Labels of which a pod that is matched has exactly one; none where the selector asks for no label's presence.
    private static func labels(_ selector: LabelSelector) -> [Label] {
        for row in selector.requirements {
            switch row.operator {
            case .in, .equals, .doubleEquals:
                return row.values.count > 8
                    ? [Label(key: row.key)] : Set(row.values).map { Label(key: row.key, value: $0) }
            case .exists: return [Label(key: row.key)]
            default: continue
            }
        }
        return []
    }

    /// Calls `body` with each term that matches, and its weight.
    func matches(
        _ pod: PodInfo, namespaceLabels: (String) -> [String: String], _ body: (PodAffinityTerm, Int64) -> Void
    ) {
        _ = firstCandidate(pod) { term, weight in
            if term.matches(pod, namespaceLabels: namespaceLabels) { body(term, weight) }
            return false
        }
    }

    /// Whether one may match, as far as that can be said without the labels of namespaces.
    func mayMatch(_ pod: PodInfo) -> Bool { firstCandidate(pod) { term, _ in term.mayMatch(pod) } }

    /// Whether `isIt` holds for a term that could match: it is asked until it does.
    private func firstCandidate(_ pod: PodInfo, _ isIt: (PodAffinityTerm, Int64) -> Bool) -> Bool {
        if terms.isEmpty { return false }
        func check(_ positions: [Int]) -> Bool {
            positions.contains { isIt(terms[$0].term, terms[$0].weight) }
        }
        func look(_ bucket: Bucket) -> Bool {
            if bucket.all.count <= 2 || bucket.all.count <= pod.labels.count { return check(bucket.all) }
            if check(bucket.others) { return true }
            return pod.labels.contains { key, value in
                (bucket.byLabel[Label(key: key, value: value)].map(check) ?? false)
                    || (bucket.byLabel[Label(key: key)].map(check) ?? false)
            }
        }
        return (buckets[pod.key.namespace].map(look) ?? false) || !anywhere.all.isEmpty && look(anywhere)
    }
}
