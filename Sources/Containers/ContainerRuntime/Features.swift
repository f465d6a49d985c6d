// SPDX-License-Identifier: Apache-2.0

public import JSON
import Linux
import Mounts
import Namespaces
import Seccomp

/// What the runtime can do (`features`), and a configuration to start from (`spec`).
public enum RuntimeDocuments {
    public static let specificationVersion = "1.2.0"

    private static func texts(_ values: some Sequence<String>) -> JSONValue { .array(values.map { .string($0) }) }

    public static func features() -> JSONValue {
        let namespaces = NamespacePlan.names.keys.sorted()
        return [
            "ociVersionMin": "1.0.0", "ociVersionMax": .string(specificationVersion),
            "hooks": [
                "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
            ],
            "mountOptions": texts(MountOptions.known.filter { $0 != "tmpcopyup" }),
            "linux": [
                "namespaces": texts(namespaces), "capabilities": texts(Capabilities.names),
                "cgroup": ["v1": false, "v2": true, "systemd": false, "systemdUser": false, "rdma": true],
                "seccomp": [
                    "enabled": true, "actions": texts(SeccompFilter.actions.sorted()),
                    "operators": texts(SeccompFilter.comparisonNames), "archs": texts(SeccompFilter.architectureNames),
                    "knownFlags": [
                        "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC",
                    ],
                ],
                "apparmor": ["enabled": .bool(Files.exists("/sys/kernel/security/apparmor"))],
                "selinux": ["enabled": false], "intelRdt": ["enabled": false],
                "mountExtensions": ["idmap": ["enabled": false]],
            ],
        ]
    }

    /// A configuration that runs a shell in `rootfs`.
    public static func example() -> JSONValue {
        let capabilities: JSONValue = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
        return [
            "ociVersion": .string(specificationVersion),
            "process": [
                "terminal": true, "user": ["uid": 0, "gid": 0], "args": ["sh"],
                "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"], "cwd": "/",
                "capabilities": [
                    "bounding": capabilities, "effective": capabilities, "permitted": capabilities,
                ],
                "rlimits": [["type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024]], "noNewPrivileges": true,
            ],
            "root": ["path": "rootfs", "readonly": true], "hostname": "swiftlet", "mounts": mounts,
            "linux": [
                "resources": ["devices": [["allow": false, "access": "rwm"]]],
                "namespaces": [
                    ["type": "pid"], ["type": "network"], ["type": "ipc"], ["type": "uts"], ["type": "mount"],
                    ["type": "cgroup"],
                ],
                "maskedPaths": texts(maskedPaths), "readonlyPaths": texts(readonlyPaths),
            ],
        ]
    }

    static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ]
    static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    static let mounts: JSONValue = [
        ["destination": "/proc", "type": "proc", "source": "proc"],
        [
            "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        ],
        [
            "destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ],
        [
            "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        ],
        [
            "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
            "options": ["nosuid", "noexec", "nodev"],
        ],
        [
            "destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"],
        ],
        [
            "destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
            "options": ["nosuid", "noexec", "nodev", "relatime", "ro"],
        ],
    ]
}
