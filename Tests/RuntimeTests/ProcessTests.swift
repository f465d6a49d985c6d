// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Processes
import Testing

@Suite(.enabled(if: RuntimeUnderTest.isRoot, "needs root")) struct ContainerProcessTests {
    @Test func `capabilities are the five sets asked for`() throws {
        let bundle = try TestBundle()
        bundle.set(
            ["process", "capabilities"],
            [
                "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETPCAP"], "permitted": ["CAP_CHOWN", "CAP_KILL"],
                "effective": ["CAP_CHOWN", "CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"],
            ])
        let text = try bundle.shell("grep -E '^Cap' /proc/self/status")
        #expect(text.contains("CapInh:\t0000000000000020"), "\(text)")
        #expect(text.contains("CapBnd:\t0000000000000121"), "\(text)")
        #expect(text.contains("CapAmb:\t0000000000000020"), "\(text)")
    }

    @Test func `a user without capabilities has none`() throws {
        let bundle = try TestBundle()
        bundle.set(["process", "user"], ["uid": 1000, "gid": 1001, "additionalGids": [5, 7], "umask": 0o77])
        let text = try bundle.shell("id -u; id -g; id -G; umask; grep CapEff /proc/self/status; echo $HOME")
        #expect(text == "1000\n1001\n1001 5 7\n0077\nCapEff:\t0000000000000000\n/\n")
    }

    @Test func `limits are set and a refused raise names itself`() throws {
        let bundle = try TestBundle()
        bundle.add(to: ["process", "rlimits"], ["type": "RLIMIT_NOFILE", "soft": 100, "hard": 200])
        #expect(try bundle.shell("ulimit -Sn; ulimit -Hn") == "100\n200\n")
        guard RuntimeUnderTest.isOwn else { return }
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(7), &limit) == 0)
        bundle.set(
            ["process", "rlimits"],
            [["type": "RLIMIT_NOFILE", "soft": 100, "hard": .integer(Int64(limit.rlim_max) + 1)]])
        let outcome = try bundle.run()
        if outcome.code != 0 {  // a machine with CAP_SYS_RESOURCE grants it
            #expect(outcome.errors.contains("set RLIMIT_NOFILE to 100:\(limit.rlim_max + 1)"), "\(outcome)")
        }
    }

    @Test(arguments: [true, false]) func `seccomp refuses what the profile does`(noNewPrivileges: Bool) throws {
        let bundle = try TestBundle()
        bundle.set(["process", "noNewPrivileges"], .bool(noNewPrivileges))
        bundle.set(
            ["linux", "seccomp"],
            [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [["names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28]],
            ])
        let text = try bundle.shell("mkdir /tmp/x 2>&1; grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status")
        #expect(text.contains("No space left"), "\(text)")
        #expect(text.contains("Seccomp:\t2"))
        #expect(text.contains("NoNewPrivs:\t\(noNewPrivileges ? 1 : 0)"))
    }

    /// The kept filter serves the profile it was compiled from, and nothing else; what is wrong with it is a warning.
    @Test(.enabled(if: RuntimeUnderTest.isOwn)) func `filters are kept and checked`() throws {
        func refusing(_ call: String) -> JSONValue {
            [
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [
                    ["names": [.string(call), .string(call + "at")], "action": "SCMP_ACT_ERRNO", "errnoRet": 28]
                ],
            ]
        }
        let bundle = try TestBundle(["/bin/mkdir", "/tmp/x"])
        bundle.set(["linux", "seccomp"], refusing("mkdir"))
        let kept = bundle.stateRoot + "/.filters"
        for _ in 0..<2 { #expect(try bundle.run().errors.contains("No space left")) }
        let first = try #require(try Files.list(kept).first?.name)
        #expect(try Files.list(kept).count == 1 && Files.status(kept).permissions == 0o700)

        bundle.set(["linux", "seccomp"], refusing("mknod"))
        #expect(try bundle.run().code == 0)
        let second = try #require(try Files.list(kept).map(\.name).first { $0 != first })
        // The filter of another profile under this one's name.
        try Files.write(kept + "/" + second, Files.read(kept + "/" + first), flags: O_WRONLY | O_TRUNC)
        try Files.removeTree(bundle.rootfs + "/tmp/x")
        #expect(try bundle.run().code == 0)
        // Cut short, and no file.
        try Files.write(kept + "/" + second, Files.read(kept + "/" + second).dropLast(8001), flags: O_WRONLY | O_TRUNC)
        try Files.removeTree(bundle.rootfs + "/tmp/x")
        #expect(try bundle.run().code == 0)
        try Files.remove(kept + "/" + second)
        try Files.makeDirectory(kept + "/" + second)
        try Files.removeTree(bundle.rootfs + "/tmp/x")
        let outcome = try bundle.run()
        #expect(outcome.code == 0 && outcome.errors.contains("filters kept in"), "\(outcome)")
    }

    @Test func `no descriptor of the caller reaches the program`() throws {
        let bundle = try TestBundle()
        bundle.set(["process", "args"], ["/bin/ls", "/proc/self/fd"])
        let stray = try FileDescriptor.open("/", O_RDONLY | O_DIRECTORY)
        let outcome = try bundle.run(inherit: [7: stray.raw])
        #expect(outcome.output.split(separator: "\n") == ["0", "1", "2", "3"], "\(outcome)")
        // crun 1.8 enters it: the directory was closed in time for others only.
        guard RuntimeUnderTest.kind != "crun" else { return }
        bundle.set(["process", "cwd"], "/proc/self/fd/7")
        let escape = try bundle.run(inherit: [7: stray.raw])
        #expect(escape.code != 0)
    }

    @Test func `descriptors that are to be kept reach the program, and none beyond`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        let kept = try FileDescriptor.memoryFile("kept")
        try kept.writeAll(Array("word\n".utf8))
        #expect(try bundle.create().code == 0)
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        let outcome = try execute(
            RuntimeUnderTest.command + [
                "--root", bundle.stateRoot, "exec", "--preserve-fds", "1", bundle.id, "/bin/ls", "/proc/self/fd",
            ], inherit: [3: kept.raw, 5: kept.raw])
        // The fifth is that of `ls`.
        #expect(outcome.output.split(separator: "\n") == ["0", "1", "2", "3", "4"], "\(outcome)")
        let reader = try execute(
            RuntimeUnderTest.command + [
                "--root", bundle.stateRoot, "exec", "--preserve-fds", "1", bundle.id, "/bin/cat", "/proc/self/fd/3",
            ], inherit: [3: kept.raw])
        #expect(reader.output == "word\n", "\(reader)")
    }

    @Test func `the program is found in its own PATH and environment`() throws {
        let bundle = try TestBundle(["env"])
        bundle.set(["process", "env"], ["PATH=/nowhere:/bin", "A=b c"])
        let outcome = try bundle.run()
        #expect(outcome.output.contains("A=b c\n"), "\(outcome)")
    }

    @Test func `exec runs beside init and gives its exit code`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        #expect(try bundle.create().code == 0)
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        let outcome = try bundle.runtime("exec", bundle.id, "/bin/sh", "-c", "hostname; readlink /proc/1/exe; exit 5")
        #expect(outcome.output == "inside\n/bin/busybox\n", "\(outcome)")
        #expect(outcome.code == 5)
        let caps = try bundle.runtime("exec", bundle.id, "/bin/grep", "CapInh", "/proc/self/status")
        #expect(caps.output == "CapInh:\t0000000000000000\n", "CVE-2022-29162")
        #expect(try bundle.runtime("exec", bundle.id, "/bin/nothing").code != 0)
        let process = bundle.directory + "/process.json"
        var spec = try #require(bundle.config["process"])
        spec["args"] = ["/bin/sleep", "50"]
        try Files.replace(process, with: spec.encoded())
        let pidFile = bundle.directory + "/exec.pid"
        let detached = try bundle.runtime("exec", "--process", process, "--detach", "--pid-file", pidFile, bundle.id)
        #expect(detached.code == 0, "\(detached)")
        let pid = try #require(Int32(Files.readText(pidFile)))
        #expect(kill(pid, 0) == 0)
        #expect(try bundle.runtime("delete", "--force", bundle.id).code == 0)
    }

    @Test func `a terminal is handed over the console socket`() throws {
        let bundle = try TestBundle(["/bin/sh", "-c", "tty; stty size; exec /bin/sleep 60"])
        bundle.set(["process", "terminal"], true)
        bundle.set(["process", "consoleSize"], ["height": 33, "width": 77])
        let path = bundle.directory + "/console.sock"
        let listener = try Socket.listening(at: .unix(path), nonBlocking: false)
        let created = try bundle.create("--console-socket", path)
        #expect(created.code == 0, "\(created)")
        guard let connection = try listener.accept(nonBlocking: false) else { throw Failure("no connection") }
        var message = try connection.receive(limit: 4096)
        guard let master = message.takeDescriptor() else { throw Failure("no terminal") }
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        var text = ""
        while text.filter({ $0 == "\n" || $0 == "\r\n" }).count < 2,
            try master.waitUntilReady(.readable, milliseconds: 5000)
        { text += String(decoding: try master.read(upTo: 4096), as: UTF8.self) }
        #expect(text.hasPrefix("/dev/"), "\(text)")
        #expect(text.contains("33 77"), "\(text)")
    }

    /// CVE-2025-52565: what a volume has at the places of the terminal must not come to be /dev/console, over which a
    /// container would write to what is about to be made read-only.
    @Test(
        .enabled(if: RuntimeUnderTest.isOwn, "others trust the names in /dev"),
        arguments: ["ptmx", "terminal", "console"])
    func `a volume at dev gives no other console`(place: String) throws {
        let pattern = "/proc/sys/kernel/core_pattern"
        let before = try Files.readText(pattern)
        defer { #expect(throws: Never.self) { try Files.write(pattern, Array(before.utf8), flags: O_WRONLY) } }
        let bundle = try TestBundle(["/bin/sh", "-c", "echo /swiftlet-test >/dev/console; exec /bin/sleep 60"])
        bundle.set(["process", "terminal"], true)
        bundle.set(["linux", "readonlyPaths"], ["/proc/sys"])
        let volume = bundle.directory + "/volume"
        for name in ["pts", "shm", "mqueue"] { try Files.makeDirectories("\(volume)/\(name)") }
        switch place {
        case "ptmx": try Files.symlink(pattern, at: volume + "/pts/ptmx")
        case "terminal": for number in 0..<4 { try Files.symlink(pattern, at: "\(volume)/pts/\(number)") }
        default: try Files.symlink(pattern, at: volume + "/console")
        }
        // The volume at /dev, and the terminals of the container over its part for them in the last case only.
        let volumes: JSONValue = [
            "destination": "/dev", "type": "bind", "source": .string(volume), "options": ["rbind", "rw"],
        ]
        let mounts = (bundle.config["mounts"]?.array ?? []).filter {
            $0["destination"]?.string != "/dev" && (place == "console" || $0["destination"]?.string != "/dev/pts")
        }
        bundle.config["mounts"] = .array([volumes] + mounts)
        let path = bundle.directory + "/console.sock"
        let listener = try Socket.listening(at: .unix(path), nonBlocking: false)
        let created = try bundle.create("--console-socket", path)
        if place != "console" {
            #expect(created.code != 0 && created.errors.contains("/dev/pts/ptmx"), "\(created)")
        } else {
            #expect(created.code == 0, "\(created)")
            guard let connection = try listener.accept(nonBlocking: false) else { throw Failure("no connection") }
            var message = try connection.receive(limit: 4096)
            guard let master = message.takeDescriptor() else { throw Failure("no terminal") }
            #expect(try bundle.runtime("start", bundle.id).code == 0)
            // A /dev of somebody else's is left as it is: what its console leads to is as protected as by its own name.
            var text = ""
            while !text.utf8.contains(10), try master.waitUntilReady(.readable, milliseconds: 5000) {
                text += String(decoding: try master.read(upTo: 4096), as: UTF8.self)
            }
            #expect(text.contains("Read-only file system"), "\(text)")
        }
        #expect(try Files.readText(pattern) == before)
    }
}
