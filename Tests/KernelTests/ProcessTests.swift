// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Processes
import Testing

@Suite struct ProcessTests {
    func run(_ script: String, options: SpawnOptions = SpawnOptions(), extra: [Int32: Int32] = [:]) throws -> String {
        let file = try FileDescriptor.memoryFile("output")
        var map = DescriptorMap(extra)
        map.map(file, to: 1)
        map.inherit(2)
        let child = try Child.spawn(
            executable: "/bin/sh", arguments: ["sh", "-c", script], environment: ["A": "b"], descriptors: map,
            options: options)
        #expect(try child.wait() == .exited(code: 0))
        try file.seek(to: 0)
        return String(decoding: try file.readAll(), as: UTF8.self)
    }

    @Test(arguments: [(0, "exit 0"), (3, "exit 3")]) func `an exit code is told`(code: Int, script: String) throws {
        let child = try Child.spawn(executable: "/bin/sh", arguments: ["sh", "-c", script], environment: [])
        #expect(try child.wait() == .exited(code: Int32(code)))
    }

    @Test func `a signal that ended a child is told`() throws {
        let child = try Child.spawn(executable: "/bin/sleep", arguments: ["sleep", "60"], environment: [])
        try child.kill(SIGTERM)
        #expect(try child.wait() == .signaled(signal: SIGTERM, coreDumped: false))
    }

    @Test func `only the mapped descriptors reach the child`() throws {
        let stray = dup(2)  // not close-on-exec, on purpose
        defer { close(stray) }
        let pipe = try FileDescriptor.pipe()
        let text = try run(
            "for i in /proc/$$/fd/*; do test -e $i && echo ${i##*/}; done",
            extra: [7: pipe.reader.raw, 5: pipe.writer.raw])
        #expect(text == "0\n1\n2\n5\n7\n")
    }

    @Test func `descriptors can swap their numbers`() throws {
        let one = try FileDescriptor.memoryFile("one")
        let other = try FileDescriptor.memoryFile("other")
        let text = try run(
            "readlink /proc/self/fd/\(one.raw) /proc/self/fd/\(other.raw)",
            extra: [one.raw: other.raw, other.raw: one.raw])
        #expect(text == "/memfd:other (deleted)\n/memfd:one (deleted)\n")
    }

    @Test func `environment, directory and session are the child's own`() throws {
        var options = SpawnOptions()
        options.workingDirectory = "/proc"
        options.newSession = true
        let text = try run("echo $A; pwd; set -- $(cat /proc/$$/stat); test $1 = $6 && echo leader", options: options)
        #expect(text == "b\n/proc\nleader\n")
    }

    @Test func `no signal stays blocked or ignored in the child`() throws {
        let text = try run("grep -E 'Sig(Blk|Ign)' /proc/self/status")
        #expect(text == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n")
    }

    @Test func `a failure names the program, the step and the reason`() {
        let missing = #expect(throws: SpawnError.self) {
            _ = try Child.spawn(executable: "/nonexistent", arguments: ["x"], environment: [])
        }
        #expect(missing?.description == "start /nonexistent: execve: no such file or directory")
        var options = SpawnOptions()
        options.workingDirectory = "/nowhere"
        let directory = #expect(throws: SpawnError.self) {
            _ = try Child.spawn(executable: "/bin/true", arguments: ["x"], environment: [], options: options)
        }
        #expect(directory?.description == "start /bin/true: chdir: no such file or directory")
    }

    @Test func `dropping a child kills and reaps it`() throws {
        func start() throws -> Int32 {
            try Child.spawn(executable: "/bin/sleep", arguments: ["sleep", "60"], environment: []).pid
        }
        let pid = try start()
        #expect(kill(pid, 0) == -1)
    }

    @Test func `many children at once all report`() async throws {
        try await withThrowingTaskGroup(of: Int32.self) { group in
            for index in 0..<64 {
                group.addTask {
                    let child = try Child.spawn(
                        executable: "/bin/sh", arguments: ["sh", "-c", "exit \(index)"], environment: [])
                    return try child.wait().shellCode
                }
            }
            var codes: Set<Int32> = []
            for try await code in group { codes.insert(code) }
            #expect(codes == Set(0..<64))
        }
    }
}
