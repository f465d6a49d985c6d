// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// A filesystem in the making, of fsopen(2).
public struct FilesystemContext: ~Copyable, Sendable {
    public let type: String
    public let descriptor: FileDescriptor

    /// fsopen(2). The namespaces that a filesystem is of (procfs: the pid namespace) are those of the caller now.
    public init(_ type: String) throws(Errno) {
        self.type = type
        descriptor = FileDescriptor(owning: try kernelCall("fsopen \(type)") { unsafe clinux_fsopen(type) })
    }

    /// One that another process has opened.
    public init(_ type: String, owning descriptor: consuming FileDescriptor) {
        self.type = type
        self.descriptor = descriptor
    }

    /// Gives the descriptor away.
    public consuming func intoDescriptor() -> FileDescriptor { descriptor }

    /// `key=value`, or a flag.
    public func configure(_ option: String) throws(Errno) {
        let number = descriptor.raw
        if let equals = option.firstIndex(of: "=") {
            let (key, value) = (String(option[..<equals]), String(option[option.index(after: equals)...]))
            try kernelCall("fsconfig \(type) \(key)=\(value)") { unsafe clinux_fsconfig_string(number, key, value) }
        } else {
            try kernelCall("fsconfig \(type) \(option)") { unsafe clinux_fsconfig_flag(number, option) }
        }
    }

    /// An option whose value is an open file.
    public func configure(_ key: String, _ file: borrowing FileDescriptor) throws(Errno) {
        let (number, value) = (descriptor.raw, file.raw)
        try kernelCall("fsconfig \(type) \(key)") { unsafe clinux_fsconfig_descriptor(number, key, value) }
    }

    /// Makes the filesystem and a mount of it that is at no place.
    public consuming func mount(
        source: String? = nil, options: [String] = [], attributes: MountAttributes = []
    ) throws(Errno) -> DetachedMount {
        let number = descriptor.raw
        do throws(Errno) {
            if let source { try configure("source=\(source)") }
            for option in options { try configure(option) }
            try kernelCall("fsconfig \(type) create") { clinux_fsconfig_create(number) }
            let mount = try kernelCall("fsmount \(type)") {
                clinux_fsmount(number, UInt32(truncatingIfNeeded: attributes.rawValue))
            }
            return DetachedMount(FileDescriptor(owning: mount))
        } catch {
            // The filesystem says more than the number does, in the context's log.
            let words = (try? descriptor.read(upTo: 4096)).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let detail = words.split(separator: "\n").first.map { " (\($0.dropFirst(2)))" } ?? ""
            throw error.during(error.call + detail)
        }
    }
}
