// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Text

extension Validator {
    // MARK: RBAC

    static let rbacGroup = "rbac.authorization.k8s.io"

    mutating func role(_ object: JSONValue, namespaced: Bool) {
        for (index, rule) in (object["rules"]?.array ?? []).enumerated() {
            policyRule(rule, namespaced: namespaced, FieldPath("rules")[index])
        }
        guard let aggregation = object["aggregationRule"], !namespaced else { return }
        let selectors = aggregation["clusterRoleSelectors"]?.array ?? []
        let path = FieldPath("aggregationRule")["clusterRoleSelectors"]
        if selectors.isEmpty {
            add(.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil"))
        }
        for (index, selector) in selectors.enumerated() { labelSelector(selector, path[index]) }
    }

    private mutating func policyRule(_ rule: JSONValue, namespaced: Bool, _ path: FieldPath) {
        if rule["verbs"]?.isPresent != true { add(.required(path["verbs"], "verbs must contain at least one value")) }
        let groups = rule["apiGroups"]?.isPresent == true
        let resources = rule["resources"]?.isPresent == true
        if rule["nonResourceURLs"]?.isPresent == true {
            if namespaced {
                add(
                    .invalid(
                        path["nonResourceURLs"], json: rule["nonResourceURLs"],
                        "namespaced rules cannot apply to non-resource URLs"))
            }
            if groups || resources || rule["resourceNames"]?.isPresent == true {
                add(
                    .invalid(
                        path["nonResourceURLs"], json: rule["nonResourceURLs"],
                        "rules cannot apply to both regular resources and non-resource URLs"))
            }
            return
        }
        if !groups { add(.required(path["apiGroups"], "resource rules must supply at least one api group")) }
        if !resources { add(.required(path["resources"], "resource rules must supply at least one resource")) }
    }

    mutating func roleBinding(_ object: JSONValue, namespaced: Bool) {
        let path = FieldPath("roleRef")
        let reference = object["roleRef"] ?? [:]
        choice(.string(reference["apiGroup"]?.string ?? ""), [Self.rbacGroup], path["apiGroup"])
        choice(
            .string(reference["kind"]?.string ?? ""), namespaced ? ["Role", "ClusterRole"] : ["ClusterRole"],
            path["kind"])
        if let name = required(reference["name"], path["name"]) { check(Names.pathSegment(name), path["name"], name) }
        for (index, subject) in (object["subjects"]?.array ?? []).enumerated() {
            self.subject(subject, namespaced: namespaced, FieldPath("subjects")[index])
        }
        if let old, !Self.same(reference, old["roleRef"]) {
            add(.invalid(path, json: reference, "cannot change roleRef"))
        }
    }

    private mutating func subject(_ subject: JSONValue, namespaced: Bool, _ path: FieldPath) {
        let name = required(subject["name"], path["name"])
        let group = subject["apiGroup"]?.string ?? ""
        switch subject["kind"]?.string ?? "" {
        case "ServiceAccount":
            if let name { check(Names.dnsSubdomain(name), path["name"], name) }
            if !group.isEmpty { add(.notSupported(path["apiGroup"], group, [""])) }
            if !namespaced { required(subject["namespace"], path["namespace"]) }
        case "User", "Group":
            if group != Self.rbacGroup { add(.notSupported(path["apiGroup"], group, [Self.rbacGroup])) }
        case let kind: add(.notSupported(path["kind"], kind, ["ServiceAccount", "User", "Group"]))
        }
    }

    // MARK: Reviews and tokens

    /// `SubjectAccessReview` and its namespaced form.
    mutating func subjectAccessReview(_ object: JSONValue, namespaced: Bool = false) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        accessAttributes(object)
        if spec["user"]?.isPresent != true, spec["groups"]?.isPresent != true {
            add(
                .invalid(
                    path["user"], spec["user"]?.string ?? "", "at least one of user or group must be specified"))
        }
        bareMetadata(object, exceptNamespace: namespaced)
        guard namespaced else { return }
        if let attributes = spec["resourceAttributes"]?.object {
            let namespace = attributes["namespace"]?.string ?? ""
            if namespace != object["metadata"]?["namespace"]?.string ?? "" {
                add(
                    .invalid(
                        path["resourceAttributes"]["namespace"], namespace, "must match metadata.namespace"))
            }
        }
        if let attributes = spec["nonResourceAttributes"], attributes.object != nil {
            add(.invalid(path["nonResourceAttributes"], json: attributes, "disallowed on this kind of request"))
        }
    }

    mutating func selfSubjectAccessReview(_ object: JSONValue) {
        accessAttributes(object)
        bareMetadata(object, exceptNamespace: false)
    }

    private mutating func bareMetadata(_ object: JSONValue, exceptNamespace: Bool) {
        let ignored = exceptNamespace ? ["managedFields", "namespace"] : ["managedFields"]
        let given = (object["metadata"]?.object ?? [:]).contains { $0.value.isPresent && !ignored.contains($0.key) }
        guard given else { return }
        let words = exceptNamespace ? "must be empty except for namespace" : "must be empty"
        add(.invalid(FieldPath("metadata"), json: object["metadata"], words))
    }

    private mutating func accessAttributes(_ object: JSONValue) {
        let path = FieldPath("spec")
        let resource = object["spec"]?["resourceAttributes"]
        let other = object["spec"]?["nonResourceAttributes"]
        switch (resource?.object, other?.object) {
        case (.some, .some):
            add(
                .invalid(
                    path["nonResourceAttributes"], json: other,
                    "cannot be specified in combination with resourceAttributes"))
        case (nil, nil):
            add(
                .invalid(
                    path["resourceAttributes"], json: .null,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified"))
        default: break
        }
        for field in ["fieldSelector", "labelSelector"] {
            if let selector = resource?[field], selector.object != nil {
                selectorAttributes(selector, path["resourceAttributes"][field])
            }
        }
    }

    /// A selector comes as text or as requirements. Operators that are not known here are for the authorizer to leave out.
    private mutating func selectorAttributes(_ selector: JSONValue, _ path: FieldPath) {
        let raw = selector["rawSelector"]
        let requirements = selector["requirements"]?.array ?? []
        if raw?.isPresent == true, !requirements.isEmpty {
            add(.invalid(path["rawSelector"], json: raw, "may not specified at the same time as requirements"))
        }
        if raw?.isPresent != true, requirements.isEmpty {
            add(
                .required(
                    path["requirements"], "when \(path) is specified, requirements or rawSelector is required"))
        }
        for (index, requirement) in requirements.enumerated() {
            let place = path["requirements"][index]
            required(requirement["key"], place["key"])
            let hasValues = requirement["values"]?.isPresent == true
            switch requirement["operator"]?.string ?? "" {
            case "In", "NotIn":
                if !hasValues {
                    add(.required(place["values"], "must be specified when `operator` is 'In' or 'NotIn'"))
                }
            case "Exists", "DoesNotExist":
                if hasValues {
                    add(
                        .forbidden(
                            place["values"], "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
                }
            default: break
            }
        }
    }

    mutating func tokenRequest(_ object: JSONValue) {
        let path = FieldPath("spec")["expirationSeconds"]
        guard let seconds = object["spec"]?["expirationSeconds"]?.integer else { return }
        if seconds < 600 { add(.invalid(path, seconds, "may not specify a duration less than 10 minutes")) }
        if seconds > 1 << 32 { add(.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")) }
    }

    mutating func certificateSigningRequest(_ object: JSONValue) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        required(spec["request"], path["request"])
        signerName(spec["signerName"], path["signerName"])
        if let seconds = spec["expirationSeconds"]?.integer, seconds < 600 {
            add(
                .invalid(
                    path["expirationSeconds"], seconds, "may not specify a duration less than 600 seconds (10 minutes)")
            )
        }
        let usages = spec["usages"]?.array ?? []
        if usages.isEmpty { add(.required(path["usages"], "usages is required")) }
        var seen: Set<JSONValue> = []
        for (index, usage) in usages.enumerated() {
            choice(usage, Self.certificateUsages, path["usages"][index])
            if !seen.insert(usage).inserted { add(.duplicate(path["usages"][index], json: usage)) }
        }
        if let old { unchanged(spec, old["spec"], path) }
    }

    private static let certificateUsages = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime",
        "server auth", "signing", "timestamping",
    ]

    /// `domain/name`: rights on signers are given by the whole of it, or by the domain.
    private mutating func signerName(_ value: JSONValue?, _ path: FieldPath) {
        guard let name = required(value, path) else { return }
        if name == "kubernetes.io/legacy-unknown" {
            add(.invalid(path, name, "the legacy signerName is not allowed via this API version"))
            return
        }
        let parts = name.steps(keepingEmpty: true)
        guard parts.count == 2 else {
            add(
                .invalid(
                    path, name,
                    "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
            return
        }
        let domain = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for (labels, whole, check) in [
            (domain, parts[0], Names.dnsLabel),
            (
                parts[1].split(separator: ".", omittingEmptySubsequences: false).map(String.init), parts[1],
                Names.dnsSubdomain
            ),
        ] as [([String], String, (String) -> [String])] {
            if let wrong = labels.first(where: { !check($0).isEmpty }) {
                for complaint in check(wrong) {
                    add(.invalid(path, whole, "validating label \"\(wrong)\": \(complaint)"))
                }
            }
        }
        if domain.count < 2 {
            add(.invalid(path, parts[0], "should be a domain with at least two segments separated by dots"))
        }
        if parts[0].utf8.count > 253 || name.utf8.count > 253 + 1 + 253 + 1 + 63 {
            add(.invalid(path, name, "must be no more than 571 bytes, and its domain no more than 253"))
        }
    }
}
