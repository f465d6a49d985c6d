// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A cgroup of version 2, by its path. It need not exist.
public struct Cgroup: Sendable, Hashable {
    public let hierarchy: CgroupHierarchy
    /// Below the hierarchy: `/kubepods/pod1`.
    public let path: String

    init(hierarchy: CgroupHierarchy, path: String) {
        self.hierarchy = hierarchy
        self.path = path
    }

    /// Its directory.
    public var directory: String { path == "/" ? hierarchy.mountPoint : hierarchy.mountPoint + path }
    public var exists: Bool { Files.exists(directory) }
    public var parent: Cgroup? { path == "/" ? nil : hierarchy.cgroup(Files.parent(of: path)) }
    public func child(_ name: String) -> Cgroup { hierarchy.cgroup(path + "/" + name) }

    func failing(_ operation: String, _ error: Errno) -> CgroupError {
        CgroupError(operation, path, .kernel(error))
    }

    // MARK: Life

    /// Makes it and its missing parents, and enables in each parent those of `controllers` that are offered there.
    /// Returns the controllers that are then in force here: compare, and degrade or refuse.
    @discardableResult
    public func create(controllers wanted: Set<String> = []) throws(CgroupError) -> Set<String> {
        if let parent {
            if !parent.exists || !wanted.isEmpty {
                try parent.create(controllers: wanted)
                try parent.enable(wanted)
            }
            do { try Files.makeDirectory(directory) } catch {
                if error.code == ENOENT {
                    try parent.create(controllers: wanted)
                    do { try Files.makeDirectory(directory) } catch { throw failing("create", error) }
                } else if !error.isExists {
                    throw failing("create", error)
                }
            }
        }
        return wanted.isEmpty ? [] : try self.controllers()
    }

    /// The controllers in force here (cgroup.controllers).
    public func controllers() throws(CgroupError) -> Set<String> { Set(try words("cgroup.controllers")) }

    /// Enables for children those of `controllers` that are offered and not yet enabled. One that the kernel refuses
    /// (EBUSY: processes are in this cgroup itself) is left disabled: it is missing in the child's `controllers()`.
    public func enable(_ wanted: Set<String>) throws(CgroupError) {
        guard !wanted.isEmpty else { return }
        let missing = wanted.intersection(try controllers()).subtracting(try words("cgroup.subtree_control"))
        for name in missing.sorted() {
            do { try Files.write(directory + "/cgroup.subtree_control", "+\(name)") } catch {
                if error.code != EBUSY && error.code != ENOENT && error.code != EINVAL {
                    throw failing("enable the controller \(name)", error)
                }
            }
        }
    }

    /// A descriptor of its directory, for `SpawnOptions.cgroup`.
    public func open() throws(CgroupError) -> FileDescriptor {
        do { return try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY) } catch { throw failing("open", error) }
    }

    /// Removes it and all cgroups below. With `kill`, everything in them is killed first. Waits for the last process to
    /// go, by the event of cgroup.events, at most `milliseconds`. Not there is fine.
    public func delete(kill: Bool = true, milliseconds: Int = 10_000) throws(CgroupError) {
        do {
            try systemCall("rmdir") { unsafe rmdir(directory) }
            return
        } catch {
            if error.code == ENOENT { return }
            guard error.code == EBUSY || error.code == ENOTEMPTY else { throw failing("remove", error) }
        }
        if kill { try self.kill() }
        try waitUntilEmpty(milliseconds: milliseconds)
        try removeEmpty()
    }

    private func removeEmpty() throws(CgroupError) {
        for child in try children() { try child.removeEmpty() }
        // A process that ended is counted until it is out of its last wait: a few retries of a millisecond.
        var attempts = 0
        while true {
            do {
                try systemCall("rmdir") { unsafe rmdir(directory) }
                return
            } catch {
                if error.code == ENOENT { return }
                attempts += 1
                guard error.code == EBUSY, attempts < 200 else { throw failing("remove", error) }
                usleep(1000)
            }
        }
    }

    /// The cgroups directly below.
    public func children() throws(CgroupError) -> [Cgroup] {
        do {
            return try Files.list(directory).filter { $0.kind == .directory }.map { child($0.name) }
        } catch {
            if error.isNotFound { return [] }
            throw failing("list", error)
        }
    }

    /// Kills every process here and below, at once, also one that forks meanwhile (cgroup.kill).
    public func kill() throws(CgroupError) {
        do { try Files.write(directory + "/cgroup.kill", "1") } catch {
            if error.code == ENOENT, !exists { return }
            // cgroup.kill came with Linux 5.14.
            guard error.code == ENOENT else { throw failing("kill", error) }
            for process in try processes(recursive: true) { _ = Glibc.kill(process, SIGKILL) }
        }
    }

    /// Sends `signal` to every process here and below.
    public func signalAll(_ signal: Int32) throws(CgroupError) {
        for process in try processes(recursive: true) { _ = Glibc.kill(process, signal) }
    }

    /// Whether a process is here or below; false when the cgroup is gone.
    public func isPopulated() throws(CgroupError) -> Bool { try events("cgroup.events")["populated"] == 1 }

    /// Waits until no process is here or below, by the notification of cgroup.events.
    public func waitUntilEmpty(milliseconds: Int) throws(CgroupError) {
        let file: FileDescriptor
        do { file = try FileDescriptor.open(directory + "/cgroup.events", O_RDONLY) } catch {
            if error.isNotFound { return }
            throw failing("wait until empty", error)
        }
        let end = KernelClock.monotonic.now() + Int64(milliseconds) * 1_000_000
        while try isPopulated() {
            let left = (end - KernelClock.monotonic.now()) / 1_000_000
            if left <= 0 { throw CgroupError("wait until empty", path, .busy) }
            do {
                // Read once before: poll reports a change since the last read.
                try file.seek(to: 0)
                _ = try file.read(upTo: 256)
                if try !isPopulated() { return }
                _ = try file.waitUntilReady(.priority, milliseconds: Int32(min(left, 1000)))
            } catch let error as Errno { throw failing("wait until empty", error) } catch let error as CgroupError {
                throw error
            } catch { preconditionFailure("only the two above are thrown") }
        }
    }

    // MARK: Processes

    /// Moves a process here.
    public func add(process: Int32) throws(CgroupError) {
        do { try Files.write(directory + "/cgroup.procs", "\(process)") } catch {
            throw failing("add process \(process)", error)
        }
    }

    /// The processes here, and below when asked.
    public func processes(recursive: Bool = false) throws(CgroupError) -> [Int32] {
        var result = try words("cgroup.procs").compactMap { Int32($0) }
        if recursive { for child in try children() { result += try child.processes(recursive: true) } }
        return result
    }

    /// Freezes or thaws all processes here and below, and waits until it is so.
    public func setFrozen(_ frozen: Bool, milliseconds: Int = 10_000) throws(CgroupError) {
        try write("cgroup.freeze", frozen ? "1" : "0", "freeze")
        let end = KernelClock.monotonic.now() + Int64(milliseconds) * 1_000_000
        while try events("cgroup.events")["frozen"] != (frozen ? 1 : 0) {
            if KernelClock.monotonic.now() > end {
                throw CgroupError(frozen ? "freeze" : "thaw", path, .invalid("not so after \(milliseconds) ms"))
            }
            usleep(500)
        }
    }

    public func isFrozen() throws(CgroupError) -> Bool { try events("cgroup.events")["frozen"] == 1 }

    // MARK: Files

    /// The words of an interface file; none when the cgroup is gone.
    func words(_ file: String) throws(CgroupError) -> [String] {
        do {
            return try Files.readText(directory + "/" + file).split(whereSeparator: { $0 == " " || $0 == "\n" })
                .map(String.init)
        } catch {
            if error.isNotFound || error.code == ENODEV { return [] }
            throw failing("read \(file)", error)
        }
    }

    /// A file of `name number` lines.
    public func events(_ file: String) throws(CgroupError) -> [String: UInt64] {
        let words = try words(file)
        var result: [String: UInt64] = [:]
        for index in stride(from: 0, to: words.count - 1, by: 2) { result[words[index]] = UInt64(words[index + 1]) }
        return result
    }

    /// Writes an interface file. A file that is not there means its controller is not.
    public func write(_ file: String, _ value: String, _ operation: String) throws(CgroupError) {
        do { try Files.write(directory + "/" + file, value) } catch {
            if error.code == ENOENT || error.code == EACCES, exists, !Files.exists(directory + "/" + file) {
                let controller = file.split(separator: ".").first.map(String.init) ?? file
                throw CgroupError(operation, path, .missingController(controller))
            }
            throw failing("\(operation): write \(value) to \(file)", error)
        }
    }
}
