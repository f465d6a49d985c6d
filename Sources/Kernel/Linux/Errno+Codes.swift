// SPDX-License-Identifier: Apache-2.0

internal import Glibc

extension Errno {
    /// EAGAIN: a non-blocking call had nothing to do.
    public var isWouldBlock: Bool { code == EAGAIN }
    /// ENOENT or ENOTDIR: no such object.
    public var isNotFound: Bool { code == ENOENT || code == ENOTDIR }
    /// EEXIST.
    public var isExists: Bool { code == EEXIST }
    /// EPERM or EACCES.
    public var isPermission: Bool { code == EPERM || code == EACCES }
    /// ENOSYS, EOPNOTSUPP or EINVAL of a call this kernel may not know.
    public var isUnsupported: Bool { code == ENOSYS || code == EOPNOTSUPP }
    /// ESRCH: no such process.
    public var isNoProcess: Bool { code == ESRCH }
    /// EINPROGRESS of a non-blocking connect.
    public var isInProgress: Bool { code == EINPROGRESS }

    /// The same failure, said of another attempt.
    public func during(_ call: String) -> Errno { Errno(code, call) }
}
