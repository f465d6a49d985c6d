// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import TLS

/// Signs the ConfigMap `kube-public/cluster-info` with every bootstrap token, so that a machine that has nothing but a
/// token can tell the cluster from an impostor.
final class BootstrapSigner: Controller {
    let name = "bootstrap-signer"
    private static let namespace = "kube-public"
    private static let object = "cluster-info"
    private static let prefix = "jws-kubeconfig-"
    private let context: ControllerContext
    private let tokens: Informer<DynamicObject>
    private let information: Informer<DynamicObject>
    private let queue = WorkQueue<String>()

    init(_ context: ControllerContext) {
        self.context = context
        tokens = context.informers.bootstrapTokens()
        information = context.informers.informer(
            Kinds.configMaps, namespace: Self.namespace, fieldSelector: "metadata.name=\(Self.object)")
        for informer in [tokens, information] { informer.addHandler { [queue] _ in queue.add(Self.object) } }
    }

    func run() async {
        await work(on: queue, workers: 1, after: [tokens, information], in: context) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ name: String) async throws {
        guard let present = information.get(name, namespace: Self.namespace)?.json else { return }
        let valid = tokens.list().compactMap { BootstrapToken($0.json) }
        // The cleaner takes away those that are over, which brings this here again.
        let data = Self.signed(present["data"]?.object ?? JSONObject(), by: valid, at: .now)
        guard .object(data) != present["data"] else { return }
        var signed = present
        signed["data"] = .object(data)
        _ = try await context.client.update(Kinds.configMaps, signed)
    }

    /// The data with the signatures of these tokens and no others.
    static func signed(_ data: JSONObject, by tokens: [BootstrapToken], at now: Timestamp) -> JSONObject {
        var result = JSONObject()
        for (key, value) in data where !key.hasPrefix(prefix) { result[key] = value }
        guard let content = data["kubeconfig"]?.string else { return result }
        for token in tokens.sorted(by: { $0.id < $1.id }) where token.signs && !token.isOver(at: now) {
            result[prefix + token.id] = .string(
                DetachedSignature.sign(Array(content.utf8), key: Array(token.secret.utf8), keyID: token.id))
        }
        return result
    }
}
