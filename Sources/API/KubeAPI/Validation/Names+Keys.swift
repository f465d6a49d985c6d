// SPDX-License-Identifier: Apache-2.0

extension Names {
    /// The key of a ConfigMap or Secret.
    public static func configMapKey(_ text: String) -> [String] {
        var complaints: [String] = []
        if text.utf8.count > 253 { complaints.append(tooLong(253)) }
        if text.isEmpty || !text.utf8.allSatisfy(isKeyByte) {
            complaints.append(
                pattern(
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+",
                    "key.name", "KEY_NAME", "key-name"))
        }
        return complaints + directoryComplaints(text)
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }

    private static func directoryComplaints(_ text: String) -> [String] {
        if text == "." { return ["must not be '.'"] }
        if text == ".." { return ["must not be '..'"] }
        return text.utf8.starts(with: "..".utf8) ? ["must not start with '..'"] : []
    }

    /// The name of an environment variable: any printable ASCII but `=`.
    public static func environmentVariable(_ text: String) -> [String] {
        if text.isEmpty { return ["environment variable name must be non-empty"] }
        let fine = text.utf8.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
        return fine
            ? []
            : [
                "a valid environment variable name must consist only of printable ASCII characters other than '='"
            ]
    }

    static func cIdentifier(_ text: String) -> [String] {
        let fine =
            text.utf8.first.map { isLetter($0) || $0 == UInt8(ascii: "_") } == true
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
        guard !fine else { return [] }
        return [
            pattern(
                "a valid C identifier must start with alphabetic character or '_', followed by a string of "
                    + "alphanumeric characters or '_'",
                "[A-Za-z_][A-Za-z0-9_]*", "my_name", "MY_NAME", "MyName")
        ]
    }

    /// The name of a port: at most 15 of `[-a-z0-9]`, at least one letter.
    public static func portName(_ text: String) -> [String] {
        var complaints: [String] = []
        let bytes = text.utf8
        if bytes.count > 15 { complaints.append(tooLong(15)) }
        if text.isEmpty || !bytes.allSatisfy({ isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }) {
            complaints.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !bytes.contains(where: isLowercase) { complaints.append("must contain at least one letter (a-z)") }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == UInt8(ascii: "-") && $1 == UInt8(ascii: "-") }) {
            complaints.append("must not contain consecutive hyphens")
        }
        if bytes.first == UInt8(ascii: "-") || bytes.last == UInt8(ascii: "-") {
            complaints.append("must not begin or end with a hyphen")
        }
        return complaints
    }

    static func portNumber(_ number: Int64) -> [String] {
        (1...65535).contains(number) ? [] : [outOfRange(1, 65535)]
    }

    static func isPercent(_ text: String) -> Bool {
        text.utf8.count > 1 && text.utf8.last == UInt8(ascii: "%") && text.utf8.dropLast().allSatisfy(isDigit)
    }

    static let percentComplaint = pattern(
        "a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", "1%", "93%")

    static func httpHeader(_ text: String) -> [String] {
        let fine = !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        guard !fine else { return [] }
        return [
            pattern(
                "a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", "X-Header-Name")
        ]
    }

    /// The name of an RBAC object: one path segment.
    public static func pathSegment(_ text: String) -> [String] {
        if text == "." { return ["may not be '.'"] }
        if text == ".." { return ["may not be '..'"] }
        var complaints: [String] = []
        if text.utf8.contains(UInt8(ascii: "/")) { complaints.append("may not contain '/'") }
        if text.utf8.contains(UInt8(ascii: "%")) { complaints.append("may not contain '%'") }
        return complaints
    }
}
