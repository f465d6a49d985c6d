// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import Namespaces
import OCI
internal import Text

/// Kernel parameters that belong to a namespace of the container.
enum Sysctl {
    static let ipcNames: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni", "kernel.shm_rmid_forced",
    ]

    /// Refuses what is not the container's own: it would change the host.
    static func check(_ given: String, _ plan: NamespacePlan) throws(SpecError) {
        let name = given.hasSlash ? given.steps.joined(separator: ".") : given
        let field = "linux.sysctl.\(given)"
        if given.utf8.split(whereSeparator: { $0 != UInt8(ascii: ".") }).contains(where: { $0.count > 1 }) {
            throw SpecError(field, "holds ..")
        }
        if ipcNames.contains(name) || name.hasPrefix("fs.mqueue.") {
            if !plan.has(.ipc) { throw SpecError(field, "needs an ipc namespace") }
        } else if name.hasPrefix("net.") {
            if !plan.has(.network) { throw SpecError(field, "needs a network namespace") }
        } else if name == "kernel.domainname" || name == "kernel.hostname" {
            if !plan.has(.uts) { throw SpecError(field, "needs a uts namespace") }
        } else if name.hasPrefix("user.") {
            if !plan.has(.user) { throw SpecError(field, "needs a user namespace") }
        } else {
            throw SpecError(field, "is not of a namespace of the container")
        }
    }

    /// Writes them through the container's own procfs, checked to be one: a link or another mount in its place would
    /// send the write elsewhere (the class of CVE-2025-52881).
    static func apply(_ values: [String: String]) throws {
        guard !values.isEmpty else { return }
        let proc = try during("sysctl") { try FileDescriptor.handle("/proc", directory: true, followLast: false) }
        guard try proc.filesystem().magic == FilesystemStatus.proc else {
            throw RuntimeError("sysctl", "/proc is not a procfs")
        }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            // `net/ipv4/conf/eth0.1/x`: with slashes, dots belong to names.
            let path = name.hasSlash ? name : name.split(separator: ".").joined(separator: "/")
            try during("sysctl \(name)=\(value)") {
                let file = try proc.open(
                    below: "sys/\(path)", O_WRONLY, resolve: [.beneath, .noSymlinks, .noCrossingDevices])
                try file.writeAll(Array(value.utf8))
            }
        }
    }
}
