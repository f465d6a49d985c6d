// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Linux
import Mounts
import Processes

/// Keeps a container from writing the runtime's program through /proc/PID/exe, while a process of the runtime is in the
/// container's reach or the container's program is `/proc/self/exe` (CVE-2019-5736).
public enum SelfProtection {
    /// Starts this program again from a copy that nobody can write. Returns when this process is such a copy already, as
    /// it is when `CProtectedStart` could do the same before libc and the Swift runtime started: a whole start of both is
    /// saved.
    public static func ensure(arguments: [String]) throws {
        if try ProgramCopy.isRunning() { return }
        throw execute(try ProgramCopy.open(), arguments: arguments, environment: processEnvironment())
    }

    /// Marks every descriptor from `first` on close-on-exec: what the caller leaked must not reach a container.
    public static func closeOnExec(from first: Int32) throws {
        try kernelCall("close_range") { clinux_close_range(UInt32(first), .max, Int32(CLINUX_CLOSE_RANGE_CLOEXEC)) }
    }
}
