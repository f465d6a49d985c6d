// SPDX-License-Identifier: Apache-2.0

/// Expands `$(NAME)` in commands, arguments and values: known names by their values, others stay as they are, and `$$`
/// is one dollar.
enum VariableExpansion {
    /// What the kernel takes for one argument or variable, its final zero counted (MAX_ARG_STRLEN, execve(2)). Forty
    /// variables of two references each would otherwise be a terabyte.
    static let longest = 131_072
    /// What it takes for all of them together, however large the stack may grow.
    static let longestTogether = 6 << 20

    /// Why a text was not expanded.
    struct TooLong: Error {}

    static func expand(_ text: String, _ variables: [String: String]) throws(TooLong) -> String {
        let bytes = Array(text.utf8)
        let dollar = UInt8(ascii: "$"), open = UInt8(ascii: "("), close = UInt8(ascii: ")")
        guard bytes.count < longest else { throw TooLong() }
        guard bytes.contains(dollar) else { return text }
        // Behind the last `)` nothing can be a name: without knowing it, every `$(` would be a walk to the end.
        let last = bytes.lastIndex(of: close) ?? -1
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            guard byte == dollar, position < bytes.count else {
                result.append(byte)
                continue
            }
            if bytes[position] == dollar {
                result.append(dollar)
                position += 1
            } else if bytes[position] == open, position < last,
                let end = bytes[position...].firstIndex(of: close)
            {
                let name = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
                result += variables[name].map { Array($0.utf8) } ?? Array("$(\(name))".utf8)
                position = end + 1
                guard result.count < longest else { throw TooLong() }
            } else {
                result.append(dollar)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// As above, where an unknown name is an error: `subPathExpr`.
    static func expandStrictly(_ text: String, _ variables: [String: String]) throws(TooLong) -> String? {
        let expanded = try expand(text, variables)
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
