// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Linux
public import TLS

extension ServerCredentials {
    /// What the HTTPS listener is to be configured with: clients may show certificates of either authority.
    public var listener: TLSServerConfiguration {
        TLSServerConfiguration(
            identity: serving,
            clientAuthentication: .request(
                authorities: [authority.certificate, frontProxyAuthority.certificate]))
    }

    /// A client of `peer` at `address` and nowhere else: no name is looked up, and no redirect is followed. The server's
    /// own certificate is shown to a kubelet alone, and to that only after it has proved whose it is.
    func makeClient(_ peer: ProxyPeer, at address: DialableAddress) throws -> any HTTPExchange {
        var configuration = HTTPClient.Configuration()
        configuration.maximumRedirects = 0
        configuration.dial = { _, loop in
            try await AsyncSocket.connect(to: address.address, timeout: .seconds(30), loop: loop)
        }
        let tls: TLSClientConfiguration?
        switch peer {
        case .kubelet(let node): tls = try kubeletTLS(node, at: address.address)
        // What a pod shows is its own matter: nothing is told to it that the caller did not send.
        case .other(let isTLS): tls = isTLS ? TLSClientConfiguration(verifiesPeer: false) : nil
        }
        return try HTTPClient(
            endpoint: HTTPEndpoint(isTLS: tls != nil, host: address.address.host, port: address.address.port ?? 0),
            tls: tls, configuration: configuration)
    }

    private func kubeletTLS(_ node: String, at address: SocketAddress) throws -> TLSClientConfiguration {
        var authorities = [authority.certificate]
        // Read each time: it may be written after the server has started, and exchanged while it runs.
        if let file = kubeletAuthorityFile { authorities += try Certificate.all(file: file) }
        let expected = KubeletName(
            node: node, host: address.host, clusterAuthority: authority.certificate.commonName)
        var configuration = TLSClientConfiguration(
            authorities: .certificates(authorities), identity: kubeletClient)
        configuration.judge = { expected.refusal(of: $0) }
        return configuration
    }
}

/// What a kubelet's serving certificate has to say for the API server to believe that it is the kubelet of `node`. Its
/// chain has been verified by then.
struct KubeletName: Sendable {
    static let group = "system:nodes"
    static func user(of node: String) -> String { userPrefix + node }
    private static let userPrefix = "system:node:"

    var node: String
    /// The address or name it is reached under.
    var host: String
    /// The name of the authority which gives a node's name to nobody but the node.
    var clusterAuthority: String

    /// Nil when it is the kubelet's, else why not.
    func refusal(of certificate: PeerCertificate) -> String? {
        let name = certificate.commonName
        if name == Self.user(of: node), certificate.organizations.contains(Self.group) { return nil }
        // A node is no other node, whatever addresses it goes by; and what else the cluster's authority has issued is no
        // kubelet's.
        if name.hasPrefix(Self.userPrefix) || certificate.issuerCommonName == clusterAuthority {
            return "it is that of \(name), not of \(Self.user(of: node))"
        }
        let wanted = SocketAddress(host: host, port: 0)?.unmapped
        let isNamed =
            certificate.dnsNames.contains {
                $0.lowercased() == node.lowercased() || $0.lowercased() == host.lowercased()
            }
            || certificate.addresses.contains { wanted != nil && SocketAddress(host: $0, port: 0)?.unmapped == wanted }
        return isNamed ? nil : "it names neither the node \(node) nor \(host)"
    }
}
