// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Telemetry

extension Bootstrap {
    /// The label by which what is made here is told from a CoreDNS of somebody's own.
    private static let ownership = (key: "app.kubernetes.io/managed-by", value: "swiftlet")

    /// Makes the Service of the bundled DNS server, named as upstream names CoreDNS'; its endpoints are written by the nodes
    /// that serve it. A Service of that name that somebody else made stays as it is.
    func clusterDNS(_ addresses: [String]) async throws(APIError) {
        guard let first = addresses.first else { return try await removeClusterDNS() }
        let labels: JSONObject = [
            "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
            Self.ownership.key: .string(Self.ownership.value),
        ]
        do throws(APIError) {
            try await ensure(
                "", "services",
                [
                    "metadata": [
                        "name": "kube-dns", "namespace": "kube-system", "labels": .object(labels),
                        "annotations": ["prometheus.io/port": "9153", "prometheus.io/scrape": "true"],
                    ],
                    "spec": [
                        "type": "ClusterIP", "clusterIP": .string(first),
                        "clusterIPs": .array(addresses.map { .string($0) }),
                        "ipFamilyPolicy": addresses.count > 1 ? "RequireDualStack" : "SingleStack",
                        // Where several nodes have a server, pods ask the one beside them.
                        "trafficDistribution": "PreferSameNode",
                        "ports": [
                            ["name": "dns", "protocol": "UDP", "port": 53, "targetPort": "dns"],
                            ["name": "dns-tcp", "protocol": "TCP", "port": 53, "targetPort": "dns-tcp"],
                            ["name": "metrics", "protocol": "TCP", "port": 9153, "targetPort": "metrics"],
                        ],
                    ],
                ])
        } catch {
            // The address is another Service's: names are then that one's business, or nobody's, and the cluster goes on.
            core.logger.error("make the Service of cluster DNS", ["error": error.message])
        }
    }

    private func removeClusterDNS() async throws(APIError) {
        let services = try core.builtin("", "services")
        guard let stored = core.storage.get(services, namespace: "kube-system", name: "kube-dns"),
            stored.isReadable, try APIObject(stored).labels[Self.ownership.key]?.string == Self.ownership.value
        else { return }
        try await delete(services, "kube-dns")
        let slices = try core.builtin("discovery.k8s.io", "endpointslices")
        for stored in core.storage.all(slices, namespace: "kube-system") {
            let slice = try APIObject(stored)
            if slice.labels["endpointslice.kubernetes.io/managed-by"]?.string == "cluster-dns.swiftlet" {
                try await delete(slices, slice.name)
            }
        }
    }

    private func delete(_ resource: ResourceKind, _ name: String) async throws(APIError) {
        let scope = try scope(resource, "kube-system")
        _ = try await scope.delete(name: name, namespace: "kube-system", DeleteOptions(query: scope.options))
    }
}
