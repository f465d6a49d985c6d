// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Cgroups
internal import JSON
internal import KubeAPI
public import KubeClient
internal import Linux
internal import Schema
internal import Shim
public import Telemetry
internal import Volumes

/// The node's agent: it takes pods from the API server and from manifests, and makes the machine be what they say.
///
/// Nothing in it has to end cleanly: what runs belongs to shims, what is known of it is on disk, and a kubelet that
/// starts finds both again.
public actor Kubelet {
    let configuration: KubeletConfiguration
    let settings: KubeletSettings
    let client: KubeClient?
    let images: any ImageService
    let network: (any PodNetworking)?
    let logger: Logger
    private let services: PodServices
    /// Where pods are looked after: each namespace's in its turns, apart from the kubelet's own loop.
    private let bench: Workbench
    private let nodeStatus: NodeStatus
    private let recorder: EventRecorder?
    private var workers: [String: PodWorker] = [:]
    /// Admitted pods by uid, for the next one's admission.
    private var admitted = AdmittedPods()
    private var staticPods: [String: Pod] = [:]
    private var orphans: [String: (ShimClient, ShimState)] = [:]
    /// Pods that were over before this process: they have no worker, but files, their logs above all, until they go.
    private var over: [String: Pod] = [:]
    /// Whether each source has said all it knows: before that nothing on the node may be called unknown.
    private var hasSynced = false
    private var hasReadManifests = false
    /// What volumes show is about to be compared with what is watched.
    private var isRetaining = false
    private let metrics = MetricsRegistry()
    /// When the kubelet last did something for its pods.
    let heartbeat = Heartbeat()
    /// The node's labels and taints as last seen.
    private var placement: NodePlacement

    /// - Parameters:
    ///   - client: Nil runs static pods alone.
    ///   - network: Nil leaves pods with their loopback only.
    public init(
        configuration: KubeletConfiguration, settings: KubeletSettings, client: KubeClient?,
        images: any ImageService, network: (any PodNetworking)?, logger: Logger
    ) throws {
        self.configuration = configuration
        self.settings = settings
        self.client = client
        self.images = images
        self.network = network
        self.logger = logger
        try Files.makeDirectories(settings.rootDirectory + "/pods", mode: 0o750)
        try Files.makeDirectories(settings.runDirectory + "/pods", mode: 0o700)
        try Files.makeDirectories(settings.logDirectory, mode: 0o755)
        let cgroups =
            settings.usesCgroups
            ? try CgroupTree(mount: settings.cgroupMount, root: configuration.cgroupRoot) : nil
        nodeStatus = NodeStatus(
            settings: settings, configuration: configuration, missingControllers: cgroups?.missing ?? [])
        if configuration.enforceNodeAllocatable.contains("pods") { try cgroups?.limitPods(nodeStatus.podsLimits) }
        placement = NodePlacement(
            name: settings.nodeName, labels: nodeStatus.labels,
            taints: configuration.registerWithTaints.compactMap {
                $0.object.map(Taint.init(json:))
            })
        recorder = client.map {
            EventRecorder(client: $0, component: "kubelet", host: settings.nodeName, logger: logger)
        }
        bench = Workbench(atLeast: 2, name: "pods")
        let objects = PodObjects(
            client: client, nodeName: settings.nodeName, nodeAddresses: settings.nodeAddresses, bench: bench,
            logger: logger)
        objects.setAllocatable(nodeStatus.allocatable)
        services = PodServices(
            configuration: configuration, settings: settings, images: images,
            pulls: PullRecords(
                configuration.imageVerification, directory: settings.rootDirectory + "/image_manager",
                logger: logger),
            pullTurns: PullTurns(
                limit: configuration.parallelImagePulls, spare: configuration.spareImagePulls),
            network: network, objects: objects,
            events: PodEvents(recorder: recorder, logger: logger),
            statuses: StatusReporter(client: client, logger: logger), cgroups: cgroups,
            memoryCapacity: NodeStatus.memoryBytes, logger: logger, bench: bench)
    }

    /// Runs until cancelled. What runs on the node goes on after it.
    public func run() async throws {
        do {
            try await serve()
        } catch {
            for worker in workers.values { await worker.letGo() }
            throw error
        }
    }

    private func serve() async throws {
        bench.belong(to: EventLoop.here)
        if !configuration.unused.isEmpty {
            logger.warning(
                "these fields of the kubelet's configuration change nothing: what they are about is not done here",
                ["fields": configuration.unused.joined(separator: ", ")])
        }
        // Before any pod has a process, which might take all the kernel has to give.
        DirectoryWatches.shared.open { [logger] problem in
            logger.warning("changes of files are looked for every second", ["error": problem])
        }
        try await findOrphans()
        try await recoverPulls()
        services.objects.setOnChange { [weak self] object in
            EventLoop.here.begin { await self?.objectChanged(object) }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            if !configuration.staticPodPath.isEmpty {
                let source = StaticPods(
                    directory: configuration.staticPodPath, nodeName: settings.nodeName, logger: logger)
                group.addTask { try await source.watch { await self.staticPodsChanged($0) } }
            }
            if let client {
                let keeper = NodeKeeper(
                    client: client, status: nodeStatus, images: images, network: network, logger: logger
                ) { [weak self] in await self?.nodeSeen($0) }
                group.addTask {
                    if self.configuration.registerNode { try await keeper.register() }
                    await keeper.run()
                }
                group.addTask { await self.recorder?.run() }
                group.addTask { await self.services.objects.run() }
                group.addTask { try await self.watchPods(client) }
            } else {
                hasSynced = true
                if configuration.staticPodPath.isEmpty { try await endOrphans() }
            }
            if client != nil { group.addTask { try await self.listenForHealth() } }
            if configuration.enableDebuggingHandlers, client != nil {
                group.addTask { try await self.listen() }
            }
            group.addTask { try await self.refreshTokens() }
            group.addTask { try await self.watchStorage() }
            group.addTask { try await self.collectImages() }
            try await group.waitForAll()
        }
    }

    // MARK: - From before

    /// Finds the shims of pods that run: they wait to be adopted.
    private func findOrphans() async throws {
        if Files.exists(removedDirectory) {
            removeAside(try Files.list(removedDirectory).map { "\(removedDirectory)/\($0.name)" })
        }
        // Side by side: all have to wait for the slowest one only.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for entry in try Files.list(settings.runDirectory + "/pods") where entry.kind == .directory {
                group.addTask { await self.findOrphan(entry.name) }
            }
            try await group.waitForAll()
        }
    }

    private func findOrphan(_ uid: String) async {
        guard let pod = recordedPod(uid) else { return await discard(uid) }
        let sandbox = Sandbox(services: services, pod: pod)
        do {
            if let found = try await sandbox.find() {
                orphans[uid] = found
                return
            }
        } catch let error as ShimFailure {
            logger.warning("end a pod's shim, which does not answer", ["pod": uid, "error": "\(error)"])
            sandbox.endShim()
        } catch {
            logger.warning("find a pod's shim", ["pod": uid, "error": "\(error)"])
        }
        endProcesses(uid)
    }

    private func recordedPod(_ uid: String) -> Pod? {
        // Not readable: the pod was never made.
        guard let bytes = try? Files.read("\(settings.podRunDirectory(uid))/pod.json"),
            let object = try? JSONValue.parse(bytes).object
        else { return nil }
        return Pod(json: object)
    }

    /// A shim that was killed leaves its containers behind, whose output goes nowhere: they are ended, by their identity
    /// and not by their number alone.
    private func endProcesses(_ uid: String) {
        let directory = settings.podRunDirectory(uid)
        for entry in (try? Files.list(directory)) ?? [] where entry.kind == .directory {
            if let process = ProcessIdentity.recorded(at: "\(directory)/\(entry.name)/process"), process.isAlive {
                PodProcesses.kill(process)
            }
        }
    }

    private func discard(_ uid: String) async {
        do {
            let (directory, podDirectory) = (settings.podRunDirectory(uid), settings.podDirectory(uid))
            endProcesses(uid)
            let aside = "\(removedDirectory)/\(uid).\(KernelClock.wall.now())"
            let isLeft = try await Blocking.run(.pod(uid)) {
                for path in [directory, podDirectory] where Files.exists(path) {
                    try PodVolumes.unmountAll(below: path)
                }
                if Files.exists(directory) { try Files.removeTree(directory) }
                guard Files.exists(podDirectory) else { return false }
                try Files.makeDirectories(Files.parent(of: aside), mode: 0o700)
                try Files.rename(podDirectory, to: aside)
                return true
            }
            if isLeft { removeAside([aside]) }
        } catch {
            logger.warning("remove what a pod left", ["pod": uid, "error": "\(error)"])
        }
    }

    private var removedDirectory: String { settings.rootDirectory + "/removed" }

    /// Removes what was put aside. There may be millions of files: nobody waits for it, and if the node ends before it has
    /// ended, the next kubelet goes on.
    private func removeAside(_ paths: [String]) {
        EventLoop.here.begin { [logger] in
            for path in paths {
                do { try await Blocking.run(.files("", .removing)) { try Files.removeTree(path) } } catch {
                    logger.warning("remove what a pod left", ["path": path, "error": "\(error)"])
                }
            }
        }
    }

    /// Ends pods that run and that no source knows any more, and removes what is left of those that do not run.
    private func endOrphans() async throws {
        guard hasSynced, hasReadManifests || configuration.staticPodPath.isEmpty else { return }
        for entry in try Files.list(settings.runDirectory + "/pods")
        where entry.kind == .directory && isUnknown(entry.name) {
            guard let pod = recordedPod(entry.name) else {
                await discard(entry.name)
                continue
            }
            logger.info("ending a pod that no source knows", ["pod": pod.key])
            let worker = makeWorker(pod)
            worker.start(orphans.removeValue(forKey: pod.uid))
            worker.tell { $0.delete(grace: pod.spec.terminationGracePeriodSeconds) }
        }
        for entry in try Files.list(settings.rootDirectory + "/pods") where isUnknown(entry.name) {
            await discard(entry.name)
        }
        // Namespace, name and uid.
        for entry in try Files.list(settings.logDirectory) {
            let parts = entry.name.split(separator: "_")
            guard entry.kind == .directory, parts.count == 3, isUnknown(String(parts[2])) else { continue }
            try await Blocking.run(.pod(String(parts[2]))) { [settings] in
                try Files.removeTree("\(settings.logDirectory)/\(entry.name)")
            }
        }
        let alive = Set(workers.keys)
        if let network {
            do { try await Blocking.run(.own) { try network.reconcile(alive: alive) } } catch {
                logger.warning("free addresses of pods that are gone", ["error": "\(error)"])
            }
        }
    }

    private func isUnknown(_ uid: String) -> Bool { workers[uid] == nil && over[uid] == nil }

    // MARK: - Sources

    private func watchPods(_ client: KubeClient) async throws {
        let informer = Informer<Pod>(
            client: client, fieldSelector: "spec.nodeName=\(settings.nodeName)", logger: logger)
        let changes = informer.changes()
        async let running: Void = informer.run()
        async let synced: Void = {
            try await informer.waitForSync()
            await self.synced(informer.list())
        }()
        for await change in changes {
            switch change {
            case .added(let pod), .updated(_, let pod): await podChanged(pod)
            case .deleted(let pod): await podRemoved(pod)
            }
        }
        _ = try await (running, synced)
    }

    private func synced(_ pods: [Pod]) async {
        // The changes that bring these pods may still be queued; each must have claimed its shim first.
        for pod in pods { await podChanged(pod) }
        hasSynced = true
        do { try await endOrphans() } catch { logger.warning("end pods no source knows", ["error": "\(error)"]) }
    }

    private func podChanged(_ given: Pod) async {
        heartbeat.beat()
        // What says where a pod is from is for the kubelet to say, and not for whoever made the object: as a static pod it
        // would be placed without a look at the node, and its status kept from the API server.
        let pod = given.fromAPI
        // A pod that runs here is no mirror of another, whatever its object has come to say.
        if pod.isMirror, workers[pod.uid] == nil {
            await mirrorChanged(pod)
            return
        }
        if let worker = workers[pod.uid] {
            if ["Succeeded", "Failed"].contains(pod.status.phase ?? "") { admitted.remove(pod.uid) }
            worker.tell { $0.update(pod) }
            return
        }
        let phase = pod.status.phase ?? "Pending"
        if ["Succeeded", "Failed"].contains(phase), orphans[pod.uid] == nil {
            // Over before: nothing of it runs here. Deleted, its object goes.
            guard pod.metadata.deletionTimestamp != nil else {
                over[pod.uid] = pod
                return
            }
        }
        if pod.metadata.deletionTimestamp != nil, orphans[pod.uid] == nil {
            // Nothing of it is here: it is not begun only to be ended.
            let worker = makeWorker(pod)
            worker.startEnding()
            return
        }
        await begin(pod)
    }

    private func podRemoved(_ pod: Pod) async {
        if pod.isMirror, workers[pod.uid] == nil {
            if let original = staticPods.values.first(where: { $0.key == pod.key }) {
                services.statuses.setMirror(nil, for: original.uid)
                EventLoop.here.begin {
                    // kubectl waits for what it deleted to be gone, and for ever if it meets a successor first.
                    do { try await sleep(for: .seconds(1)) } catch { return }
                    if staticPods[original.uid] != nil { await makeMirror(original) }
                }
            }
            return
        }
        admitted.remove(pod.uid)
        let wasOver = over.removeValue(forKey: pod.uid) != nil
        if let worker = workers[pod.uid] { return worker.tell { $0.delete(grace: 0) } }
        guard wasOver else { return }
        EventLoop.here.begin { [services, logger] in
            do {
                try await Blocking.run(.files(pod.metadata.namespace ?? "", .removing)) {
                    try Sandbox(services: services, pod: pod).forget()
                }
            } catch {
                logger.warning("remove the directories of a pod that was over", ["pod": pod.key, "error": "\(error)"])
            }
        }
    }

    private func begin(_ pod: Pod) async {
        if orphans[pod.uid] == nil, pod.metadata.deletionTimestamp == nil { await refreshPlacement(for: pod) }
        // While the node was looked up, another source may have begun it.
        guard workers[pod.uid] == nil else { return }
        let worker = makeWorker(pod)
        let held = orphans.removeValue(forKey: pod.uid)
        if held == nil, pod.metadata.deletionTimestamp == nil {
            let admission = PodAdmission(
                allocatable: nodeStatus.allocatable, node: placement, admitted: admitted,
                allowedUnsafeSysctls: configuration.allowedUnsafeSysctls, ownPorts: settings.ownPorts)
            if let refusal = admission.refusal(pod) {
                services.events.warning(pod, refusal.reason, refusal.message)
                worker.startEnding(refusal)
                return
            }
        }
        admitted.add(pod, as: pod.uid)
        weighClasses()
        worker.start(held)
        if pod.metadata.deletionTimestamp != nil {
            worker.tell { $0.delete(grace: pod.metadata.deletionGracePeriodSeconds) }
        }
    }

    private func weighClasses() {
        do { try services.cgroups?.weighBurstable(admitted.burstableRequest) } catch {
            logger.warning("weigh the Burstable class", ["error": "\(error)"])
        }
    }

    /// Labels and taints may have changed since they were last seen: before they turn a pod away they are read again.
    private func refreshPlacement(for pod: Pod) async {
        guard let client, placement.refusal(pod) != nil else { return }
        do {
            nodeSeen(try await client.get(Node.resource, name: settings.nodeName))
        } catch {
            logger.warning("read the node to admit a pod", ["pod": pod.key, "error": "\(error)"])
        }
    }

    /// Takes labels and taints from the Node object.
    func nodeSeen(_ object: JSONObject) { placement = NodePlacement(Node(json: object)) }

    private func makeWorker(_ pod: Pod) -> PodWorker {
        let worker = PodWorker(pod: pod, services: services) { [weak self] uid in
            EventLoop.here.begin { await self?.workerFinished(uid) }
        }
        workers[pod.uid] = worker
        return worker
    }

    private func workerFinished(_ uid: String) async {
        workers[uid] = nil
        admitted.remove(uid)
        weighClasses()
        services.statuses.forget(uid)
        retainLater()
        // A static pod whose manifest has changed comes back as the new one.
        if let waiting = staticPods[uid] { await begin(waiting) }
    }

    /// Lets go of what no pod shows any more, once for all pods that end within a second.
    private func retainLater() {
        guard !isRetaining else { return }
        isRetaining = true
        EventLoop.here.begin {
            do { try await sleep(for: .seconds(1)) } catch { return }  // The kubelet's end.
            isRetaining = false
            services.objects.retain(admitted.shown)
        }
    }

    private func objectChanged(_ object: ReferredObject) {
        for worker in workers.values where worker.namespace == object.key.namespace {
            worker.tell { $0.objectChanged(object) }
        }
    }

    private func refreshTokens() async throws {
        while true {
            heartbeat.beat()
            try await sleep(for: .seconds(30))
            for worker in workers.values { worker.tell { $0.refreshTokens() } }
        }
    }

    /// Nothing tells when a directory has grown: those with a limit are measured.
    private func watchStorage() async throws {
        while true {
            try await sleep(for: .seconds(10))
            for worker in workers.values { worker.tell { $0.checkStorage() } }
        }
    }

    /// Before any pod is started: pulls that the end of the kubelet cut short are not forgotten.
    private func recoverPulls() async throws {
        let pulls = services.pulls
        let present = await images.images()
        do {
            try await Blocking.run(.own) { try pulls.recover(present, at: Times.text(KernelClock.wall.now())) }
        } catch { logger.warning("read with whose credentials images were pulled", ["error": "\(error)"]) }
    }

    private func collectImages() async throws {
        let collector = ImageCollector(images: images, configuration: configuration)
        let pulls = services.pulls
        while true {
            var used: Set<String> = []
            for worker in workers.values { used.formUnion(worker.shownImages) }
            do {
                for image in try await collector.collect(used: used, now: .now) {
                    logger.info("removed an image nothing uses", ["image": image.repoTags.first ?? image.id])
                }
            } catch {
                logger.warning("remove images to free disk space", ["error": "\(error)"])
            }
            let began = Times.text(KernelClock.wall.now())
            let present = await images.images()
            // A store that cannot be read shows none, and what is known of its images must not go.
            do {
                if !present.isEmpty { try await Blocking.run(.own) { try pulls.prune(present, at: began) } }
            } catch {
                logger.warning("forget with whose credentials images were pulled", ["error": "\(error)"])
            }
            try await sleep(for: .seconds(300))
        }
    }

    // MARK: - Static pods

    private func staticPodsChanged(_ pods: [Pod]) async {
        let new = Dictionary(pods.map { ($0.uid, $0) }) { $1 }
        let gone = staticPods.filter { new[$0.key] == nil }
        staticPods = new
        for (uid, pod) in gone {
            workers[uid]?.tell { $0.delete(grace: pod.spec.terminationGracePeriodSeconds) }
            await removeMirror(pod)
        }
        for pod in pods where workers[pod.uid] == nil {
            await begin(pod)
            await makeMirror(pod)
        }
        if !hasReadManifests || client == nil {
            hasReadManifests = true
            do { try await endOrphans() } catch { logger.warning("end pods no source knows", ["error": "\(error)"]) }
        }
    }

    private func makeMirror(_ pod: Pod) async {
        guard let client else { return }
        var mirror = pod
        var annotations = pod.metadata.annotations
        annotations["kubernetes.io/config.mirror"] = annotations["kubernetes.io/config.hash"]
        mirror.json.set("metadata", "annotations", to: JSONValue(annotations))
        mirror.json.set("metadata", "uid", to: nil)
        mirror.json["status"] = nil
        do {
            let node = try await client.get(Node.resource, name: settings.nodeName)
            mirror.json.set(
                "metadata", "ownerReferences",
                to: [
                    [
                        "apiVersion": "v1", "kind": "Node", "name": .string(settings.nodeName),
                        "uid": .string(node.objectUID), "controller": true,
                    ]
                ])
            let made = try await client.create(mirror)
            services.statuses.setMirror(made.uid, for: pod.uid)
            workers[pod.uid]?.tell { $0.publish() }
        } catch let error as StatusError where error.isAlreadyExists {
            logger.debug("the mirror is there", ["pod": pod.key])
        } catch {
            logger.warning("make a static pod's mirror", ["pod": pod.key, "error": "\(error)"])
            EventLoop.here.begin {
                do { try await sleep(for: .seconds(1)) } catch { return }
                if self.staticPods[pod.uid] != nil { await self.makeMirror(pod) }
            }
        }
    }

    private func mirrorChanged(_ mirror: Pod) async {
        guard let original = staticPods.values.first(where: { $0.key == mirror.key }) else {
            // Its manifest is gone.
            if !configuration.staticPodPath.isEmpty { await removeMirror(mirror) }
            return
        }
        if mirror.metadata.annotations["kubernetes.io/config.mirror"]
            == original.metadata.annotations["kubernetes.io/config.hash"],
            mirror.metadata.deletionTimestamp == nil
        {
            services.statuses.setMirror(mirror.uid, for: original.uid)
            workers[original.uid]?.tell { $0.publish() }
        } else {
            await removeMirror(mirror)
        }
    }

    private func removeMirror(_ pod: Pod) async {
        guard let client else { return }
        var options = DeleteOptions()
        options.gracePeriodSeconds = 0
        do {
            try await client.delete(
                Pod.resource, namespace: pod.metadata.namespace, name: pod.metadata.name ?? "", options: options)
        } catch {
            if !error.isNotFound { logger.warning("remove a mirror", ["pod": pod.key, "error": "\(error)"]) }
        }
    }

    // MARK: - For the server

    nonisolated func executor(for namespace: String) -> any TaskExecutor { bench.executor(for: namespace) }

    var workersByUID: [String: PodWorker] { workers }
    var cgroupTree: CgroupTree? { services.cgroups }
    var metricsRegistry: MetricsRegistry { metrics }

    func worker(namespace: String, name: String, uid: String? = nil) -> PodWorker? {
        workers.values.first { worker in
            worker.namespace == namespace && worker.name == name && uid.map { $0 == worker.uid } ?? true
        }
    }

    /// A pod that was over before this process, by its names.
    func podThatIsOver(namespace: String, name: String, uid: String?) -> Pod? {
        over.values.first { pod in
            pod.metadata.namespace == namespace && pod.metadata.name == name && uid.map { $0 == pod.uid } ?? true
                && workers[pod.uid] == nil
        }
    }

    /// Every pod with its status as it was last told.
    func podObjects() -> [JSONObject] { workers.values.map { $0.shown.json } }
}
