// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import KubeAPI
public import KubeClient
internal import Linux
internal import NFTables
public import Netlink
internal import Synchronization
public import Telemetry

/// The service proxy of a node: watches Services and EndpointSlices and keeps the kernel's nftables to them.
///
/// It needs nothing but an API server, Swiftlet's or upstream's, and touches only tables of its own.
public final class ProxyServer: Sendable {
    public let configuration: ProxyConfiguration
    public let nodeName: String
    let client: KubeClient
    let logger: Logger
    let registry: MetricsRegistry
    let metrics: ProxyMetrics
    let queue = ChangeQueue()
    /// Wakes who looks at the addresses of nodes.
    let owners = ChangeQueue()
    let health: HealthState
    private let checks: HealthChecks
    let route: NetlinkSocket
    let families: [FamilyProxy]
    let services: Informer<Service>
    let slices: Informer<EndpointSlice>
    let nodes: Informer<Node>
    let ranges: Informer<ServiceCIDR>
    let state = Mutex(State())

    let recorder: EventRecorder

    struct State {
        var addresses: [IPAddress]
        var zone: String?
        /// Addresses of all interfaces that others can mean.
        var machine: Set<IPAddress> = []
        var claims: ExternalClaims?
        var budget = ElementBudget()
        /// What was refused of each Service, as last told, by the events' reason.
        var refusals: [RefusalReason: [ServiceKey: [String]]] = [:]

        init() { addresses = [] }
    }

    /// - Parameters:
    ///   - nodeName: The Node this proxy serves; `hostnameOverride` of the configuration goes first.
    ///   - nodeAddresses: Main addresses to use until the Node object tells them.
    public init(
        configuration: ProxyConfiguration, client: KubeClient, nodeName: String,
        nodeAddresses: [Netlink.IPAddress] = [],
        logger: Logger, registry: MetricsRegistry = MetricsRegistry()
    ) throws {
        self.configuration = configuration
        self.client = client
        self.nodeName = configuration.hostname.isEmpty ? nodeName : configuration.hostname
        self.logger = logger
        self.registry = registry
        let metrics = ProxyMetrics(registry)
        self.metrics = metrics
        route = try NetlinkSocket(.route)
        let health = HealthState(patience: .seconds(60))
        self.health = health
        checks = try HealthChecks(logger: logger) { health.isHealthy }
        families = try configuration.families.map { family in
            FamilyProxy(
                ProxyTable(family: family, options: configuration.rules), ruleset: try KernelRuleset(),
                conntrack: try NetlinkSocket(.netfilter), metrics: metrics, logger: logger)
        }
        // Upstream's selection: Services of other proxies and headless ones are nobody's here.
        let selector = "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name"
        services = Informer(
            client: client, resource: Service.resource, labelSelector: selector, logger: logger,
            transform: { $0.withoutManagedFields().packed("spec", "ports") })
        slices = Informer(
            client: client, resource: EndpointSlice.resource, labelSelector: selector, logger: logger,
            transform: { $0.withoutManagedFields().packed("endpoints").packed("ports") })
        // All of them: no Service may pretend to be another node.
        nodes = Informer(client: client, resource: Node.resource, logger: logger)
        ranges = Informer(client: client, resource: ServiceCIDR.resource, logger: logger)
        recorder = EventRecorder(client: client, component: "kube-proxy", host: self.nodeName, logger: logger)
        state.withLock { $0.addresses = nodeAddresses }
        slices.addIndex("service") { slice in EndpointSpec.service(of: slice).map { ["\($0)"] } ?? [] }
    }

    /// Removes what the proxy has programmed.
    public static func cleanUp(_ configuration: ProxyConfiguration, logger: Logger) throws {
        for family in configuration.families {
            try FamilyProxy(
                ProxyTable(family: family, options: configuration.rules), ruleset: try KernelRuleset(), conntrack: nil,
                metrics: ProxyMetrics(MetricsRegistry()), logger: logger
            ).remove()
        }
    }

    /// Runs until its task is cancelled. The rules stay: stopping the proxy stops no traffic.
    public func run() async throws {
        applySysctls()
        let servers = try startServers()
        addHandlers()
        defer { queue.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.services.run() }
            group.addTask { await self.slices.run() }
            group.addTask { await self.nodes.run() }
            group.addTask { await self.ranges.run() }
            group.addTask { await self.recorder.run() }
            group.addTask { try await self.syncLoop() }
            for family in self.families { group.addTask { try await self.forgetLoop(family) } }
            group.addTask { try await self.checkLoop() }
            group.addTask { try await self.roomLoop() }
            group.addTask { try await self.addressLoop() }
            group.addTask { try await self.ownerLoop() }
            defer { group.cancelAll() }
            try await group.next()
        }
        for server in servers { await server.stop() }
        await checks.stop()
    }

    // MARK: Watching

    private func addHandlers() {
        services.addHandler { [queue, health, metrics] change in
            let service = change.object
            health.queued()
            for label in ["IPv4", "IPv6"] { metrics.serviceChangesTotal.increment([label]) }
            queue.service(ServiceKey(service.metadata.namespace ?? "", service.name))
        }
        slices.addHandler { [weak self, queue, health, metrics] change in
            guard let key = EndpointSpec.service(of: change.object) else { return }
            if key == Self.apiServer { self?.claimsChanged() }
            health.queued()
            metrics.endpointChangesTotal.increment([change.object.addressType])
            queue.endpoints(key, trigger: change.object.lastChangeTrigger)
            // A slice that changes hands leaves its old Service too.
            if case .updated(let old, _) = change, let before = EndpointSpec.service(of: old), before != key {
                queue.endpoints(before, trigger: nil)
            }
        }
        nodes.addHandler { [weak self] change in
            guard let self else { return }
            if change.object.metadata.name == nodeName { nodeChanged(change) }
            if case .updated(let old, let new) = change, old.status.addresses == new.status.addresses { return }
            owners.wake()
        }
        // Every sync looks at them.
        ranges.addHandler { [weak self, queue] _ in
            self?.claimsChanged()
            queue.wake()
        }
    }

    private func nodeChanged(_ change: InformerChange<Node>) {
        let node = change.object
        var isDeleted = false
        if case .deleted = change { isDeleted = true }
        // Balancers stop using a node that goes, before it is gone.
        let isLeaving =
            node.metadata.deletionTimestamp != nil
            || node.spec.taints.contains { $0.key == "ToBeDeletedByClusterAutoscaler" }
        health.nodeEligible = !isDeleted && !isLeaving
        let addresses = node.status.addresses.filter { $0.type == "InternalIP" || $0.type == "ExternalIP" }
            .compactMap { IPAddress($0.address) }
        let zone = node.metadata.labels["topology.kubernetes.io/zone"]
        let changed = state.withLock { state in
            // The first internal address of each family is the node's main one.
            let main = IPFamily.allCases.compactMap { family in addresses.first { $0.family == family } }
            let wanted = main.isEmpty ? state.addresses : main
            defer { (state.addresses, state.zone) = (wanted, zone) }
            return state.addresses != wanted || state.zone != zone
        }
        if changed { queue.node() }
    }

    // MARK: Syncing

    private func syncLoop() async throws {
        try await services.waitForSync()
        try await slices.waitForSync()
        await knowOwners()
        async let _: Void = knowOwnersAtLast()
        // The handlers have queued everything by now; what they missed is in the caches.
        for service in services.list() { queue.service(ServiceKey(service.metadata.namespace ?? "", service.name)) }
        queue.wake()
        var delay = Duration.milliseconds(100)
        for await _ in queue.wakeups {
            try Task.checkCancellation()
            let batch = queue.take()
            if sync(batch) {
                delay = .milliseconds(100)
                if configuration.minSyncPeriod > .zero { try await Task.sleep(for: configuration.minSyncPeriod) }
            } else {
                queue.retry(batch)
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(10))
            }
        }
    }

    /// Brings the kernel up to date with the caches; false when a family failed.
    private func sync(_ batch: ChangeQueue.Batch) -> Bool {
        let (addresses, zone, claims) = state.withLock { ($0.addresses, $0.zone, $0.claims ?? ExternalClaims()) }
        var refusals: [ServiceKey: [String]] = [:]
        var shortages: [ServiceKey: [String]] = [:]
        // A changed zone may change the choice of endpoints anywhere.
        let keys =
            batch.node
            ? Set(services.list().map { ServiceKey($0.metadata.namespace ?? "", $0.name) }).union(batch.services)
            : batch.services
        let ranges = self.ranges.list().flatMap(\.spec.cidrs).compactMap { IPPrefix($0) }.sorted { "\($0)" < "\($1)" }
        var health: [(UInt16, ServiceHealth)] = []
        var succeeded = true
        var changes: [[ServiceKey: [ProxyState.Change]]] = families.map { _ in [:] }
        for key in keys.sorted() {
            let room = state.withLock { $0.budget.open(key) }
            var left = room
            var refusedPorts = 0
            for (index, family) in families.enumerated() {
                let (ports, refused, reasons) = read(key, family.table.family, zone: zone, claims, room: &left)
                changes[index][key] = ports
                refusedPorts += refused
                refusals[key, default: []] += reasons
                for change in ports where change.port.healthCheckNodePort != 0 {
                    health.append(
                        (
                            change.port.healthCheckNodePort,
                            ServiceHealth(service: key, localEndpoints: change.choice.readyHere)
                        ))
                }
            }
            shortages[key] = state.withLock { state in
                state.budget.note(key, room - left, isWaiting: refusedPorts > 0)
                return refusedPorts > 0 ? [state.budget.refusal(key, room: room, ports: refusedPorts)] : []
            }
        }
        for (family, changes) in zip(families, changes) {
            let nodePortIPs = family.table.nodePortElements(nodeAddresses: candidates(for: family, addresses))
            do throws(NFTablesError) {
                try family.sync(changes, nodePortIPs: Set(nodePortIPs.map(\.key)), serviceRanges: ranges)
                record(batch, family)
            } catch {
                succeeded = false
                logger.error("sync nftables rules", ["error": "\(error)", "family": family.label])
            }
        }
        for (key, refused) in refusals { tell(.addressRefused, refused, of: key) }
        for (key, refused) in shortages { tell(.portsNotServed, refused, of: key) }
        updateChecks(keys, health)
        if succeeded { self.health.synced() }
        return succeeded
    }

    /// The addresses node ports may answer on: the Node's, or with blocks configured all the machine has.
    private func candidates(for family: FamilyProxy, _ main: [IPAddress]) -> [IPAddress] {
        guard case .blocks = family.table.options.nodePortAddresses else { return main }
        do {
            return try route.addresses().map(\.prefix.address)
        } catch {
            logger.error("list the node's addresses", ["error": "\(error)"])
            return main
        }
    }

    /// The ports of a Service and what serves them, as far as there is room for them in the tables.
    private func read(
        _ key: ServiceKey, _ family: IPFamily, zone: String?, _ claims: ExternalClaims, room: inout Int
    ) -> (changes: [ProxyState.Change], refused: Int, refusals: [String]) {
        guard let service = services.get(key.name, namespace: key.namespace) else { return ([], 0, []) }
        let (ports, refusals) = claims.admit(ServicePortSpec.read(service.unpacked("spec", "ports"), family))
        guard !ports.isEmpty else { return ([], 0, []) }
        let endpoints = EndpointSpec.read(
            slices.list(index: "service", value: "\(key)"), family, node: nodeName)
        var changes: [ProxyState.Change] = []
        for port in ports {
            let found = endpoints[EndpointSpec.PortKey(port.name.port, port.name.protocolNumber)]
            var choice = EndpointChoice(found, usesLocal: port.usesLocalEndpoints, node: nodeName, zone: zone)
            let weight = ElementBudget.weight(port, choice)
            // In the order in which the Service has them: what it has more, nothing is made of.
            guard weight <= room else { return (changes, ports.count - changes.count, refusals) }
            room -= weight
            // Most often those of the port before: kept once.
            if let last = changes.last?.choice.onThisNode, last == choice.onThisNode { choice.onThisNode = last }
            changes.append(ProxyState.Change(port: port, choice: choice))
        }
        return (changes, 0, refusals)
    }

    private func record(_ batch: ChangeQueue.Batch, _ family: FamilyProxy) {
        let now = Timestamp.now
        metrics.syncLatest.set(Double(now.seconds) + Double(now.nanoseconds) / 1e9, [family.label])
        if let trigger = batch.trigger { metrics.networkProgramming.observe(now - trigger, [family.label]) }
    }

    /// Looks from time to time whether the kernel's table is as it was left, and mends it.
    private func checkLoop() async throws {
        while true {
            try await Task.sleep(for: max(configuration.syncPeriod, .seconds(1)) * 10)
            for family in families where !family.needsFullSync {
                do throws(NFTablesError) { try family.resync() } catch {
                    logger.error("check nftables rules", ["error": "\(error)", "family": family.label])
                    queue.wake()
                }
            }
        }
    }

    /// Forgets flows beside the syncs, however many there are to be read; a fifth of a processor at most.
    private func forgetLoop(_ family: FamilyProxy) async throws {
        let clock = ContinuousClock()
        var delay = Duration.seconds(1)
        for await _ in family.flows.wakeups {
            let start = clock.now
            do {
                try await Blocking.run(.flows) { _ = try family.forgetFlows() }
                delay = .seconds(1)
                try await Task.sleep(for: (clock.now - start) * 4)
            } catch {
                try Task.checkCancellation()
                // The rules are right; only a sender that never pauses is stuck until this succeeds.
                logger.warning("forget stale flows, trying again", ["error": "\(error)", "family": family.label])
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(30))
                family.flows.wake()
            }
        }
    }

    /// Looks again at Services that did not get all they wanted, some time after others gave something back.
    private func roomLoop() async throws {
        while true {
            try await Task.sleep(for: .seconds(10))
            for key in state.withLock({ $0.budget.takeWaiting() }) { queue.service(key) }
        }
    }

    // MARK: Servers

    private func startServers() throws -> [HTTPServer] {
        var servers: [HTTPServer] = []
        if !configuration.healthzBindAddress.isEmpty {
            servers.append(
                try serve(configuration.healthzBindAddress) { [health, metrics] request in
                    let isHealthz = request.path == "/healthz"
                    guard isHealthz || request.path == "/livez" else {
                        return .text("404 page not found\n", status: 404)
                    }
                    let response = health.answer(includingNode: isHealthz)
                    (isHealthz ? metrics.healthz : metrics.livez).increment([String(response.status)])
                    return response
                })
        }
        if !configuration.metricsBindAddress.isEmpty {
            servers.append(
                try serve(configuration.metricsBindAddress) { [registry, health] request in
                    switch request.path {
                    case "/metrics": return .text(registry.render())
                    case "/proxyMode": return .text("nftables")
                    case "/healthz": return health.answer(includingNode: true)
                    default: return .text("404 page not found\n", status: 404)
                    }
                })
        }
        return servers
    }

    private func serve(
        _ address: String, _ handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) throws -> HTTPServer {
        guard let parsed = SocketAddress(hostPort: address) else {
            throw ProxyConfigurationError("\"\(address)\" is no address and port")
        }
        let server = try HTTPServer(addresses: [parsed], logger: logger, handler: HTTPClosureHandler(handler))
        try server.start()
        return server
    }

    /// Opens and closes the health check ports of Services as they come and go.
    private func updateChecks(_ changed: Set<ServiceKey>, _ wanted: [(UInt16, ServiceHealth)]) {
        // A dual-stack Service has one port for both families: its local endpoints are one number.
        var byPort: [UInt16: ServiceHealth] = [:]
        for (port, health) in wanted {
            byPort[port] = ServiceHealth(
                service: health.service, localEndpoints: max(byPort[port]?.localEndpoints ?? 0, health.localEndpoints))
        }
        checks.update(byPort, changed: changed)
    }

    // MARK: The kernel

    /// What the proxy needs of the kernel and what its configuration asks of connection tracking. A refusal (a read-only
    /// /proc/sys) costs one setting, not the proxy.
    private func applySysctls() {
        var wanted: [(String, String)] = [("net.ipv4.ip_forward", "1")]
        let settings = configuration.conntrack
        func seconds(_ name: String, _ duration: Duration?) {
            guard let duration, duration > .zero else { return }
            wanted.append(("net.netfilter.\(name)", String(duration.components.seconds)))
        }
        seconds("nf_conntrack_tcp_timeout_established", settings.tcpEstablishedTimeout)
        seconds("nf_conntrack_tcp_timeout_close_wait", settings.tcpCloseWaitTimeout)
        seconds("nf_conntrack_udp_timeout", settings.udpTimeout)
        seconds("nf_conntrack_udp_timeout_stream", settings.udpStreamTimeout)
        if settings.tcpBeLiberal { wanted.append(("net.netfilter.nf_conntrack_tcp_be_liberal", "1")) }
        for (name, value) in wanted {
            do throws(Errno) { try Sysctl.write(name, value) } catch {
                logger.warning("set \(name)", ["value": value, "error": "\(error)"])
            }
        }
    }
}

extension SocketAddress {
    /// Reads `0.0.0.0:10256` and `[::]:10256`; nil when it is neither.
    init?(hostPort text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
    }
}
