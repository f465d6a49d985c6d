// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Linux

/// A refusal by the kernel: what was asked, the error number, and the kernel's own sentence where it gave one.
public struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The positive error number.
    public var code: Int32
    /// What was attempted on what: `add link swiftlet0`.
    public var operation: String
    /// The text of the extended acknowledgement (NLMSGERR_ATTR_MSG).
    public var kernelMessage: String?
    /// Where in the request the kernel saw the fault (NLMSGERR_ATTR_OFFS).
    public var offset: UInt32?
    /// Which of several messages sent together was refused.
    public var index: Int

    public init(_ code: Int32, _ operation: String, kernelMessage: String? = nil, offset: UInt32? = nil, index: Int = 0)
    {
        self.code = code
        self.operation = operation
        self.kernelMessage = kernelMessage
        self.offset = offset
        self.index = index
    }

    init(_ error: Errno, _ operation: String) { self.init(error.code, "\(operation): \(error.call)") }

    /// `add link swiftlet0: operation not permitted (kernel: …)`.
    public var description: String {
        let reason = Errno(code, operation).description
        guard let kernelMessage else { return reason }
        return "\(reason) (kernel: \(kernelMessage))"
    }

    public var exists: Bool { code == EEXIST }
    /// The object, or the one it hangs on, is not there.
    public var isMissing: Bool { code == ENOENT || code == ENODEV || code == ESRCH || code == EADDRNOTAVAIL }

    /// Reads an NLMSG_ERROR: nil for an acknowledgement.
    init?(reply: NetlinkReply, operation: String, index: Int) {
        guard reply.payload.count >= 4 else { return nil }
        let status: Int32 = reply.payload.integer(at: 0)
        guard status != 0 else { return nil }
        self.init(-status, operation, index: index)
        guard reply.flags.contains(.attributes), reply.payload.count >= 20 else { return }
        // The request's header follows the status; its body too unless the kernel capped the answer.
        let echoed = Int(reply.payload.integer(at: 4) as UInt32)
        let skipped = 4 + (reply.flags.contains(.capped) ? NetlinkMessage.headerLength : (echoed + 3) & ~3)
        let attributes = NetlinkAttributes(reply.payload.dropFirst(skipped))
        kernelMessage = attributes[1]?.terminatedString
        offset = attributes[2]?.integer()
    }
}
