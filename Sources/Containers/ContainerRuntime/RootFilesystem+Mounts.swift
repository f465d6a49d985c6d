// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import Namespaces
import OCI
internal import Text

extension RootFilesystem {
    /// One entry of `mounts`.
    borrowing func mount(_ mount: RuntimeSpec.Mount) throws {
        let options = MountOptions(mount.options)
        if options.isIDMapped || !mount.uidMappings.isEmpty || !mount.gidMappings.isEmpty {
            throw RuntimeError("idmap", "id-mapped mounts are not supported")
        }
        if options.copiesUp { throw RuntimeError("tmpcopyup", "is not supported") }
        if options.isBind || mount.type == "bind" {
            try bind(mount, options)
        } else {
            switch mount.type {
            case "cgroup", "cgroup2": try mountCgroup(mount, options)
            case nil: throw RuntimeError("type", "is required for a mount that is not a bind")
            case let type?: try mountFilesystem(type, mount, options)
            }
        }
    }

    /// A handle of the place to mount on, made when missing: a directory, or an empty file for a file.
    private borrowing func target(_ destination: String, isDirectory: Bool) throws -> FileDescriptor {
        // Relative ones are taken from the root, as version 1.0 of the specification let them be.
        let path = Self.normal(destination)
        if isDirectory { return try root.makeDirectories(below: path) }
        do { return try root.handle(below: path) } catch { if error.code != ENOENT { throw error } }
        let parent = try root.makeDirectories(below: Files.parent(of: path))
        do {
            return try parent.open(
                below: Files.name(of: path), O_CREAT | O_RDONLY | O_NONBLOCK | O_NOCTTY, mode: 0o644,
                resolve: [.inRoot, .noMagicLinks])
        } catch { throw error.during("make \(path)") }
    }

    /// Refuses a mount of `type` at a place, found by then, where it would hide what the runtime or the kernel relies on.
    private borrowing func check(
        _ target: borrowing FileDescriptor, _ type: String, isProcfs: Bool = false
    ) throws {
        let found = try target.kernelPath()
        guard let place = MountPlace.path(found, below: path) else {
            throw RuntimeError(found, "is outside of the root")
        }
        if let reason = MountPlace.refusal(of: type, at: place, isProcfs: isProcfs) {
            throw RuntimeError("\(type) on \(place)", reason)
        }
    }

    private borrowing func bind(_ mount: RuntimeSpec.Mount, _ options: MountOptions) throws {
        guard let given = mount.source, !given.isEmpty else { throw RuntimeError("source", "is required for a bind") }
        let source = given.hasExactPrefix("/") ? given : "\(bundle)/\(given)"
        let status = try Files.status(source)
        let isDirectory = status.kind == .directory
        let tree = try DetachedMount.clone(of: source, recursive: options.isRecursiveBind)
        // Before it is anywhere: there is no moment in which a read-only bind can be written.
        if !options.set.isEmpty || !options.clear.isEmpty {
            try tree.setAttributes(set: options.set, clear: options.clear)
        }
        if !options.recursiveSet.isEmpty || !options.recursiveClear.isEmpty {
            try tree.setAttributes(set: options.recursiveSet, clear: options.recursiveClear, recursive: true)
        }
        let target = try target(mount.destination, isDirectory: isDirectory)
        guard try (target.status().kind == .directory) == isDirectory else {
            throw RuntimeError(
                source, isDirectory ? "is a directory, its target is a file" : "is a file, its target is a directory")
        }
        // The root of a procfs has the first inode of it.
        let isProcfs = try status.inode == 1 && tree.descriptor.filesystem().magic == FilesystemStatus.proc
        try check(target, "bind", isProcfs: isProcfs)
        try tree.attach(at: target)
        // Private unless asked otherwise: what the container mounts below stays its own.
        let propagation =
            options.propagation.isEmpty ? [(kind: Propagation.private, recursive: true)] : options.propagation
        for entry in propagation {
            try Mounts.setAttributes(of: tree.descriptor, propagation: entry.kind, recursive: entry.recursive)
        }
    }

    private borrowing func mountFilesystem(
        _ type: String, _ mount: RuntimeSpec.Mount, _ options: MountOptions
    ) throws {
        // procfs and sysfs decide about security: their place must be an ordinary directory and not a link of the image.
        let target: FileDescriptor
        if type == "proc" || type == "sysfs" {
            _ = try self.target(mount.destination, isDirectory: true)
            target = try root.open(
                below: Self.normal(mount.destination), Int32(CLINUX_O_PATH) | O_DIRECTORY,
                resolve: [.inRoot, .noSymlinks])
        } else {
            target = try self.target(mount.destination, isDirectory: true)
        }
        try check(target, type)
        var flags = options.flags
        let isDev = Self.normal(mount.destination) == "/dev" && type == "tmpfs"
        // Its nodes are still to be made; `makeDevReadOnly` follows.
        if isDev { flags.remove(.readOnly) }
        try makeFilesystem(type, mount, on: target, flags, options)
        for entry in options.propagation {
            let mounted = try root.handle(below: Self.normal(mount.destination))
            try Mounts.setAttributes(of: mounted, propagation: entry.kind, recursive: entry.recursive)
        }
        if !options.recursiveSet.isEmpty {
            let mounted = try root.handle(below: Self.normal(mount.destination))
            try Mounts.setAttributes(of: mounted, set: options.recursiveSet, recursive: true)
        }
    }

    private borrowing func makeFilesystem(
        _ type: String, _ mount: RuntimeSpec.Mount, on target: borrowing FileDescriptor, _ flags: MountFlags,
        _ options: MountOptions
    ) throws {
        if type == "proc", let made = procMounts[mount.destination] {
            let tree = DetachedMount(FileDescriptor(owning: made))
            try tree.setAttributes(set: options.set)
            return try tree.attach(at: target)
        }
        do {
            try Mounts.mount(
                source: mount.source ?? type, on: target, named: mount.destination, type: type, flags: flags,
                data: options.dataString)
        } catch {
            // sysfs belongs to the network namespace: where that is the host's, a user namespace may only bind it.
            guard type == "sysfs", error.isPermission else { throw error }
            let tree = try DetachedMount.clone(of: "/sys", recursive: true)
            try tree.setAttributes(set: .readOnly, recursive: true)
            try tree.attach(at: target)
        }
    }

    /// Version 2 in any case. In a cgroup namespace the container sees its own cgroup as the root; without one, it gets a
    /// bind of its own cgroup.
    private borrowing func mountCgroup(_ mount: RuntimeSpec.Mount, _ options: MountOptions) throws {
        let target = try target(mount.destination, isDirectory: true)
        try check(target, "cgroup2")
        if plan.has(.cgroup) {
            do {
                try Mounts.mount(
                    source: "cgroup", on: target, named: mount.destination, type: "cgroup2", flags: options.flags)
                return
            } catch {
                // A user namespace that does not own the network or cgroup namespace: bind it.
                guard error.isPermission || error.code == EBUSY else { throw error }
            }
        }
        guard let cgroupDirectory else { throw RuntimeError("cgroup2", "the container has no cgroup") }
        let tree = try DetachedMount.clone(of: cgroupDirectory, recursive: true)
        if options.flags.contains(.readOnly) { try tree.setAttributes(set: options.set, recursive: true) }
        try tree.attach(at: target)
    }
}
