// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension Bootstrap {
    /// The account by which the service proxy of a node that joined reads Services, their endpoints and where other nodes'
    /// pods are. A node's own name gives none of that; it gets a token of this account, bound to its Node.
    func nodeProxy() async throws(APIError) {
        try await ensure("", "serviceaccounts", ["metadata": ["name": "kube-proxy", "namespace": "kube-system"]])
        try await retire("clusterrolebindings", "swiftlet:node-proxier")
    }

    /// Takes away what an earlier version gave, where nobody has made it his own.
    private func retire(_ plural: String, _ name: String) async throws(APIError) {
        let resource = try core.builtin(RoleEvaluator.group, plural)
        guard let stored = core.storage.get(resource, namespace: "", name: name), stored.isReadable else { return }
        let old = try APIObject(stored)
        guard old.labels["kubernetes.io/bootstrapping"] == "rbac-defaults",
            old.annotations["rbac.authorization.kubernetes.io/autoupdate"]?.string != "false"
        else { return }
        let scope = try scope(resource, "")
        _ = try await scope.delete(name: name, namespace: "", DeleteOptions(query: scope.options))
    }
}
