// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Cgroups
internal import JSON
internal import KubeAPI
internal import Linux
internal import Numbers
internal import Shim
internal import TLS
internal import Telemetry
internal import Text
internal import Volumes

/// A step of a container's start that failed: the reason and message of its `waiting` state.
struct ContainerStartFailure: Error {
    var reason: String
    var message: String
    /// No retry mends it.
    var isFinal = false
}

extension PodWorker {
    func planned(_ name: String) -> PlannedContainer? { containers[name] }

    // MARK: - Start

    func begin(_ name: String) {
        guard tasks[name] == nil, let planned = planned(name) else { return }
        records[name]?.situation.phase = .starting
        tasks[name] = executor.begin {
            await run(planned)
            tasks[name] = nil
            poke()
        }
    }

    private func run(_ planned: PlannedContainer) async {
        let name = planned.name
        do {
            let image = try await fetchImage(
                planned.container.image ?? "", planned.container.imagePullPolicy, for: name)
            try await mountImageVolumes(planned)
            let id = try await create(planned, image)
            try await launch(planned, id)
        } catch  where error is CancellationError || Task.isCancelled {
            // Whatever it says: nobody wants the container any more.
            givenUp(name)
        } catch let failure as ContainerStartFailure {
            failed(name, failure)
        } catch {
            failed(name, ContainerStartFailure(reason: "RunContainerError", message: "\(error)"))
        }
    }

    /// A start was ended because its pod ends. No failure: what its status says of the container before stays.
    private func givenUp(_ name: String) {
        guard let record = records[name] else { return }
        // A container that ended in its very start has said so already.
        if case .exited = record.situation.phase { return }
        records[name]!.situation.phase = record.end.map { .exited(code: $0.code) } ?? .waiting
        records[name]!.situation.notBefore = KernelClock.monotonic.now() + 2_000_000_000
        logger.debug("container not started: its pod ends", ["container": name])
    }

    private func failed(_ name: String, _ failure: ContainerStartFailure) {
        guard records[name] != nil else { return }
        // A container that ended in its very start has said so already.
        if case .exited = records[name]!.situation.phase { return }
        let now = KernelClock.monotonic.now()
        var wait = records[name]!.pulls.ended(at: now, ranFor: 0)
        // The first failure is tried again soon; a configuration may have come a moment later.
        wait = max(
            wait,
            failure.reason.hasPrefix("ErrImage") || failure.reason == "ImagePullBackOff"
                ? 10_000_000_000 : 2_000_000_000)
        records[name]!.situation.notBefore = now + wait
        records[name]!.situation.phase =
            records[name]!.end == nil ? .waiting : .exited(code: records[name]!.end!.code)
        records[name]!.waitingReason = failure.reason
        records[name]!.waitingMessage = failure.message
        records[name]!.situation.hasFailedForGood = failure.isFinal
        logger.warning(
            "container not started", ["container": name, "reason": failure.reason, "error": failure.message])
    }

    // MARK: - Image

    private func fetchImage(_ reference: String, _ policy: String?, for name: String) async throws -> KubeletImage {
        let policy =
            policy
            ?? (reference.hasSuffix(":latest") || reference.steps.last?.contains(":") != true
                ? "Always" : "IfNotPresent")
        do {
            let present = try await services.images.image(reference)
            if let present, policy != "Always", try await mayUse(present, reference) {
                services.events.normal(
                    pod, "Pulled",
                    "Container image \"\(reference)\" already present on machine and can be accessed by the pod",
                    container: name)
                return present
            }
            if policy == "Never" {
                services.events.warning(
                    pod, "ErrImageNeverPull",
                    "Container image \"\(reference)\" is not present with pull policy of Never", container: name)
                throw ContainerStartFailure(
                    reason: "ErrImageNeverPull",
                    message: "Container image \"\(reference)\" is not present with pull policy of Never")
            }
            return try await pull(reference, name)
        } catch let error as KubeletImageError where error.kind == .invalidName {
            services.events.warning(
                pod, "InspectFailed", "Failed to apply default image tag \"\(reference)\": \(error)", container: name)
            throw ContainerStartFailure(reason: "InvalidImageName", message: error.description)
        }
    }

    /// Whether the pod may have an image that is here without the registry being asked.
    private func mayUse(_ image: KubeletImage, _ reference: String) async throws -> Bool {
        let pulls = services.pulls
        // Most images are everybody's: the pod's Secrets are not read for these.
        if try await Blocking.run(.own, { !pulls.mustPull(reference, image.id, secrets: []) }) { return true }
        let secrets = await credentials().map(\.source)
        guard !secrets.isEmpty else { return false }
        return try await Blocking.run(.own) { !pulls.mustPull(reference, image.id, secrets: secrets) }
    }

    /// Pulls, and keeps with whose credentials.
    private func pullRecorded(_ reference: String, _ meter: PullMeter) async throws -> KubeletImage {
        let pulls = services.pulls
        let credentials = await credentials()
        try await Self.kept { try pulls.willPull(reference) }
        let pulled: (image: KubeletImage, credential: RegistryCredential?)
        do {
            // The registry's name is the pod's choice.
            pulled = try await Resolver.$asker.withValue(namespace) {
                try await services.images.pull(reference, credentials: credentials, brought: meter.add)
            }
        } catch {
            try await Self.kept { try pulls.failed(reference) }
            throw error
        }
        let (image, source) = (pulled.image, pulled.credential?.source)
        try await Self.kept {
            try pulls.pulled(reference, image.id, with: source, at: Times.text(KernelClock.wall.now()))
        }
        return image
    }

    /// The credentials of the pod's pull secrets. What containers that start side by side would read each for itself is read
    /// once.
    private func credentials() async -> [RegistryCredential] {
        let now = KernelClock.monotonic.now()
        if let known = pullCredentials, known.until > now { return await known.task.value }
        let (objects, pod) = (services.objects, pod)
        let task = executor.begin { await objects.credentials(for: pod) }
        pullCredentials = (task, now + 5_000_000_000)
        return await task.value
    }

    /// A note of a pull is made although its pod has been ended meanwhile: without it the image would be nobody's for ever.
    private static func kept(_ body: @escaping @Sendable () throws -> Void) async throws {
        try await EventLoop.here.begin { try await Blocking.run(.own, body) }.value
    }

    private func pull(_ reference: String, _ name: String) async throws -> KubeletImage {
        services.events.normal(pod, "Pulling", "Pulling image \"\(reference)\"", container: name)
        let began = KernelClock.monotonic.now()
        do {
            let image = try await services.pullTurns.run(for: namespace, on: executor) { [self] meter in
                try await pullRecorded(reference, meter)
            }
            let taken = Duration.nanoseconds(KernelClock.monotonic.now() - began)
            services.events.normal(
                pod, "Pulled",
                "Successfully pulled image \"\(reference)\" in \(taken). Image size: \(image.size) bytes.",
                container: name)
            return image
        } catch let error as KubeletImageError where error.kind == .invalidName {
            throw error
        } catch  where error is CancellationError || Task.isCancelled {
            // The pod is ended: that is no failure of the image.
            throw CancellationError()
        } catch {
            services.events.warning(pod, "Failed", "Failed to pull image \"\(reference)\": \(error)", container: name)
            services.events.warning(pod, "Failed", "Error: ErrImagePull", container: name)
            let backsOff = records[name]?.waitingReason.hasPrefix("ErrImagePull") == true
            throw ContainerStartFailure(
                reason: backsOff ? "ImagePullBackOff" : "ErrImagePull",
                message: backsOff ? "Back-off pulling image \"\(reference)\": \(error)" : "\(error)")
        }
    }

    // MARK: - Image volumes

    /// Fetches and mounts the images that the container has as volumes (KEP-4639). One that is mounted stays as it is, also
    /// when its tag has moved: all containers of the pod see the same.
    private func mountImageVolumes(_ planned: PlannedContainer) async throws {
        if imageVolumes.isEmpty { return }
        let mounted = Set(planned.container.volumeMounts.map(\.name))
        for volume in imageVolumes where mounted.contains(volume.name) {
            guard let source = volume.image else { continue }
            let image = try await fetchImage(source.reference ?? "", source.pullPolicy, for: planned.name)
            // Containers that start side by side share one mount, and whoever comes first makes it.
            let mounting = imageMounts[volume.name] ?? executor.begin { try await mount(image, for: volume) }
            imageMounts[volume.name] = mounting
            do { try await mounting.value } catch {
                imageMounts[volume.name] = nil
                throw ContainerStartFailure(
                    reason: "CreateContainerError", message: "mount the image of volume \(volume.name): \(error)")
            }
        }
    }

    private func mount(_ image: KubeletImage, for volume: Volume) async throws {
        let path = PodVolumes.imageDirectory(volume.name, of: services.settings.podDirectory(uid))
        try Files.makeDirectories(path, mode: 0o755)
        try await services.images.mountVolume(image, volume: imageVolumeKey(volume), at: path)
    }

    /// Under which the image store has the pod's volume: apart from containers, whose names are digits and letters only.
    private func imageVolumeKey(_ volume: Volume) -> String { "volume-\(uid)-\(volume.name)" }

    func unmountImageVolumes() async throws {
        for volume in imageVolumes {
            try await services.images.unmountRootFilesystem(
                container: imageVolumeKey(volume),
                at: PodVolumes.imageDirectory(volume.name, of: services.settings.podDirectory(uid)))
            imageMounts[volume.name] = nil
        }
    }

    // MARK: - Create

    private func create(_ planned: PlannedContainer, _ image: KubeletImage) async throws -> String {
        let name = planned.name
        guard let shim, let record = records[name] else { throw CancellationError() }
        let random: String
        do { random = Hex.encode(try randomBytes(32)) } catch {
            throw ContainerStartFailure(reason: "CreateContainerError", message: "\(error)")
        }
        let bundle = services.settings.podRunDirectory(uid) + "/" + random
        do {
            // The run before has been told of; what the runtime kept of it goes before its successor comes.
            if !record.id.isEmpty { await remove(record.id) }
            let maker = ContainerMaker(
                services: services, pod: pod, planned: planned, image: image, attempt: record.attempt,
                logNumber: record.restartCount + (record.attempt > 0 ? 1 : 0), id: random, bundle: bundle,
                addresses: addresses ?? [], volumes: volumes)
            let made = try await maker.make()
            records[name]?.logPath = made.logPath
            records[name]?.identity = made.identity
            records[name]?.image = image.repoTags.first ?? planned.container.image ?? ""
            let imageID = image.repoDigests.first ?? image.id
            records[name]?.imageID = imageID
            show(image: imageID)
            records[name]?.stopSignal = planned.container.lifecycle?.stopSignal ?? image.stopSignal
            try writeLabel(name, bundle)
            let (reply, _) = try await shim.ask(
                .create(
                    ContainerCreation(
                        id: random, bundle: bundle, logPath: made.logPath, terminal: planned.container.tty == true,
                        stdin: planned.container.stdin == true, stdinOnce: planned.container.stdinOnce == true,
                        logLimit: UInt64(max(services.configuration.containerLogMaxSize, 0)))))
            if case .process(let process, _) = reply { records[name]?.process = process }
        } catch let failure as ContainerStartFailure {
            // Nobody knows this container yet: what was made for it would stay, once for every try.
            await remove(random)
            services.events.warning(pod, "Failed", "Error: \(failure.message)", container: name)
            throw failure
        } catch let error as MountFailure {
            await remove(random)
            services.events.warning(pod, "FailedMount", error.description, container: name)
            throw ContainerStartFailure(reason: "CreateContainerConfigError", message: error.description)
        } catch let error as ShimFailure where error.kind == .runtime {
            // A program that is not there shows when the runtime makes the process. For those who wait for the pod it is a
            // start that failed: one that is not to restart is over.
            services.events.warning(pod, "Failed", "Error: \(error)", container: name)
            count(name, random)
            startFailed(name, random, "\(error)")
            throw ContainerStartFailure(reason: "RunContainerError", message: "\(error)")
        } catch {
            await remove(random)
            services.events.warning(pod, "Failed", "Error: \(error)", container: name)
            throw ContainerStartFailure(reason: "CreateContainerError", message: "\(error)")
        }
        services.events.normal(pod, "Created", "Container created", container: name)
        return random
    }

    private func writeLabel(_ name: String, _ bundle: String) throws {
        guard let record = records[name] else { return }
        let isRestart = record.attempt > 0
        let label = ContainerLabel(
            name: name, role: record.role, attempt: record.attempt + 1,
            restartCount: record.restartCount + (isRestart ? 1 : 0), image: record.image, imageID: record.imageID,
            logPath: record.logPath, stopSignal: record.stopSignal, user: Int64(record.identity?.user.number ?? 0),
            group: Int64(record.identity?.group.number ?? 0), previous: record.end ?? record.previous)
        try Files.replace(bundle + "/label.json", with: label.json.encoded(), mode: 0o600, durable: false)
    }

    // MARK: - Launch

    private func launch(_ planned: PlannedContainer, _ id: String) async throws {
        let name = planned.name
        guard let shim, records[name] != nil else { throw CancellationError() }
        count(name, id)
        do {
            try await shim.ask(.start(container: id))
        } catch {
            services.events.warning(pod, "Failed", "Error: \(error)", container: name)
            startFailed(name, id, "\(error)")
            return
        }
        services.events.normal(pod, "Started", "Container started", container: name)
        guard records[name]?.id == id, records[name]?.situation.phase == .starting else { return }
        records[name]!.situation.phase = .running
        records[name]!.pulls = CrashBackoff(maximum: 300_000_000_000)
        if let hook = planned.container.lifecycle?.postStart, !(await postStart(hook, name, id)) { return }
        guard records[name]?.id == id, records[name]?.situation.phase == .running else { return }
        records[name]!.hasPostStarted = true
        if planned.container.readinessProbe == nil, planned.container.startupProbe == nil {
            records[name]!.situation.isReady = true
        }
        startProbes(name, wasStarted: planned.container.startupProbe == nil)
        publish()
    }

    /// Counts a run that begins.
    private func count(_ name: String, _ id: String) {
        guard records[name] != nil else { return }
        let isRestart = records[name]!.attempt > 0
        // Known by its id before it starts: its end may be told at once.
        records[name]!.id = id
        if let end = records[name]!.end { records[name]!.previous = end }
        records[name]!.end = nil
        records[name]!.attempt += 1
        if isRestart { records[name]!.restartCount += 1 }
        records[name]!.startedAt = KernelClock.wall.now()
        records[name]!.situation.isStarted = planned(name)?.container.startupProbe == nil
        records[name]!.situation.isReady = false
        records[name]!.waitingReason = ""
        records[name]!.waitingMessage = ""
        records[name]!.stopReason = ""
        records[name]!.hasPostStarted = false
    }

    /// The runtime could not run the program: upstream tells it as an end, with a code of its own.
    private func startFailed(_ name: String, _ id: String, _ message: String) {
        ended(
            name,
            ExitRecord(
                container: id, pid: 0, code: 128, signal: 0, startedAt: records[name]?.startedAt ?? 0,
                finishedAt: KernelClock.wall.now()),
            reason: "StartError", message: message)
    }

    /// False when the hook failed, and with it the container.
    private func postStart(_ hook: LifecycleHandler, _ name: String, _ id: String) async -> Bool {
        do {
            try await HookRunner(worker: self, container: name).run(hook)
            return true
        } catch {
            services.events.warning(pod, "FailedPostStartHook", "PostStartHook failed", container: name)
            stop(name, reason: "FailedPostStartHook", grace: terminationGrace)
            return false
        }
    }

    // MARK: - Probes

    func startProbes(_ name: String, wasStarted: Bool) {
        guard let planned = planned(name), let record = records[name] else { return }
        guard planned.role == .application || planned.role == .sidecar else { return }
        probes[name]?.cancel()
        if planned.container.readinessProbe == nil, wasStarted { records[name]?.situation.isReady = true }
        if wasStarted { records[name]?.situation.isStarted = true }
        let set = ContainerProbes(
            worker: self, container: planned.container, id: record.id, startedAt: record.startedAt,
            wasReady: record.situation.isReady)
        probes[name] = set
        set.start(startup: !wasStarted)
    }

    /// A probe's verdict has changed.
    func probed(_ name: String, id: String, kind: ProbeKind, success: Bool, message: String) {
        guard records[name]?.id == id, records[name]?.situation.phase == .running else { return }
        switch (kind, success) {
        case (.readiness, _): records[name]!.situation.isReady = success
        case (.startup, true):
            records[name]!.situation.isStarted = true
            if planned(name)?.container.readinessProbe == nil { records[name]!.situation.isReady = true }
            probes[name]?.started()
        case (.liveness, true): return
        case (.liveness, false), (.startup, false):
            services.events.normal(
                pod, "Killing", "Container \(name) failed \(kind.rawValue) probe, will be restarted", container: name)
            let container = planned(name)?.container
            let own = kind == .liveness ? container?.livenessProbe : container?.startupProbe
            stop(
                name, reason: "probe", grace: own?.terminationGracePeriodSeconds ?? terminationGrace, isAnnounced: true)
        }
        poke()
    }

    // MARK: - Stop

    /// Stops a container: the preStop hook, the stop signal, and after the grace period SIGKILL.
    func stop(_ name: String, reason: String, grace: Int, isAnnounced: Bool = false) {
        guard let record = records[name], record.situation.phase != .stopping else { return }
        probes.removeValue(forKey: name)?.cancel()
        guard record.situation.phase == .running || record.situation.phase == .starting else { return }
        if record.situation.phase == .starting, record.id.isEmpty || record.process == nil {
            // It is not there yet: the start is given up, and what came of it is removed.
            tasks[name]?.cancel()
            records[name]!.situation.phase = .waiting
            return
        }
        records[name]!.situation.phase = .stopping
        records[name]!.stopReason = reason
        if !isAnnounced {
            services.events.normal(pod, "Killing", "Stopping container \(name)", container: name)
        }
        tasks["stop-\(name)"] = executor.begin {
            await end(name, record.id, grace: grace)
            tasks["stop-\(name)"] = nil
        }
    }

    private func end(_ name: String, _ id: String, grace: Int) async {
        let given = Nanoseconds.of(seconds: grace)
        let deadline = KernelClock.monotonic.now().saturatingSum(given)
        stopDeadlines[name] = deadline
        if grace > 0, let hook = planned(name)?.container.lifecycle?.preStop, records[name]?.hasPostStarted == true {
            do {
                try await withDeadline(.seconds(grace), "preStop") { [self] in
                    try await HookRunner(worker: self, container: name).run(hook)
                }
            } catch {
                services.events.warning(pod, "FailedPreStopHook", "PreStopHook failed", container: name)
            }
        }
        guard let shim, records[name]?.id == id, records[name]?.situation.phase == .stopping else { return }
        do {
            if grace > 0 {
                let signal = Signals.number(records[name]?.stopSignal ?? "") ?? 15
                try await shim.ask(.signal(container: id, exec: nil, signal: signal))
                // At least two seconds for the process itself, however long the hook took.
                while KernelClock.monotonic.now()
                    < max(stopDeadlines[name] ?? 0, deadline.saturatingDifference(given))
                {
                    let left = (stopDeadlines[name] ?? 0).saturatingDifference(KernelClock.monotonic.now())
                    try await sleep(for: .nanoseconds(min(max(left, 1_000_000), 1_000_000_000)))
                    guard records[name]?.id == id, records[name]?.situation.phase == .stopping else { return }
                }
            }
            try await shim.ask(.signal(container: id, exec: nil, signal: 9))
        } catch is CancellationError {
            return
        } catch {
            // It has ended in between, or the shim has: both are told of elsewhere.
            logger.debug("stop a container", ["container": name, "error": "\(error)"])
        }
    }

    /// A shorter grace period counts for what is being stopped already.
    func shortenStops() {
        let deadline = KernelClock.monotonic.now().saturatingSum(Nanoseconds.of(seconds: terminationGrace))
        for (name, old) in stopDeadlines where records[name]?.situation.phase == .stopping {
            stopDeadlines[name] = min(old, deadline)
            guard terminationGrace == 0, let id = records[name]?.id, let shim else { continue }
            tasks["kill-\(name)"] = executor.begin {
                // It may have ended already.
                _ = try? await shim.ask(.signal(container: id, exec: nil, signal: 9))
            }
        }
    }

    // MARK: - End

    /// The container's process has ended.
    func ended(_ name: String, _ exit: ExitRecord, reason: String? = nil, message: String? = nil) {
        guard var record = records[name], record.id == exit.container else { return }
        if case .exited = record.situation.phase { return }
        probes.removeValue(forKey: name)?.cancel()
        let wasOutOfMemory = exit.code == 137 && outOfMemory(exit.container)
        let end = ContainerEnd(
            id: exit.container, code: exit.code, signal: exit.signal,
            reason: reason ?? (wasOutOfMemory ? "OOMKilled" : exit.code == 0 ? "Completed" : "Error"),
            message: message ?? terminationMessage(name, record, code: exit.code),
            startedAt: exit.startedAt == 0 ? record.startedAt : exit.startedAt, finishedAt: exit.finishedAt)
        record.end = end
        record.process = nil
        record.situation.phase = .exited(code: exit.code)
        record.situation.isReady = false
        record.situation.isStarted = false
        let now = KernelClock.monotonic.now()
        let wait = record.crashes.ended(at: now, ranFor: max(exit.finishedAt - end.startedAt, 0))
        record.situation.notBefore = now + wait
        records[name] = record
        tellWaiters()
        if restarts(name, after: exit.code), wait > 0 {
            records[name]!.waitingReason = "CrashLoopBackOff"
            records[name]!.waitingMessage =
                "back-off \(Self.words(wait)) restarting failed container=\(name) pod=\(pod.described)"
            services.events.warning(
                pod, "BackOff", "Back-off restarting failed container \(name) in pod \(pod.described)", container: name)
        }
        poke()
    }

    /// Whether the container is started again, as far as it has a say: others may end the pod.
    private func restarts(_ name: String, after code: Int32) -> Bool {
        guard !isTerminating, records[name]?.situation.hasFailedForGood != true, let planned = planned(name) else {
            return false
        }
        let plan = PodPlan(
            pod: pod, containers: [], situations: [:], hasSandbox: true, isTerminating: false, now: .max)
        return plan.restarts(planned, after: code)
    }

    private static func words(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds / 1_000_000_000
        return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60)s"
    }

    private func outOfMemory(_ id: String) -> Bool {
        guard let cgroups = services.cgroups else { return false }
        // No memory controller, no such events.
        guard let events = try? cgroups.container(id, of: pod).events("memory.events") else { return false }
        return (events["oom_kill"] ?? 0) > 0
    }

    private func terminationMessage(_ name: String, _ record: ContainerRecord, code: Int32) -> String {
        let path = services.settings.podDirectory(uid) + "/containers/\(name)/\(record.attempt)"
        // Written by the container, which may also have put something else in the file's place: at most 4 KiB are read.
        if let file = try? Files.openRegular(path, followLast: false), let bytes = try? file.read(upTo: 4096),
            !bytes.isEmpty
        {
            return String(decoding: bytes, as: UTF8.self)
        }
        guard code != 0, planned(name)?.container.terminationMessagePolicy == "FallbackToLogsOnError" else { return "" }
        return TerminationLog.text(record.logPath, lines: 80, bytes: 2048)
    }

    // MARK: - Remove, rotate

    /// Removes a container from the runtime, its cgroup and its bundle.
    func remove(_ id: String) async {
        // Whoever asks may have been cancelled: what was made has to go all the same.
        await executor.begin { await removeNow(id) }.value
    }

    private func removeNow(_ id: String) async {
        let bundle = services.settings.podRunDirectory(uid) + "/" + id
        do {
            if let shim {
                // A shim that has ended meanwhile holds nothing any more; what is left of the container is removed below.
                do { try await delete(id, shim) } catch let failure as ShimFailure {
                    if failure.kind != .unknown, failure.kind != .gone { throw failure }
                }
            }
            try await services.images.unmountRootFilesystem(container: id, at: bundle + "/rootfs")
            let pod = pod
            let cgroups = services.cgroups
            try await Blocking.run(.pod(uid)) {
                if let cgroups { try cgroups.remove(cgroups.container(id, of: pod).path) }
                try PodVolumes.unmountAll(below: bundle)
                if Files.exists(bundle) { try Files.removeTree(bundle) }
            }
        } catch {
            logger.warning("remove a container", ["container": id, "error": "\(error)"])
        }
    }

    /// Deletes a container. One that is still being made, for nobody any more, is waited for.
    private func delete(_ id: String, _ shim: ShimClient) async throws {
        for _ in 0..<100 {
            do {
                try await shim.ask(.delete(container: id))
                return
            } catch let failure as ShimFailure where failure.kind == .sequence {
                try await sleep(for: .milliseconds(100))
            }
        }
        try await shim.ask(.delete(container: id))
    }

    func rotate(_ record: ContainerRecord) async {
        defer { tasks["rotate-\(record.id)"] = nil }
        do {
            let (path, keep) = (record.logPath, services.configuration.containerLogMaxFiles)
            try await Blocking.run(.pod(uid)) { try LogRotation.rotate(path, keep: keep) }
            try await shim?.ask(.reopenLog(container: record.id))
        } catch {
            logger.warning("rotate a log", ["log": record.logPath, "error": "\(error)"])
        }
    }
}
