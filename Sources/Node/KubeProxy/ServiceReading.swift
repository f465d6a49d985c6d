// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Netlink

extension ServicePortSpec {
    /// The ports of `service` in `family`: none for headless Services and ExternalName, nor for a family it has no
    /// address in.
    static func read(_ service: Service, _ family: IPFamily) -> [ServicePortSpec] {
        let spec = service.spec
        guard spec.type != "ExternalName", let address = clusterIP(spec, family) else { return [] }
        let isExternal = spec.type == "NodePort" || spec.type == "LoadBalancer"
        let key = ServiceKey(service.metadata.namespace ?? "", service.name)
        var affinity: UInt32?
        if spec.sessionAffinity == "ClientIP" {
            affinity = UInt32(clamping: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800)
        }
        // Read once, and not for each port: there may be thousands of both.
        let externalIPs = addresses(spec.externalIPs, family)
        var balanced: [IPAddress] = []
        var ranges: [IPPrefix] = []
        var isRestricted = false
        if spec.type == "LoadBalancer" {
            // ipMode Proxy: the balancer delivers to nodes itself, so the address is not ours to answer.
            let virtual = (service.status.loadBalancer?.ingress ?? []).filter { $0.ipMode != "Proxy" }
            balanced = addresses(virtual.compactMap(\.ip), family)
            let texts = spec.loadBalancerSourceRanges
            ranges = texts.compactMap { IPPrefix(trimmed($0)) }
            isRestricted = !texts.isEmpty
        }
        let internalLocal = spec.internalTrafficPolicy == "Local"
        let externalLocal = spec.externalTrafficPolicy == "Local"
        return spec.ports.compactMap { port in
            guard let number = protocolNumber(port.protocol) else { return nil }
            var result = ServicePortSpec(
                name: ServicePortName(key, port: port.name ?? "", protocolNumber: number), clusterIP: address,
                port: UInt16(clamping: port.port))
            result.nodePort = isExternal ? UInt16(clamping: port.nodePort ?? 0) : 0
            result.externalIPs = externalIPs
            result.loadBalancerIPs = balanced
            result.sourceRanges = ranges
            result.isRestricted = isRestricted
            if spec.type == "LoadBalancer" {
                result.healthCheckNodePort = UInt16(clamping: spec.healthCheckNodePort ?? 0)
            }
            result.affinitySeconds = affinity
            result.internalLocal = internalLocal
            result.externalLocal = externalLocal
            return result
        }
    }

    private static func clusterIP(_ spec: ServiceSpec, _ family: IPFamily) -> IPAddress? {
        let all = spec.clusterIPs.isEmpty ? [spec.clusterIP].compactMap { $0 } : spec.clusterIPs
        return all.compactMap { IPAddress($0) }.first { $0.family == family }
    }

    private static func addresses(_ texts: [String], _ family: IPFamily) -> [IPAddress] {
        texts.compactMap { IPAddress($0) }.filter { $0.family == family }
    }

    private static func trimmed(_ text: String) -> Substring {
        text.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
    }

    static func protocolNumber(_ name: String?) -> UInt8? {
        switch name {
        case nil, "TCP": 6
        case "UDP": 17
        case "SCTP": 132
        default: nil
        }
    }
}

extension EndpointSpec {
    /// The label that names a slice's Service.
    static let serviceLabel = "kubernetes.io/service-name"

    /// The Service a slice belongs to.
    static func service(of slice: EndpointSlice) -> ServiceKey? {
        guard let name = slice.metadata.labels[serviceLabel], !name.isEmpty else { return nil }
        return ServiceKey(slice.metadata.namespace ?? "", name)
    }

    /// The endpoints of `slices`, of one family, by port. They are made for the ports that are asked for: a Service may
    /// have more of them than are served.
    static func read(_ slices: [EndpointSlice], _ family: IPFamily, node: String) -> EndpointsByPort {
        var result = EndpointsByPort()
        let type = family == .v4 ? "IPv4" : "IPv6"
        for slice in slices where slice.addressType == type {
            let slice = slice.unpacked("endpoints").unpacked("ports")
            var ports: [PortKey: UInt16] = [:]
            for port in slice.ports {
                guard let number = port.port, let transport = ServicePortSpec.protocolNumber(port.protocol) else {
                    continue
                }
                ports[PortKey(port.name ?? "", transport)] = UInt16(clamping: number)
            }
            let endpoints = slice.endpoints.compactMap { endpoint -> EndpointSpec? in
                // Only the first address is used; the API gives the others no meaning.
                guard let text = endpoint.addresses.first, let address = IPAddress(text), address.family == family,
                    // Whoever may write slices must not lead the node's own connections to its loopback or to the
                    // metadata service of a cloud. An API server refuses such addresses; one may be older.
                    address.specialty == nil
                else { return nil }
                return EndpointSpec(endpoint, address, 0, node: node)
            }
            if !endpoints.isEmpty { result.slices.append((ports, endpoints)) }
        }
        return result
    }

    /// See `read`.
    struct EndpointsByPort: Sendable {
        fileprivate var slices: [(ports: [PortKey: UInt16], endpoints: [EndpointSpec])] = []

        /// The endpoints of a port. One address and port in two slices counts once, and as ready when either says so:
        /// slices overlap while endpoints move between them.
        subscript(key: PortKey) -> [EndpointSpec] {
            var found: [EndpointTarget: EndpointSpec] = [:]
            for slice in slices {
                guard let port = slice.ports[key] else { continue }
                for var spec in slice.endpoints {
                    spec.port = port
                    let target = spec.target
                    if let present = found[target], present.ready || !spec.ready { continue }
                    found[target] = spec
                }
            }
            return found.values.sorted { $0.target < $1.target }
        }
    }

    /// A port by name and protocol.
    struct PortKey: Sendable, Hashable {
        var name: String
        var protocolNumber: UInt8

        init(_ name: String, _ protocolNumber: UInt8) {
            self.name = name
            self.protocolNumber = protocolNumber
        }
    }

    private init(_ endpoint: Endpoint, _ address: IPAddress, _ port: UInt16, node: String) {
        let conditions = endpoint.conditions
        // Unknown readiness counts as ready, and serving follows readiness, as the API defines.
        let ready = conditions?.ready ?? true
        self.init(
            address, port, ready: ready, serving: conditions?.serving ?? ready,
            terminating: conditions?.terminating ?? false, isLocal: endpoint.nodeName == node)
        zoneHints = Set((endpoint.hints?.forZones ?? []).map(\.name))
        nodeHints = Set((endpoint.hints?.forNodes ?? []).map(\.name))
    }
}
