// SPDX-License-Identifier: Apache-2.0

/// Expands `$(NAME)` in commands, arguments and values: known names by their values, others stay as they are, and `$$`
/// is one dollar.
enum VariableExpansion {
    static func expand(_ text: String, _ variables: [String: String]) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            guard let next = rest.first else {
                result += "$"
                break
            }
            if next == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if next == "(", let close = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<close])
                result += variables[name] ?? "$(\(name))"
                rest = rest[rest.index(after: close)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    /// As above, where an unknown name is an error: `subPathExpr`.
    static func expandStrictly(_ text: String, _ variables: [String: String]) -> String? {
        let expanded = expand(text, variables)
        guard expanded.contains("$(") else { return expanded }
        return nil
    }
}

/// A Service as the environment of containers tells of it.
struct ServiceVariables {
    var name: String
    var clusterIP: String
    var ports: [(name: String, port: Int, transport: String)]

    /// The variables of old that links of Docker made, and upstream still makes.
    var environment: [(String, String)] {
        let prefix = ServiceVariables.variable(name)
        guard let first = ports.first else { return [] }
        var result = [("\(prefix)_SERVICE_HOST", clusterIP), ("\(prefix)_SERVICE_PORT", "\(first.port)")]
        for port in ports where !port.name.isEmpty {
            result.append(("\(prefix)_SERVICE_PORT_\(ServiceVariables.variable(port.name))", "\(port.port)"))
        }
        let host = clusterIP.contains(":") ? "[\(clusterIP)]" : clusterIP
        for (index, port) in ports.enumerated() {
            let transport = port.transport.lowercased()
            let url = "\(transport)://\(host):\(port.port)"
            if index == 0 { result.append(("\(prefix)_PORT", url)) }
            let base = "\(prefix)_PORT_\(port.port)_\(port.transport.uppercased())"
            result += [
                (base, url), ("\(base)_PROTO", transport), ("\(base)_PORT", "\(port.port)"),
                ("\(base)_ADDR", clusterIP),
            ]
        }
        return result
    }

    private static func variable(_ name: String) -> String {
        String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    }
}
