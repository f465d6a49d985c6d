// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema
internal import Store
internal import Telemetry

/// Puts into the store what every cluster has. Made to run at every start: what is there is left, what is missing is
/// made, and what the server owns (its own Service's endpoints, the system roles) is brought up to date.
struct Bootstrap: Sendable {
    let core: ServerCore
    let credentials: ServerCredentials

    private static let me = RequestUser(name: "system:apiserver", groups: [Authorizer.masters])

    func run() async throws(APIError) {
        try await namespaces()
        try await priorityClasses()
        try await roles()
        try await nodeProxy()
        try await serviceRange()
        try await ownService(isFirst: true)
        if let addresses = core.configuration.clusterDNS { try await clusterDNS(addresses) }
        try await authenticationConfiguration()
        try await clusterInformation()
        try await clusterSettings()
    }

    /// What somebody may have deleted and no cluster works without, again: the address of the API server would else be the
    /// next one's who asks for it.
    func renew() async throws(APIError) {
        try await namespaces()
        try await ownService(isFirst: false)
    }

    private func namespaces() async throws(APIError) {
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            try await ensure("", "namespaces", ["metadata": ["name": .string(name)]])
        }
    }

    /// Makes an object as a client would, through defaults and validation.
    func ensure(_ group: String, _ plural: String, _ given: JSONObject) async throws(APIError) {
        let resource = try core.builtin(group, plural)
        var object = APIObject(given)
        object["kind"] = .string(resource.kind)
        object["apiVersion"] = .string(resource.apiVersion)
        guard isAbsent(resource, object) else { return }
        do throws(APIError) {
            _ = try await scope(resource, object.namespace).create(object, manager: .update, by: .server)
        } catch {
            guard error.reason == "AlreadyExists" else { throw error }
        }
    }

    /// One that is there and cannot be read is left to an administrator: a server that does not start could not even delete
    /// it.
    func isReadable(_ resource: ResourceKind, _ object: APIObject) -> Bool {
        guard let stored = core.storage.get(resource, namespace: object.namespace, name: object.name) else {
            return false
        }
        if stored.isReadable { return true }
        core.logger.error("an object of the server's own cannot be read, going on without", ["key": stored.key])
        return false
    }

    private func isAbsent(_ resource: ResourceKind, _ object: APIObject) -> Bool {
        core.storage.get(resource, namespace: object.namespace, name: object.name) == nil
    }

    func scope(_ resource: ResourceKind, _ namespace: String) throws(APIError) -> RequestScope {
        let path = resource.id.path(namespace: namespace.isEmpty ? nil : namespace)
        let request = ParsedRequest(
            HTTPRequest(method: "POST", target: path, headers: ["User-Agent": "kube-apiserver"]))
        return RequestScope(
            core: core, request: request, user: Self.me, holder: BudgetHolder(Self.me), permission: .server,
            resource: resource,
            options: try QueryOptions(request.query), output: try OutputFormat(request))
    }

    private func priorityClasses() async throws(APIError) {
        for (name, value, text) in [
            (
                "system-node-critical", 2_000_001_000,
                "Used for system critical pods that must not be moved from their current node."
            ),
            (
                "system-cluster-critical", 2_000_000_000,
                "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary."
            ),
        ] {
            try await ensure(
                "scheduling.k8s.io", "priorityclasses",
                [
                    "metadata": ["name": .string(name)], "value": .integer(Int64(value)),
                    "description": .string(text),
                ])
        }
    }

    // MARK: Roles

    private func roles() async throws(APIError) {
        let plurals = [
            "ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings", "Role": "roles",
            "RoleBinding": "rolebindings",
        ]
        let policy = DefaultPolicy()
        try await withAll(policy.objects) { object throws(APIError) in
            let plural = plurals[object.kind] ?? ""
            try await ensure(RoleEvaluator.group, plural, object.json)
            try await reconcile(object, plural)
        }
    }

    /// Makes many objects at once: they share transactions, and so fsyncs.
    private func withAll(
        _ objects: [APIObject], _ body: @escaping @Sendable (APIObject) async throws(APIError) -> Void
    ) async throws(APIError) {
        let failure = await withTaskGroup(of: APIError?.self) { group in
            for object in objects {
                group.addTask {
                    do throws(APIError) {
                        try await body(object)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            return await group.reduce(nil as APIError?) { $0 ?? $1 }
        }
        if let failure { throw failure }
    }

    /// A role or binding that is there already, brought up to date.
    private func reconcile(_ wanted: APIObject, _ plural: String) async throws(APIError) {
        let resource = try core.builtin(RoleEvaluator.group, plural)
        guard isReadable(resource, wanted),
            let stored = core.storage.get(resource, namespace: wanted.namespace, name: wanted.name)
        else { return }
        if RoleReconciliation(wanted, over: try APIObject(stored)) == .replace {
            let scope = try scope(resource, wanted.namespace)
            _ = try await scope.delete(
                name: wanted.name, namespace: wanted.namespace, DeleteOptions(query: scope.options))
            try await ensure(RoleEvaluator.group, plural, wanted.json)
        }
        _ = try await core.storage.update(resource, namespace: wanted.namespace, name: wanted.name, by: .server) {
            (old, _) throws(APIError) in
            guard case .update(let new) = RoleReconciliation(wanted, over: old) else { return nil }
            return new
        }
    }

    // MARK: The server's own Service

    private func serviceRange() async throws(APIError) {
        guard core.registry.preferred("networking.k8s.io", "servicecidrs") != nil else { return }
        let ranges = core.allocator.ranges.map { JSONValue.string($0.text) }
        try await ensure(
            "networking.k8s.io", "servicecidrs",
            ["metadata": ["name": "kubernetes"], "spec": ["cidrs": .array(ranges)]])
    }

    private func ownService(isFirst: Bool) async throws(APIError) {
        guard let range = core.allocator.ranges.first else { return }
        let port = Int64(core.configuration.securePort)
        let own = range.address(1)
        try await replace(
            "", "services",
            [
                "metadata": [
                    "name": "kubernetes", "namespace": "default",
                    "labels": ["component": "apiserver", "provider": "kubernetes"],
                ],
                "spec": [
                    "type": "ClusterIP", "clusterIP": .string(own), "clusterIPs": [.string(own)],
                    "ipFamilies": [own.contains(":") ? "IPv6" : "IPv4"], "ipFamilyPolicy": "SingleStack",
                    "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
                    "ports": [["name": "https", "protocol": "TCP", "port": 443, "targetPort": .integer(port)]],
                ],
            ])
        let address = core.configuration.advertiseAddress
        // Pods cannot reach the server on their own loopback: such endpoints would be a lie, and validation refuses them.
        if address.hasPrefix("127.") || address == "::1" {
            if isFirst {
                core.logger.warning("no endpoints for the kubernetes Service", ["advertise-address": address])
            }
            return
        }
        try await replace(
            "", "endpoints",
            [
                "metadata": [
                    "name": "kubernetes", "namespace": "default",
                    "labels": ["endpointslice.kubernetes.io/skip-mirror": "true"],
                ],
                "subsets": [
                    [
                        "addresses": [["ip": .string(address)]],
                        "ports": [["name": "https", "port": .integer(port), "protocol": "TCP"]],
                    ]
                ],
            ])
        try await replace(
            "discovery.k8s.io", "endpointslices",
            [
                "metadata": [
                    "name": "kubernetes", "namespace": "default",
                    "labels": ["kubernetes.io/service-name": "kubernetes"],
                ],
                "addressType": address.contains(":") ? "IPv6" : "IPv4",
                "endpoints": [["addresses": [.string(address)], "conditions": ["ready": true]]],
                "ports": [["name": "https", "port": .integer(port), "protocol": "TCP"]],
            ])
    }

    /// The Service by which pods reach the server, and its endpoints: by what names each is stored.
    private static let own = [("", "services"), ("", "endpoints"), ("discovery.k8s.io", "endpointslices")]

    /// Puts what belongs to the server's own Service right as soon as somebody has changed one of them, until cancelled
    /// or the store is closed.
    func keepOwnService() async {
        await withTaskGroup(of: Void.self) { group in
            for (owner, plural) in Self.own { group.addTask { await keep(owner, plural) } }
        }
    }

    private func keep(_ group: String, _ plural: String) async {
        while !Task.isCancelled {
            do {
                let resource = try core.builtin(group, plural)
                let key = ObjectStorage.key(resource, namespace: "default", name: "kubernetes")
                let watch = try await core.store.watch(prefix: key, after: core.store.currentRevision)
                repeat {
                    do throws(APIError) { try await ownService(isFirst: false) } catch {
                        core.logger.warning("put the kubernetes Service right", ["error": error.message])
                    }
                } while try await watch.next() != nil
                return  // The watch ended: the server stops.
            } catch {
                core.logger.warning("watch the kubernetes Service, trying again", ["error": "\(error)"])
            }
            do { try await Task.sleep(for: .seconds(1)) } catch { return }  // Cancelled.
        }
    }

    /// As `ensure`, and an object that differs in more than metadata is put right. Of that, the labels that are wanted, and
    /// none besides of Kubernetes' own, nor such annotations: they have proxies leave a Service out.
    func replace(_ group: String, _ plural: String, _ wanted: JSONObject) async throws(APIError) {
        try await ensure(group, plural, wanted)
        let resource = try core.builtin(group, plural)
        let object = APIObject(wanted)
        guard isReadable(resource, object) else { return }
        _ = try await core.storage.update(resource, namespace: object.namespace, name: object.name, by: .server) {
            (old, _) throws(APIError) in
            var new = old
            for (field, value) in wanted where field != "metadata" { new[field] = value }
            var metadata = new.metadata
            for field in ["labels", "annotations"] {
                let mine = object.metadata[field]?.object ?? [:]
                guard metadata[field] != nil || !mine.isEmpty else { continue }
                var kept = JSONObject()
                for (key, value) in metadata[field]?.object ?? [:] where !Self.steers(key) { kept[key] = value }
                for (key, value) in mine { kept[key] = value }
                if kept != metadata[field]?.object { metadata[field] = kept.isEmpty ? nil : .object(kept) }
            }
            new.metadata = metadata
            return new == old ? nil : new
        }
    }

    /// Whether a label or annotation is one of those by which proxies and controllers of Services go.
    private static func steers(_ key: String) -> Bool {
        ["", "service.", "endpointslice.", "endpoints."].contains { key.utf8.starts(with: "\($0)kubernetes.io/".utf8) }
    }

    /// What an aggregated API server reads to know whom to believe.
    private func authenticationConfiguration() async throws(APIError) {
        let authority: String
        let frontProxy: String
        do {
            authority = String(decoding: try credentials.authority.certificate.pem(), as: UTF8.self)
            frontProxy = String(decoding: try credentials.frontProxyAuthority.certificate.pem(), as: UTF8.self)
        } catch {
            throw .internalError("\(error)")
        }
        try await replace(
            "", "configmaps",
            [
                "metadata": ["name": "extension-apiserver-authentication", "namespace": "kube-system"],
                "data": [
                    "client-ca-file": .string(authority), "requestheader-client-ca-file": .string(frontProxy),
                    "requestheader-allowed-names": "[\"system:auth-proxy\"]",
                    "requestheader-username-headers": "[\"X-Remote-User\"]",
                    "requestheader-uid-headers": "[\"X-Remote-Uid\"]",
                    "requestheader-group-headers": "[\"X-Remote-Group\"]",
                    "requestheader-extra-headers-prefix": "[\"X-Remote-Extra-\"]",
                ],
            ])
    }
}
