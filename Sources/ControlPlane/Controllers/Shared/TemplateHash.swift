// SPDX-License-Identifier: Apache-2.0

import JSON

/// Short names for contents: `pod-template-hash` and the suffixes of revisions.
enum TemplateHash {
    /// A hash of the value's canonical form and a collision counter, in letters and digits that make no words.
    static func of(_ value: JSONValue, collisions: Int?) -> String {
        var hash = FNV32a()
        hash.update(canonical(value).encoded())
        if let collisions { hash.update(Array("/\(collisions)".utf8)) }
        return safe(String(hash.value))
    }

    /// The value with every object's members sorted, so that their order does not count.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let object):
            var sorted = JSONObject()
            for (key, member) in object.sortedByKey() where member != .null { sorted[key] = canonical(member) }
            return .object(sorted)
        case .array(let items): return .array(items.map(canonical))
        default: return value
        }
    }

    /// Kubernetes' alphabet without vowels and look-alikes.
    static func safe(_ text: String) -> String {
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
        return String(decoding: text.utf8.map { alphabet[Int($0) % alphabet.count] }, as: UTF8.self)
    }
}

/// The 32-bit FNV-1a hash.
struct FNV32a {
    private(set) var value: UInt32 = 2_166_136_261

    mutating func update(_ bytes: [UInt8]) {
        for byte in bytes {
            value ^= UInt32(byte)
            value = value &* 16_777_619
        }
    }
}
