// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Text

extension Validator {
    static let maximumSecretBytes = 1024 * 1024

    // MARK: ConfigMap, Secret

    mutating func configMap(_ object: JSONValue) {
        var size = 0
        let binary = object["binaryData"]?.object ?? [:]
        for (key, value) in object["data"]?.object ?? [:] {
            check(Names.configMapKey(key), FieldPath("data").key(key), key)
            if binary[key] != nil {
                add(.invalid(FieldPath("data").key(key), key, "duplicate of key present in binaryData"))
            }
            size += value.string?.utf8.count ?? 0
        }
        for (key, value) in binary {
            check(Names.configMapKey(key), FieldPath("binaryData").key(key), key)
            size += Self.decodedLength(value.string ?? "")
        }
        if size > Self.maximumSecretBytes { add(.tooLong(FieldPath(""), limit: Self.maximumSecretBytes)) }
        frozen(object, ["data", "binaryData"])
    }

    /// An object marked immutable keeps its data and its mark.
    private mutating func frozen(_ object: JSONValue, _ fields: [String]) {
        guard let old, old["immutable"] == true else { return }
        if object["immutable"] != true {
            add(.forbidden(FieldPath("immutable"), "field is immutable when `immutable` is set"))
        }
        for field in fields where !Self.same(object[field], old[field]) {
            add(.forbidden(FieldPath(field), "field is immutable when `immutable` is set"))
        }
    }

    /// How many bytes a base64 text stands for.
    static func decodedLength(_ text: String) -> Int {
        let padding = text.utf8.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return text.utf8.count / 4 * 3 - padding
    }

    mutating func secret(_ object: JSONValue) {
        let path = FieldPath("data")
        let data = object["data"]?.object ?? [:]
        var size = 0
        for (key, value) in data {
            check(Names.configMapKey(key), path.key(key), key)
            size += Self.decodedLength(value.string ?? "")
        }
        if size > Self.maximumSecretBytes { add(.tooLong(path, limit: Self.maximumSecretBytes)) }
        func missing(_ keys: String...) -> [String] { keys.filter { data[$0] == nil } }
        switch object["type"]?.string ?? "" {
        case "kubernetes.io/service-account-token":
            let name = "kubernetes.io/service-account.name"
            required(
                object["metadata"]?["annotations"]?[name], FieldPath("metadata")["annotations"].key(name))
        case "kubernetes.io/dockercfg":
            for key in missing(".dockercfg") { add(.required(path.key(key))) }
        case "kubernetes.io/dockerconfigjson":
            for key in missing(".dockerconfigjson") { add(.required(path.key(key))) }
        case "kubernetes.io/basic-auth":
            if missing("username", "password").count == 2 {
                add(.required(path.key("username")))
                add(.required(path.key("password")))
            }
        case "kubernetes.io/ssh-auth":
            for key in missing("ssh-privatekey") { add(.required(path.key(key))) }
        case "kubernetes.io/tls":
            for key in missing("tls.crt", "tls.key") { add(.required(path.key(key))) }
        default: break
        }
        if let old {
            unchanged(object["type"], old["type"], FieldPath("type"))
            frozen(object, ["data"])
        }
    }

    // MARK: Node

    mutating func node(_ object: JSONValue) {
        nodeStatus(object)
        let path = FieldPath("spec")
        var seen: Set<String> = []
        for (index, taint) in (object["spec"]?["taints"]?.array ?? []).enumerated() {
            let place = path["taints"][index]
            let key = taint["key"]?.string ?? ""
            check(Names.qualifiedName(key), place["key"], key)
            let value = taint["value"]?.string ?? ""
            let complaints = Names.labelValue(value)
            if !complaints.isEmpty { add(.invalid(place["value"], value, complaints.joined(separator: ";"))) }
            choice(taint["effect"], Self.taintEffects, place["effect"], required: true)
            if !seen.insert("\(key) \(taint["effect"]?.string ?? "")").inserted {
                add(.duplicate(place, json: taint))
            }
        }
        let ranges = object["spec"]?["podCIDRs"]?.array ?? []
        for (index, range) in ranges.enumerated() { addressRange(range.string ?? "", path["podCIDRs"][index]) }
        if ranges.count > 2 {
            add(
                .invalid(
                    path["podCIDRs"], json: .array(ranges), "may specify no more than one CIDR for each IP family"))
        }
        guard let before = old?["spec"] else { return }
        if before["podCIDRs"]?.isPresent == true, !Self.same(object["spec"]?["podCIDRs"], before["podCIDRs"]) {
            add(.forbidden(path["podCIDRs"], "node updates may not change podCIDR except from \"\" to valid"))
        }
        if before["providerID"]?.isPresent == true, object["spec"]?["providerID"] != before["providerID"] {
            add(.forbidden(path["providerID"], "node updates may not change providerID except from \"\" to valid"))
        }
        if object["spec"]?["externalID"] != before["externalID"] {
            add(.forbidden(path["externalID"], "may not be updated"))
        }
    }

    mutating func binding(_ object: JSONValue) {
        let path = FieldPath("target")
        let kind = object["target"]?["kind"]?.string ?? ""
        if !kind.isEmpty, kind != "Node" { add(.notSupported(path["kind"], kind, ["Node", "<empty>"])) }
        required(object["target"]?["name"], path["name"])
    }

    // MARK: Quotas and limits

    mutating func resourceQuota(_ object: JSONValue) {
        let path = FieldPath("spec")["hard"]
        for (name, value) in object["spec"]?["hard"]?.object ?? [:] {
            check(Names.qualifiedName(name), path.key(name), name)
            if !name.hasSlash, !Self.quotaResources.contains(name) {
                add(.invalid(path.key(name), name, "must be a standard resource for quota"))
            }
            quantityOfResource(name, value, path.key(name))
        }
        let scopes = object["spec"]?["scopes"]?.array ?? []
        let known = [
            "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
            "CrossNamespacePodAffinity", "VolumeAttributesClass",
        ]
        let place = FieldPath("spec")["scopes"]
        for scope in scopes where !known.contains(scope.string ?? "") {
            add(.invalid(place, json: .array(scopes), "unsupported scope"))
        }
        for pair in [["Terminating", "NotTerminating"], ["BestEffort", "NotBestEffort"]]
        where pair.allSatisfy({ scopes.contains(.string($0)) }) {
            add(.invalid(place, json: .array(scopes), "conflicting scopes"))
        }
        if let old { unchanged(object["spec"]?["scopes"], old["spec"]?["scopes"], place) }
    }

    static let quotaResources: Set<String> = [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "pods",
        "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers",
    ]

    mutating func limitRange(_ object: JSONValue) {
        var types: Set<String> = []
        for (index, limit) in (object["spec"]?["limits"]?.array ?? []).enumerated() {
            let path = FieldPath("spec")["limits"][index]
            let type = limit["type"]?.string ?? ""
            check(Names.qualifiedName(type), path["type"], type)
            if !types.insert(type).inserted { add(.duplicate(path["type"], type)) }
            if type == "Pod" {
                for field in ["default", "defaultRequest"] where limit[field]?.isPresent == true {
                    add(.forbidden(path[field], "may not be specified when `type` is 'Pod'"))
                }
            }
            var amounts: [String: [String: Quantity]] = [:]
            for field in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
                for (name, value) in limit[field]?.object ?? [:] {
                    amounts[name, default: [:]][field] = quantityOfResource(name, value, path[field].key(name))
                }
            }
            for (name, values) in amounts { limitOrder(name, values, path) }
        }
    }

    private mutating func limitOrder(_ name: String, _ values: [String: Quantity], _ path: FieldPath) {
        func refuse(_ field: String, _ shown: Quantity, _ detail: String) {
            add(.invalid(path[field].key(name), shown.description, detail))
        }
        let (low, high) = (values["min"], values["max"])
        let (fallback, request) = (values["default"], values["defaultRequest"])
        if let low, let high, low > high { refuse("min", low, "min value \(low) is greater than max value \(high)") }
        if let low, let request, low > request {
            refuse("defaultRequest", request, "min value \(low) is greater than default request value \(request)")
        }
        if let high, let request, request > high {
            refuse("defaultRequest", request, "default request value \(request) is greater than max value \(high)")
        }
        if let fallback, let request, request > fallback {
            refuse(
                "defaultRequest", request,
                "default request value \(request) is greater than default limit value \(fallback)")
        }
        if let low, let fallback, low > fallback {
            refuse("default", low, "min value \(low) is greater than default value \(fallback)")
        }
        if let high, let fallback, fallback > high {
            refuse("default", high, "default value \(fallback) is greater than max value \(high)")
        }
        if let ratio = values["maxLimitRequestRatio"], ratio < 1 {
            refuse("maxLimitRequestRatio", ratio, "ratio \(ratio) is less than 1")
        }
    }
}
