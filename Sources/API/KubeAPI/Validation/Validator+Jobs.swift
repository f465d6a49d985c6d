// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Numbers
internal import Schema
internal import Text

extension Validator {
    mutating func job(_ object: JSONValue) {
        let path = FieldPath("spec")
        let body = object["spec"] ?? [:]
        if let selector = body["selector"] {
            labelSelector(selector, path["selector"])
            // An unreadable selector is complained about above.
            if let parsed = try? LabelSelector(selector),
                !parsed.matches(body["template"]?["metadata"]?["labels"]?.object)
            {
                add(
                    .invalid(
                        path["template"]["metadata"]["labels"], json: body["template"]?["metadata"]?["labels"],
                        "`selector` does not match template `labels`"))
            }
        } else {
            add(.required(path["selector"]))
        }
        jobSpec(body, path)
        guard let before = old?["spec"] else { return }
        for field in [
            "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
        ] {
            unchanged(body[field], before[field], path[field])
        }
        if body["completionMode"] != "Indexed" {
            unchanged(body["completions"], before["completions"], path["completions"])
        }
        jobTemplateUpdate(body, before, path)
    }

    /// A suspended job that never started may still change where its pods go.
    private mutating func jobTemplateUpdate(_ body: JSONValue, _ before: JSONValue, _ path: FieldPath) {
        var template = body["template"]
        if before["suspend"] == true, old?["status"]?["startTime"] == nil {
            for field in ["affinity", "nodeSelector", "tolerations", "schedulingGates"] {
                template?["spec"]?[field] = before["template"]?["spec"]?[field]
            }
            template?["metadata"]?["labels"] = before["template"]?["metadata"]?["labels"]
            template?["metadata"]?["annotations"] = before["template"]?["metadata"]?["annotations"]
        }
        if !Self.same(template, before["template"]) {
            add(.invalid(path["template"], json: body["template"], Self.immutable))
        }
    }

    private mutating func jobSpec(_ body: JSONValue, _ path: FieldPath) {
        for field in [
            "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
            "backoffLimitPerIndex", "maxFailedIndexes",
        ] {
            nonNegative(body[field], path[field])
        }
        let indexed = body["completionMode"] == "Indexed"
        choice(body["completionMode"], ["Indexed", "NonIndexed"], path["completionMode"])
        if indexed {
            if body["completions"] == nil {
                add(.required(path["completions"], "when completion mode is Indexed"))
            }
            if let parallel = body["parallelism"]?.integer, parallel > 100_000 {
                add(
                    .invalid(
                        path["parallelism"], parallel,
                        "must be less than or equal to 100000 when completion mode is Indexed"))
            }
        } else {
            for field in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] where body[field] != nil {
                add(.invalid(path[field], json: body[field], "requires indexed completion mode"))
            }
        }
        if body["maxFailedIndexes"] != nil, body["backoffLimitPerIndex"] == nil {
            add(.required(path["backoffLimitPerIndex"], "when maxFailedIndexes is specified"))
        }
        failurePolicy(body, path["podFailurePolicy"])
        choice(body["podReplacementPolicy"], ["Failed", "TerminatingOrFailed"], path["podReplacementPolicy"])
        podTemplate(body["template"], path["template"])
        let restart = body["template"]?["spec"]?["restartPolicy"]?.string ?? ""
        let place = path["template"]["spec"]["restartPolicy"]
        if restart == "Always" || restart.isEmpty {
            add(.required(place, "valid values: \"OnFailure\", \"Never\""))
        } else if body["podFailurePolicy"] != nil, restart != "Never" {
            add(.invalid(place, restart, "only \"Never\" is supported when podFailurePolicy is specified"))
        }
    }

    private mutating func failurePolicy(_ body: JSONValue, _ path: FieldPath) {
        let rules = body["podFailurePolicy"]?["rules"]?.array ?? []
        if rules.count > 20 { add(.tooMany(path["rules"], count: rules.count, limit: 20)) }
        for (index, rule) in rules.enumerated() {
            let place = path["rules"][index]
            let action = rule["action"]?.string ?? ""
            let actions = ["Count", "FailIndex", "FailJob", "Ignore"]
            if action.isEmpty {
                let shown = "[" + actions.map(\.quoted).joined(separator: " ") + "]"
                add(.required(place["action"], "valid values: " + shown))
            } else if !actions.contains(action) {
                add(.notSupported(place["action"], action, actions))
            } else if action == "FailIndex", body["backoffLimitPerIndex"] == nil {
                add(.invalid(place["action"], action, "requires the backoffLimitPerIndex to be set"))
            }
            let onExit = rule["onExitCodes"]
            let onConditions = rule["onPodConditions"]?.isPresent == true
            if onExit != nil, onConditions {
                add(
                    FieldError(
                        .invalid, path: "\(place)",
                        detail: "specifying both OnExitCodes and OnPodConditions is not supported"))
            } else if onExit == nil, !onConditions {
                add(
                    FieldError(
                        .invalid, path: "\(place)",
                        detail: "specifying one of OnExitCodes and OnPodConditions is required"))
            }
            if let onExit { exitCodes(onExit, place["onExitCodes"]) }
        }
    }

    private mutating func exitCodes(_ requirement: JSONValue, _ path: FieldPath) {
        choice(requirement["operator"], ["In", "NotIn"], path["operator"], required: true)
        let values = requirement["values"]?.array ?? []
        if values.isEmpty {
            add(.invalid(path["values"], json: .array(values), "at least one value is required"))
        } else if values.count > 255 {
            add(.tooMany(path["values"], count: values.count, limit: 255))
        }
        var seen: Set<Int64> = []
        for (index, value) in values.enumerated() {
            let code = value.integer ?? 0
            if requirement["operator"] == "In", code == 0 {
                add(.invalid(path["values"][index], code, "must not be 0 for the In operator"))
            }
            if !seen.insert(code).inserted { add(.duplicate(path["values"][index], json: value)) }
        }
        let codes = values.compactMap(\.integer)
        if codes != codes.sorted() { add(.invalid(path["values"], json: .array(values), "must be ordered")) }
    }

    // MARK: CronJob

    mutating func cronJob(_ object: JSONValue) {
        let path = FieldPath("spec")
        let body = object["spec"] ?? [:]
        if let name = object["metadata"]?["name"]?.string, name.utf8.count > 52 {
            add(.invalid(FieldPath("metadata")["name"], name, "must be no more than 52 characters"))
        }
        if let schedule = required(body["schedule"], path["schedule"]), let problem = Self.cronProblem(schedule) {
            add(.invalid(path["schedule"], schedule, problem))
        }
        for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
            nonNegative(body[field], path[field])
        }
        choice(body["concurrencyPolicy"], ["Allow", "Forbid", "Replace"], path["concurrencyPolicy"], required: true)
        if let zone = body["timeZone"]?.string {
            if zone.isEmpty {
                add(.invalid(path["timeZone"], zone, "timeZone must be nil or non-empty string"))
            } else if zone.lowercased() == "local" {
                add(
                    .invalid(
                        path["timeZone"], zone,
                        "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"))
            }
        }
        let template = body["jobTemplate"]?["spec"] ?? [:]
        jobSpec(template, path["jobTemplate"]["spec"])
    }

    /// What is wrong with a cron schedule: five fields, a macro or `@every`.
    static func cronProblem(_ schedule: String) -> String? {
        if schedule.contains("TZ") { return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead" }
        if schedule.hasPrefix("@") {
            let macros = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"]
            if macros.contains(schedule) { return nil }
            if schedule.hasPrefix("@every ") {
                guard GoDuration.nanoseconds(String(schedule.dropFirst(7))) == nil else { return nil }
                return
                    "failed to parse duration \(schedule): time: invalid duration \(String(schedule.dropFirst(7)).quoted)"
            }
            return "unrecognized descriptor: \(schedule)"
        }
        let fields = schedule.split { $0 == " " || $0 == "\t" }
        guard fields.count == 5 else {
            let shown = "[" + fields.joined(separator: " ") + "]"
            return "expected exactly 5 fields, found \(fields.count): \(shown)"
        }
        let bounds = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]
        for (field, bound) in zip(fields, bounds) {
            if let problem = cronFieldProblem(field, bound.0, bound.1) { return problem }
        }
        return nil
    }

    private static let cronNames = [
        "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
        "nov": 11, "dec": 12, "sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6,
    ]

    private static func cronFieldProblem(_ field: Substring, _ low: Int, _ high: Int) -> String? {
        for part in field.split(separator: ",", omittingEmptySubsequences: false) {
            let steps = part.steps(keepingEmpty: true)
            guard steps.count <= 2 else { return "too many slashes: \(part)" }
            if steps.count == 2, Int(steps[1], in: 1...Int(Int32.max)) == nil {
                return "step of range should be a positive number: \(part)"
            }
            if steps[0] == "*" || steps[0] == "?" { continue }
            let ends = steps[0].split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count <= 2 else { return "too many hyphens: \(part)" }
            var numbers: [Int] = []
            for end in ends {
                guard let number = Int(end, in: 0...Int(Int32.max)) ?? cronNames[end.lowercased()] else {
                    return
                        "failed to parse int from \(end): strconv.Atoi: parsing \(String(end).quoted): invalid syntax"
                }
                if number < low { return "beginning of range (\(number)) below minimum (\(low)): \(part)" }
                if number > high { return "end of range (\(number)) above maximum (\(high)): \(part)" }
                numbers.append(number)
            }
            if numbers.count == 2, numbers[0] > numbers[1] {
                return "beginning of range (\(numbers[0])) beyond end of range (\(numbers[1])): \(part)"
            }
        }
        return nil
    }
}
