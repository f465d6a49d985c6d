// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux
internal import Numbers

/// Who a container runs as.
struct ContainerUserIdentity: Sendable, Hashable {
    var user: UserID
    var group: GroupID
    var additionalGroups: [GroupID] = []
    var home = ""
}

/// Looks users up in the `/etc/passwd` and `/etc/group` of an image's root, which the image's author wrote: only regular
/// files below the root are opened, and lines that make no sense are passed over, those with a number no user can have
/// among them.
struct UserDatabase {
    private var users: [(name: String, user: UserID, group: GroupID, home: String)] = []
    private var groups: [(name: String, group: GroupID, members: [String])] = []

    /// The largest file that is read.
    private static let limit = 4 << 20

    init(passwd: String, group: String) {
        for line in passwd.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 6, let user = UserID(named: fields[2]), let group = GroupID(named: fields[3]) else {
                continue
            }
            users.append((String(fields[0]), user, group, String(fields[5])))
        }
        for line in group.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count >= 3, let id = GroupID(named: fields[2]) else { continue }
            let members = fields.count > 3 ? fields[3].split(separator: ",").map(String.init) : []
            groups.append((String(fields[0]), id, members))
        }
    }

    /// Reads both files. Blocks.
    init(root: String) throws(Errno) {
        let directory = try FileDescriptor.open(root, O_RDONLY | O_DIRECTORY)
        self.init(
            passwd: try UserDatabase.text("etc/passwd", directory), group: try UserDatabase.text("etc/group", directory)
        )
    }

    private static func text(_ path: String, _ root: borrowing FileDescriptor) throws(Errno) -> String {
        do {
            return String(decoding: try root.readRegular(below: path, limit: limit), as: UTF8.self)
        } catch {
            // An image without the file has only numbers.
            if error.isNotFound || error.code == ELOOP { return "" }
            throw error
        }
    }

    /// Resolves `user`, `uid`, `user:group` or `uid:gid` as an image writes it; nil for a name that is not there, and for
    /// a number no user can have.
    func resolve(_ text: String) -> ContainerUserIdentity? {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first ?? ""
        var identity: ContainerUserIdentity
        if name.isEmpty {
            identity = resolve(user: .root)
        } else if let entry = users.first(where: { $0.name == name }) {
            identity = ContainerUserIdentity(user: entry.user, group: entry.group, home: entry.home)
            identity.additionalGroups = memberships(name)
        } else if let number = UserID(named: name) {
            identity = resolve(user: number)
        } else {
            return nil
        }
        if parts.count > 1, !parts[1].isEmpty {
            if let entry = groups.first(where: { $0.name == parts[1] }) {
                identity.group = entry.group
            } else if let number = GroupID(named: parts[1]) {
                identity.group = number
            } else {
                return nil
            }
        }
        return identity
    }

    func resolve(user: UserID) -> ContainerUserIdentity {
        guard let entry = users.first(where: { $0.user == user }) else {
            return ContainerUserIdentity(user: user, group: .root)
        }
        return ContainerUserIdentity(
            user: user, group: entry.group, additionalGroups: memberships(entry.name), home: entry.home)
    }

    private func memberships(_ name: String) -> [GroupID] {
        groups.filter { $0.members.contains(name) }.map(\.group)
    }
}
