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
            // An owner owns within its namespace: a reference is written by whoever may write the object, who may be
            // somebody else's neighbour. Objects without a controller stand where those that may adopt them look.
            ["\(object.json.objectNamespace)/\(object.json.controllerReference?.uid ?? orphans)"]
        }
    }

    static func addNodes(to pods: Informer<DynamicObject>) {
        pods.addIndex(byNode) { $0.json.podNode.isEmpty ? [] : [$0.json.podNode] }
    }

    /// What stands in the place of a controller's uid where there is none; no uid is spelled like it.
    private static let orphans = "orphans"

    /// The objects that say the owner controls them, in the owner's namespace.
    static func owned(_ objects: Informer<DynamicObject>, by owner: JSONObject) -> [JSONObject] {
        objects.list(index: byController, value: "\(owner.objectNamespace)/\(owner.objectUID)").map(\.json)
    }

    /// The same of an owner that may be no more.
    static func owned(
        _ objects: Informer<DynamicObject>, in namespace: String, by uid: String
    ) -> [JSONObject] {
        objects.list(index: byController, value: "\(namespace)/\(uid)").map(\.json)
    }

    /// The objects an owner controls and those it might adopt, at one moment.
    static func candidates(_ pods: Informer<DynamicObject>, for owner: JSONObject) -> [JSONObject] {
        pods.list(
            index: byController, values: [owner.objectUID, orphans].map { "\(owner.objectNamespace)/\($0)" }
        ).map(\.json)
    }

    static func onNode(_ pods: Informer<DynamicObject>, _ node: String) -> [JSONObject] {
        pods.list(index: byNode, value: node).map(\.json)
    }
}
