// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Schema

/// What a CustomResourceDefinition's status says, computed from the definition and the names others have.
public enum DefinitionStatus {
    public static let cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io"

    /// The names that the definitions of a group have been given.
    public struct TakenNames: Sendable {
        var resources: Set<String> = []
        var kinds: Set<String> = []

        public init() {}

        /// Adds the names a definition has been given.
        public mutating func add(_ definition: JSONObject) {
            let names = definition["status"]?["acceptedNames"] ?? [:]
            for field in ["plural", "singular"] { resources.insert(names[field]?.string ?? "") }
            for name in names["shortNames"]?.array ?? [] { resources.insert(name.string ?? "") }
            for field in ["kind", "listKind"] { kinds.insert(names[field]?.string ?? "") }
            resources.remove("")
            kinds.remove("")
        }

        /// Adds the names of a built-in resource.
        public mutating func add(_ resource: ResourceKind) {
            resources.formUnion([resource.plural, resource.singular] + resource.shortNames)
            kinds.formUnion([resource.kind, resource.listKind])
            resources.remove("")
        }
    }

    public static func isTrue(_ type: String, _ definition: JSONObject) -> Bool {
        (definition["status"]?["conditions"]?.array ?? []).contains {
            $0["type"]?.string == type && $0["status"] == "True"
        }
    }

    /// The definition with the names it is given, and with its conditions, as of `now`. `taken` are the names that
    /// other definitions of the group have, `reserved` those that the server's own resources have in it: these it cannot
    /// have even if it was given them once.
    public static func settled(
        _ definition: JSONObject, taken: TakenNames, reserved: TakenNames = TakenNames(), now: String
    ) -> JSONObject {
        let wanted = definition["spec"]?["names"] ?? [:]
        let current = definition["status"]?["acceptedNames"] ?? [:]
        var names: JSONObject = [:]
        var conflict: (reason: String, message: String)?
        var isReserved = false

        func decide(_ field: String, _ reason: String, _ taken: Set<String>, _ reserved: Set<String>) {
            let name = wanted[field]?.string ?? ""
            if !reserved.contains(name), name == current[field]?.string || !taken.contains(name) {
                names[field] = .string(name)
            } else {
                if reserved.contains(name) { isReserved = true }
                names[field] = current[field].flatMap { reserved.contains($0.string ?? "") ? nil : $0 }
                conflict = (reason, "\(JSONValue.quoted(name)) is already in use")
            }
        }

        decide("plural", "PluralConflict", taken.resources, reserved.resources)
        decide("singular", "SingularConflict", taken.resources, reserved.resources)
        let shortNames = (wanted["shortNames"]?.array ?? []).compactMap(\.string)
        let ours = (current["shortNames"]?.array ?? []).compactMap(\.string)
        let refused = shortNames.filter {
            reserved.resources.contains($0) || (!ours.contains($0) && taken.resources.contains($0))
        }
        if refused.isEmpty {
            if !shortNames.isEmpty { names["shortNames"] = .array(shortNames.map { .string($0) }) }
        } else {
            let kept = ours.filter { !reserved.resources.contains($0) }
            if !kept.isEmpty { names["shortNames"] = .array(kept.map { .string($0) }) }
            let texts = refused.map { "\(JSONValue.quoted($0)) is already in use" }
            conflict = (
                "ShortNamesConflict", texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
            )
        }
        decide("kind", "KindConflict", taken.kinds, reserved.kinds)
        decide("listKind", "ListKindConflict", taken.kinds, reserved.kinds)
        if let categories = wanted["categories"]?.array, !categories.isEmpty {
            names["categories"] = .array(categories)
        }

        var result = definition
        var status = definition["status"]?.object ?? [:]
        for field in ["plural", "kind"] where names[field] == nil { names[field] = "" }
        status["acceptedNames"] = .object(names)
        result["status"] = .object(status)
        if let conflict {
            set(&result, "NamesAccepted", "False", conflict.reason, conflict.message, now)
        } else {
            set(&result, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now)
        }
        // What was served once goes on being served, unless it has a name of the server's own.
        if isReserved || !isTrue("Established", definition) {
            if conflict == nil {
                set(&result, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now)
            } else {
                set(&result, "Established", "False", "NotAccepted", "not all names are accepted", now)
            }
        }
        if let approval = APIApproval(definition) {
            set(
                &result, "KubernetesAPIApprovalPolicyConformant", approval.state == .approved ? "True" : "False",
                approval.reason, approval.message, now)
        }
        return result
    }

    /// Sets a condition. Its time is when its status changed.
    public static func set(
        _ definition: inout JSONObject, _ type: String, _ value: String, _ reason: String, _ message: String,
        _ now: String
    ) {
        var status = definition["status"]?.object ?? [:]
        var conditions = status["conditions"]?.array ?? []
        let index = conditions.firstIndex { $0["type"]?.string == type }
        let before = index.map { conditions[$0] }
        let time = before?["status"]?.string == value ? before?["lastTransitionTime"] : nil
        let condition: JSONValue = [
            "type": .string(type), "status": .string(value), "lastTransitionTime": time ?? .string(now),
            "reason": .string(reason), "message": .string(message),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        status["conditions"] = .array(conditions)
        definition["status"] = .object(status)
    }
}

/// Whether a definition in a group of the Kubernetes project says that it was approved there.
struct APIApproval {
    enum State { case approved, bypassed, missing, invalid }

    static let annotation = "api-approved.kubernetes.io"

    let state: State
    let message: String
    let value: String

    /// nil for groups of others.
    init?(_ definition: JSONObject) {
        let group = definition["spec"]?["group"]?.string ?? ""
        let isProtected = ["k8s.io", "kubernetes.io"].contains { group == $0 || group.hasSuffix("." + $0) }
        guard isProtected else { return nil }
        value = definition["metadata"]?["annotations"]?[Self.annotation]?.string ?? ""
        if value.isEmpty {
            state = .missing
            message =
                "protected groups must have approval annotation \"\(Self.annotation)\", see https://github.com/kubernetes/enhancements/pull/1111"
        } else if value.hasPrefix("unapproved") {
            state = .bypassed
            message = "not approved: \"\(value)\""
        } else if Self.isAddress(value) {
            state = .approved
            message = "approved in \(value)"
        } else {
            state = .invalid
            message =
                "protected groups must have approval annotation \"\(Self.annotation)\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111"
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        ["https://", "http://"].contains { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }
    }

    var reason: String {
        switch state {
        case .approved: "ApprovedAnnotation"
        case .bypassed: "UnapprovedAnnotation"
        case .missing: "MissingAnnotation"
        case .invalid: "InvalidAnnotation"
        }
    }
}
