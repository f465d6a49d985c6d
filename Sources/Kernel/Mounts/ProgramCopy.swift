// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// This process's program, to be executed where containers can reach the process: nothing that is done through
/// /proc/PID/exe, with whatever rights, changes the file on the host (CVE-2019-5736).
public enum ProgramCopy {
    /// The program on a copy of its mount that is read-only and at no place. Where that cannot be made, a sealed copy in
    /// memory.
    public static func open() throws(Errno) -> FileDescriptor {
        do throws(Errno) {
            let mount = try DetachedMount.clone(of: "/proc/self/exe", recursive: false)
            try mount.setAttributes(set: .readOnly)
            return mount.intoDescriptor()
        } catch {
            guard error.isPermission || error.isUnsupported || error.code == EINVAL else { throw error }
        }
        return try sealed()
    }

    /// Whether this process already runs such a copy.
    public static func isRunning() throws(Errno) -> Bool {
        var status = statvfs()
        try systemCall("statvfs /proc/self/exe") { unsafe statvfs("/proc/self/exe", &status) }
        if status.f_flag & 1 != 0 { return true }  // ST_RDONLY
        let program = try FileDescriptor.open("/proc/self/exe", O_RDONLY)
        let number = program.raw
        let seals = fcntl(number, 1034)  // F_GET_SEALS; not a memory file: EINVAL
        return seals > 0 && seals & 0x8 != 0  // F_SEAL_WRITE
    }

    private static func sealed() throws(Errno) -> FileDescriptor {
        let program = try FileDescriptor.open("/proc/self/exe", O_RDONLY)
        let copy = try FileDescriptor.memoryFile("swiftlet", executable: true)
        let (from, to) = (program.raw, copy.raw)
        while true {
            let count = try systemCall("copy the program") { sendfile(to, from, nil, 1 << 30) }
            if count == 0 { break }
        }
        try copy.seal()
        return copy
    }
}

extension DetachedMount {
    /// Gives the descriptor away; the mount goes with it.
    public consuming func intoDescriptor() -> FileDescriptor { descriptor }
}
