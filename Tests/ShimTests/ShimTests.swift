// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Testing

@testable import Shim

@Suite(.enabled(if: ShimHost.isPossible, "needs root, crun, busybox and swiftlet-shim"), .serialized)
struct `A pod's shim` {
    private func exit(_ event: ShimEvent) throws -> ExitRecord {
        guard case .exited(let record) = event else { throw ShimFailure(.sequence, "\(event)") }
        return record
    }

    private func readAll(_ descriptor: Int32) -> String {
        var text: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while clinux_poll(descriptor, Int16(POLLIN), 10_000) > 0 {
            let count = read(descriptor, &bytes, bytes.count)
            guard count > 0 else { break }
            text += bytes[..<count]
        }
        close(descriptor)
        return String(decoding: text, as: UTF8.self)
    }

    @Test func `runs a container, keeps its log and records its end before telling it`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "hostname; echo oops >&2; exit 7")
        let record = try exit(try host.client.event())
        #expect(record.code == 7)
        #expect(record.signal == 0)
        #expect(record.finishedAt >= record.startedAt)
        #expect(try ExitRecord.read("a", in: host.options.exitDirectory) == record)
        #expect(Set(try host.log("a")) == ["stdout F shimtest", "stderr F oops"])
        #expect(try host.client.ask(.delete(container: "a")) == .done)
        #expect(try host.client.ask(.shutdown) == .done)
    }

    @Test func `says why the runtime would not create a container`() throws {
        let host = try ShimHost()
        let bundle = try host.bundle("a", ["/bin/no-such-program"])
        let reply = try host.client.ask(.create(ContainerCreation(id: "a", bundle: bundle, logPath: "")))
        guard case .failed(let failure) = reply else {
            Issue.record("created")
            return
        }
        #expect(failure.kind == .runtime)
        #expect(failure.message.contains("no-such-program"))
        #expect(try host.client.ask(.start(container: "a")) == .failed(ShimFailure(.unknown, "no container a")))
    }

    @Test func `goes on without a daemon, and tells the next one what it holds`() throws {
        let host = try ShimHost()
        let running = try host.run("a", "sleep 30")
        _ = try host.run("b", "exit 3")
        _ = try host.client.event()
        try host.reconnect()
        let state = try #require(host.client.state)
        #expect(state.podUID == "pod-1")
        #expect(state.shim == host.shim)
        #expect(state.containers.map(\.id) == ["a", "b"])
        #expect(state.containers[0].phase == .running)
        #expect(state.containers[0].process == running)
        #expect(running.isAlive)
        #expect(state.containers[1].exit?.code == 3)
        #expect(try host.client.ask(.signal(container: "a", exec: nil, signal: SIGKILL)) == .done)
        let record = try exit(try host.client.event())
        #expect(record.code == 137)
        #expect(record.signal == SIGKILL)
        #expect(!running.isAlive)
    }

    @Test func `runs another process with its own streams`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "sleep 30")
        let file = try host.processFile(["/bin/sh", "-c", "cat; echo err >&2; exit 5"])
        let reply = try host.client.ask(
            .exec(ContainerExec(container: "a", exec: "e", processFile: file, stdin: true)))
        guard case .process(_, let streams) = reply else {
            Issue.record("\(reply)")
            return
        }
        #expect(streams == [.stdin, .stdout, .stderr])
        let descriptors = host.client.takeDescriptors()
        try #require(descriptors.count == 3)
        _ = "hello".withCString { write(descriptors[0], $0, 5) }
        close(descriptors[0])
        #expect(readAll(descriptors[1]) == "hello")
        #expect(readAll(descriptors[2]) == "err\n")
        guard case .execExited("a", "e", let record) = try host.client.event() else {
            Issue.record("no end of the session")
            return
        }
        #expect(record.code == 5)
    }

    @Test func `gives up a process whose beginning is held up`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "sleep 30")
        let calm = try Files.readText(host.options.runtime)
        try Files.replace(host.options.runtime, with: Array("#!/bin/sh\nexec sleep 600\n".utf8), mode: 0o755)
        let file = try host.processFile(["/bin/echo", "x"])
        let asked = try host.client.send(
            .exec(ContainerExec(container: "a", exec: "e", processFile: file, stdin: false)))
        let signal = ShimRequest.signal(container: "a", exec: "e", signal: SIGKILL)
        #expect(try host.client.ask(signal) == .done)
        guard case .failed(let failure) = try host.client.reply(to: asked) else {
            Issue.record("it has begun")
            return
        }
        #expect(failure.message.contains("killed by signal 9"), "\(failure)")
        // There is no such process any more, and others begin as ever.
        guard case .failed = try host.client.ask(signal) else {
            Issue.record("it is still there")
            return
        }
        try Files.replace(host.options.runtime, with: Array(calm.utf8), mode: 0o755)
        guard
            case .process = try host.client.ask(
                .exec(ContainerExec(container: "a", exec: "e", processFile: file, stdin: false)))
        else {
            Issue.record("it does not begin again")
            return
        }
    }

    @Test func `hands over a terminal`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "sleep 30")
        let file = try host.processFile(["/bin/sh", "-c", "test -t 0 && echo terminal"], terminal: true)
        let reply = try host.client.ask(
            .exec(ContainerExec(container: "a", exec: "e", processFile: file, terminal: true, stdin: true)))
        guard case .process(_, [.terminal]) = reply else {
            Issue.record("\(reply)")
            return
        }
        #expect(readAll(try #require(host.client.takeDescriptors().first)) == "terminal\r\n")
    }

    @Test func `lets clients join a container's streams, without a loss to the log`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "while read line; do echo got $line; done; exit 4", stdin: true)
        let reply = try host.client.ask(
            .attach(ContainerAttach(container: "a", stdin: true, stdout: true, stderr: true)))
        #expect(reply == .attached(streams: [.stdin, .stdout, .stderr]))
        let descriptors = host.client.takeDescriptors()
        try #require(descriptors.count == 3)
        _ = "one\ntwo\n".withCString { write(descriptors[0], $0, 8) }
        close(descriptors[0])
        #expect(readAll(descriptors[1]) == "got one\ngot two\n")
        #expect(readAll(descriptors[2]) == "")
        #expect(try exit(try host.client.event()).code == 4)
        #expect(try host.log("a") == ["stdout F got one", "stdout F got two"])
    }

    @Test func `writes to the new file after a rotation`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "while read line; do echo $line; done", stdin: true)
        _ = try host.client.ask(.attach(ContainerAttach(container: "a", stdin: true, stdout: true, stderr: false)))
        let descriptors = host.client.takeDescriptors()
        try #require(descriptors.count == 2)
        _ = "one\n".withCString { write(descriptors[0], $0, 4) }
        var byte = [UInt8](repeating: 0, count: 4)
        #expect(read(descriptors[1], &byte, 4) == 4)
        try Files.rename("\(host.root)/a.log", to: "\(host.root)/old.log")
        #expect(try host.client.ask(.reopenLog(container: "a")) == .done)
        _ = "two\n".withCString { write(descriptors[0], $0, 4) }
        close(descriptors[0])
        _ = try host.client.event()
        #expect(try host.log("a") == ["stdout F two"])
        #expect(try host.log("old") == ["stdout F one"])
        close(descriptors[1])
    }

    @Test func `keeps its private memory under a megabyte`() throws {
        let host = try ShimHost()
        _ = try host.run("a", "head -c 3000000 /dev/zero | tr '\\0' 'x'; sleep 30")
        let rollup = try Files.readText("/proc/\(host.shim.pid)/smaps_rollup")
        // Not Private_Dirty: pages of a program just built count there, though they are the page cache's.
        let dirty = rollup.split(separator: "\n").first { $0.hasPrefix("Anonymous:") }
        let kilobytes = try #require(dirty?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        print("shim private memory: \(kilobytes) kB")
        #expect(kilobytes < 1024)
    }

    @Test func `makes a pid namespace that containers share`() throws {
        let host = try ShimHost(namespaces: [.net, .ipc, .uts, .pid])
        #expect(FileManagement.exists(host.options.namespacePath(.pid)))
        #expect(try Files.filesystem(host.options.namespacePath(.pid)).magic == FilesystemStatus.nsfs)
        #expect(try host.client.ask(.shutdown) == .done)
    }

    @Test func `answers although a container left a process behind that writes without end`() throws {
        let host = try ShimHost(namespaces: [.net, .ipc, .uts, .pid])
        _ = try host.run("a", "(while :; do echo more; done) & sleep 0.1; exit 3")
        #expect(try exit(try host.client.event()).code == 3)
        #expect(try host.client.ask(.reopenLog(container: "a")) == .done)
        #expect(try host.client.ask(.delete(container: "a")) == .done)
        #expect(try host.client.ask(.shutdown) == .done)
    }

    @Test func `the first process of a shared pid namespace has nothing`() throws {
        let host = try ShimHost(namespaces: [.net, .ipc, .uts, .pid])
        let children = try Files.readText("/proc/\(host.shim.pid)/task/\(host.shim.pid)/children")
        let pid = try #require(children.split(separator: " ").first)
        let folder = "/proc/\(pid)"
        let status = try Files.readText(folder + "/status")
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            #expect(status.contains("\(set):\t0000000000000000\n"), "\(status)")
        }
        for line in [
            "Uid:\t65535\t65535\t65535\t65535", "Gid:\t65535\t65535\t65535\t65535", "Groups:\t ", "NoNewPrivs:\t1",
            "Seccomp:\t2",
        ] {
            #expect(status.contains(line + "\n"), "\(line) in \(status)")
        }
        #expect(try Files.list(folder + "/fd").isEmpty)
        #expect(try Files.list(folder + "/root").isEmpty)
        #expect(try Files.status(folder + "/cwd").inode == Files.status(folder + "/root").inode)
        #expect(try Files.filesystem(folder + "/root").magic == FilesystemStatus.tmpfs)
        #expect(try Files.readText(folder + "/mountinfo").split(separator: "\n").count == 1)
        #expect(try Files.read(folder + "/environ").isEmpty)
        // Not dumpable: its files are root's, although it runs as another.
        #expect(try Files.status(folder + "/environ").user == 0)
        var filesystem = statvfs()
        #expect(statvfs(folder + "/exe", &filesystem) == 0 && filesystem.f_flag & 1 != 0, "its program can be written")
        for kind in ["mnt", "cgroup", "pid"] {
            #expect(try Files.readLink("\(folder)/ns/\(kind)") != Files.readLink("/proc/self/ns/\(kind)"))
        }
        // Nothing but its parent's end ends it.
        #expect(kill(try #require(Int32(pid)), SIGTERM) == 0)
        #expect(kill(try #require(Int32(pid)), SIGINT) == 0)
        let process = try #require(Int32(pid).flatMap { ProcessIdentity.current($0) })
        #expect(try host.client.ask(.shutdown) == .done)
        for _ in 0..<500 where process.isAlive { usleep(10_000) }
        #expect(!process.isAlive)
    }
}
