// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import KubeAPI
import Linux
import Numbers
import Testing

@testable import Kubelet

@Suite struct `Who a container runs as` {
    private func identity(
        _ user: Int, _ group: Int = 0, _ more: [Int] = [], home: String = ""
    ) throws
        -> ContainerUserIdentity
    {
        ContainerUserIdentity(
            user: try #require(UserID(user)), group: try #require(GroupID(group)),
            additionalGroups: try more.map { try #require(GroupID($0)) }, home: home)
    }

    private let database = UserDatabase(
        passwd: """
            root:x:0:0:root:/root:/bin/sh
            web:x:33:33::/var/www:/bin/false
            toor:x:0:0::/:/bin/sh
            1000:x:0:0::/:/bin/sh
            none:x:4294967295:0::/:/bin/sh
            wrap:x:4294967296:0::/:/bin/sh
            below:x:-1:0::/:/bin/sh
            plus:x:+5:0::/:/bin/sh
            group:x:5:4294967295::/:/bin/sh
            broken

            """, group: "root:x:0:\nwww:x:33:\nlog:x:4:web,other\nwrap:x:4294967296:web\nnone:x:4294967295:web\n")

    @Test func `users are looked up in an image`() throws {
        #expect(database.resolve("web") == (try identity(33, 33, [4], home: "/var/www")))
        #expect(database.resolve("33:4")?.group == GroupID(4))
        #expect(database.resolve("web:log")?.group == GroupID(4))
        #expect(database.resolve("12345") == (try identity(12345)))
        #expect(database.resolve("2147483647")?.user == UserID(Int32.max))
        #expect(database.resolve("nobody") == nil)
        #expect(database.resolve("")?.user == .root)
        #expect(database.resolve(":4")?.group == GroupID(4))
        #expect(database.resolve("33:")?.group == GroupID(33))
    }

    @Test func `a name that means root is root`() {
        #expect(database.resolve("toor")?.user.isRoot == true)
        // A name of digits is a name first.
        #expect(database.resolve("1000")?.user.isRoot == true)
    }

    @Test(arguments: [
        "4294967295", "4294967296", "2147483648", "-1", "+0", "00x", "99999999999999999999", "none", "wrap", "below",
        "plus", "group", "33:4294967295", "33:-1", "33:none", "33:wrap", "1:2:3", " 0", "0 ",
    ]) func `no image runs as a user there is not`(_ user: String) {
        #expect(database.resolve(user) == nil)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func `what is no regular file of an image is not opened`() throws
    {
        let root = "/tmp/swiftlet-identity-\(getpid())"
        defer { try? Files.removeTree(root) }
        try Files.makeDirectories(root + "/etc", mode: 0o755)
        let passwd = root + "/etc/passwd"
        // Without a writer, whoever opens a FIFO waits.
        try Files.makeFifo(passwd, mode: 0o644)
        #expect(throws: Errno.self) { try UserDatabase(root: root) }
        try Files.remove(passwd)
        // /dev/fuse can be opened, and opening it makes something.
        #expect(mknod(passwd, S_IFCHR | 0o644, 10 << 8 | 229) == 0)
        let error = #expect(throws: Errno.self) { try UserDatabase(root: root) }
        #expect(error?.code == EINVAL)
        try Files.remove(passwd)
        try Files.symlink("/proc/self/environ", at: passwd)
        #expect(try UserDatabase(root: root).resolve("root") == nil)
        try Files.remove(passwd)
        try Files.write(passwd, [UInt8](repeating: 10, count: (4 << 20) + 1), flags: O_WRONLY | O_CREAT)
        #expect(throws: Errno.self) { try UserDatabase(root: root) }
    }

    @Test(
        arguments: [
            ("SIGRTMIN+2147483647", nil), ("SIGRTMAX-2147483648", nil), ("RTMAX--5", nil), ("RTMIN+31", nil),
            ("RTMIN+30", 64), ("SIGRTMAX-1", 63), ("65", nil), ("0", nil), ("-9", nil), ("+9", nil), ("15", 15),
            ("sigterm", 15), ("99999999999", nil), ("", nil),
        ] as [(String, Int32?)]) func `a stop signal is one there is`(_ text: String, _ number: Int32?)
    {
        #expect(Signals.number(text) == number)
    }
}

@Suite struct `Numbers of pods` {
    static let amounts = [
        "0", "-1", "1n", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e1000", "-1e1000",
        "100E", "9223372036854775", "9223372036854776k", "92233720368547758", "1Ei", "8Ei", "0.0000000001", "1e-1000",
    ]
    private static let pages = ["hugepages-2048kB"].compactMap(HugePageSize.init(directory:))
    static let integers: [Int] = [.max, .min, -1, 0, 1, Int(Int32.max), Int(Int32.min), 4_294_967_295, 4_294_967_296]

    /// What the kubelet works out of a pod before it does anything, from every amount a user may have written.
    @Test func `no amount of a pod ends the kubelet`() throws {
        for one in Self.amounts {
            for other in Self.amounts {
                func container(_ name: String, _ restart: String? = nil) -> JSONValue {
                    var container: JSONObject = [
                        "name": .string(name),
                        "resources": [
                            "limits": ["cpu": .string(one), "memory": .string(other), "hugepages-2Mi": .string(one)],
                            "requests": ["cpu": .string(other), "memory": .string(one), "example.com/x": .string(one)],
                        ],
                    ]
                    if let restart { container["restartPolicy"] = .string(restart) }
                    return .object(container)
                }
                let pod = Pod(json: [
                    "metadata": ["name": "p"],
                    "spec": [
                        "containers": [container("a"), container("b")],
                        "initContainers": [container("i"), container("s", "Always"), container("j")],
                        "overhead": ["cpu": .string(one), "memory": .string(other)],
                    ],
                ])
                let limits = PodLimits(
                    pod, cpuQuotaEnforced: true, processLimit: .max, hugePageSizes: Self.pages)
                _ = limits.cgroup
                _ = AdmittedPods([pod, pod, pod]).burstableRequest
                let admission = PodAdmission(
                    allocatable: ["cpu": .init(one), "memory": .init(other), "pods": .init(one)],
                    node: NodePlacement(name: "n", labels: [:]), admitted: [pod, pod], allowedUnsafeSysctls: [])
                _ = admission.refusal(pod)
                for container in pod.spec.containers {
                    _ = ContainerResources(
                        container.resources, cpuQuotaEnforced: true, hugePageSizes: Self.pages)
                }
                for service in [QualityOfService.burstable, .guaranteed, .bestEffort] {
                    let adjustment = service.oomScoreAdjustment(
                        memoryRequest: Quantity(one)?.value ?? 0, memoryCapacity: Quantity(other)?.value ?? 0)
                    #expect((-1000...1000).contains(adjustment))
                }
            }
        }
    }

    @Test func `seconds of a user's become nanoseconds that a clock can be added to`() {
        for seconds in Self.integers {
            let span = Nanoseconds.of(seconds: seconds)
            _ = KernelClock.monotonic.now() + span
            _ = KernelClock.wall.now() - span
        }
        #expect(Nanoseconds.of(seconds: 30) == 30_000_000_000)
        #expect(Nanoseconds.of(seconds: .max) > 0)
        #expect(Nanoseconds.of(seconds: .min) < 0)
    }

    @Test(arguments: ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-01T00:00:00Z"])
    func `a status of any year is read`(_ time: String) throws {
        for state: JSONValue in [
            ["terminated": ["exitCode": .integer(.max), "startedAt": .string(time), "finishedAt": .string(time)]],
            ["running": ["startedAt": .string(time)]],
        ] {
            let status = ContainerStatus(json: ["name": "a", "restartCount": .integer(.max), "state": state])
            _ = ContainerEnd(before: status)
        }
    }

    @Test(arguments: ["99999999999h", "1e300s", "9999999999999999999999s", "292277026596y", "1..5s", "-5s"])
    func `a duration of the configuration that does not fit is none`(_ text: String) {
        #expect(GoDuration.parse(text) == nil)
    }
}
