// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import Processes

/// The OCI runtime the suite runs: `SWIFTLET_TEST_RUNTIME` is a path or a name (`swiftlet-oci`, `crun`, `runc`).
enum RuntimeUnderTest {
    static let isRoot = getuid() == 0

    static let name: String = {
        guard let value = getenv("SWIFTLET_TEST_RUNTIME") else { return "swiftlet-oci" }
        return String(cString: value)
    }()

    static var kind: String { Files.name(of: name) }
    static var isOwn: Bool { kind == "swiftlet-oci" }

    /// Beside the test program when it is our own; else found as a shell would.
    static let path: String = {
        if name.hasPrefix("/") { return name }
        let directories =
            (isOwn ? [Files.parent(of: (try? Files.readLink("/proc/self/exe")) ?? "/")] : [])
            + ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"]
        return directories.map { "\($0)/\(name)" }.first(where: Files.exists) ?? name
    }()

    /// crun needs a machine with nothing but version 2 of cgroups, and raises RLIMIT_MEMLOCK for its device program: on
    /// others it runs with a cgroup2 mounted at the usual place and its cgroups disabled.
    static let command: [String] = {
        guard kind == "crun" else { return [path] }
        let script = "mount -t cgroup2 cgroup2 /sys/fs/cgroup && exec \(path) --cgroup-manager=disabled \"$@\""
        return ["/usr/bin/unshare", "-m", "--propagation", "private", "/bin/sh", "-c", script, "crun"]
    }()

    static var hasCgroups: Bool { kind != "crun" }
}

/// How a program ended and what it said.
struct Outcome: CustomStringConvertible {
    var status: ExitStatus
    var output: String
    var errors: String

    var code: Int32 { status.shellCode }
    var description: String { "\(status)\noutput: \(output)\nerrors: \(errors)" }
}

/// Runs a program to its end.
func execute(
    _ command: [String], input: Int32? = nil, options: SpawnOptions = SpawnOptions(), inherit: [Int32: Int32] = [:]
) throws -> Outcome {
    let output = try FileDescriptor.memoryFile("out")
    let errors = try FileDescriptor.memoryFile("err")
    var map = DescriptorMap(inherit)
    map.map(output, to: 1)
    map.map(errors, to: 2)
    let child = try Child.spawn(
        executable: command[0], arguments: command, environment: processEnvironment(), descriptors: map,
        options: options)
    guard try child.pidfd.waitUntilEnded(milliseconds: 30_000) else { throw Failure("timeout: \(command)") }
    let status = try child.wait()
    func text(_ file: borrowing FileDescriptor) throws -> String {
        try file.seek(to: 0)
        return String(decoding: try file.readAll(), as: UTF8.self)
    }
    return Outcome(status: status, output: try text(output), errors: try text(errors))
}

struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// A bundle with a busybox root, and the state directory of its containers. Everything goes with the value.
final class TestBundle {
    let directory: String
    let id: String
    var config: JSONValue

    var rootfs: String { directory + "/rootfs" }
    var stateRoot: String { directory + "/state" }
    var cgroup: String { "/swiftlet-test/\(id)" }

    init(_ arguments: [String] = ["/bin/true"]) throws {
        let tag = try randomBytes(5).map { String($0, radix: 16) }.joined()
        id = "t\(tag)"
        directory = "/tmp/swiftlet-runtime-\(tag)"
        config = Self.baseConfig
        config["process"]?["args"] = .array(arguments.map { .string($0) })
        config["linux"]?["cgroupsPath"] = .string(cgroup)
        for path in ["bin", "proc", "sys", "dev", "tmp", "etc"] { try Files.makeDirectories(rootfs + "/" + path) }
        try Files.setPermissions(directory, 0o755)
        try Files.write(rootfs + "/bin/busybox", Self.busybox, flags: O_WRONLY | O_CREAT, mode: 0o755)
        for applet in Self.applets { try Files.symlink("busybox", at: rootfs + "/bin/" + applet) }
    }

    deinit {
        // Whatever the test left; a failure here shows in the next line.
        _ = try? runtime("delete", "--force", id)
        do { try Files.removeTree(directory) } catch { print("leaving \(directory): \(error)") }
        _ = rmdir("/sys/fs/cgroup/unified/swiftlet-test")
    }

    static let busybox: [UInt8] = (try? Files.read("/bin/busybox")) ?? []
    static let applets = [
        "sh", "true", "false", "cat", "ls", "id", "sleep", "echo", "mount", "grep", "readlink", "mkdir", "touch",
        "hostname", "pwd", "env", "mknod", "test", "stat", "kill", "ip", "head", "tty", "stty",
    ]

    static let baseConfig: JSONValue = [
        "ociVersion": "1.0.2",
        "process": [
            "terminal": false, "user": ["uid": 0, "gid": 0], "args": [],
            "env": ["PATH=/bin", "TERM=xterm"], "cwd": "/",
            "capabilities": [
                "bounding": ["CAP_KILL", "CAP_MKNOD", "CAP_CHOWN"],
                "effective": ["CAP_KILL", "CAP_MKNOD", "CAP_CHOWN"],
                "permitted": ["CAP_KILL", "CAP_MKNOD", "CAP_CHOWN"],
            ], "noNewPrivileges": true,
        ],
        "root": ["path": "rootfs"], "hostname": "inside",
        "mounts": [
            ["destination": "/proc", "type": "proc", "source": "proc"],
            [
                "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
            ],
            [
                "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
            ],
            [
                "destination": "/sys", "type": "sysfs", "source": "sysfs",
                "options": ["nosuid", "noexec", "nodev", "ro"],
            ],
        ],
        "linux": [
            "namespaces": [
                ["type": "pid"], ["type": "ipc"], ["type": "uts"], ["type": "mount"], ["type": "network"],
                ["type": "cgroup"],
            ]
        ],
    ]

    /// Adds an element to an array of the configuration: `add(to: ["linux", "devices"], …)`.
    func add(to path: [String], _ value: JSONValue) {
        func adding(_ node: JSONValue?, _ rest: ArraySlice<String>) -> JSONValue {
            guard let key = rest.first else { return .array((node?.array ?? []) + [value]) }
            var object = node?.object ?? [:]
            object[key] = adding(object[key], rest.dropFirst())
            return .object(object)
        }
        config = adding(config, path[...])
    }

    func set(_ path: [String], _ value: JSONValue) {
        func setting(_ node: JSONValue?, _ rest: ArraySlice<String>) -> JSONValue {
            guard let key = rest.first else { return value }
            var object = node?.object ?? [:]
            object[key] = setting(object[key], rest.dropFirst())
            return .object(object)
        }
        config = setting(config, path[...])
    }

    func write() throws {
        try Files.write(directory + "/config.json", config.encoded(), flags: O_WRONLY | O_CREAT | O_TRUNC)
    }

    @discardableResult
    func runtime(_ arguments: String..., inherit: [Int32: Int32] = [:]) throws -> Outcome {
        try execute(RuntimeUnderTest.command + ["--root", stateRoot] + arguments, inherit: inherit)
    }

    /// Writes the configuration and runs it to its end.
    func run(inherit: [Int32: Int32] = [:]) throws -> Outcome {
        try write()
        return try runtime("run", "--bundle", directory, id, inherit: inherit)
    }

    /// The output of a shell script run in it; anything but success is an error.
    func shell(_ script: String) throws -> String {
        set(["process", "args"], ["/bin/sh", "-c", .string(script)])
        let outcome = try run()
        guard outcome.code == 0 else { throw Failure("\(outcome)") }
        return outcome.output
    }

    func create(_ extra: String...) throws -> Outcome {
        try write()
        return try execute(
            RuntimeUnderTest.command + ["--root", stateRoot, "create", "--bundle", directory] + extra + [id])
    }

    func state() throws -> JSONValue { try JSONValue.parse(runtime("state", id).output) }
    func status() throws -> String { try state()["status"]?.string ?? "" }

    func waitForStatus(_ wanted: String) throws -> Bool {
        for _ in 0..<500 {
            if try status() == wanted { return true }
            usleep(10_000)
        }
        return false
    }
}
