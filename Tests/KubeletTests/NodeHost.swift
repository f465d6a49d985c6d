// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import JSON
import KubeAPI
import Linux
import Shim
import Telemetry
import Testing

@testable import Kubelet

/// A node of its own in a temporary directory: static pods, a busybox image, the machine's OCI runtime.
final class NodeHost: Sendable {
    let root: String
    let configuration: KubeletConfiguration
    let settings: KubeletSettings

    static var programs: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, 4095)
        let path = String(decoding: buffer[..<max(count, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = Files.parent(of: path)
        return Files.exists("\(folder)/swiftlet-shim") ? folder : ".build/debug"
    }

    static var isPossible: Bool {
        getuid() == 0 && Files.exists("\(programs)/swiftlet-shim") && Files.exists("/bin/busybox")
            && Files.exists("/usr/bin/crun")
    }

    init() throws {
        var template = Array("/tmp/kubelet-test-XXXXXX".utf8CString)
        root = try #require(
            template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
        let image = root + "/image"
        for folder in ["bin", "proc", "dev", "sys", "tmp", "etc"] { try Files.makeDirectories("\(image)/\(folder)") }
        try Files.replace("\(image)/bin/busybox", with: try Files.read("/bin/busybox"), mode: 0o755, durable: false)
        for applet in ["sh", "cat", "sleep", "echo", "hostname", "id", "env", "ls", "true", "false", "touch", "mount"] {
            try Files.symlink("busybox", at: "\(image)/bin/\(applet)")
        }
        let runtime = root + "/runtime"
        // crun refuses a machine with both cgroup versions mounted: it gets a view with the second only.
        try Files.replace(
            runtime,
            with: Array(
                """
                #!/bin/sh
                exec unshare -m sh -c 'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup 2>/dev/null; exec crun \
                --cgroup-manager=disabled "$@"' crun "$@"

                """.utf8), mode: 0o755, durable: false)
        var configuration = KubeletConfiguration()
        configuration.staticPodPath = root + "/manifests"
        try Files.makeDirectories(configuration.staticPodPath)
        self.configuration = configuration
        var settings = KubeletSettings(nodeName: "node", nodeAddresses: ["127.0.0.1"])
        settings.rootDirectory = root + "/kubelet"
        settings.runDirectory = root + "/run"
        settings.logDirectory = root + "/log/pods"
        settings.containerLogDirectory = root + "/log/containers"
        settings.runtime = runtime
        settings.shim = NodeHost.programs + "/swiftlet-shim"
        settings.usesCgroups = false
        self.settings = settings
    }

    /// A kubelet on this node; ends when its task is cancelled, and leaves all that runs.
    func kubelet() throws -> Kubelet {
        try Kubelet(
            configuration: configuration, settings: settings, client: nil,
            images: DirectoryImages(["busybox": root + "/image"]), network: nil,
            logger: Logger(label: "kubelet", level: .warning))
    }

    func run(_ body: (Kubelet) async throws -> Void) async throws {
        let kubelet = try kubelet()
        let task = Task { try await kubelet.run() }
        do { try await body(kubelet) } catch {
            task.cancel()
            throw error
        }
        task.cancel()
        _ = await task.result
    }

    func manifest(_ name: String, _ spec: JSONObject) throws {
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name)], "spec": .object(spec),
        ]
        try Files.replace("\(configuration.staticPodPath)/\(name).json", with: pod.encoded(), durable: false)
    }

    func removeManifest(_ name: String) throws { try Files.remove("\(configuration.staticPodPath)/\(name).json") }

    static func container(_ script: String, _ more: JSONObject = [:]) -> JSONValue {
        var container: JSONObject = [
            "name": "main", "image": "busybox", "imagePullPolicy": "IfNotPresent",
            "command": ["/bin/sh", "-c", .string(script)],
        ]
        for (key, value) in more { container[key] = value }
        return .object(container)
    }

    /// Waits for a pod whose status passes `test`; at most twenty seconds.
    func wait(_ kubelet: Kubelet, _ what: String, _ test: (Pod) -> Bool) async throws -> Pod {
        for _ in 0..<2000 {
            for object in await kubelet.podObjects() where test(Pod(json: object)) { return Pod(json: object) }
            try await sleep(for: .milliseconds(10))
        }
        let states = await kubelet.podObjects().map { JSONValue.object($0["status"]?.object ?? [:]).description }
        throw KubeletConfigurationError("never came: \(what): \(states.joined(separator: "\n"))")
    }

    func waitUntilGone(_ kubelet: Kubelet) async throws {
        for _ in 0..<2000 {
            if await kubelet.podObjects().isEmpty { return }
            try await sleep(for: .milliseconds(10))
        }
        throw KubeletConfigurationError("the pods do not go away")
    }

    func log(_ pod: Pod, container: String = "main", attempt: Int = 0) throws -> [String] {
        let path =
            "\(settings.logDirectory)/default_\(pod.metadata.name ?? "")_\(pod.metadata.uid ?? "")/\(container)/\(attempt).log"
        return try Files.readText(path).split(separator: "\n").map { String($0.split(separator: " ", maxSplits: 3)[3]) }
    }

    /// The first process of a running container.
    func process(_ pod: Pod) throws -> ProcessIdentity {
        let directory = "\(settings.runDirectory)/pods/\(pod.metadata.uid ?? "")"
        for entry in try Files.list(directory) where entry.kind == .directory {
            if let found = ProcessIdentity.recorded(at: "\(directory)/\(entry.name)/process"), found.isAlive {
                return found
            }
        }
        throw KubeletConfigurationError("no process of the pod runs")
    }

    /// Ends whatever is left, however the test ended.
    func cleanUp() {
        for entry in (try? Files.list(settings.runDirectory + "/pods")) ?? [] {
            let directory = "\(settings.runDirectory)/pods/\(entry.name)"
            for inner in (try? Files.list(directory)) ?? [] where inner.kind == .directory {
                if let left = ProcessIdentity.recorded(at: "\(directory)/\(inner.name)/process"), left.isAlive {
                    kill(left.pid, SIGKILL)
                }
            }
            if let shim = ProcessIdentity.recorded(at: directory + "/shim.pid"), shim.isAlive {
                kill(shim.pid, SIGKILL)
            }
        }
        _ = system(
            "awk -v d=\(root)/ 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l; rm -rf \(root)"
        )
    }
}
