// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing

struct NetlinkMessageTests {
    @Test func `a veth request has the bytes the kernel expects`() {
        let message = NetlinkMessage.addVeth(LinkChange(name: "v0", up: true), peer: LinkChange(name: "eth0"))
        let body = Array(message.bytes.dropFirst(16))
        let expected: [UInt8] =
            [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]  // ifinfomsg: index 0, IFF_UP, change IFF_UP
            + [7, 0, 3, 0] + Array("v0".utf8) + [0, 0]  // IFLA_IFNAME, padded
            + [52, 0, 18, 0x80]  // IFLA_LINKINFO, nested
            + [9, 0, 1, 0] + Array("veth".utf8) + [0, 0, 0, 0]  // IFLA_INFO_KIND, padded
            + [36, 0, 2, 0x80]  // IFLA_INFO_DATA
            + [32, 0, 1, 0x80] + [UInt8](repeating: 0, count: 16)  // VETH_INFO_PEER, its ifinfomsg
            + [9, 0, 3, 0] + Array("eth0".utf8) + [0, 0, 0, 0]  // IFLA_IFNAME of the peer
        #expect(body == expected)
        #expect(message.type == 16)
    }

    @Test func `an address request has the bytes the kernel expects`() {
        let message = NetlinkMessage.addAddress(IPPrefix("10.42.0.5/32")!, link: 3, routed: false)
        let expected: [UInt8] =
            [2, 32, 0, 0, 3, 0, 0, 0]  // ifaddrmsg: AF_INET, prefix, flags, scope, index
            + [8, 0, 2, 0, 10, 42, 0, 5]  // IFA_LOCAL
            + [8, 0, 1, 0, 10, 42, 0, 5]  // IFA_ADDRESS
            + [8, 0, 8, 0, 0, 2, 0, 0]  // IFA_FLAGS: IFA_F_NOPREFIXROUTE
        #expect(Array(message.bytes.dropFirst(16)) == expected)
    }

    @Test func `attributes end at a length that does not fit`() {
        let bytes: [UInt8] = [5, 0, 1, 0, 42, 0, 0, 0, 200, 0, 2, 0, 1, 2, 3, 4]
        let attributes = Array(NetlinkAttributes(bytes[...]))
        #expect(attributes.count == 1)
        #expect(attributes.first?.payload.first == 42)
        #expect(Array(NetlinkAttributes([3, 0, 1, 0][...])).isEmpty)
    }

    @Test func `an error names the operation, the reason and the kernel's words`() {
        let plain = NetlinkError(17, "add bridge swiftlet0")
        #expect(plain.description == "add bridge swiftlet0: file exists")
        let told = NetlinkError(22, "add route default", kernelMessage: "Nexthop has invalid gateway")
        #expect(told.description == "add route default: invalid argument (kernel: Nexthop has invalid gateway)")
    }
}
