// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import KubeClient
internal import Synchronization
internal import TLS
internal import Telemetry
internal import Volumes

/// What pods refer to (config maps, secrets, services, tokens), read from the API server. What a volume shows is watched,
/// each object by itself, as the node authorizer allows; a change pokes the pods. What only an environment or a pull
/// names is read when it is needed: nothing comes of its changes.
///
/// A watch takes memory here and on the server, and a node has so many: a namespace has a share of them, and what its
/// pods show beyond that is read again from time to time.
final class PodObjects: VolumeSources, Sendable {
    private struct Watched {
        var configMap: Informer<ConfigMap>?
        var secret: Informer<Secret>?
        var task: Task<Void, Never>
    }
    private struct State {
        var watched: [ReferredObject: Watched] = [:]
        var shares = WatchShares()
        /// What is shown and not watched.
        var unwatched: Set<ReferredObject> = []
    }
    private let client: KubeClient?
    private let services: Informer<Service>?
    private let state = Mutex(State())
    private let onChange = Mutex<(@Sendable (ReferredObject) -> Void)?>(nil)
    private let logger: Logger
    private let bench: Workbench
    let nodeName: String
    let nodeAddresses: [String]
    private let allocatable = Mutex<[String: String]>([:])

    init(client: KubeClient?, nodeName: String, nodeAddresses: [String], bench: Workbench, logger: Logger) {
        self.client = client
        self.bench = bench
        self.logger = logger
        self.nodeName = nodeName
        self.nodeAddresses = nodeAddresses
        services = client.map { Informer<Service>(client: $0, logger: logger) }
    }

    /// Runs until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.services?.run() }
            group.addTask { await self.pokeUnwatched() }
        }
    }

    /// Called with an object that has changed and that pods refer to.
    func setOnChange(_ body: @escaping @Sendable (ReferredObject) -> Void) { onChange.withLock { $0 = body } }
    func allocatableAmounts() -> [String: String] { allocatable.withLock { $0 } }
    func setAllocatable(_ amounts: [String: String]) { allocatable.withLock { $0 = amounts } }

    private func noServer(_ what: String) -> ContainerStartFailure {
        ContainerStartFailure(
            reason: "CreateContainerConfigError", message: "\(what) cannot be had: this node has no API server")
    }

    // MARK: - Objects

    func configMap(namespace: String, name: String) async throws -> ConfigMap? {
        guard let client else { throw noServer("configmap \(namespace)/\(name)") }
        let reference = ReferredObject(kind: .configMap, key: ObjectKey(namespace, name))
        let informer = state.withLock { state -> Informer<ConfigMap>? in
            if let known = state.watched[reference]?.configMap { return known }
            guard state.shares.take(namespace) else {
                state.unwatched.insert(reference)
                return nil
            }
            let made = Informer<ConfigMap>(
                client: client, namespace: namespace, fieldSelector: "metadata.name=\(name)", logger: logger)
            state.watched[reference] = Watched(configMap: made, task: watch(made, reference))
            return made
        }
        guard let informer else { return try await read(ConfigMap.self, namespace, name) }
        try await informer.waitForSync()
        return informer.get(name, namespace: namespace)
    }

    func secret(namespace: String, name: String) async throws -> Secret? {
        guard let client else { throw noServer("secret \(namespace)/\(name)") }
        let reference = ReferredObject(kind: .secret, key: ObjectKey(namespace, name))
        let informer = state.withLock { state -> Informer<Secret>? in
            if let known = state.watched[reference]?.secret { return known }
            guard state.shares.take(namespace) else {
                state.unwatched.insert(reference)
                return nil
            }
            let made = Informer<Secret>(
                client: client, namespace: namespace, fieldSelector: "metadata.name=\(name)", logger: logger)
            state.watched[reference] = Watched(secret: made, task: watch(made, reference))
            return made
        }
        guard let informer else { return try await read(Secret.self, namespace, name) }
        try await informer.waitForSync()
        return informer.get(name, namespace: namespace)
    }

    /// As it is now, without a watch.
    func currentConfigMap(namespace: String, name: String) async throws -> ConfigMap? {
        guard client != nil else { throw noServer("configmap \(namespace)/\(name)") }
        let informer = state.withLock { $0.watched[ReferredObject(kind: .configMap, key: ObjectKey(namespace, name))] }
        guard let known = informer?.configMap, known.hasSynced else {
            return try await read(ConfigMap.self, namespace, name)
        }
        return known.get(name, namespace: namespace)
    }

    /// As it is now, without a watch.
    func currentSecret(namespace: String, name: String) async throws -> Secret? {
        guard client != nil else { throw noServer("secret \(namespace)/\(name)") }
        let informer = state.withLock { $0.watched[ReferredObject(kind: .secret, key: ObjectKey(namespace, name))] }
        guard let known = informer?.secret, known.hasSynced else { return try await read(Secret.self, namespace, name) }
        return known.get(name, namespace: namespace)
    }

    private func read<T: KubeObject>(_ type: T.Type, _ namespace: String, _ name: String) async throws -> T? {
        do { return try await client?.get(type, name, namespace: namespace) } catch let error as StatusError {
            if error.isNotFound { return nil }
            throw error
        }
    }

    /// Pokes the pods that show something that nobody watches, every minute, as upstream reads what it does not watch.
    private func pokeUnwatched() async {
        while true {
            do { try await sleep(for: .seconds(60)) } catch { return }
            let objects = state.withLock { state in
                defer { state.unwatched = [] }
                return state.unwatched
            }
            let body = onChange.withLock { $0 }
            for object in objects { body?(object) }
        }
    }

    private func watch<T: KubeObject>(_ informer: Informer<T>, _ object: ReferredObject) -> Task<Void, Never> {
        informer.addHandler { [weak self] _ in
            let body = self?.onChange.withLock { $0 }
            body?(object)
        }
        return bench.executor(for: object.key.namespace).begin { await informer.run() }
    }

    /// Ends the watches of objects that no pod's volume shows any more.
    func retain(_ wanted: Set<ReferredObject>) {
        guard state.withLock({ !$0.watched.isEmpty }) else { return }
        let ended = state.withLock { state in
            let gone = state.watched.filter { !wanted.contains($0.key) }
            for key in gone.keys {
                state.watched[key] = nil
                state.shares.giveBack(key.key.namespace)
            }
            return gone.values.map(\.task)
        }
        for task in ended { task.cancel() }
    }

    func token(for pod: Pod, audience: String?, seconds: Int) async throws -> PodToken {
        guard let client else { throw noServer("a service account token") }
        let account = pod.spec.serviceAccountName.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        var spec: JSONObject = [
            "expirationSeconds": .integer(Int64(seconds)),
            "boundObjectRef": [
                "kind": "Pod", "apiVersion": "v1", "name": .string(pod.metadata.name ?? ""), "uid": .string(pod.uid),
            ],
        ]
        spec["audiences"] = .array(audience.map { [.string($0)] } ?? [])
        let request: JSONObject = [
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": .object(spec),
        ]
        let answer = try await client.request(
            "POST",
            KubeClient.path(
                ServiceAccount.resource, namespace: pod.metadata.namespace, name: account, subresource: "token"),
            body: request)
        guard let token = answer["status"]?["token"]?.string,
            let expiry = answer["status"]?["expirationTimestamp"]?.string.flatMap({ Timestamp($0) })
        else { throw MountFailure(volume: "", "the API server's answer holds no token") }
        return PodToken(token: token, expiration: expiry.seconds)
    }

    func localPath(claim: String, namespace: String) async throws -> (path: String, readOnly: Bool) {
        guard let client else { throw noServer("claim \(namespace)/\(claim)") }
        let object = try await client.get(PersistentVolumeClaim.self, claim, namespace: namespace)
        let name = try Self.boundVolume(of: object.json, claim: claim)
        let volume = try await client.get(PersistentVolume.self, name)
        try Self.requireBinding(of: volume.json, named: name, to: object.json, claim: claim)
        let source = volume.json["spec"]?["local"] ?? volume.json["spec"]?["hostPath"]
        guard let path = source?["path"]?.string else {
            throw MountFailure(
                .refused, volume: claim, "persistentvolume \"\(name)\" needs a storage driver this node does not have")
        }
        return (path, false)
    }

    /// The volume a claim says it has.
    static func boundVolume(of claim: JSONObject, claim name: String) throws(MountFailure) -> String {
        guard claim["status"]?["phase"]?.string == "Bound", let volume = claim["spec"]?["volumeName"]?.string else {
            throw MountFailure(volume: name, "persistentvolumeclaim \"\(name)\" is not bound")
        }
        return volume
    }

    /// A claim is its owner's to write and may name any volume; whose the volume is, the volume says.
    static func requireBinding(
        of volume: JSONObject, named name: String, to claim: JSONObject, claim claimName: String
    ) throws(MountFailure) {
        guard let holder = volume["spec"]?["claimRef"] else {
            throw MountFailure(volume: claimName, "persistentvolume \"\(name)\" is bound to no claim")
        }
        guard let uid = claim["metadata"]?["uid"]?.string, holder["uid"]?.string == uid else {
            throw MountFailure(
                volume: claimName, "persistentvolume \"\(name)\" is bound to another claim than this one")
        }
    }

    // MARK: - Services

    func serviceVariables(namespace: String, links: Bool) -> [(String, String)] {
        guard let services else { return [] }
        var chosen: [String: Service] = [:]
        // Of its own namespace and that one: others may have made thousands.
        let master = services.get("kubernetes", namespace: "default").map { [$0] } ?? []
        for service in master + (links ? services.list(namespace: namespace) : []) {
            let isMaster = service.metadata.namespace == "default" && service.metadata.name == "kubernetes"
            let isOwn = links && service.metadata.namespace == namespace
            guard isMaster || isOwn, let address = service.json["spec"]?["clusterIP"]?.string, address != "None",
                !address.isEmpty, let name = service.metadata.name
            else { continue }
            // The pod's own namespace wins over the master's service of the same name.
            if chosen[name] == nil || isOwn { chosen[name] = service }
        }
        return chosen.values.flatMap { service in
            ServiceVariables(
                name: service.metadata.name ?? "", clusterIP: service.json["spec"]?["clusterIP"]?.string ?? "",
                ports: (service.json["spec"]?["ports"]?.array ?? []).map {
                    ($0["name"]?.string ?? "", $0["port"]?.boundedInteger ?? 0, $0["protocol"]?.string ?? "TCP")
                }
            ).environment
        }
    }

    // MARK: - Credentials

    func credentials(for pod: Pod) async -> [RegistryCredential] {
        var found: [RegistryCredential] = []
        var seen: Set<String> = []
        for reference in pod.spec.imagePullSecrets where seen.insert(reference.name ?? "").inserted {
            // A pull secret that is not there is no reason not to try without it, upstream says.
            guard let name = reference.name,
                let secret = try? await currentSecret(namespace: pod.metadata.namespace ?? "", name: name)
            else { continue }
            let source = PullSecret(
                uid: secret.metadata.uid ?? "", namespace: secret.metadata.namespace ?? "", name: name,
                credentialHash: "")
            found += RegistryCredential.parse(secret.data, from: source)
        }
        return found
    }
}

extension RegistryCredential {
    /// Reads `.dockerconfigjson` and the older `.dockercfg`.
    static func parse(_ data: [String: [UInt8]], from source: PullSecret) -> [RegistryCredential] {
        let document = data[".dockerconfigjson"] ?? data[".dockercfg"]
        // Content that cannot be read gives no credentials; the registry's refusal then says what is missing.
        guard let document, let json = try? JSONValue.parse(document) else { return [] }
        guard let entries = (json["auths"] ?? json).object else { return [] }
        return entries.compactMap { registry, entry in
            if let user = entry["username"]?.string, let password = entry["password"]?.string {
                return RegistryCredential(registry: registry, username: user, password: password, from: source)
            }
            guard let auth = entry["auth"]?.string, let pair = Base64.decode(auth),
                let colon = pair.firstIndex(of: 0x3a)
            else { return nil }
            return RegistryCredential(
                registry: registry, username: String(decoding: pair[..<colon], as: UTF8.self),
                password: String(decoding: pair[(colon + 1)...], as: UTF8.self), from: source)
        }
    }

    private init(registry: String, username: String, password: String, from source: PullSecret) {
        self.init(registry: registry, username: username, password: password, source: source)
        let pair: JSONValue = [.string(username), .string(password)]
        self.source.credentialHash = Hex.encode(Digest.hash(pair.encoded()))
    }
}

/// How many watches of single objects the node has, and which namespaces have them.
struct WatchShares {
    /// Of the 4,000 that a node may have, and some 50 KB of memory each.
    static let limit = 1_000
    static let perNamespace = 200

    private var total = 0
    private var taken: [String: Int] = [:]

    /// False when the namespace has its share, or there is none left.
    mutating func take(_ namespace: String) -> Bool {
        guard total < Self.limit, taken[namespace, default: 0] < Self.perNamespace else { return false }
        total += 1
        taken[namespace, default: 0] += 1
        return true
    }

    mutating func giveBack(_ namespace: String) {
        guard let count = taken[namespace] else { return }
        total -= 1
        taken[namespace] = count > 1 ? count - 1 : nil
    }
}
