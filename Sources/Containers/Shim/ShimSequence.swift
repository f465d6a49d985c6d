// SPDX-License-Identifier: Apache-2.0

/// Where a container is in its life, as the shim sees it.
public enum ContainerPhase: UInt8, Hashable, Sendable {
    /// The runtime is making it.
    case creating = 0
    /// Made, waiting to be started.
    case created = 1
    /// The runtime is starting it.
    case starting = 2
    case running = 3
    /// Its first process has ended; the runtime still keeps its state.
    case exited = 4
    /// The runtime is removing it.
    case deleting = 5
}

/// Which requests fit, given what was said before: the rules of the protocol, without any I/O.
///
/// The shim asks it before acting; a request that does not fit is refused with its cause and changes nothing.
public struct ShimSequence: Sendable {
    private(set) var phases: [String: ContainerPhase] = [:]
    private var execs: [String: Set<String>] = [:]
    private var isShuttingDown = false

    public init() {}

    public func phase(of container: String) -> ContainerPhase? { phases[container] }
    public var isEmpty: Bool { phases.isEmpty }

    /// Checks `request`, and moves the container into the phase the request begins.
    public mutating func begin(_ request: ShimRequest) throws(ShimFailure) {
        guard !isShuttingDown else { throw ShimFailure(.sequence, "the shim is ending") }
        switch request {
        case .hello(let version):
            guard version == ShimMessage.version else {
                throw ShimFailure(
                    .sequence, "the daemon speaks version \(version), this shim \(ShimMessage.version)")
            }
        case .create(let creation):
            guard phases[creation.id] == nil else {
                throw ShimFailure(.sequence, "container \(creation.id) exists")
            }
            phases[creation.id] = .creating
        case .start(let container):
            try require(container, in: [.created], to: "start")
            phases[container] = .starting
        case .signal(let container, let exec, _):
            try require(container, in: [.created, .starting, .running], to: "signal")
            if let exec { try require(exec: exec, of: container) }
        case .delete(let container):
            try require(container, in: [.created, .running, .exited], to: "delete")
            phases[container] = .deleting
        case .exec(let exec):
            try require(exec.container, in: [.running], to: "exec in")
            guard execs[exec.container, default: []].insert(exec.exec).inserted else {
                throw ShimFailure(.sequence, "exec session \(exec.exec) exists in container \(exec.container)")
            }
        case .resize(let container, let exec, _, _):
            try require(container, in: [.created, .starting, .running], to: "resize")
            if let exec { try require(exec: exec, of: container) }
        case .attach(let attach):
            try require(attach.container, in: [.created, .starting, .running], to: "attach to")
        case .reopenLog(let container):
            guard phases[container] != nil else { throw ShimFailure(.unknown, "no container \(container)") }
        case .shutdown:
            guard phases.isEmpty else {
                throw ShimFailure(.sequence, "containers are left: \(phases.keys.sorted().joined(separator: ", "))")
            }
            isShuttingDown = true
        }
    }

    /// A create ended: the container is there, or it is not.
    public mutating func created(_ container: String, success: Bool) {
        phases[container] = success ? .created : nil
    }

    /// A start ended. A process that ended meanwhile stays `exited`.
    public mutating func started(_ container: String, success: Bool) {
        guard phases[container] == .starting else { return }
        phases[container] = success ? .running : .created
    }

    /// The first process ended.
    public mutating func exited(_ container: String) {
        guard let phase = phases[container], phase != .deleting else { return }
        phases[container] = .exited
        execs[container] = nil
    }

    /// A delete ended; a failed one may be asked for again.
    public mutating func deleted(_ container: String, success: Bool) {
        phases[container] = success ? nil : .exited
        if success { execs[container] = nil }
    }

    /// An exec session ended, or never came to be.
    public mutating func execEnded(_ exec: String, of container: String) {
        execs[container]?.remove(exec)
    }

    private func require(
        _ container: String, in allowed: [ContainerPhase], to verb: String
    ) throws(ShimFailure) {
        guard let phase = phases[container] else { throw ShimFailure(.unknown, "no container \(container)") }
        guard allowed.contains(phase) else {
            throw ShimFailure(.sequence, "cannot \(verb) container \(container): it is \(phase)")
        }
    }

    private func require(exec: String, of container: String) throws(ShimFailure) {
        guard execs[container]?.contains(exec) == true else {
            throw ShimFailure(.unknown, "no exec session \(exec) in container \(container)")
        }
    }
}
