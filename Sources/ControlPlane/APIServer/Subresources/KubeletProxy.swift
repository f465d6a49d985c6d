// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Linux
internal import Schema
internal import Store

/// log, exec, attach and portforward: asked of the kubelet of the pod's node.
struct KubeletProxy: Sendable {
    let scope: RequestScope

    /// What a kubelet is asked about.
    private struct Target: Sendable {
        var namespace: String
        var name: String
        /// Empty where the pod has none yet.
        var node: String
        /// Empty where none is asked for.
        var container: String
    }

    /// The pod of the request, and its container as `choose` has it; read where it keeps nobody waiting.
    private func target(
        _ choose: @escaping @Sendable (APIObject, _ node: String) throws(APIError) -> String
    ) async throws(APIError) -> Target {
        let stored = try scope.storage.require(scope.resource, namespace: scope.namespace, name: scope.info.name)
        return try await scope.apart(stored.bytes.count) { () throws(APIError) in
            let pod = try APIObject(stored)
            let node = pod.spec["nodeName"]?.string ?? ""
            return Target(
                namespace: pod.namespace, name: pod.name, node: node, container: try choose(pod, node))
        }
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

    /// What the kubelet is asked with: what this server has understood of the query, in its own words, and nothing that
    /// a kubelet might understand otherwise.
    private func query(_ names: [(of: String, as: String)], isFlags: Bool = false) -> [(name: String, value: String)] {
        names.compactMap { name in
            guard let value = scope.request.query[name.of] else { return nil }
            if isFlags { return RequestQuery.isTrue(value) ? (name.as, "1") : nil }
            return (name.as, value)
        }
    }

    private static func path(_ segments: String...) -> String {
        segments.map { "/" + PercentEncoding.encodeSegment($0) }.joined()
    }

    func log() async throws(APIError) -> HTTPResponse {
        let pod = try await target { (pod, _) throws(APIError) in try container(pod) }
        // Not scheduled yet: there is nothing, and that is no error.
        if pod.node.isEmpty { return HTTPResponse.text("") }
        let kubelet = try await scope.kubelet(ofNode: pod.node)
        let options = query(
            [
                "follow", "previous", "timestamps", "sinceSeconds", "sinceTime", "tailLines", "limitBytes", "stream",
            ].map { ($0, $0) })
        let target = Self.path("containerLogs", pod.namespace, pod.name, pod.container) + Self.query(options)
        guard WebSocketHandshake.isRequested(by: scope.request.forwarded) else {
            return try await scope.relay(target, to: kubelet)
        }
        try requireNoBody()
        let response = try await scope.relay(target, to: kubelet, mayUpgrade: false)
        return try ReadSocket.response(to: scope.request.forwarded, showing: response)
    }

    func stream() async throws(APIError) -> HTTPResponse {
        let pod = try await target { (pod, node) throws(APIError) in
            if node.isEmpty { throw .badRequest("pod \(pod.name) does not have a host assigned") }
            try requireNoBody()
            if scope.info.subresource == "portforward" { return "" }
            let container = try container(pod)
            let phase = pod.status["phase"]?.string ?? ""
            if phase == "Succeeded" || phase == "Failed" {
                throw .badRequest("cannot exec into a container in a completed pod; current phase is \(phase)")
            }
            return container
        }
        let path: String
        var options: [(name: String, value: String)]
        if scope.info.subresource == "portforward" {
            path = Self.path("portForward", pod.namespace, pod.name)
            options = scope.request.query.all("ports").map { ("port", $0) }
        } else {
            path = Self.path(scope.info.subresource, pod.namespace, pod.name, pod.container)
            options = query(
                [("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")], isFlags: true)
            if scope.info.subresource == "exec" {
                options += scope.request.query.all("command").map { ("command", $0) }
            }
        }
        return try await scope.relay(path + Self.query(options), to: scope.kubelet(ofNode: pod.node))
    }

    /// As the kubelet has it, and said before one is asked.
    private func requireNoBody() throws(APIError) {
        if scope.request.forwarded.hasBody { throw .badRequest("a request that changes the protocol has no body") }
    }

    static func query(_ items: [(name: String, value: String)]) -> String {
        if items.isEmpty { return "" }
        return "?"
            + items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(
                separator: "&")
    }
}
