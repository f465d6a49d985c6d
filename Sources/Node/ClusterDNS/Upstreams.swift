// SPDX-License-Identifier: Apache-2.0

internal import Linux

/// The resolvers of the machine: the `nameserver` lines of resolv.conf(5), and which of them have failed of late. A value;
/// time (seconds) is passed in.
struct Upstreams: Sendable {
    private(set) var servers: [SocketAddress] = []
    private var failures: [SocketAddress: Int64] = [:]

    /// How long a server that has failed is asked after the others.
    static let patience: Int64 = 10

    /// - Parameter excluded: Addresses under which this very server is reached: asking them would be a circle.
    mutating func read(_ text: String, excluding excluded: Set<String>) {
        servers = []
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count > 1, words[0] == "nameserver",
                let address = SocketAddress(host: String(words[1]), port: 53),
                !excluded.contains(address.host), !servers.contains(address)
            else { continue }
            servers.append(address)
        }
        failures = failures.filter { servers.contains($0.key) }
    }

    /// The servers in the order in which to ask: the file's, those that have just failed last.
    func order(now: Int64) -> [SocketAddress] {
        let failed = servers.filter { failures[$0].map { now - $0 < Self.patience } ?? false }
        return servers.filter { !failed.contains($0) } + failed
    }

    mutating func failed(_ server: SocketAddress, now: Int64) { failures[server] = now }
    mutating func answered(_ server: SocketAddress) { failures[server] = nil }
}
