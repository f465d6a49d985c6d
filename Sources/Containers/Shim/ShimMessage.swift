// SPDX-License-Identifier: Apache-2.0

/// Everything said on a shim's socket. The daemon sends requests; the shim answers each with one reply that carries the
/// request's number, and says events of its own accord to every connection that has said hello.
public enum ShimMessage: Hashable, Sendable {
    case request(UInt32, ShimRequest)
    case reply(UInt32, ShimReply)
    case event(ShimEvent)

    /// The protocol's version, exchanged in the hello. A daemon refuses a shim it does not know.
    public static let version: UInt32 = 1
}

/// What the daemon may ask of a pod's shim.
public enum ShimRequest: Hashable, Sendable {
    /// The first message of a connection.
    case hello(version: UInt32)
    /// Create a container from a bundle; it waits to be started.
    case create(ContainerCreation)
    /// Run the container's process.
    case start(container: String)
    /// Send a signal to the container's first process, or to the exec session named.
    case signal(container: String, exec: String?, signal: Int32)
    /// Remove what the runtime keeps of a container. One that still runs is killed first.
    case delete(container: String)
    /// Run another process in a running container.
    case exec(ContainerExec)
    /// Set the size of a terminal.
    case resize(container: String, exec: String?, rows: UInt16, columns: UInt16)
    /// Join the streams of a running container; the reply carries the descriptors.
    case attach(ContainerAttach)
    /// Open the log file by its name again: it has been renamed.
    case reopenLog(container: String)
    /// End the shim and the namespaces it holds. Refused while a container is left.
    case shutdown
}

/// The answer to one request.
public enum ShimReply: Hashable, Sendable {
    case hello(ShimState)
    case done
    /// A process exists now: the container's first, or an exec session's. `streams` names the descriptors sent along.
    case process(ProcessIdentity, streams: [ShimStream])
    /// The descriptors of an attach.
    case attached(streams: [ShimStream])
    case failed(ShimFailure)
}

/// What the shim says unasked.
public enum ShimEvent: Hashable, Sendable {
    /// The container's first process ended. Its record is on disk by now, and its output in the log.
    case exited(ExitRecord)
    /// An exec session ended.
    case execExited(container: String, exec: String, ExitRecord)
    /// The container's log has grown past the size given at its creation.
    case logLimitReached(container: String, bytes: UInt64)
    /// The container's log cannot be written: output is being lost until it can.
    case logFailed(container: String, message: String)
}

/// One stream of a process, as the shim names the descriptor it hands over.
public enum ShimStream: UInt8, Hashable, Sendable {
    case stdin = 0
    case stdout = 1
    case stderr = 2
    /// A pseudo-terminal: read and write.
    case terminal = 3
}

/// How to create a container.
public struct ContainerCreation: Hashable, Sendable {
    /// The id given to the runtime.
    public var id: String
    /// The bundle's directory: `config.json` is in it.
    public var bundle: String
    /// The log file, made when missing and appended to. Empty: output is discarded.
    public var logPath: String
    public var terminal: Bool
    /// Whether the process gets a pipe (or its terminal) as standard input instead of `/dev/null`.
    public var stdin: Bool
    /// Whether the first attached client to end its input ends the container's input.
    public var stdinOnce: Bool
    /// The log size in bytes at which `logLimitReached` is said; 0 means never.
    public var logLimit: UInt64

    public init(
        id: String, bundle: String, logPath: String, terminal: Bool = false, stdin: Bool = false,
        stdinOnce: Bool = false, logLimit: UInt64 = 0
    ) {
        self.id = id
        self.bundle = bundle
        self.logPath = logPath
        self.terminal = terminal
        self.stdin = stdin
        self.stdinOnce = stdinOnce
        self.logLimit = logLimit
    }
}

/// How to run another process in a container.
public struct ContainerExec: Hashable, Sendable {
    public var container: String
    /// Names the session in later messages; unique in the container.
    public var exec: String
    /// A file with the OCI `process` object, in JSON.
    public var processFile: String
    public var terminal: Bool
    public var stdin: Bool

    public init(container: String, exec: String, processFile: String, terminal: Bool = false, stdin: Bool = false) {
        self.container = container
        self.exec = exec
        self.processFile = processFile
        self.terminal = terminal
        self.stdin = stdin
    }
}

/// Which streams of a container to join.
public struct ContainerAttach: Hashable, Sendable {
    public var container: String
    public var stdin: Bool
    public var stdout: Bool
    public var stderr: Bool

    public init(container: String, stdin: Bool, stdout: Bool, stderr: Bool) {
        self.container = container
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
    }
}

/// A process that can be told from a later one with the same number.
public struct ProcessIdentity: Hashable, Sendable {
    public var pid: Int32
    /// When it started, in clock ticks since boot (`starttime` of proc_pid_stat(5)).
    public var startTime: UInt64

    public init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }
}

/// How a process ended.
public struct ExitRecord: Hashable, Sendable {
    public var container: String
    public var pid: Int32
    /// The exit status, or 128 + the signal.
    public var code: Int32
    /// The signal that killed it, else 0.
    public var signal: Int32
    /// Nanoseconds since the epoch.
    public var startedAt: Int64
    /// Nanoseconds since the epoch.
    public var finishedAt: Int64

    public init(
        container: String, pid: Int32, code: Int32, signal: Int32, startedAt: Int64, finishedAt: Int64
    ) {
        self.container = container
        self.pid = pid
        self.code = code
        self.signal = signal
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}

/// Why a request was refused or failed.
public struct ShimFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: UInt8, Hashable, Sendable {
        /// The request does not fit what the container is doing.
        case sequence = 0
        /// The runtime failed; the message is its own.
        case runtime = 1
        /// The shim failed in a system call.
        case system = 2
        /// No such container or session.
        case unknown = 3
        /// The shim is not there to answer; never sent by one.
        case gone = 4
    }
    public var kind: Kind
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }
}

/// What a shim holds, told in its hello.
public struct ShimState: Hashable, Sendable {
    public var version: UInt32
    public var podUID: String
    public var shim: ProcessIdentity
    public var containers: [ShimContainerState]

    public init(version: UInt32, podUID: String, shim: ProcessIdentity, containers: [ShimContainerState]) {
        self.version = version
        self.podUID = podUID
        self.shim = shim
        self.containers = containers
    }
}

/// One container as its shim knows it.
public struct ShimContainerState: Hashable, Sendable {
    public var id: String
    public var phase: ContainerPhase
    public var process: ProcessIdentity?
    /// Nanoseconds since the epoch; 0 before the start.
    public var startedAt: Int64
    /// Only in the phase `exited`.
    public var exit: ExitRecord?

    public init(id: String, phase: ContainerPhase, process: ProcessIdentity?, startedAt: Int64, exit: ExitRecord?) {
        self.id = id
        self.phase = phase
        self.process = process
        self.startedAt = startedAt
        self.exit = exit
    }
}
