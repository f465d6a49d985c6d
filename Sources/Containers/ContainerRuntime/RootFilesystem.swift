// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import Namespaces
import OCI
internal import Text

/// The container's view of the filesystem, built by its init process in a mount namespace of its own. Every target is
/// found by openat2 inside the root, as a handle, and mounted on by that handle: whatever links an image or a racing
/// container holds, nothing lands outside (CVE-2021-30465, CVE-2019-19921, CVE-2024-45310).
struct RootFilesystem: ~Copyable {
    let spec: RuntimeSpec
    let bundle: String
    let path: String
    let plan: NamespacePlan
    /// The container's cgroup directory, for a container without a cgroup namespace.
    let cgroupDirectory: String?
    /// The numbers of descriptors of mounts of procfs made before, by destination.
    let procMounts: [String: Int32]
    /// The new root.
    let root: FileDescriptor

    /// Separates propagation and makes the root a mount.
    init(
        spec: RuntimeSpec, bundle: String, path: String, plan: NamespacePlan, cgroupDirectory: String?,
        procMounts: [String: Int32]
    ) throws {
        self.spec = spec
        self.bundle = bundle
        self.path = path
        self.plan = plan
        self.cgroupDirectory = cgroupDirectory
        self.procMounts = procMounts
        // Before anything is mounted: nothing of it may reach the host.
        if Self.isShared(spec.linux.rootfsPropagation) {
            // The tree stays shared for volumes that are to propagate both ways; only the mount that holds the root is
            // cut off, because pivot_root(2) refuses a shared parent.
            let id = try Files.status(path).mountID
            guard let parent = try MountInfo.read().first(where: { UInt64($0.id) == id }) else {
                throw RuntimeError("root filesystem \(path)", "its mount is not in mountinfo")
            }
            try Mounts.setPropagation(parent.mountPoint, .private, recursive: false)
        } else {
            try Mounts.setPropagation("/", .slave, recursive: true)
        }
        let tree = try DetachedMount.clone(of: path, recursive: true)
        try tree.attach(at: path)
        root = try FileDescriptor.handle(path, directory: true)
    }

    static func isShared(_ propagation: String?) -> Bool { propagation == "shared" || propagation == "rshared" }

    /// Whether /dev is the container's own, to be filled; a /dev bound from elsewhere is left alone.
    var fillsDev: Bool {
        !spec.mounts.contains {
            Self.normal($0.destination) == "/dev" && ($0.type == "bind" || MountOptions($0.options).isBind)
        }
    }

    static func normal(_ path: String) -> String { "/" + path.steps.joined(separator: "/") }

    /// Mounts, devices and links; the root is still reached by its path on the host.
    borrowing func build() throws {
        for mount in spec.mounts {
            try during("mount \(mount.destination)") { try self.mount(mount) }
        }
        if fillsDev {
            try DefaultDevices.make(in: root, spec.linux.devices, hasUserNamespace: plan.has(.user))
            try makeDevReadOnly()
        }
        if let directory = spec.process?.workingDirectory, directory != "/" {
            // As other runtimes do; on a read-only root it can only be there already.
            do { _ = try root.makeDirectories(below: directory) } catch {
                guard error.code == EROFS || error.code == ENOTDIR || error.code == EACCES else { throw error }
            }
        }
    }

    /// A /dev that was asked read-only was writable until its nodes were made.
    private borrowing func makeDevReadOnly() throws {
        for mount in spec.mounts where Self.normal(mount.destination) == "/dev" {
            if MountOptions(mount.options).flags.contains(.readOnly) {
                try Mounts.setAttributes(of: root.handle(below: "/dev"), set: .readOnly)
            }
        }
    }

    /// Makes the root "/" and protects what is to be. Only the container's own filesystem is visible afterwards.
    borrowing func enter() throws {
        try Mounts.pivotRoot(to: path)
        if let propagation = spec.linux.rootfsPropagation {
            let options = MountOptions([propagation])
            guard let kind = options.propagation.first else {
                throw RuntimeError("linux.rootfsPropagation", "unknown value \(propagation)")
            }
            try Mounts.setPropagation("/", kind.kind, recursive: kind.recursive)
        }
    }

    /// After sysctls are written: they need a writable /proc/sys. Every path is found without a link, covered by handle, and
    /// looked at again: what an image or another container has put there gets no mask to show (CVE-2025-31133) and no
    /// path to escape from one (CVE-2025-52881).
    borrowing func protect() throws {
        let top = try FileDescriptor.handle("/", directory: true)
        for path in spec.linux.readonlyPaths {
            try during("make \(path) read-only") { try self.makeReadOnly(path, top) }
        }
        for path in spec.linux.maskedPaths {
            try during("mask \(path)") { try self.mask(path, top) }
        }
        if spec.root.readOnly {
            try during("make the root read-only") { try Mounts.setAttributes(of: top, set: .readOnly) }
        }
    }

    /// A handle of `path`; nil when nothing is there.
    private borrowing func find(_ path: String, _ top: borrowing FileDescriptor) throws -> FileDescriptor? {
        do {
            return try top.open(
                below: String(Self.normal(path).dropFirst()), Int32(CLINUX_O_PATH), resolve: [.beneath, .noSymlinks])
        } catch {
            if error.isNotFound { return nil }
            if error.code == ELOOP { throw RuntimeError(path, "is a link, or behind one") }
            throw error
        }
    }

    /// Mounts `tree` on `target` and makes sure that it is what `path` leads to.
    private borrowing func cover(
        _ path: String, _ target: borrowing FileDescriptor, by tree: consuming DetachedMount,
        _ top: borrowing FileDescriptor
    ) throws {
        try tree.attach(at: target)
        let wanted = try tree.descriptor.status().mountID
        guard let found = try find(path, top), try found.status().mountID == wanted else {
            throw RuntimeError(path, "leads elsewhere than a moment ago")
        }
    }

    private borrowing func makeReadOnly(_ path: String, _ top: borrowing FileDescriptor) throws {
        guard let target = try find(path, top) else { return }
        let tree = try DetachedMount.clone(of: target, recursive: true)
        try tree.setAttributes(set: .readOnly, recursive: true)
        try cover(path, target, by: tree, top)
    }

    private borrowing func mask(_ path: String, _ top: borrowing FileDescriptor) throws {
        guard let target = try find(path, top) else { return }
        guard try target.status().kind == .directory else {
            return try cover(path, target, by: nullMount(), top)
        }
        let empty = try DetachedMount.make(
            "tmpfs", source: "tmpfs", options: ["size=0k", "nr_inodes=2"],
            attributes: [.readOnly, .noSetuid, .noDevices, .noExecute])
        try cover(path, target, by: empty, top)
    }

    /// A copy of the container's null device, checked to be it: an image, or a container racing with this one, could
    /// have put anything there to be shown, or written to, under the masked name (CVE-2025-31133).
    private borrowing func nullMount() throws -> DetachedMount {
        let null = try FileDescriptor.handle("/dev/null", followLast: false)
        let status = try null.status()
        guard status.kind == .characterDevice, status.node == DeviceNumber(major: 1, minor: 3) else {
            throw RuntimeError("/dev/null", "is not the null device")
        }
        return try DetachedMount.clone(of: null, recursive: false)
    }
}
