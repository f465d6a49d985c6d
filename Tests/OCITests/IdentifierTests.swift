// SPDX-License-Identifier: Apache-2.0

import JSON
import Numbers
import OCI
import Testing

@Suite struct IdentifierTests {
    private func process(_ fields: JSONObject) -> JSONValue {
        var process: JSONObject = ["cwd": "/", "args": ["x"]]
        for (key, value) in fields { process[key] = value }
        return .object(process)
    }

    @Test(arguments: ["4294967295", "4294967296", "-1", "9223372036854775807", "1e300", "1.5", "\"0\""])
    func `a process runs as no user and no group there is not`(_ number: String) throws {
        let value = try JSONValue.parse(Array(number.utf8))
        #expect(throws: SpecError.self) { try ProcessSpec(process(["user": ["uid": value]])) }
        #expect(throws: SpecError.self) { try ProcessSpec(process(["user": ["gid": value]])) }
        #expect(throws: SpecError.self) { try ProcessSpec(process(["user": ["additionalGids": [value]]])) }
    }

    @Test func `every user there is can be run as`() throws {
        let user = try ProcessSpec(
            process(["user": ["uid": 4_294_967_294, "gid": 4_294_967_294, "additionalGids": [0, 5]]])
        ).user
        #expect(user.user.number == 4_294_967_294 && user.group.number == 4_294_967_294)
        #expect(user.additionalGroups.map(\.number) == [0, 5])
        #expect(try ProcessSpec(process([:])).user.user == .root)
    }

    @Test(arguments: [
        (0, 0, 4_294_967_295, true), (1, 0, 4_294_967_295, false), (0, 1, 4_294_967_295, false),
        (4_294_967_295, 0, 1, false), (4_294_967_294, 0, 1, true), (0, 0, 0, false), (0, 0, 4_294_967_296, false),
    ]) func `a mapping ends before the number that is none`(
        _ inside: Int64, _ outside: Int64, _ size: Int64, isGood: Bool
    ) {
        let mapping: JSONValue = [
            "containerID": .integer(inside), "hostID": .integer(outside), "size": .integer(size),
        ]
        let spec: JSONValue = ["ociVersion": "1.1.0", "root": ["path": "/"], "linux": ["uidMappings": [mapping]]]
        let read = try? RuntimeSpec(spec)
        #expect((read != nil) == isGood)
    }

    /// Each number of a configuration, with each value that some reader would trip over: an error or a value, no end of
    /// the process.
    @Test func `no number in a configuration ends the process`() throws {
        let numbers: [JSONValue] = [
            .integer(.max), .integer(.min), .integer(-1), .integer(0), .integer(4_294_967_295), .integer(4_294_967_296),
            .number(1e308), .number(-1e308), .number(18_446_744_073_709_551_616), .number(0.5), .number(1e-300),
            "9223372036854775808", .bool(true), .null, [], [:],
        ]
        for number in numbers {
            let spec: JSONValue = [
                "ociVersion": "1.1.0", "root": ["path": "/"],
                "process": [
                    "cwd": "/", "args": ["x"], "oomScoreAdj": number,
                    "consoleSize": ["height": number, "width": number],
                    "rlimits": [["type": "RLIMIT_CORE", "soft": number, "hard": number]],
                    "user": ["uid": number, "gid": number, "umask": number, "additionalGids": [number]],
                    "scheduler": [
                        "policy": "SCHED_OTHER", "nice": number, "priority": number, "runtime": number,
                        "deadline": number, "period": number,
                    ], "ioPriority": ["class": "IOPRIO_CLASS_IDLE", "priority": number],
                ], "hooks": ["poststop": [["path": "/x", "timeout": number]]],
                "linux": [
                    "devices": [
                        [
                            "path": "/dev/x", "type": "c", "major": number, "minor": number, "fileMode": number,
                            "uid": number, "gid": number,
                        ]
                    ], "timeOffsets": ["monotonic": ["secs": number, "nanosecs": number]],
                    "uidMappings": [["containerID": number, "hostID": number, "size": number]],
                    "resources": [
                        "cpu": ["shares": number, "quota": number, "period": number, "burst": number, "idle": number],
                        "memory": ["limit": number, "reservation": number, "swap": number],
                        "pids": ["limit": number], "hugepageLimits": [["pageSize": "2MB", "limit": number]],
                        "blockIO": [
                            "weight": number,
                            "throttleReadBpsDevice": [["major": number, "minor": number, "rate": number]],
                        ], "rdma": ["x": ["hcaHandles": number, "hcaObjects": number]],
                        "devices": [["allow": false, "major": number, "minor": number, "access": "rwm"]],
                    ],
                    "seccomp": [
                        "defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": number,
                        "syscalls": [
                            [
                                "names": ["x"], "action": "SCMP_ACT_ALLOW", "errnoRet": number,
                                "args": [["index": number, "value": number, "valueTwo": number, "op": "SCMP_CMP_EQ"]],
                            ]
                        ],
                    ],
                ],
            ]
            // One object at a time, so that the first refusal does not hide what comes after.
            for keep in ["process", "hooks", "linux"] {
                var part = spec.object ?? [:]
                for other in ["process", "hooks", "linux"] where other != keep { part[other] = nil }
                _ = try? RuntimeSpec(.object(part))
                for (inner, _) in spec[keep]?.object ?? [:] {
                    var single = part
                    var object: JSONObject = keep == "process" ? ["cwd": "/", "args": ["x"]] : [:]
                    object[inner] = spec[keep]?[inner]
                    single[keep] = .object(object)
                    _ = try? RuntimeSpec(.object(single))
                }
            }
        }
    }
}
