// SPDX-License-Identifier: Apache-2.0

internal import Store

/// What a Service has that no other may have: read when it is written and kept with the stored object, so that whoever
/// gives out others need not read it.
final class ServiceHolding: Sendable {
    let namespace: String
    /// In their one spelling.
    let addresses: [String]
    let ports: Set<Int64>

    init(_ service: APIObject) {
        namespace = service.namespace
        addresses = ServiceAllocator.addresses(service)
        ports = Set(ServiceAllocator.ports(service))
    }

    /// What a stored Service has; one that cannot be read has nothing that is known.
    static func of(_ stored: StoredObject) -> ServiceHolding? {
        if let known = stored.remembered(ServiceHolding.self) { return known }
        guard let service = try? APIObject(stored) else { return nil }
        let holding = ServiceHolding(service)
        stored.remember(holding)
        return holding
    }
}

/// What of a range is taken: by what is stored, and by requests under way.
struct AllocationPool<Item: Hashable & Sendable>: Sendable {
    private struct Given {
        var request: ObjectIdentifier
        var namespace: String
    }

    /// How many there are.
    let size: Int
    /// By how many Services each is held: earlier versions gave some to several.
    private var stored: [Item: Int] = [:]
    private var given: [Item: Given] = [:]
    /// How many each namespace has, stored and given.
    private var held: [String: Int] = [:]

    init(size: Int) { self.size = size }

    /// How many are taken.
    var used: Int { stored.count + given.count }

    func held(by namespace: String) -> Int { held[namespace] ?? 0 }

    /// Whether so many more would leave others less than the namespace has then: of what everybody needs nobody takes more
    /// than is left over for the next one. With less than half in use everybody may go on; where there are not as many left,
    /// that is what is to be said.
    func isBeyondShare(_ growth: Int, of namespace: String) -> Bool {
        let left = size - used
        guard growth > 0, growth <= left, used + growth > size / 2 else { return false }
        return held(by: namespace) + growth > left - growth
    }

    mutating func hold(_ item: Item, in namespace: String) {
        // It was given to whoever has stored it now.
        if let given = given.removeValue(forKey: item) { add(-1, to: given.namespace) }
        stored[item, default: 0] += 1
        add(1, to: namespace)
    }

    mutating func letGo(_ item: Item, in namespace: String) {
        let count = (stored[item] ?? 0) - 1
        stored[item] = count > 0 ? count : nil
        add(-1, to: namespace)
    }

    /// Gives one to a request; false when it is taken.
    mutating func give(_ item: Item, to request: ObjectIdentifier, in namespace: String) -> Bool {
        guard stored[item] == nil, given[item] == nil else { return false }
        given[item] = Given(request: request, namespace: namespace)
        add(1, to: namespace)
        return true
    }

    /// Takes back what a request was given and has not stored.
    mutating func takeBack(_ item: Item, from request: ObjectIdentifier) {
        guard let present = given[item], present.request == request else { return }
        given[item] = nil
        add(-1, to: present.namespace)
    }

    private mutating func add(_ difference: Int, to namespace: String) {
        let sum = held(by: namespace) + difference
        held[namespace] = sum > 0 ? sum : nil
    }
}
