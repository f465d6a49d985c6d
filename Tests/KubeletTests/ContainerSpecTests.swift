// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import Numbers
import Shim
import Testing

@testable import Kubelet

@Suite struct `A container's configuration` {
    private func configuration(
        _ context: JSONValue = .object([:]), pod podSpec: JSONObject = [:], seccompDefault: Bool? = nil
    ) -> JSONValue {
        let container: JSONObject = ["name": "c", "image": "i", "command": ["x"], "securityContext": context]
        var object = podSpec
        object["containers"] = [.object(container)]
        var spec = ContainerSpec(
            pod: Pod(json: ["metadata": ["name": "p"], "spec": .object(object)]), container: Container(json: container),
            image: KubeletImage(id: "i"), identity: ContainerUserIdentity(user: .root, group: .root), environment: [],
            mounts: [],
            rootPath: "/r", namespaces: podSpec["hostNetwork"]?.bool == true ? [:] : [.net: "/n"], hostname: "h",
            cgroupPath: "/c", cgroups: nil)
        spec.seccompDefault = seccompDefault ?? KubeletConfiguration().seccompDefault
        spec.processors = ["cpu0", "cpu1"]
        return spec.configuration(arguments: ["x"])
    }

    private func masked(_ configuration: JSONValue) -> [String] {
        configuration["linux"]?["maskedPaths"]?.array?.compactMap(\.string) ?? []
    }

    @Test func `has the default filter of system calls unless told otherwise`() {
        func filter(_ configuration: JSONValue) -> JSONValue? { configuration["linux"]?["seccomp"] }
        let standard = filter(configuration())
        #expect(standard?["defaultAction"]?.string == "SCMP_ACT_ERRNO")
        #expect(filter(configuration(["seccompProfile": ["type": "RuntimeDefault"]])) == standard)
        #expect(
            filter(configuration(pod: ["securityContext": ["seccompProfile": ["type": "RuntimeDefault"]]])) == standard)
        #expect(filter(configuration(["seccompProfile": ["type": "Unconfined"]])) == nil)
        #expect(filter(configuration(["privileged": true])) == nil)
        #expect(filter(configuration(seccompDefault: false)) == nil)
        let tracing = filter(configuration(["capabilities": ["add": ["SYS_PTRACE"]]]))
        #expect(tracing != standard)
    }

    @Test(
        arguments: [
            (["NET_ADMIN"], [], true), (["NET_ADMIN"], ["CAP_NET_ADMIN"], false), (["NET_ADMIN"], ["ALL"], true),
            (["ALL"], ["NET_ADMIN"], false), (["ALL"], ["SYS_TIME"], true), ([], ["ALL"], false),
        ] as [([String], [String], Bool)])
    func `has a capability that is added, unless it is dropped by its name`(
        add: [String], drop: [String], expected: Bool
    ) {
        let asked = Capabilities(json: [
            "add": .array(add.map { .string($0) }), "drop": .array(drop.map { .string($0) }),
        ])
        #expect(Capability.effective(asked, privileged: false).contains("CAP_NET_ADMIN") == expected)
    }

    @Test func `shows of the kernel what concerns the container`() {
        for configuration in [
            configuration(), configuration(["procMount": "Default"]),
            // Root in it would be the machine's root: the field is for pods with users of their own.
            configuration(["procMount": "Unmasked"]),
        ] {
            #expect(masked(configuration).contains("/proc/kcore"))
            #expect(masked(configuration).contains("/sys/devices/system/cpu/cpu1/thermal_throttle"))
            #expect(configuration["linux"]?["readonlyPaths"]?.array?.contains("/proc/sys") == true)
        }
        #expect(masked(configuration(["procMount": "Unmasked"], pod: ["hostUsers": false])).isEmpty)
        #expect(masked(configuration(["privileged": true])).isEmpty)
    }

    @Test func `brings nothing of what the host has mounted below sys`() {
        for pod: JSONObject in [[:], ["hostNetwork": true], ["hostNetwork": true, "hostPID": true, "hostIPC": true]] {
            for (context, access): (JSONValue, JSONValue) in [
                (["privileged": false], "ro"), (["privileged": true], "rw"),
            ] {
                let mounts = configuration(context, pod: pod)["mounts"]?.array ?? []
                let sys = mounts.filter { $0["destination"]?.string == "/sys" }
                #expect(sys.count == 1 && sys[0]["type"]?.string == "sysfs")
                #expect(sys.first?["options"]?.array?.contains(access) == true)
                let control = mounts.first { $0["destination"]?.string == "/sys/fs/cgroup" }
                #expect(control?["options"]?.array?.contains(access) == true)
            }
        }
    }
}
