// SPDX-License-Identifier: Apache-2.0

import KubeClient

/// Deletes bootstrap tokens that are over.
final class TokenCleaner: Controller {
    let name = "token-cleaner"
    private let context: ControllerContext
    private let tokens: Informer<DynamicObject>
    private let queue = WorkQueue<String>()

    init(_ context: ControllerContext) {
        self.context = context
        tokens = context.informers.bootstrapTokens()
        tokens.addHandler { [queue] change in
            if case .deleted = change { return }
            queue.add(change.object.json.objectName)
        }
    }

    func run() async {
        await work(on: queue, workers: 1, after: [tokens], in: context) { [self] in try await sync($0) }
    }

    private func sync(_ name: String) async throws {
        guard let secret = tokens.get(name, namespace: BootstrapToken.namespace)?.json,
            let end = BootstrapToken(secret)?.expiration
        else { return }
        let left = end - .now
        if left > .zero { return queue.add(name, after: left + .milliseconds(10)) }
        do {
            try await context.client.delete(
                Kinds.secrets, namespace: BootstrapToken.namespace, name: name,
                options: DeleteOptions(uid: secret.objectUID, resourceVersion: secret.objectResourceVersion))
        } catch  where error.isNotFound || error.isConflict {
            // Gone, made anew, or given more time: what changes is looked at again.
        }
    }
}
