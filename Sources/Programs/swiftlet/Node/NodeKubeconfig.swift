// SPDX-License-Identifier: Apache-2.0

internal import KubeClient
internal import Kubelet

extension Kubeconfig {
    /// That of a node, which finds its certificate where it is renewed.
    static func ofNode(_ name: String, cluster: Cluster, certificate: NodeCertificate) -> Kubeconfig {
        var user = Kubeconfig.User()
        user.clientCertificate = certificate.file
        user.clientKey = certificate.file
        return Kubeconfig(name: "default", cluster: cluster, user: "system:node:\(name)", credentials: user)
    }
}
