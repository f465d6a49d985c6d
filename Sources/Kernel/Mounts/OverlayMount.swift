// SPDX-License-Identifier: Apache-2.0

internal import CLinux
internal import Glibc
public import Linux

/// An overlay: read-only directories stacked, the uppermost first, with an optional writable one on top.
public struct OverlayMount: Sendable, Hashable {
    /// The uppermost first. At most 500 (the kernel's OVL_MAX_STACK).
    public var lower: [String]
    public var upper: String?
    /// An empty directory on the filesystem of `upper`.
    public var work: String?
    /// Further options of the filesystem: `metacopy=off`, `volatile`, `userxattr`.
    public var options: [String] = []

    public init(lower: [String], upper: String? = nil, work: String? = nil, options: [String] = []) {
        self.lower = lower
        self.upper = upper
        self.work = work
        self.options = options
    }

    /// Makes the mount, at no place yet. Each directory is given on its own, so neither a comma nor a colon in a path nor
    /// the page that mount(2) has for data limits it.
    public func make(attributes: MountAttributes = []) throws(Errno) -> DetachedMount {
        var top = options
        if let upper, let work { top += ["upperdir=\(upper)", "workdir=\(work)"] }
        do {
            return try DetachedMount.make(
                "overlay", source: "overlay", options: lower.map { "lowerdir+=\($0)" } + top, attributes: attributes)
        } catch {
            // `lowerdir+` came with Linux 6.7. From 6.5 on the kernel refuses it as an option; before, overlayfs read all
            // options together at the end, and refuses them there without saying which.
            guard error.call.contains("lowerdir+") || (error.code == EINVAL && error.call.contains("create")) else {
                throw error
            }
            return try makeJoined(top, attributes)
        }
    }

    /// The same with one list of directories. All options together share a page, so long lists name the directories by
    /// descriptors, which are shorter.
    private func makeJoined(_ top: [String], _ attributes: MountAttributes) throws(Errno) -> DetachedMount {
        var opened: [Int32] = []
        defer { for number in opened { close(number) } }
        var names = lower.map(Self.escape)
        if names.joined(separator: ":").utf8.count > 3000 || names.contains(where: { $0.contains(",") }) {
            names = []
            for path in lower {
                let directory = try FileDescriptor.open(path, Int32(CLINUX_O_PATH) | O_DIRECTORY)
                opened.append(directory.release())
                names.append("/proc/self/fd/\(opened[opened.count - 1])")
            }
        }
        return try DetachedMount.make(
            "overlay", source: "overlay", options: ["lowerdir=\(names.joined(separator: ":"))"] + top,
            attributes: attributes)
    }

    /// Makes it and mounts it on `target`.
    public func mount(on target: String, attributes: MountAttributes = []) throws(Errno) {
        let mount: DetachedMount
        do { mount = try make(attributes: attributes) } catch {
            throw error.during("mount overlay on \(target) (\(error.call))")
        }
        try mount.attach(at: target)
    }

    private static func escape(_ path: String) -> String {
        path.map { $0 == ":" || $0 == "\\" ? "\\\($0)" : String($0) }.joined()
    }
}
