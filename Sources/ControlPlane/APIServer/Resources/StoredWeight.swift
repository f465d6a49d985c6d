// SPDX-License-Identifier: Apache-2.0

/// How much memory a stored object comes to, about: its bytes, and what the scheduler and the controllers hold of it, read. A
/// list of many short values takes twenty times its text so, a long text three times its own.
enum StoredWeight {
    /// How many bytes of memory a byte of the quota stands for.
    static let share = 4
    /// What those who hold an object have of its text.
    private static let text = 3
    /// What they have for an object and for a list with anything in it, and for each value after the first.
    private static let object = 200
    private static let list = 100
    private static let value = 80
    /// Services are held by a proxy and a DNS server as well.
    private static let services = Array("/registry/core/services/".utf8)

    /// What a value counts of the quota: as many bytes as it has, and more where it takes more memory than most.
    static func counted(_ key: String, _ bytes: [UInt8]) -> Int {
        let readers = key.utf8.starts(with: services) ? 2 : 1
        return max(bytes.count, (text * bytes.count + marks(bytes)) * readers / share)
    }

    private static func marks(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBufferPointer { bytes in
            var (sum, index, depth) = (0, 0, 0)
            // Within `metadata`, and the records of who set which field in it, which nobody holds.
            var (isInMetadata, isInRecords) = (false, false)
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                switch byte {
                case UInt8(ascii: "\""):
                    let start = index
                    index = end(ofText: bytes, from: index)
                    // A name is followed by a colon; a value that reads the same is not.
                    if depth > 2 || index == bytes.count || bytes[index] != UInt8(ascii: ":") { continue }
                    let name = bytes[start..<index - 1]
                    if depth == 1 {
                        isInMetadata = name.elementsEqual(metadata)
                    } else if isInMetadata {
                        isInRecords = name.elementsEqual(records)
                    }
                case UInt8(ascii: ","):
                    if !isInRecords { sum += value }
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    // Two bytes on in either case: an object that closes at once takes nothing.
                    if !isInRecords, index < bytes.count, bytes[index] != byte + 2 {
                        sum += byte == UInt8(ascii: "{") ? object : list
                    }
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if depth < 2 { isInRecords = false }
                default: break
                }
            }
            return sum
        }
    }

    private static let metadata = Array("metadata".utf8)
    private static let records = Array("managedFields".utf8)

    /// Behind the quotation mark that ends the text which begins at `start`.
    private static func end(ofText bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return index }
            // What is escaped may be a quotation mark.
            if byte == UInt8(ascii: "\\") { index += 1 }
        }
        return bytes.count
    }
}
