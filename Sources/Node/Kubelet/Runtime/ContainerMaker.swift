// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Linux
internal import Numbers
internal import Shim
internal import Text
internal import Volumes

/// Prepares a container's bundle: root file system, mounts, environment, configuration.
struct ContainerMaker: Sendable {
    struct Made: Sendable {
        var logPath: String
        var identity: ContainerUserIdentity
    }

    let services: PodServices
    let pod: Pod
    let planned: PlannedContainer
    let image: KubeletImage
    let attempt: Int
    /// How often it was started before, also before a reboot: names the log file.
    let logNumber: Int
    let id: String
    let bundle: String
    let addresses: [String]
    let volumes: PodVolumes

    private var container: Container { planned.container }
    private var settings: KubeletSettings { services.settings }
    private var podDirectory: String { settings.podDirectory(pod.uid) }

    func make() async throws -> Made {
        let root = bundle + "/rootfs"
        try Files.makeDirectories(root, mode: 0o755)
        try await services.images.mountRootFilesystem(image, container: id, at: root)
        let identity = try await Blocking.run(.pod(pod.uid)) { [self] in try self.identity(root) }
        let environment = try await EnvironmentBuilder(
            pod: pod, container: container, services: services, addresses: addresses
        ).variables()
        let mounted = try await volumes.mount(pod)
        let variables = Dictionary(environment.map { ($0.name, $0.value) }) { $1 }
        let files = PodFiles(services: services, pod: pod, addresses: addresses)
        var mounts = try volumeMounts(mounted, variables)
        mounts += try files.mounts(for: container, excluding: Set(mounts.map(\.destination)))
        mounts.append(try terminationLog())
        let cgroups = services.cgroups
        var spec = ContainerSpec(
            pod: pod, container: container, image: image, identity: identity, environment: environment, mounts: mounts,
            rootPath: root, namespaces: namespaces(), hostname: Sandbox(services: services, pod: pod).hostname,
            cgroupPath: cgroups.map { $0.path(of: pod) + "/" + id },
            cgroups: cgroups.map {
                ContainerResources(
                    container.resources, cpuQuotaEnforced: services.configuration.cpuCFSQuota,
                    hugePageSizes: $0.hugePageSizes)
            })
        spec.seccompDefault = services.configuration.seccompDefault
        spec.processors = HostAbilities.processorsWithThermalFigures
        if spec.namespaces[.pid] == nil, let target = try targetNamespace() {
            spec.namespaces[.pid] = target.path
            spec.joinedProcessNamespace = target.inode
        }
        spec.localhostProfile = try localhostProfile()
        spec.oomScoreAdjustment = QualityOfService(pod).oomScoreAdjustment(
            memoryRequest: Quantities.value(container.resources?.requests["memory"]) ?? 0,
            memoryCapacity: services.memoryCapacity)
        if let adjustment = spec.oomScoreAdjustment, adjustment < 0, !HostAbilities.mayLowerOOMScore {
            spec.oomScoreAdjustment = 0
        }
        let arguments = try spec.arguments()
        guard !arguments.isEmpty else {
            throw ContainerStartFailure(reason: "CreateContainerError", message: "no command specified")
        }
        try Files.replace(
            bundle + "/config.json", with: spec.configuration(arguments: arguments).encoded(), mode: 0o600,
            durable: false)
        // What a command run later needs of it.
        let process = spec.process(terminal: false, arguments: ["/"])
        try Files.replace(bundle + "/process.json", with: process.encoded(), mode: 0o600, durable: false)
        return Made(logPath: try logPath(), identity: identity)
    }

    private func namespaces() -> [SandboxNamespace: String] {
        let sandbox = Sandbox(services: services, pod: pod)
        let options = sandbox.options()
        var paths: [SandboxNamespace: String] = [:]
        for kind in sandbox.namespaces { paths[kind] = options.namespacePath(kind) }
        return paths
    }

    /// The pid namespace of the container that an ephemeral one looks into. Until it is joined the process may end and its
    /// number become another's, one of the host's: so the namespace is said as well.
    private func targetNamespace() throws -> (path: String, inode: UInt64)? {
        guard let name = container.json["targetContainerName"]?.string, !name.isEmpty,
            let process = targetProcess(name)
        else { return nil }
        let path = "/proc/\(process.pid)/ns/pid"
        // Alive afterwards, it was the one that was looked at.
        guard let status = try Files.statusIfPresent(path), process.isAlive else { return nil }
        return (path, status.inode)
    }

    /// The first process of a container of the pod.
    private func targetProcess(_ name: String) -> ProcessIdentity? {
        // No such container running: the ephemeral one gets a namespace of its own.
        guard let entries = try? Files.list(settings.podRunDirectory(pod.uid)) else { return nil }
        for entry in entries where entry.kind == .directory {
            let folder = settings.podRunDirectory(pod.uid) + "/" + entry.name
            guard let bytes = try? Files.read(folder + "/label.json"), let json = try? JSONValue.parse(bytes),
                json["name"]?.string == name, let process = ProcessIdentity.recorded(at: folder + "/process"),
                process.isAlive
            else { continue }
            return process
        }
        return nil
    }

    // MARK: - Who

    private func identity(_ root: String) throws -> ContainerUserIdentity {
        let database = try UserDatabase(root: root)
        for group in pod.spec.securityContext?.supplementalGroups ?? [] where GroupID(named: group) == nil {
            throw Self.outOfRange("supplementalGroups", group)
        }
        if let group = pod.spec.securityContext?.fsGroup, GroupID(named: group) == nil {
            throw Self.outOfRange("fsGroup", group)
        }
        let context = container.securityContext
        let podContext = pod.spec.securityContext
        var identity: ContainerUserIdentity
        if let user = context?.runAsUser ?? podContext?.runAsUser {
            guard let user = UserID(named: user) else { throw Self.outOfRange("runAsUser", user) }
            identity = database.resolve(user: user)
        } else {
            guard let resolved = database.resolve(image.user) else {
                throw ContainerStartFailure(
                    reason: "CreateContainerError",
                    message: "unable to find user \(image.user): no matching entries in passwd file")
            }
            identity = resolved
        }
        if let group = context?.runAsGroup ?? podContext?.runAsGroup {
            guard let group = GroupID(named: group) else { throw Self.outOfRange("runAsGroup", group) }
            identity.group = group
        }
        if context?.runAsNonRoot ?? podContext?.runAsNonRoot == true, identity.user.isRoot {
            throw ContainerStartFailure(
                reason: "CreateContainerConfigError",
                message:
                    "container has runAsNonRoot and image will run as root (pod: \"\(pod.described)\", container: \(container.name))"
            )
        }
        return identity
    }

    /// The API server lets none such pass; the manifest of a static pod may hold one.
    static func outOfRange(_ field: String, _ number: Int) -> ContainerStartFailure {
        ContainerStartFailure(
            reason: "CreateContainerConfigError",
            message: "\(field) \(number) is not between 0 and \(IdentifierRange.named.upperBound)")
    }

    private func localhostProfile() throws -> JSONValue? {
        let profile = container.securityContext?.seccompProfile ?? pod.spec.securityContext?.seccompProfile
        switch profile?.type {
        case nil, "RuntimeDefault", "Unconfined": return nil
        case "Localhost": break
        // The API server lets none such pass; a static pod's mistake must not leave it without a filter.
        case let other?:
            throw ContainerStartFailure(
                reason: "CreateContainerConfigError", message: "seccompProfile type \(other) is not known")
        }
        guard let name = profile?.localhostProfile, !name.isEmpty else {
            throw ContainerStartFailure(
                reason: "CreateContainerConfigError",
                message: "localhostProfile must be set if seccompProfile type is Localhost.")
        }
        let directory = settings.rootDirectory + "/seccomp"
        do {
            let root = try FileDescriptor.open(directory, 0o200000)
            return try JSONValue.parse(
                try root.readRegular(below: name, limit: 1 << 20, resolve: [.beneath, .noMagicLinks]))
        } catch {
            throw ContainerStartFailure(
                reason: "CreateContainerError", message: "read seccomp profile \(directory)/\(name): \(error)")
        }
    }

    // MARK: - Mounts

    private func volumeMounts(
        _ mounted: [String: MountedVolume], _ variables: [String: String]
    ) throws -> [ContainerMount] {
        var result: [ContainerMount] = []
        for (index, mount) in container.volumeMounts.enumerated() {
            guard let volume = mounted[mount.name] else {
                throw MountFailure(.refused, volume: mount.name, "the pod has no such volume")
            }
            var source = volume.path
            if let subPath = try subPath(mount, variables), !subPath.isEmpty {
                source = try SubPath.bind(
                    volumePath: volume.path, subPath: subPath,
                    target: "\(podDirectory)/volume-subpaths/\(mount.name)/\(container.name)/\(index)")
            }
            let readOnly = mount.readOnly == true || volume.isReadOnly
            result.append(
                ContainerMount(
                    source: source,
                    destination: mount.mountPath.hasExactPrefix("/") ? mount.mountPath : "/" + mount.mountPath,
                    isReadOnly: readOnly,
                    isRecursivelyReadOnly: readOnly
                        && ["Enabled", "IfPossible"].contains(mount.recursiveReadOnly ?? ""),
                    propagation: ["HostToContainer": "rslave", "Bidirectional": "rshared"][mount.mountPropagation ?? ""]
                        ?? "rprivate"))
        }
        return result
    }

    private func subPath(_ mount: VolumeMount, _ variables: [String: String]) throws -> String? {
        guard let expression = mount.subPathExpr, !expression.isEmpty else { return mount.subPath }
        let text: String?
        do throws(VariableExpansion.TooLong) {
            text = try VariableExpansion.expandStrictly(expression, variables)
        } catch {
            throw ContainerStartFailure(
                reason: "CreateContainerConfigError",
                message: "cannot expand subPathExpr of \(mount.mountPath): with what it refers to it is too long")
        }
        guard let expanded = text else {
            throw ContainerStartFailure(
                reason: "CreateContainerConfigError",
                message: "cannot expand subPathExpr \(expression): a variable in it is not set")
        }
        guard !expanded.hasExactPrefix("/"), !expanded.steps.contains("..") else {
            throw ContainerStartFailure(
                reason: "CreateContainerConfigError",
                message: "subPath \(expanded) must be relative and hold no ..")
        }
        return expanded
    }

    private func terminationLog() throws -> ContainerMount {
        let directory = "\(podDirectory)/containers/\(container.name)"
        try Files.makeDirectories(directory, mode: 0o750)
        let path = "\(directory)/\(attempt + 1)"
        try FileDescriptor.open(path, 0o1101, mode: 0o666).close()
        // Whoever the container runs as may write its last words.
        try Files.setPermissions(path, 0o666)
        return ContainerMount(source: path, destination: container.terminationMessagePath ?? "/dev/termination-log")
    }

    private func logPath() throws -> String {
        let directory =
            "\(settings.logDirectory)/\(pod.metadata.namespace ?? "")_\(pod.metadata.name ?? "")_\(pod.uid)/\(container.name)"
        try Files.makeDirectories(directory, mode: 0o755)
        let path = "\(directory)/\(logNumber).log"
        try Files.makeDirectories(settings.containerLogDirectory, mode: 0o755)
        let link =
            "\(settings.containerLogDirectory)/\(pod.metadata.name ?? "")_\(pod.metadata.namespace ?? "")_\(container.name)-\(id).log"
        try Files.removeIfPresent(link)
        try Files.symlink(path, at: link)
        return path
    }
}

/// What this machine has, and lets its root do.
enum HostAbilities {
    static let processorsWithThermalFigures: [String] = {
        let directory = "/sys/devices/system/cpu"
        // A machine whose kernel lists no processors there shows nothing of them either.
        guard let entries = try? Files.list(directory) else { return [] }
        return entries.map(\.name).filter { name in
            name.hasPrefix("cpu") && name.dropFirst(3).allSatisfy(\.isNumber)
                && Files.exists("\(directory)/\(name)/thermal_throttle")
        }.sorted()
    }()

    /// Without CAP_SYS_RESOURCE a process's OOM score cannot be lowered: containers then keep the usual one.
    static let mayLowerOOMScore: Bool = {
        guard let status = try? Files.readText("/proc/self/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
            let held = UInt64(line.dropFirst(7).trimmingPrefix { $0 == "\t" || $0 == " " }, radix: 16)
        else { return false }
        return held & (1 << 24) != 0
    }()
}
