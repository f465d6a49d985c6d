// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Finds objects by who controls them, and pods by node, without walking all there are.
enum OwnerIndex {
    private static let byController = "controller"
    private static let byNode = "node"

    static func add(to objects: Informer<DynamicObject>) {
        objects.addIndex(byController) { object in
            // Objects without a controller stand under their namespace, where those that may adopt them look.
            [object.json.controllerReference?.uid ?? "orphans/\(object.json.objectNamespace)"]
        }
    }

    static func addNodes(to pods: Informer<DynamicObject>) {
        pods.addIndex(byNode) { $0.json.podNode.isEmpty ? [] : [$0.json.podNode] }
    }

    static func owned(_ pods: Informer<DynamicObject>, by uid: String) -> [JSONObject] {
        pods.list(index: byController, value: uid).map(\.json)
    }

    /// The objects an owner controls and those it might adopt.
    static func candidates(_ pods: Informer<DynamicObject>, for owner: JSONObject) -> [JSONObject] {
        owned(pods, by: owner.objectUID)
            + pods.list(index: byController, value: "orphans/\(owner.objectNamespace)").map(\.json)
    }

    static func onNode(_ pods: Informer<DynamicObject>, _ node: String) -> [JSONObject] {
        pods.list(index: byNode, value: node).map(\.json)
    }
}
