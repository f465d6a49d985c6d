// SPDX-License-Identifier: Apache-2.0

/// What is proxied to, as a path names it: `https:name:port`, `name:port` or `name`.
struct ProxyTarget: Hashable, Sendable {
    var isTLS: Bool
    var name: String
    /// A number, a name, or empty.
    var port: String

    init(_ text: String, kind: String) throws(APIError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let scheme = parts.count == 3 ? parts[0] : ""
        guard parts.count <= 3, ["", "http", "https"].contains(scheme), case let rest = parts.suffix(2),
            let name = parts.count == 1 ? parts[0] : rest.first, !name.isEmpty
        else { throw .badRequest("invalid \(kind.lowercased()) request \"\(text)\"") }
        isTLS = scheme == "https"
        self.name = name
        port = parts.count == 1 ? "" : rest.last ?? ""
    }

    /// The port as a number; nil when it is a name or none. Throws for a number that is no port.
    func number() throws(APIError) -> UInt16? {
        guard !port.isEmpty, port.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = UInt16(port), number > 0 else { throw .badRequest("invalid port \"\(port)\"") }
        return number
    }
}

/// Where an answer's Location leads, seen from outside of the proxy. A client follows it with the caller's own rights: a
/// target must not send it to another part of the API.
struct ProxyLocation: Sendable {
    /// The path of what is proxied, without a slash at its end.
    var prefix: String
    /// The path that was asked for below it.
    var path: String
    /// The hosts that mean what is proxied: its own, and the one the client asked.
    var hosts: [String]

    func rewritten(_ location: String) -> String {
        // As browsers read it: tabs are nothing, and a backslash is a slash.
        let location = location.filter { $0 != "\t" }
        func isSlash(_ character: Character) -> Bool { character == "/" || character == "\\" }
        var rest = Substring(location)
        if let colon = location.firstIndex(of: ":"),
            !location[..<colon].contains(where: { isSlash($0) || "?#".contains($0) })
        {
            // Another scheme leads to nothing of this server's.
            guard ["http", "https"].contains(location[..<colon].lowercased()) else { return location }
            rest = location[colon...].dropFirst()
        }
        if rest.prefix(2).allSatisfy(isSlash), rest.count >= 2 {
            let authority = rest.drop(while: isSlash)
            let end = authority.firstIndex { isSlash($0) || $0 == "?" || $0 == "#" } ?? authority.endIndex
            let host = authority[..<end].split(separator: "@", omittingEmptySubsequences: false).last?.lowercased()
            guard hosts.contains(where: { $0.lowercased() == host }) else { return location }
            rest = authority[end...]
            if rest.first.map(isSlash) != true { rest = "/" + rest }
        }
        let tail = rest.firstIndex { $0 == "?" || $0 == "#" } ?? rest.endIndex
        let target = rest[..<tail]
        var segments: [Substring] = []
        if target.isEmpty {
            segments = split(path[...], isSlash)
        } else if !isSlash(target[target.startIndex]) {
            segments = split(path[...], isSlash).dropLast() + split(target, isSlash)
        } else {
            let own = split(target, isSlash)
            let base = split(prefix[...], isSlash)
            // Already seen from outside, as some who know where they are served from say it.
            segments = own.starts(with: base) && !own.contains(where: isUp) ? Array(own.dropFirst(base.count)) : own
        }
        return prefix + "/" + normal(segments) + rest[tail...]
    }

    private func split(_ path: Substring, _ isSlash: (Character) -> Bool) -> [Substring] {
        let body = path.first.map(isSlash) == true ? path.dropFirst() : path
        return body.split(omittingEmptySubsequences: false, whereSeparator: isSlash)
    }

    private func isUp(_ segment: Substring) -> Bool {
        ["..", "%2e.", ".%2e", "%2e%2e"].contains(segment.lowercased())
    }

    /// Without steps up and on the spot, which a client would take on the whole path.
    private func normal(_ segments: [Substring]) -> String {
        var result: [Substring] = []
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            if isUp(segment) {
                _ = result.popLast()
                if isLast { result.append("") }
            } else if [".", "%2e"].contains(segment.lowercased()) {
                if isLast { result.append("") }
            } else {
                result.append(segment)
            }
        }
        return result.joined(separator: "/")
    }
}
