// SPDX-License-Identifier: Apache-2.0

internal import HTTP

/// What a registry wants before it answers: the content of WWW-Authenticate (RFC 9110 §11.6.1).
enum AuthChallenge: Equatable {
    case basic
    /// Ask `realm` for a token (distribution's token authentication).
    case bearer(realm: String, service: String?, scope: String?)

    /// Reads the challenges; a bearer challenge is preferred, as the one the registry scopes.
    init?(_ headers: HTTPHeaders) {
        var found: AuthChallenge?
        for value in headers.all("WWW-Authenticate") {
            let (scheme, parameters) = Self.parse(value)
            if scheme.equalsIgnoringCase("bearer"), let realm = parameters["realm"] {
                self = .bearer(realm: realm, service: parameters["service"], scope: parameters["scope"])
                return
            }
            if scheme.equalsIgnoringCase("basic") { found = .basic }
        }
        guard let found else { return nil }
        self = found
    }

    /// Splits one challenge into its scheme and its parameters, values quoted or not.
    static func parse(_ text: String) -> (scheme: String, parameters: [String: String]) {
        var bytes = Substring(text).utf8
        func skipSpace() {
            while let byte = bytes.first, byte == 0x20 || byte == 0x09 || byte == 0x2C { bytes.removeFirst() }
        }
        func token() -> String {
            let end = bytes.firstIndex { $0 == 0x20 || $0 == 0x3D || $0 == 0x2C } ?? bytes.endIndex
            defer { bytes = bytes[end...] }
            return String(Substring(bytes[..<end]))
        }
        skipSpace()
        let scheme = token()
        var parameters: [String: String] = [:]
        while true {
            skipSpace()
            let name = token()
            guard !name.isEmpty, bytes.first == 0x3D else { break }
            bytes.removeFirst()
            parameters[name.lowercasedASCII()] = bytes.first == 0x22 ? quoted(&bytes) : token()
        }
        return (scheme, parameters)
    }

    private static func quoted(_ bytes: inout Substring.UTF8View) -> String {
        bytes.removeFirst()
        var result: [UInt8] = []
        while let byte = bytes.popFirst(), byte != 0x22 {
            if byte == 0x5C, let escaped = bytes.popFirst() { result.append(escaped) } else { result.append(byte) }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
