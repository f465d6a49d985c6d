// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

extension Validator {
    /// An address that something can have which is reached over the network.
    mutating func reachable(_ text: String, _ path: FieldPath) {
        guard let bytes = Addresses.parse(text) else {
            add(.invalid(path, text, "must be a valid IP address"))
            return
        }
        if let complaint = Addresses.specialty(of: bytes, text) { add(.invalid(path, text, complaint)) }
    }

    mutating func endpoints(_ endpoints: JSONValue) {
        let before = errors.count
        for (index, subset) in (endpoints["subsets"]?.array ?? []).enumerated() {
            let path = FieldPath("subsets")[index]
            let lists = ["addresses", "notReadyAddresses"]
            if !lists.contains(where: { subset[$0]?.isPresent == true }) {
                add(.required(path, "must specify `addresses` or `notReadyAddresses`"))
            }
            for list in lists {
                for (position, item) in (subset[list]?.array ?? []).enumerated() {
                    endpointAddress(item, path[list][position])
                }
            }
            endpointPorts(subset["ports"]?.array ?? [], path["ports"], nameRequired: true)
        }
        forgive(endpoints, "subsets", from: before)
    }

    private mutating func endpointAddress(_ item: JSONValue, _ path: FieldPath) {
        let text = item["ip"]?.string ?? ""
        strictAddress(text, path["ip"])
        placement(item, path)
        reachable(text, path["ip"])
    }

    private mutating func placement(_ item: JSONValue, _ path: FieldPath) {
        if let name = item["hostname"]?.string, !name.isEmpty { check(Names.dnsLabel(name), path["hostname"], name) }
        if let name = item["nodeName"]?.string { check(Names.dnsSubdomain(name), path["nodeName"], name) }
    }

    /// What an update leaves as it was stored stays good: it was stored before such things were asked.
    private mutating func forgive(_ object: JSONValue, _ field: String, from first: Int) {
        if let old, errors.count > first, old[field] == object[field] { errors.forget(after: first) }
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
        let before = errors.count
        if endpoints.count > 1000 {
            add(.tooMany(FieldPath("endpoints"), count: endpoints.count, limit: 1000))
        } else {
            for (index, endpoint) in endpoints.enumerated() {
                self.endpoint(endpoint, type?.string, FieldPath("endpoints")[index])
            }
        }
        forgive(slice, "endpoints", from: before)
        let ports = slice["ports"]?.array ?? []
        if ports.count > 20000 { add(.tooMany(FieldPath("ports"), count: ports.count, limit: 20000)) }
        endpointPorts(ports, FieldPath("ports"), nameRequired: false)
        if let old { unchanged(type, old["addressType"], FieldPath("addressType")) }
    }

    private mutating func endpoint(_ endpoint: JSONValue, _ type: String?, _ place: FieldPath) {
        let path = place["addresses"]
        let addresses = endpoint["addresses"]?.array ?? []
        if addresses.isEmpty { add(.required(path, "must contain at least 1 address")) }
        if addresses.count > 100 { add(.tooMany(path, count: addresses.count, limit: 100)) }
        for (position, item) in addresses.enumerated() {
            let text = item.string ?? ""
            switch type {
            case "IPv4", "IPv6":
                guard strictAddress(text, path[position]), let bytes = Addresses.parse(text) else { continue }
                let isSix = type == "IPv6"
                if isSix, !Addresses.isCanonical(text) {
                    add(
                        .invalid(
                            path[position], text, "must be in canonical form (\"\(Addresses.text(of: bytes))\")"))
                    continue
                }
                if isSix != (bytes.count == 16) { add(.invalid(path, text, "must be an \(type ?? "") address")) }
                reachable(text, path[position])
            default: check(Names.dnsSubdomain(text), path[position], text)
            }
        }
        placement(endpoint, place)
    }
}
