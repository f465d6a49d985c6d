// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux

/// Tells when addresses of a network namespace's interfaces come or go (rtnetlink(7), RTMGRP_IPV4_IFADDR and
/// RTMGRP_IPV6_IFADDR): that, and not which. They are read when it is readable.
public struct AddressChanges: ~Copyable, Sendable {
    /// Readable once something has changed since `take`; never to be read elsewhere.
    public let descriptor: FileDescriptor

    public init(in namespace: borrowing NetworkNamespace) throws(Errno) {
        let descriptor = try namespace.socket(
            domain: AF_NETLINK, type: Int32(SOCK_RAW.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            protocol: NetlinkProtocol.route.rawValue)
        // sockaddr_nl: the family, a pad, an id that the kernel chooses, and the groups.
        let groups: UInt32 = 0x10 | 0x100
        var address = [UInt32](repeating: 0, count: 3)
        address[0] = UInt32(littleEndian: UInt32(AF_NETLINK))
        address[2] = groups
        let number = descriptor.raw
        try systemCall("bind a netlink socket") {
            unsafe address.withUnsafeBytes {
                unsafe bind(number, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), 12)
            }
        }
        self.descriptor = descriptor
    }

    /// Forgets what it has told of.
    public func take() throws(Errno) {
        var bytes = [UInt8](repeating: 0, count: 32 * 1024)
        while true {
            let number = descriptor.raw
            do throws(Errno) {
                let count = try systemCall("receive from netlink") {
                    unsafe bytes.withUnsafeMutableBytes { unsafe recv(number, $0.baseAddress, $0.count, 0) }
                }
                if count == 0 { return }
            } catch {
                if error.isWouldBlock { return }
                // ENOBUFS: more came than there was room for, which is a change as well.
                if error.code != ENOBUFS { throw error }
            }
        }
    }
}
