// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import KubeClient
internal import Schema
internal import TLS

/// Finds out which authority a cluster has, from nothing but its address and a bootstrap token: the ConfigMap
/// `kube-public/cluster-info` is read from a server that cannot be verified yet, and believed when it is signed with the
/// token and its authority's hash is a given one.
struct ClusterDiscovery: Sendable {
    let server: String
    let token: JoinToken
    let hashes: [[UInt8]]
    let trustsAnyAuthority: Bool

    /// The server is not the one that was meant. Trying again comes to the same.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// The PEM of the authority.
    func authority() async throws -> [UInt8] {
        let client = KubeClient(
            exchange: try HTTPClient(base: server, tls: TLSClientConfiguration(verifiesPeer: false)),
            userAgent: "swiftlet-agent")
        let map = try await client.get(
            ResourceID(group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true),
            namespace: "kube-public", name: "cluster-info")
        return try Self.check(map["data"]?.object ?? [:], self)
    }

    /// The authority of a cluster that says `data` of itself; throws why it is not to be believed.
    static func check(_ data: JSONObject, _ expected: ClusterDiscovery) throws -> [UInt8] {
        guard let text = data["kubeconfig"]?.string else {
            throw Refusal(
                description: "\(expected.server) has no cluster-info: it is no cluster one can join by a token")
        }
        guard let signature = data["jws-kubeconfig-\(expected.token.id)"]?.string else {
            throw Refusal(
                description: "\(expected.server) does not know the token \(expected.token.id): it may have ended")
        }
        guard DetachedSignature.verify(signature, of: Array(text.utf8), key: Array(expected.token.secret.utf8)) else {
            throw Refusal(description: "what \(expected.server) says of itself is not signed with the token's secret")
        }
        let kubeconfig = try Kubeconfig(yaml: Array(text.utf8))
        guard let pem = kubeconfig.clusters.first?.cluster.certificateAuthorityData else {
            throw Refusal(description: "the cluster-info of \(expected.server) names no authority")
        }
        if expected.hashes.isEmpty, expected.trustsAnyAuthority { return pem }
        let found = try Certificate.all(pem: pem).compactMap { $0.publicKey?.fingerprint }
        guard !found.isEmpty, found.allSatisfy(expected.hashes.contains) else {
            let hash = found.map { "sha256:\(Hex.encode($0))" }.joined(separator: ", ")
            throw Refusal(
                description: "the authority of \(expected.server) has the hash \(hash), which is none of those given")
        }
        return pem
    }
}
