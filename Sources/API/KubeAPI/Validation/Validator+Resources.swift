// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Text

extension Validator {
    static let containerResources: Set<String> = ["cpu", "memory", "ephemeral-storage"]

    mutating func resources(_ resources: JSONValue?, _ path: FieldPath) {
        guard let resources else { return }
        amounts(resources, path) { (validator, name, place) in
            if !name.hasSlash {
                if !Self.containerResources.contains(name), !name.hasPrefix("hugepages-") {
                    validator.add(.invalid(place, name, "must be a standard resource for containers"))
                }
            } else if !Self.isNative(name), !Self.isExtended(name) {
                validator.add(.invalid(place, name, "doesn't follow extended resource name standard"))
            }
        }
    }

    /// What a pod asks for as a whole: amounts as a container's, of fewer resources, and no less than its parts ask for.
    mutating func podResources(_ spec: JSONValue, _ path: FieldPath) {
        guard let resources = spec["resources"], resources.object != nil else { return }
        guard spec["os"]?["name"] != "windows" else {
            add(.forbidden(path, "may not be set for a windows pod"))
            return
        }
        if resources["claims"]?.isPresent == true {
            add(.forbidden(path["claims"], "claims may not be set for Resources at pod-level"))
        }
        let said = amounts(resources, path) { (validator, name, place) in
            if !QuotaUsage.isSaidAtOnce(name) {
                validator.add(.notSupported(place, name, ["cpu", "hugepages-", "memory"]))
            }
        }
        let parts: JSONObject = ["spec": spec]
        for (name, sum) in QuotaUsage.partsTotal(parts, "requests").sorted(by: { $0.key < $1.key }) {
            guard let whole = said.requests[name], sum > whole else { continue }
            let rule = "must be greater than or equal to aggregate container requests of \(sum)"
            add(.invalid(path["requests"].key(name), whole.description, rule))
        }
        for (name, sum) in QuotaUsage.partsTotal(parts, "limits").sorted(by: { $0.key < $1.key })
        where name.hasPrefix("hugepages-") {
            guard let whole = said.limits[name], sum > whole else { continue }
            let rule = "must be greater than or equal to aggregate container limits of \(sum)"
            add(.invalid(path["limits"].key(name), whole.description, rule))
        }
        for (index, container) in (spec["containers"]?.array ?? []).enumerated() {
            let own = QuotaUsage.quantities(container["resources"]?["limits"]?.object ?? [:])
            for (name, limit) in own.sorted(by: { $0.key < $1.key }) {
                guard let whole = said.limits[name], limit > whole else { continue }
                add(
                    .invalid(
                        path["containers"][index].key(name)["limits"], limit.description,
                        "must be less than or equal to pod limits of \(whole)"))
            }
        }
    }

    /// Requests and limits of one thing that runs; `known` complains of resources that it cannot ask for.
    @discardableResult
    private mutating func amounts(
        _ resources: JSONValue, _ path: FieldPath, known: (inout Validator, String, FieldPath) -> Void
    ) -> (requests: [String: Quantity], limits: [String: Quantity]) {
        let limits = quantities(resources["limits"], path["limits"], known)
        let requests = quantities(resources["requests"], path["requests"], known)
        for (name, request) in requests {
            let overcommits = !name.hasPrefix("hugepages-") && !Self.isExtended(name)
            guard let limit = limits[name] else {
                if !overcommits {
                    add(.required(path["limits"], "Limit must be set for non overcommitable resources"))
                }
                continue
            }
            if !overcommits, request != limit {
                add(.invalid(path["requests"], request.description, "must be equal to \(name) limit of \(limit)"))
            } else if request > limit {
                add(
                    .invalid(
                        path["requests"], request.description, "must be less than or equal to \(name) limit of \(limit)"
                    ))
            }
        }
        let all = Set(limits.keys).union(requests.keys)
        if all.contains(where: { $0.hasPrefix("hugepages-") }), !all.contains("cpu"), !all.contains("memory") {
            add(.forbidden(path, "HugePages require cpu or memory"))
        }
        return (requests, limits)
    }

    private mutating func quantities(
        _ list: JSONValue?, _ path: FieldPath, _ known: (inout Validator, String, FieldPath) -> Void
    ) -> [String: Quantity] {
        var result: [String: Quantity] = [:]
        for (name, value) in list?.object ?? [:] {
            let place = path.key(name)
            check(Names.qualifiedName(name), place, name)
            known(&self, name, place)
            if let amount = quantityOfResource(name, value, place) { result[name] = amount }
        }
        return result
    }

    /// A resource amount: not negative, and whole where the resource has no fractions.
    @discardableResult
    mutating func quantityOfResource(_ name: String, _ value: JSONValue, _ path: FieldPath) -> Quantity? {
        guard let amount = quantity(value, path) else { return nil }
        if amount.isNegative { add(.invalid(path, amount.description, Self.negative)) }
        if Self.isExtended(name) || Self.countedResources.contains(name) || name.hasPrefix("count/"), !amount.isInteger
        {
            add(.invalid(path, json: .string(amount.description), "must be an integer"))
        }
        return amount
    }

    static let countedResources: Set<String> = [
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    ]

    static func isNative(_ name: String) -> Bool { !name.hasSlash || name.contains("kubernetes.io/") }

    static func isExtended(_ name: String) -> Bool {
        !isNative(name) && !name.hasPrefix("requests.") && Names.qualifiedName("requests." + name).isEmpty
    }

    mutating func resourceList(_ list: JSONValue?, _ path: FieldPath) {
        for (name, value) in list?.object ?? [:] {
            check(Names.qualifiedName(name), path.key(name), name)
            quantityOfResource(name, value, path.key(name))
        }
    }

    // MARK: Security

    mutating func securityContext(_ context: JSONValue?, _ path: FieldPath, hostUsers: Bool) {
        guard let context else { return }
        range(context["runAsUser"], 0, 2_147_483_647, path["runAsUser"])
        range(context["runAsGroup"], 0, 2_147_483_647, path["runAsGroup"])
        choice(context["procMount"], ["Default", "Unmasked"], path["procMount"])
        if hostUsers, context["procMount"] == "Unmasked" {
            add(.invalid(path["procMount"], "Unmasked", "`hostUsers` must be false to use `Unmasked`"))
        }
        profile(context["seccompProfile"], path["seccompProfile"], "seccomp")
        profile(context["appArmorProfile"], path["appArmorProfile"], "AppArmor")
        guard context["allowPrivilegeEscalation"] == false else { return }
        if context["privileged"] == true {
            add(
                .invalid(
                    path, json: context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"))
        }
        if context["capabilities"]?["add"]?.array?.contains("CAP_SYS_ADMIN") ?? false {
            add(
                .invalid(
                    path, json: context,
                    "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"))
        }
    }

    mutating func podSecurityContext(_ context: JSONValue?, _ path: FieldPath, hostNetwork: Bool) {
        guard let context else { return }
        for field in ["fsGroup", "runAsUser", "runAsGroup"] { range(context[field], 0, 2_147_483_647, path[field]) }
        for (index, group) in (context["supplementalGroups"]?.array ?? []).enumerated() {
            range(group, 0, 2_147_483_647, path["supplementalGroups"][index])
        }
        choice(context["fsGroupChangePolicy"], ["Always", "OnRootMismatch"], path["fsGroupChangePolicy"])
        choice(context["supplementalGroupsPolicy"], ["Merge", "Strict"], path["supplementalGroupsPolicy"])
        profile(context["seccompProfile"], path["seccompProfile"], "seccomp")
        profile(context["appArmorProfile"], path["appArmorProfile"], "AppArmor")
        sysctls(context["sysctls"]?.array ?? [], path["sysctls"], hostNetwork: hostNetwork)
    }

    private mutating func profile(_ profile: JSONValue?, _ path: FieldPath, _ what: String) {
        guard let profile else { return }
        guard
            let type = required(
                profile["type"], path["type"],
                "type is required when \(what == "seccomp" ? "seccompProfile" : "appArmorProfile") is set")
        else { return }
        if !["Localhost", "RuntimeDefault", "Unconfined"].contains(type) {
            add(.notSupported(path["type"], type, ["Localhost", "RuntimeDefault", "Unconfined"]))
            return
        }
        let local = profile["localhostProfile"]
        if type == "Localhost" {
            if let text = required(local, path["localhostProfile"], "must be set when \(what) type is Localhost"),
                what == "seccomp"
            {
                relativePath(text, path["localhostProfile"])
            }
        } else if local != nil {
            add(.invalid(path["localhostProfile"], json: local, "can only be set when \(what) type is Localhost"))
        }
    }

    static let sysctlPattern = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

    private mutating func sysctls(_ sysctls: [JSONValue], _ path: FieldPath, hostNetwork: Bool) {
        var names: Set<String> = []
        for (index, sysctl) in sysctls.enumerated() {
            let place = path[index]["name"]
            guard let name = required(sysctl["name"], place) else { continue }
            if name.utf8.count > 253 || !Self.isSysctl(name) {
                add(.invalid(place, name, "must have at most 253 characters and match regex \(Self.sysctlPattern)"))
            } else if !names.insert(name).inserted {
                add(.duplicate(place, name))
            }
            if hostNetwork, name.hasPrefix("net.") || name.hasPrefix("net/") {
                add(.invalid(place, name, "may not be specified when 'hostNetwork' is true"))
            }
        }
    }

    private static func isSysctl(_ name: String) -> Bool {
        name.utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
            .allSatisfy { part in
                guard let first = part.first, let last = part.last else { return false }
                return Names.isLowerAlphanumeric(first) && Names.isLowerAlphanumeric(last)
                    && part.allSatisfy {
                        Names.isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                    }
            }
    }
}
