// SPDX-License-Identifier: Apache-2.0

import Linux
import Testing

@Suite struct `How far an address reaches` {
    @Test(arguments: [
        ("10.0.0.1", AddressReach.global), ("192.168.1.1", .global), ("8.8.8.8", .global), ("100.64.0.1", .global),
        ("0.0.0.0", .unspecified), ("0.1.2.3", .unspecified), ("127.0.0.1", .loopback), ("127.255.0.9", .loopback),
        ("169.254.169.254", .linkLocal), ("224.0.0.1", .multicast), ("239.255.255.250", .multicast),
        ("255.255.255.255", .broadcast), ("255.255.255.254", .global),
        ("::", .unspecified), ("::1", .loopback), ("::2", .unspecified), ("fe80::1", .linkLocal),
        ("febf::1", .linkLocal), ("fec0::1", .global), ("ff02::1", .multicast), ("fd00::1", .global),
        // Where clouds tell machines their secrets, and their neighbours.
        ("168.63.129.16", .linkLocal), ("168.63.129.17", .global), ("100.100.100.200", .linkLocal),
        ("100.100.100.100", .global), ("fd00:ec2::254", .linkLocal), ("fd00:ec2::23", .linkLocal),
        ("fd00:ec3::254", .global), ("fd20:ce::254", .linkLocal), ("fd20:ce::253", .global),
        ("fd00:c1::a9fe:a9fe", .linkLocal), ("fd00:c1::1", .global), ("::ffff:168.63.129.16", .linkLocal),
        ("64:ff9b::6464:64c8", .linkLocal), ("2002:a83f:8110::1", .linkLocal),
        ("fd01::5efe:168.63.129.16", .linkLocal),
        ("2001:db8::1", .global), ("2606:4700::7f00:1", .global),
    ])
    func `is that of its range`(_ text: String, _ reach: AddressReach) throws {
        #expect(try #require(SocketAddress(host: text, port: 1)).reach == reach)
    }

    /// Ways to write an IPv4 address in IPv6, from its four bytes in hexadecimal.
    private static let forms: [@Sendable ([UInt8]) -> String] = [
        { "::ffff:\($0[0]).\($0[1]).\($0[2]).\($0[3])" }, { "::ffff:\(high($0)):\(low($0))" },
        { "0:0:0:0:0:ffff:\(high($0)):\(low($0))" }, { "::ffff:0:\(high($0)):\(low($0))" },
        { "::\($0[0]).\($0[1]).\($0[2]).\($0[3])" }, { "64:ff9b::\(high($0)):\(low($0))" },
        { "64:ff9b:1::\(high($0)):\(low($0))" }, { "64:ff9b:1:\(high($0)):\(hex($0[2])):\(hex($0[3]))00::" },
        { "2002:\(high($0)):\(low($0))::1" }, { "2001:0:\(high($0)):\(low($0))::f5ff:fffe" },
        { "2001:0:a00:1::\(high($0.map { ~$0 })):\(low($0.map { ~$0 }))" },
        { "fd00::5efe:\(high($0)):\(low($0))" }, { "2001:db8::200:5efe:\(high($0)):\(low($0))" },
    ]
    private static func hex(_ byte: UInt8) -> String { String(byte, radix: 16) }
    private static func high(_ bytes: [UInt8]) -> String { String(Int(bytes[0]) << 8 | Int(bytes[1]), radix: 16) }
    private static func low(_ bytes: [UInt8]) -> String { String(Int(bytes[2]) << 8 | Int(bytes[3]), radix: 16) }

    @Test(
        arguments: [
            ([10, 0, 0, 1], AddressReach.global), ([127, 0, 0, 1], .loopback), ([127, 8, 9, 10], .loopback),
            ([169, 254, 169, 254], .linkLocal), ([224, 0, 0, 251], .multicast), ([255, 255, 255, 255], .broadcast),
        ] as [([UInt8], AddressReach)])
    func `of IPv6 is no further than that of the IPv4 address in it`(_ bytes: [UInt8], _ reach: AddressReach) throws {
        for form in Self.forms {
            let text = form(bytes)
            let address = try #require(SocketAddress(host: text, port: 1), "\(text)")
            #expect(address.reach == reach, "\(text)")
        }
    }

    @Test func `of the unspecified address is none in IPv6 either`() throws {
        for text in ["::ffff:0.0.0.0", "::ffff:0:0.0.0.0", "64:ff9b::0.0.0.0", "2002::1"] {
            #expect(try #require(SocketAddress(host: text, port: 1)).reach == .unspecified, "\(text)")
        }
        #expect(SocketAddress.unix("/run/x.sock").reach == nil)
    }
}
