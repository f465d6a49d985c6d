// SPDX-License-Identifier: Apache-2.0

/// The kinds of namespaces of namespaces(7). The raw value is the CLONE_NEW* bit.
public enum NamespaceKind: UInt64, Sendable, Hashable, CaseIterable {
    case time = 0x0000_0080
    case mount = 0x0002_0000
    case cgroup = 0x0200_0000
    case uts = 0x0400_0000
    case ipc = 0x0800_0000
    case user = 0x1000_0000
    case process = 0x2000_0000
    case network = 0x4000_0000

    /// The name below /proc/PID/ns.
    public var procName: String {
        switch self {
        case .time: "time"
        case .mount: "mnt"
        case .cgroup: "cgroup"
        case .uts: "uts"
        case .ipc: "ipc"
        case .user: "user"
        case .process: "pid"
        case .network: "net"
        }
    }

    /// The bits of several kinds.
    public static func bits(_ kinds: some Sequence<NamespaceKind>) -> UInt64 { kinds.reduce(0) { $0 | $1.rawValue } }
}
