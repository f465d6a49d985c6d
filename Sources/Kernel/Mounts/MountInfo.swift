// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import Linux

/// One line of /proc/PID/mountinfo; see proc_pid_mountinfo(5).
public struct MountInfo: Sendable, Hashable {
    public var id: Int
    public var parent: Int
    public var device: DeviceNumber
    /// What of the filesystem is mounted.
    public var root: String
    public var mountPoint: String
    public var options: [String]
    /// `shared:2`, `master:7`, `propagate_from:1`, `unbindable`.
    public var propagation: [String]
    public var type: String
    public var source: String
    public var superOptions: [String]

    public var isShared: Bool { propagation.contains { $0.hasPrefix("shared:") } }
    public var isReadOnly: Bool { options.contains("ro") }

    /// The mounts of a process (`self` by default), in the kernel's order.
    public static func read(process: String = "self") throws(Errno) -> [MountInfo] {
        parse(try Files.read("/proc/\(process)/mountinfo"))
    }

    /// Lines that are not mountinfo lines are skipped.
    public static func parse(_ bytes: [UInt8]) -> [MountInfo] {
        bytes.split(separator: UInt8(ascii: "\n")).compactMap { MountInfo(line: $0) }
    }

    init?(line: ArraySlice<UInt8>) {
        let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard fields.count >= 10, let dash = fields.dropFirst(6).firstIndex(of: [UInt8(ascii: "-")]),
            fields.count >= dash + 4
        else { return nil }
        func text(_ index: Int) -> String { Self.unescape(fields[index]) }
        let device = text(2).split(separator: ":").compactMap { UInt32($0) }
        guard let id = Int(text(0)), let parent = Int(text(1)), device.count == 2 else { return nil }
        self.id = id
        self.parent = parent
        self.device = DeviceNumber(major: device[0], minor: device[1])
        root = text(3)
        mountPoint = text(4)
        options = text(5).split(separator: ",").map(String.init)
        propagation = fields[6..<dash].map { String(decoding: $0, as: UTF8.self) }
        type = text(dash + 1)
        source = text(dash + 2)
        superOptions = text(dash + 3).split(separator: ",").map(String.init)
    }

    /// Undoes the kernel's `\040` for a blank, and its like.
    static func unescape(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "\\")) else { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let end = index + 4
            if bytes[index] == UInt8(ascii: "\\"), end <= bytes.endIndex {
                let digits = bytes[(index + 1)..<end].map { Int($0) - 48 }
                if digits.allSatisfy({ 0...7 ~= $0 }) {
                    result.append(UInt8(truncatingIfNeeded: digits[0] * 64 + digits[1] * 8 + digits[2]))
                    index = end
                    continue
                }
            }
            result.append(bytes[index])
            index += 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension Mounts {
    /// Whether something is mounted exactly at `path` (links not followed); false when nothing is there.
    public static func isMountPoint(_ path: String) throws(Errno) -> Bool {
        guard let status = try Files.statusIfPresent(path, followLast: false) else { return false }
        if let answer = status.isMountRoot { return answer }
        return try MountInfo.read().contains { $0.mountPoint == path }
    }
}
