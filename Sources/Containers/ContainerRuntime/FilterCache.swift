// SPDX-License-Identifier: Apache-2.0

import Glibc
import JSON
import Linux
import OCI
import Seccomp

/// Compiled filters of system calls, kept below the containers' states (`--root`): to compile the profile of an ordinary
/// container takes several times what all else of a start does, and most containers have the same one.
///
/// A file holds the whole profile it was compiled from, and serves that one alone; and how long its filter is, so that one
/// that a power cut has cut off serves nobody. Only root can write here.
struct FilterCache {
    let directory: String
    /// At so many files the next one takes the place of all: who may choose profiles freely may not fill the disk.
    static let capacity = 64
    /// More than the longest profile and the longest filter that the kernel takes.
    private static let limit = 1 << 20

    init(_ store: ContainerStore) { directory = store.root + "/.filters" }

    /// The profile's filter. What goes wrong with the cache is a warning: without it the filter is compiled.
    func program(_ profile: SeccompSpec, warnings: inout Warnings) throws -> SystemCallFilter {
        let key: [UInt8]
        let path: String
        do {
            key = try Self.key(profile)
            path = directory + "/" + Self.name(key)
            if let filter = try read(path, key) { return filter }
        } catch {
            warnings.add("filters kept in \(directory): \(error)")
            return try SeccompFilter.program(profile)
        }
        let filter = try SeccompFilter.program(profile)
        do { try write(path, key, filter) } catch { warnings.add("filters kept in \(directory): \(error)") }
        return filter
    }

    /// What decides about the filter: the profile, and the program and library that compile it.
    private static func key(_ profile: SeccompSpec) throws -> [UInt8] {
        let program = try Files.status("/proc/self/exe")
        let file = "\(program.device.major):\(program.device.minor) \(program.inode) \(program.size)"
        let time = "\(program.modified.seconds).\(program.modified.nanoseconds)"
        let compiler = "\(file) \(time) \(SeccompFilter.libraryVersion)\n"
        return Array(compiler.utf8) + profile.json.encoded()
    }

    /// FNV-1a, of 64 bits. It need not be more: the file says what it is of.
    private static func name(_ key: [UInt8]) -> String {
        let hash = key.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }

    private func read(_ path: String, _ key: [UInt8]) throws -> SystemCallFilter? {
        let bytes: [UInt8]
        do { bytes = try Files.readRegular(path, limit: Self.limit) } catch {
            if error.isNotFound { return nil }
            throw error
        }
        guard bytes.starts(with: key), let end = bytes[key.count...].firstIndex(of: 10) else { return nil }
        let filter = bytes[(end + 1)...]
        guard Int(String(decoding: bytes[key.count..<end], as: UTF8.self)) == filter.count else { return nil }
        return SystemCallFilter(bytes: Array(filter))
    }

    private func write(_ path: String, _ key: [UInt8], _ filter: SystemCallFilter) throws {
        let instructions = filter.bytes
        let bytes = key + Array("\(instructions.count)\n".utf8) + instructions
        if bytes.count > Self.limit { return }
        try Files.makeDirectories(directory, mode: 0o700)
        let kept = try Files.list(directory).map(\.name)
        if kept.count >= Self.capacity {
            for name in kept { try Files.removeIfPresent(directory + "/" + name) }
        }
        try Files.replace(path, with: bytes, mode: 0o600, durable: false)
    }
}
