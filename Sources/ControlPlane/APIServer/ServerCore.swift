// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Schema
internal import Store
internal import Telemetry

/// What every part of the server shares. Immutable; the parts synchronise themselves.
final class ServerCore: Sendable {
    let configuration: APIServerConfiguration
    let logger: Logger
    let storage: ObjectStorage
    let registry: ResourceRegistry
    let allocator: ServiceAllocator
    let quotas: Quotas
    let tokens: ServiceAccountTokens
    let connections: ProxyConnections
    let metrics: ServerMetrics
    let grants: GrantCache
    let relations: NodeRelations
    let nodes: NodeRoll
    let signingRequests: SigningRequestRoll
    /// About how much memory documents take that have been read to change something.
    let documents: SharedBudget
    /// Bytes of objects in lists that are on their way out.
    let lists: SharedBudget
    /// Where objects are decoded and shown when there is much of them.
    let workbench: Workbench
    /// Where watches are served, of clients and of what the server does for itself: apart from writes, whose pieces are longer.
    let watchTurns = Workbench(name: "watches")
    /// What watches have made of events, and what they hold for clients that have not read it.
    let sharedForms = SharedForms()
    let watchHoldings = WatchHoldings()

    init(
        configuration: APIServerConfiguration, logger: Logger, storage: ObjectStorage, registry: ResourceRegistry,
        allocator: ServiceAllocator, quotas: Quotas, tokens: ServiceAccountTokens, connections: ProxyConnections,
        nodes: ResourceKind, metrics: ServerMetrics, workbench: Workbench
    ) {
        self.configuration = configuration
        self.logger = logger
        self.storage = storage
        self.registry = registry
        self.allocator = allocator
        self.quotas = quotas
        self.tokens = tokens
        self.connections = connections
        self.metrics = metrics
        self.workbench = workbench
        grants = GrantCache(storage.store)
        relations = NodeRelations(storage.store, registry)
        func budget(_ each: Int) -> SharedBudget { SharedBudget(each: each) { $0 == .everybody ? each * 2 : each } }
        documents = budget(configuration.maxDocumentBytesPerUser)
        lists = budget(configuration.maxListBytesPerUser)
        self.nodes = NodeRoll(storage.store, prefix: ObjectStorage.prefix(nodes))
        signingRequests = SigningRequestRoll(storage.store)
    }

    var store: any KeyValueStore { storage.store }

    /// A built-in resource that the server itself depends on.
    func builtin(_ group: String, _ plural: String) throws(APIError) -> ResourceKind {
        guard let resource = registry.preferred(group, plural) else {
            throw .internalError("the resource \(plural) of group \"\(group)\" is not served")
        }
        return resource
    }

    /// The object of a built-in kind, parsed; nil when there is none.
    func object(
        _ group: String, _ plural: String, namespace: String = "", name: String
    ) throws(APIError) -> APIObject? {
        guard let stored = try stored(group, plural, namespace: namespace, name: name) else { return nil }
        return try APIObject(stored)
    }

    /// The object of a built-in kind as it is stored; nil when there is none.
    func stored(
        _ group: String, _ plural: String, namespace: String = "", name: String
    ) throws(APIError) -> StoredObject? {
        storage.get(try builtin(group, plural), namespace: namespace, name: name)
    }

    /// All objects of a built-in kind, parsed.
    func objects(_ group: String, _ plural: String, namespace: String = "") throws(APIError) -> [APIObject] {
        var result: [APIObject] = []
        for stored in storage.all(try builtin(group, plural), namespace: namespace) {
            result.append(try APIObject(stored))
        }
        return result
    }
}
