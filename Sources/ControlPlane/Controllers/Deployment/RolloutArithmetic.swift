// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeClient
import Numbers

/// The numbers of a rollout: how many pods may be more or fewer than asked for.
struct RolloutLimits: Sendable, Equatable {
    var surge: Int
    var unavailable: Int

    /// Percentages of the replicas, surge rounded up and unavailable down; both zero would never move, so then one may
    /// be unavailable.
    init(deployment: JSONObject) {
        guard deployment.string("spec", "strategy", "type") != "Recreate" else {
            surge = 0
            unavailable = 0
            return
        }
        let replicas = deployment.int("spec", "replicas") ?? 1
        let rolling = deployment.value("spec", "strategy", "rollingUpdate")
        surge = scaled(rolling?["maxSurge"] ?? "25%", of: replicas, roundUp: true) ?? 0
        unavailable = scaled(rolling?["maxUnavailable"] ?? "25%", of: replicas, roundUp: false) ?? 0
        if surge == 0, unavailable == 0 { unavailable = 1 }
        unavailable = min(unavailable, replicas)
    }

    init(surge: Int, unavailable: Int) {
        self.surge = surge
        self.unavailable = unavailable
    }

    /// What the new set may grow to.
    func newReplicas(wanted: Int, new: Int, total: Int) -> Int {
        let ceiling = wanted + surge
        guard total < ceiling else { return new }
        return new + min(ceiling - total, wanted - new)
    }

    /// How many old pods may go now.
    func removable(wanted: Int, total: Int, new: Int, newAvailable: Int) -> Int {
        total - (wanted - unavailable) - (new - newAvailable)
    }
}

/// Shares a change of the total among sets in proportion to their sizes.
enum ProportionalScaling {
    struct Member: Equatable {
        var replicas: Int
        /// The deployment's largest size when the set was last scaled, from its annotation; 0 when unknown.
        var lastMaximum: Int
        var created: Timestamp
    }

    /// The new sizes of `members`, in their order.
    ///
    /// - Parameters:
    ///   - allowed: How many pods all sets together may have: the replicas plus the surge.
    ///   - wanted: The deployment's replicas.
    static func sizes(_ members: [Member], allowed: Int, wanted: Int) -> [Int] {
        let total = members.reduce(0) { $0 + $1.replicas }
        let toAdd = allowed - total
        guard toAdd != 0, !members.isEmpty else { return members.map(\.replicas) }
        // Growing favours the largest, then the newest; shrinking the largest, then the oldest.
        let order = members.indices.sorted { left, right in
            let (a, b) = (members[left], members[right])
            if a.replicas != b.replicas { return a.replicas > b.replicas }
            return toAdd > 0 ? a.created > b.created : a.created < b.created
        }
        var sizes = members.map(\.replicas)
        var added = 0
        for index in order {
            let share = fraction(members[index], allowed: allowed, wanted: wanted, toAdd: toAdd, added: added)
            sizes[index] = members[index].replicas + share
            added += share
        }
        // What rounding left goes to the first.
        if let first = order.first { sizes[first] = max(0, sizes[first] + toAdd - added) }
        return sizes
    }

    private static func fraction(_ member: Member, allowed: Int, wanted: Int, toAdd: Int, added: Int) -> Int {
        guard member.replicas > 0 else { return 0 }
        let left = toAdd - added
        let share: Int
        if wanted == 0 {
            share = -member.replicas
        } else {
            let base = member.lastMaximum > 0 ? member.lastMaximum : wanted
            let size = Double(member.replicas) * Double(allowed) / Double(base)
            // The annotation is anybody's: sizes beyond what a Deployment can have are held there.
            share = Int(Int32(saturating: size.rounded(.toNearestOrAwayFromZero))) - member.replicas
        }
        return toAdd > 0 ? min(share, left) : max(share, left)
    }
}
