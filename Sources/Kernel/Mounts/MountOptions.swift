// SPDX-License-Identifier: Apache-2.0

/// Mount options in the words of fstab and the OCI runtime specification, taken apart.
public struct MountOptions: Sendable, Hashable {
    /// For mount(2): the flags of a new filesystem.
    public var flags: MountFlags = []
    /// What was named, for an existing mount: attributes to set and to clear on it alone.
    public var set: MountAttributes = []
    public var clear: MountAttributes = []
    /// The same over the whole tree of mounts (`rro` and its like).
    public var recursiveSet: MountAttributes = []
    public var recursiveClear: MountAttributes = []
    public var isBind = false
    public var isRecursiveBind = false
    public var propagation: [(kind: Propagation, recursive: Bool)] = []
    /// `tmpcopyup`: a tmpfs starts with what the directory under it held.
    public var copiesUp = false
    public var isIDMapped = false
    public var isRecursivelyIDMapped = false
    /// What is left, for the filesystem itself, in its order.
    public var data: [String] = []

    /// The data in one string, as mount(2) takes it.
    public var dataString: String { data.joined(separator: ",") }

    public init() {}

    public init(_ options: [String]) {
        for option in options { add(option) }
    }

    public static func == (left: MountOptions, right: MountOptions) -> Bool {
        left.flags == right.flags && left.set == right.set && left.clear == right.clear && left.data == right.data
            && left.recursiveSet == right.recursiveSet && left.recursiveClear == right.recursiveClear
            && left.isBind == right.isBind && left.isRecursiveBind == right.isRecursiveBind
            && left.propagation.map(\.kind) == right.propagation.map(\.kind)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(flags)
        hasher.combine(data)
    }

    private mutating func add(_ option: String) {
        if let entry = Self.attributes[option] {
            if let flag = entry.flag { if entry.isSet { flags.insert(flag) } else { flags.remove(flag) } }
            apply(entry.attribute, isSet: entry.isSet, recursive: false)
        } else if option.hasPrefix("r"), let entry = Self.attributes[String(option.dropFirst())], entry.recursive {
            apply(entry.attribute, isSet: entry.isSet, recursive: true)
        } else if let kind = Self.propagations[option] {
            propagation.append((kind, false))
        } else if option.hasPrefix("r"), let kind = Self.propagations[String(option.dropFirst())] {
            propagation.append((kind, true))
        } else {
            addOther(option)
        }
    }

    private mutating func addOther(_ option: String) {
        switch option {
        case "bind": isBind = true
        case "rbind":
            isBind = true
            isRecursiveBind = true
        case "defaults", "": break
        case "tmpcopyup": copiesUp = true
        case "idmap": isIDMapped = true
        case "ridmap":
            isIDMapped = true
            isRecursivelyIDMapped = true
        case "remount": flags.insert(.remount)
        case "sync": flags.insert(.synchronous)
        case "async": flags.remove(.synchronous)
        case "dirsync": flags.insert(.synchronousDirectories)
        case "mand": flags.insert(.mandatoryLocks)
        case "nomand": flags.remove(.mandatoryLocks)
        case "silent": flags.insert(.silent)
        case "loud": flags.remove(.silent)
        case "iversion": flags.insert(.versionedInodes)
        case "noiversion": flags.remove(.versionedInodes)
        case "lazytime": flags.insert(.lazyTime)
        case "nolazytime": flags.remove(.lazyTime)
        default: data.append(option)
        }
    }

    private mutating func apply(_ attribute: MountAttributes, isSet: Bool, recursive: Bool) {
        // One mode of access time replaces another.
        let isMode = !attribute.isDisjoint(with: .accessTimeMode) || attribute.isEmpty
        if recursive {
            if isMode { recursiveClear.formUnion(.accessTimeMode) }
            if isSet {
                if isMode { recursiveSet.subtract(.accessTimeMode) }
                recursiveSet.formUnion(attribute)
                if !isMode { recursiveClear.subtract(attribute) }
            } else {
                recursiveSet.subtract(attribute)
                recursiveClear.formUnion(isMode ? .accessTimeMode : attribute)
            }
        } else {
            if isMode { clear.formUnion(.accessTimeMode) }
            if isSet {
                if isMode { set.subtract(.accessTimeMode) }
                set.formUnion(attribute)
                if !isMode { clear.subtract(attribute) }
            } else {
                set.subtract(attribute)
                clear.formUnion(isMode ? .accessTimeMode : attribute)
            }
        }
    }

    /// Option, the flag of mount(2), the attribute of mount_setattr(2), whether it is set or cleared, whether the option
    /// with an `r` before it means the whole tree.
    static let attributes: [String: (flag: MountFlags?, attribute: MountAttributes, isSet: Bool, recursive: Bool)] = [
        "ro": (.readOnly, .readOnly, true, true), "rw": (.readOnly, .readOnly, false, true),
        "nosuid": (.noSetuid, .noSetuid, true, true), "suid": (.noSetuid, .noSetuid, false, true),
        "nodev": (.noDevices, .noDevices, true, true), "dev": (.noDevices, .noDevices, false, true),
        "noexec": (.noExecute, .noExecute, true, true), "exec": (.noExecute, .noExecute, false, true),
        "noatime": (.noAccessTime, .noAccessTime, true, true), "atime": (.noAccessTime, .noAccessTime, false, true),
        "strictatime": (.strictAccessTime, .strictAccessTime, true, true),
        "nostrictatime": (.strictAccessTime, .strictAccessTime, false, true),
        "relatime": (.relativeAccessTime, [], true, true), "norelatime": (.relativeAccessTime, [], false, true),
        "nodiratime": (.noDirectoryAccessTime, .noDirectoryAccessTime, true, true),
        "diratime": (.noDirectoryAccessTime, .noDirectoryAccessTime, false, true),
        "nosymfollow": (.noSymlinkFollow, .noSymlinkFollow, true, true),
        "symfollow": (.noSymlinkFollow, .noSymlinkFollow, false, true),
    ]

    static let propagations: [String: Propagation] = [
        "private": .private, "shared": .shared, "slave": .slave, "unbindable": .unbindable,
    ]

    /// Every option understood, sorted: what a runtime tells of its features.
    public static var known: [String] {
        var names = Array(attributes.keys) + attributes.filter(\.value.recursive).map { "r\($0.key)" }
        names += propagations.keys.flatMap { [$0, "r\($0)"] }
        names += [
            "bind", "rbind", "defaults", "tmpcopyup", "remount", "sync", "async", "dirsync", "mand", "nomand", "silent",
            "loud", "iversion", "noiversion", "lazytime", "nolazytime",
        ]
        return names.sorted()
    }
}
