// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeClient
internal import Schema

/// The token of a service account of `kube-system`, asked for when it is needed and again before it ends.
actor AccountToken {
    private let account: String
    private let client: KubeClient
    /// The node with whose Node the token ends.
    private let node: String?
    private var current: (text: String, until: Timestamp)?
    private var asking: Task<(text: String, until: Timestamp), any Error>?

    private static let accounts = ResourceID(
        group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true)
    private static let nodes = ResourceID(
        group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false)
    private static let namespace = "kube-system"
    private static let lifetime = 3600

    /// - Parameter client: Of who may make the account and its tokens.
    init(account: String, client: KubeClient) {
        self.account = account
        self.client = client
        node = nil
    }

    /// A token for the service proxy of `node`, which asks for it itself: the account is there, or there is none to be had.
    init(ofProxyOn node: String, client: KubeClient) {
        account = "kube-proxy"
        self.client = client
        self.node = node
    }

    /// The token was refused, as one is whose Node was made anew: the next request asks for another.
    func forget() { current = nil }

    func text() async throws -> String {
        if let current, .now < current.until { return current.text }
        // Many requests may find that out at the same time.
        if let asking { return try await asking.value.text }
        let task = EventLoop.here.begin { try await Self.ask(account, client, node) }
        asking = task
        defer { asking = nil }
        let fresh = try await task.value
        current = fresh
        return fresh.text
    }

    private static func ask(
        _ account: String, _ client: KubeClient, _ node: String?
    ) async throws -> (text: String, until: Timestamp) {
        var spec: JSONObject = ["expirationSeconds": .integer(Int64(lifetime))]
        if let node {
            spec["boundObjectRef"] = [
                "apiVersion": "v1", "kind": "Node", "name": .string(node),
                "uid": .string(try await client.get(nodes, name: node).objectUID),
            ]
        }
        let request: JSONObject = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": .object(spec),
        ]
        let path = KubeClient.path(accounts, namespace: namespace, name: account, subresource: "token")
        var answer: JSONValue
        do {
            answer = try await client.request("POST", path, body: request)
        } catch let error as StatusError where error.isNotFound && node == nil {
            do {
                _ = try await client.create(
                    accounts, ["metadata": ["name": .string(account), "namespace": .string(namespace)]])
            } catch let error as StatusError where error.isAlreadyExists {
                // Made meanwhile by another.
            }
            answer = try await client.request("POST", path, body: request)
        }
        guard let text = answer["status"]?["token"]?.string else {
            throw StatusError(code: 500, reason: "InternalError", message: "the token request's answer has no token")
        }
        // By this machine's clock, and well before the end.
        return (text, .now + .seconds(lifetime * 3 / 4))
    }
}

extension KubeConnection {
    /// A client of the service proxy of `node`, by a token that the node is given for it.
    func proxyClient(node: String) -> KubeClient {
        let token = AccountToken(ofProxyOn: node, client: client.named("kube-proxy"))
        var proxy = client(userAgent: "kube-proxy") { try await token.text() }
        proxy.onUnauthorized = { await token.forget() }
        return proxy
    }
}
