// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema
internal import Store

/// Holds namespaces to their ResourceQuotas: a create is counted before it is stored, and nothing else is counted in
/// its namespace meanwhile.
final class Quotas: Sendable {
    private let storage: ObjectStorage
    private let registry: ResourceRegistry
    private let quotas: ResourceKind
    private let locks = NamespaceLocks()

    /// nil when the server has no ResourceQuotas.
    init?(storage: ObjectStorage, registry: ResourceRegistry) {
        guard let quotas = registry.preferred("", "resourcequotas") else { return nil }
        self.storage = storage
        self.registry = registry
        self.quotas = quotas
    }

    /// Cheap: most namespaces have none.
    func bind(_ namespace: String) -> Bool {
        !namespace.isEmpty && storage.store.count(prefix: ObjectStorage.prefix(quotas, namespace: namespace)) > 0
    }

    /// Counts `object` (in place of `old`), then lets `body` store it; takes the count back when that fails.
    func charging<Result>(
        _ object: APIObject, old: APIObject?, _ resource: ResourceKind, dryRun: Bool,
        _ body: () async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        guard resource.namespaced, bind(object.namespace) else { return try await body() }
        return try await locked(object.namespace) { () async throws(APIError) -> Result in
            try await charge(object, old: old, resource, dryRun: dryRun)
            do throws(APIError) {
                return try await body()
            } catch {
                // What was counted for it was not stored.
                try await recalculate(object.namespace)
                throw error
            }
        }
    }

    /// Runs `body` while nothing else is counted in the namespace. `charge` belongs inside.
    func locked<Result>(
        _ namespace: String, _ body: () async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        await locks.lock(namespace)
        defer { locks.unlock(namespace) }
        return try await body()
    }

    /// Counts what `object` uses beyond `old` in every quota of its namespace, or refuses.
    func charge(_ object: APIObject, old: APIObject?, _ resource: ResourceKind, dryRun: Bool) async throws(APIError) {
        let (group, plural) = (resource.group, resource.plural)
        var charges: [(quota: APIObject, used: [String: Quantity])] = []
        for stored in storage.all(quotas, namespace: object.namespace) {
            var quota = try APIObject(stored)
            guard QuotaScopes(quota.json).contain(object.json, group: group, plural: plural) else { continue }
            let hard = Self.amounts(quota.spec["hard"])
            let counted = QuotaUsage.of(object.json, group: group, plural: plural).filter { hard[$0.key] != nil }
            if plural == "pods", group.isEmpty, old == nil { try checkSaid(object, quota, hard, resource) }
            if counted.isEmpty { continue }
            if quota.status["hard"] != quota.spec["hard"] { quota = try await recalculated(quota) }
            var used = Self.amounts(quota.status["used"])
            var before: [String: Quantity] = [:]
            if let old, QuotaScopes(quota.json).contain(old.json, group: group, plural: plural) {
                before = QuotaUsage.of(old.json, group: group, plural: plural)
            }
            let delta = counted.mapValues { $0 }.reduce(into: [String: Quantity]()) { result, entry in
                let more = entry.value - (before[entry.key] ?? .zero)
                if more > .zero { result[entry.key] = more }
            }
            if delta.isEmpty { continue }
            let exceeded = delta.filter { (used[$0.key] ?? .zero) + $0.value > (hard[$0.key] ?? .zero) }.map(\.key)
            if !exceeded.isEmpty {
                let names = exceeded.sorted()
                throw .forbidden(
                    resource.subject(object.name.isEmpty ? object.generateName : object.name),
                    "exceeded quota: \(quota.name), requested: \(Self.text(delta, names)), "
                        + "used: \(Self.text(used, names)), limited: \(Self.text(hard, names))")
            }
            for (name, more) in delta { used[name, default: .zero] += more }
            charges.append((quota, used))
        }
        if dryRun { return }
        for (quota, used) in charges { try await write(quota, used) }
    }

    /// A pod says for each of its containers what the quota counts; else nobody could count it.
    private func checkSaid(
        _ pod: APIObject, _ quota: APIObject, _ hard: [String: Quantity], _ resource: ResourceKind
    ) throws(APIError) {
        let missing = QuotaUsage.unspecified(pod.json, hard.keys)
        if missing.isEmpty { return }
        let text = missing.map { "\($0.name) for: \($0.by.joined(separator: ","))" }.joined(separator: "; ")
        throw .forbidden(
            resource.subject(pod.name.isEmpty ? pod.generateName : pod.name),
            "failed quota: \(quota.name): must specify \(text)")
    }

    // MARK: What is used

    /// Counts everything in the namespace anew and writes down what differs. Inside `locked`.
    func recalculate(_ namespace: String) async throws(APIError) {
        for stored in storage.all(quotas, namespace: namespace) {
            let quota = try APIObject(stored)
            if quota.deletionTimestamp == nil { _ = try await recalculated(quota) }
        }
    }

    private func recalculated(_ quota: APIObject) async throws(APIError) -> APIObject {
        let hard = Self.amounts(quota.spec["hard"])
        let scopes = QuotaScopes(quota.json)
        var used: [String: Quantity] = [:]
        var kinds: Set<String> = []
        for name in hard.keys {
            guard let kind = QuotaUsage.kind(of: name) else { continue }
            // Anew for each name, added up once for each kind.
            used[name, default: .zero] += .zero
            guard kinds.insert("\(kind.plural).\(kind.group)").inserted,
                let resource = registry.preferred(kind.group, kind.plural), resource.namespaced, resource.isStored
            else { continue }
            // Of most kinds only the number counts, and whether any do: nobody reads them for that.
            guard QuotaUsage.dependsOnContent(group: kind.group, plural: kind.plural) else {
                if scopes.contain([:], group: kind.group, plural: kind.plural) {
                    let count = storage.store.count(prefix: ObjectStorage.prefix(resource, namespace: quota.namespace))
                    // Each counts for one.
                    for name in QuotaUsage.of([:], group: kind.group, plural: kind.plural).keys
                    where hard[name] != nil {
                        used[name, default: .zero] += Quantity(Int64(count))
                    }
                }
                continue
            }
            for stored in storage.all(resource, namespace: quota.namespace) {
                let object = try APIObject(stored)
                guard scopes.contain(object.json, group: kind.group, plural: kind.plural) else { continue }
                for (name, amount) in QuotaUsage.of(object.json, group: kind.group, plural: kind.plural)
                where hard[name] != nil {
                    used[name, default: .zero] += amount
                }
            }
        }
        return try await write(quota, used)
    }

    @discardableResult
    private func write(_ quota: APIObject, _ used: [String: Quantity]) async throws(APIError) -> APIObject {
        var status: JSONObject = [:]
        var hard: JSONObject = [:]
        var sums: JSONObject = [:]
        for (name, bound) in (quota.spec["hard"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            hard[name] = bound
            if let amount = used[name] { sums[name] = .string(amount.description) }
        }
        status["hard"] = .object(hard)
        status["used"] = .object(sums)
        let wanted = status
        do throws(APIError) {
            let stored = try await storage.update(quotas, namespace: quota.namespace, name: quota.name, by: .server) {
                (current, _) throws(APIError) in
                guard
                    Self.amounts(current.status["used"]) != Self.amounts(wanted["used"])
                        || current.status["hard"] != wanted["hard"]
                else { return nil }
                var changed = current
                changed.status = wanted
                return changed
            }
            return try APIObject(stored)
        } catch {
            // A quota that has just gone holds nobody back.
            guard error.reason == "NotFound" else { throw error }
            return quota
        }
    }

    private static func amounts(_ value: JSONValue?) -> [String: Quantity] {
        var result: [String: Quantity] = [:]
        for (name, amount) in value?.object ?? [:] { result[name] = Quantity(amount.string ?? amount.description) }
        return result
    }

    /// `pods=1,requests.cpu=500m`.
    private static func text(_ amounts: [String: Quantity], _ names: [String]) -> String {
        names.map { "\($0)=\(amounts[$0] ?? .zero)" }.joined(separator: ",")
    }
}
