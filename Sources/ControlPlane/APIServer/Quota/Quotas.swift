// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Synchronization

/// Holds namespaces to their ResourceQuotas: a create is counted before it is stored, and nothing else is counted in
/// its namespace meanwhile.
final class Quotas: Sendable {
    private let storage: ObjectStorage
    private let registry: ResourceRegistry
    private let quotas: ResourceKind
    private let bench: Workbench
    /// How often a namespace was counted anew for a write: for every object in it, and so not to be had for each.
    let countsByWrites = Atomic<Int>(0)
    private let locks = NamespaceLocks()

    /// nil when the server has no ResourceQuotas.
    init?(storage: ObjectStorage, registry: ResourceRegistry, _ bench: Workbench) {
        guard let quotas = registry.preferred("", "resourcequotas") else { return nil }
        self.storage = storage
        self.registry = registry
        self.quotas = quotas
        self.bench = bench
    }

    /// Cheap: most namespaces have none.
    func bind(_ namespace: String) -> Bool {
        !namespace.isEmpty && storage.store.count(prefix: ObjectStorage.prefix(quotas, namespace: namespace)) > 0
    }

    /// What was counted for a write that is under way.
    final class Charges: Sendable {
        fileprivate let all = Mutex<[(quota: String, amounts: [String: Quantity])]>([])
    }

    /// Counts `object` (in place of `old`), then lets `body` store it; takes the count back when that fails.
    func charging<Result>(
        _ object: APIObject, old: APIObject?, _ resource: ResourceKind, dryRun: Bool,
        _ body: () async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        guard resource.namespaced, bind(object.namespace) else { return try await body() }
        return try await charging(object.namespace) { (charges) async throws(APIError) -> Result in
            // Before anything is counted for it.
            if old == nil, storage.get(resource, namespace: object.namespace, name: object.name) != nil {
                throw .alreadyExists(resource.subject(object.name))
            }
            try await charge(object, old: old, resource, dryRun: dryRun, charges)
            return try await body()
        }
    }

    /// Runs `body`, which counts what it stores, while nothing else is counted in the namespace; takes back what was
    /// counted when it fails. That costs what was counted, and not what there is: a write that is refused is cheap to ask
    /// for.
    func charging<Result>(
        _ namespace: String, _ body: (Charges) async throws(APIError) -> Result
    ) async throws(APIError) -> Result {
        try await locked(namespace) { () async throws(APIError) -> Result in
            let charges = Charges()
            do throws(APIError) {
                return try await body(charges)
            } catch {
                // Whether a write that failed by itself was stored after all, only what is there says.
                if error.code >= 500 {
                    countsByWrites.add(1, ordering: .relaxed)
                    try await recalculate(namespace)
                } else {
                    try await takeBack(charges, in: namespace)
                }
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

    /// Counts what `object` uses beyond `old` in every quota of its namespace, or refuses. What an earlier attempt of the
    /// same write was counted for counts no more.
    func charge(
        _ object: APIObject, old: APIObject?, _ resource: ResourceKind, dryRun: Bool, _ charges: Charges
    ) async throws(APIError) {
        try await takeBack(charges, in: object.namespace)
        let (group, plural) = (resource.group, resource.plural)
        var counts: [(quota: APIObject, used: [String: Quantity], more: [String: Quantity])] = []
        for stored in storage.all(quotas, namespace: object.namespace) {
            var quota = try APIObject(stored)
            guard QuotaScopes(quota.json).contain(object.json, group: group, plural: plural) else { continue }
            let hard = Self.amounts(quota.spec["hard"])
            let counted = QuotaUsage.of(object.json, group: group, plural: plural).filter { hard[$0.key] != nil }
            if plural == "pods", group.isEmpty, old == nil { try checkSaid(object, quota, hard, resource) }
            if counted.isEmpty { continue }
            if quota.status["hard"] != quota.spec["hard"] {
                countsByWrites.add(1, ordering: .relaxed)
                quota = try await recalculated(quota)
            }
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
            counts.append((quota, used, delta))
        }
        if dryRun { return }
        for (quota, used, more) in counts {
            charges.all.withLock { $0.append((quota.name, more)) }
            try await write(quota, used)
        }
    }

    /// Inside `locked`: nobody else has counted since.
    private func takeBack(_ charges: Charges, in namespace: String) async throws(APIError) {
        let all = charges.all.withLock { all in
            defer { all = [] }
            return all
        }
        for (name, amounts) in all {
            guard let stored = storage.get(quotas, namespace: namespace, name: name) else { continue }
            let quota = try APIObject(stored)
            // Of a quota with other bounds everything is counted anew, by whoever counts next.
            guard quota.status["hard"] == quota.spec["hard"] else { continue }
            var used = Self.amounts(quota.status["used"])
            for (resource, amount) in amounts { used[resource] = (used[resource] ?? .zero) - amount }
            try await write(quota, used)
        }
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

    /// Where objects of a namespace are read to be counted, in its turns: there may be many.
    func executor(for namespace: String) -> WorkbenchExecutor { bench.executor(for: "quotas of \(namespace)") }

    /// Apart from where requests are.
    private func recalculated(_ quota: APIObject) async throws(APIError) -> APIObject {
        try await withTaskExecutorPreference(executor(for: quota.namespace)) { () async throws(APIError) in
            try await counted(quota)
        }
    }

    private func counted(_ quota: APIObject) async throws(APIError) -> APIObject {
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
            let prefix = ObjectStorage.prefix(resource, namespace: quota.namespace)
            for turn in RequestScope.turns(storage.store.current(prefix: prefix)) {
                for stored in turn.objects where stored.isReadable {
                    let object = try APIObject(stored)
                    guard scopes.contain(object.json, group: kind.group, plural: kind.plural) else { continue }
                    for (name, amount) in QuotaUsage.of(object.json, group: kind.group, plural: kind.plural)
                    where hard[name] != nil {
                        used[name, default: .zero] += amount
                    }
                }
                await Task.yield()
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
