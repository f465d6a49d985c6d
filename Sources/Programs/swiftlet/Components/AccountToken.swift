// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeClient
internal import Schema

/// The token of a service account of `kube-system`, asked for when it is needed and again before it ends.
actor AccountToken {
    private let account: String
    private let client: KubeClient
    private var current: (text: String, until: Timestamp)?
    private var asking: Task<(text: String, until: Timestamp), any Error>?

    private static let accounts = ResourceID(
        group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true)
    private static let namespace = "kube-system"
    private static let lifetime = 3600

    /// - Parameter client: Of who may make the account and its tokens.
    init(account: String, client: KubeClient) {
        self.account = account
        self.client = client
    }

    func text() async throws -> String {
        if let current, .now < current.until { return current.text }
        // Many requests may find that out at the same time.
        if let asking { return try await asking.value.text }
        let task = Task { try await Self.ask(account, client) }
        asking = task
        defer { asking = nil }
        let fresh = try await task.value
        current = fresh
        return fresh.text
    }

    private static func ask(_ account: String, _ client: KubeClient) async throws -> (text: String, until: Timestamp) {
        let request: JSONObject = [
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": ["expirationSeconds": .integer(Int64(lifetime))],
        ]
        let path = KubeClient.path(accounts, namespace: namespace, name: account, subresource: "token")
        var answer: JSONValue
        do {
            answer = try await client.request("POST", path, body: request)
        } catch let error as StatusError where error.isNotFound {
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
