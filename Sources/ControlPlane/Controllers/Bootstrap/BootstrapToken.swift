// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import TLS

/// A bootstrap token, as a Secret of type bootstrap.kubernetes.io/token in kube-system says it.
struct BootstrapToken: Sendable, Hashable {
    static let namespace = "kube-system"
    static let type = "bootstrap.kubernetes.io/token"

    var id: String
    var secret: String
    /// Nil: for good.
    var expiration: Timestamp?
    /// Whether the cluster shows who it is by this token.
    var signs: Bool

    /// Nil for a Secret that is none, or names another token than its own name does.
    init?(_ object: JSONObject) {
        func text(_ key: String) -> String {
            Base64.decode(object.string("data", key)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        id = text("token-id")
        secret = text("token-secret")
        let limit = text("expiration")
        expiration = Timestamp(limit)
        signs = text("usage-bootstrap-signing") == "true"
        // What has an end that cannot be read has ended.
        if !limit.isEmpty, expiration == nil { return nil }
        guard object.string("type") == Self.type, object.objectName == "bootstrap-token-\(id)",
            Self.isWord(id, 6), Self.isWord(secret, 16)
        else { return nil }
    }

    private static func isWord(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }
    }

    func isOver(at now: Timestamp) -> Bool { expiration.map { $0 <= now } ?? false }
}

extension SharedInformerFactory {
    /// The Secrets of bootstrap tokens.
    func bootstrapTokens() -> Informer<DynamicObject> {
        informer(Kinds.secrets, namespace: BootstrapToken.namespace, fieldSelector: "type=\(BootstrapToken.type)")
    }
}
