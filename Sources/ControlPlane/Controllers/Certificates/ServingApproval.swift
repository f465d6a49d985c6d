// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeAPI
import KubeClient
import Linux

/// Whether a kubelet's serving certificate may be signed without a person having looked at the request: when a node asks
/// for itself, by no name but its own, and by addresses that are its own by more than its word. No I/O.
///
/// The API server goes by the subject, `system:node:<name>`, which is the requester's here. The addresses are for other
/// clients of the kubelet. Whoever trusts the cluster's authority trusts it for everything at an address, above all for
/// the API server: so no node may have a name or an address of that, nor that of a machine which is no node, whatever
/// the node says of itself.
struct ServingApproval: Sendable {
    /// The names and addresses of API servers.
    private let reserved: Set<String>
    /// Of a Node: its name, and which of its addresses are proven.
    struct NodeFacts: Sendable, Hashable {
        var name: String
        var proven: [String]
    }
    private let nodes: [String: NodeFacts]
    /// Which nodes have a name or an address.
    private let holders: [String: Set<String>]

    init(serverNames: [String], nodes: [NodeFacts]) {
        reserved = Set(serverNames.map(Self.canonical))
        var holders: [String: Set<String>] = [:]
        for node in nodes {
            for text in node.proven + [node.name] { holders[Self.canonical(text), default: []].insert(node.name) }
        }
        self.holders = holders
        self.nodes = Dictionary(nodes.map { ($0.name, $0) }) { first, _ in first }
    }

    /// Nil when the request may be approved, else why not.
    func refusal(_ wish: SigningPolicy.Wish, user: String, groups: [String]) -> String? {
        guard (try? SigningPolicy.check(wish, for: .serving)) != nil else { return "it is none that would be signed" }
        guard wish.commonName == user, groups.contains("system:nodes") else {
            return "it was not made by \(wish.commonName)"
        }
        let name = String(user.dropFirst("system:node:".count))
        guard let node = nodes[name] else { return "there is no Node \(name)" }
        let own = Set(node.proven.map(Self.canonical))
        for text in wish.names {
            let wanted = Self.canonical(text)
            if reserved.contains(wanted) { return "\(text) is the API server's" }
            if let address = Self.bytes(text) {
                let reach =
                    address.count == 4
                    ? SocketAddress.ipv4(address: address, port: 0).reach
                    : SocketAddress.ipv6(address: address, port: 0, scope: 0).reach
                if reach != .global { return "\(text) is no address that leads to a node" }
            } else if "\(wanted).".contains(".svc.") || wanted.hasSuffix(".cluster.local") {
                return "\(text) is a Service's name"
            }
            // A name is whose Node it is. An address is whose Node has proven it, and contested when two have.
            if Self.bytes(text) == nil, wanted == Self.canonical(name) { continue }
            if holders[wanted]?.contains(where: { $0 != name }) == true { return "\(text) is another node's" }
            if Self.bytes(text) == nil { return "\(text) is not the node's name" }
            if !own.contains(wanted) {
                return "\(text) is the node's by its own word only, not by the annotation \(ProvenAddresses.annotation)"
            }
        }
        return nil
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, text, &four) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
        let isMapped = sixteen.prefix(10).allSatisfy { $0 == 0 } && sixteen[10] == 0xff && sixteen[11] == 0xff
        return isMapped ? Array(sixteen[12...]) : sixteen
    }

    /// One spelling of each address and name.
    private static func canonical(_ text: String) -> String {
        bytes(text).map { "\($0)" } ?? text.lowercased()
    }
}

extension ServingApproval {
    /// - Parameter nodes: Node objects.
    init(serverNames: [String], nodes: [JSONObject]) {
        let facts = nodes.map { node in
            NodeFacts(
                name: node.objectName,
                proven: ProvenAddresses.texts(node.string("metadata", "annotations", ProvenAddresses.annotation)))
        }
        self.init(serverNames: serverNames, nodes: facts)
    }
}
