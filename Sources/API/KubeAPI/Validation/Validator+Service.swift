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
        for (index, address) in (spec["externalIPs"]?.array ?? []).enumerated() {
            self.address(address.string ?? "", path["externalIPs"][index])
        }
        policies(spec, type, path)
        for (index, range) in (spec["loadBalancerSourceRanges"]?.array ?? []).enumerated() {
            addressRange(range.string ?? "", path["loadBalancerSourceRanges"][index])
        }
        if type != "LoadBalancer" {
            if spec["loadBalancerSourceRanges"]?.isPresent == true {
                add(.forbidden(path["loadBalancerSourceRanges"], "may only be used when `type` is 'LoadBalancer'"))
            }
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
        for (index, family) in families.enumerated() {
            choice(.string(family), ["IPv4", "IPv6"], path["ipFamilies"][index])
            if families[..<index].contains(family) { add(.duplicate(path["ipFamilies"][index], family)) }
        }
        choice(
            spec["ipFamilyPolicy"], ["PreferDualStack", "RequireDualStack", "SingleStack"], path["ipFamilyPolicy"])
        let before = errors.count
        for (index, text) in addresses.enumerated() {
            if index == 0, text == "None" {
                if addresses.count > 1 { add(.invalid(place, json: shown, "'None' must be the first and only value")) }
                continue
            }
            address(text, place[index])
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

    private mutating func serviceUpdate(_ spec: JSONValue, _ before: JSONValue, _ path: FieldPath) {
        guard before["type"] != "ExternalName", spec["type"] != "ExternalName" else { return }
        let was = before["clusterIPs"]?.array ?? []
        let now = spec["clusterIPs"]?.array ?? []
        if let first = was.first, now.first != first {
            add(.invalid(path["clusterIPs"][0], json: now.first, "may not change once set"))
        }
        let families = before["ipFamilies"]?.array ?? []
        if let first = families.first, let current = spec["ipFamilies"]?[0], current != first {
            add(.invalid(path["ipFamilies"][0], json: current, "may not change once set"))
        }
    }

    // MARK: Endpoints

    mutating func endpoints(_ endpoints: JSONValue) {
        for (index, subset) in (endpoints["subsets"]?.array ?? []).enumerated() {
            let path = FieldPath("subsets")[index]
            let lists = ["addresses", "notReadyAddresses"]
            if !lists.contains(where: { subset[$0]?.isPresent == true }) {
                add(.required(path, "must specify `addresses` or `notReadyAddresses`"))
            }
            for list in lists {
                for (position, item) in (subset[list]?.array ?? []).enumerated() {
                    endpointAddress(item["ip"]?.string ?? "", path[list][position]["ip"])
                }
            }
            endpointPorts(subset["ports"]?.array ?? [], path["ports"], nameRequired: true)
        }
    }

    private mutating func endpointAddress(_ text: String, _ path: FieldPath) {
        guard let bytes = Addresses.parse(text) else {
            address(text, path)
            return
        }
        let isFour = bytes.count == 4
        if bytes.allSatisfy({ $0 == 0 }) {
            add(.invalid(path, text, "may not be unspecified (\(text))"))
        } else if isFour ? bytes[0] == 127 : bytes == [UInt8](repeating: 0, count: 15) + [1] {
            add(.invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"))
        } else if isFour ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 {
            add(.invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"))
        }
    }

    private mutating func endpointPorts(_ ports: [JSONValue], _ path: FieldPath, nameRequired: Bool) {
        var names: Set<String> = []
        for (index, port) in ports.enumerated() {
            let name = port["name"]?.string ?? ""
            if name.isEmpty {
                if nameRequired, ports.count > 1 { add(.required(path[index]["name"])) }
            } else {
                check(Names.dnsLabel(name), path[index]["name"], name)
            }
            if !nameRequired, !names.insert(name).inserted { add(.duplicate(path["name"], name)) }
            if nameRequired || port["port"] != nil { range(port["port"] ?? 0, 1, 65535, path[index]["port"]) }
            choice(port["protocol"], ["SCTP", "TCP", "UDP"], path[index]["protocol"], required: true)
        }
    }

    mutating func endpointSlice(_ slice: JSONValue) {
        let type = slice["addressType"]
        choice(type, ["FQDN", "IPv4", "IPv6"], FieldPath("addressType"), required: true)
        let endpoints = slice["endpoints"]?.array ?? []
        if endpoints.count > 1000 { add(.tooMany(FieldPath("endpoints"), count: endpoints.count, limit: 1000)) }
        for (index, endpoint) in endpoints.enumerated() {
            let path = FieldPath("endpoints")[index]["addresses"]
            let addresses = endpoint["addresses"]?.array ?? []
            if addresses.isEmpty { add(.required(path, "must contain at least 1 address")) }
            if addresses.count > 100 { add(.tooMany(path, count: addresses.count, limit: 100)) }
            for (position, item) in addresses.enumerated() {
                let text = item.string ?? ""
                switch type?.string {
                case "IPv4" where Addresses.parse4(text) == nil:
                    add(.invalid(path[position], text, "must be an IPv4 address"))
                case "IPv6" where !text.contains(":") || Addresses.parse6(text) == nil:
                    add(.invalid(path[position], text, "must be an IPv6 address"))
                case "IPv4", "IPv6": endpointAddress(text, path[position])
                default: check(Names.dnsSubdomain(text), path[position], text)
                }
            }
        }
        let ports = slice["ports"]?.array ?? []
        if ports.count > 20000 { add(.tooMany(FieldPath("ports"), count: ports.count, limit: 20000)) }
        endpointPorts(ports, FieldPath("ports"), nameRequired: false)
        if let old { unchanged(type, old["addressType"], FieldPath("addressType")) }
    }
}
