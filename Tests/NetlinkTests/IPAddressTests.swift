// SPDX-License-Identifier: Apache-2.0

import Netlink
import Testing

struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", "0.0.0.0"), ("10.42.0.1", "10.42.0.1"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"), ("fd42:0:0:0:0:0:0:1", "fd42::1"), ("2001:DB8::0:1", "2001:db8::1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("1:2:3:4:5:6:10.0.0.1", "1:2:3:4:5:6:a00:1"), ("0:0:1::", "0:0:1::"),
    ])
    func `an address is read and printed in its shortest form`(_ text: String, _ expected: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == expected)
        #expect(IPAddress(bytes: address.bytes) == address)
        #expect(IPAddress(expected) == address)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.-4", "1.2.3.4 ", ":", ":::", "1::2::3", "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::", "1:2:3:4:5:6:7::8", "::1.2.3", "+1::", "1.2.3.4::",
    ])
    func `what is no address is refused`(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test func `a prefix masks and contains`() throws {
        let prefix = try #require(IPPrefix("10.42.3.7/23"))
        #expect(prefix.network.description == "10.42.2.0")
        #expect(prefix.contains(IPAddress(10, 42, 3, 255)))
        #expect(!prefix.contains(IPAddress(10, 42, 4, 0)))
        #expect(!prefix.contains(IPAddress("::1")!))
        #expect(prefix.canonical.description == "10.42.2.0/23")
        let wide = try #require(IPPrefix("fd42:1:2:3:4::/72"))
        #expect(wide.contains(IPAddress("fd42:1:2:3:ff00::1")!) == false)
        #expect(wide.contains(IPAddress("fd42:1:2:3:4:9::")!))
        #expect(IPPrefix("0.0.0.0/0")!.contains(IPAddress(9, 9, 9, 9)))
        #expect(IPPrefix("10.0.0.0/33") == nil)
        #expect(IPPrefix("10.0.0.0") == nil)
    }

    @Test func `advancing carries over words`() throws {
        #expect(IPAddress("fd42::ffff:ffff:ffff:ffff")!.advanced(by: 1).description == "fd42:0:0:1::")
        #expect(IPAddress(10, 0, 0, 255).advanced(by: 2).description == "10.0.1.1")
    }
}
