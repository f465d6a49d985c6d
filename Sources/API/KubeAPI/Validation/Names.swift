// SPDX-License-Identifier: Apache-2.0

/// What names, keys and values may look like. Each check returns its complaints, none when the text is fine.
///
/// The checks work on bytes: they run for every name in every request.
public enum Names {
    static let labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    static let subdomainPattern = labelPattern + "(\\." + labelPattern + ")*"
    static let underscoreLabelPattern = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
    static let label1035Pattern = "[a-z]([-a-z0-9]*[a-z0-9])?"
    static let qualifiedPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

    // MARK: Complaints

    static func tooLong(_ limit: Int) -> String { "must be no more than \(limit) characters" }
    static func tooManyBytes(_ limit: Int) -> String { "must be no more than \(limit) bytes" }
    static func outOfRange(_ low: Int, _ high: Int) -> String { "must be between \(low) and \(high), inclusive" }

    static func pattern(_ rule: String, _ pattern: String, _ examples: String...) -> String {
        let usage = "regex used for validation is '\(pattern)')"
        guard !examples.isEmpty else { return rule + " (" + usage }
        return rule + " (e.g. " + examples.map { "'\($0)', " }.joined(separator: " or ") + usage
    }

    // MARK: DNS

    /// RFC 1123 label: a Service's port, a container, a namespace.
    public static func dnsLabel(_ text: String) -> [String] {
        if isDNSLabel(text.utf8), text.utf8.count <= 63 { return [] }
        var complaints = text.utf8.count > 63 ? [tooLong(63)] : []
        if !isDNSLabel(text.utf8) {
            complaints.append(
                isDNSSubdomain(text.utf8)
                    ? "must not contain dots"
                    : pattern(
                        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
                            + "and must start and end with an alphanumeric character",
                        labelPattern, "my-name", "123-abc"))
        }
        return complaints
    }

    static let subdomainRule =
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
        + "and must start and end with an alphanumeric character"

    /// RFC 1123 subdomain: the name of most objects.
    public static func dnsSubdomain(_ text: String) -> [String] {
        var complaints: [String] = []
        if text.utf8.count > 253 { complaints.append(tooLong(253)) }
        if !isDNSSubdomain(text.utf8) {
            complaints.append(pattern(subdomainRule, subdomainPattern, "example.com"))
        }
        return complaints
    }

    /// RFC 1035 label: the name of a Service.
    public static func dns1035Label(_ text: String) -> [String] {
        var complaints: [String] = []
        if text.utf8.count > 63 { complaints.append(tooLong(63)) }
        if !(isDNSLabel(text.utf8) && text.utf8.first.map(isLowercase) == true) {
            complaints.append(
                pattern(
                    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
                        + "alphabetic character, and end with an alphanumeric character",
                    label1035Pattern, "my-name", "abc-123"))
        }
        return complaints
    }

    /// A subdomain whose labels may also hold underscores: a pod's DNS search path.
    static func dnsSubdomainWithUnderscore(_ text: String) -> [String] {
        var complaints: [String] = []
        if text.utf8.count > 253 { complaints.append(tooLong(253)) }
        let fine = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            let body = label.first == UInt8(ascii: "_") ? label.dropFirst() : label
            guard let first = body.first, let last = body.last else { return false }
            return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
                && body.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        if !fine {
            let rule =
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
                + "and must start and end with an alphanumeric character"
            complaints.append(
                pattern(rule, "\(underscoreLabelPattern)(\\.\(underscoreLabelPattern))*", "example.com"))
        }
        return complaints
    }

    /// `*.` and a subdomain: the host of an Ingress rule.
    static func wildcardSubdomain(_ text: String) -> [String] {
        var complaints: [String] = []
        if text.utf8.count > 253 { complaints.append(tooLong(253)) }
        if !(text.utf8.starts(with: "*.".utf8) && isDNSSubdomain(text.utf8.dropFirst(2))) {
            complaints.append(
                pattern(
                    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which "
                        + "must consist of lower case alphanumeric characters, '-' or '.' and end with an "
                        + "alphanumeric character",
                    "\\*\\.\(subdomainPattern)", "*.example.com"))
        }
        return complaints
    }

    static func isDNSLabel(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isLowerAlphanumeric(first) && isLowerAlphanumeric(last)
            && bytes.allSatisfy { isLowerAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    static func isDNSSubdomain(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        var previous = UInt8(ascii: ".")
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard isLowerAlphanumeric(previous) else { return false }
            } else if byte == UInt8(ascii: "-") {
                guard previous != UInt8(ascii: ".") else { return false }
            } else if !isLowerAlphanumeric(byte) {
                return false
            }
            previous = byte
        }
        return isLowerAlphanumeric(previous)
    }

    // MARK: Labels

    /// The key of a label, a taint, an extended resource: an optional `domain/` and a name.
    public static func qualifiedName(_ text: String) -> [String] {
        let rule =
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2 else {
            return [
                "a valid label key " + pattern(rule, qualifiedPattern, "MyName", "my.name", "123-abc")
                    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        var complaints: [String] = []
        if parts.count == 2 {
            if parts[0].isEmpty {
                complaints.append("prefix part must be non-empty")
            } else {
                if parts[0].count > 253 { complaints.append("prefix part " + tooManyBytes(253)) }
                if !isDNSSubdomain(parts[0]) {
                    complaints.append("prefix part " + pattern(subdomainRule, subdomainPattern, "example.com"))
                }
            }
        }
        let name = parts[parts.count - 1]
        if name.isEmpty {
            complaints.append("name part must be non-empty")
        } else if name.count > 63 {
            complaints.append("name part " + tooManyBytes(63))
        }
        if !isQualified(name) {
            complaints.append("name part " + pattern(rule, qualifiedPattern, "MyName", "my.name", "123-abc"))
        }
        return complaints
    }

    /// The value of a label.
    public static func labelValue(_ text: String) -> [String] {
        if text.isEmpty { return [] }
        var complaints: [String] = []
        if text.utf8.count > 63 { complaints.append(tooManyBytes(63)) }
        if !isQualified(text.utf8) {
            complaints.append(
                pattern(
                    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
                        + "and must start and end with an alphanumeric character",
                    "(\(qualifiedPattern))?", "MyValue", "my_value", "12345"))
        }
        return complaints
    }

    private static func isQualified(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy {
                isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
            }
    }

    // MARK: Bytes

    static func isLowercase(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "a") < 26 }
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
    static func isLowerAlphanumeric(_ byte: UInt8) -> Bool { isLowercase(byte) || isDigit(byte) }
    static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- UInt8(ascii: "a") < 26 }
    static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || isDigit(byte) }
}
