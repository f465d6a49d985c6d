// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    mutating func pod(_ pod: JSONValue) {
        if let old {
            podUpdate(pod, old)
            return
        }
        let (spec, path) = (pod["spec"] ?? [:], FieldPath("spec"))
        podSpec(spec, path)
        schedulingSize(spec, path)
        // They come by a subresource of their own, which not everybody who makes pods may use.
        if spec["ephemeralContainers"]?.isPresent == true {
            add(.forbidden(path["ephemeralContainers"], "cannot be set on create"))
        }
        if spec["nodeName"]?.isPresent == true, spec["schedulingGates"]?.isPresent == true {
            add(.forbidden(path["nodeName"], "cannot be set until all schedulingGates have been cleared"))
        }
    }

    /// A pod template: its metadata and spec, without ephemeral containers.
    mutating func podTemplate(_ template: JSONValue?, _ path: FieldPath) {
        let template = template ?? [:]
        labels(template["metadata"]?["labels"], path["metadata"]["labels"])
        annotations(template["metadata"]?["annotations"], path["metadata"]["annotations"])
        let spec = template["spec"] ?? [:]
        podSpec(spec, path["spec"])
        schedulingSize(spec, path["spec"])
        if spec["ephemeralContainers"]?.isPresent == true {
            add(.forbidden(path["spec"]["ephemeralContainers"], "ephemeral containers not allowed in pod template"))
        }
    }

    mutating func podSpec(_ spec: JSONValue, _ path: FieldPath) {
        let volumes = volumeNames(spec["volumes"]?.array ?? [], path["volumes"])
        let hostNetwork = spec["hostNetwork"]?.bool ?? false
        var context = ContainerContext(
            volumes: volumes, hostNetwork: hostNetwork, hostUsers: spec["hostUsers"]?.bool ?? true)
        containers(spec, path, &context)
        choice(spec["restartPolicy"], ["Always", "OnFailure", "Never"], path["restartPolicy"], required: true)
        choice(
            spec["dnsPolicy"], ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"], path["dnsPolicy"],
            required: true)
        dnsConfig(spec, path["dnsConfig"])
        nonNegative(spec["terminationGracePeriodSeconds"], path["terminationGracePeriodSeconds"])
        range(spec["activeDeadlineSeconds"], 1, 2_147_483_647, path["activeDeadlineSeconds"])
        names(of: spec, path)
        labels(spec["nodeSelector"], path["nodeSelector"])
        podSecurityContext(spec["securityContext"], path["securityContext"], hostNetwork: hostNetwork)
        for (index, reference) in (spec["imagePullSecrets"]?.array ?? []).enumerated()
        where reference.object?.contains(where: { $0.key != "name" }) ?? false {
            add(.invalid(path["imagePullSecrets"][index], json: reference, "only name may be set"))
        }
        affinity(spec["affinity"], path["affinity"])
        tolerations(spec["tolerations"]?.array ?? [], path["tolerations"])
        hostAliases(spec["hostAliases"]?.array ?? [], path["hostAliases"])
        topologySpread(spec["topologySpreadConstraints"]?.array ?? [], path["topologySpreadConstraints"])
        choice(spec["preemptionPolicy"], ["Never", "PreemptLowerPriority"], path["preemptionPolicy"])
        var gates: Set<String> = []
        for (index, gate) in (spec["schedulingGates"]?.array ?? []).enumerated() {
            let name = gate["name"]?.string ?? ""
            check(Names.qualifiedName(name), path["schedulingGates"][index], name)
            if !gates.insert(name).inserted { add(.duplicate(path["schedulingGates"][index], name)) }
        }
        for (index, gate) in (spec["readinessGates"]?.array ?? []).enumerated() {
            let name = gate["conditionType"]?.string ?? ""
            check(Names.qualifiedName(name), path["readinessGates"][index]["conditionType"], name)
        }
        if let overhead = spec["overhead"] { resourceList(overhead, path["overhead"]) }
        podResources(spec, path["resources"])
    }

    private mutating func names(of spec: JSONValue, _ path: FieldPath) {
        func name(_ field: String) -> String? {
            spec[field]?.string.flatMap { $0.isEmpty ? nil : $0 }
        }
        if let text = name("serviceAccountName") { check(Names.dnsSubdomain(text), path["serviceAccountName"], text) }
        if let text = name("nodeName") { check(Names.dnsSubdomain(text), path["nodeName"], text) }
        if let text = name("hostname") { check(Names.dnsLabel(text), path["hostname"], text) }
        if let text = name("subdomain") { check(Names.dnsLabel(text), path["subdomain"], text) }
        if let text = name("priorityClassName") { check(Names.dnsSubdomain(text), path["priorityClassName"], text) }
        if let text = name("runtimeClassName") { check(Names.dnsSubdomain(text), path["runtimeClassName"], text) }
    }

    private mutating func dnsConfig(_ spec: JSONValue, _ path: FieldPath) {
        let config = spec["dnsConfig"]
        let servers = config?["nameservers"]?.array ?? []
        if spec["dnsPolicy"]?.string == "None" {
            guard config != nil else {
                add(.required(path, "must provide `dnsConfig` when `dnsPolicy` is None"))
                return
            }
            if servers.isEmpty {
                add(
                    .required(
                        path["nameservers"], "must provide at least one DNS nameserver when `dnsPolicy` is None"))
                return
            }
        }
        guard let config else { return }
        if servers.count > 3 {
            add(.invalid(path["nameservers"], json: .array(servers), "must not have more than 3 nameservers"))
        }
        for (index, server) in servers.enumerated() { address(server.string ?? "", path["nameservers"][index]) }
        let searches = config["searches"]?.array ?? []
        if searches.count > 32 {
            add(.invalid(path["searches"], json: .array(searches), "must not have more than 32 search paths"))
        }
        if searches.reduce(searches.count - 1, { $0 + ($1.string?.utf8.count ?? 0) }) > 2048 {
            add(
                .invalid(
                    path["searches"], json: .array(searches),
                    "must not have more than 2048 characters (including spaces) in the search list"))
        }
        for (index, search) in searches.enumerated() {
            let text = search.string ?? ""
            if text == "." { continue }
            let trimmed = text.hasSuffix(".") ? String(text.dropLast()) : text
            check(Names.dnsSubdomainWithUnderscore(trimmed), path["searches"][index], trimmed)
        }
        for (index, option) in (config["options"]?.array ?? []).enumerated() {
            required(option["name"], path["options"][index], "must not be empty")
        }
    }

    private mutating func hostAliases(_ aliases: [JSONValue], _ path: FieldPath) {
        for (index, alias) in aliases.enumerated() {
            address(alias["ip"]?.string ?? "", path[index]["ip"])
            for (position, name) in (alias["hostnames"]?.array ?? []).enumerated() {
                check(Names.dnsSubdomain(name.string ?? ""), path[index]["hostnames"][position], name.string ?? "")
            }
        }
    }

    private mutating func topologySpread(_ constraints: [JSONValue], _ path: FieldPath) {
        var seen: Set<String> = []
        for (index, constraint) in constraints.enumerated() {
            let place = path[index]
            let pair = "{\(constraint["topologyKey"]?.string ?? ""), \(constraint["whenUnsatisfiable"]?.string ?? "")}"
            if !seen.insert(pair).inserted { add(.duplicate(place["{topologyKey, whenUnsatisfiable}"], pair)) }
            positive(constraint["maxSkew"] ?? 0, place["maxSkew"])
            if let key = required(constraint["topologyKey"], place["topologyKey"], "can not be empty") {
                check(Names.qualifiedName(key), place["topologyKey"], key)
            }
            choice(
                constraint["whenUnsatisfiable"], ["DoNotSchedule", "ScheduleAnyway"], place["whenUnsatisfiable"],
                required: true)
            positive(constraint["minDomains"], place["minDomains"])
            choice(constraint["nodeAffinityPolicy"], ["Honor", "Ignore"], place["nodeAffinityPolicy"])
            choice(constraint["nodeTaintsPolicy"], ["Honor", "Ignore"], place["nodeTaintsPolicy"])
            labelSelector(constraint["labelSelector"], place["labelSelector"])
        }
    }

    // MARK: Update

    static let updatablePodFields =
        "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` "
        + "(only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if "
        + "it was previously negative)"

    private mutating func podUpdate(_ pod: JSONValue, _ old: JSONValue) {
        let path = FieldPath("spec")
        let before = old["spec"] ?? [:]
        guard var after = pod["spec"], after != before else { return }
        for list in ["containers", "initContainers"] {
            let now = after[list]?.array ?? []
            let then = before[list]?.array ?? []
            if now.count != then.count {
                add(.forbidden(path[list], "pod updates may not add or remove containers"))
                return
            }
            for (index, container) in now.enumerated() {
                required(container["image"], path[list][index]["image"])
                after[list]?[index]?["image"] = then[index]["image"]
            }
        }
        deadlineUpdate(after["activeDeadlineSeconds"], before["activeDeadlineSeconds"], path)
        after["activeDeadlineSeconds"] = before["activeDeadlineSeconds"]
        if before["terminationGracePeriodSeconds"]?.integer ?? 0 < 0, after["terminationGracePeriodSeconds"] == 1 {
            after["terminationGracePeriodSeconds"] = before["terminationGracePeriodSeconds"]
        }
        tolerationUpdate(after["tolerations"]?.array ?? [], before["tolerations"]?.array ?? [], path["tolerations"])
        after["tolerations"] = before["tolerations"]
        gateUpdate(&after, before, path)
        if !Self.same(after, before) {
            add(
                .forbidden(
                    path,
                    "pod updates may not change fields other than \(Self.updatablePodFields)\n"
                        + Self.difference(before, after)))
        }
    }

    private mutating func deadlineUpdate(_ new: JSONValue?, _ before: JSONValue?, _ path: FieldPath) {
        let place = path["activeDeadlineSeconds"]
        guard let now = new?.integer else {
            if before != nil { add(.invalid(place, json: nil, "must not update from a positive integer to nil value")) }
            return
        }
        range(new, 0, 2_147_483_647, place)
        if let then = before?.integer, then < now {
            add(.invalid(place, now, "must be less than or equal to previous value"))
        }
    }

    private mutating func tolerationUpdate(_ new: [JSONValue], _ before: [JSONValue], _ path: FieldPath) {
        func withoutSeconds(_ toleration: JSONValue) -> JSONValue {
            var copy = toleration
            copy["tolerationSeconds"] = nil
            return copy
        }
        let now = Set(new.map(withoutSeconds))
        let kept = before.allSatisfy { now.contains(withoutSeconds($0)) }
        if !kept { add(.forbidden(path, "existing toleration can not be modified except its tolerationSeconds")) }
        tolerations(new, path)
    }

    private mutating func gateUpdate(_ after: inout JSONValue, _ before: JSONValue, _ path: FieldPath) {
        let known = Set((before["schedulingGates"]?.array ?? []).compactMap { $0["name"]?.string })
        for (index, gate) in (after["schedulingGates"]?.array ?? []).enumerated() {
            let name = gate["name"]?.string ?? ""
            if !known.contains(name) {
                add(
                    .forbidden(
                        path["schedulingGates"][index]["name"],
                        "only deletion is allowed, but found new scheduling gate '\(name)'"))
            }
        }
        // A gated pod may still be steered: its node selector may grow and its node affinity be set.
        if !known.isEmpty {
            let selector = before["nodeSelector"]?.object ?? [:]
            if selector.allSatisfy({ after["nodeSelector"]?[$0.key] == $0.value }) {
                after["nodeSelector"] = before["nodeSelector"]
            }
            if before["affinity"]?["nodeAffinity"] == nil { after["affinity"] = before["affinity"] }
        }
        after["schedulingGates"] = before["schedulingGates"]
    }

    /// The fields that differ, one a line: enough for a person to see what was refused.
    static func difference(_ before: JSONValue, _ after: JSONValue) -> String {
        var lines: [String] = []
        let old = before.object ?? [:]
        let new = after.object ?? [:]
        for key in Set(old.keys + new.keys).sorted() where !same(old[key], new[key]) {
            if let value = old[key] { lines.append("- \(key): \(value)") }
            if let value = new[key] { lines.append("+ \(key): \(value)") }
        }
        return lines.joined(separator: "\n")
    }
}
