// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Linux
internal import Schema
internal import Store

/// pods/proxy, services/proxy and nodes/proxy: any request, passed on to the object.
struct ObjectProxy: Sendable {
    let scope: RequestScope

    func forward() async throws(APIError) -> HTTPResponse {
        let target = try ProxyTarget(scope.info.name, kind: scope.resource.kind)
        let query = scope.request.forwarded.rawQuery
        let suffix = query.isEmpty ? "" : "?\(query)"
        if scope.info.proxyPath.isEmpty, scope.request.isRead {
            // Relative links of a page only work below a directory.
            return HTTPResponse(status: 301, headers: ["Location": prefix + "/" + suffix])
        }
        let backend = try await backend(target)
        let path = scope.info.proxyPath.isEmpty ? "/" : scope.info.proxyPath
        return try await scope.relay(path + suffix, to: backend, below: prefix)
    }

    /// The path of this proxy, in the one way it is usually written.
    private var prefix: String {
        let namespace = scope.namespace.isEmpty ? [] : ["namespaces", scope.namespace]
        let segments = ["api", scope.info.version] + namespace + [scope.info.resource, scope.info.name, "proxy"]
        return segments.map { "/" + PercentEncoding.encodeSegment($0) }.joined()
    }

    private func backend(_ target: ProxyTarget) async throws(APIError) -> Backend {
        let address: DialableAddress
        switch scope.resource.kind {
        case "Node":
            let (host, kubeletPort) = try await scope.location(ofNode: target.name)
            let port = target.port.isEmpty ? kubeletPort : try target.number()
            guard let port else { throw .badRequest("invalid port \"\(target.port)\"") }
            if port == kubeletPort {
                try await requireEffect()
                return try await scope.kubelet(ofNode: target.name)
            }
            // Whatever listens there: it is asked as anybody could ask it.
            address = try await DialableAddress.resolve(host, port: port, for: .node)
        case "Pod": address = try await pod(target)
        // Whoever may write EndpointSlices has as much read here as he likes.
        default:
            address = try await withTaskExecutorPreference(scope.core.workbench.executor(for: scope.flow)) {
                () async throws(APIError) in
                try await service(target)
            }
        }
        return try scope.core.connections.backend(.other(isTLS: target.isTLS), at: address)
    }

    /// By an upgrade a kubelet runs commands and opens ports, whatever the method: `get` is not enough for that.
    private func requireEffect() async throws(APIError) {
        guard scope.request.asksForUpgrade else { return }
        try await scope.permit("create").require(
            .connect, scope.resource, namespace: scope.namespace, name: scope.info.name)
    }

    private func pod(_ target: ProxyTarget) async throws(APIError) -> DialableAddress {
        let stored = try scope.storage.require(scope.resource, namespace: scope.namespace, name: target.name)
        return try await scope.apart(stored.bytes.count) { () throws(APIError) in
            let pod = try APIObject(stored)
            guard let address = pod.status["podIP"]?.string, !address.isEmpty else {
                throw .serviceUnavailable("address not allowed: pod \(target.name) has no IP yet")
            }
            return try Self.address(address, try target.number() ?? Self.port(target.port, of: pod), of: pod)
        }
    }

    private static func address(
        _ address: String, _ port: UInt16, of pod: APIObject
    ) throws(APIError) -> DialableAddress {
        try DialableAddress(
            literal: address, port: port,
            for: .pod(sharesHostNetwork: pod.spec["hostNetwork"]?.bool == true))
    }

    /// The port of the name, the first one without a name, 80 where there is none.
    private static func port(_ name: String, of pod: APIObject) -> UInt16 {
        let ports = (pod.spec["containers"]?.array ?? []).flatMap { $0["ports"]?.array ?? [] }
        let chosen = ports.first { name.isEmpty || $0["name"]?.string == name }
        return chosen?["containerPort"]?.integer.flatMap { UInt16(exactly: $0) } ?? 80
    }

    /// One ready endpoint of the service, by its slices.
    private func service(_ target: ProxyTarget) async throws(APIError) -> DialableAddress {
        let service = try APIObject(
            try scope.storage.require(scope.resource, namespace: scope.namespace, name: target.name))
        let ports = service.spec["ports"]?.array ?? []
        let chosen = ports.first { candidate in
            target.port.isEmpty
                ? ports.count == 1
                : candidate["name"]?.string == target.port || candidate["port"]?.integer.map(String.init) == target.port
        }
        let portName = chosen?["name"]?.string ?? (chosen == nil ? target.port : "")
        var candidates: [(endpoint: JSONValue, port: UInt16)] = []
        let slices = try scope.core.builtin("discovery.k8s.io", "endpointslices")
        for stored in scope.storage.all(slices, namespace: scope.namespace) {
            await Task.yield()
            let slice = try APIObject(stored)
            guard slice.labels["kubernetes.io/service-name"]?.string == target.name,
                let number = (slice["ports"]?.array ?? []).first(where: { ($0["name"]?.string ?? "") == portName })?[
                    "port"]?.integer, let port = UInt16(exactly: number)
            else { continue }
            for endpoint in slice["endpoints"]?.array ?? [] where endpoint["conditions"]?["ready"]?.bool != false {
                candidates.append((endpoint, port))
            }
        }
        for (endpoint, port) in candidates.shuffled() {
            await Task.yield()
            if let address = try address(of: endpoint, port) { return address }
        }
        throw .serviceUnavailable("no endpoints available for service \"\(scope.info.name)\"")
    }

    /// The address of an endpoint that is a pod of the namespace and has the address: anybody who writes slices may claim
    /// any. Nil when it is none.
    private func address(of endpoint: JSONValue, _ port: UInt16) throws(APIError) -> DialableAddress? {
        let reference = endpoint["targetRef"]
        guard reference?["kind"]?.string == "Pod", let name = reference?["name"]?.string,
            reference?["namespace"]?.string == scope.namespace,
            let pod = try scope.core.object("", "pods", namespace: scope.namespace, name: name)
        else { return nil }
        let held =
            (pod.status["podIPs"]?.array ?? []).compactMap { $0["ip"]?.string } + [pod.status["podIP"]?.string ?? ""]
        guard let address = (endpoint["addresses"]?.array ?? []).compactMap(\.string).first(where: held.contains) else {
            return nil
        }
        return try Self.address(address, port, of: pod)
    }
}
