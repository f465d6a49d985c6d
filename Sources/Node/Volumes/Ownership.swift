// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import KubeAPI
internal import Linux

/// `fsGroup`: the volume's files belong to the group, which may read and write them, and what is made keeps the group.
enum Ownership {
    static func apply(_ path: String, _ context: PodSecurityContext?) throws(Errno) {
        guard let group = context?.fsGroup.map({ UInt32(truncatingIfNeeded: $0) }) else { return }
        if context?.fsGroupChangePolicy == "OnRootMismatch" {
            let status = try Files.status(path)
            if status.group == group, status.permissions & 0o2070 == 0o2070 { return }
        }
        try change(FileDescriptor.open(path, O_RDONLY | O_DIRECTORY), group)
    }

    private static func change(_ directory: consuming FileDescriptor, _ group: UInt32) throws(Errno) {
        let permissions = try directory.status().permissions
        try directory.setOwner(user: .max, group: group)
        try directory.setPermissions(permissions & 0o7777 | 0o2770)
        for entry in try directory.entries() {
            switch entry.kind {
            case .directory:
                try change(
                    try directory.open(
                        below: entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve: [.beneath, .noSymlinks]),
                    group)
            case .regular:
                let file = try directory.open(
                    below: entry.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolve: [.beneath, .noSymlinks])
                let mode = try file.status().permissions
                try file.setOwner(user: .max, group: group)
                try file.setPermissions(mode & 0o7777 | 0o660)
            default: continue
            }
        }
    }
}
