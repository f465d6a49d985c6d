// SPDX-License-Identifier: Apache-2.0

import KubeAPI
import Testing

@Suite struct `Quantities` {
    @Test(arguments: [
        ("0", "0"), ("0.0", "0"), ("-0", "0"), ("1", "1"), ("1000m", "1"), ("1500m", "1500m"), ("0.5", "500m"),
        ("0.001", "1m"), ("1.5k", "1500"), ("1000", "1k"), ("1024", "1024"), ("1024Ki", "1Mi"), ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"), ("0.5Mi", "512Ki"), ("1e3", "1e3"), ("1E3", "1e3"), ("12E6", "12e6"), ("1e-3", "1e-3"),
        ("100Mi", "100Mi"), ("110", "110"), ("3.14159", "3141590u"), ("0.000000001", "1n"), ("0.0000000001", "1n"),
        ("-1.5", "-1500m"), ("+5", "5"), ("1000000000000000000", "1E"), ("1E", "1E"), ("9Ei", "9223372036854775807"),
        ("0.1Ki", "102400m"), (".5", "500m"), ("5.", "5"), ("1023Ki", "1023Ki"), ("2000Ki", "2000Ki"), ("10e1", "100"),
        ("1.1Ki", "1126400m"), ("-1.1Ki", "-1126400m"), ("1.1Gi", "1181116006400m"),
        (".00000001Pi", "11258999068426240n"),
        ("1.0001Gi", "1073849198182400u"), ("1000.5Ki", "1024512"), ("0.0000000000001Ei", "115292150460685n"),
    ])
    func `have one canonical form`(text: String, canonical: String) throws {
        let quantity = try Quantity(parsing: text)
        #expect(quantity.description == canonical)
        #expect(try Quantity(parsing: canonical) == quantity)
    }

    @Test(arguments: [
        ("", QuantityError.format), ("1 Gi", .format), ("abc", .format), ("1.1.1", .format),
        ("1Kk", .suffix), ("1mi", .suffix), ("1i", .suffix), ("1e", .suffix), ("1GiB", .format),
    ])
    func `refuse other texts`(text: String, error: QuantityError) {
        #expect(throws: error) { try Quantity(parsing: text) }
    }

    @Test(arguments: [
        ("99999999999999999999999999999999999999", "100000000000E"), ("1e2147483647", "100e27"),

        ("-1e2147483647", "-100e27"),
        ("9e37", "100e27"),
        ("0.00000000000000000000000000000000000000001", "1n"), ("1e-2147483648", "1e-9"),

        ("1.000000000000000000000000000001Ei", "1152921504606846976000000001n"),
        ("999999999999999999999999999999Ei", "9223372036854775807"),
    ])
    func `hold amounts beyond their bounds at the bounds`(text: String, shown: String) throws {
        let quantity = try Quantity(parsing: text)
        #expect((quantity + quantity).isNegative == quantity.isNegative)
        #expect((quantity - quantity).isZero)
        #expect(quantity.description == shown)
    }

    @Test func `compare and add exactly`() throws {
        #expect(try Quantity(parsing: "1Gi") > Quantity(parsing: "1G"))
        #expect(try Quantity(parsing: "1000m") == Quantity(1))
        var sum = Quantity.zero
        for _ in 0..<10 { sum += try Quantity(parsing: "100m") }
        #expect(sum == 1)
        #expect(try (Quantity(parsing: "1Gi") + Quantity(parsing: "1Mi")).description == "1025Mi")
        #expect(try (Quantity(parsing: "1") - Quantity(parsing: "250m")).description == "750m")
        #expect(try (Quantity.zero + Quantity(parsing: "64Mi")).description == "64Mi")
        #expect((Quantity(Int64.max) * Int64.max).nanos == Quantity(nanos: Int128.max).nanos)
    }

    @Test func `round away from zero`() throws {
        #expect(try Quantity(parsing: "1m").value == 1)
        #expect(try Quantity(parsing: "-1m").value == -1)
        #expect(try Quantity(parsing: "1500u").milliValue == 2)
        #expect(try Quantity(parsing: "2").milliValue == 2000)
    }

    @Test(arguments: [
        ("50%", 3, true, 2), ("50%", 3, false, 1), ("25%", 4, true, 1), ("0%", 9, true, 0), ("120%", 5, false, 6),
    ])
    func `percentages scale`(text: String, total: Int, up: Bool, result: Int) {
        #expect(IntOrString.string(text).scaled(of: total, roundUp: up) == result)
    }

    @Test func `numbers scale to themselves and names do not`() {
        #expect(IntOrString.integer(7).scaled(of: 3, roundUp: true) == 7)
        #expect(IntOrString.string("http").scaled(of: 3, roundUp: true) == nil)
    }
}
