// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Text

extension Validator {
    // MARK: Networking

    /// An IPAddress: what of the cluster its address belongs to.
    mutating func addressObject(_ object: JSONValue) {
        let path = FieldPath("spec")["parentRef"]
        guard let parent = object["spec"]?["parentRef"], parent.isPresent else { return add(.required(path)) }
        for field in ["resource", "name"] where (parent[field]?.string ?? "").isEmpty {
            add(.required(path[field]))
        }
        if let old, parent != old["spec"]?["parentRef"] {
            add(.invalid(path, json: parent, "field is immutable"))
        }
    }

    /// A ServiceCIDR: one range of each family.
    mutating func serviceRange(_ object: JSONValue) {
        let path = FieldPath("spec")["cidrs"]
        let ranges = (object["spec"]?["cidrs"]?.array ?? []).compactMap(\.string)
        if let old, object["spec"]?["cidrs"] != old["spec"]?["cidrs"] {
            return add(.invalid(path, json: object["spec"]?["cidrs"] ?? .null, "field is immutable"))
        }
        if ranges.isEmpty { add(.required(path, "at least one CIDR required")) }
        if ranges.count > 2 {
            add(.invalid(path, json: object["spec"]?["cidrs"] ?? .null, "may only hold up to 2 values"))
        }
        let sizes = ranges.compactMap { Addresses.parseRange($0)?.bytes.count }
        if Set(sizes).count != sizes.count {
            add(
                .invalid(
                    path, json: object["spec"]?["cidrs"] ?? .null,
                    "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"))
        }
        for (index, range) in ranges.enumerated() { addressRange(range, path[index]) }
    }

    mutating func ingress(_ object: JSONValue) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        if spec["rules"]?.isPresent != true, spec["defaultBackend"] == nil {
            add(
                .invalid(
                    path, json: spec["rules"] ?? .null, "either `defaultBackend` or `rules` must be specified"))
        }
        if let backend = spec["defaultBackend"] { ingressBackend(backend, path["defaultBackend"]) }
        if let name = spec["ingressClassName"]?.string {
            check(Names.dnsSubdomain(name), path["ingressClassName"], name)
        }
        for (index, tls) in (spec["tls"]?.array ?? []).enumerated() {
            for (position, host) in (tls["hosts"]?.array ?? []).enumerated() {
                ingressHost(host.string ?? "", path["tls"][index]["hosts"][position])
            }
        }
        for (index, rule) in (spec["rules"]?.array ?? []).enumerated() {
            let place = path["rules"][index]
            if let host = rule["host"]?.string, !host.isEmpty {
                if Addresses.parse(host) != nil {
                    add(.invalid(place["host"], host, "must be a DNS name, not an IP address"))
                }
                ingressHost(host, place["host"])
            }
            guard let http = rule["http"] else { continue }
            let paths = http["paths"]?.array ?? []
            if paths.isEmpty { add(.required(place["http"]["paths"])) }
            for (position, item) in paths.enumerated() { ingressPath(item, place["http"]["paths"][position]) }
        }
    }

    private mutating func ingressHost(_ host: String, _ path: FieldPath) {
        check(host.contains("*") ? Names.wildcardSubdomain(host) : Names.dnsSubdomain(host), path, host)
    }

    private mutating func ingressPath(_ item: JSONValue, _ path: FieldPath) {
        guard let type = item["pathType"]?.string else {
            add(.required(path["pathType"], "pathType must be specified"))
            return
        }
        let text = item["path"]?.string ?? ""
        switch type {
        case "Exact", "Prefix":
            if !text.hasExactPrefix("/") { add(.invalid(path["path"], text, "must be an absolute path")) }
            for bad in ["//", "/./", "/../", "%2f", "%2F"] where text.contains(bad) {
                add(.invalid(path["path"], text, "must not contain '\(bad)'"))
            }
            for bad in ["/..", "/."] where text.hasSuffix(bad) {
                add(.invalid(path["path"], text, "cannot end with '\(bad)'"))
            }
        case "ImplementationSpecific":
            if !text.isEmpty, !text.hasExactPrefix("/") {
                add(.invalid(path["path"], text, "must be an absolute path"))
            }
        default:
            add(.notSupported(path["pathType"], type, ["Exact", "ImplementationSpecific", "Prefix"]))
        }
        ingressBackend(item["backend"] ?? [:], path["backend"])
    }

    private mutating func ingressBackend(_ backend: JSONValue, _ path: FieldPath) {
        let service = backend["service"]
        if service != nil, backend["resource"] != nil {
            add(.invalid(path, "", "cannot set both resource and service backends"))
            return
        }
        guard let service else {
            if backend["resource"] == nil { add(.invalid(path, "", "resource or service backend is required")) }
            return
        }
        if let name = required(service["name"], path["service"]["name"]) {
            check(Names.dns1035Label(name), path["service"]["name"], name)
        }
        let name = service["port"]?["name"]?.string ?? ""
        let number = service["port"]?["number"]?.integer ?? 0
        if !name.isEmpty, number != 0 {
            add(.invalid(path, "", "cannot set both port name & port number"))
        } else if !name.isEmpty {
            check(Names.portName(name), path["service"]["port"]["name"], name)
        } else if number != 0 {
            range(.integer(number), 1, 65535, path["service"]["port"]["number"])
        } else {
            add(.required(path, "port name or number is required"))
        }
    }

    mutating func ingressClass(_ object: JSONValue) {
        let path = FieldPath("spec")["controller"]
        if let name = required(object["spec"]?["controller"], path), name.utf8.count > 250 {
            add(.tooLong(path, limit: 250))
        }
        if let old { unchanged(object["spec"]?["controller"], old["spec"]?["controller"], path) }
    }

    mutating func networkPolicy(_ object: JSONValue) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        labelSelector(spec["podSelector"], path["podSelector"])
        for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
            for (index, rule) in (spec[direction]?.array ?? []).enumerated() {
                let place = path[direction][index]
                for (position, port) in (rule["ports"]?.array ?? []).enumerated() {
                    policyPort(port, place["ports"][position])
                }
                for (position, peer) in (rule[peers]?.array ?? []).enumerated() {
                    policyPeer(peer, place[peers][position])
                }
            }
        }
        let types = spec["policyTypes"]?.array ?? []
        if types.count > 2 {
            add(.invalid(path["policyTypes"], json: .array(types), "may not specify more than two policyTypes"))
            return
        }
        for (index, type) in types.enumerated() { choice(type, ["Ingress", "Egress"], path["policyTypes"][index]) }
    }

    private mutating func policyPort(_ port: JSONValue, _ path: FieldPath) {
        choice(port["protocol"], ["TCP", "UDP", "SCTP"], path["protocol"])
        let end = port["endPort"]?.integer
        guard let value = port["port"] else {
            if let end { add(.invalid(path["endPort"], end, "may not be specified when `port` is not specified")) }
            return
        }
        self.port(value, path["port"])
        guard let end else { return }
        if let number = value.integer {
            if end < number { add(.invalid(path["endPort"], number, "must be greater than or equal to `port`")) }
            range(.integer(end), 1, 65535, path["endPort"])
        } else {
            add(.invalid(path["endPort"], end, "may not be specified when `port` is non-numeric"))
        }
    }

    private mutating func policyPeer(_ peer: JSONValue, _ path: FieldPath) {
        let selectors = ["podSelector", "namespaceSelector"].filter { peer[$0] != nil }
        for selector in selectors { labelSelector(peer[selector], path[selector]) }
        guard let block = peer["ipBlock"] else {
            if selectors.isEmpty { add(.required(path, "must specify a peer")) }
            return
        }
        if !selectors.isEmpty { add(.forbidden(path, "may not specify both ipBlock and another peer")) }
        guard let text = required(block["cidr"], path["ipBlock"]["cidr"]) else { return }
        addressRange(text, path["ipBlock"]["cidr"])
        for (index, except) in (block["except"]?.array ?? []).enumerated() {
            let place = path["ipBlock"]["except"][index]
            let inner = except.string ?? ""
            addressRange(inner, place)
            if let whole = Addresses.parseRange(text), let part = Addresses.parseRange(inner),
                !Addresses.isStrictSubset(part, of: whole)
            {
                add(.invalid(place, inner, "must be a strict subset of `cidr`"))
            }
        }
    }

    // MARK: Leases, classes

    mutating func lease(_ object: JSONValue) {
        let path = FieldPath("spec")
        positive(object["spec"]?["leaseDurationSeconds"], path["leaseDurationSeconds"])
        nonNegative(object["spec"]?["leaseTransitions"], path["leaseTransitions"])
    }

    mutating func priorityClass(_ object: JSONValue) {
        let name = object["metadata"]?["name"]?.string ?? ""
        let value = object["value"]?.integer ?? 0
        let system = ["system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000]
        if name.hasPrefix("system-"), system[name].map(Int64.init) != value {
            add(
                .forbidden(
                    FieldPath("metadata")["name"],
                    "priority class names with 'system-' prefix are reserved for system use only. error: "
                        + "\(name) is not a known system priority class"))
        } else if value > 1_000_000_000, system[name] == nil {
            add(
                .forbidden(
                    FieldPath("value"), "maximum allowed value of a user defined priority is 1000000000"))
        }
        choice(object["preemptionPolicy"], ["Never", "PreemptLowerPriority"], FieldPath("preemptionPolicy"))
        if let old {
            if !Self.same(object["value"], old["value"]) {
                add(.forbidden(FieldPath("value"), "may not be changed in an update."))
            }
            unchanged(object["preemptionPolicy"], old["preemptionPolicy"], FieldPath("preemptionPolicy"))
        }
    }

    mutating func runtimeClass(_ object: JSONValue) {
        let handler = object["handler"]?.string ?? ""
        check(Names.dnsLabel(handler), FieldPath("handler"), handler)
        resourceList(object["overhead"]?["podFixed"], FieldPath("overhead")["podFixed"])
        labels(object["scheduling"]?["nodeSelector"], FieldPath("scheduling")["nodeSelector"])
        tolerations(object["scheduling"]?["tolerations"]?.array ?? [], FieldPath("scheduling")["tolerations"])
        if let old { unchanged(object["handler"], old["handler"], FieldPath("handler")) }
    }

    // MARK: Autoscaling

    mutating func horizontalPodAutoscaler(_ object: JSONValue) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        let low = spec["minReplicas"]?.integer
        let high = spec["maxReplicas"]?.integer ?? 0
        if let low, low < 1 {
            add(.invalid(path["minReplicas"], low, "must be greater than or equal to 1"))
        }
        if high == 0 {
            add(.required(path["maxReplicas"], "must be set and greater than 0"))
        } else if high < 1 {
            add(.invalid(path["maxReplicas"], high, "must be greater than or equal to 1"))
        } else if let low, high < low {
            add(.invalid(path["maxReplicas"], high, "must be greater than or equal to `minReplicas`"))
        }
        for field in ["kind", "name"] {
            let place = path["scaleTargetRef"][field]
            if let text = required(spec["scaleTargetRef"]?[field], place) {
                check(Names.pathSegment(text), place, text)
            }
        }
    }
}
