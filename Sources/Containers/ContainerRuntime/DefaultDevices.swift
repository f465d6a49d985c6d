// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import OCI

/// The devices and links that every container has.
enum DefaultDevices {
    static let all: [LinuxSpec.Device] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ].map {
        LinuxSpec.Device(
            path: "/dev/\($0.0)", kind: .character, major: $0.1, minor: $0.2, mode: 0o666, user: 0, group: 0)
    }

    static let links = [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
    ]

    static func make(
        in root: borrowing FileDescriptor, _ given: [LinuxSpec.Device], hasUserNamespace: Bool
    ) throws {
        let named = Set(given.map { RootFilesystem.normal($0.path) })
        for device in all.filter({ !named.contains($0.path) }) + given {
            try during("device \(device.path)") {
                try make(device, in: root, hasUserNamespace: hasUserNamespace)
            }
        }
        let dev = try root.makeDirectories(below: "/dev")
        let number = dev.raw
        for (name, target) in links {
            do { try systemCall("symlink /dev/\(name)") { symlinkat(target, number, name) } } catch {
                guard error.isExists else { throw error }
                // What an image put there must be the same link; ptmx may be the device.
                if name != "ptmx" {
                    let found = try? Files.readLink(name, at: number)
                    if found != target { throw RuntimeError("/dev/\(name)", "exists and is not a link to \(target)") }
                }
            }
        }
    }

    private static func make(
        _ device: LinuxSpec.Device, in root: borrowing FileDescriptor, hasUserNamespace: Bool
    ) throws {
        let path = RootFilesystem.normal(device.path)
        let parent = try root.makeDirectories(below: Files.parent(of: path))
        let (number, name) = (parent.raw, Files.name(of: path))
        if hasUserNamespace {
            try bind(path, name, into: parent)
            return
        }
        let type: UInt32 =
            switch device.kind {
            case .block: 0o060000
            case .character: 0o020000
            case .fifo: 0o010000
            }
        do {
            try kernelCall("mknod") { clinux_mknodat(number, name, type | device.mode, device.major, device.minor) }
        } catch {
            if error.code == EPERM { return try bind(path, name, into: parent) }
            guard error.isExists else { throw error }
            let status = try Files.status(name, followLast: false, at: number)
            let same = status.node == DeviceNumber(major: device.major, minor: device.minor)
            let kinds: [LinuxSpec.Device.Kind: FileKind] = [
                .block: .blockDevice, .character: .characterDevice, .fifo: .fifo,
            ]
            guard status.kind == kinds[device.kind], same || device.kind == .fifo else {
                throw RuntimeError(path, "exists and is another object")
            }
        }
        if device.user != 0 || device.group != 0 {
            try systemCall("chown") { fchownat(number, name, device.user, device.group, AT_SYMLINK_NOFOLLOW) }
        }
    }

    /// The host's node, where making one is not allowed.
    private static func bind(_ path: String, _ name: String, into parent: borrowing FileDescriptor) throws {
        let source = try DetachedMount.clone(of: path, recursive: false, followLast: false)
        let target: FileDescriptor
        do {
            target = try parent.open(
                below: name, O_CREAT | O_EXCL | O_RDONLY | O_NOFOLLOW, mode: 0o666, resolve: [.beneath, .noSymlinks])
        } catch {
            guard error.isExists else { throw error }
            target = try parent.open(
                below: name, Int32(CLINUX_O_PATH) | O_NOFOLLOW, resolve: [.beneath, .noSymlinks])
        }
        try source.attach(at: target)
    }
}
