// SPDX-License-Identifier: Apache-2.0

public import KubeAPI

/// A token for a pod's service account.
public struct PodToken: Sendable, Hashable {
    public var token: String
    /// Seconds since the epoch.
    public var expiration: Int64

    public init(token: String, expiration: Int64) {
        self.token = token
        self.expiration = expiration
    }
}

/// Where the content of volumes comes from: the API server, through the kubelet's caches.
public protocol VolumeSources: Sendable {
    /// Nil when there is no such object.
    func configMap(namespace: String, name: String) async throws -> ConfigMap?
    func secret(namespace: String, name: String) async throws -> Secret?
    /// A token bound to `pod`, good for about `seconds`.
    func token(for pod: Pod, audience: String?, seconds: Int) async throws -> PodToken
    /// The value of a `fieldRef` that needs more than the pod's metadata.
    func field(_ path: String, of pod: Pod) async throws -> String
    /// The value of a `resourceFieldRef`.
    func resource(_ reference: ResourceFieldSelector, of pod: Pod) async throws -> String
    /// The path of a local persistent volume bound to a claim.
    func localPath(claim: String, namespace: String) async throws -> (path: String, readOnly: Bool)
}
