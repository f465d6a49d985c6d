// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Cgroups
internal import KubeProxy
internal import Linux
internal import Mounts
internal import NFTables
internal import Netlink
internal import PodNetwork
internal import Telemetry

/// `swiftlet reset`: ends every pod of this node and removes everything Swiftlet has made on it, the data included.
enum ResetCommand {
    static let command = Command(
        "reset", summary: "End all pods and delete everything Swiftlet has made on this machine",
        options: [
            .value("data-dir", "path", help: "where everything durable is kept", default: "/var/lib/swiftlet"),
            .value("root-dir", "path", help: "the kubelet's directory", default: "/var/lib/kubelet"),
            .value("run-dir", "path", help: "sockets and what a reboot may forget", default: "/run/swiftlet"),
            .flag("yes", help: "do not ask"),
        ])

    static func run(_ arguments: ParsedArguments) throws {
        let data = try arguments.string("data-dir")
        let directories = [try arguments.string("run-dir"), try arguments.string("root-dir"), data]
        guard arguments.flag("yes") else {
            throw ArgumentsError("this deletes every pod and all data in \(data): say --yes", command: "swiftlet reset")
        }
        // Held until the end: a server that is running keeps it, and one that starts now would find half of everything.
        var lock: FileLock?
        var agentLock: FileLock?
        if Files.exists("\(data)/agent") {
            agentLock = try FileLock.tryAcquire("\(data)/agent/lock")
            guard agentLock != nil else {
                throw ArgumentsError("an agent is running on \(data): stop it first", command: "swiftlet reset")
            }
        }
        if Files.exists("\(data)/server/db") {
            lock = try FileLock.tryAcquire("\(data)/server/db/lock")
            guard lock != nil else {
                throw ArgumentsError("a server is running on \(data): stop it first", command: "swiftlet reset")
            }
        }
        try endProcesses()
        for directory in directories { try unmountAll(below: directory) }
        try removeNetwork()
        for directory in directories + ["/var/log/pods", "/var/log/containers"] { try remove(directory) }
        _ = lock.take()
        _ = agentLock.take()
    }

    /// Containers and shims, by the cgroups they are in: nothing can have left those.
    private static func endProcesses() throws {
        let hierarchy = try CgroupHierarchy.discover()
        for path in ["/kubepods", "/swiftlet-shims"] {
            let cgroup = hierarchy.cgroup(path)
            if cgroup.exists { try cgroup.delete() }
        }
    }

    private static func unmountAll(below directory: String) throws {
        let mounts = try MountInfo.read().map(\.mountPoint).filter { $0.hasPrefix(directory + "/") }
        for mount in mounts.reversed() { try Mounts.unmount(mount, detach: true) }
    }

    private static func removeNetwork() throws {
        var log = Logger(label: "reset")
        log.level = .warning
        try ProxyServer.cleanUp(ProxyConfiguration(), logger: log)
        let ruleset = try KernelRuleset()
        for family in [TableFamily.ip, .ip6, .bridge] {
            var transaction = Transaction(Table(family, "swiftlet-pods"))
            transaction.removeTable()
            do throws(NFTablesError) { try ruleset.commit(transaction) } catch {
                // Where the kernel has no tables for frames, none was made.
                if family != .bridge { throw error }
            }
        }
        let netlink = try NetlinkSocket(.route)
        for family in [IPFamily.v4, .v6] {
            let routes = try netlink.routes(family).filter { PodNetwork.routeOrigins.contains($0.origin) }
            try netlink.perform(routes.map { .deleteRoute($0) })
        }
        if try netlink.links().contains(where: { $0.name == "swiftlet0" }) {
            try netlink.perform([.deleteLink(named: "swiftlet0")])
        }
    }

    /// Empties a directory; one that is a mount point itself stays, empty.
    private static func remove(_ directory: String) throws {
        guard Files.exists(directory) else { return }
        for entry in try Files.list(directory) { try Files.removeTree("\(directory)/\(entry.name)") }
        if try !Mounts.isMountPoint(directory) { try Files.removeTree(directory) }
    }
}
