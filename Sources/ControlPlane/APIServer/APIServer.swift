// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
public import HTTP
internal import JSON
internal import KubeAPI
internal import Linux
internal import Schema
internal import Store
internal import Synchronization
internal import TLS
public import Telemetry

/// The API server: answers requests over HTTPS, or in-process through `InProcessExchange`.
public final class APIServer: HTTPHandler {
    let core: ServerCore
    let authenticator: Authenticator
    let authorizer: Authorizer
    private let sqlite: SQLiteStore
    private let ready = Atomic<Bool>(false)
    private let flows: FlowControl
    private let meter: RequestMeter
    private let bodies: BodyReader
    private let longRunning: SharedBudget
    private let streams: SharedBudget
    private let discovery: Discovery
    private let tasks = Mutex<[Task<Void, Never>]>([])
    /// The keys and certificates made at start, for the listener and for the other components.
    public let credentials: ServerCredentials

    /// Opens the store and the credentials in the data directory. `start()` fills in what a cluster begins with.
    public init(
        _ configuration: APIServerConfiguration, logger: Logger = Logger(label: "apiserver"),
        metrics: MetricsRegistry = MetricsRegistry()
    ) throws {
        let server = ServerMetrics(metrics)
        credentials = try ServerCredentials(configuration)
        let space = SpaceRule.space(quota: configuration.storeQuota, metrics: server, logger: logger)
        sqlite = try SQLiteStore(directory: "\(configuration.dataDirectory)/db", space: space) { count in
            server.commits.increment()
            server.changes.increment(by: Double(count))
        }
        let ranges = try configuration.serviceRanges.map { text in
            guard let range = AddressRange(text) else {
                throw ConfigurationError("service range \"\(text)\": not a CIDR")
            }
            return range
        }
        let tokens = ServiceAccountTokens(
            issuer: configuration.issuer, audiences: [configuration.issuer],
            key: credentials.serviceAccountKey, publicKeys: [credentials.serviceAccountKey.publicKey])
        let storage = ObjectStorage(store: sqlite)
        let registry = ResourceRegistry()
        let bench = Workbench(name: "workbench")
        guard let quotas = Quotas(storage: storage, registry: registry, bench),
            let services = registry.preferred("", "services"), let nodes = registry.preferred("", "nodes")
        else { throw ConfigurationError("the table of resources has no resourcequotas, services or nodes") }
        core = ServerCore(
            configuration: configuration, logger: logger, storage: storage, registry: registry,
            allocator: ServiceAllocator(
                ranges: ranges, portRange: configuration.nodePorts, store: sqlite, services: services, bench),
            quotas: quotas, tokens: tokens, connections: ProxyConnections(makeClient: credentials.makeClient),
            nodes: nodes, metrics: server, workbench: bench)
        authenticator = Authenticator(
            core: core, frontProxyName: credentials.frontProxyAuthority.certificate.commonName)
        authorizer = Authorizer(core: core)
        meter = RequestMeter(server)
        discovery = Discovery(core.registry, core.workbench)
        flows = FlowControl(
            total: configuration.maxRequestsInFlight + configuration.maxMutatingRequestsInFlight, metrics: server)
        bodies = BodyReader(budget: SharedBudget(each: 64 << 20) { $0 == .everybody ? 512 << 20 : 128 << 20 })
        let (watches, streams) = (configuration.maxLongRunningPerUser, configuration.maxStreamsPerUser)
        longRunning = SharedBudget(each: watches) { $0 == .everybody ? watches * 2 : watches }
        self.streams = SharedBudget(each: streams) { $0 == .everybody ? streams * 8 : streams }
        server.show(flows)
        server.show(sqlite, quota: configuration.storeQuota)
        server.show(core.workbench)
    }

    /// Brings up what every cluster has, then says that the server is ready.
    public func start() async throws {
        do throws(APIError) {
            try await Bootstrap(core: core, credentials: credentials).run()
        } catch {
            throw ConfigurationError("prepare the cluster: \(error.message)")
        }
        try await moveCustomResources()
        let definitions = DefinitionKeeper(core: core)
        do throws(APIError) { try await definitions.refresh() } catch {
            throw ConfigurationError("read the custom resource definitions: \(error.message)")
        }
        keep("definitions") { await definitions.run() }
        keep("services") { await self.core.allocator.start() }
        let keeper = QuotaKeeper(quotas: core.quotas, store: core.store, logger: core.logger)
        keep("quotas") { await keeper.run() }
        let expiry = EventExpiry(storage: core.storage, events: try core.builtin("", "events"), logger: core.logger)
        let lifetime = core.configuration.eventLifetime.components.seconds
        if lifetime > 0 { keep("events") { await expiry.run(lifetime: lifetime) } }
        keep("own objects") { await self.renewOwnObjects() }
        let bootstrap = Bootstrap(core: core, credentials: credentials)
        keep("own service") { await bootstrap.keepOwnService() }
        ready.store(true, ordering: .releasing)
        core.logger.info(
            "API server ready",
            ["revision": "\(sqlite.currentRevision)", "data": core.configuration.dataDirectory])
    }

    /// Begins what the server does for itself until it stops, each in turns of its own beside clients' watches: some of it goes
    /// through all there is.
    private func keep(_ name: String, _ body: @escaping @Sendable () async -> Void) {
        let task = core.watchTurns.executor(for: "keeper of \(name)").begin { await body() }
        tasks.withLock { $0.append(task) }
    }

    private func renewOwnObjects() async {
        let bootstrap = Bootstrap(core: core, credentials: credentials)
        while true {
            do { try await Task.sleep(for: .seconds(10)) } catch { return }
            do throws(APIError) { try await bootstrap.renew() } catch {
                core.logger.warning("renew what every cluster has", ["error": error.message])
            }
        }
    }

    /// Brings a data directory of an earlier version to this one's keys. The last thing before the server serves: until
    /// then the earlier version could take over again.
    private func moveCustomResources() async throws {
        do {
            let definitions = try core.objects("apiextensions.k8s.io", "customresourcedefinitions")
            let count = try await CustomKeyMigration(store: sqlite, registry: core.registry).run(definitions)
            if count > 0 { core.logger.info("custom resources moved to keys of their own", ["objects": "\(count)"]) }
            try await sqlite.adoptFormat()
        } catch let error as APIError {
            throw ConfigurationError("move custom resources to keys of their own: \(error.message)")
        } catch StoreError.diskFull(let path) {
            // Served as they are, they would be missing: whoever follows them would take them for deleted.
            throw ConfigurationError(
                "move custom resources to keys of their own: the disk of \(path) is full. Some megabytes of room are "
                    + "enough; then start again: what was moved stays so, and pods run on meanwhile")
        } catch {
            throw ConfigurationError("move custom resources to keys of their own: \(error)")
        }
    }

    /// Renews the server's certificates before they end, and tells `changed` each time it has; until cancelled.
    public func keepCertificates(_ changed: @Sendable () throws -> Void) async throws {
        while true {
            try await AsyncIO.sleep(for: credentials.untilRenewal)
            do {
                guard try credentials.renew() else { continue }
                core.connections.forget()
                try changed()
                core.logger.info("certificates renewed")
            } catch {
                core.logger.error("renew the server's certificates", ["error": "\(error)"])
            }
        }
    }

    /// Finishes writes under way and lets go of the data directory. Nothing depends on its being called.
    public func stop() {
        ready.store(false, ordering: .releasing)
        for task in tasks.withLock({ $0 }) { task.cancel() }
        sqlite.close()
    }

    /// A client of this server in the same process, as `user`.
    public func exchange(as user: RequestUser) -> InProcessExchange { InProcessExchange(handler: self, user: user) }

    /// The same, as the service account `namespace/name`.
    public func exchange(asServiceAccount name: String, namespace: String) -> InProcessExchange {
        exchange(as: ServiceAccountTokens.user(namespace: namespace, name: name, uid: "", extra: [:]))
    }

    // MARK: Requests

    public func handle(_ wire: HTTPRequest) async -> HTTPResponse {
        let request = ParsedRequest(wire, registry: core.registry)
        let start = ContinuousClock.now
        var response: HTTPResponse
        do throws(APIError) {
            response = try await admitted(wire, request)
        } catch {
            response = Self.failure(error)
        }
        if response.headers["Cache-Control"] == nil { response.headers["Cache-Control"] = "no-cache, private" }
        response.headers["Audit-Id"] = request.auditID ?? Fresh.uid()
        meter.record(request, response.status, start.duration(to: .now))
        return response
    }

    /// Finds out who asks and whether he may, and then makes him wait for his turn. Until then nothing is kept of a
    /// request but itself.
    private func admitted(_ wire: HTTPRequest, _ request: ParsedRequest) async throws(APIError) -> HTTPResponse {
        let info = request.info
        let caller: Caller
        if let momentary = try authenticator.authenticateMomentary(wire) {
            caller = momentary
        } else {
            // Whoever shows token after token waits behind his own.
            var flow = wire.context.standing?.holder.flow ?? ""
            if flow.isEmpty { flow = "strangers at \(wire.context.peer?.host ?? "")" }
            caller = try await core.workbench.run(for: flow) {
                [authenticator] () throws(APIError) in try authenticator.authenticate(wire)
            }
        }
        // Of him who has shown credentials: an account may be many by impersonation.
        let holder =
            wire.context.user.map { BudgetHolder(name: $0.name, kind: .masters) }
            ?? caller.holder(standing: core.nodes.standing)
        if caller.rank.contains(.authenticated) { wire.context.standing?.vouch(for: holder) }
        var (user, rank) = (caller.user, caller.rank)
        if let wanted = try Impersonation.wanted(wire.headers) {
            user = try await Impersonation(authorizer: authorizer).become(wanted, caller.user, doing: info)
            rank = UserRank(user)
        }
        let access = AccessRequest(user: user, info: info)
        // Before the roles are made for the first time, those who ask whether the server lives are told.
        if !ready.load(ordering: .acquiring), HeldRule(DefaultPolicy.publicRule).allows(access) {
            return try await otherResponse(request, holder.flow)
        }
        let permission: Permission
        if let momentary = try authorizer.permitMomentary(access) {
            permission = momentary
        } else {
            permission = try await authorizer.permit(access, inTurnsOf: holder.flow)
        }
        // Components of this process are bounded by themselves, and must not be starved by clients.
        if wire.context.user != nil { return try await serve(request, user, holder, permission) }
        let level = PriorityLevel(rank, info)
        if info.isLongRunning { return try await serveLong(request, user, permission, level, holder) }
        var taken = 0
        defer { bodies.budget.giveBack(taken, holder) }
        var whole = request
        if info.isResource, !["get", "list"].contains(info.verb) {
            whole = try await bodies.read(request, for: holder, isExempt: level == .exempt, taken: &taken)
        }
        if !flows.enterNow(level, holder.flow) { try await flows.enter(level, holder.flow) }
        defer { flows.leave(level, holder.flow) }
        // Before anything is done: afterwards it is told, and not refused.
        if !request.isRead, wire.context.standing?.hasRoomForAnswer == false {
            throw .tooManyRequests("Too many answers have not been read, please try again later.", retryAfter: 1)
        }
        return try await serve(whole, user, holder, permission)
    }

    /// Watches and streams have no seat, since they stay; they are counted for each user.
    private func serveLong(
        _ request: ParsedRequest, _ user: RequestUser, _ permission: Permission, _ level: PriorityLevel,
        _ holder: BudgetHolder
    ) async throws(APIError) -> HTTPResponse {
        if level == .exempt { return try await serve(request, user, holder, permission) }
        // A watch costs little; a stream has connections, descriptors and buffers here and at a kubelet.
        var shares: [Share] = []
        for budget in request.info.verb == "watch" ? [longRunning] : [longRunning, streams] {
            guard let share = Share(of: budget, for: holder) else {
                core.metrics.rejected.increment([level.name, "too-many-long-running"])
                throw .tooManyRequests("Too many watches and streams, please try again later.", retryAfter: 1)
            }
            shares.append(share)
        }
        var response = try await begin(request, user, permission, level, holder)
        for share in shares { response.hold(share) }
        return response
    }

    /// To begin a watch is work, as any other request is: it reads what has happened since its revision. What goes on to
    /// another server takes as long as that likes, and has no seat.
    private func begin(
        _ request: ParsedRequest, _ user: RequestUser, _ permission: Permission, _ level: PriorityLevel,
        _ holder: BudgetHolder
    ) async throws(APIError) -> HTTPResponse {
        let isWatch = request.info.verb == "watch"
        if isWatch { try await flows.enter(level, holder.flow) }
        defer { if isWatch { flows.leave(level, holder.flow) } }
        return try await serve(request, user, holder, permission)
    }

    private func serve(
        _ request: ParsedRequest, _ user: RequestUser, _ holder: BudgetHolder, _ permission: Permission
    ) async throws(APIError) -> HTTPResponse {
        // A body may arrive slowly, and the Node be made by somebody else meanwhile.
        if !request.isRead, let certificate = request.certificate { try core.nodes.require(certificate) }
        if request.info.isResource { return try await resourceResponse(request, user, holder, permission) }
        return try await otherResponse(request, holder.flow)
    }

    private func resourceResponse(
        _ request: ParsedRequest, _ user: RequestUser, _ holder: BudgetHolder, _ permission: Permission
    ) async throws(APIError) -> HTTPResponse {
        let info = request.info
        guard !info.isBeyond, var resource = request.resource else { throw .unknownResource }
        if resource.custom != nil, !request.isRead {
            // The body may have come long after the head: what is served by now counts.
            guard let now = core.registry.resource(info.group, info.version, info.resource) else {
                throw .unknownResource
            }
            resource = now
        }
        if !info.namespace.isEmpty, !resource.namespaced {
            // A right in a namespace is none on what the cluster has. A namespace itself is in its own, and in no other.
            guard resource.kind == "Namespace", resource.custom == nil, info.namespace == info.name else {
                throw .unknownResource
            }
        }
        // Before the kind's name only a watch can stand, which is a way of reading objects.
        if info.isPrefixed, info.verb != "watch" || !request.isRead || !info.subresource.isEmpty {
            throw .methodNotAllowed(resource.subject(info.name))
        }
        // A name is one step of a key: nothing in it may reach into another namespace or kind.
        for part in [info.namespace, info.name] where !RequestPath.isSegmentName(part) {
            throw .badRequest("invalid resource name \"\(part)\": it may not be '.' or '..' or contain '/' or '%'")
        }
        if resource.namespaced, info.namespace.isEmpty, !info.name.isEmpty { throw .unknownResource }
        let tables = ["get", "list", "watch"].contains(info.verb) || resource.isStored
        let scope = RequestScope(
            core: core, request: request, user: user, holder: holder, permission: permission, resource: resource,
            options: try QueryOptions(request.query),
            output: try OutputFormat(
                request, tables: tables && resource.isStored,
                binary: resource.custom == nil || info.subresource == "scale"))
        let share = try shareOfDocuments(scope)
        defer { withExtendedLifetime(share) {} }
        var response = try await scope.inTurns { () async throws(APIError) in try await answer(scope) }
        if let warning = resource.custom?.deprecationWarning { RequestScope.add([warning], to: &response) }
        return response
    }

    /// What is to be stored has been read until it is, and so has what it is to change: of documents that take much memory
    /// nobody has more than his part. One beyond that is let in alone.
    private func shareOfDocuments(_ scope: RequestScope) throws(APIError) -> Share? {
        let (info, holder) = (scope.info, scope.holder)
        if holder.kind == .masters || ["get", "list", "watch"].contains(info.verb) { return nil }
        var weight = DocumentWeight.of(scope.request.present)
        if !info.name.isEmpty, scope.resource.isStored,
            let stored = core.storage.get(scope.resource, namespace: info.namespace, name: info.name)
        {
            weight += DocumentWeight.of(stored.bytes)
        }
        if weight == 0 { return nil }
        guard let share = Share(of: core.documents, min(weight, core.documents.each / 2), for: holder) else {
            core.metrics.rejected.increment([
                PriorityLevel(user: scope.user, info: info).name, "too-large-documents",
            ])
            throw .tooManyRequests("Too many large documents, please try again later.", retryAfter: 1)
        }
        return share
    }

    private func answer(_ scope: RequestScope) async throws(APIError) -> HTTPResponse {
        let (info, resource) = (scope.info, scope.resource)
        if !info.subresource.isEmpty { return try await scope.handleSubresource() }
        if resource.custom == nil, resource.kind == "Binding", info.verb == "create", Self.isPlace(info, resource) {
            return try await scope.bind(name: "")
        }
        guard resource.isStored else {
            guard info.verb == "create", Self.isPlace(info, resource) else { throw .methodNotAllowed(scope.subject()) }
            return try await scope.review()
        }
        guard resource.verbs.contains(info.verb), Self.isPlace(info, resource) else {
            throw .methodNotAllowed(scope.subject())
        }
        switch info.verb {
        case "get": return try await Self.compressed(try await scope.get(), scope)
        case "list": return try await Self.compressed(try await scope.list(), scope)
        case "watch": return try await scope.watch()
        case "create": return try await scope.create()
        case "update": return try await scope.update()
        case "patch": return try await scope.patch()
        case "delete": return try await scope.delete()
        case "deletecollection": return try await scope.deleteCollection()
        default: throw .methodNotAllowed(scope.subject())
        }
    }

    /// Whether the verb is for what the path names: what is written is an object and never the collection, what is made
    /// is in a collection, of one namespace where the kind has them.
    private static func isPlace(_ info: RequestInfo, _ resource: ResourceKind) -> Bool {
        switch info.verb {
        case "update", "patch": !info.name.isEmpty
        case "create": info.name.isEmpty && (!resource.namespaced || !info.namespace.isEmpty)
        case "deletecollection": !resource.namespaced || !info.namespace.isEmpty
        default: true
        }
    }

    /// The response, compressed when it is worth it and the client takes that: from 128 KB, as upstream does.
    private static func compressed(
        _ response: HTTPResponse, _ scope: RequestScope
    ) async throws(APIError) -> HTTPResponse {
        var size = 0
        if case .bytes(let bytes) = response.body {
            if bytes.count <= 128 * 1024 { return response }
            size = bytes.count
        }
        guard scope.request.method == "GET", scope.request.acceptsGzip else { return response }
        // What is streamed is compressed piece by piece, as it goes.
        return try await scope.apart(size) { () throws(APIError) -> HTTPResponse in
            let (bench, flow) = (scope.core.workbench, scope.flow)
            var response = response
            response.compress { piece in await bench.run(for: flow, piece) }
            return response
        }
    }

    private func otherResponse(_ request: ParsedRequest, _ flow: String) async throws(APIError) -> HTTPResponse {
        if let response = await discovery.response(request, for: flow) { return response }
        switch request.path.text {
        case "/version", "/version/": return .json(Version.json.encodedPretty(indent: 2))
        case let path where Health.isServed(path):
            return Health(store: sqlite, isReady: ready.load(ordering: .acquiring)).response(request)
        case "/metrics":
            return HTTPResponse.text(
                await core.workbench.run(for: flow) { [core] in core.metrics.registry.render() })
        case "/.well-known/openid-configuration":
            return .json(
                JSONValue.object([
                    "issuer": .string(core.configuration.issuer),
                    "jwks_uri": .string("\(core.configuration.issuer)/openid/v1/jwks"),
                    "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                ]).encoded())
        case "/openid/v1/jwks":
            var response = HTTPResponse.json(JSONValue.object(try core.tokens.keySet()).encoded())
            response.headers["Content-Type"] = "application/jwk-set+json"
            return response
        default:
            if ["api", "apis"].contains(request.path.segments.first) { throw .unknownResource }
            return HTTPResponse.text("404 page not found\n", status: 404)
        }
    }

    /// A refusal as the client can read it.
    static func failure(_ error: APIError) -> HTTPResponse {
        var response = HTTPResponse.json(JSONValue.object(error.json).encoded(), status: error.code)
        if let seconds = error.details["retryAfterSeconds"]?.integer {
            response.headers["Retry-After"] = String(seconds)
        }
        if error.code == 401 { response.headers["WWW-Authenticate"] = "Bearer" }
        return response
    }
}

/// A configuration that cannot work.
public struct ConfigurationError: Error, CustomStringConvertible, Sendable {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// The version served.
enum Version {
    static let json: JSONValue = [
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": "v1.36.0+swiftlet", "gitCommit": "swiftlet",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "swift6.3", "compiler": "swiftc",
        "platform": .string(platform),
    ]

    static var platform: String {
        #if arch(arm64)
            "linux/arm64"
        #else
            "linux/amd64"
        #endif
    }
}
