// SPDX-License-Identifier: Apache-2.0

public import JSON

extension YAML {
    /// One document as `kubectl -o yaml` shows it: block style, two blanks a level, keys sorted, list items at their
    /// key's level, texts of several lines as literal blocks.
    public static func encode(_ value: JSONValue) -> String {
        var writer = YAMLWriter()
        writer.write(value, indent: 0, position: .root)
        return writer.text
    }

    /// Several documents with `---` between them.
    public static func encode(documents: [JSONValue]) -> String {
        documents.map { encode($0) }.joined(separator: "---\n")
    }
}

struct YAMLWriter {
    var text = ""

    enum Position {
        case root
        /// After `key:`.
        case field
        /// After `- `.
        case item
    }

    mutating func write(_ value: JSONValue, indent: Int, position: Position) {
        switch value {
        case .object(let object) where !object.isEmpty: write(object, indent, position)
        case .array(let items) where !items.isEmpty: write(items, indent, position)
        case .string(let string): writeString(string, indent, position)
        default:
            if position == .field { text += " " }
            text += scalar(value) + "\n"
        }
    }

    private func scalar(_ value: JSONValue) -> String {
        switch value {
        case .object: "{}"
        case .array: "[]"
        default: value.description
        }
    }

    private mutating func write(_ object: JSONObject, _ indent: Int, _ position: Position) {
        if position == .field { text += "\n" }
        var isFirst = true
        for (key, value) in object.sortedByKey() {
            // After `- ` the first key stands on the item's own line.
            if !(isFirst && position == .item) { pad(indent) }
            isFirst = false
            writeKey(key)
            text += ":"
            // A list is not indented deeper than its key.
            if case .array(let items) = value, !items.isEmpty {
                write(value, indent: indent, position: .field)
            } else {
                write(value, indent: indent + 2, position: .field)
            }
        }
    }

    private mutating func write(_ items: [JSONValue], _ indent: Int, _ position: Position) {
        if position == .field { text += "\n" }
        for (index, item) in items.enumerated() {
            if !(index == 0 && position == .item) { pad(indent) }
            text += "- "
            write(item, indent: indent + 2, position: .item)
        }
    }

    private mutating func pad(_ count: Int) { text += String(repeating: " ", count: count) }

    private mutating func writeKey(_ key: String) {
        text += YAMLScalar.isSafePlain(key) ? key : quoted(key)
    }

    private mutating func writeString(_ string: String, _ indent: Int, _ position: Position) {
        if position == .field { text += " " }
        if YAMLScalar.isSafePlain(string) {
            text += string + "\n"
        } else if isLiteral(string) {
            writeLiteral(string, position == .root ? 2 : indent)
        } else {
            text += quoted(string) + "\n"
        }
    }

    /// Whether a text of several lines can be a `|` block: nothing a block cannot hold, no blanks that would be lost.
    private func isLiteral(_ string: String) -> Bool {
        guard string.utf8.contains(0x0A), let first = string.utf8.first, first != 0x20, first != 0x0A else {
            return false
        }
        for scalar in string.unicodeScalars {
            let value = scalar.value
            let fine =
                value == 0x0A || value == 0x09 || (value >= 0x20 && value < 0x7F)
                || (value >= 0xA0 && value != 0x2028 && value != 0x2029 && value != 0xFEFF && value < 0x10FFFF)
            if !fine { return false }
        }
        return !string.hasPrefix("\t") && !string.contains(" \n") && !string.hasSuffix(" ")
    }

    private mutating func writeLiteral(_ string: String, _ indent: Int) {
        var lines = string.split(separator: "\n", omittingEmptySubsequences: false)
        if !string.hasSuffix("\n") {
            text += "|-\n"
        } else {
            lines.removeLast()
            let keepsMore = string.hasSuffix("\n\n")
            text += keepsMore ? "|+\n" : "|\n"
        }
        for line in lines {
            if !line.isEmpty {
                pad(indent)
                text += line
            }
            text += "\n"
        }
    }

    /// In double quotes; JSON's escapes are YAML's too, and what YAML cannot show is escaped besides.
    private func quoted(_ string: String) -> String {
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar.value {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x0A: result += "\\n"
            case 0x0D: result += "\\r"
            case 0x09: result += "\\t"
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
