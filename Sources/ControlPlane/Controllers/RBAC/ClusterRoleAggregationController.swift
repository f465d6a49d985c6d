// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient

/// Fills cluster roles that have an aggregation rule with the rules of those they select.
final class ClusterRoleAggregationController: Controller {
    let name = "clusterrole-aggregation"
    private let context: ControllerContext
    private let roles: Informer<DynamicObject>
    private let queue = WorkQueue<String>()

    init(_ context: ControllerContext) {
        self.context = context
        roles = context.informer(Kinds.clusterRoles)
        roles.addHandler { [weak self] _ in self?.wake() }
    }

    func run() async {
        await work(on: queue, workers: 1, after: [roles], in: context) { [self] in try await sync($0) }
    }

    private func wake() {
        for role in roles.list() where role.json["aggregationRule"] != nil { queue.add(role.json.objectName) }
    }

    private func sync(_ name: String) async throws {
        guard let role = roles.get(name)?.json, role["aggregationRule"] != nil else { return }
        let rules = Self.rules(of: role, from: roles.list().map(\.json))
        guard rules != role.array("rules") else { return }
        _ = try await context.client.patch(
            Kinds.clusterRoles, name: name,
            body: [
                "metadata": ["resourceVersion": .string(role.objectResourceVersion)],
                "rules": rules.isEmpty ? .null : .array(rules),
            ], kind: .merge)
    }

    /// The rules of all roles selected, in the order of their names, each once. No I/O.
    static func rules(of role: JSONObject, from all: [JSONObject]) -> [JSONValue] {
        var rules: [JSONValue] = []
        var seen: Set<JSONValue> = []
        for value in role.array("aggregationRule", "clusterRoleSelectors") {
            // An invalid selector adds nothing; the API server refuses it.
            guard let selector = try? LabelSelector(value) else { continue }
            for other in all.sorted(by: { $0.objectName < $1.objectName })
            where other.objectName != role.objectName && selector.matches(other.objectLabels) {
                for rule in other.array("rules") where seen.insert(rule).inserted { rules.append(rule) }
            }
        }
        return rules
    }
}
