// SPDX-License-Identifier: Apache-2.0

import AsyncIO
import Glibc
import JSON
import KubeAPI
import Linux
import Shim
import Testing

@testable import Kubelet

@Suite(.enabled(if: NodeHost.isPossible, "needs root, crun, busybox and swiftlet-shim"), .serialized)
struct `A static pod` {
    private func withNode(_ body: (NodeHost) async throws -> Void) async throws {
        let host = try NodeHost()
        defer { host.cleanUp() }
        try await body(host)
    }

    private func isReady(_ pod: Pod) -> Bool {
        pod.status.conditions.contains { $0.type == "Ready" && $0.status == "True" }
    }

    @Test func `is not taken with a proc that nothing hides, but for user namespaces of its own`() throws {
        func manifest(_ hostUsers: String, _ mount: String) throws -> Pod {
            let text = """
                {"kind": "Pod", "metadata": {"name": "a"}, "spec": {\(hostUsers) "containers":
                [{"name": "c", "image": "i", "securityContext": {"procMount": "\(mount)"}}]}}
                """
            return try StaticPods.parse(Array(text.utf8), path: "/a", nodeName: "node")
        }
        let words = "container c: `hostUsers` must be false to use the procMount `Unmasked`"
        for hostUsers in ["", "\"hostUsers\": true,"] {
            #expect(throws: KubeletConfigurationError(words)) { try manifest(hostUsers, "Unmasked") }
            #expect(throws: Never.self) { try manifest(hostUsers, "Default") }
        }
        #expect(throws: Never.self) { try manifest("\"hostUsers\": false,", "Unmasked") }
    }

    @Test func `runs, is ready, and writes its log`() async throws {
        try await withNode { host in
            try host.manifest(
                "hello",
                [
                    "terminationGracePeriodSeconds": 1,
                    "containers": [
                        NodeHost.container(
                            "echo hello $NAME from $HOSTNAME; cat /etc/hostname; sleep 60",
                            ["env": [["name": "NAME", "value": "you"]]])
                    ],
                ])
            try await host.run { kubelet in
                let began = KernelClock.monotonic.now()
                let pod = try await host.wait(kubelet, "ready") { isReady($0) }
                print("static pod ready after \((KernelClock.monotonic.now() - began) / 1_000_000) ms")
                #expect(pod.metadata.name == "hello-node")
                #expect(pod.status.phase == "Running")
                #expect(pod.status.qosClass == "BestEffort")
                try await sleep(for: .milliseconds(200))
                #expect(try host.log(pod) == ["hello you from hello-node", "hello-node"])
                try host.removeManifest("hello")
                try await host.waitUntilGone(kubelet)
                #expect(try Files.list(host.settings.runDirectory + "/pods").isEmpty)
            }
        }
    }

    @Test func `has its probes' commands forgotten, also those given up`() async throws {
        try await withNode { host in
            func probe(_ script: String) -> JSONValue {
                ["exec": ["command": ["/bin/sh", "-c", .string(script)]], "periodSeconds": 1, "timeoutSeconds": 1]
            }
            try host.manifest(
                "probed",
                [
                    "terminationGracePeriodSeconds": 1,
                    "containers": [
                        NodeHost.container(
                            "sleep 60",
                            ["readinessProbe": probe("true"), "livenessProbe": probe("sleep 5; true")])
                    ],
                ])
            try await host.run { kubelet in
                _ = try await host.wait(kubelet, "ready") { isReady($0) }
                try await sleep(for: .seconds(4))
                let worker = try #require(await kubelet.workersByUID.values.first)
                let count = try #require(await worker.shim?.execCount)
                // What runs in this moment.
                #expect(count <= 2)
                try host.removeManifest("probed")
                try await host.waitUntilGone(kubelet)
            }
        }
    }

    @Test func `goes on while its manifest is written anew, and cannot be read`() async throws {
        try await withNode { host in
            try host.manifest(
                "kept",
                ["terminationGracePeriodSeconds": 1, "containers": [NodeHost.container("sleep 60")]])
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "ready") { isReady($0) }
                try Files.write(
                    "\(host.configuration.staticPodPath)/kept.json", Array("{".utf8), flags: O_WRONLY | O_TRUNC)
                try await sleep(for: .milliseconds(500))
                #expect(try await host.wait(kubelet, "still ready") { isReady($0) }.uid == pod.uid)
                try host.removeManifest("kept")
                try await host.waitUntilGone(kubelet)
            }
        }
    }

    @Test func `starts again after a crash, at once the first time and then later`() async throws {
        try await withNode { host in
            try host.manifest("crash", ["containers": [NodeHost.container("echo run; exit 3")]])
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "back-off") {
                    $0.status.containerStatuses.first?.restartCount == 1
                        && $0.status.containerStatuses.first?.state?.waiting?.reason == "CrashLoopBackOff"
                }
                let status = try #require(pod.status.containerStatuses.first)
                #expect(status.lastState?.terminated?.exitCode == 3)
                #expect(
                    status.state?.waiting?.message
                        == "back-off 10s restarting failed container=main pod=crash-node_default(\(pod.metadata.uid ?? ""))"
                )
                #expect(pod.status.phase == "Running")
                #expect(try host.log(pod, attempt: 1) == ["run"])
            }
        }
    }

    @Test func `goes on while no kubelet runs, and is the same to the next one`() async throws {
        try await withNode { host in
            try host.manifest(
                "stays",
                [
                    "containers": [
                        NodeHost.container("sleep 60", ["readinessProbe": ["exec": ["command": ["/bin/true"]]]])
                    ]
                ])
            var before: ProcessIdentity?
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "ready") { isReady($0) }
                before = try host.process(pod)
            }
            let process = try #require(before)
            #expect(process.isAlive)
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "adopted") { $0.status.phase == "Running" }
                // Ready from the first moment: nothing about the pod has changed.
                #expect(isReady(pod))
                #expect(try host.process(pod) == process)
                #expect(pod.status.containerStatuses.first?.restartCount == 0)
                kill(process.pid, SIGKILL)
                _ = try await host.wait(kubelet, "restarted") {
                    $0.status.containerStatuses.first?.restartCount == 1
                        && $0.status.containerStatuses.first?.state?.running != nil
                }
            }
        }
    }

    @Test func `is made again when its shim is killed`() async throws {
        try await withNode { host in
            try host.manifest("shim", ["containers": [NodeHost.container("sleep 60")]])
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "ready") { isReady($0) }
                let process = try host.process(pod)
                let path = "\(host.settings.runDirectory)/pods/\(pod.metadata.uid ?? "")/shim.pid"
                let shim = try #require(ProcessIdentity.recorded(at: path))
                kill(shim.pid, SIGKILL)
                let again = try await host.wait(kubelet, "restarted") {
                    $0.status.containerStatuses.first?.restartCount == 1 && isReady($0)
                }
                #expect(!process.isAlive)
                #expect(try host.process(again) != process)
            }
        }
    }

    @Test func `runs its init containers one after the other, and its sidecar beside`() async throws {
        try await withNode { host in
            let volume: JSONValue = ["name": "shared", "mountPath": "/shared"]
            try host.manifest(
                "order",
                [
                    "restartPolicy": "Never", "volumes": [["name": "shared", "emptyDir": [:]]],
                    "initContainers": [
                        [
                            "name": "one", "image": "busybox", "command": ["/bin/sh", "-c", "echo one >> /shared/log"],
                            "volumeMounts": [volume],
                        ],
                        [
                            "name": "side", "image": "busybox", "restartPolicy": "Always",
                            "command": ["/bin/sh", "-c", "echo side >> /shared/log; sleep 60"],
                            "volumeMounts": [volume],
                            "startupProbe": [
                                "exec": [
                                    "command": [
                                        "/bin/sh", "-c", "cat /shared/log | { read a; read b; [ \"$b\" = side ]; }",
                                    ]
                                ], "periodSeconds": 1,
                            ],
                        ],
                        [
                            "name": "two", "image": "busybox", "command": ["/bin/sh", "-c", "echo two >> /shared/log"],
                            "volumeMounts": [volume],
                        ],
                    ],
                    "containers": [NodeHost.container("cat /shared/log; exit 0", ["volumeMounts": [volume]])],
                ])
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "succeeded") { $0.status.phase == "Succeeded" }
                #expect(try host.log(pod) == ["one", "side", "two"])
                #expect(pod.status.initContainerStatuses.map(\.restartCount) == [0, 0, 0])
            }
        }
    }

    @Test func `that fails its liveness probe is started again`() async throws {
        try await withNode { host in
            try host.manifest(
                "sick",
                [
                    "terminationGracePeriodSeconds": 1,
                    "containers": [
                        NodeHost.container(
                            "sleep 60",
                            [
                                "livenessProbe": [
                                    "exec": ["command": ["/bin/false"]], "periodSeconds": 1, "failureThreshold": 1,
                                ]
                            ])
                    ],
                ])
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "restarted") {
                    ($0.status.containerStatuses.first?.restartCount ?? 0) >= 1
                }
                #expect(pod.status.containerStatuses.first?.lastState?.terminated?.exitCode == 137)
            }
        }
    }

    @Test func `tells why it ended`() async throws {
        try await withNode { host in
            try host.manifest(
                "words",
                [
                    "restartPolicy": "Never",
                    "containers": [
                        NodeHost.container("echo -n last words > /dev/termination-log; exit 2"),
                        [
                            "name": "log", "image": "busybox", "terminationMessagePolicy": "FallbackToLogsOnError",
                            "command": ["/bin/sh", "-c", "echo from the log; exit 1"],
                        ],
                    ],
                ])
            try await host.run { kubelet in
                let pod = try await host.wait(kubelet, "failed") { $0.status.phase == "Failed" }
                #expect(
                    pod.status.containerStatuses.map { $0.state?.terminated?.message } == [
                        "last words", "from the log\n",
                    ])
                #expect(pod.status.containerStatuses.map { $0.state?.terminated?.reason } == ["Error", "Error"])
            }
        }
    }
}
