// SPDX-License-Identifier: Apache-2.0

/// The path of a layer entry, in bytes as the archive has it: file names are bytes to the kernel, not text.
struct LayerPath {
    /// The components below the root, none of them empty, `.` or `..`.
    private(set) var components: [[UInt8]] = []

    /// Cleans `path` lexically; nil when it climbs above the root. A leading slash means the root itself.
    init?(_ path: some Sequence<UInt8>) {
        for component in Array(path).split(separator: UInt8(ascii: "/")) {
            if component.elementsEqual(".".utf8) { continue }
            if component.elementsEqual("..".utf8) {
                guard components.popLast() != nil else { return nil }
                continue
            }
            components.append(Array(component))
        }
    }

    /// The root itself.
    var isRoot: Bool { components.isEmpty }

    /// The last component, NUL-terminated for the kernel; empty for the root.
    var name: [CChar] { Self.terminated(components.last ?? []) }

    /// The directory above, as a relative path for openat2(2): `.` for entries of the root.
    var parent: [CChar] { Self.terminated(Self.join(components.dropLast())) }

    /// The components of the directory above.
    var parentComponents: ArraySlice<[UInt8]> { components.dropLast() }

    /// The whole path relative to the root.
    var relative: [CChar] { Self.terminated(Self.join(components[...])) }

    static func join(_ components: ArraySlice<[UInt8]>) -> [UInt8] {
        components.isEmpty ? [UInt8(ascii: ".")] : Array(components.joined(separator: [UInt8(ascii: "/")]))
    }

    static func terminated(_ bytes: [UInt8]) -> [CChar] { bytes.map { CChar(bitPattern: $0) } + [0] }
}

extension LayerPath: CustomStringConvertible {
    var description: String { String(decoding: Self.join(components[...]), as: UTF8.self) }
}

/// What the name of an entry means beyond itself, by the image spec's rules of layer changes
/// (github.com/opencontainers/image-spec, layer.md, "Whiteouts").
enum Whiteout: Equatable {
    /// The entry hides the file of that name in the layers below.
    case file([UInt8])
    /// The entry hides everything its directory has in the layers below.
    case opaqueDirectory
    /// The entry is bookkeeping of the old AUFS driver and means nothing.
    case ignored

    /// Reads the meaning of a file called `name`; nil for an ordinary file.
    init?(_ name: [UInt8]) {
        let prefix = Array(".wh.".utf8)
        guard name.starts(with: prefix) else { return nil }
        let rest = Array(name.dropFirst(prefix.count))
        if rest.elementsEqual(".wh..opq".utf8) {
            self = .opaqueDirectory
        } else if rest.starts(with: prefix) {
            self = .ignored
        } else {
            self = .file(rest)
        }
    }
}
