// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// How important a request is, as upstream's suggested FlowSchemas and PriorityLevelConfigurations have it.
enum PriorityLevel: Int, CaseIterable, Sendable {
    case exempt, leaderElection, nodeHigh, system, workloadHigh, workloadLow, globalDefault, catchAll

    var name: String {
        switch self {
        case .exempt: "exempt"
        case .leaderElection: "leader-election"
        case .nodeHigh: "node-high"
        case .system: "system"
        case .workloadHigh: "workload-high"
        case .workloadLow: "workload-low"
        case .globalDefault: "global-default"
        case .catchAll: "catch-all"
        }
    }

    /// The level's part of all seats, in shares of the sum of them; and how much of it others may use meanwhile, in
    /// percent.
    var shares: (nominal: Int, lendable: Int) {
        switch self {
        case .exempt: (0, 0)
        case .leaderElection: (10, 0)
        case .nodeHigh: (40, 25)
        case .system: (30, 33)
        case .workloadHigh: (40, 50)
        case .workloadLow: (100, 90)
        case .globalDefault: (20, 50)
        case .catchAll: (5, 0)
        }
    }

    init(user: RequestUser, info: RequestInfo) { self.init(UserRank(user), info) }

    init(_ user: UserRank, _ info: RequestInfo) {
        self = Self.level(user, info)
    }

    private static func level(_ user: UserRank, _ info: RequestInfo) -> PriorityLevel {
        if user.contains(.master) { return .exempt }
        if !info.isResource, info.verb == "get", ["/healthz", "/livez", "/readyz"].contains(info.path) {
            return .exempt
        }
        let isLease = info.isResource && info.group == "coordination.k8s.io" && info.resource == "leases"
        if isLease, user.contains(.component), ["get", "create", "update"].contains(info.verb) {
            return .leaderElection
        }
        if user.contains(.node) {
            let isNode = info.isResource && info.group.isEmpty && info.resource == "nodes"
            let isOwn = (isNode && ["", "status"].contains(info.subresource)) || (isLease && info.subresource.isEmpty)
            return isOwn ? .nodeHigh : .system
        }
        if user.contains(.component) { return .workloadHigh }
        if user.contains(.account) { return .workloadLow }
        return user.isDisjoint(with: [.authenticated, .unauthenticated]) ? .catchAll : .globalDefault
    }
}
