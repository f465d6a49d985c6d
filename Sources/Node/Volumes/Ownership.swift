// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import KubeAPI
internal import Linux
internal import Numbers

/// `fsGroup`: the volume's files belong to the group, which may read and write them, and what is made keeps the group.
enum Ownership {
    /// The group the pod's volumes belong to; nil when it names none.
    static func group(_ context: PodSecurityContext?) throws(Errno) -> GroupID? {
        guard let number = context?.fsGroup else { return nil }
        guard let group = GroupID(named: number) else { throw Errno(EINVAL, "fsGroup \(number)") }
        return group
    }

    static func apply(_ path: String, _ context: PodSecurityContext?) throws(Errno) {
        guard let group = try group(context)?.number else { return }
        if context?.fsGroupChangePolicy == "OnRootMismatch" {
            let status = try Files.status(path)
            if status.group == group, status.permissions & 0o2070 == 0o2070 { return }
        }
        let volume = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        try change(volume, group, adding: 0o2770)
        try volume.walkTree(enter: { (parent, entry) throws(Errno) in
            guard entry.kind == .directory || entry.kind == .regular else { return false }
            let isDirectory = entry.kind == .directory
            // Whatever runs in the pod already may take away what was found, or put something else in its place: it is
            // held, never opened.
            guard let found = try parent.handle(entry), try found.status().kind == entry.kind else { return false }
            try change(found, group, adding: isDirectory ? 0o2770 : 0o660)
            return isDirectory
        })
    }

    private static func change(_ file: borrowing FileDescriptor, _ group: UInt32, adding: UInt32) throws(Errno) {
        // Read before: chown(2) clears bits.
        let permissions = try file.status().permissions
        try file.setHandleOwner(user: .max, group: group)
        try Files.setPermissions(file.procPath, permissions & 0o7777 | adding)
    }
}
