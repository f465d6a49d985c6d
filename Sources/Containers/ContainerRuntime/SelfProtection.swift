// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import Processes

/// Keeps a container from writing the runtime's program through /proc/PID/exe, while a process of the runtime is in the
/// container's reach or the container's program is `/proc/self/exe` (CVE-2019-5736).
public enum SelfProtection {
    /// Starts this program again from a copy of its mount that is read-only and at no place: no right inside a container
    /// makes it writable. Where that mount cannot be made, a sealed copy in memory serves. Returns when this process is
    /// such a copy already, as it is when `CProtectedStart` could do the same before libc and the Swift runtime started:
    /// a whole start of both is saved.
    public static func ensure(arguments: [String]) throws {
        if try isProtected() { return }
        let environment = processEnvironment()
        do throws(Errno) {
            let mount = try DetachedMount.clone(of: "/proc/self/exe", recursive: false)
            try mount.setAttributes(set: .readOnly)
            throw execute(mount.descriptor, arguments: arguments, environment: environment)
        } catch {
            guard error.isPermission || error.isUnsupported || error.code == EINVAL else { throw error }
        }
        let copy = try sealedCopy()
        throw execute(copy, arguments: arguments, environment: environment)
    }

    private static func isProtected() throws -> Bool {
        var status = statvfs()
        try systemCall("statvfs /proc/self/exe") { statvfs("/proc/self/exe", &status) }
        if status.f_flag & 1 != 0 { return true }  // ST_RDONLY
        let program = try FileDescriptor.open("/proc/self/exe", O_RDONLY)
        let number = program.raw
        let seals = fcntl(number, 1034)  // F_GET_SEALS; not a memory file: EINVAL
        return seals > 0 && seals & 0x8 != 0  // F_SEAL_WRITE
    }

    private static func sealedCopy() throws -> FileDescriptor {
        let program = try FileDescriptor.open("/proc/self/exe", O_RDONLY)
        let copy = try FileDescriptor.memoryFile("swiftlet-oci", executable: true)
        let (from, to) = (program.raw, copy.raw)
        while true {
            let count = try systemCall("copy the program") { sendfile(to, from, nil, 1 << 30) }
            if count == 0 { break }
        }
        try copy.seal()
        return copy
    }

    /// Marks every descriptor from `first` on close-on-exec: what the caller leaked must not reach a container.
    public static func closeOnExec(from first: Int32) throws {
        try kernelCall("close_range") { clinux_close_range(UInt32(first), .max, Int32(CLINUX_CLOSE_RANGE_CLOEXEC)) }
    }
}
