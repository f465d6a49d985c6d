// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    mutating func service(_ service: JSONValue) {
        let path = FieldPath("spec")
        let spec = service["spec"] ?? [:]
        let type = spec["type"]?.string ?? ""
        let headless = spec["clusterIP"]?.string == "None"
        choice(
            spec["type"], ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], path["type"], required: true)
        let ports = spec["ports"]?.array ?? []
        if ports.isEmpty, !headless, type != "ExternalName" { add(.required(path["ports"])) }
        if headless, type == "LoadBalancer" || type == "NodePort" {
            add(
                .invalid(
                    path["clusterIPs"][0], "None", "may not be set to 'None' for \(type) services"))
        }
        if type == "ExternalName" { externalName(spec, path) } else { clusterAddresses(spec, path, headless) }
        labels(spec["selector"], path["selector"])
        servicePorts(ports, spec, type, path["ports"])
        affinity(of: spec, path)
        externalAddresses(spec, path["externalIPs"])
        policies(spec, type, path)
        sourceRanges(spec, type, path)
        if type != "LoadBalancer" {
            if spec["allocateLoadBalancerNodePorts"] != nil {
                add(
                    .forbidden(path["allocateLoadBalancerNodePorts"], "may only be used when `type` is 'LoadBalancer'"))
            }
            if spec["loadBalancerClass"] != nil {
                add(.forbidden(path["loadBalancerClass"], "may only be used when `type` is 'LoadBalancer'"))
            }
        }
        if let before = old?["spec"] { serviceUpdate(spec, before, path) }
    }

    private mutating func externalAddresses(_ spec: JSONValue, _ path: FieldPath) {
        let known = Set((old?["spec"]?["externalIPs"]?.array ?? []).compactMap(\.string))
        for (index, item) in (spec["externalIPs"]?.array ?? []).enumerated() {
            let text = item.string ?? ""
            // Addresses that were stored before this was asked of them are asked it too.
            if strictAddress(text, path[index], known: known) { reachable(text, path[index]) }
        }
    }

    /// Upstream says `LoadBalancerSourceRanges`, with a capital, of these.
    private mutating func sourceRanges(_ spec: JSONValue, _ type: String, _ path: FieldPath) {
        let path = path["LoadBalancerSourceRanges"]
        func trimmed(_ value: JSONValue) -> String {
            let text = (value.string ?? "").drop(while: \.isWhitespace)
            return String(text.reversed().drop(while: \.isWhitespace).reversed())
        }
        let ranges = (spec["loadBalancerSourceRanges"]?.array ?? []).map(trimmed)
        guard !ranges.isEmpty else { return }
        if type != "LoadBalancer" { add(.forbidden(path, "may only be used when `type` is 'LoadBalancer'")) }
        let known = Set((old?["spec"]?["loadBalancerSourceRanges"]?.array ?? []).map(trimmed))
        for (index, range) in ranges.enumerated() { strictRange(range, path[index], known: known) }
    }

    /// `status` of a Service: what a load balancer's controller writes.
    mutating func serviceStatus(_ service: JSONValue) {
        let path = FieldPath("status")["loadBalancer"]["ingress"]
        let ingresses = service["status"]?["loadBalancer"]?["ingress"]?.array ?? []
        if !ingresses.isEmpty, service["spec"]?["type"] != "LoadBalancer" {
            add(.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'"))
            return
        }
        let known = Set((old?["status"]?["loadBalancer"]?["ingress"]?.array ?? []).compactMap { $0["ip"]?.string })
        for (index, ingress) in ingresses.enumerated() {
            let place = path[index]
            let address = ingress["ip"]?.string ?? ""
            if !address.isEmpty { strictAddress(address, place["ip"], known: known) }
            if let mode = ingress["ipMode"]?.string {
                if address.isEmpty {
                    add(.forbidden(place["ipMode"], "may not be specified when `ip` is not set"))
                } else {
                    choice(.string(mode), ["Proxy", "VIP"], place["ipMode"])
                }
            } else if !address.isEmpty {
                add(.required(place["ipMode"], "must be specified when `ip` is set"))
            }
            let name = ingress["hostname"]?.string ?? ""
            if !name.isEmpty {
                check(Names.dnsSubdomain(name), place["hostname"], name)
                if Addresses.parse(name) != nil {
                    add(.invalid(place["hostname"], name, "must be a DNS name, not an IP address"))
                }
            }
        }
    }

    private mutating func externalName(_ spec: JSONValue, _ path: FieldPath) {
        for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] where spec[field]?.isPresent == true {
            add(.forbidden(path[field], "may not be set for ExternalName services"))
        }
        if let name = required(spec["externalName"], path["externalName"]) {
            let trimmed = name.hasSuffix(".") ? String(name.dropLast()) : name
            check(Names.dnsSubdomain(trimmed), path["externalName"], trimmed)
        }
    }

    private mutating func clusterAddresses(_ spec: JSONValue, _ path: FieldPath, _ headless: Bool) {
        let addresses = (spec["clusterIPs"]?.array ?? []).map { $0.string ?? "" }
        let shown = JSONValue.array(addresses.map(JSONValue.string))
        let place = path["clusterIPs"]
        let primary = spec["clusterIP"]?.string ?? ""
        if !primary.isEmpty {
            if addresses.isEmpty {
                add(.required(place))
            } else if addresses[0] != primary {
                add(.invalid(place, json: shown, "first value must match `clusterIP`"))
            }
        } else if !addresses.isEmpty {
            add(.invalid(place, json: shown, "must be empty when `clusterIP` is not specified"))
        }
        let families = (spec["ipFamilies"]?.array ?? []).map { $0.string ?? "" }
        var seen: Set<String> = []
        for (index, family) in families.enumerated() {
            choice(.string(family), ["IPv4", "IPv6"], path["ipFamilies"][index])
            if !seen.insert(family).inserted { add(.duplicate(path["ipFamilies"][index], family)) }
        }
        choice(
            spec["ipFamilyPolicy"], ["PreferDualStack", "RequireDualStack", "SingleStack"], path["ipFamilyPolicy"])
        let before = errors.count
        let known = Set((old?["spec"]?["clusterIPs"]?.array ?? []).compactMap(\.string))
        for (index, text) in addresses.enumerated() {
            if index == 0, text == "None" {
                if addresses.count > 1 { add(.invalid(place, json: shown, "'None' must be the first and only value")) }
                continue
            }
            strictAddress(text, place[index], known: known)
        }
        if addresses.count > 2 { add(.invalid(place, json: shown, "may only hold up to 2 values")) }
        guard errors.count == before, !headless else { return }
        if addresses.count == 2, addresses[0].contains(":") == addresses[1].contains(":") {
            add(.invalid(place, json: shown, "may specify no more than one IP for each IP family"))
        }
        for (index, (text, family)) in zip(addresses, families).enumerated()
        where (family == "IPv6") != text.contains(":") {
            add(
                .invalid(
                    place[index], text, "expected an \(family) value as indicated by `ipFamilies[\(index)]`"))
        }
    }

    private mutating func servicePorts(_ ports: [JSONValue], _ spec: JSONValue, _ type: String, _ path: FieldPath) {
        var names: Set<String> = []
        var pairs: Set<String> = []
        var nodePorts: Set<String> = []
        for (index, port) in ports.enumerated() {
            let place = path[index]
            let name = port["name"]?.string ?? ""
            if name.isEmpty {
                if ports.count > 1 { add(.required(place["name"])) }
            } else {
                check(Names.dnsLabel(name), place["name"], name)
                if !names.insert(name).inserted { add(.duplicate(place["name"], name)) }
            }
            range(port["port"] ?? 0, 1, 65535, place["port"])
            choice(port["protocol"], ["SCTP", "TCP", "UDP"], place["protocol"], required: true)
            if let target = port["targetPort"], target != 0, target != "" { self.port(target, place["targetPort"]) }
            if let prefix = port["appProtocol"]?.string {
                check(Names.qualifiedName(prefix), place["appProtocol"], prefix)
            }
            let proto = port["protocol"]?.string ?? ""
            let pair: JSONValue = ["protocol": .string(proto), "port": port["port"] ?? 0]
            if !pairs.insert(pair.description).inserted { add(.duplicate(place, json: pair)) }
            guard let node = port["nodePort"]?.integer, node != 0 else { continue }
            if type == "ClusterIP" {
                add(.forbidden(place["nodePort"], "may not be used when `type` is 'ClusterIP'"))
            }
            if !nodePorts.insert("\(proto)/\(node)").inserted {
                add(.duplicate(place["nodePort"], json: .integer(node)))
            }
        }
    }

    private mutating func affinity(of spec: JSONValue, _ path: FieldPath) {
        choice(spec["sessionAffinity"], ["ClientIP", "None"], path["sessionAffinity"], required: true)
        let place = path["sessionAffinityConfig"]
        let config = spec["sessionAffinityConfig"]
        switch spec["sessionAffinity"]?.string {
        case "ClientIP":
            let timeout = config?["clientIP"]?["timeoutSeconds"]?.integer
            guard let timeout else {
                add(.required(place, "when session affinity type is ClientIP"))
                return
            }
            if !(1...86400).contains(timeout) {
                add(
                    .invalid(
                        place["clientIP"]["timeoutSeconds"], timeout, "must be greater than 0 and less than 86400"))
            }
        default:
            if config?.isPresent == true {
                add(.forbidden(place, "must not be set when session affinity is None"))
            }
        }
    }

    private mutating func policies(_ spec: JSONValue, _ type: String, _ path: FieldPath) {
        let external = spec["externalTrafficPolicy"]
        if external?.isPresent == true {
            choice(external, ["Cluster", "Local"], path["externalTrafficPolicy"])
            let reachable = type == "NodePort" || type == "LoadBalancer" || spec["externalIPs"]?.isPresent == true
            if !reachable {
                add(
                    .invalid(
                        path["externalTrafficPolicy"], json: external,
                        "may only be set for externally-accessible services"))
            }
        }
        choice(spec["internalTrafficPolicy"], ["Cluster", "Local"], path["internalTrafficPolicy"])
        choice(
            spec["trafficDistribution"], ["PreferClose", "PreferSameZone", "PreferSameNode"],
            path["trafficDistribution"])
        guard let health = spec["healthCheckNodePort"]?.integer, health != 0 else { return }
        if type != "LoadBalancer" || external != "Local" {
            add(
                .invalid(
                    path["healthCheckNodePort"], health,
                    "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"))
        }
    }

    /// Addresses that a Service has are its own for as long as it has any; the second one it may give back.
    private mutating func serviceUpdate(_ spec: JSONValue, _ before: JSONValue, _ path: FieldPath) {
        if spec["type"] == "LoadBalancer", before["type"] == "LoadBalancer",
            spec["loadBalancerClass"] != before["loadBalancerClass"]
        {
            add(.invalid(path["loadBalancerClass"], json: spec["loadBalancerClass"], "may not change once set"))
        }
        func healthChecked(_ spec: JSONValue) -> Bool {
            spec["type"] == "LoadBalancer" && spec["externalTrafficPolicy"] == "Local"
        }
        if healthChecked(spec), healthChecked(before), spec["healthCheckNodePort"] != before["healthCheckNodePort"] {
            add(.forbidden(path["healthCheckNodePort"], Self.immutable))
        }
        guard before["type"] != "ExternalName", spec["type"] != "ExternalName" else { return }
        func headless(_ spec: JSONValue) -> Bool { spec["clusterIPs"]?.array == ["None"] }
        if headless(spec), headless(before) { return }
        kept("clusterIPs", "clusterIP", spec, before, path)
        if headless(spec) == headless(before) { kept("ipFamilies", "ipFamily", spec, before, path) }
    }

    private mutating func kept(
        _ field: String, _ one: String, _ spec: JSONValue, _ before: JSONValue, _ path: FieldPath
    ) {
        let was = before[field]?.array ?? []
        let now = spec[field]?.array ?? []
        if now.isEmpty, !was.isEmpty, (spec["clusterIPs"]?.array ?? []).isEmpty {
            add(.invalid(path[field][0], json: .array(now), "primary \(one) can not be unset"))
        }
        for (index, (new, old)) in zip(now, was).enumerated() where new != old {
            add(.invalid(path[field][index], json: new, "may not change once set"))
        }
        if now.count == 1, was.count == 2, spec["ipFamilyPolicy"] != "SingleStack" {
            add(
                .invalid(
                    path["ipFamilyPolicy"], json: spec["ipFamilyPolicy"],
                    "must be set to 'SingleStack' when releasing the secondary \(one)"))
        }
    }
}
