// SPDX-License-Identifier: Apache-2.0

import Cgroups
import Glibc
public import JSON
import Linux
import OCI

/// The status words of the specification, and `paused`.
public enum ContainerStatus: String, Sendable {
    case creating, created, running, paused, stopped
}

/// The directory of all containers' states (`--root`): `ID/state.json`, `ID/config.json`, and
/// `ID/start` of a container that waits for its start.
public struct ContainerStore: Sendable {
    public let root: String

    public init(root: String) { self.root = root }

    func directory(_ id: String) -> String { "\(root)/\(id)" }

    /// Letters, digits and `_+-.`, at most 255, neither `.` nor `..`: it is a directory's name.
    public static func checkID(_ id: String) throws {
        let legal = id.utf8.allSatisfy {
            (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                || [95, 43, 45, 46].contains($0)
        }
        guard legal, !id.isEmpty, id.utf8.count <= 255, id != ".", id != "..", !id.hasPrefix(".") else {
            throw RuntimeError("container id \"\(id)\"", "is not a name of letters, digits, and _ + - .")
        }
    }

    /// Makes the container's directory whole in one step: with its record and its configuration, or not at all.
    func add(_ record: ContainerRecord, configuration: [UInt8]) throws {
        let final = directory(record.id)
        try during("make the state directory \(root)") { try Files.makeDirectories(root, mode: 0o711) }
        let temporary = "\(root)/.\(record.id).\(getpid())"
        do {
            try Files.makeDirectory(temporary, mode: 0o711)
            try write(temporary + "/config.json", configuration)
            try write(temporary + "/state.json", record.json.encoded())
            try Files.renameNew(temporary, to: final)
        } catch {
            // The error to tell is the one above; what is left is removed as far as possible.
            try? Files.removeTree(temporary)
            if let error = error as? Errno, error.isExists {
                throw RuntimeError("create \(record.id)", "a container with this id exists")
            }
            throw RuntimeError("write the state of \(record.id)", "\(error)")
        }
    }

    /// No sync: after a power cut there is no container left to describe.
    private func write(_ path: String, _ bytes: [UInt8]) throws {
        try Files.write(path, bytes, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
    }

    func update(_ record: ContainerRecord) throws {
        try during("write the state of \(record.id)") {
            try Files.replace(
                directory(record.id) + "/state.json", with: record.json.encoded(), mode: 0o600, durable: false)
        }
    }

    public func record(_ id: String) throws -> ContainerRecord {
        try Self.checkID(id)
        let bytes: [UInt8]
        do { bytes = try Files.read(directory(id) + "/state.json") } catch {
            if error.isNotFound { throw RuntimeError("container \(id)", "does not exist") }
            throw RuntimeError("read the state of \(id)", "\(error)")
        }
        return try during("read the state of \(id)") { try ContainerRecord(JSONValue.parse(bytes)) }
    }

    /// The configuration it was created from.
    func configuration(_ id: String) throws -> RuntimeSpec {
        try during("read the configuration of \(id)") {
            try RuntimeSpec(JSONValue.parse(Files.read(directory(id) + "/config.json")))
        }
    }

    func exists(_ id: String) -> Bool { Files.exists(directory(id)) }

    func remove(_ id: String) throws {
        try during("remove the state of \(id)") {
            // Renamed first, so that no half of it is ever seen.
            let gone = "\(root)/.\(id).\(getpid()).gone"
            do throws(Errno) { try Files.rename(directory(id), to: gone) } catch {
                if error.isNotFound { return }
                throw error
            }
            try Files.removeTree(gone)
        }
    }

    /// Removes what runtimes that were killed while they made or removed this container's directory have left of it.
    func removeRemnants(_ id: String) throws {
        try during("remove what is left of \(id)") {
            guard Files.exists(root) else { return }
            for entry in try Files.list(root) where entry.name.hasPrefix(".\(id).") {
                let parts = entry.name.dropFirst(id.utf8.count + 2).split(separator: ".")
                guard let process = parts.first.flatMap({ Int32($0) }), parts.count == 1 || parts[1...] == ["gone"],
                    ProcessStatus.read(process)?.isAlive != true
                else { continue }
                try Files.removeTree("\(root)/\(entry.name)")
            }
        }
    }

    // MARK: Start

    func add(_ place: WaitingPlace, to id: String) throws {
        try during("write the state of \(id)") { try write(directory(id) + "/start", Array(place.text.utf8)) }
    }

    /// Where the container waits for its start; nil when it does not.
    func waitingPlace(_ id: String) throws -> WaitingPlace? {
        let path = directory(id) + "/start"
        let text: String
        do { text = try Files.readText(path) } catch {
            if error.isNotFound { return nil }
            throw RuntimeError("read the state of \(id)", "\(error)")
        }
        guard let place = WaitingPlace(text) else {
            throw RuntimeError("read the state of \(id)", "\(path) is damaged")
        }
        return place
    }

    func removeWaitingPlace(_ id: String) throws {
        try during("write the state of \(id)") { try Files.removeIfPresent(directory(id) + "/start") }
    }

    public func identifiers() throws -> [String] {
        do {
            return try Files.list(root).filter { $0.kind == .directory && !$0.name.hasPrefix(".") }.map(\.name).sorted()
        } catch {
            if error.isNotFound { return [] }
            throw RuntimeError("list \(root)", "\(error)")
        }
    }

    // MARK: Status

    /// What the kernel says of the container now.
    public func status(_ record: ContainerRecord) throws -> ContainerStatus {
        if record.pid == 0 {
            guard let creator = ProcessStatus.read(record.creator), creator.isAlive,
                creator.startTime == record.creatorStartTime
            else { return .stopped }
            return .creating
        }
        guard isInitAlive(record) else { return .stopped }
        // Until `start`, init runs this program and waits.
        if Files.exists(directory(record.id) + "/start"),
            try ContainerRecord.program(of: String(record.pid)) == record.runtimeProgram
        {
            return .created
        }
        if let cgroup = cgroup(record), try cgroup.isFrozen() { return .paused }
        return .running
    }

    func isInitAlive(_ record: ContainerRecord) -> Bool {
        guard record.pid > 0, let status = ProcessStatus.read(record.pid) else { return false }
        return status.isAlive && status.startTime == record.startTime
    }

    func cgroup(_ record: ContainerRecord) -> Cgroup? {
        guard let path = record.cgroup, let hierarchy = try? CgroupHierarchy.discover() else {
            return nil  // no hierarchy: none was used
        }
        return hierarchy.cgroup(path)
    }

    /// The specification's state document.
    public func stateDocument(_ record: ContainerRecord, status: ContainerStatus? = nil) throws -> JSONValue {
        let status = try status ?? self.status(record)
        return .object([
            "ociVersion": .string(record.version), "id": .string(record.id), "status": .string(status.rawValue),
            "pid": .integer(status == .stopped ? 0 : Int64(record.pid)), "bundle": .string(record.bundle),
            "rootfs": .string(record.rootfs), "created": .string(record.created), "owner": "root",
            "annotations": record.annotationsJSON,
        ])
    }
}
