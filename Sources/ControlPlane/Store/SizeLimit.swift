// SPDX-License-Identifier: Apache-2.0

/// How long a value may be: what etcd takes in one request, so that an object fits here when it fits there.
public enum SizeLimit {
    /// etcd's `--max-request-bytes`.
    public static let bytes = 1_572_864
    /// Escapes apart: what is one byte there can be six in JSON.
    static let encodedBytes = 3 << 20
    /// By how much an object that is too long already may still grow: somebody has to be able to mark it for deletion.
    static let leeway = 1024

    public static func fits(_ value: NewValue) -> Bool {
        value.bytes.count <= bytes || (value.bytes.count <= encodedBytes && contentCount(value.bytes) <= bytes)
    }

    static func check(_ key: String, _ value: NewValue, replacing present: StoredObject?) throws(StoreError) {
        if fits(value) { return }
        if let present, value.bytes.count <= present.bytes.count + leeway { return }
        throw .tooLarge(key: key, size: value.bytes.count, limit: bytes)
    }

    /// The length of a JSON text with each escape counted as what it stands for.
    static func contentCount(_ json: [UInt8]) -> Int {
        var count = 0
        var index = 0
        while index < json.count {
            guard json[index] == UInt8(ascii: "\\"), index + 1 < json.count else {
                index += 1
                count += 1
                continue
            }
            // Only control characters are written as \u, and those are one byte.
            index += json[index + 1] == UInt8(ascii: "u") ? 6 : 2
            count += 1
        }
        return count
    }
}
