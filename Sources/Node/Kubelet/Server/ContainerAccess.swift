// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import KubeAPI

/// What the kubelet's server needs of the kubelet: a look at pods, and ways into their containers.
protocol ContainerAccess: Sendable {
    /// Every pod of this node with its current status, static pods included.
    func pods() async -> [Pod]

    /// Where the log of a container's current or, with `previous`, last ended instance is.
    func log(of container: ContainerTarget, previous: Bool) async throws(ContainerAccessError) -> ContainerLog

    /// Returns once the instance that writes `log` has ended and its output is in the file.
    func waitForEnd(of log: ContainerLog) async

    /// Runs another process in a running container.
    func exec(_ request: ExecRequest) async throws(ContainerAccessError) -> any ContainerSession

    /// Joins the streams of a container's own process.
    func attach(_ request: ExecRequest) async throws(ContainerAccessError) -> any ContainerSession

    /// Connects to a TCP port in the pod's network namespace, on its loopback address.
    func connect(
        namespace: String, pod: String, port: UInt16
    ) async throws(ContainerAccessError) -> any ByteStream

    /// Where what takes long is done for pods of `namespace`.
    func executor(for namespace: String) -> any TaskExecutor

    /// The document of `/stats/summary` (kubelet stats API v1alpha1).
    func statsSummary() async -> [UInt8]

    /// The series of `/metrics/resource` and `/metrics/cadvisor`, in Prometheus' text format.
    func resourceMetrics() async -> String
    func containerMetrics() async -> String
}

extension ContainerAccess {
    func executor(for namespace: String) -> any TaskExecutor { EventLoop.here }
}

/// A container of a pod, by the names a client uses.
struct ContainerTarget: Sendable, Hashable {
    var namespace: String
    var pod: String
    /// Given by some clients to pin the pod's incarnation.
    var uid: String?
    var container: String
}

/// The log of one instance of a container.
struct ContainerLog: Sendable, Hashable {
    /// The newest file, in CRI form; rotated ones stand beside it.
    var path: String
    /// The instance's id.
    var containerID: String
    var isRunning: Bool
    /// The uid of its pod; empty for one that was over before.
    var pod = ""
}

/// What to run, and which of its streams the client wants.
struct ExecRequest: Sendable {
    var target: ContainerTarget
    /// Empty for attach.
    var command: [String]
    var stdin: Bool
    var stdout: Bool
    var stderr: Bool
    var tty: Bool
}

/// A process whose streams a client holds. With a terminal, `stdin` and `stdout` are its two directions and there is no
/// `stderr`.
protocol ContainerSession: Sendable {
    var stdin: (any ByteStream)? { get }
    var stdout: (any ByteStream)? { get }
    var stderr: (any ByteStream)? { get }
    func resize(rows: UInt16, columns: UInt16) async throws
    /// The exit code, once the process has ended; for attach, once the container has.
    func wait() async throws -> Int32
    /// The client went away: lets go of the streams. The process goes on, as upstream's does.
    func detach() async
}

/// A request about a container that cannot be met, as the client reads it.
struct ContainerAccessError: Error, Sendable, CustomStringConvertible {
    /// The HTTP status.
    var status: Int
    var message: String

    var description: String { message }

    static func notFound(_ message: String) -> ContainerAccessError {
        ContainerAccessError(status: 404, message: message)
    }
    static func badRequest(_ message: String) -> ContainerAccessError {
        ContainerAccessError(status: 400, message: message)
    }
    static func failed(_ message: String) -> ContainerAccessError {
        ContainerAccessError(status: 500, message: message)
    }
}
