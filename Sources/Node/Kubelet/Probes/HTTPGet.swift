// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import KubeAPI
internal import TLS
internal import Text

/// The HTTP request of a probe or hook: a connection of its own, no proxy, no certificate asked for, redirects within
/// the host followed.
struct HTTPGet: Sendable {
    /// What the request is for, as the user agent says it.
    enum Purpose: String, Sendable {
        case probe, lifecycle
    }

    private let url: ProbeURL
    private let headers: HTTPHeaders

    /// - Parameters:
    ///   - host: Where to connect; `action` may name another host in its own `Host` header.
    init(_ action: HTTPGetAction, host: String, port: UInt16, purpose: Purpose) {
        url = ProbeURL(isTLS: action.scheme?.uppercased() == "HTTPS", host: host, port: port, path: action.path ?? "")
        var headers = HTTPHeaders()
        for header in action.httpHeaders { headers.add(name: header.name, value: header.value) }
        if !headers.contains("User-Agent") { headers["User-Agent"] = "kube-\(purpose)/1.36" }
        if let accept = headers["Accept"] {
            if accept.isEmpty { headers.remove("Accept") }
        } else {
            headers["Accept"] = "*/*"
        }
        // Each probe shows whether the server takes connections.
        headers["Connection"] = "close"
        self.headers = headers
    }

    /// The status of the answer, which has come whole or beyond 10 KiB; the last one's, after redirects.
    func status(timeout: Duration) async throws -> Int {
        try await withDeadline(timeout, "Get \"\(url)\"") { try await follow(timeout) }
    }

    private func follow(_ timeout: Duration) async throws -> Int {
        var url = url
        var headers = headers
        for _ in 0..<10 {
            let (status, location) = try await Self.get(url, headers, timeout)
            guard [301, 302, 303, 307, 308].contains(status), let location else { return status }
            guard let next = url.resolving(location) else {
                throw ProbeUnsupported(description: "failed to parse Location header \"\(location)\"")
            }
            // Elsewhere the node's own network could be asked on the pod's behalf: that is where following ends.
            guard next.host == url.host else { return status }
            if location.contains("://") || location.hasPrefix("//") { headers.remove("Host") }
            url = next
        }
        throw ProbeUnsupported(description: "Get \"\(url)\": stopped after 10 redirects")
    }

    private static let tls = TLSClientConfiguration(verifiesPeer: false)
    private static let longestBody = 10 << 10

    private static func get(
        _ url: ProbeURL, _ headers: HTTPHeaders, _ timeout: Duration
    ) async throws -> (status: Int, location: String?) {
        var configuration = HTTPClient.Configuration()
        configuration.connectTimeout = timeout
        configuration.handshakeTimeout = timeout
        configuration.maximumIdle = 0
        let client = try HTTPClient(
            endpoint: HTTPEndpoint(isTLS: url.isTLS, host: url.host, port: url.port), tls: tls,
            configuration: configuration)
        defer { client.close() }
        let response = try await client.send(HTTPRequest(target: url.target, headers: headers))
        // An answer that breaks off is none. One that goes on and on is enough as it is.
        do { _ = try await response.body.collect(limit: longestBody) } catch is HTTPBodyTooLarge {}
        return (response.status, response.headers["Location"])
    }
}

/// The address of a probe's request.
struct ProbeURL: Sendable, Hashable, CustomStringConvertible {
    var isTLS: Bool
    var host: String
    var port: UInt16
    /// Path and query, encoded.
    var target: String

    init(isTLS: Bool, host: String, port: UInt16, path: String) {
        self.isTLS = isTLS
        self.host = host
        self.port = port
        target = Self.target(path)
    }

    var description: String {
        "\(isTLS ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)\(target)"
    }

    /// What a Location header points at, seen from here; nil when it is nothing HTTP can ask for.
    func resolving(_ location: String) -> ProbeURL? {
        if location.hasPrefix("//") { return resolving((isTLS ? "https:" : "http:") + location) }
        if let colon = location.firstIndex(of: ":"), location[colon...].hasPrefix("://"),
            !location[..<colon].contains(where: { "/?#".contains($0) })
        {
            let scheme = location[..<colon].lowercased()
            guard scheme == "http" || scheme == "https" else { return nil }
            let rest = location[colon...].dropFirst(3)
            let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
            // What is not an authority leads nowhere: nil says so.
            guard let endpoint = try? HTTPEndpoint("\(scheme)://\(rest[..<end])") else { return nil }
            return ProbeURL(
                isTLS: endpoint.isTLS, host: endpoint.host, port: endpoint.port, path: String(rest[end...]))
        }
        var next = self
        if location.hasExactPrefix("/") {
            next.target = Self.target(location)
        } else {
            let path = target.prefix { $0 != "?" }
            let folder = path[...(path.lastSlash ?? path.startIndex)]
            next.target = Self.target(location.hasPrefix("?") ? path + location : Self.normal(folder + location))
        }
        return next
    }

    /// Removes `.` and `..` from the path of a relative reference.
    private static func normal(_ text: String.SubSequence) -> String {
        let end = text.firstIndex { "?#".contains($0) } ?? text.endIndex
        var parts: [String] = []
        let all = text[..<end].steps(keepingEmpty: true).dropFirst()
        for (index, part) in all.enumerated() {
            if part == ".." { _ = parts.popLast() } else if part != "." { parts.append(part) }
            if index == all.count - 1, part == ".." || part == "." { parts.append("") }
        }
        return "/" + parts.joined(separator: "/") + text[end...]
    }

    private static func target(_ path: String) -> String {
        let path = path.prefix { $0 != "#" }
        var encoded = path.hasExactPrefix("/") ? "" : "/"
        for byte in path.utf8 {
            if byte > 0x20, byte < 0x7f, !"\"<>\\^`{|}".utf8.contains(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}

/// A probe that cannot be made, or an answer that says nothing.
struct ProbeUnsupported: Error, CustomStringConvertible {
    var description: String
}
