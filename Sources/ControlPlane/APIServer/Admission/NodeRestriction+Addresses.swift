// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeAPI
internal import Linux
internal import TLS

extension NodeRestriction {
    /// More than any machine tells others: every other node keeps them all in its tables.
    static let addressLimit = 64

    /// An address that a Node has is taken from Services, and is where others look for it: one that it had before may stay,
    /// another has to be free or its own.
    func admitAddresses(_ object: APIObject, _ old: APIObject?, _ request: NodeWrite) throws(APIError) {
        let held = Set(old.map(AddressClaims.addresses) ?? [])
        let fresh = AddressClaims.addresses(object).filter { !held.contains($0) }
        if fresh.isEmpty { return }
        let count = object.status["addresses"]?.array?.count ?? 0
        if count > Self.addressLimit {
            throw request.refusal(
                "node \"\(node)\" is not allowed to have \(count) addresses: \(Self.addressLimit) are the most")
        }
        let claims = try AddressClaims(core: core, but: node)
        for address in fresh {
            if let reason = claims.refusal(of: address, to: origin) {
                throw request.refusal("node \"\(node)\" is not allowed to have the address \(address.host): \(reason)")
            }
        }
    }
}

extension Admission {
    /// Notes which of a Node's addresses are more than the node's own word: those it has asked from, all of a node in this
    /// process, and what anybody else writes there who may. A node behind a translator of addresses, and the addresses of
    /// another family than that by which a node comes, are not proven, and may be the node's all the same: other nodes
    /// route to them, but take them for no machine that knows its way back to pods.
    func proveAddresses(_ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind) {
        guard resource.group.isEmpty, resource.kind == "Node" else { return }
        func noted(_ object: APIObject?) -> Set<SocketAddress> {
            let text = object?.annotations[ProvenAddresses.annotation]?.string ?? ""
            return Set(ProvenAddresses.texts(text).compactMap(AddressClaims.address))
        }
        let named = AddressClaims.addresses(object)
        var proven: Set<SocketAddress>
        if user.nodeName == nil {
            let held = Set(old.map(AddressClaims.addresses) ?? [])
            proven = noted(object).union(named.filter { !held.contains($0) })
        } else {
            proven = noted(old)
            switch origin {
            case .thisProcess: proven.formUnion(named)
            case .address(let text): if let address = AddressClaims.address(text) { proven.insert(address) }
            case .unknown: break
            }
        }
        var texts: [String] = []
        for address in named where proven.contains(address) && !texts.contains(address.host) {
            texts.append(address.host)
        }
        var annotations = object.annotations
        annotations[ProvenAddresses.annotation] = texts.isEmpty ? nil : .string(texts.joined(separator: ","))
        if annotations != object.annotations { object.annotations = annotations }
    }

    /// Notes from where a node made its Node, for as long as it is there: a join token makes any number of nodes, and
    /// those from one place share what there is a bounded number of.
    func noteOrigin(_ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind) {
        guard resource.group.isEmpty, resource.kind == "Node", user.nodeName != nil else { return }
        var annotations = object.annotations
        if let old {
            annotations[NodeOrigin.annotation] = old.annotations[NodeOrigin.annotation]
        } else {
            switch origin {
            case .thisProcess: annotations[NodeOrigin.annotation] = nil
            case .address(let text):
                annotations[NodeOrigin.annotation] = .string(AddressClaims.address(text)?.host ?? text)
            case .unknown: annotations[NodeOrigin.annotation] = "unknown"
            }
        }
        if annotations != object.annotations { object.annotations = annotations }
    }

    /// Notes with which certificate a node made its Node, for as long as it is there: others that were issued for the name
    /// before count for nothing then. What anybody says of it himself does not count, nor what he leaves out.
    func noteMaker(_ object: inout APIObject, _ old: APIObject?, _ resource: ResourceKind) {
        guard resource.group.isEmpty, resource.kind == "Node" else { return }
        var annotations = object.annotations
        annotations[NodeMaker.annotation] = old.map { $0.annotations[NodeMaker.annotation] } ?? maker
        if annotations != object.annotations { object.annotations = annotations }
    }

    private var maker: JSONValue? {
        guard user.nodeName != nil else { return nil }
        if case .thisProcess = origin { return .string(NodeMaker.noCertificate) }
        // Somebody else's who speaks for the node is not the node's.
        guard let certificate, certificate.isVerified, !certificate.fingerprint.isEmpty,
            certificate.nodeName != nil, certificate.commonName.utf8.elementsEqual(user.name.utf8)
        else { return nil }
        return .string(Hex.encode(certificate.fingerprint))
    }
}

/// Who has which addresses, for a node that says one is its own.
///
/// Where it is somebody's word against somebody's, the address of a node that is alive and that which a load balancer
/// gave to a Service stay whose they are, unless the node asks from that very address: this it cannot unless packets to the
/// address reach it. What the author of a Service wrote down (`externalIPs`) keeps no node from an address: who guesses
/// one could else keep a node out, which asks from one of its addresses at a time. The proxies serve no Service at an
/// address of a node, and say so in an Event of the Service, unless the administrator gave it away.
///
/// The API server's own addresses are a node's only when it asks from there, or from this machine's loopback.
struct AddressClaims: Sendable {
    /// Where pods and Services have their addresses, with what they are.
    var ranges: [(range: AddressRange, what: String)] = []
    /// Addresses, with whose they are.
    var owners: [SocketAddress: String] = [:]
    /// Those of the API server.
    var server: Set<SocketAddress> = []

    /// Why the address is not the node's, which asks from `origin`; nil when it may be.
    func refusal(of address: SocketAddress, to origin: RequestOrigin) -> String? {
        if let found = ranges.first(where: { $0.range.contains(address.host) }) {
            return "it is in the range of \(found.what) \(found.range.text)"
        }
        let isSpecial = address.reach != .global
        let owner = owners[address] ?? (server.contains(address) ? "the API server" : nil)
        guard isSpecial || owner != nil else { return nil }
        switch origin {
        // A machine without any network is known by its loopback address.
        case .thisProcess: return nil
        case .address(let text):
            let peer = Self.address(text)
            if peer == address { return nil }
            if peer?.reach == .loopback, owners[address] == nil, server.contains(address) { return nil }
        case .unknown: break
        }
        if let owner { return "it is that of \(owner), and the request does not come from there" }
        return "it is not one that others reach it by"
    }

    /// The addresses of a Node, whatever it says they are for.
    static func addresses(_ node: APIObject) -> [SocketAddress] {
        (node.status["addresses"]?.array ?? []).compactMap { $0["address"]?.string }.compactMap(address)
    }

    static func address(_ text: String) -> SocketAddress? { SocketAddress(host: text, port: 0)?.unmapped }
}

extension AddressClaims {
    /// What the cluster's objects say, but for the Node that asks.
    init(core: ServerCore, but node: String) throws(APIError) {
        for service in try core.objects("", "services") {
            let texts = (service.status["loadBalancer"]?["ingress"]?.array ?? []).compactMap { $0["ip"]?.string }
            for address in texts.compactMap(Self.address) {
                owners[address] = "the Service \(service.namespace)/\(service.name)"
            }
        }
        let names = [core.configuration.advertiseAddress] + core.configuration.extraNames
        server = Set((names + (core.configuration.localNode?.addresses ?? [])).compactMap(Self.address))
        ranges += core.configuration.clusterRanges.compactMap { AddressRange($0) }.map { (range: $0, what: "pods") }
        ranges += core.allocator.ranges.map { (range: $0, what: "Services") }
        for other in try core.objects("", "nodes") where other.name != node {
            let blocks = (other.spec["podCIDRs"]?.array ?? []).compactMap(\.string).compactMap { AddressRange($0) }
            ranges += blocks.filter { $0.prefix > 0 }.map { (range: $0, what: "the pods of node \(other.name)") }
            guard Self.isAlive(other) else { continue }
            for address in Self.addresses(other) { owners[address] = "node \(other.name)" }
        }
    }

    /// A Node that is left over of a machine which has another name now keeps nothing from it.
    private static func isAlive(_ node: APIObject) -> Bool {
        (node.status["conditions"]?.array ?? []).contains { $0["type"] == "Ready" && $0["status"] == "True" }
    }
}
