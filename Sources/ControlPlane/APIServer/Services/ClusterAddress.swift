// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import Linux
internal import Text

/// An address range, `10.43.0.0/16` or `fd43::/112`.
struct AddressRange: Sendable, Hashable {
    let base: [UInt8]
    let prefix: Int
    let text: String

    var isIPv6: Bool { base.count == 16 }
    var family: String { isIPv6 ? "IPv6" : "IPv4" }

    init?(_ text: String) {
        let parts = text.steps
        guard parts.count == 2, let prefix = Int(parts[1]), let bytes = Self.bytes(String(parts[0])),
            (0...bytes.count * 8).contains(prefix)
        else { return nil }
        var base = bytes
        for bit in prefix..<bytes.count * 8 { base[bit / 8] &= ~(0x80 >> UInt8(bit % 8)) }
        self.base = base
        self.prefix = prefix
        self.text = text
    }

    static func bytes(_ text: String) -> [UInt8]? {
        switch SocketAddress(host: text, port: 0) {
        case .ipv4(let bytes, _)?: bytes
        case .ipv6(let bytes, _, 0)?: bytes
        default: nil
        }
    }

    /// The one spelling of an address that all its spellings have in common; what is no address stays as it is.
    static func canonical(_ text: String) -> String {
        guard let bytes = bytes(text) else { return text }
        return bytes.count == 16
            ? SocketAddress.ipv6(address: bytes, port: 0, scope: 0).host
            : bytes.map { String($0) }.joined(separator: ".")
    }

    /// The family of an address.
    static func family(_ address: String) -> String { address.utf8.contains(UInt8(ascii: ":")) ? "IPv6" : "IPv4" }

    /// How many addresses may be given out: all but the first, and in IPv4 but the last; at most 65,534.
    var count: Int {
        let bits = base.count * 8 - prefix
        let size = bits >= 17 ? 1 << 17 : 1 << bits
        return max(0, min(size - (isIPv6 ? 1 : 2), 65_534))
    }

    /// The address `index` after the base.
    func address(_ index: Int) -> String {
        var bytes = base
        var carry = index
        var position = bytes.count - 1
        while carry > 0, position >= 0 {
            carry += Int(bytes[position])
            bytes[position] = UInt8(carry & 0xff)
            carry >>= 8
            position -= 1
        }
        return isIPv6
            ? SocketAddress.ipv6(address: bytes, port: 0, scope: 0).host
            : bytes.map { String($0) }.joined(separator: ".")
    }

    func contains(_ text: String) -> Bool {
        guard let bytes = Self.bytes(text), bytes.count == base.count else { return false }
        for bit in 0..<prefix where (bytes[bit / 8] ^ base[bit / 8]) & (0x80 >> UInt8(bit % 8)) != 0 { return false }
        return true
    }
}
