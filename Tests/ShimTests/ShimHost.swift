// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import JSON
import Linux
import Testing

@testable import Shim

/// A pod's shim under test, in a directory of its own, with a busybox root and the machine's OCI runtime.
final class ShimHost {
    let root: String
    let options: ShimOptions
    private(set) var client: ShimTestClient
    let shim: ProcessIdentity
    private var started: [ProcessIdentity] = []

    /// Where swiftlet-shim was built: beside the tests.
    static var programs: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, 4095)
        precondition(count > 0)
        let path = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = path[..<path.lastIndex(of: "/")!]
        return FileManagement.exists("\(folder)/swiftlet-shim") ? String(folder) : ".build/debug"
    }

    static var isPossible: Bool {
        getuid() == 0 && FileManagement.exists("\(programs)/swiftlet-shim") && FileManagement.exists("/bin/busybox")
            && FileManagement.exists("/usr/bin/crun")
    }

    init(namespaces: Set<SandboxNamespace> = [.ipc, .uts, .net]) throws {
        var template = Array("/tmp/shim-test-XXXXXX".utf8CString)
        root = try #require(
            template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!).map { String(cString: $0) } })
        var options = ShimOptions()
        options.directory = root + "/run"
        options.podUID = "pod-1"
        options.exitDirectory = root + "/exits"
        options.runtime = root + "/runtime"
        options.runtimeRoot = root + "/oci"
        options.namespaces = namespaces
        options.hostname = "shimtest"
        self.options = options
        // crun refuses a machine with both cgroup versions mounted: it gets a view with the second only.
        try ShimFiles.write(
            """
            #!/bin/sh
            exec unshare -m sh -c 'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup 2>/dev/null; exec crun \
            --cgroup-manager=disabled "$@"' crun "$@"

            """, to: options.runtime)
        try Files.setPermissions(options.runtime, 0o755)
        let status = system("\(ShimHost.programs)/swiftlet-shim \(options.arguments.joined(separator: " "))")
        try #require(status == 0, "swiftlet-shim did not start")
        shim = try #require(ProcessIdentity.recorded(at: options.processPath))
        client = try ShimTestClient(options.socketPath)
    }

    deinit {
        client.closeSocket()
        for process in started + [shim] where process.isAlive { kill(process.pid, SIGKILL) }
        for kind in SandboxNamespace.allCases { umount2(options.namespacePath(kind), Int32(MNT_DETACH)) }
        try? Files.removeTree(root)
    }

    /// Connects again, as a daemon that was restarted does.
    func reconnect() throws {
        client.closeSocket()
        client = try ShimTestClient(options.socketPath)
    }

    /// A bundle that runs `arguments` in a busybox root.
    func bundle(_ id: String, _ arguments: [String], terminal: Bool = false) throws -> String {
        let bundle = "\(root)/\(id)"
        for folder in ["bin", "proc", "dev", "sys", "tmp"] { try Files.makeDirectories("\(bundle)/rootfs/\(folder)") }
        try Files.replace(
            "\(bundle)/rootfs/bin/busybox", with: try Files.read("/bin/busybox"), mode: 0o755, durable: false)
        for applet in ["sh", "cat", "sleep", "echo", "hostname", "head", "tr"] {
            try Files.symlink("busybox", at: "\(bundle)/rootfs/bin/\(applet)")
        }
        let namespaces: [JSONValue] = [
            options.namespaces.contains(.pid)
                ? ["type": "pid", "path": .string(options.namespacePath(.pid))] : ["type": "pid"],
            ["type": "mount"], ["type": "uts", "path": .string(options.namespacePath(.uts))],
            ["type": "ipc", "path": .string(options.namespacePath(.ipc))],
            ["type": "network", "path": .string(options.namespacePath(.net))],
        ]
        let config: JSONValue = [
            "ociVersion": "1.0.2", "process": process(arguments, terminal: terminal),
            "root": ["path": "rootfs"],
            "mounts": [
                ["destination": "/proc", "type": "proc", "source": "proc"],
                ["destination": "/dev", "type": "tmpfs", "source": "tmpfs"],
                [
                    "destination": "/dev/pts", "type": "devpts", "source": "devpts",
                    "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
                ],
            ],
            "linux": ["namespaces": .array(namespaces)],
        ]
        try Files.replace("\(bundle)/config.json", with: config.encoded(), durable: false)
        return bundle
    }

    func process(_ arguments: [String], terminal: Bool = false) -> JSONValue {
        [
            "terminal": .bool(terminal), "cwd": "/", "user": ["uid": 0, "gid": 0],
            "args": .array(arguments.map { .string($0) }), "env": ["PATH=/bin"],
        ]
    }

    func processFile(_ arguments: [String], terminal: Bool = false) throws -> String {
        let path = "\(root)/process-\(arguments.hashValue).json"
        try Files.replace(path, with: process(arguments, terminal: terminal).encoded(), durable: false)
        return path
    }

    /// Creates and starts `sh -c script`.
    func run(_ id: String, _ script: String, terminal: Bool = false, stdin: Bool = false) throws -> ProcessIdentity {
        let bundle = try bundle(id, ["/bin/sh", "-c", script], terminal: terminal)
        let creation = ContainerCreation(
            id: id, bundle: bundle, logPath: "\(root)/\(id).log", terminal: terminal, stdin: stdin, stdinOnce: stdin)
        let created = try client.ask(.create(creation))
        guard case .process(let process, _) = created else { throw ShimFailure(.runtime, "create: \(created)") }
        started.append(process)
        let answer = try client.ask(.start(container: id))
        guard case .process = answer else { throw ShimFailure(.runtime, "start: \(answer)") }
        return process
    }

    /// The log's lines without their times.
    func log(_ id: String) throws -> [String] {
        try Files.readText("\(root)/\(id).log").split(separator: "\n").map {
            String($0.split(separator: " ", maxSplits: 1)[1])
        }
    }
}

enum FileManagement {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

/// The daemon's side of the socket, waiting for each answer.
final class ShimTestClient {
    private let socket: Int32
    private var inbound: [UInt8] = []
    private var number: UInt32 = 0
    private var events: [ShimEvent] = []
    private(set) var descriptors: [Int32] = []
    private(set) var state: ShimState?
    private var isClosed = false

    init(_ path: String) throws {
        var address = try UnixListener.address(path)
        socket = clinux_socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        try #require(clinux_connect(socket, &address) >= 0)
        guard case .hello(let state) = try ask(.hello(version: ShimMessage.version)) else { return }
        self.state = state
    }

    func closeSocket() {
        if !isClosed { close(socket) }
        isClosed = true
    }

    /// Asks without waiting for the answer; returns the question's number.
    func send(_ request: ShimRequest) throws -> UInt32 {
        number += 1
        let bytes = ShimMessage.request(number, request).framed()
        try #require(bytes.withUnsafeBytes { write(socket, $0.baseAddress, $0.count) } == bytes.count)
        return number
    }

    func ask(_ request: ShimRequest) throws -> ShimReply { try reply(to: send(request)) }

    /// The answer to the question, which must be the next that comes.
    func reply(to number: UInt32) throws -> ShimReply {
        while true {
            switch try next() {
            case .reply(let answered, let reply):
                #expect(answered == number)
                return reply
            case .event(let event): events.append(event)
            case .request: Issue.record("a shim asked something")
            }
        }
    }

    /// The next event, waiting at most ten seconds.
    func event() throws -> ShimEvent {
        if !events.isEmpty { return events.removeFirst() }
        guard case .event(let event) = try next() else { throw ShimFailure(.sequence, "a reply to no request") }
        return event
    }

    func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }

    private func next() throws -> ShimMessage {
        while true {
            if let message = try ShimMessage.next(from: &inbound) { return message }
            try #require(clinux_poll(socket, Int16(POLLIN), 10_000) > 0, "the shim says nothing")
            var bytes = [UInt8](repeating: 0, count: 4096)
            var numbers = [Int32](repeating: -1, count: 8)
            var count = 8
            let got = bytes.withUnsafeMutableBytes {
                clinux_receive_descriptors(socket, $0.baseAddress, $0.count, &numbers, &count)
            }
            try #require(got > 0, "the shim has gone")
            inbound += bytes[..<got]
            descriptors += numbers[..<count]
        }
    }
}
