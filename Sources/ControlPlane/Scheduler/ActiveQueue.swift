// SPDX-License-Identifier: Apache-2.0

/// The pods to try now: by priority; among equals the namespace comes first on which the least time was spent, and of its
/// pods the one that has waited longest. So no namespace's pods, however many or costly, keep those of others waiting.
/// Pure.
struct ActiveQueue {
    struct Ticket: Equatable {
        var uid: String
        var order: UInt64
    }

    private struct Lane {
        var tickets: [Ticket] = []
        var head = 0

        var isEmpty: Bool { head == tickets.count }
    }

    /// What a turn counts at least.
    private static let leastTime = Duration.microseconds(10)

    private var lanes: [Int64: [String: Lane]] = [:]
    /// What was spent on each namespace, as far as it is ahead of `least`.
    private var spent: [String: Duration] = [:]
    /// With how many of these it is looked which are behind.
    private var crowd = 1024
    /// What had been spent on the namespace whose turn was last: one that has not been there meanwhile begins with that.
    private var least = Duration.zero

    mutating func push(_ ticket: Ticket, namespace: String, priority: Int64) {
        lanes[priority, default: [:]][namespace, default: Lane()].tickets.append(ticket)
    }

    /// The next ticket; those of pods that are active no longer are still among them.
    mutating func pop() -> Ticket? {
        guard let priority = lanes.keys.max(), let (namespace, used) = first(priority),
            var lane = lanes[priority]?.removeValue(forKey: namespace)
        else { return nil }
        let ticket = lane.tickets[lane.head]
        lane.head += 1
        if lane.head > 1024 {
            lane.tickets.removeFirst(lane.head)
            lane.head = 0
        }
        if !lane.isEmpty { lanes[priority]?[namespace] = lane }
        if lanes[priority]?.isEmpty == true { lanes.removeValue(forKey: priority) }
        least = max(least, used)
        // So that namespaces take turns also where it is not known yet what their pods take.
        spent[namespace] = used + Self.leastTime
        return ticket
    }

    private func first(_ priority: Int64) -> (namespace: String, spent: Duration)? {
        var best: (namespace: String, spent: Duration, order: UInt64)?
        for (namespace, lane) in lanes[priority] ?? [:] {
            let used = max(spent[namespace] ?? .zero, least)
            let order = lane.tickets[lane.head].order
            if let best, (best.spent, best.order) < (used, order) { continue }
            best = (namespace, used, order)
        }
        return best.map { ($0.namespace, $0.spent) }
    }

    /// Notes what trying a pod of a namespace took.
    mutating func spend(_ time: Duration, on namespace: String) {
        spent[namespace] = max(spent[namespace] ?? .zero, least) + time
        if spent.count > crowd {
            let least = least
            spent = spent.filter { $0.value > least }
            crowd = max(1024, 2 * spent.count)
        }
    }
}
