// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

private let spec = FieldPath("spec")

extension Validator {
    // MARK: Selectors and templates

    private mutating func workloadSelector(_ selector: JSONValue?, _ kind: String) -> LabelSelector? {
        guard let selector, !selector.isNull else {
            add(.required(spec["selector"]))
            return nil
        }
        labelSelector(selector, spec["selector"])
        let empty =
            !(selector["matchLabels"]?.isPresent ?? false) && !(selector["matchExpressions"]?.isPresent ?? false)
        if empty { add(.invalid(spec["selector"], json: selector, "empty selector is invalid for \(kind)")) }
        do throws(LabelSelectorError) {
            return try LabelSelector(selector)
        } catch {
            add(.invalid(spec["selector"], json: selector, "invalid label selector"))
            return nil
        }
    }

    /// A template whose pods run for ever and are the selector's own.
    private mutating func workloadTemplate(_ template: JSONValue?, _ selector: LabelSelector?, _ kind: String) {
        let path = spec["template"]
        guard let template else {
            add(.required(path))
            return
        }
        let labels = template["metadata"]?["labels"]
        if let selector, !selector.isEverything, !selector.matches(labels?.object) {
            add(
                .invalid(
                    path["metadata"]["labels"], json: labels ?? .null,
                    "`selector` does not match template `labels`"))
        }
        podTemplate(template, path)
        let policy = template["spec"]?["restartPolicy"]?.string ?? ""
        if !policy.isEmpty, policy != "Always" {
            add(.notSupported(path["spec"]["restartPolicy"], policy, ["Always"]))
        }
        if template["spec"]?["activeDeadlineSeconds"] != nil {
            add(
                .forbidden(
                    path["spec"]["activeDeadlineSeconds"], "activeDeadlineSeconds in \(kind) is not Supported"))
        }
    }

    private mutating func counts(_ object: JSONValue, _ fields: [String]) {
        for field in fields { nonNegative(object["spec"]?[field], spec[field]) }
    }

    // MARK: Kinds

    mutating func replicaSet(_ object: JSONValue) {
        counts(object, ["replicas", "minReadySeconds"])
        let selector = workloadSelector(object["spec"]?["selector"], "deployment")
        workloadTemplate(object["spec"]?["template"], selector, "ReplicaSet")
        if let old { unchanged(object["spec"]?["selector"], old["spec"]?["selector"], spec["selector"]) }
    }

    mutating func replicationController(_ object: JSONValue) {
        counts(object, ["replicas", "minReadySeconds"])
        let selector = object["spec"]?["selector"]?.object ?? [:]
        if selector.isEmpty { add(.required(spec["selector"])) }
        workloadTemplate(
            object["spec"]?["template"], LabelSelector(matching: selector), "ReplicationController")
    }

    mutating func deployment(_ object: JSONValue) {
        counts(object, ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"])
        let body = object["spec"] ?? [:]
        let selector = workloadSelector(body["selector"], "deployment")
        workloadTemplate(body["template"], selector, "Deployment")
        let strategy = body["strategy"] ?? [:]
        let path = spec["strategy"]
        switch strategy["type"]?.string {
        case "Recreate":
            if strategy["rollingUpdate"] != nil {
                add(
                    .forbidden(
                        path["rollingUpdate"], "may not be specified when strategy `type` is 'Recreate'"))
            }
        case "RollingUpdate":
            guard let rolling = strategy["rollingUpdate"] else {
                add(.required(path["rollingUpdate"], "this should be defaulted and never be nil"))
                break
            }
            let unavailable = amount(rolling["maxUnavailable"], path["rollingUpdate"]["maxUnavailable"])
            let surge = amount(rolling["maxSurge"], path["rollingUpdate"]["maxSurge"])
            atMostAll(rolling["maxUnavailable"], path["rollingUpdate"]["maxUnavailable"])
            if unavailable == 0, surge == 0 {
                add(
                    .invalid(
                        path["rollingUpdate"]["maxUnavailable"], json: rolling["maxUnavailable"],
                        "may not be 0 when `maxSurge` is 0"))
            }
        default:
            add(
                FieldError(
                    .notSupported, path: path.description, value: strategy.description,
                    detail: "supported values: \"Recreate\", \"RollingUpdate\""))
        }
        if let deadline = body["progressDeadlineSeconds"]?.integer, deadline <= body["minReadySeconds"]?.integer ?? 0 {
            add(.invalid(spec["progressDeadlineSeconds"], deadline, "must be greater than minReadySeconds"))
        }
        if let old { unchanged(body["selector"], old["spec"]?["selector"], spec["selector"]) }
    }

    mutating func daemonSet(_ object: JSONValue) {
        counts(object, ["minReadySeconds", "revisionHistoryLimit"])
        let body = object["spec"] ?? [:]
        let selector = workloadSelector(body["selector"], "daemonset")
        workloadTemplate(body["template"], selector, "DaemonSet")
        let strategy = body["updateStrategy"] ?? [:]
        let path = spec["updateStrategy"]
        choice(strategy["type"], ["OnDelete", "RollingUpdate"], path, required: false)
        if strategy["type"] == "RollingUpdate" {
            let rolling = path["rollingUpdate"]
            let unavailable = amount(strategy["rollingUpdate"]?["maxUnavailable"], rolling["maxUnavailable"])
            let surge = amount(strategy["rollingUpdate"]?["maxSurge"], rolling["maxSurge"])
            if unavailable ?? 0 > 0, surge ?? 0 > 0 {
                add(
                    .invalid(
                        rolling["maxSurge"], json: strategy["rollingUpdate"]?["maxSurge"],
                        "may not be set when maxUnavailable is non-zero"))
            } else if unavailable == 0, surge ?? 0 == 0 {
                add(.required(rolling["maxUnavailable"], "cannot be 0 when maxSurge is 0"))
            }
        }
        if let old { unchanged(body["selector"], old["spec"]?["selector"], spec["selector"]) }
    }

    mutating func statefulSet(_ object: JSONValue) {
        counts(object, ["replicas", "minReadySeconds", "revisionHistoryLimit"])
        let body = object["spec"] ?? [:]
        let policy = body["podManagementPolicy"]?.string ?? ""
        if policy.isEmpty {
            add(.required(spec["podManagementPolicy"]))
        } else if policy != "OrderedReady", policy != "Parallel" {
            add(.invalid(spec["podManagementPolicy"], policy, "must be 'OrderedReady' or 'Parallel'"))
        }
        let strategy = body["updateStrategy"] ?? [:]
        switch strategy["type"]?.string ?? "" {
        case "": add(.required(spec["updateStrategy"]))
        case "OnDelete":
            if strategy["rollingUpdate"] != nil {
                add(
                    .invalid(
                        spec["updateStrategy"]["rollingUpdate"], json: strategy["rollingUpdate"],
                        "only allowed for updateStrategy 'RollingUpdate'"))
            }
        case "RollingUpdate":
            nonNegative(
                strategy["rollingUpdate"]?["partition"], spec["updateStrategy"]["rollingUpdate"]["partition"])
        default:
            add(.invalid(spec["updateStrategy"], json: strategy, "must be 'RollingUpdate' or 'OnDelete'"))
        }
        nonNegative(body["ordinals"]?["start"], spec["ordinals"]["start"])
        let selector = workloadSelector(body["selector"], "statefulset")
        workloadTemplate(body["template"], selector, "StatefulSet")
        guard let old else { return }
        var after = body
        for field in [
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
        ] {
            after[field] = old["spec"]?[field]
        }
        if !Self.same(after, old["spec"]) {
            add(
                .forbidden(
                    spec,
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
                        + "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
                        + "'minReadySeconds' are forbidden"))
        }
    }

    mutating func controllerRevision(_ object: JSONValue) {
        nonNegative(object["revision"] ?? 0, FieldPath("revision"))
        if object["data"]?.isNull ?? true { add(.required(FieldPath("data"), "data is mandatory")) }
        if let old { unchanged(object["data"], old["data"], FieldPath("data")) }
    }

    // MARK: Amounts

    /// A count or percentage: the number before `%`, or the count.
    private mutating func amount(_ value: JSONValue?, _ path: FieldPath) -> Int? {
        switch IntOrString(value) {
        case .integer(let number)?:
            nonNegative(value, path)
            return number
        case .string(let text)?:
            guard Names.isPercent(text) else {
                add(.invalid(path, text, Names.percentComplaint))
                return nil
            }
            return Int(text.dropLast())
        case nil: return nil
        }
    }

    private mutating func atMostAll(_ value: JSONValue?, _ path: FieldPath) {
        if let percent = IntOrString(value)?.percent, percent > 100 {
            add(.invalid(path, json: value, "must not be greater than 100%"))
        }
    }

    mutating func podDisruptionBudget(_ object: JSONValue) {
        let body = object["spec"] ?? [:]
        if body["minAvailable"] != nil, body["maxUnavailable"] != nil {
            add(.invalid(spec, json: body, "minAvailable and maxUnavailable cannot be both set"))
        }
        for field in ["minAvailable", "maxUnavailable"] {
            _ = amount(body[field], spec[field])
            atMostAll(body[field], spec[field])
        }
        choice(
            body["unhealthyPodEvictionPolicy"], ["AlwaysAllow", "IfHealthyBudget"],
            spec["unhealthyPodEvictionPolicy"])
        labelSelector(body["selector"], spec["selector"])
    }
}
