// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// The Secret that credentials are from, as it was, and what they were.
public struct PullSecret: Sendable, Hashable {
    public var uid: String
    public var namespace: String
    public var name: String
    /// Of user and password: the same credentials in another Secret are as good.
    public var credentialHash: String

    public init(uid: String, namespace: String, name: String, credentialHash: String) {
        self.uid = uid
        self.namespace = namespace
        self.name = name
        self.credentialHash = credentialHash
    }

    func isSameObject(as other: PullSecret) -> Bool {
        uid == other.uid && namespace == other.namespace && name == other.name
    }
}

/// With whose credentials an image was fetched: ImagePulledRecord of kubelet.config.k8s.io (KEP-2535).
struct PullRecord: Sendable, Hashable {
    /// Who may have the image under one name.
    struct Access: Sendable, Hashable {
        /// The registry gives it to anybody on this node.
        var isEverybodys = false
        var secrets: [PullSecret] = []
    }

    /// The image's identifier.
    var imageRef: String
    var lastUpdated: String
    /// By name without tag and digest.
    var access: [String: Access] = [:]

    /// At most so many Secrets are remembered of one name; beyond them the registry is asked again.
    static let secretLimit = 100

    /// Whether it is known that these credentials may have the image under the name.
    func admits(_ secrets: [PullSecret], to repository: String) -> Bool {
        guard let known = access[repository] else { return false }
        if known.isEverybodys { return true }
        return secrets.contains { shown in
            known.secrets.contains { kept in
                (!kept.credentialHash.isEmpty && kept.credentialHash == shown.credentialHash)
                    || kept.isSameObject(as: shown)
            }
        }
    }

    /// The record with one more that the registry gave the image to; nil: to anybody.
    func adding(_ secret: PullSecret?, to repository: String) -> PullRecord {
        var record = self
        var known = access[repository] ?? Access()
        if let secret {
            guard !known.isEverybodys else { return self }
            known.secrets.removeAll { $0.isSameObject(as: secret) }
            known.secrets.insert(secret, at: 0)
            known.secrets = Array(known.secrets.prefix(Self.secretLimit))
        } else {
            known = Access(isEverybodys: true)
        }
        record.access[repository] = known
        return record
    }

    // MARK: Form

    static let version = "kubelet.config.k8s.io/v1beta1"

    var json: JSONValue {
        let mapping = access.sorted { $0.key < $1.key }.map { name, access -> (String, JSONValue) in
            if access.isEverybodys { return (name, ["nodePodsAccessible": true]) }
            let secrets = access.secrets.map { secret -> JSONValue in
                [
                    "uid": .string(secret.uid), "namespace": .string(secret.namespace), "name": .string(secret.name),
                    "credentialHash": .string(secret.credentialHash),
                ]
            }
            return (name, ["kubernetesSecrets": .array(secrets)])
        }
        return [
            "kind": "ImagePulledRecord", "apiVersion": .string(Self.version), "lastUpdatedTime": .string(lastUpdated),
            "imageRef": .string(imageRef), "credentialMapping": .object(JSONObject(mapping)),
        ]
    }

    init(imageRef: String, lastUpdated: String) {
        self.imageRef = imageRef
        self.lastUpdated = lastUpdated
    }

    /// Nil for what is no such record.
    init?(_ json: JSONValue) {
        guard json["kind"]?.string == "ImagePulledRecord", let imageRef = json["imageRef"]?.string else { return nil }
        self.init(imageRef: imageRef, lastUpdated: json["lastUpdatedTime"]?.string ?? "")
        for (name, entry) in json["credentialMapping"]?.object ?? [:] {
            access[name] = Access(
                isEverybodys: entry["nodePodsAccessible"]?.bool ?? false,
                secrets: (entry["kubernetesSecrets"]?.array ?? []).map { secret in
                    PullSecret(
                        uid: secret["uid"]?.string ?? "", namespace: secret["namespace"]?.string ?? "",
                        name: secret["name"]?.string ?? "", credentialHash: secret["credentialHash"]?.string ?? "")
                })
        }
    }
}
