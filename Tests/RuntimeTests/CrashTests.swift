// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Processes
import Testing

/// The runtime killed between any two of its system calls: whatever is there then can be asked for, and `delete --force`
/// takes it away. strace kills at the Nth call of a name, before the kernel acts on it.
@Suite(
    .enabled(if: RuntimeUnderTest.isRoot, "needs root"),
    .enabled(if: RuntimeUnderTest.isOwn, "kills the runtime itself, which a wrapper would survive"))
struct CrashTests {
    enum Victim: String, CaseIterable {
        case create, start, run, delete
        /// `run` with its copies: once init has made more calls than the runtime, it is init that is killed.
        case initOfRun
    }

    /// How many calls of each victim are tried, spread evenly; `SWIFTLET_TEST_CALLS=all` tries every one (some minutes).
    static let sample = getenv("SWIFTLET_TEST_CALLS") == nil ? 24 : Int.max

    @Test(arguments: Victim.allCases) func `killed at any system call, it leaves what force removes`(
        victim: Victim
    ) throws {
        let bundle = try TestBundle(victim == .run || victim == .initOfRun ? ["/bin/true"] : ["/bin/sleep", "600"])
        try bundle.write()
        let log = bundle.directory + "/calls"
        let calm = try trace(victim, bundle, ["--signal=none", "--output", log])
        #expect(calm.code == 0, "\(calm)")
        try remove(bundle, after: "all calls")
        let calls = try Self.calls(Files.readText(log))
        #expect(calls.count > 50, "\(calls)")

        var killed = 0
        var tried = 0
        for call in stride(from: 0, to: calls.count, by: max(1, calls.count / Self.sample)) {
            // strace counts the calls of each name by themselves.
            let (name, number) = calls[call]
            let outcome = try trace(
                victim, bundle, ["--output", "/dev/null", "--inject", "\(name):signal=KILL:when=\(number)"])
            tried += 1
            if outcome.status != .exited(code: 0) { killed += 1 }
            let state = try bundle.runtime("state", bundle.id)
            if state.code == 0 {
                let status = try JSONValue.parse(state.output)["status"]?.string
                #expect(["creating", "created", "running", "stopped"].contains(status), "\(name) \(number): \(state)")
            } else {
                #expect(state.errors.contains("container \(bundle.id): does not exist"), "\(name) \(number): \(state)")
            }
            try remove(bundle, after: "\(victim) killed at \(name) \(number)")
        }
        // The number of calls varies a little: some come after the end.
        #expect(killed >= tried * 4 / 5, "only \(killed) of \(tried) were killed")
    }

    /// The calls of a trace in their order, each with how many of its name there were until then: those of the process
    /// that made the most, where the trace is of several and each line begins with the number of its process.
    private static func calls(_ trace: String) -> [(name: String, number: Int)] {
        var processes: [Substring: (calls: [(String, Int)], counts: [String: Int])] = [:]
        for line in trace.split(separator: "\n") {
            let process = line.prefix(while: \.isNumber)
            let call = line.dropFirst(process.count).drop { $0 == " " }
            let name = String(call.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
            // Not the rest of a call that another process interrupted, nor an exit.
            guard !name.isEmpty, call.dropFirst(name.count).first == "(" else { continue }
            processes[process, default: ([], [:])].counts[name, default: 0] += 1
            processes[process]!.calls.append((name, processes[process]!.counts[name]!))
        }
        return processes.values.map(\.calls).max { $0.count < $1.count } ?? []
    }

    /// Runs the victim below strace, after what must come before it.
    private func trace(_ victim: Victim, _ bundle: TestBundle, _ options: [String]) throws -> Outcome {
        var words: [String]
        switch victim {
        case .create: words = ["create", "--bundle", bundle.directory]
        case .run, .initOfRun: words = ["run", "--bundle", bundle.directory]
        case .start, .delete:
            let created = try bundle.runtime("create", "--bundle", bundle.directory, bundle.id)
            #expect(created.code == 0, "\(created)")
            if victim == .delete { #expect(try bundle.runtime("start", bundle.id).code == 0) }
            words = victim == .start ? ["start"] : ["delete", "--force"]
        }
        words.append(bundle.id)
        return try execute(
            ["/usr/bin/strace", "-qq"] + (victim == .initOfRun ? ["--follow-forks"] : []) + options
                + RuntimeUnderTest.command + ["--root", bundle.stateRoot] + words)
    }

    /// Deletes with force, and looks for whatever may be left.
    private func remove(_ bundle: TestBundle, after moment: String) throws {
        let removed = try bundle.runtime("delete", "--force", bundle.id)
        #expect(removed.code == 0, "\(moment): \(removed)")
        #expect(try bundle.runtime("state", bundle.id).errors.contains("does not exist"), "\(moment)")
        if Files.exists(bundle.stateRoot) {
            let left = try Files.list(bundle.stateRoot).map(\.name)
            #expect(left.isEmpty, "\(moment): \(left)")
        }
        // Without the cgroup there is no process of the container either.
        #expect(!Files.exists("/sys/fs/cgroup/unified" + bundle.cgroup), "\(moment)")
        #expect(!Files.exists("/sys/fs/cgroup" + bundle.cgroup), "\(moment)")
        #expect(try !Files.readText("/proc/self/mountinfo").contains(bundle.directory), "\(moment)")
    }
}
