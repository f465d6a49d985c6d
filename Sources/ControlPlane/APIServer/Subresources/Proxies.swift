// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Linux
internal import Schema

/// log, exec, attach and portforward: asked of the kubelet of the pod's node.
struct KubeletProxy: Sendable {
    let scope: RequestScope

    private func pod() throws(APIError) -> APIObject {
        try APIObject(try scope.storage.require(scope.resource, namespace: scope.namespace, name: scope.info.name))
    }

    /// The container meant: the one named, or the only one, or the one the annotation prefers.
    private func container(_ pod: APIObject) throws(APIError) -> String {
        let names = ["containers", "initContainers", "ephemeralContainers"].map { field in
            (pod.spec[field]?.array ?? []).compactMap { $0["name"]?.string }
        }
        if let wanted = scope.request.query.text("container") {
            guard names.joined().contains(wanted) else {
                throw .badRequest("container \(wanted) is not valid for pod \(pod.name)")
            }
            return wanted
        }
        if let only = names[0].first, names[0].count == 1 { return only }
        if let preferred = pod.annotations["kubectl.kubernetes.io/default-container"]?.string,
            names[0].contains(preferred)
        {
            return preferred
        }
        var text =
            "a container name must be specified for pod \(pod.name), choose one of: [\(names[0].joined(separator: " "))]"
        if !names[1].isEmpty { text += " or one of the init containers: [\(names[1].joined(separator: " "))]" }
        throw .badRequest(text)
    }

    private func connection(_ pod: APIObject) throws(APIError) -> (any HTTPExchange, String) {
        let node = pod.spec["nodeName"]?.string ?? ""
        let address = try scope.kubeletAddress(node)
        let client = try scope.core.kubelets.client(
            host: address.host, port: address.port, tls: true, authenticated: true)
        return (
            client,
            SocketAddress(host: address.host, port: UInt16(clamping: address.port))?.description
                ?? "\(address.host):\(address.port)"
        )
    }

    func log() async throws(APIError) -> HTTPResponse {
        let pod = try pod()
        let container = try container(pod)
        guard !(pod.spec["nodeName"]?.string ?? "").isEmpty else {
            // Not scheduled yet: there is nothing, and that is no error.
            return HTTPResponse.text("")
        }
        let (client, host) = try connection(pod)
        let query = Self.query(scope.request.query.items.filter { $0.name != "container" })
        let target = "/containerLogs/\(pod.namespace)/\(pod.name)/\(container)\(query)"
        guard WebSocketHandshake.isRequested(by: scope.request.forwarded) else {
            return try await scope.relay(target, to: client, host: host)
        }
        let response = try await scope.relay(target, to: client, host: host, mayUpgrade: false)
        return try ReadSocket.response(to: scope.request.forwarded, showing: response)
    }

    func stream() async throws(APIError) -> HTTPResponse {
        let pod = try pod()
        if (pod.spec["nodeName"]?.string ?? "").isEmpty {
            throw .badRequest("pod \(pod.name) does not have a host assigned")
        }
        let (client, host) = try connection(pod)
        var path = ""
        var items = scope.request.query.items
        switch scope.info.subresource {
        case "portforward": path = "/portForward/\(pod.namespace)/\(pod.name)"
        default:
            let container = try container(pod)
            let phase = pod.status["phase"]?.string ?? ""
            if phase == "Succeeded" || phase == "Failed" {
                throw .badRequest("cannot exec into a container in a completed pod; current phase is \(phase)")
            }
            path = "/\(scope.info.subresource)/\(pod.namespace)/\(pod.name)/\(container)"
            items = items.compactMap { item in
                switch item.name {
                case "container": nil
                case "stdin": RequestQuery.isTrue(item.value) ? ("input", "1") : nil
                case "stdout": RequestQuery.isTrue(item.value) ? ("output", "1") : nil
                case "stderr": RequestQuery.isTrue(item.value) ? ("error", "1") : nil
                case "tty": RequestQuery.isTrue(item.value) ? ("tty", "1") : nil
                default: item
                }
            }
        }
        return try await scope.relay(path + Self.query(items), to: client, host: host)
    }

    static func query(_ items: [(name: String, value: String)]) -> String {
        if items.isEmpty { return "" }
        return "?" + items.map { "\(escape($0.name))=\(escape($0.value))" }.joined(separator: "&")
    }

    private static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e: bytes.append(byte)
            default: bytes += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// pods/proxy, services/proxy and nodes/proxy: any request, passed on to the object.
struct ObjectProxy: Sendable {
    let scope: RequestScope

    func forward() async throws(APIError) -> HTTPResponse {
        // `https:name:port`, `name:port`, `name`.
        let parts = scope.info.name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let tls = parts.count == 3 && parts[0] == "https"
        let name = parts.count == 3 ? parts[1] : parts[0]
        let port = parts.count == 3 ? parts[2] : parts.count == 2 ? parts[1] : ""
        if scope.info.proxyPath.isEmpty, ["GET", "HEAD"].contains(scope.request.method) {
            // Relative links of a page only work below a directory.
            let query = scope.request.forwarded.rawQuery
            return HTTPResponse(
                status: 301,
                headers: ["Location": scope.request.path.raw + "/" + (query.isEmpty ? "" : "?\(query)")])
        }
        let target = try endpoint(name, port)
        let client = try scope.core.kubelets.client(
            host: target.host, port: target.port, tls: tls || scope.resource.kind == "Node",
            authenticated: scope.resource.kind == "Node")
        let path = scope.info.proxyPath.isEmpty ? "/" : scope.info.proxyPath
        let query = scope.request.forwarded.rawQuery
        return try await scope.relay(
            path + (query.isEmpty ? "" : "?\(query)"), to: client, host: "\(target.host):\(target.port)")
    }

    private func endpoint(_ name: String, _ port: String) throws(APIError) -> (host: String, port: Int) {
        switch scope.resource.kind {
        case "Node":
            let address = try scope.kubeletAddress(name)
            return (address.host, Int(port) ?? address.port)
        case "Pod": return try pod(name, port)
        default: return try service(name, port)
        }
    }

    private func pod(_ name: String, _ port: String) throws(APIError) -> (host: String, port: Int) {
        let pod = try APIObject(try scope.storage.require(scope.resource, namespace: scope.namespace, name: name))
        guard let address = pod.status["podIP"]?.string, !address.isEmpty else {
            throw .serviceUnavailable("address not allowed: pod \(name) has no IP yet")
        }
        if let number = Int(port) { return (address, number) }
        for container in pod.spec["containers"]?.array ?? [] {
            for candidate in container["ports"]?.array ?? [] {
                if port.isEmpty || candidate["name"]?.string == port, let number = candidate["containerPort"]?.integer {
                    return (address, Int(number))
                }
            }
        }
        return (address, 80)
    }

    /// One ready endpoint of the service, by its slices.
    private func service(_ name: String, _ port: String) throws(APIError) -> (host: String, port: Int) {
        let service = try APIObject(try scope.storage.require(scope.resource, namespace: scope.namespace, name: name))
        let ports = service.spec["ports"]?.array ?? []
        let chosen = ports.first { candidate in
            port.isEmpty
                ? ports.count == 1
                : candidate["name"]?.string == port || candidate["port"]?.integer.map(String.init) == port
        }
        let portName = chosen?["name"]?.string ?? (chosen == nil ? port : "")
        var candidates: [(host: String, port: Int)] = []
        for slice in try scope.core.objects("discovery.k8s.io", "endpointslices", namespace: scope.namespace)
        where slice.labels["kubernetes.io/service-name"]?.string == name {
            guard
                let number = (slice["ports"]?.array ?? []).first(where: { ($0["name"]?.string ?? "") == portName })?[
                    "port"]?.integer
            else { continue }
            for endpoint in slice["endpoints"]?.array ?? [] where endpoint["conditions"]?["ready"]?.bool != false {
                for address in endpoint["addresses"]?.array ?? [] {
                    if let host = address.string { candidates.append((host, Int(number))) }
                }
            }
        }
        guard let target = candidates.randomElement() else {
            throw .serviceUnavailable("no endpoints available for service \"\(name)\"")
        }
        return target
    }
}
