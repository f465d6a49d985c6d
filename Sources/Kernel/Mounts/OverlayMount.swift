// SPDX-License-Identifier: Apache-2.0

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
            // `lowerdir+` came with Linux 6.7.
            guard error.call.contains("lowerdir+") else { throw error }
            let joined = lower.map(Self.escape).joined(separator: ":")
            return try DetachedMount.make(
                "overlay", source: "overlay", options: ["lowerdir=\(joined)"] + top, attributes: attributes)
        }
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
