// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI

extension NodeRestriction {
    /// What decides where pods go and who may delete the Node is not the node's to write, on whichever path it tries.
    func admitNode(_ object: APIObject, _ old: APIObject?, _ request: NodeWrite) throws(APIError) {
        guard object.name == node else {
            throw request.refusal("node \"\(node)\" is not allowed to modify node \"\(object.name)\"")
        }
        switch request.operation {
        case .delete: break
        case .create:
            if !Semantic.isSame(object.spec["configSource"], nil) {
                throw request.refusal("node \"\(node)\" is not allowed to create pods with a non-nil configSource")
            }
            let forbidden = KubeletLabels.forbidden(Self.changed(object.labels, [:]))
            if !forbidden.isEmpty {
                throw request.refusal(
                    "node \"\(node)\" is not allowed to set the following labels: \(forbidden.joined(separator: ", "))")
            }
        case .update: try admitNodeUpdate(object, old ?? APIObject(), request)
        }
    }

    private func admitNodeUpdate(_ object: APIObject, _ old: APIObject, _ request: NodeWrite) throws(APIError) {
        let source = object.spec["configSource"]
        if !Semantic.isSame(source, nil), !Semantic.isSame(source, old.spec["configSource"]) {
            throw request.refusal(
                "node \"\(node)\" is not allowed to update configSource to a new non-nil configSource")
        }
        if !Semantic.isSame(object.spec["taints"], old.spec["taints"]) {
            throw request.refusal("node \"\(node)\" is not allowed to modify taints")
        }
        // The garbage collector would delete the Node, and its taints and labels with it (CVE-2025-5187).
        if !Semantic.isSame(.array(object.ownerReferences), .array(old.ownerReferences)) {
            throw request.refusal("node \"\(node)\" is not allowed to modify ownerReferences")
        }
        let forbidden = KubeletLabels.forbidden(Self.changed(object.labels, old.labels))
        if !forbidden.isEmpty {
            throw request.refusal("is not allowed to modify labels: \(forbidden.joined(separator: ", "))")
        }
    }

    // MARK: Labels

    private static func changed(_ labels: JSONObject, _ old: JSONObject) -> [String] {
        (labels.filter { old[$0.key] != $0.value }.map(\.key) + old.filter { labels[$0.key] == nil }.map(\.key))
            .sorted()
    }
}
