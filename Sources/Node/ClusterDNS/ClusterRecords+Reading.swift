// SPDX-License-Identifier: Apache-2.0

internal import KubeAPI
internal import Netlink

extension NamedService {
    /// Nil for a Service without names: one that has no address yet, or whose target is no name.
    init?(_ service: Service) {
        let spec = service.spec
        let ports = spec.ports.map {
            NamedPort(($0.name ?? "").lowercased(), ($0.protocol ?? "TCP").lowercased(), UInt16(clamping: $0.port))
        }
        if spec.type == "ExternalName" {
            guard let text = spec.externalName, let name = DNSName(text) else { return nil }
            self.init(.alias(name), ports)
            return
        }
        let texts = spec.clusterIPs.isEmpty ? [spec.clusterIP].compactMap { $0 } : spec.clusterIPs
        if texts.first == "None" {
            self.init(.headless, ports)
            return
        }
        let addresses = texts.compactMap { IPAddress($0) }
        guard !addresses.isEmpty else { return nil }
        self.init(.addresses(addresses), ports)
    }
}

extension EndpointGroup {
    /// The label that names a slice's Service.
    static let serviceLabel = "kubernetes.io/service-name"

    /// Nil for a slice of no Service, or of names instead of addresses.
    init?(_ slice: EndpointSlice) {
        guard let name = slice.metadata.labels[Self.serviceLabel], !name.isEmpty, slice.addressType != "FQDN" else {
            return nil
        }
        let ports = slice.ports.map {
            NamedPort(($0.name ?? "").lowercased(), ($0.protocol ?? "TCP").lowercased(), UInt16(clamping: $0.port ?? 0))
        }
        let members = slice.endpoints.flatMap { endpoint -> [Member] in
            // Unknown counts as ready; `publishNotReadyAddresses` has the controller say ready of all.
            guard endpoint.conditions?.ready ?? true else { return [] }
            return endpoint.addresses.compactMap { IPAddress($0) }.map { Member($0, hostname: endpoint.hostname) }
        }
        self.init(service: ObjectName(slice.metadata.namespace ?? "", name), ports: ports, members: members)
    }
}
