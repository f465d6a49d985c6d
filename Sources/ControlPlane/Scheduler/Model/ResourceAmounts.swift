// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Numbers

/// Amounts of each resource, in the units the scheduler compares: milli-CPUs, bytes, counts.
struct ResourceAmounts: Sendable, Hashable {
    var milliCPU: Int64 = 0
    var memory: Int64 = 0
    var ephemeralStorage: Int64 = 0
    /// Extended resources, huge pages and attachable volumes, by name.
    var scalar: [String: Int64] = [:]

    init() {}

    /// Reads a map of quantities; what is no quantity counts as nothing (the API server refuses it).
    init(_ map: JSONValue?) {
        guard let map = map?.object else { return }
        for (name, value) in map {
            guard let quantity = value.quantity else { continue }
            set(name, quantity)
        }
    }

    private mutating func set(_ name: String, _ quantity: Quantity) {
        switch name {
        case "cpu": milliCPU = quantity.milliValue
        case "memory": memory = quantity.value
        case "ephemeral-storage": ephemeralStorage = quantity.value
        case "pods": break
        default: scalar[name] = quantity.value
        }
    }

    /// Amounts are what users wrote: nothing is more than `bound`, so that a node's sums fit and what was added can be
    /// taken off again.
    static let bound: Int64 = 1 << 52

    static func += (left: inout ResourceAmounts, right: ResourceAmounts) {
        left.milliCPU = left.milliCPU.saturatingSum(right.milliCPU)
        left.memory = left.memory.saturatingSum(right.memory)
        left.ephemeralStorage = left.ephemeralStorage.saturatingSum(right.ephemeralStorage)
        for (name, amount) in right.scalar {
            left.scalar[name] = (left.scalar[name] ?? 0).saturatingSum(amount)
        }
    }

    static func -= (left: inout ResourceAmounts, right: ResourceAmounts) {
        left.milliCPU = left.milliCPU.saturatingDifference(right.milliCPU)
        left.memory = left.memory.saturatingDifference(right.memory)
        left.ephemeralStorage = left.ephemeralStorage.saturatingDifference(right.ephemeralStorage)
        for (name, amount) in right.scalar {
            left.scalar[name] = (left.scalar[name] ?? 0).saturatingDifference(amount)
        }
    }

    /// Each amount between nothing and `bound`: a pod that needs less than nothing would make room that is not there.
    var held: ResourceAmounts {
        var copy = self
        func held(_ amount: Int64) -> Int64 { min(max(amount, 0), Self.bound) }
        copy.milliCPU = held(milliCPU)
        copy.memory = held(memory)
        copy.ephemeralStorage = held(ephemeralStorage)
        copy.scalar = scalar.mapValues(held)
        return copy
    }

    /// The larger of each amount.
    mutating func raise(to other: ResourceAmounts) {
        milliCPU = max(milliCPU, other.milliCPU)
        memory = max(memory, other.memory)
        ephemeralStorage = max(ephemeralStorage, other.ephemeralStorage)
        for (name, amount) in other.scalar { scalar[name] = max(scalar[name] ?? 0, amount) }
    }
}

extension JSONValue {
    /// A quantity written as a string or a number.
    var quantity: Quantity? {
        switch self {
        case .string(let text): Quantity(text)
        case .integer(let value): Quantity(value)
        case .number(let value): Quantity("\(value)")
        default: nil
        }
    }
}

/// What a pod asks of its node: the sum of its containers, or the most its init phase needs, plus its overhead.
///
/// Restartable init containers (sidecars) run on beside all that starts after them. What the pod says as a whole counts
/// for the resources that it names, where that is more.
struct PodRequests: Sendable {
    var amounts: ResourceAmounts
    /// CPU and memory with upstream's stand-ins (100 m, 200 MiB) for containers that ask for none: used by scores
    /// only, so that pods without requests spread too.
    var nonZeroMilliCPU: Int64
    var nonZeroMemory: Int64

    static let defaultMilliCPU: Int64 = 100
    static let defaultMemory: Int64 = 200 << 20

    init(spec: JSONValue?) {
        amounts = PodRequests.total(spec) { ResourceAmounts($0) }
        let filled = PodRequests.total(spec) { requests in
            var amounts = ResourceAmounts(requests)
            if requests?["cpu"] == nil { amounts.milliCPU = PodRequests.defaultMilliCPU }
            if requests?["memory"] == nil { amounts.memory = PodRequests.defaultMemory }
            return amounts
        }
        nonZeroMilliCPU = filled.milliCPU
        nonZeroMemory = filled.memory
    }

    private static func total(
        _ spec: JSONValue?, _ read: (JSONValue?) -> ResourceAmounts
    ) -> ResourceAmounts {
        var sum = ResourceAmounts()
        for container in spec?["containers"]?.array ?? [] {
            sum += read(container["resources"]?["requests"])
        }
        var sidecars = ResourceAmounts()
        var peak = ResourceAmounts()
        for container in spec?["initContainers"]?.array ?? [] {
            let requests = read(container["resources"]?["requests"])
            if container["restartPolicy"]?.string == "Always" {
                sidecars += requests
                peak.raise(to: sidecars)
            } else {
                var together = sidecars
                together += requests
                peak.raise(to: together)
            }
        }
        sum += sidecars
        sum.raise(to: peak)
        if let whole = spec?["resources"]?["requests"], whole.object != nil {
            // A pod as a whole cannot need less than its parts, whatever is stored.
            let podLevel = ResourceAmounts(whole)
            sum.milliCPU = max(sum.milliCPU, podLevel.milliCPU)
            sum.memory = max(sum.memory, podLevel.memory)
            for (name, amount) in podLevel.scalar where name.hasPrefix("hugepages-") {
                sum.scalar[name] = max(sum.scalar[name] ?? 0, amount)
            }
        }
        sum += ResourceAmounts(spec?["overhead"])
        return sum.held
    }
}
