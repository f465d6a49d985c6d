// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A child process, owned: dropping it kills and reaps it; `wait()` reaps it; `detach()` leaves it running.
public struct Child: ~Copyable, Sendable {
    /// Its number, valid as long as this value is: nobody else reaps it.
    public let pid: Int32
    /// Its pidfd: readable once it ended.
    public let pidfd: ProcessDescriptor
    private var isOwned = true

    init(pid: Int32, pidfd: consuming ProcessDescriptor) {
        self.pid = pid
        self.pidfd = pidfd
    }

    deinit {
        guard isOwned else { return }
        // ESRCH and ECHILD: it has ended, or somebody reaped it. Nothing is left to do then.
        try? pidfd.signal(SIGKILL)
        _ = try? pidfd.reap()
    }

    /// Starts `executable` (a path, not searched in PATH) with `arguments`, argument 0 included. Any thread of any
    /// process may call it; the cost does not grow with the caller's memory.
    public static func spawn(
        executable: String, arguments: [String], environment: [String: String],
        descriptors: DescriptorMap = DescriptorMap(), options: SpawnOptions = SpawnOptions()
    ) throws(SpawnError) -> Child {
        try spawn(
            executable: executable, arguments: arguments, environment: environment.map { "\($0.key)=\($0.value)" },
            descriptors: descriptors, options: options)
    }

    /// As above, with the environment as `NAME=value` strings in their order.
    public static func spawn(
        executable: String, arguments: [String], environment: [String],
        descriptors: DescriptorMap = DescriptorMap(), options: SpawnOptions = SpawnOptions()
    ) throws(SpawnError) -> Child {
        do {
            var map = descriptors
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            for number: Int32 in 0...2 where map.numbers[number] == nil { map.map(null, to: number) }
            var step: Int32 = 0
            let result = startProcess(
                executable, CStrings(arguments), CStrings(environment), map, options, &step)
            _ = null.raw  // open until here
            if result.process < 0 {
                throw SpawnError(
                    executable: executable, step: SpawnError.Step(rawValue: step) ?? .clone,
                    cause: Errno(-result.process, "spawn \(executable)"))
            }
            return Child(
                pid: result.process, pidfd: ProcessDescriptor(owning: FileDescriptor(owning: result.pidfd)))
        } catch let error as SpawnError { throw error } catch let error as Errno {
            throw SpawnError(executable: executable, step: .descriptors, cause: error)
        } catch { preconditionFailure("only the two above are thrown") }
    }

    /// Takes over a child that somebody else started.
    public static func adopt(pid: Int32, pidfd: consuming ProcessDescriptor) -> Child {
        Child(pid: pid, pidfd: pidfd)
    }

    /// Waits until it ended and reaps it.
    public consuming func wait() throws(Errno) -> ExitStatus { try waitForUsage().status }

    /// As `wait()`, with what it used.
    public consuming func waitForUsage() throws(Errno) -> (status: ExitStatus, usage: ResourceUsage) {
        while true {
            if let ended = try pidfd.reap() { return ended }
        }
    }

    /// Reaps it when it has ended; nil when it runs.
    public func reapIfEnded() throws(Errno) -> ExitStatus? { try pidfd.reap(block: false)?.status }

    /// Sends a signal.
    public func kill(_ signal: Int32) throws(Errno) { try pidfd.signal(signal) }

    /// Lets it run on without an owner here; the caller (or init, or a subreaper) reaps it.
    public consuming func detach() throws(Errno) -> ProcessDescriptor {
        let copy = try pidfd.descriptor.duplicate()
        isOwned = false
        return ProcessDescriptor(owning: copy)
    }
}

/// A null-terminated array of C strings, freed with it.
@safe final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        unsafe pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { unsafe pointers[index] = unsafe strdup(string) }
        unsafe pointers[count] = nil
    }

    deinit {
        for index in 0..<count { unsafe free(pointers[index]) }
        unsafe pointers.deallocate()
    }
}

/// Fills the C structure and starts.
private func startProcess(
    _ executable: String, _ arguments: CStrings, _ environment: CStrings, _ map: DescriptorMap,
    _ options: SpawnOptions, _ step: inout Int32
) -> (process: Int32, pidfd: Int32) {
    let targets = Array(map.numbers.keys)
    let sources = targets.map { map.numbers[$0]! }
    var scratch = [Int32](repeating: -1, count: targets.count)
    var request = unsafe clinux_spawn()
    unsafe request.executable_fd = -1
    unsafe request.arguments = unsafe UnsafePointer(arguments.pointers)
    unsafe request.environment = unsafe UnsafePointer(environment.pointers)
    unsafe request.descriptor_count = targets.count
    unsafe request.namespace_count = options.joinNamespaces.count
    unsafe request.cgroup = options.cgroup ?? -1
    unsafe request.new_session = options.newSession ? 1 : 0
    unsafe request.process_group = options.processGroup ?? -1
    unsafe request.controlling_terminal = options.controllingTerminal ?? -1
    unsafe request.death_signal = options.parentDeathSignal ?? 0
    unsafe request.clone_flags = options.newNamespaces
    if let identity = options.identity {
        unsafe request.set_identity = 1
        unsafe request.user = identity.user
        unsafe request.group = identity.group
    }
    var directory: UnsafeMutablePointer<CChar>?
    if let path = options.workingDirectory { unsafe directory = unsafe strdup(path) }
    defer { unsafe free(directory) }
    unsafe request.directory = unsafe UnsafePointer(directory)
    let process = unsafe executable.withCString { path in
        unsafe sources.withUnsafeBufferPointer { from in
            unsafe targets.withUnsafeBufferPointer { to in
                unsafe scratch.withUnsafeMutableBufferPointer { room in
                    unsafe options.joinNamespaces.withUnsafeBufferPointer { namespaces in
                        unsafe request.executable = unsafe path
                        unsafe request.sources = from.baseAddress
                        unsafe request.targets = to.baseAddress
                        unsafe request.scratch = room.baseAddress
                        unsafe request.namespaces = namespaces.baseAddress
                        return withExtendedLifetime((arguments, environment)) {
                            unsafe clinux_spawn(&request)
                        }
                    }
                }
            }
        }
    }
    step = unsafe request.failed_step
    return unsafe (process, request.pidfd)
}
