// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Where a value is in an applied configuration. Made into text only where something is to be said of it: an element may be
/// named by a megabyte and have a hundred thousand fields.
indirect enum ApplyPath: CustomStringConvertible {
    case top
    case field(ApplyPath, String)
    case element(ApplyPath, PathElement)

    var description: String {
        switch self {
        case .top: ""
        case .field(let path, let name): path.description + PathElement.field(name).excerpt
        case .element(let path, let element): path.description + element.excerpt
        }
    }
}

/// What makes a configuration none of its type: as much as somebody reads.
struct ApplyProblems {
    private static let maximumCount = 1000
    private static let maximumText = 256 * 1024

    private var texts: [String] = []
    private var size = 0
    private var count = 0

    mutating func add(_ path: ApplyPath, _ what: () -> String) {
        count += 1
        guard texts.count < Self.maximumCount, size < Self.maximumText else { return }
        texts.append("\(path): \(what())")
        size += texts.last?.utf8.count ?? 0
    }

    /// Nil where there is nothing to say.
    var text: String? {
        guard let first = texts.first else { return nil }
        if count == 1 { return first }
        var lines = texts
        if count > texts.count { lines.append("\(count - texts.count) more errors are left out") }
        return "errors:\n" + lines.map { "  " + $0 }.joined(separator: "\n")
    }
}

extension PathElement {
    /// The description, with the beginnings of very long names and values.
    var excerpt: String {
        switch self {
        case .field(let name):
            "." + (name.utf8.count > 1024 ? String(name.unicodeScalars.prefix(256)) + "…" : name)
        case .key(let fields):
            "[" + fields.map { "\($0.name)=\($0.value.excerpt(1024))" }.joined(separator: ",") + "]"
        case .value(let value): "[=\(value.excerpt(1024))]"
        case .index: description
        }
    }
}
