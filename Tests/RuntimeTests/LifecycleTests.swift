// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Processes
import Testing

@Suite(.enabled(if: RuntimeUnderTest.isRoot, "needs root")) struct LifecycleTests {
    @Test(arguments: [0, 7, 255]) func `run gives the program's exit code`(code: Int) throws {
        let bundle = try TestBundle(["/bin/sh", "-c", "exit \(code)"])
        #expect(try bundle.run().code == Int32(code))
    }

    @Test func `run gives 128 and the number of the signal that killed it`() throws {
        let bundle = try TestBundle(["/bin/sh", "-c", "exec /bin/sleep 60"])
        try bundle.write()
        let pidFile = bundle.directory + "/pid"
        try bundle.runtime("run", "--detach", "--pid-file", pidFile, "--bundle", bundle.directory, bundle.id)
        let pid = try #require(Int32(Files.readText(pidFile)))
        #expect(kill(pid, SIGKILL) == 0)
        #expect(try bundle.waitForStatus("stopped"))
    }

    @Test func `a container passes through every status`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        let pidFile = bundle.directory + "/pid"
        let created = try bundle.create("--pid-file", pidFile)
        #expect(created.code == 0, "\(created)")
        let state = try bundle.state()
        #expect(state["status"]?.string == "created")
        #expect(state["id"]?.string == bundle.id)
        #expect(state["bundle"]?.string == bundle.directory)
        #expect(try state["pid"]?.integer.map(String.init) == Files.readText(pidFile))
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        #expect(try bundle.status() == "running")
        #expect(try bundle.runtime("delete", bundle.id).code != 0)
        #expect(try bundle.runtime("start", bundle.id).code != 0)
        #expect(try bundle.runtime("kill", bundle.id, "KILL").code == 0)
        #expect(try bundle.waitForStatus("stopped"))
        #expect(try bundle.runtime("kill", bundle.id, "KILL").code != 0)
        #expect(try bundle.runtime("delete", bundle.id).code == 0)
        #expect(try bundle.runtime("state", bundle.id).code != 0)
    }

    @Test func `a container that was never started is deleted without force`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        #expect(try bundle.create().code == 0)
        #expect(try bundle.runtime("delete", bundle.id).code == 0)
        #expect(try bundle.runtime("state", bundle.id).code != 0)
    }

    @Test func `an id is taken once and is a name`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        #expect(try bundle.create().code == 0)
        #expect(try bundle.create().code != 0)
        #expect(try bundle.status() == "created")
        #expect(try bundle.runtime("create", "--bundle", bundle.directory, "../x").code != 0)
    }

    @Test func `a missing program fails create and leaves nothing`() throws {
        let bundle = try TestBundle(["/bin/nothing"])
        let outcome = try bundle.create()
        if RuntimeUnderTest.isOwn {
            #expect(outcome.errors.contains("exec \"/bin/nothing\": no such file or directory"), "\(outcome)")
        }
        #expect(outcome.code != 0)
        #expect(try bundle.runtime("state", bundle.id).code != 0)
    }

    @Test func `force removes a running container and what it made`() throws {
        let bundle = try TestBundle(["/bin/sh", "-c", "/bin/sleep 600 & exec /bin/sleep 600"])
        #expect(try bundle.create().code == 0)
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        let pid = try #require(bundle.state()["pid"]?.integer)
        #expect(try bundle.runtime("delete", "--force", bundle.id).code == 0)
        // It has ended; that its new parent has reaped it is not the runtime's to wait for.
        // (crun does not even wait for the end.)
        var left: String?
        for _ in 0..<400 {
            left = try? Files.readText("/proc/\(pid)/stat")
            if left == nil || left?.contains(") Z ") == true || !RuntimeUnderTest.hasCgroups { break }
            usleep(5000)
        }
        if RuntimeUnderTest.hasCgroups { #expect(left == nil || left?.contains(") Z ") == true) }
        #expect(!Files.exists("/sys/fs/cgroup/unified" + bundle.cgroup))
        #expect(try Files.list(bundle.stateRoot).isEmpty)
        #expect(try bundle.runtime("delete", "--force", bundle.id).code == 0)
    }

    @Test(.enabled(if: RuntimeUnderTest.hasCgroups, "its cgroups are disabled here"))
    func `pause stops and resume goes on`() throws {
        let bundle = try TestBundle(["/bin/sleep", "60"])
        #expect(try bundle.create().code == 0)
        #expect(try bundle.runtime("start", bundle.id).code == 0)
        let paused = try bundle.runtime("pause", bundle.id)
        #expect(paused.code == 0, "\(paused)")
        #expect(try bundle.status() == "paused")
        #expect(try bundle.runtime("resume", bundle.id).code == 0)
        #expect(try bundle.status() == "running")
    }

    @Test func `hooks run in their order with the state on their input`() throws {
        let bundle = try TestBundle(["/bin/true"])
        let log = bundle.directory + "/log"
        for name in ["createRuntime", "poststart", "poststop"] {
            let script = "echo \(name) $(grep -c \(bundle.id)) >> \(log)"
            bundle.add(to: ["hooks", name], ["path": "/bin/sh", "args": ["sh", "-c", .string(script)]])
        }
        let outcome = try bundle.run()
        #expect(outcome.code == 0, "\(outcome)")
        #expect(try Files.readText(log) == "createRuntime 1\npoststart 1\npoststop 1\n")
    }

    @Test func `a failing hook fails create`() throws {
        let bundle = try TestBundle(["/bin/true"])
        bundle.add(to: ["hooks", "createRuntime"], ["path": "/bin/false"])
        #expect(try bundle.create().code != 0)
        #expect(try bundle.runtime("state", bundle.id).code != 0)
    }

    @Test(
        .enabled(if: RuntimeUnderTest.isOwn, "texts are its own"),
        arguments: [
            (["process", "args"], JSONValue.array([]), "process.args: is empty"),
            (["process", "cwd"], "relative", "process.cwd: relative is not absolute"),
            (["ociVersion"], "2.0.0", "ociVersion: unsupported version 2.0.0"),
            (["process", "user"], ["uid": "root"], "process.user.uid: expected an integer, got string"),
            (["linux", "sysctl"], ["vm.swappiness": "1"], "linux.sysctl.vm.swappiness: is not of a namespace"),
            (["linux", "namespaces"], [["type": "pid"], ["type": "pid"]], "linux.namespaces: pid is given twice"),
            (["process", "terminal"], true, "process.terminal: needs --console-socket"),
            (
                ["process", "rlimits"], [["type": "RLIMIT_X", "soft": 1, "hard": 1]],
                "process.rlimits: unknown limit RLIMIT_X"
            ),
        ] as [([String], JSONValue, String)])
    func `a wrong configuration is told by its field`(path: [String], value: JSONValue, text: String) throws {
        let bundle = try TestBundle()
        bundle.set(path, value)
        let outcome = try bundle.create()
        #expect(outcome.code == 1)
        #expect(outcome.errors.contains(text), "\(outcome)")
    }
}
