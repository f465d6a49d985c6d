// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc

/// What inotify(7) reports.
public struct FileEvents: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let modified = FileEvents(rawValue: 0x002)
    public static let closedAfterWriting = FileEvents(rawValue: 0x008)
    public static let movedFrom = FileEvents(rawValue: 0x040)
    public static let movedTo = FileEvents(rawValue: 0x080)
    public static let created = FileEvents(rawValue: 0x100)
    public static let deleted = FileEvents(rawValue: 0x200)
    public static let deletedItself = FileEvents(rawValue: 0x400)
    public static let movedItself = FileEvents(rawValue: 0x800)
    /// The queue ran over: anything may have happened, so look at everything.
    public static let overflowed = FileEvents(rawValue: 0x4000)
    /// The watch has ended: it was removed, or what it watched is gone.
    public static let ignored = FileEvents(rawValue: 0x8000)
}

/// One report of a watch.
public struct FileEvent: Sendable, Hashable {
    public var watch: Int32
    public var events: FileEvents
    /// The name in a watched directory; empty for the watched object itself.
    public var name: String
}

extension FileEvents: Hashable {}

/// An inotify(7) instance: tells of changes to files and directories. Its descriptor is non-blocking and readable when
/// there is something to `take`.
public struct FileWatch: ~Copyable, Sendable {
    public let descriptor: FileDescriptor

    public init() throws(Errno) {
        descriptor = FileDescriptor(owning: try kernelCall("inotify_init1") { clinux_inotify_init() })
    }

    /// Watches `path`; returns the number its reports carry. Adding a path again changes its events.
    @discardableResult
    public func add(_ path: String, _ events: FileEvents) throws(Errno) -> Int32 {
        let number = descriptor.raw
        return try kernelCall("inotify_add_watch \(path)") {
            unsafe clinux_inotify_add_watch(number, path, events.rawValue)
        }
    }

    /// Ends a watch. One that has ended by itself is no error.
    public func remove(_ watch: Int32) throws(Errno) {
        let number = descriptor.raw
        let result = clinux_inotify_remove_watch(number, watch)
        guard result >= 0 || result == -EINVAL else { throw Errno(-result, "inotify_rm_watch") }
    }

    /// The reports that are there; empty when there are none.
    public func take() throws(Errno) -> [FileEvent] { try FileWatch.take(from: descriptor) }

    /// As `take()`, for whoever holds the descriptor elsewhere.
    public static func take(from descriptor: borrowing FileDescriptor) throws(Errno) -> [FileEvent] {
        var bytes = [UInt8](repeating: 0, count: 16 * 1024)
        let number = descriptor.raw
        let count: Int
        do throws(Errno) {
            count = try systemCall("read inotify") {
                unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(number, $0.baseAddress, $0.count) }
            }
        } catch {
            if error.isWouldBlock { return [] }
            throw error
        }
        var result: [FileEvent] = []
        unsafe bytes.withUnsafeBytes { buffer in
            // struct inotify_event: i32 watch, u32 mask, u32 cookie, u32 length of the name with its padding.
            var start = 0
            while start + 16 <= count {
                let length = Int(unsafe buffer.loadUnaligned(fromByteOffset: start + 12, as: UInt32.self))
                let name = unsafe buffer[(start + 16)..<(start + 16 + length)].prefix { $0 != 0 }
                result.append(
                    unsafe FileEvent(
                        watch: buffer.loadUnaligned(fromByteOffset: start, as: Int32.self),
                        events: FileEvents(rawValue: buffer.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self)),
                        name: String(decoding: name, as: UTF8.self)))
                start += 16 + length
            }
        }
        return result
    }
}
