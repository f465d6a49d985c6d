// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema

/// Whether somebody may do something, decided by what decides about requests.
extension RequestScope {
    func accessReview(_ given: APIObject) async throws(APIError) -> JSONObject {
        var body = given
        if resource.namespaced { try checkNamespace(&body) }
        let errors = Machinery.validate(resource, new: body, old: nil)
        if !errors.isEmpty { throw .invalid(subject(""), errors) }
        let subject = resource.kind == "SelfSubjectAccessReview" ? user : Self.subject(of: body.spec)
        let question = AccessQuestion(body.spec, subject)
        let (allowed, reason) = try await Authorizer(core: core).decide(question.request, inTurnsOf: flow)
        var status: JSONObject = ["allowed": .bool(allowed)]
        if !reason.isEmpty { status["reason"] = .string(reason) }
        if !question.problems.isEmpty {
            status["evaluationError"] = .string(question.problems.joined(separator: "; "))
        }
        return status
    }

    private static func subject(of spec: JSONObject) -> RequestUser {
        var extra: [String: [String]] = [:]
        for (key, values) in spec["extra"]?.object ?? [:] { extra[key] = (values.array ?? []).compactMap(\.string) }
        return RequestUser(
            name: spec["user"]?.string ?? "", uid: spec["uid"]?.string ?? "",
            groups: (spec["groups"]?.array ?? []).compactMap(\.string), extra: extra)
    }
}

/// What a review asks about, as authorizers are asked.
private struct AccessQuestion {
    var request: AccessRequest
    /// What of the question could not be read. It is left out, which asks for more and not for less.
    var problems: [String] = []

    init(_ spec: JSONObject, _ subject: RequestUser) {
        guard let attributes = spec["resourceAttributes"]?.object else {
            let other = spec["nonResourceAttributes"]
            request = AccessRequest(
                user: subject, verb: other?["verb"]?.string ?? "", path: other?["path"]?.string ?? "")
            return
        }
        func text(_ field: String) -> String { attributes[field]?.string ?? "" }
        request = AccessRequest(
            user: subject, verb: text("verb"), group: text("group"), resource: text("resource"),
            subresource: text("subresource"), namespace: text("namespace"), name: text("name"))
        if let fields = attributes["fieldSelector"] { readFields(fields) }
        if let labels = attributes["labelSelector"] { readLabels(labels) }
    }

    private mutating func readFields(_ attributes: JSONValue) {
        var terms: [FieldSelector.Term] = []
        var isWhole = true
        if let raw = attributes["rawSelector"]?.string, !raw.isEmpty {
            if let selector = try? FieldSelector(parsing: raw) { terms = selector.terms } else { isWhole = false }
        }
        for requirement in attributes["requirements"]?.array ?? [] {
            let values = (requirement["values"]?.array ?? []).compactMap(\.string)
            let operation = requirement["operator"]?.string ?? ""
            guard values.count == 1, ["In", "NotIn"].contains(operation) else {
                isWhole = false
                continue
            }
            terms.append(
                FieldSelector.Term(
                    field: requirement["key"]?.string ?? "", value: values[0], negated: operation == "NotIn"))
        }
        request.selection.fields = FieldSelector(terms)
        note("fieldSelector", isWhole: isWhole, isNothing: terms.isEmpty)
    }

    private mutating func readLabels(_ attributes: JSONValue) {
        var requirements: [LabelRequirement] = []
        var isWhole = true
        if let raw = attributes["rawSelector"]?.string, !raw.isEmpty {
            if let selector = try? LabelSelector(parsing: raw) {
                requirements = selector.requirements
            } else {
                isWhole = false
            }
        }
        for requirement in attributes["requirements"]?.array ?? [] {
            if let selector = try? LabelSelector(["matchExpressions": [requirement]]) {
                requirements += selector.requirements
            } else {
                isWhole = false
            }
        }
        request.selection.labels = requirements.isEmpty ? .everything : LabelSelector(requirements)
        note("labelSelector", isWhole: isWhole, isNothing: requirements.isEmpty)
    }

    private mutating func note(_ field: String, isWhole: Bool, isNothing: Bool) {
        if isWhole { return }
        problems.append("spec.resourceAttributes.\(field) \(isNothing ? "" : "partially ")ignored due to parse error")
    }
}
