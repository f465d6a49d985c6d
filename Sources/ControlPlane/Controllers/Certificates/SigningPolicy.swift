// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import TLS

/// What the cluster's own signers put into a certificate, and which requests nobody has to look at. No I/O.
struct SigningPolicy: Sendable {
    enum Signer: String, Sendable {
        /// Certificates of people and programs: approved by people.
        case client = "kubernetes.io/kube-apiserver-client"
        /// Client certificates of kubelets: approved by the controller for whoever may have them.
        case kubelet = "kubernetes.io/kube-apiserver-client-kubelet"
        /// Serving certificates of kubelets: approved by people, who know which addresses are a node's.
        case serving = "kubernetes.io/kubelet-serving"
    }

    /// Why a request is not signed.
    struct Refusal: Error, CustomStringConvertible {
        var description: String
    }

    /// What a request object asks for.
    struct Wish: Sendable {
        var names: [String]
        var commonName: String
        var organizations: [String]
        var hasHosts: Bool
        var hasEmails: Bool
        var hasURIs: Bool
        var usages: Set<String>
        /// Tells the public key from others.
        var keyID: String

        init(_ object: JSONObject) throws {
            let request = try CertificateRequest(pem: SigningPolicy.pem(object))
            let alternatives = request.alternativeNames
            commonName = request.commonName
            organizations = request.organizations
            names = alternatives.dnsNames + alternatives.addresses
            hasHosts = !names.isEmpty
            hasEmails = !alternatives.emails.isEmpty
            hasURIs = !alternatives.uris.isEmpty
            usages = Set(object.array("spec", "usages").compactMap(\.string))
            keyID = request.publicKey?.keyID ?? ""
        }

        /// The name of the node that asks, where the common name is a node's.
        var node: String? {
            let prefix = "system:node:"
            guard commonName.utf8.starts(with: prefix.utf8) else { return nil }
            return String(Substring(commonName.utf8.dropFirst(prefix.utf8.count)))
        }
    }

    /// The PEM of the request inside a CertificateSigningRequest.
    static func pem(_ object: JSONObject) throws(Refusal) -> [UInt8] {
        guard let bytes = Base64.decode(object.string("spec", "request")) else {
            throw Refusal(description: "spec.request is not base64")
        }
        return bytes
    }

    /// Throws what keeps `signer` from signing `wish`.
    static func check(_ wish: Wish, for signer: Signer) throws(Refusal) {
        func require(_ condition: Bool, _ text: String) throws(Refusal) {
            if !condition { throw Refusal(description: text) }
        }
        switch signer {
        case .client:
            try require(
                wish.usages.contains("client auth")
                    && wish.usages.isSubset(of: ["client auth", "digital signature", "key encipherment"]),
                "usages did not match those of a client: \(wish.usages.sorted())")
        case .kubelet, .serving:
            try require(wish.organizations == ["system:nodes"], "subject organization is not system:nodes")
            try require(wish.node != nil, "subject common name does not begin with system:node:")
            try require(
                Names.dnsSubdomain(wish.node ?? "").isEmpty, "subject common name is of no node: its name is malformed")
            try require(!wish.hasEmails, "Email subjectAltNames are not allowed")
            try require(!wish.hasURIs, "URI subjectAltNames are not allowed")
            let purpose = signer == .kubelet ? "client auth" : "server auth"
            try require(
                wish.usages.subtracting(["key encipherment"]) == ["digital signature", purpose],
                "usages did not match \(["key encipherment", "digital signature", purpose])")
            if signer == .kubelet {
                try require(!wish.hasHosts, "DNS or IP subjectAltNames are not allowed")
            } else {
                try require(wish.hasHosts, "DNS or IP subjectAltName is required")
            }
        }
    }

    /// A way to a certificate without a person: the permission for it, and what is said when it leads there.
    struct Approval: Sendable, Equatable {
        var subresource: String
        var message: String
        /// Whether it is only for a node that does not exist yet.
        var isForNewNodes: Bool
    }

    /// The ways open to a request; strongest first.
    static func approvals(_ wish: Wish, user: String, for signer: Signer) -> [Approval] {
        // Only what would be signed is approved.
        guard signer == .kubelet, (try? check(wish, for: signer)) != nil else { return [] }
        var result: [Approval] = []
        if wish.commonName.utf8.elementsEqual(user.utf8) {
            result.append(
                Approval(
                    subresource: "selfnodeclient",
                    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
                    isForNewNodes: false))
        }
        result.append(
            Approval(
                subresource: "nodeclient",
                message: "Auto approving kubelet client certificate after SubjectAccessReview.", isForNewNodes: true))
        return result
    }

    /// How long a certificate lasts: what was asked, but ten minutes at the least, and `longest` at the most.
    static func lifetime(_ object: JSONObject, longest: Duration) -> Duration {
        guard let asked = object.int("spec", "expirationSeconds") else { return longest }
        return min(max(.seconds(asked), .seconds(600)), longest)
    }

    /// How long before it is signed a certificate begins. Clocks differ by minutes, but one that is to last hours must not
    /// begin with the time before it was made. That of a node says when it was issued, to the second: the API server goes
    /// by it, and by its own clock.
    static func backdate(_ lifetime: Duration, _ signer: Signer) -> Duration {
        signer == .kubelet || lifetime < .seconds(8 * 3600) ? .zero : .seconds(300)
    }

    /// Why a request is not approved by itself.
    struct Objection: Sendable, Equatable {
        var reason: String
        var message: String
        /// Whether the node itself has asked.
        var isOfNode: Bool
    }

    /// Why the certificate of a node that exists is not for who asks for it without anybody having looked at the request;
    /// nil when it is.
    ///
    /// Only for whoever holds one: a token for joining would make every machine that has it each of the nodes. And only
    /// when it was asked for after the Node was made: until then, whoever had a certificate of the name could ask.
    static func objection(_ request: JSONObject, _ node: JSONObject, isForNewNodes: Bool) -> Objection? {
        let name = node.objectName
        if isForNewNodes {
            return Objection(
                reason: "NodeExists",
                message: "the node \"\(name)\" exists, and only itself gets its certificate anew; "
                    + "for another machine to take its place, delete it first: kubectl delete node \(name)",
                isOfNode: false)
        }
        guard node.objectAnnotations[NodeMaker.annotation] != nil,
            request.creationTime - node.creationTime < .seconds(NodeMaker.settling)
        else { return nil }
        return Objection(
            reason: "NodeIsNew",
            message: "it was made before the node \"\(name)\", or less than \(NodeMaker.settling) seconds after it: "
                + "ask again",
            isOfNode: true)
    }

    /// When a request is of no more use: an hour after its verdict, a day when nobody gave one.
    static func remaining(_ object: JSONObject, at now: Timestamp) -> Duration {
        let verdict = object.array("status", "conditions").compactMap(\.object).first {
            ["Approved", "Denied", "Failed"].contains($0["type"]?.string ?? "")
        }
        let since = verdict?.time("lastUpdateTime") ?? object.creationTime
        return .seconds(verdict == nil ? 86_400 : 3600) - (now - since)
    }
}
