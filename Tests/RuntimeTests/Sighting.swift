// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Processes
import Testing

/// What a process with every right could find out, in one moment, of one process of the runtime that is in a container's
/// pid namespace.
struct Sighting: CustomStringConvertible {
    var status: [String: String]
    var descriptors: [String]
    /// Device and inode of its root and its working directory.
    var root: String
    var directory: String
    var userNamespace: String
    /// The owner of its files in procfs: root for one that is not dumpable. (The directory itself is always the user's.)
    var owner: UInt32
    var programIsWritable: Bool

    func bits(_ name: String) -> UInt64 { UInt64(status[name] ?? "", radix: 16) ?? .max }
    var users: Set<Substring> { Set((status["Uid"] ?? "").split(separator: "\t")) }
    var description: String { "\(status), \(descriptors), root \(root), in \(directory), owner \(owner)" }

    static func place(_ path: String) throws -> String {
        let status = try Files.status(path)
        return "\(status.device.major):\(status.device.minor):\(status.inode)"
    }

    /// Nil when it is no process of the runtime, or became another while it was looked at.
    init?(_ pid: String) {
        let folder = "/proc/\(pid)"
        // Every failure is an end, or a change of program, in between.
        guard Self.isRuntime(folder), let text = try? Files.readText(folder + "/status"),
            let root = try? Self.place(folder + "/root"), let directory = try? Self.place(folder + "/cwd"),
            let user = try? Files.readLink(folder + "/ns/user"), let numbers = try? Files.list(folder + "/fd"),
            let owner = try? Files.status("\(folder)/environ").user
        else { return nil }
        descriptors = numbers.map { entry in
            let target = (try? Files.readLink("\(folder)/fd/\(entry.name)")) ?? "closed"
            return "\(entry.name) \(target)"
        }
        (self.root, self.directory, userNamespace, self.owner) = (root, directory, user, owner)
        // Read-only, not only busy: it is that for good.
        var filesystem = statvfs()
        programIsWritable = statvfs(folder + "/exe", &filesystem) == 0 && filesystem.f_flag & 1 == 0
        status = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { status[String(parts[0])] = parts[1].drop { $0 == "\t" || $0 == " " }.description }
        }
        guard Self.isRuntime(folder), status["State"]?.hasPrefix("Z") != true else { return nil }
    }

    /// Whether that process runs the runtime's program, at whatever place.
    static func isRuntime(_ folder: String) -> Bool {
        guard let program else { return false }
        return (try? place(folder + "/exe")) == program
    }

    private static let program = try? place(RuntimeUnderTest.path)
}

/// Runs the runtime with every system call of its processes slowed down, and looks all the while.
struct Watch {
    var outcome: Outcome
    var sightings: [Sighting]
}

extension Watch {
    /// - Parameters:
    ///   - namespace: `/proc/PID/ns/pid` of the container.
    ///   - options: Further ones of strace.
    init(_ bundle: TestBundle, namespace: String, options: [String] = [], _ arguments: [String]) throws {
        let output = try FileDescriptor.memoryFile("out")
        let errors = try FileDescriptor.memoryFile("err")
        var map = DescriptorMap()
        map.map(output, to: 1)
        map.map(errors, to: 2)
        let wanted = try Files.readLink(namespace)
        let child = try Child.spawn(
            executable: "/usr/bin/strace",
            arguments: [
                "strace", "-qq", "--follow-forks", "--interruptible=waiting", "--output", "/dev/null",
                "--inject", "all:delay_enter=4000",
            ] + options + RuntimeUnderTest.command + ["--root", bundle.stateRoot] + arguments,
            environment: processEnvironment(), descriptors: map)
        var seen: [Sighting] = []
        // Its child is the runtime; it stays as long as anything that the runtime has made.
        let children = "/proc/\(child.pid)/task/\(child.pid)/children"
        var runtime: Substring?
        while try child.pidfd.isRunning() {
            // Before it, there are some that try out what ptrace(2) can do.
            let found = try Files.readText(children).split(separator: " ").first { Sighting.isRuntime("/proc/\($0)") }
            runtime = runtime ?? found
            if let runtime, !Sighting.isRuntime("/proc/\(runtime)") {
                // It lets go of the others, which run on.
                try child.kill(SIGTERM)
                break
            }
            for entry in try Files.list("/proc") where entry.name.first?.isNumber == true {
                // A process that ended meanwhile is none of the namespace's.
                guard (try? Files.readLink("/proc/\(entry.name)/ns/pid")) == wanted else { continue }
                if let sighting = Sighting(entry.name) { seen.append(sighting) }
            }
        }
        let status = try child.wait()
        try output.seek(to: 0)
        try errors.seek(to: 0)
        outcome = Outcome(
            status: status, output: String(decoding: try output.readAll(), as: UTF8.self),
            errors: String(decoding: try errors.readAll(), as: UTF8.self))
        sightings = seen
    }
}
