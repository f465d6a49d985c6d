// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    mutating func affinity(_ affinity: JSONValue?, _ path: FieldPath) {
        guard let affinity else { return }
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        if let node = affinity["nodeAffinity"] {
            if let selector = node[required] { nodeSelector(selector, path["nodeAffinity"][required]) }
            for (index, term) in (node[preferred]?.array ?? []).enumerated() {
                let place = path["nodeAffinity"][preferred][index]
                weight(term["weight"], place["weight"])
                nodeSelectorTerm(term["preference"] ?? [:], place["preference"])
            }
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            guard let pods = affinity[kind] else { continue }
            for (index, term) in (pods[required]?.array ?? []).enumerated() {
                podAffinityTerm(term, path[kind][required][index])
            }
            for (index, term) in (pods[preferred]?.array ?? []).enumerated() {
                let place = path[kind][preferred][index]
                weight(term["weight"], place["weight"])
                podAffinityTerm(term["podAffinityTerm"] ?? [:], place["podAffinityTerm"])
            }
        }
    }

    private mutating func weight(_ value: JSONValue?, _ path: FieldPath) {
        let weight = value?.integer ?? 0
        if !(1...100).contains(weight) { add(.invalid(path, weight, "must be in the range 1-100")) }
    }

    mutating func nodeSelector(_ selector: JSONValue, _ path: FieldPath) {
        let terms = selector["nodeSelectorTerms"]?.array ?? []
        if terms.isEmpty {
            add(.required(path["nodeSelectorTerms"], "must have at least one node selector term"))
        }
        for (index, term) in terms.enumerated() { nodeSelectorTerm(term, path["nodeSelectorTerms"][index]) }
    }

    private mutating func nodeSelectorTerm(_ term: JSONValue, _ path: FieldPath) {
        for (index, expression) in (term["matchExpressions"]?.array ?? []).enumerated() {
            nodeRequirement(expression, path["matchExpressions"][index])
        }
        for (index, expression) in (term["matchFields"]?.array ?? []).enumerated() {
            let place = path["matchFields"][index]
            let values = expression["values"]?.array ?? []
            switch expression["operator"]?.string ?? "" {
            case "In", "NotIn":
                if values.count != 1 {
                    add(
                        .required(
                            place["values"],
                            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"))
                }
            case let other: add(.invalid(place["operator"], other, "not a valid selector operator"))
            }
            let key = expression["key"]?.string ?? ""
            if key != "metadata.name" { add(.invalid(place["key"], key, "not a valid field selector key")) }
        }
    }

    private mutating func nodeRequirement(_ expression: JSONValue, _ path: FieldPath) {
        let values = expression["values"]?.array ?? []
        switch expression["operator"]?.string ?? "" {
        case "In", "NotIn":
            if values.isEmpty {
                add(.required(path["values"], "must be specified when `operator` is 'In' or 'NotIn'"))
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                add(.forbidden(path["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
            }
        case "Gt", "Lt":
            if values.count != 1 {
                add(.required(path["values"], "must be specified single value when `operator` is 'Lt' or 'Gt'"))
            }
        case let other: add(.invalid(path["operator"], other, "not a valid selector operator"))
        }
        let key = expression["key"]?.string ?? ""
        check(Names.qualifiedName(key), path["key"], key)
        for (index, value) in values.enumerated() {
            check(Names.labelValue(value.string ?? ""), path["values"][index], value.string ?? "")
        }
    }

    private mutating func podAffinityTerm(_ term: JSONValue, _ path: FieldPath) {
        labelSelector(term["labelSelector"], path["labelSelector"])
        labelSelector(term["namespaceSelector"], path["namespaceSelector"])
        for namespace in term["namespaces"]?.array ?? [] {
            check(Names.dnsLabel(namespace.string ?? ""), path["namespace"], namespace.string ?? "")
        }
        if let key = required(term["topologyKey"], path["topologyKey"], "can not be empty") {
            check(Names.qualifiedName(key), path["topologyKey"], key)
        }
    }

    // MARK: Tolerations

    static let taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

    mutating func tolerations(_ tolerations: [JSONValue], _ path: FieldPath) {
        for (index, toleration) in tolerations.enumerated() {
            let place = path[index]
            let key = toleration["key"]?.string ?? ""
            let comparison = toleration["operator"]?.string ?? ""
            let value = toleration["value"]?.string ?? ""
            if !key.isEmpty { check(Names.qualifiedName(key), place["key"], key) }
            if key.isEmpty, comparison != "Exists" {
                add(
                    .invalid(
                        place["operator"], comparison,
                        "operator must be Exists when `key` is empty, which means \"match all values and all keys\""))
            }
            if toleration["tolerationSeconds"] != nil, toleration["effect"]?.string != "NoExecute" {
                add(
                    .invalid(
                        place["effect"], toleration["effect"]?.string ?? "",
                        "effect must be 'NoExecute' when `tolerationSeconds` is set"))
            }
            switch comparison {
            case "Equal", "":
                let complaints = Names.labelValue(value)
                if !complaints.isEmpty { add(.invalid(place["operator"], value, complaints.joined(separator: ";"))) }
            case "Exists":
                if !value.isEmpty {
                    add(.invalid(place["operator"], value, "value must be empty when `operator` is 'Exists'"))
                }
            default: add(.notSupported(place["operator"], comparison, ["Equal", "Exists"]))
            }
            if let effect = toleration["effect"]?.string, !effect.isEmpty, !Self.taintEffects.contains(effect) {
                add(.notSupported(place["effect"], effect, Self.taintEffects))
            }
        }
    }
}
