// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// Replaces this process's program by `executable` (execve(2)). Returns only when that failed: why.
@discardableResult
public func execute(
    _ executable: String, arguments: [String], environment: [String]
) -> Errno {
    let argv = CStrings(arguments)
    let envp = CStrings(environment)
    unsafe execve(executable, argv.pointers, envp.pointers)
    let code = errno
    withExtendedLifetime((argv, envp)) {}
    return Errno(code, "execve \(executable)")
}

/// As above, of an open file: what it names cannot be exchanged in between.
public func execute(
    _ executable: borrowing FileDescriptor, arguments: [String], environment: [String]
) -> Errno {
    let argv = CStrings(arguments)
    let envp = CStrings(environment)
    let code = unsafe clinux_execveat(
        executable.raw, "", argv.pointers, envp.pointers, Int32(CLINUX_AT_EMPTY_PATH))
    withExtendedLifetime((argv, envp)) {}
    return Errno(-code, "execveat")
}

/// The environment of this process as `NAME=value` strings.
public func processEnvironment() -> [String] {
    var result: [String] = []
    guard var next = unsafe clinux_environment() else { return [] }
    while let entry = unsafe next.pointee {
        result.append(unsafe String(cString: entry))
        unsafe next += 1
    }
    return result
}
