// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Cgroups
internal import Glibc
internal import JSON
internal import KubeAPI
internal import Linux
internal import Processes
internal import Shim
internal import Volumes

/// Something of a pod's sandbox failed.
struct SandboxError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Makes, finds and removes what the containers of a pod share.
struct Sandbox: Sendable {
    let services: PodServices
    let pod: Pod

    private var settings: KubeletSettings { services.settings }
    private var directory: String { settings.podRunDirectory(pod.uid) }
    private var podDirectory: String { settings.podDirectory(pod.uid) }
    var exits: String { podDirectory + "/exits" }

    /// The namespaces the pod has of its own.
    var namespaces: Set<SandboxNamespace> {
        var kinds: Set<SandboxNamespace> = []
        if pod.spec.hostNetwork != true { kinds.formUnion([.net, .uts]) }
        if pod.spec.hostIPC != true { kinds.insert(.ipc) }
        if pod.spec.shareProcessNamespace == true, pod.spec.hostPID != true { kinds.insert(.pid) }
        return kinds
    }

    var hostname: String {
        if pod.spec.hostNetwork == true { return settings.nodeName }
        if let given = pod.spec.hostnameOverride, !given.isEmpty { return given }
        let name = pod.spec.hostname.flatMap { $0.isEmpty ? nil : $0 } ?? pod.metadata.name ?? ""
        // The kernel takes 64 bytes; upstream cuts at 63 and drops what a name may not end with.
        var short = String(name.prefix(63))
        while let last = short.last, last == "-" || last == "." { short.removeLast() }
        if pod.spec.setHostnameAsFQDN == true, let domain = pod.spec.subdomain, !domain.isEmpty {
            return "\(short).\(domain).\(pod.metadata.namespace ?? "").svc.\(services.configuration.clusterDomain)"
        }
        return short
    }

    func options() -> ShimOptions {
        var options = ShimOptions()
        options.directory = directory
        options.podUID = pod.uid
        options.exitDirectory = exits
        options.runtime = settings.runtime
        options.runtimeRoot = settings.runDirectory + "/oci"
        options.namespaces = namespaces
        options.hostname = pod.spec.hostNetwork == true ? "" : hostname
        options.sysctls = pod.spec.securityContext?.sysctls.map { ($0.name, $0.value) } ?? []
        return options
    }

    /// A shim for the pod: the one that is there, else a new one.
    func make() async throws -> (ShimClient, ShimState) {
        if let found = try await find() { return found }
        // Run in the machine's own user namespace, its root would be root indeed.
        if pod.spec.hostUsers == false {
            throw SandboxError("user namespaces are not supported by this node: hostUsers is false")
        }
        let (services, pod, options, directory, podDirectory) = (services, pod, options(), directory, podDirectory)
        try await Blocking.run(.pod(pod.uid)) {
            try Files.makeDirectories(directory, mode: 0o700)
            try Files.makeDirectories(podDirectory, mode: 0o750)
            try Files.replace(
                directory + "/pod.json", with: JSONValue.object(pod.json).encoded(), mode: 0o600, durable: false)
            let limits = PodLimits(
                pod, cpuQuotaEnforced: services.configuration.cpuCFSQuota,
                processLimit: services.configuration.podPidsLimit,
                hugePageSizes: services.cgroups?.hugePageSizes ?? [])
            try services.cgroups?.create(pod, limits: limits)
            try Sandbox.start(options, services)
        }
        return try await ShimClient.connect(options.socketPath)
    }

    /// Starts the program and waits until it listens: it then goes on by itself.
    private static func start(_ options: ShimOptions, _ services: PodServices) throws {
        let output = options.directory + "/shim.err"
        let errors = try FileDescriptor.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        var map = DescriptorMap()
        map.map(errors, to: 2)
        var spawn = SpawnOptions()
        func run() throws -> ExitStatus {
            try Child.spawn(
                executable: services.settings.shim, arguments: [services.settings.shim] + options.arguments,
                environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], descriptors: map,
                options: spawn
            ).wait()
        }
        let status: ExitStatus
        if let shims = services.cgroups?.shims {
            let cgroup = try shims.open()
            spawn.cgroup = cgroup.raw
            status = try run()
            _ = cgroup.raw  // open until here
        } else {
            status = try run()
        }
        guard status.isSuccess else {
            let said = try Files.readText(output).split(separator: "\n").last.map(String.init) ?? "\(status)"
            throw SandboxError(said)
        }
    }

    /// The running shim of this pod; nil when there is none. A socket without a shim behind it is removed.
    func find() async throws -> (ShimClient, ShimState)? {
        let options = options()
        guard Files.exists(options.socketPath), let recorded = ProcessIdentity.recorded(at: options.processPath),
            recorded.isAlive
        else { return nil }
        let (client, state) = try await ShimClient.connect(options.socketPath)
        guard state.shim == recorded, state.podUID == pod.uid else {
            client.close()
            throw SandboxError("the shim at \(options.socketPath) is that of pod \(state.podUID)")
        }
        return (client, state)
    }

    /// Kills a shim that is of no use any more, and with it the pod's namespaces.
    func endShim() {
        if let recorded = ProcessIdentity.recorded(at: options().processPath), recorded.isAlive {
            PodProcesses.kill(recorded)
        }
    }

    /// Connects the pod to its network and writes down its addresses.
    func connect() async throws -> [String] {
        var addresses: [String] = []
        if pod.spec.hostNetwork == true {
            addresses = settings.nodeAddresses
        } else if let network = services.network {
            let ports = pod.spec.containers.flatMap(\.ports).filter { ($0.hostPort ?? 0) > 0 }
            let attachment = PodNetworkAttachment(
                podUID: pod.uid, namespace: pod.metadata.namespace ?? "", name: pod.metadata.name ?? "",
                networkNamespace: options().namespacePath(.net),
                hostPorts: ports.map {
                    PodNetworkAttachment.HostPort(
                        hostIP: $0.hostIP ?? "", hostPort: $0.hostPort ?? 0, containerPort: $0.containerPort,
                        transport: $0.protocol ?? "TCP")
                })
            addresses = try await Blocking.run(.pod(pod.uid)) { try network.attach(attachment) }
        }
        let text = JSONValue.array(addresses.map { .string($0) }).encoded()
        try Files.replace(directory + "/addresses.json", with: text, mode: 0o600, durable: false)
        return addresses
    }

    /// The addresses written down; nil when the sandbox was never complete.
    func recordedAddresses() -> [String]? {
        // Not there: the sandbox was not complete, and is made complete.
        guard let bytes = try? Files.read(directory + "/addresses.json"), let json = try? JSONValue.parse(bytes)
        else { return nil }
        return json.array?.compactMap(\.string)
    }

    /// Ends the shim, the network, the cgroup.
    func destroy(_ client: ShimClient?) async throws {
        let (services, pod) = (services, pod)
        if let client {
            // A shim that is gone already has nothing left to end. One that holds containers goes on, and is asked
            // again.
            do { try await client.ask(.shutdown) } catch let failure as ShimFailure {
                guard failure.kind == .gone else { throw failure }
            }
            client.close()
        }
        let options = options()
        try await Blocking.run(.pod(pod.uid)) {
            if pod.spec.hostNetwork != true { try services.network?.detach(podUID: pod.uid) }
            if let cgroups = services.cgroups { try cgroups.remove(cgroups.path(of: pod)) }
            if let recorded = ProcessIdentity.recorded(at: options.processPath), recorded.isAlive {
                // It unpins the namespaces in its last moments: give it those.
                for _ in 0..<50 where recorded.isAlive { usleep(10_000) }
                if recorded.isAlive { PodProcesses.kill(recorded) }
            }
            try PodVolumes.unmountAll(below: options.directory)
        }
    }

    /// Removes the directories of a pod that is over.
    func forget() throws {
        for path in [directory, podDirectory] where Files.exists(path) {
            try PodVolumes.unmountAll(below: path)
            try Files.removeTree(path)
        }
        let logs = "\(settings.logDirectory)/\(pod.metadata.namespace ?? "")_\(pod.metadata.name ?? "")_\(pod.uid)"
        if Files.exists(logs) { try Files.removeTree(logs) }
        for entry in Files.exists(settings.containerLogDirectory) ? try Files.list(settings.containerLogDirectory) : []
        where entry.name.hasPrefix("\(pod.metadata.name ?? "")_\(pod.metadata.namespace ?? "")_") {
            let link = "\(settings.containerLogDirectory)/\(entry.name)"
            if !Files.exists(link) { try Files.removeIfPresent(link) }
        }
    }
}

/// Signals to processes that are known by more than their number.
enum PodProcesses {
    static func kill(_ process: ProcessIdentity) {
        // Through a pidfd, checked after it is open: the number cannot come to be another's in between.
        guard let descriptor = try? ProcessDescriptor(process: process.pid), process.isAlive else { return }
        try? descriptor.signal(SIGKILL)  // It may have ended meanwhile.
    }
}
