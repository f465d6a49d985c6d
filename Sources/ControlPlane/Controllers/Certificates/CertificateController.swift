// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization
import TLS
import Telemetry

/// Approves the requests of kubelets that may have a certificate, signs what is approved, and clears away the rest.
final class CertificateController: Controller {
    let name = "certificatesigningrequest"
    private let context: ControllerContext
    private let signer: any CertificateSigner
    private let longest: Duration
    private let requests: Informer<DynamicObject>
    /// Watched where kubelets' serving certificates are approved by what the cluster knows of the nodes.
    private let nodes: Informer<DynamicObject>?
    private let queue = WorkQueue<String>()
    private let recorder: EventRecorder
    /// Why requests wait for a person, as it was told.
    private let told = Mutex<[String: String]>([:])
    /// What the cluster knows of the nodes; nil when that has changed.
    private let approval = Mutex<ServingApproval?>(nil)

    init(_ context: ControllerContext, signer: any CertificateSigner, longest: Duration) {
        self.context = context
        self.signer = signer
        self.longest = longest
        requests = context.informer(Kinds.signingRequests)
        nodes = signer.serverNames == nil ? nil : context.informer(Kinds.nodes)
        recorder = context.recorder("certificate-controller")
        requests.addHandler { [weak self] change in
            let name = change.object.json.objectName
            if case .deleted = change {
                self?.told.withLock { _ = $0.removeValue(forKey: name) }
            } else {
                self?.queue.add(name)
            }
        }
        requests.addIndex("joined") { Self.joined($0.json).map { [$0] } ?? [] }
        requests.addIndex("undecided") { Self.waitsForNode($0.json).map { [$0] } ?? [] }
        nodes?.addHandler { [weak self] in self?.nodeChanged($0) }
    }

    /// Who made a request that only its node's addresses may keep from being approved; nil of all others.
    static func waitsForNode(_ request: JSONObject) -> String? {
        guard request.string("spec", "signerName") == SigningPolicy.Signer.serving.rawValue,
            request.string("status", "certificate").isEmpty,
            !["Approved", "Denied", "Failed"].contains(where: { request.hasCondition($0) })
        else { return nil }
        return request.string("spec", "username")
    }

    /// Whether a Node has proven other addresses than before.
    static func provesOtherwise(_ change: InformerChange<DynamicObject>) -> Bool {
        guard case .updated(let old, let new) = change else { return true }
        let annotation = ProvenAddresses.annotation
        return old.json.objectAnnotations[annotation] != new.json.objectAnnotations[annotation]
    }

    /// What a request was too early for, the node may prove a moment later. It may prove something else each moment: all
    /// of a while are one.
    private func nodeChanged(_ change: InformerChange<DynamicObject>) {
        guard Self.provesOtherwise(change) else { return }
        approval.withLock { $0 = nil }
        let user = "system:node:\(change.object.json.objectName)"
        for request in requests.list(index: "undecided", value: user) {
            queue.add(request.json.objectName, after: .milliseconds(250))
        }
    }

    func run() async {
        let informers: [any AnyInformer] = [requests] + (nodes.map { [$0] } ?? [])
        await work(on: queue, workers: 1, after: informers, recorder: recorder, in: context) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ name: String) async throws {
        guard let request = requests.get(name)?.json, !request.objectIsBeingDeleted else { return }
        let left = SigningPolicy.remaining(request, at: .now)
        guard left > .zero else {
            do {
                try await context.client.delete(
                    Kinds.signingRequests, name: name, options: DeleteOptions(uid: request.objectUID))
            } catch  where error.isNotFound || error.isConflict {
                // Gone, or made anew under the same name.
            }
            return
        }
        queue.add(name, after: left)
        guard request.string("status", "certificate").isEmpty,
            let signer = SigningPolicy.Signer(rawValue: request.string("spec", "signerName")),
            !request.hasCondition("Denied"), !request.hasCondition("Failed")
        else { return }
        if request.hasCondition("Approved") {
            try await sign(request, signer)
        } else {
            try await approve(request, signer)
        }
    }

    // MARK: Approving

    /// The reason of what no person has approved.
    private static let bySelf = "AutoApproved"

    private func approve(_ request: JSONObject, _ signer: SigningPolicy.Signer) async throws {
        guard signer == .kubelet || (signer == .serving && nodes != nil) else { return }
        let wish: SigningPolicy.Wish
        do {
            wish = try SigningPolicy.Wish(request)
        } catch {
            // Not for this controller to judge: a person sees why with `kubectl describe`.
            context.logger.warning(
                "a certificate signing request is not readable",
                ["request": request.objectName, "error": "\(error)"])
            return
        }
        if signer == .serving { return try await approveServing(request, wish) }
        let approvals = SigningPolicy.approvals(wish, user: request.string("spec", "username"), for: signer)
        for approval in approvals where try await isAllowed(request, approval.subresource) {
            if let objection = try await objection(request, wish, isForNewNodes: approval.isForNewNodes) {
                return try await refuse(request, wish, objection)
            }
            try await decide(request, "Approved", reason: Self.bySelf, message: approval.message)
            if approval.isForNewNodes { tellOfOthers(request, wish) }
            return
        }
        if !approvals.isEmpty {
            context.logger.info(
                "a kubelet's certificate signing request waits for a person: its user may not have it unseen",
                ["request": request.objectName, "user": request.string("spec", "username")])
        }
    }

    private func approveServing(_ request: JSONObject, _ wish: SigningPolicy.Wish) async throws {
        guard let nodes, let serverNames = signer.serverNames else { return }
        let approval = self.approval.withLock { known in
            let present = known ?? ServingApproval(serverNames: serverNames, nodes: nodes.list().map(\.json))
            known = present
            return present
        }
        let user = request.string("spec", "username")
        let refusal = approval.refusal(
            wish, user: user, groups: request.array("spec", "groups").compactMap(\.string))
        guard let refusal else {
            return try await decide(
                request, "Approved", reason: Self.bySelf,
                message: "Auto approving kubelet serving certificate of the node that asks.")
        }
        // Nodes change every few seconds, and each time it is looked at again.
        guard told.withLock({ $0.updateValue(refusal, forKey: request.objectName) }) != refusal else { return }
        recorder.event(
            EventTarget(request, Kinds.signingRequests), .warning, reason: "ApprovalNeeded",
            "The request is not approved by itself, since \(refusal): kubectl certificate approve \(request.objectName)"
        )
        context.logger.info(
            "a kubelet's certificate signing request waits for a person",
            ["request": request.objectName, "user": user, "because": refusal])
    }

    /// Why a kubelet's request is not for this controller to approve, by what there is now. Asked of the API server and
    /// not of what is remembered: a node may have come a moment ago.
    private func objection(
        _ request: JSONObject, _ wish: SigningPolicy.Wish, isForNewNodes: Bool
    ) async throws -> SigningPolicy.Objection? {
        guard let name = wish.node else { return nil }
        do {
            let node = try await context.client.get(Kinds.nodes, name: name)
            return SigningPolicy.objection(request, node, isForNewNodes: isForNewNodes)
        } catch  where error.isNotFound {
            return nil
        }
    }

    /// To a node, and to one that joins, it is said at once; anybody else's request waits for a person.
    private func refuse(
        _ request: JSONObject, _ wish: SigningPolicy.Wish, _ objection: SigningPolicy.Objection
    ) async throws {
        context.logger.warning(
            "a certificate of a node that exists was asked for",
            [
                "request": request.objectName, "user": request.string("spec", "username"),
                "node": wish.node ?? "", "because": objection.reason,
            ])
        guard objection.isOfNode || request.array("spec", "groups").contains("system:bootstrappers") else { return }
        try await decide(request, "Denied", reason: objection.reason, message: objection.message)
    }

    /// The name of the node for which a request was issued a certificate, to somebody who was not that node yet.
    private static func joined(_ request: JSONObject) -> String? {
        guard request.string("spec", "signerName") == SigningPolicy.Signer.kubelet.rawValue,
            !request.string("status", "certificate").isEmpty, let wish = try? SigningPolicy.Wish(request),
            wish.commonName != request.string("spec", "username")
        else { return nil }
        return wish.node
    }

    /// Several machines may be on their way to one name. Who makes the Node has it, and the others' certificates are of no
    /// use then; whose it was to be, only a person knows.
    private func tellOfOthers(_ request: JSONObject, _ wish: SigningPolicy.Wish) {
        guard let node = wish.node else { return }
        let other = requests.list(index: "joined", value: node).map(\.json).first {
            $0.objectUID != request.objectUID && (try? SigningPolicy.Wish($0))?.keyID != wish.keyID
        }
        guard let other else { return }
        let before = "\(other.objectName) of \(other.string("spec", "username"))"
        recorder.event(
            EventTarget(request, Kinds.signingRequests), .warning, reason: "NameIssuedTwice",
            "A certificate of the node \"\(node)\" was issued for another key before (\(before)): "
                + "the machine that makes the Node has the name, and the other's certificate is refused from then on"
        )
        context.logger.warning(
            "a second machine gets a certificate of a node that does not exist yet",
            [
                "request": request.objectName, "user": request.string("spec", "username"), "node": node,
                "before": before,
            ])
    }

    private func decide(_ request: JSONObject, _ verdict: String, reason: String, message: String) async throws {
        var decided = request
        var conditions = request.array("status", "conditions")
        conditions.append(condition(verdict, reason: reason, message: message))
        decided.set("status", "conditions", to: .array(conditions))
        _ = try await context.client.update(Kinds.signingRequests, decided, subresource: "approval")
    }

    private static let reviews = ResourceID(
        group: "authorization.k8s.io", version: "v1", plural: "subjectaccessreviews", kind: "SubjectAccessReview",
        namespaced: false)

    private func isAllowed(_ request: JSONObject, _ subresource: String) async throws -> Bool {
        var spec: JSONObject = [
            "user": .string(request.string("spec", "username")),
            "groups": .array(request.array("spec", "groups")),
            "resourceAttributes": [
                "group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create",
                "subresource": .string(subresource), "version": "*",
            ],
        ]
        if let uid = request.value("spec", "uid") { spec["uid"] = uid }
        if let extra = request.value("spec", "extra") { spec["extra"] = extra }
        let answer = try await context.client.create(Self.reviews, ["spec": .object(spec)])
        return answer.value("status", "allowed")?.bool == true
    }

    // MARK: Signing

    private func sign(_ request: JSONObject, _ signer: SigningPolicy.Signer) async throws {
        var signed = request
        do {
            let wish = try SigningPolicy.Wish(request)
            try SigningPolicy.check(wish, for: signer)
            let lifetime = SigningPolicy.lifetime(request, longest: longest)
            let certificate = try self.signer.sign(
                request: SigningPolicy.pem(request),
                usages: request.array("spec", "usages").compactMap(\.string), lifetime: lifetime,
                backdate: SigningPolicy.backdate(lifetime, signer))
            try await recheck(request, wish, signer)
            signed.set("status", "certificate", to: .string(Base64.encode(certificate)))
        } catch let error as StatusError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            // Said in the object, where its author looks for it; trying again would come to the same.
            var conditions = request.array("status", "conditions")
            conditions.append(condition("Failed", reason: "SignerValidationFailure", message: "\(error)"))
            signed.set("status", "conditions", to: .array(conditions))
        }
        _ = try await context.client.update(Kinds.signingRequests, signed, subresource: "status")
    }

    /// What was approved without anybody may be another's by the time it is signed. Looked at when the certificate has its
    /// time and before anybody has it: a Node that is made after this is made after the certificate.
    private func recheck(
        _ request: JSONObject, _ wish: SigningPolicy.Wish, _ signer: SigningPolicy.Signer
    ) async throws {
        let isOwn = request.array("status", "conditions").contains {
            $0["type"] == "Approved" && $0["reason"] == .string(Self.bySelf)
        }
        guard signer == .kubelet, isOwn else { return }
        let isNode = wish.commonName.utf8.elementsEqual(request.string("spec", "username").utf8)
        if let objection = try await objection(request, wish, isForNewNodes: !isNode) {
            throw SigningPolicy.Refusal(description: objection.message)
        }
    }

    private func condition(_ type: String, reason: String, message: String) -> JSONValue {
        let now = JSONValue.string(Timestamp.now.description)
        return [
            "type": .string(type), "status": "True", "reason": .string(reason), "message": .string(message),
            "lastUpdateTime": now, "lastTransitionTime": now,
        ]
    }
}
