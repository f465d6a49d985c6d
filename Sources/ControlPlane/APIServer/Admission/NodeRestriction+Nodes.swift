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
            if Self.podRanges(object) != [] {
                throw request.refusal("node \"\(node)\" is not allowed to set podCIDRs")
            }
            try admitAddresses(object, nil, request)
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
        // Every other node leads what is sent there to this one.
        if Self.podRanges(object) != Self.podRanges(old) {
            throw request.refusal("node \"\(node)\" is not allowed to modify podCIDRs")
        }
        try admitAddresses(object, old, request)
        let forbidden = KubeletLabels.forbidden(Self.changed(object.labels, old.labels))
        if !forbidden.isEmpty {
            throw request.refusal("is not allowed to modify labels: \(forbidden.joined(separator: ", "))")
        }
    }

    /// Both names of the field, for a Node that has but one of them.
    private static func podRanges(_ node: APIObject) -> [String] {
        let ranges = (node.spec["podCIDRs"]?.array ?? []).map { $0.string ?? "" }
        let single = node.spec["podCIDR"]?.string ?? ""
        return ranges.isEmpty && !single.isEmpty ? [single] : ranges
    }

    // MARK: Labels

    private static func changed(_ labels: JSONObject, _ old: JSONObject) -> [String] {
        (labels.filter { old[$0.key] != $0.value }.map(\.key) + old.filter { labels[$0.key] == nil }.map(\.key))
            .sorted()
    }
}
