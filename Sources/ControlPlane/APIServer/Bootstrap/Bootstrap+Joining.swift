// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Store
internal import TLS

/// What a machine that joins reads.
extension Bootstrap {
    /// `kube-public/cluster-info`: where the server is and how it is known, for anybody. The signatures beside it are
    /// the bootstrap signer's.
    func clusterInformation() async throws(APIError) {
        let authority: String
        do { authority = Base64.encode(try credentials.authority.certificate.pem()) } catch {
            throw .internalError("\(error)")
        }
        let address = core.configuration.advertiseAddress
        let host = address.contains(":") ? "[\(address)]" : address
        let kubeconfig = """
            apiVersion: v1
            clusters:
            - cluster:
                certificate-authority-data: \(authority)
                server: https://\(host):\(core.configuration.securePort)
              name: ""
            contexts: null
            current-context: ""
            kind: Config
            preferences: {}
            users: null

            """
        let wanted = JSONValue.string(kubeconfig)
        try await ensure(
            "", "configmaps",
            ["metadata": ["name": "cluster-info", "namespace": "kube-public"], "data": ["kubeconfig": wanted]])
        let resource = try core.builtin("", "configmaps")
        _ = try await core.storage.update(resource, namespace: "kube-public", name: "cluster-info", by: .server) {
            (old, _) throws(APIError) in
            if old["data"]?["kubeconfig"] == wanted { return nil }
            var new = old
            // Signatures of the old content go with it.
            new["data"] = ["kubeconfig": wanted]
            return new
        }
    }

    /// `kube-system/swiftlet-cluster`: what all nodes have to agree about, for nodes.
    func clusterSettings() async throws(APIError) {
        // An API server alone is not told; whoever runs the other components configures them.
        guard !core.configuration.clusterRanges.isEmpty else { return }
        try await replace(
            "", "configmaps",
            [
                "metadata": ["name": "swiftlet-cluster", "namespace": "kube-system"],
                "data": [
                    "clusterCIDR": .string(core.configuration.clusterRanges.joined(separator: ",")),
                    "clusterDNS": .string((core.configuration.clusterDNS ?? []).joined(separator: ",")),
                    "clusterDomain": .string(core.configuration.clusterDomain),
                ],
            ])
    }
}
