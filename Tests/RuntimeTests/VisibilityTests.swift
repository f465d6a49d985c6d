// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Processes
import Testing

/// What a container can find with SYS_PTRACE in processes of the runtime that join its pid namespace, from the moment that
/// they are there: nothing that it has not (the classes of CVE-2016-9962, CVE-2019-5736 and CVE-2024-21626).
@Suite(
    .enabled(if: RuntimeUnderTest.isRoot, "needs root"),
    .enabled(if: RuntimeUnderTest.isOwn, "other runtimes' processes join with the rights of the host"))
struct VisibilityTests {
    static let capabilities: JSONValue = ["CAP_KILL", "CAP_SYS_PTRACE", "CAP_CHOWN"]
    static let bits: UInt64 = 1 << 5 | 1 << 19 | 1 << 0

    private func bundle(_ arguments: [String], user: Int64 = 1000, noNewPrivileges: Bool = false) throws -> TestBundle {
        let bundle = try TestBundle(arguments)
        bundle.set(["process", "user"], ["uid": .integer(user), "gid": .integer(user)])
        bundle.set(["process", "noNewPrivileges"], .bool(noNewPrivileges))
        for set in ["bounding", "effective", "permitted"] {
            bundle.set(["process", "capabilities", set], Self.capabilities)
        }
        bundle.set(["linux", "seccomp"], RuntimeDefaultProfile.profile(capabilities: ["CAP_SYS_PTRACE"]).json)
        return bundle
    }

    private func start(_ bundle: TestBundle) throws -> Int64 {
        let created = try bundle.create()
        #expect(created.code == 0, "\(created)")
        let started = try bundle.runtime("start", bundle.id)
        #expect(started.code == 0, "\(started)")
        return try #require(bundle.state()["pid"]?.integer)
    }

    /// - Parameter root: A process whose root it must have.
    private func check(_ watch: Watch, root: Int64, user: Int64, noNewPrivileges: Bool) throws {
        #expect(watch.sightings.count > 5, "\(watch.outcome)")
        let place = try Sighting.place("/proc/\(root)/root")
        for sighting in watch.sightings {
            for set in ["CapPrm", "CapEff", "CapBnd"] {
                #expect(sighting.bits(set) & ~Self.bits == 0, "\(set): \(sighting)")
            }
            for set in ["CapInh", "CapAmb"] { #expect(sighting.bits(set) == 0, "\(set): \(sighting)") }
            #expect(sighting.users == [Substring(String(user))], "\(sighting)")
            #expect(sighting.status["Seccomp"] == "2", "\(sighting)")
            #expect(sighting.status["NoNewPrivs"] == (noNewPrivileges ? "1" : "0"), "\(sighting)")
            #expect(sighting.root == place && sighting.directory == place, "\(sighting)")
            #expect(sighting.owner == 0, "dumpable: \(sighting)")
            #expect(!sighting.programIsWritable, "\(sighting)")
            for descriptor in sighting.descriptors {
                let parts = descriptor.split(separator: " ", maxSplits: 1)
                let isStandard = (Int(parts[0]) ?? 3) < 3
                // No socket: it would name a process of the host, its peer.
                #expect(isStandard || parts[1].hasPrefix("pipe:"), "\(descriptor) of \(sighting)")
                #expect(!parts[1].hasPrefix("socket:"), "\(descriptor) of \(sighting)")
            }
        }
    }

    @Test(arguments: [true, false]) func `exec comes without anything of the host`(noNewPrivileges: Bool) throws {
        let bundle = try bundle(["/bin/sleep", "600"], noNewPrivileges: noNewPrivileges)
        let pid = try start(bundle)
        let stray = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
        let watch = try Watch(bundle, namespace: "/proc/\(pid)/ns/pid", ["exec", bundle.id, "/bin/id", "-u"])
        _ = stray.raw  // open until here
        #expect(watch.outcome.output == "1000\n", "\(watch.outcome)")
        try check(watch, root: pid, user: 1000, noNewPrivileges: noNewPrivileges)
    }

    @Test func `exec with a terminal comes without anything of the host`() throws {
        let bundle = try bundle(["/bin/sleep", "600"], user: 0)
        let pid = try start(bundle)
        let path = bundle.directory + "/console.sock"
        let listener = try Socket.listening(at: .unix(path), nonBlocking: false)
        let watch = try Watch(
            bundle, namespace: "/proc/\(pid)/ns/pid",
            ["exec", "--tty", "--console-socket", path, "--detach", bundle.id, "/bin/tty"])
        try #require(watch.outcome.errors.isEmpty, "\(watch.outcome)")
        try check(watch, root: pid, user: 0, noNewPrivileges: false)
        try #require(try listener.descriptor.waitUntilReady(.readable, milliseconds: 5000))
        guard let connection = try listener.accept(nonBlocking: false) else { throw Failure("no connection") }
        var message = try connection.receive(limit: 4096)
        guard let master = message.takeDescriptor() else { throw Failure("no terminal") }
        #expect(try master.waitUntilReady(.readable, milliseconds: 5000))
        #expect(String(decoding: try master.read(upTo: 4096), as: UTF8.self).hasPrefix("/dev/pts/0"))
    }

    @Test(arguments: [true, false]) func `a container joins the pid namespace of another without anything of the host`(
        noNewPrivileges: Bool
    ) throws {
        let first = try bundle(["/bin/sleep", "600"])
        let pid = try start(first)
        let second = try bundle(["/bin/sleep", "600"], noNewPrivileges: noNewPrivileges)
        try join(second, pid)
        try second.write()
        let namespace = "/proc/\(pid)/ns/pid"
        let created = try Watch(
            second, namespace: namespace, ["create", "--bundle", second.directory, second.id])
        try #require(created.outcome.errors.isEmpty, "\(created.outcome)")
        let own = try #require(second.state()["pid"]?.integer)
        try check(created, root: own, user: 1000, noNewPrivileges: noNewPrivileges)
        // It waits for its start, in everybody's reach.
        let waiting = try #require(Sighting(String(own)))
        try check(
            Watch(outcome: created.outcome, sightings: Array(repeating: waiting, count: 6)), root: own, user: 1000,
            noNewPrivileges: noNewPrivileges)
        let started = try Watch(second, namespace: namespace, ["start", second.id])
        #expect(started.outcome.errors.isEmpty, "\(started.outcome)")
        #expect(try second.status() == "running")
        let seen = try second.runtime("exec", second.id, "/bin/grep", "-c", "sleep", "/proc/1/comm")
        #expect(seen.output == "1\n", "\(seen)")
    }

    @Test func `procfs of a joined pid namespace is made outside of it, on old kernels by a helper with nothing`()
        throws
    {
        let first = try bundle(["/bin/sleep", "600"])
        let pid = try start(first)
        let second = try bundle(["/bin/cat", "/proc/1/comm"])
        try join(second, pid)
        try second.write()
        let host = try Files.readLink("/proc/self/ns/user")
        // Without its option for the pid namespace, as before Linux 6.17.
        let watch = try Watch(
            second, namespace: "/proc/\(pid)/ns/pid",
            options: ["--inject", "fsconfig:error=EINVAL:when=1"], ["run", "--bundle", second.directory, second.id])
        #expect(watch.outcome.output == "sleep\n", "\(watch.outcome)")
        let helpers = watch.sightings.filter { $0.userNamespace != host }
        #expect(!helpers.isEmpty)
        for helper in helpers {
            #expect(helper.descriptors.allSatisfy { $0.contains("pipe:") || $0.contains("fscontext") }, "\(helper)")
            #expect(helper.status["Seccomp"] == "2" && helper.status["NoNewPrivs"] == "1", "\(helper)")
            #expect(!helper.programIsWritable, "\(helper)")
            #expect(try helper.root != Sighting.place("/") && helper.directory == helper.root, "\(helper)")
        }
        for other in watch.sightings where other.userNamespace == host {
            #expect(other.bits("CapPrm") & ~Self.bits == 0, "\(other)")
        }
    }

    @Test func `what a container has put in the way of its start is neither believed nor read without end`() throws {
        let first = try bundle(["/bin/sleep", "600"])
        let pid = try start(first)
        let second = try bundle(["/bin/sleep", "600"])
        try join(second, pid)
        let created = try second.create()
        try #require(created.code == 0, "\(created)")
        let own = try #require(second.state()["pid"]?.integer)
        // Init waits with pipes alone. Somebody who traces it says much by the one it would say by what goes wrong.
        for entry in try Files.list("/proc/\(own)/fd") where (Int(entry.name) ?? 0) > 2 {
            #expect(try Files.readLink("/proc/\(own)/fd/\(entry.name)").hasPrefix("pipe:"))
        }
        let words = try Files.readText("\(second.stateRoot)/\(second.id)/start").split(separator: " ")
        let stolen = try FileDescriptor.open("/proc/\(own)/fd/\(words[2])", O_RDWR | O_NONBLOCK)
        try stolen.writeAll([UInt8](repeating: 0x1b, count: 48 << 10))
        let started = try second.runtime("start", second.id)
        #expect(started.code != 0, "\(started)")
        #expect(started.errors.utf8.count < 5000, "\(started.errors.utf8.count)")
        #expect(!started.errors.utf8.contains(0x1b))
    }

    @Test func `a pid namespace that is another than it was said to be is not joined`() throws {
        let first = try bundle(["/bin/sleep", "600"])
        let pid = try start(first)
        let second = try bundle(["/bin/true"])
        try join(second, pid)
        let inode = try Files.status("/proc/\(pid)/ns/pid").inode
        second.set(["annotations"], ["dev.swiftlet.joined-pid-namespace": .string(String(inode + 1))])
        let refused = try second.create()
        #expect(refused.code != 0 && refused.errors.contains("is another namespace than"), "\(refused)")
        second.set(["annotations"], ["dev.swiftlet.joined-pid-namespace": .string(String(inode))])
        let created = try second.create()
        #expect(created.code == 0, "\(created)")
    }

    @Test func `a start finds no other pipe than the one its container waits with`() throws {
        let bundle = try bundle(["/bin/sleep", "600"])
        #expect(try bundle.create().code == 0)
        let path = "\(bundle.stateRoot)/\(bundle.id)/start"
        var words = try Files.readText(path).split(separator: " ").map(String.init)
        words[1] = String((UInt64(words[1]) ?? 0) + 1)
        try Files.write(path, words.joined(separator: " "))
        let started = try bundle.runtime("start", bundle.id)
        #expect(started.code != 0 && started.errors.contains("is another than it was"), "\(started)")
    }

    @Test func `programs have their own null device, not the host's file`() throws {
        let bundle = try bundle(["/bin/sleep", "600"], user: 0)
        let pid = try start(bundle)
        let own = try Sighting.place("/proc/\(pid)/root/dev/null")
        #expect(try own != Sighting.place("/dev/null"))
        #expect(try Sighting.place("/proc/\(pid)/fd/0") == own)
        #expect(try Set(Files.list("/proc/\(pid)/fd").map(\.name)) == ["0", "1", "2"])
        let print = "stat -L -c %t:%T:%i /proc/self/fd/0 /dev/null"
        let seen = try bundle.runtime("exec", bundle.id, "/bin/sh", "-c", print)
        let lines = seen.output.split(separator: "\n")
        #expect(lines.count == 2 && lines[0] == lines[1], "\(seen)")
        // Nor where the container's has become something else: then the input is at its end.
        let gone = "cat; echo end; stat -L -c %F /proc/self/fd/0"
        let place = "/proc/\(pid)/root/dev/null"
        try Files.remove(place)
        try Files.makeFifo(place, mode: 0o666)
        let without = try bundle.runtime("exec", bundle.id, "/bin/sh", "-c", gone)
        #expect(without.output == "end\nfifo\n", "\(without)")
    }

    /// Lets `bundle` share the pid namespace of the process `pid`.
    private func join(_ bundle: TestBundle, _ pid: Int64) throws {
        let others = bundle.config["linux"]?["namespaces"]?.array?.filter { $0["type"]?.string != "pid" } ?? []
        bundle.set(
            ["linux", "namespaces"], .array(others + [["type": "pid", "path": .string("/proc/\(pid)/ns/pid")]]))
    }

    @Test func `a profile that forbids new processes holds for exec, which then cannot gain rights`() throws {
        let bundle = try TestBundle(["/bin/sleep", "600"])
        bundle.set(["process", "noNewPrivileges"], false)
        bundle.set(
            ["linux", "seccomp"],
            [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": ["clone", "clone3", "fork", "vfork"], "action": "SCMP_ACT_ERRNO"]],
            ])
        _ = try start(bundle)
        let outcome = try bundle.runtime(
            "exec", bundle.id, "/bin/sh", "-c",
            "while read -r l; do case $l in NoNew*|Seccomp:*) echo $l; esac; done </proc/self/status")
        #expect(outcome.output == "NoNewPrivs: 1\nSeccomp: 2\n", "\(outcome)")
        #expect(outcome.errors.contains("no_new_privs is set"), "\(outcome)")
    }
}
