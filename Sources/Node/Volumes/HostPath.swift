// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import KubeAPI
internal import Linux
internal import Text

/// `hostPath`: what is at the path must be what the type says, and is made where the type says so.
enum HostPath {
    static func check(_ source: HostPathVolumeSource, volume: String) throws -> MountedVolume {
        let path = source.path
        guard path.hasExactPrefix("/"), !path.steps.contains("..") else {
            throw MountFailure(.refused, volume: volume, "hostPath \(path) must be absolute and hold no ..")
        }
        let type = source.type ?? ""
        let found = try Files.statusIfPresent(path)
        func require(_ kind: FileKind, _ words: String) throws {
            guard found?.kind == kind else {
                throw MountFailure(volume: volume, "hostPath type check failed: \(path) is not a \(words)")
            }
        }
        switch type {
        case "": break
        case "DirectoryOrCreate":
            if found == nil {
                try Files.makeDirectories(path, mode: 0o755)
            } else {
                try require(.directory, "directory")
            }
        case "Directory": try require(.directory, "directory")
        case "FileOrCreate":
            if found == nil {
                try FileDescriptor.open(path, O_CREAT | O_EXCL | O_WRONLY, mode: 0o644).setPermissions(0o644)
            } else {
                try require(.regular, "file")
            }
        case "File": try require(.regular, "file")
        case "Socket": try require(.socket, "socket file")
        case "CharDevice": try require(.characterDevice, "character device")
        case "BlockDevice": try require(.blockDevice, "block device")
        default: throw MountFailure(.refused, volume: volume, "hostPath type \(type) is unknown")
        }
        return MountedVolume(path: path)
    }
}
