// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Linux
internal import Numbers
internal import Shim
internal import Synchronization
internal import Telemetry
internal import Volumes

/// Looks after one pod from its first sight to its last trace. Everything that happens pokes it; a poke makes it look at
/// all there is, decide (`PodPlan`), and act. Long work (pulling, hooks, stopping) runs beside it in tasks of its own
/// that poke when they end.
///
/// All of it is done in turns of the pod's namespace. The kubelet, which looks after all of them, waits for none: it tells
/// (`tell`), and looks at what is shown (`shown`).
actor PodWorker {
    let services: PodServices
    let uid: String
    nonisolated let namespace: String
    nonisolated let name: String
    /// Where its tasks run.
    nonisolated let executor: WorkbenchExecutor
    private let actorExecutor: WorkbenchActorExecutor
    nonisolated var unownedExecutor: UnownedSerialExecutor { actorExecutor.asUnownedSerialExecutor() }
    private(set) var pod: Pod
    /// The containers of the pod as it is now.
    private(set) var containers: PlannedContainers
    /// What its volumes show of others, which stays.
    private let shownObjects: Set<ReferredObject>
    let imageVolumes: [Volume]
    var records: [String: ContainerRecord] = [:]
    var shim: ShimClient?
    /// The addresses of the pod; nil until its sandbox is made.
    var addresses: [String]?
    private var volumesAreStale = false
    private(set) var isTerminating = false
    /// Its source wants it gone: its object may be removed once nothing runs. A pod that was refused, or ran past its
    /// deadline, only ends.
    private var isDeleted = false
    private var gracePeriod: Int?
    private var verdict: PodVerdict?
    private(set) var isFinished = false
    /// The pod's object may be deleted from the API: nothing of it runs.
    private var mayDelete = false
    let volumes: PodVolumes
    var tasks: [String: Task<Void, Never>] = [:]
    /// The image volumes that are mounted, or being mounted, by their names.
    var imageMounts: [String: Task<Void, any Error>] = [:]
    var probes: [String: ContainerProbes] = [:]
    /// Who waits for any container of the pod to end.
    var endWaiters: [CheckedContinuation<Void, Never>] = []
    private let pokes: AsyncStream<Void>
    private let pokeContinuation: AsyncStream<Void>.Continuation
    private var timer: Task<Void, Never>?
    private var eventTask: Task<Void, Never>?
    /// What others tell, until it looks.
    private let inbox = Mutex<[@Sendable (isolated PodWorker) -> Void]>([])
    /// What others see.
    let display: Mutex<Display>
    /// The credentials of its pull secrets, for containers that are started at about the same time.
    var pullCredentials: (task: Task<[RegistryCredential], Never>, until: Int64)?
    /// When what is being stopped is killed, on the monotonic clock.
    var stopDeadlines: [String: Int64] = [:]
    private var sandboxFailures: CrashBackoff
    private var sandboxNotBefore: Int64 = 0
    /// When its volumes may be measured again.
    private var storageNotBefore: Int64 = 0
    private let firstSeen: Int64
    private var hasTornDown = false
    private var hasPublished = false
    private let onFinish: @Sendable (String) -> Void
    var logger: Logger { services.logger.with(["pod": pod.key]) }

    init(pod: Pod, services: PodServices, onFinish: @escaping @Sendable (String) -> Void) {
        self.pod = pod
        uid = pod.uid
        namespace = pod.namespace
        name = pod.metadata.name ?? ""
        executor = services.bench.executor(for: pod.namespace)
        actorExecutor = services.bench.actorExecutor(for: pod.namespace)
        containers = PlannedContainers(pod)
        shownObjects = References.shown(by: pod)
        imageVolumes = pod.spec.volumes.filter { $0.image != nil }
        display = Mutex(Display(pod: pod))
        self.services = services
        self.onFinish = onFinish
        firstSeen = KernelClock.wall.now()
        sandboxFailures = CrashBackoff(maximum: 300_000_000_000)
        volumes = PodVolumes(
            directory: services.settings.podDirectory(pod.uid), uid: pod.uid,
            namespace: pod.metadata.namespace ?? "", sources: services.objects)
        (pokes, pokeContinuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Starts to look after the pod; `held` is what was found of it from before.
    nonisolated func start(_ held: (ShimClient, ShimState)? = nil) {
        tell { worker in
            for planned in worker.containers.all { worker.ensureRecord(planned) }
            if let held { worker.adopt(held.0, held.1) } else { worker.countOn() }
        }
        executor.begin { [weak self] in
            guard let pokes = self?.pokes else { return }
            for await _ in pokes {
                guard let self else { return }
                do { try await rest(after: look()) } catch { return }  // Of a task that nobody cancels.
            }
        }
    }

    /// Starts to look after a pod of which nothing is here and nothing shall come.
    nonisolated func startEnding(_ refusal: PodVerdict? = nil) {
        tell { worker in
            // A refused pod stays, to say why; one that is deleted goes.
            worker.isDeleted = refusal == nil
            worker.verdict = refusal
            worker.isTerminating = true
            worker.gracePeriod = 0
        }
        start()
    }

    nonisolated func poke() { pokeContinuation.yield() }

    /// Has the worker do something at its next look, in the order in which it is told.
    nonisolated func tell(_ news: @escaping @Sendable (isolated PodWorker) -> Void) {
        inbox.withLock { $0.append(news) }
        poke()
    }

    /// Looks at all there is. Returns how long that took, in nanoseconds.
    private func look() -> Int64 {
        let begun = KernelClock.monotonic.now()
        let news = inbox.withLock { inbox in
            defer { inbox = [] }
            return inbox
        }
        for one in news { one(self) }
        sync()
        return KernelClock.monotonic.now() - begun
    }

    /// A look at a pod of thousands of containers takes long, and each of them has it look again: what comes meanwhile is
    /// looked at together.
    private nonisolated func rest(after took: Int64) async throws {
        guard took > Self.shortLook else { return }
        try await sleep(for: .nanoseconds(min(took * 4, 2_000_000_000)))
    }

    /// In nanoseconds.
    private static let shortLook: Int64 = 50_000_000

    private func ensureRecord(_ planned: PlannedContainer) {
        guard records[planned.name] == nil else { return }
        records[planned.name] = ContainerRecord(
            role: planned.role, maximumBackoff: services.configuration.maximumCrashLoopBackOff.nanoseconds)
    }

    // MARK: - What others tell

    /// The pod as its source has it now.
    func update(_ new: Pod) {
        guard new.uid == uid else { return }
        let before = pod.metadata
        pod = withOwnStatus(new)
        // Volumes of the downward API show them.
        if before.labels != new.metadata.labels || before.annotations != new.metadata.annotations { refreshVolumes() }
        containers = PlannedContainers(new)
        for planned in containers.all { ensureRecord(planned) }
        show()
        if new.metadata.deletionTimestamp != nil {
            delete(grace: new.metadata.deletionGracePeriodSeconds)
        }
        poke()
    }

    /// What comes back from the API server may be older than what was sent there: only conditions of others are news.
    private func withOwnStatus(_ new: Pod) -> Pod {
        guard hasPublished, var status = pod.json["status"]?.object else { return new }
        var new = new
        let theirs = (new.json["status"]?["conditions"]?.array ?? []).filter {
            !PodStatusBuilder.ownConditions.contains($0["type"]?.string ?? "")
        }
        let ours = (status["conditions"]?.array ?? []).filter {
            PodStatusBuilder.ownConditions.contains($0["type"]?.string ?? "")
        }
        status["conditions"] = .array(ours + theirs)
        new.json["status"] = .object(status)
        return new
    }

    /// Ends the pod and what is left of it: its source does not want it any more.
    func delete(grace: Int?) {
        isDeleted = true
        terminate(grace: grace, verdict: nil)
    }

    /// Ends the pod. A shorter grace period than before shortens the one that runs.
    func terminate(grace: Int?, verdict new: PodVerdict?) {
        if let new, verdict == nil { verdict = new }
        let wasTerminating = isTerminating
        isTerminating = true
        if let grace, gracePeriod.map({ grace < $0 }) ?? true {
            gracePeriod = grace
            if wasTerminating { shortenStops() }
        }
        poke()
    }

    /// Begins to look whether one of its volumes holds more than it may, which ends the pod.
    func checkStorage() {
        guard !isTerminating, tasks["storage"] == nil, KernelClock.monotonic.now() >= storageNotBefore else { return }
        let limits = StorageLimits(pod, directory: services.settings.podDirectory(uid))
        guard !limits.isEmpty else { return }
        tasks["storage"] = executor.begin {
            await measure(limits)
            tasks["storage"] = nil
        }
    }

    /// One that takes long, for as many files as there are, is not begun again before it has rested twenty times as long.
    private func measure(_ limits: StorageLimits) async {
        do {
            let (verdict, took) = try await Blocking.run(.files(pod.metadata.namespace ?? "", .measuring)) {
                let begun = KernelClock.monotonic.now()
                return (try limits.excess(), KernelClock.monotonic.now() - begun)
            }
            storageNotBefore = KernelClock.monotonic.now() + took * 20
            guard let verdict, !isTerminating else { return }
            services.events.warning(pod, verdict.reason, verdict.message)
            terminate(grace: 1, verdict: verdict)
        } catch {
            logger.warning("measure the pod's volumes", ["error": "\(error)"])
        }
    }

    /// An object has changed that some pod of the namespace refers to.
    func objectChanged(_ object: ReferredObject) {
        if shownObjects.contains(object) { refreshVolumes() }
    }

    /// Writes the volumes again where a token is to be replaced.
    func refreshTokens() {
        executor.begin {
            if await volumes.hasDueToken(at: KernelClock.wall.now() / 1_000_000_000) { refreshVolumes() }
        }
    }

    /// What projected volumes show has changed: they are written again. At once where nothing has been for a while; what
    /// changes without end is written every few seconds, and of a namespace's pods a few at a time.
    func refreshVolumes() {
        guard addresses != nil else { return }
        volumesAreStale = true
        guard tasks["volumes"] == nil else { return }
        tasks["volumes"] = executor.begin {
            // What changes while they are written is written in another round.
            while volumesAreStale, !Task.isCancelled {
                volumesAreStale = false
                await services.refreshes.enter(namespace)
                do { try await volumes.refresh(pod) } catch { logger.warning("refresh volumes", ["error": "\(error)"]) }
                services.refreshes.leave(namespace)
                do { try await sleep(for: Self.refreshPause) } catch { break }  // The pod's end.
            }
            tasks["volumes"] = nil
        }
    }

    /// How long volumes that were written are left alone. Upstream looks once in a minute.
    private static let refreshPause = Duration.seconds(3)

    var terminationGrace: Int { gracePeriod ?? pod.spec.terminationGracePeriodSeconds ?? 30 }

    // MARK: - The loop

    private var plan: PodPlan {
        PodPlan(
            pod: pod, containers: containers.all, situations: records.mapValues(\.situation),
            hasSandbox: shim != nil && addresses != nil, isTerminating: isTerminating, now: KernelClock.monotonic.now())
    }

    private func sync() {
        guard !isFinished else { return }
        checkDeadline()
        var earliest: Int64?
        for action in plan.actions() {
            switch action {
            case .makeSandbox:
                let now = KernelClock.monotonic.now()
                if sandboxNotBefore > now {
                    earliest = min(earliest ?? .max, sandboxNotBefore)
                } else if tasks["sandbox"] == nil {
                    tasks["sandbox"] = executor.begin { await makeSandbox() }
                }
            case .start(let name): begin(name)
            case .stop(let name): stop(name, reason: isTerminating ? "" : "", grace: terminationGrace)
            case .tearDown:
                guard tasks["sandbox"] == nil, tasks["teardown"] == nil else { break }
                if !hasTornDown {
                    tasks["teardown"] = executor.begin { await tearDown() }
                } else if isDeleted, !mayDelete {
                    tasks["teardown"] = executor.begin { await release() }
                }
            case .wait(let until): earliest = min(earliest ?? .max, until)
            }
        }
        publish()
        arm(earliest)
    }

    private func arm(_ deadline: Int64?) {
        timer?.cancel()
        timer = nil
        var deadline = deadline
        if let seconds = pod.spec.activeDeadlineSeconds, !isTerminating {
            let left = firstSeen.saturatingSum(Nanoseconds.of(seconds: seconds))
                .saturatingDifference(KernelClock.wall.now())
            deadline = min(deadline ?? .max, KernelClock.monotonic.now().saturatingSum(max(left, 0)))
        }
        guard let deadline else { return }
        let delay = max(deadline - KernelClock.monotonic.now(), 1_000_000)
        timer = executor.begin { [weak self] in
            // Cancelled: a later look has set another timer.
            do { try await sleep(for: .nanoseconds(delay)) } catch { return }
            self?.poke()
        }
    }

    private func checkDeadline() {
        guard !isTerminating, let seconds = pod.spec.activeDeadlineSeconds else { return }
        let began = pod.status.startTime?.nanosecondsSinceEpoch ?? firstSeen
        guard KernelClock.wall.now().saturatingDifference(began) >= Nanoseconds.of(seconds: seconds) else { return }
        services.events.normal(pod, "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
        terminate(
            grace: nil,
            verdict: PodVerdict(
                reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline"))
    }

    // MARK: - Status

    private var isInitialized: Bool {
        let planned = containers.all
        if planned.contains(where: { $0.role == .application && (records[$0.name]?.attempt ?? 0) > 0 }) { return true }
        return planned.allSatisfy { planned in
            switch planned.role {
            case .initialization: records[planned.name]?.situation.phase == .exited(code: 0)
            case .sidecar: records[planned.name]?.situation.isStarted == true
            default: true
            }
        }
    }

    func buildStatus() -> JSONObject {
        let plan = plan
        return PodStatusBuilder(
            pod: pod, containers: plan.containers, records: records,
            addresses: pod.spec.hostNetwork == true ? services.settings.nodeAddresses : addresses ?? [],
            hostAddresses: services.settings.nodeAddresses, hasSandbox: plan.hasSandbox, isInitialized: isInitialized,
            isFinished: plan.isFinished, hasFailedInitialization: plan.hasFailedInitialization, verdict: verdict,
            isTerminating: isTerminating, startedAt: firstSeen, now: KernelClock.wall.now()
        ).status()
    }

    func publish() {
        let status = buildStatus()
        // What is published is what the next status is compared with: its transition times stay.
        pod.json["status"] = .object(status)
        hasPublished = true
        showAll()
        services.statuses.report(
            pod: pod, status: status, isDone: mayDelete, on: executor,
            finished: { [weak self] in
                await self?.gone()
            })
        saveStatus(status)
    }

    /// Kept where the next kubelet finds it: readiness is not forgotten by a restart.
    private func saveStatus(_ status: JSONObject) {
        let path = services.settings.podRunDirectory(uid) + "/status.json"
        guard addresses != nil, !hasTornDown else { return }
        do { try Files.replace(path, with: JSONValue.object(status).encoded(), mode: 0o600, durable: false) } catch {
            logger.warning("keep the status", ["error": "\(error)"])
        }
    }

    /// The API object is gone.
    private func gone() {
        guard mayDelete else { return }
        finish()
    }

    /// Lets the pod go without touching it: the kubelet ends, the pod runs on.
    func letGo() {
        guard !isFinished else { return }
        isFinished = true
        timer?.cancel()
        eventTask?.cancel()
        for task in tasks.values { task.cancel() }
        for set in probes.values { set.cancel() }
        pokeContinuation.finish()
        shim?.close()
        tellWaiters()
    }

    private func finish() {
        guard !isFinished else { return }
        isFinished = true
        timer?.cancel()
        for task in tasks.values { task.cancel() }
        pokeContinuation.finish()
        tellWaiters()
        onFinish(uid)
    }

    // MARK: - Sandbox

    private func makeSandbox() async {
        defer {
            tasks["sandbox"] = nil
            poke()
        }
        do {
            if let refusal = References.refusal(pod) { throw SandboxError(refusal) }
            _ = try await volumes.mount(pod)
            let (client, state) = try await Sandbox(services: services, pod: pod).make()
            let given = try await Sandbox(services: services, pod: pod).connect()
            addresses = given
            adopt(client, state)
            sandboxFailures = CrashBackoff(maximum: 300_000_000_000)
        } catch let error as MountFailure {
            services.events.warning(pod, "FailedMount", error.description)
            retrySandbox()
        } catch {
            services.events.warning(pod, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(error)")
            logger.error("make the pod's sandbox", ["error": "\(error)"])
            retrySandbox()
        }
    }

    private func retrySandbox() {
        // A volume may be there in a moment: the first retries are quick.
        sandboxFailures.initial = 500_000_000
        let now = KernelClock.monotonic.now()
        sandboxNotBefore = now + max(sandboxFailures.ended(at: now, ranFor: 0), 200_000_000)
    }

    /// Takes over a shim, new or from before, and what it holds.
    private func adopt(_ client: ShimClient, _ state: ShimState) {
        shim = client
        if addresses == nil { addresses = Sandbox(services: services, pod: pod).recordedAddresses() }
        for held in state.containers { adopt(held) }
        removeRemnants(besides: state.containers.map(\.id))
        eventTask = executor.begin { [weak self] in
            for await event in client.events { await self?.received(event) }
            await self?.shimGone(client)
        }
    }

    /// Removes containers that neither the shim nor this worker knows: those of a shim that ended while no kubelet ran.
    private func removeRemnants(besides held: [String]) {
        let known = Set(held + records.values.map(\.id))
        let directory = services.settings.podRunDirectory(uid)
        do {
            for entry in try Files.list(directory)
            where entry.kind == .directory && !known.contains(entry.name)
                && Files.exists("\(directory)/\(entry.name)/rootfs")
            {
                removeLater(entry.name)
            }
        } catch {
            logger.warning("look for what a shim has left", ["error": "\(error)"])
        }
    }

    private func removeLater(_ id: String) {
        tasks["remove-\(id)"] = executor.begin {
            await remove(id)
            tasks["remove-\(id)"] = nil
        }
    }

    private func adopt(_ held: ShimContainerState) {
        let bundle = services.settings.podRunDirectory(uid) + "/" + held.id
        // A container without its label was being made when the kubelet ended: it is removed.
        guard let text = try? Files.read(bundle + "/label.json"), let json = try? JSONValue.parse(text),
            let label = ContainerLabel(json: json), var record = records[label.name]
        else {
            removeLater(held.id)
            return
        }
        guard label.attempt >= record.attempt else {
            removeLater(held.id)
            return
        }
        guard [.running, .exited].contains(held.phase) else {
            // Half made by a kubelet that is gone. It never ran: its end is not that of what is made in its place,
            // which is no restart of it either.
            if record.end == nil { record.previous = label.previous }
            record.takeBack(label)
            records[label.name] = record
            removeLater(held.id)
            return
        }
        record.id = held.id
        record.attempt = label.attempt
        record.restartCount = label.restartCount
        record.image = label.image
        record.imageID = label.imageID
        record.logPath = label.logPath
        record.stopSignal = label.stopSignal
        record.previous = label.previous
        record.startedAt = held.startedAt
        record.process = held.process
        if let user = UserID(label.user), let group = GroupID(label.group) {
            record.identity = ContainerUserIdentity(user: user, group: group)
        }
        records[label.name] = record
        switch held.phase {
        case .running:
            // Without a probe nothing is going to say it: that it runs is enough.
            let container = planned(label.name)?.container
            let saved = savedReadiness(label.name)
            let wasStarted = saved.isStarted || container?.startupProbe == nil
            records[label.name]?.situation.phase = .running
            records[label.name]?.situation.isStarted = wasStarted
            records[label.name]?.situation.isReady =
                saved.isReady || (wasStarted && container?.readinessProbe == nil)
            records[label.name]?.hasPostStarted = true
            startProbes(label.name, wasStarted: wasStarted)
            rotateIfFull(record)
        case .exited:
            if let exit = held.exit { ended(label.name, exit) }
        default: break
        }
    }

    /// A log that has grown beyond its limit while no kubelet listened: the shim says so once only.
    private func rotateIfFull(_ record: ContainerRecord) {
        let limit = services.configuration.containerLogMaxSize
        guard limit > 0, let size = try? LogFile.open(record.logPath).status().size, size > UInt64(limit) else {
            return
        }
        tasks["rotate-\(record.id)"] = executor.begin { await rotate(record) }
    }

    private func savedReadiness(_ name: String) -> (isReady: Bool, isStarted: Bool) {
        let path = services.settings.podRunDirectory(uid) + "/status.json"
        // Nothing kept: probes begin anew.
        guard let bytes = try? Files.read(path), let saved = try? JSONValue.parse(bytes).object else {
            return (false, false)
        }
        let status = PodStatus(json: saved)
        let found = (status.containerStatuses + status.initContainerStatuses).first { $0.name == name }
        return (found?.ready ?? false, found?.started ?? false)
    }

    private func received(_ event: ShimEvent) {
        switch event {
        case .exited(let exit):
            guard let name = records.first(where: { $0.value.id == exit.container })?.key else { return }
            ended(name, exit)
        case .logLimitReached(let container, _):
            guard let record = records.values.first(where: { $0.id == container }) else { return }
            tasks["rotate-\(container)"] = executor.begin { await rotate(record) }
        case .logFailed(let container, let message):
            logger.warning("container output is being lost", ["container": container, "error": message])
        case .execExited: return
        }
        poke()
    }

    private func shimGone(_ client: ShimClient) {
        guard shim === client, !hasTornDown, !isFinished else { return }
        shim = nil
        logger.error("the pod's shim has ended; its containers are ended and started again", [:])
        services.events.warning(pod, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
        let now = KernelClock.wall.now()
        for (name, record) in records {
            switch record.situation.phase {
            case .running, .stopping, .starting:
                if let process = record.process, process.isAlive { PodProcesses.kill(process) }
                ended(
                    name,
                    ExitRecord(
                        container: record.id, pid: record.process?.pid ?? 0, code: 137, signal: 9,
                        startedAt: record.startedAt, finishedAt: now))
            default: continue
            }
        }
        poke()
    }

    // MARK: - The end

    private func tearDown() async {
        defer {
            tasks["teardown"] = nil
            poke()
        }
        do {
            await endStarts()
            // Also what a start has made that was given up: it is in no record.
            let held = try await shim?.held() ?? []
            for id in Set(held + records.values.map(\.id)) where !id.isEmpty { await remove(id) }
            let client = shim
            hasTornDown = true
            try await Sandbox(services: services, pod: pod).destroy(client)
            eventTask?.cancel()
            shim = nil
            addresses = addresses ?? []
            try await unmountImageVolumes()
            try await volumes.unmount()
            if isDeleted { try await forget() }
        } catch {
            hasTornDown = false
            logger.error("tear the pod down", ["error": "\(error)"])
            services.events.warning(pod, "FailedKillPod", "error killing pod: \(error)")
            // Tried again with the next poke; a timer brings it.
            tasks["retry"] = executor.begin { [weak self] in
                do { try await sleep(for: .seconds(1)) } catch { return }
                self?.poke()
            }
        }
        publish()
        finishAlone()
    }

    /// Waits for starts that were given up, for all of them at once: what they have made is theirs to remove, with
    /// the shim that is about to go.
    private func endStarts() async {
        let starts = containers.all.compactMap { tasks[$0.name] }
        guard !starts.isEmpty else { return }
        for start in starts { start.cancel() }
        do {
            try await withDeadline(.seconds(20), "give up \(starts.count) starts") {
                for start in starts { await start.value }
            }
        } catch {
            logger.warning("tear the pod down", ["error": "\(error)"])
        }
    }

    private func forget() async throws {
        mayDelete = true
        let sandbox = Sandbox(services: services, pod: pod)
        try await executor.begin { [namespace = pod.metadata.namespace ?? ""] in
            try await Blocking.run(.files(namespace, .removing)) { try sandbox.forget() }
        }.value
    }

    /// Where no API object has to go first, the pod is over.
    private func finishAlone() {
        if mayDelete, !services.statuses.isConnected || pod.isStatic { finish() }
    }

    /// The containers had ended by themselves, and the pod stayed until it was deleted.
    private func release() async {
        defer {
            tasks["teardown"] = nil
            poke()
        }
        do { try await forget() } catch { logger.warning("remove the pod's directories", ["error": "\(error)"]) }
        publish()
        finishAlone()
    }
}
