// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import KubeAPI
internal import Linux
internal import Namespaces
internal import Shim

/// The kubelet as its server sees it.
extension Kubelet: ContainerAccess {
    func pods() async -> [Pod] { workersByUID.values.map(\.shown) }

    private func worker(of target: ContainerTarget) async throws(ContainerAccessError) -> PodWorker {
        guard let worker = worker(namespace: target.namespace, name: target.pod, uid: target.uid) else {
            throw .notFound("pod \"\(target.pod)\" not found")
        }
        guard await worker.planned(target.container) != nil else {
            throw .notFound(
                "container \"\(target.container)\" in pod \"\(target.pod)\" is not available: the pod has no such container"
            )
        }
        return worker
    }

    func log(of container: ContainerTarget, previous: Bool) async throws(ContainerAccessError) -> ContainerLog {
        if let pod = podThatIsOver(
            namespace: container.namespace, name: container.pod, uid: container.uid)
        {
            return try lastLog(of: container, in: pod, previous: previous)
        }
        let worker = try await worker(of: container)
        guard let record = await worker.records[container.container], record.attempt > 0 else {
            let reason = await worker.records[container.container]?.waitingReason ?? ""
            throw .badRequest(
                "container \"\(container.container)\" in pod \"\(container.pod)\" is waiting to start: \(reason.isEmpty ? "ContainerCreating" : reason)"
            )
        }
        guard previous else {
            let isRunning = record.situation.phase == .running || record.situation.phase == .stopping
            return ContainerLog(path: record.logPath, containerID: record.id, isRunning: isRunning, pod: worker.uid)
        }
        // A run that ended and is about to be followed is the last ended one.
        guard record.restartCount > 0, let last = record.previous else {
            throw .badRequest(
                "previous terminated container \"\(container.container)\" in pod \"\(container.pod)\" not found")
        }
        let directory = Files.parent(of: record.logPath)
        return ContainerLog(
            path: "\(directory)/\(record.restartCount - 1).log", containerID: last.id, isRunning: false, pod: worker.uid
        )
    }

    /// The log of a container whose pod has no worker any more: its status says what it was.
    private func lastLog(
        of target: ContainerTarget, in pod: Pod, previous: Bool
    ) throws(ContainerAccessError) -> ContainerLog {
        let all =
            pod.status.initContainerStatuses + pod.status.containerStatuses + pod.status.ephemeralContainerStatuses
        let status = all.first { $0.name == target.container }
        let end = previous ? status?.lastState?.terminated : status?.state?.terminated
        let number = Int(status?.restartCount ?? 0) - (previous ? 1 : 0)
        let path =
            "\(settings.logDirectory)/\(target.namespace)_\(target.pod)_\(pod.uid)/\(target.container)/\(number).log"
        guard let end, Files.exists(path) else {
            throw .badRequest(
                "\(previous ? "previous " : "")terminated container \"\(target.container)\" in pod \"\(target.pod)\" not found"
            )
        }
        return ContainerLog(path: path, containerID: ContainerEnd.identifier(end.containerID), isRunning: false)
    }

    func waitForEnd(of log: ContainerLog) async {
        _ = await workersByUID[log.pod]?.waitForEnd(ofContainer: log.containerID)
    }

    func exec(_ request: ExecRequest) async throws(ContainerAccessError) -> any ContainerSession {
        let worker = try await worker(of: request.target)
        do {
            let session = try await worker.exec(
                request.command, in: request.target.container, terminal: request.tty, stdin: request.stdin)
            return ShimSession(worker: worker, session: session, name: request.target.container)
        } catch {
            throw .failed("\(error)")
        }
    }

    func attach(_ request: ExecRequest) async throws(ContainerAccessError) -> any ContainerSession {
        let worker = try await worker(of: request.target)
        let container = await worker.planned(request.target.container)?.container
        do {
            let session = try await worker.attach(
                request.target.container, stdin: request.stdin && container?.stdin == true, stdout: request.stdout,
                stderr: request.stderr && container?.tty != true)
            return ShimSession(worker: worker, session: session, name: request.target.container)
        } catch {
            throw .failed("\(error)")
        }
    }

    func connect(
        namespace: String, pod: String, port: UInt16
    ) async throws(ContainerAccessError) -> any ByteStream {
        guard let worker = worker(namespace: namespace, name: pod) else {
            throw .notFound("pod \"\(pod)\" not found")
        }
        let path = await worker.networkNamespacePath
        do {
            guard let path else {
                return try await AsyncSocket.connect(host: "127.0.0.1", port: port, timeout: .seconds(30))
            }
            return try await PodSocket.connect(port: port, namespace: path, pod: worker.uid)
        } catch {
            throw .failed("connect to port \(port) of pod \(namespace)/\(pod): \(error)")
        }
    }

    func statsSummary() async -> [UInt8] { await Statistics(kubelet: self).summary() }
    func resourceMetrics() async -> String { await Statistics(kubelet: self).resourceMetrics() }
    func containerMetrics() async -> String { await Statistics(kubelet: self).containerMetrics() }
}

/// Sockets made inside a pod's network namespace.
enum PodSocket {
    /// Connects to the pod's own loopback, IPv4 first. Only the socket is made there, by a thread: waiting for a pod that
    /// does not answer takes none.
    static func connect(port: UInt16, namespace: String, pod uid: String) async throws -> AsyncSocket {
        let hosts = ["127.0.0.1", "::1"]
        var failure: (any Error)?
        for host in hosts {
            guard let address = SocketAddress(host: host, port: port) else { continue }
            do {
                let number = try await Blocking.run(.pod(uid)) {
                    try NamespaceThread.run(in: .network, path: namespace) { () throws(Errno) -> Int32 in
                        try Socket(family: address.family, nonBlocking: true).intoDescriptor().release()
                    }
                }
                let socket = Socket(owning: FileDescriptor(owning: number))
                return try await AsyncSocket.connect(socket, to: address, timeout: .seconds(30))
            } catch let error as CancellationError {
                throw error
            } catch { failure = failure ?? error }
        }
        throw failure ?? Errno(111, "connect")
    }
}

/// A process's streams over the descriptors its shim gave.
final class ShimSession: ContainerSession {
    private let worker: PodWorker
    private let session: ExecSession
    private let name: String

    init(worker: PodWorker, session: ExecSession, name: String) {
        self.worker = worker
        self.session = session
        self.name = name
    }

    var stdin: (any ByteStream)? {
        (session.streams[.terminal] ?? session.streams[.stdin]).map {
            PipeStream($0, isTerminal: session.streams[.terminal] != nil)
        }
    }
    var stdout: (any ByteStream)? {
        (session.streams[.terminal] ?? session.streams[.stdout]).map {
            PipeStream($0, isTerminal: session.streams[.terminal] != nil)
        }
    }
    var stderr: (any ByteStream)? { session.streams[.stderr].map { PipeStream($0, isTerminal: false) } }

    func resize(rows: UInt16, columns: UInt16) async throws {
        try await worker.resize(session, rows: rows, columns: columns)
    }

    func wait() async throws -> Int32 {
        if let end = session.end { return try await end.wait().code }
        return await worker.waitForCode(ofContainer: session.container, name)
    }

    func detach() async { for pipe in session.streams.values { pipe.close() } }
}

/// One descriptor as a stream.
final class PipeStream: ByteStream {
    private let pipe: AsyncDescriptor
    private let isTerminal: Bool

    init(_ pipe: AsyncDescriptor, isTerminal: Bool) {
        self.pipe = pipe
        self.isTerminal = isTerminal
    }

    func read(max: Int) async throws -> [UInt8] { try await PipeReader.read(pipe, max: min(max, 65536)) ?? [] }

    func write(_ bytes: [UInt8]) async throws {
        guard try await PipeReader.write(pipe, bytes) else { throw Errno(32, "write to the container") }
    }

    /// The end of a pipe is its close; a terminal has one descriptor for both directions, and says ^D instead.
    func closeWrite() async {
        if isTerminal {
            // The process may be gone, and then nobody waits for the end.
            _ = try? await PipeReader.write(pipe, [4])
        } else {
            pipe.close()
        }
    }

    func close() async { pipe.close() }
}
