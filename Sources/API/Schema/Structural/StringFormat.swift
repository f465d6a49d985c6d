// SPDX-License-Identifier: Apache-2.0

internal import Text

/// The formats that strings of custom resources are held to. Names are compared without dashes; a format that is not
/// known is not checked, as upstream.
enum StringFormat {
    static func accepts(_ text: String, _ format: String) -> Bool {
        let name = String(format.filter { $0 != "-" })
        if let expression = expressions[name] { return expression.matches(text) }
        switch name {
        case "datetime": return KubeTime(text) != nil
        case "date": return text.utf8.count == 10 && KubeTime(text + "T00:00:00Z") != nil
        case "byte": return Base64.decode(text) != nil
        case "duration": return GoDuration.nanoseconds(text) != nil
        case "ipv4": return isIPv4(text)
        case "ipv6": return text.contains(":") && isIPv6(text)
        case "cidr":
            let parts = text.steps(keepingEmpty: true)
            guard parts.count == 2, let length = Int(parts[1]), length >= 0, parts[1] == "\(length)" else {
                return false
            }
            return isIPv4(parts[0]) ? length <= 32 : isIPv6(parts[0]) && length <= 128
        default: return true
        }
    }

    private static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard let number = UInt8(part) else { return false }
                return part == "\(number)"
            }
    }

    private static func isIPv6(_ text: String) -> Bool {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard halves.count <= 2, !text.contains(":::") else { return false }
        var groups = 0
        for (index, half) in halves.enumerated() where !half.isEmpty {
            let parts = half.split(separator: ":", omittingEmptySubsequences: false)
            for (position, part) in parts.enumerated() {
                let isLast = index == halves.count - 1 && position == parts.count - 1
                if isLast, part.contains(".") {
                    guard isIPv4(String(part)) else { return false }
                    groups += 2
                    continue
                }
                guard (1...4).contains(part.utf8.count), UInt16(part, radix: 16) != nil, part.first != "+" else {
                    return false
                }
                groups += 1
            }
        }
        return halves.count == 2 ? groups < 8 : groups == 8
    }

    private static let expressions: [String: RegularExpression] = {
        let texts = [
            "bsonobjectid": "^[0-9a-fA-F]{24}$",
            "uri": "^([A-Za-z][A-Za-z0-9+.-]*:[^\\s\\x00-\\x1f]+|/[^\\s\\x00-\\x1f]*)$",
            "email": "^[^@\\s]+@[^@\\s]+$",
            "hostname":
                "^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)(\\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\\.?$",
            "mac":
                "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$|^[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){5}$|^([0-9A-Fa-f]{4}\\.){2}[0-9A-Fa-f]{4}$",
            "uuid": "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$",
            "uuid3": "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$",
            "uuid4": "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$",
            "uuid5": "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$",
            "ssn": "^\\d{3}[- ]?\\d{2}[- ]?\\d{4}$",
            "hexcolor": "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$",
            "rgbcolor": "^rgb\\(\\s*\\d{1,3}\\s*,\\s*\\d{1,3}\\s*,\\s*\\d{1,3}\\s*\\)$",
            "k8sshortname": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
            "k8slongname": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        ]
        // These are part of the program; a mistake in one is found by the first test that touches them.
        return texts.mapValues { text in
            guard let expression = try? RegularExpression(text) else { preconditionFailure("format \(text)") }
            return expression
        }
    }()
}
