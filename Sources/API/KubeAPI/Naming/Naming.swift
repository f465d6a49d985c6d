// SPDX-License-Identifier: Apache-2.0

public import JSON

/// Names the server and the controllers make up.
public enum Naming {
    /// Letters and digits without vowels and look-alikes: no words, good or bad, come about by chance.
    static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)

    /// What `metadata.generateName` may hold at most, so that the suffix fits a name of 63 bytes.
    static let maximumPrefix = 58

    /// A name of the prefix and five random characters.
    public static func generated(from prefix: String) -> String {
        var generator = SystemRandomNumberGenerator()
        return generated(from: prefix, using: &generator)
    }

    static func generated(from prefix: String, using generator: inout some RandomNumberGenerator) -> String {
        var bytes = Array(prefix.utf8.prefix(maximumPrefix))
        for _ in 0..<5 { bytes.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A short stable name for a pod template: equal templates, whatever the order of their fields, have equal hashes.
    ///
    /// `collisions` is the owner's `status.collisionCount`: another value gives another name for the same template.
    public static func templateHash(_ template: JSONValue, collisions: Int64? = nil) -> String {
        var bytes: [UInt8] = []
        sorted(template).encode(into: &bytes)
        if let collisions { bytes += Array("\(collisions)".utf8) }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        // Ten decimal digits at most, as upstream's hashes have.
        let digits = String(UInt32(truncatingIfNeeded: hash ^ (hash >> 32)))
        return String(decoding: digits.utf8.map { alphabet[Int($0) % alphabet.count] }, as: UTF8.self)
    }

    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(var fields):
            fields.updateValues { _, value in sorted(value) }
            return .object(fields.sortedByKey())
        case .array(let items): return .array(items.map(sorted))
        default: return value
        }
    }
}
