// SPDX-License-Identifier: Apache-2.0

import Numbers
import Testing

@Suite struct NumbersTests {
    @Test func `a number is read only within its range, and only from digits`() {
        #expect(Int("0", in: 0...10) == 0)
        #expect(Int("10", in: 0...10) == 10)
        #expect(Int("-5", in: -5...5) == -5)
        #expect(UInt16("65535", in: 1...65535) == 65535)
        #expect(Int64("-9223372036854775808", in: .min ... .max) == .min)
        #expect(Int64("9223372036854775807", in: .min ... .max) == .max)
        for text in ["", "-", "+1", " 1", "1 ", "1_0", "0x1", "1.0", "1e1", "11", "-1", "٣", "99999999999999999999999"]
        {
            #expect(Int(text, in: 0...10) == nil, "\(text)")
        }
        #expect(Int64("9223372036854775808", in: .min ... .max) == nil)
        #expect(Int64("-9223372036854775809", in: .min ... .max) == nil)
        #expect(UInt8("256", in: 0 ... .max) == nil)
    }

    @Test func `arithmetic with what others chose is held at the bounds`() {
        #expect(Int64.max.saturatingSum(1) == .max)
        #expect(Int64.min.saturatingSum(-1) == .min)
        #expect(Int64(3).saturatingSum(4) == 7)
        #expect(Int64.min.saturatingDifference(1) == .min)
        #expect(Int64(0).saturatingDifference(.min) == .max)
        #expect(UInt64(3).saturatingDifference(4) == 0)
        #expect(Int64.max.saturatingProduct(2) == .max)
        #expect(Int64.max.saturatingProduct(-2) == .min)
        #expect(Int64.min.saturatingProduct(-1) == .max)
        #expect([Int64.max, .max, -1].saturatingSum() == Int64.max - 1)
        #expect(Int64(saturating: 1e300) == .max)
        #expect(Int64(saturating: -.infinity) == .min)
        #expect(Int64(saturating: .nan) == 0)
        #expect(Int32(saturating: 2.5) == 3)
    }

    @Test func `no user and no group has the number that means no change`() {
        #expect(UserID(UInt32.max) == nil)
        #expect(UserID(-1) == nil)
        #expect(UserID(Int64(1) << 32) == nil)
        #expect(UserID("4294967295") == nil)
        #expect(UserID("4294967296") == nil)
        #expect(UserID("-1") == nil)
        #expect(GroupID("4294967295") == nil)
        #expect(GroupID(UInt64.max) == nil)
        #expect(UserID("4294967294")?.number == 4_294_967_294)
        #expect(UserID("0") == .root)
        #expect(GroupID(33)?.number == 33)
    }
}
