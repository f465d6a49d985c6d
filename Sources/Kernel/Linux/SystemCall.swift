// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The funnel for libc functions that return -1 and set errno: reads errno at once, retries EINTR, names the call.
@discardableResult
@inlinable
public func systemCall<Result: FixedWidthInteger & SignedInteger>(
    _ call: @autoclosure () -> String, _ body: () -> Result
) throws(Errno) -> Result {
    while true {
        let result = body()
        if result != -1 { return result }
        let code = currentErrno()
        if code != interruptedCode { throw Errno(code, call()) }
    }
}

/// The funnel for `CLinux` routines, which return a value >= 0 or -errno; retries EINTR, names the call.
@discardableResult
@inlinable
public func kernelCall<Result: FixedWidthInteger & SignedInteger>(
    _ call: @autoclosure () -> String, _ body: () -> Result
) throws(Errno) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = Int32(truncatingIfNeeded: 0 - result)
        if code != interruptedCode { throw Errno(code, call()) }
    }
}

@usableFromInline
func currentErrno() -> Int32 { errno }

@usableFromInline
var interruptedCode: Int32 { EINTR }
