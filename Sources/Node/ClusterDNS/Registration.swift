// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Netlink
internal import Telemetry

/// Names this node's server as an endpoint of the Service `kube-system/kube-dns`, in slices of its own.
///
/// Each node writes its own slices, once its server listens: what they say is so. Each endpoint is meant for its node
/// (`hints.forNodes`), so pods ask the server beside them as long as it is there, and go with the Node object that owns
/// them.
struct Registration: Sendable {
    static let manager = "cluster-dns.swiftlet"
    /// The label by which the bundled Service is told from one of somebody else's CoreDNS.
    static let ownership = (key: "app.kubernetes.io/managed-by", value: "swiftlet")

    let client: KubeClient
    let catalog: ClusterCatalog
    let nodeName: String
    let addresses: [IPAddress]
    let ports: [NamedPort]
    let logger: Logger

    /// Keeps the slices as they must be until cancelled.
    func run() async throws {
        let (wakeups, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        catalog.services.addHandler { change in if change.object.isDNSService { waker.yield() } }
        catalog.slices.addHandler { change in
            if change.object.metadata.labels[EndpointGroup.serviceLabel] == ClusterRecords.dnsService.name {
                waker.yield()
            }
        }
        try await catalog.waitForSync()
        waker.yield()
        var isWarned = false
        for await _ in wakeups {
            try Task.checkCancellation()
            do {
                let isOurs = try await sync()
                if !isOurs, !isWarned {
                    logger.info("cluster DNS waits for its Service", ["service": "kube-system/kube-dns"])
                    isWarned = true
                }
            } catch {
                logger.warning("publish the DNS endpoints, retrying", ["error": "\(error)"])
                try await sleep(for: .seconds(1))
                waker.yield()
            }
        }
    }

    /// False when there is no Service of ours to be an endpoint of.
    private func sync() async throws -> Bool {
        let service = catalog.services.list(namespace: ClusterRecords.dnsService.namespace).first(where: \.isDNSService)
        let isOurs = service?.metadata.labels[Self.ownership.key] == Self.ownership.value
        for family in IPFamily.allCases {
            let found = addresses.filter { $0.family == family }
            let name = Self.name(nodeName, family)
            let present = catalog.slices.get(name, namespace: ClusterRecords.dnsService.namespace)
            guard isOurs, !found.isEmpty else {
                if present != nil {
                    try await ignoringAbsence {
                        try await client.delete(
                            EndpointSlice.self, name, namespace: ClusterRecords.dnsService.namespace)
                    }
                }
                continue
            }
            let node = try await client.get(Node.self, nodeName)
            let wanted = Self.slice(nodeName, uid: node.json.objectUID, family, found, ports)
            guard let present else {
                do { try await client.create(wanted) } catch  where error.isAlreadyExists {
                    // Of an earlier run, and not seen yet: its arrival wakes the loop again.
                }
                continue
            }
            guard !present.says(wanted) else { continue }
            var changed = try await client.get(
                EndpointSlice.self, name, namespace: ClusterRecords.dnsService.namespace)
            for field in ["endpoints", "ports"] { changed.json[field] = wanted.json[field] }
            changed.json.set("metadata", "labels", to: wanted.json.value("metadata", "labels"))
            changed.json.set("metadata", "ownerReferences", to: wanted.json.value("metadata", "ownerReferences"))
            try await client.update(changed)
        }
        return isOurs
    }

    private func ignoringAbsence(_ body: () async throws -> Void) async throws {
        do { try await body() } catch  where error.isNotFound {
            // Gone already.
        }
    }

    static func name(_ node: String, _ family: IPFamily) -> String {
        "kube-dns-\(node)-\(family == .v4 ? "ipv4" : "ipv6")"
    }

    static func slice(
        _ node: String, uid: String, _ family: IPFamily, _ addresses: [IPAddress], _ ports: [NamedPort]
    ) -> EndpointSlice {
        let labels: JSONObject = [
            EndpointGroup.serviceLabel: .string(ClusterRecords.dnsService.name), "k8s-app": "kube-dns",
            "endpointslice.kubernetes.io/managed-by": .string(manager),
        ]
        let owner: JSONValue = ["apiVersion": "v1", "kind": "Node", "name": .string(node), "uid": .string(uid)]
        return EndpointSlice(json: [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "name": .string(name(node, family)), "namespace": .string(ClusterRecords.dnsService.namespace),
                "labels": .object(labels), "ownerReferences": [owner],
            ],
            "addressType": family == .v4 ? "IPv4" : "IPv6",
            "endpoints": .array(
                addresses.map { address in
                    [
                        "addresses": [.string("\(address)")],
                        "conditions": ["ready": true, "serving": true, "terminating": false],
                        "hints": ["forNodes": [["name": .string(node)]]], "nodeName": .string(node),
                    ]
                }),
            "ports": .array(
                ports.map { port in
                    [
                        "name": .string(port.name), "protocol": .string(port.transport.uppercased()),
                        "port": .integer(Int64(port.number)),
                    ]
                }),
        ])
    }
}

extension Service {
    fileprivate var isDNSService: Bool {
        name == ClusterRecords.dnsService.name && metadata.namespace == ClusterRecords.dnsService.namespace
    }
}

extension EndpointSlice {
    /// Whether a cached slice has the endpoints, ports and labels that are wanted.
    fileprivate func says(_ wanted: EndpointSlice) -> Bool {
        endpoints == wanted.endpoints && ports == wanted.ports && metadata.labels == wanted.metadata.labels
    }
}
