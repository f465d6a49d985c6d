// SPDX-License-Identifier: Apache-2.0

/// A domain name. Two that differ in letter case alone are equal (RFC 4343): the lower case is what is kept.
struct DNSName: Sendable, Hashable {
    /// The uncompressed wire form in lower case: each label behind its length, then a zero.
    let wire: [UInt8]

    /// From an uncompressed wire form; nil when it is none, or longer than RFC 1035 allows.
    init?(wire bytes: some Collection<UInt8>) {
        var wire: [UInt8] = []
        wire.reserveCapacity(bytes.count)
        var left = 0
        var isEnded = false
        for byte in bytes {
            if isEnded { return nil }
            if left > 0 {
                left -= 1
                wire.append(Self.lower(byte))
            } else {
                guard byte <= 63 else { return nil }
                left = Int(byte)
                isEnded = byte == 0
                wire.append(byte)
            }
        }
        guard isEnded, wire.count <= 255 else { return nil }
        self.wire = wire
    }

    /// From text such as `kubernetes.default.svc.cluster.local`, with or without a final dot; nil when a label is empty
    /// or too long.
    init?(_ text: some StringProtocol) {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        if labels.last?.isEmpty == true { labels.removeLast() }
        var wire: [UInt8] = []
        for label in labels {
            guard (1...63).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            wire += label.map(Self.lower)
        }
        wire.append(0)
        guard wire.count <= 255 else { return nil }
        self.wire = wire
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    /// The labels from the left. Bytes that are no UTF-8 become U+FFFD, which no Kubernetes name has.
    var labels: [String] {
        var labels: [String] = []
        var index = 0
        while wire[index] != 0 {
            let end = index + 1 + Int(wire[index])
            labels.append(String(decoding: wire[(index + 1)..<end], as: UTF8.self))
            index = end
        }
        return labels
    }

    /// The labels in front of `zone`; nil when the name is not in it.
    func labels(in zone: DNSName) -> [String]? {
        guard wire.count >= zone.wire.count, wire.suffix(zone.wire.count).elementsEqual(zone.wire) else { return nil }
        // The same bytes may begin inside of a label: what stands in front must be whole labels.
        let front = wire.count - zone.wire.count
        var index = 0
        while index < front { index += 1 + Int(wire[index]) }
        guard index == front else { return nil }
        return DNSName(wire: wire.prefix(front) + [0])?.labels
    }
}

extension DNSName: CustomStringConvertible {
    /// With the final dot.
    var description: String { labels.joined(separator: ".") + "." }
}
