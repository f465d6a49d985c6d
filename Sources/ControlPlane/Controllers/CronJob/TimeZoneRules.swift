// SPDX-License-Identifier: Apache-2.0

import Linux
internal import Text

/// A zone's offsets from UTC, as the machine's tz database holds them.
struct TimeZoneRules: Sendable, Hashable {
    struct Unknown: Error, CustomStringConvertible {
        var description: String
    }

    private var transitions: [Int64] = []
    private var offsets: [Int64] = []
    private var first: Int64 = 0

    static let utc = TimeZoneRules()

    private init() {}

    /// Reads `/usr/share/zoneinfo/<name>`.
    init(named name: String, folder: String = "/usr/share/zoneinfo") throws {
        if name == "UTC" || name == "Etc/UTC" {
            self = .utc
            return
        }
        guard !name.isEmpty, !name.hasExactPrefix("/"), !name.steps.contains("..") else {
            throw Unknown(description: "the time zone \"\(name)\" is no name of one")
        }
        let bytes: [UInt8]
        do {
            bytes = try FileDescriptor.open("\(folder)/\(name)", 0).readAll()
        } catch {
            throw Unknown(description: "read the time zone \(name) (is the package tzdata installed?): \(error)")
        }
        try self.init(tzif: bytes, name: name)
    }

    /// Reads a TZif file (RFC 8536), of version 2 or later.
    init(tzif bytes: [UInt8], name: String) throws {
        let broken = Unknown(description: "the time zone file of \(name) cannot be read")
        func number(_ at: Int, _ size: Int) throws -> Int64 {
            guard at >= 0, at + size <= bytes.count else { throw broken }
            var value: UInt64 = 0
            for byte in bytes[at..<(at + size)] { value = value << 8 | UInt64(byte) }
            return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
        }
        func counts(_ at: Int) throws -> [Int] { try (0..<6).map { Int(try number(at + 20 + 4 * $0, 4)) } }
        guard bytes.starts(with: Array("TZif".utf8)), bytes.count > 44, bytes[4] >= UInt8(ascii: "2") else {
            throw broken
        }
        // isutc, isstd, leap, time, type, char: the first block holds 32-bit times and is skipped.
        let old = try counts(0)
        let start = 44 + old[3] * 5 + old[4] * 6 + old[5] + old[2] * 8 + old[1] + old[0]
        let new = try counts(start)
        let times = start + 44
        let types = times + new[3] * 8
        let infos = types + new[3]
        func offset(_ type: Int) throws -> Int64 {
            guard type < new[4] else { throw broken }
            return try number(infos + 6 * type, 4)
        }
        for index in 0..<new[3] {
            transitions.append(try number(times + 8 * index, 8))
            offsets.append(try offset(Int(bytes[types + index])))
        }
        first = try offset(0)
    }

    /// Seconds east of UTC at a moment.
    func offset(at seconds: Int64) -> Int64 {
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : offsets[low - 1]
    }
}
