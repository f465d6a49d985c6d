// SPDX-License-Identifier: Apache-2.0

/// How a server speaks TLS: 1.2 and 1.3, nothing older.
public struct TLSServerConfiguration: Sendable {
    /// What is asked of a client.
    public enum ClientAuthentication: Sendable {
        case none
        /// A certificate is asked for and taken whatever it is; `PeerCertificate.isVerified` tells whether it leads to one
        /// of the authorities. What an API server wants: a bad certificate is its 401, not a broken handshake.
        case request(authorities: [Certificate])
        /// A handshake without a certificate that leads to one of the authorities fails.
        case require(authorities: [Certificate])
    }

    /// The first is used unless the client names a host that a later one has among its DNS names.
    public var identities: [TLSIdentity]
    public var clientAuthentication: ClientAuthentication
    /// Protocols offered by ALPN, the most wanted first; empty: no ALPN.
    public var applicationProtocols: [String]

    public init(
        identity: TLSIdentity, clientAuthentication: ClientAuthentication = .none,
        applicationProtocols: [String] = ["h2", "http/1.1"]
    ) {
        self.init(
            identities: [identity], clientAuthentication: clientAuthentication,
            applicationProtocols: applicationProtocols)
    }

    public init(
        identities: [TLSIdentity], clientAuthentication: ClientAuthentication = .none,
        applicationProtocols: [String] = ["h2", "http/1.1"]
    ) {
        self.identities = identities
        self.clientAuthentication = clientAuthentication
        self.applicationProtocols = applicationProtocols
    }
}

/// How a client speaks TLS.
public struct TLSClientConfiguration: Sendable {
    public enum Authorities: Sendable {
        /// The machine's own (`/etc/ssl/certs`).
        case system
        /// These alone.
        case certificates([Certificate])
    }

    public var authorities: Authorities
    /// False: any certificate is taken, whoever it names (`insecure-skip-tls-verify`).
    public var verifiesPeer: Bool
    /// The name the server must prove, and is asked for by SNI; nil: the host connected to.
    public var serverName: String?
    /// Decides by the certificate, once its chain is verified, whether the server is who is meant, in place of the
    /// comparison with the name: returns why it is not. Nothing is sent before.
    public var judge: (@Sendable (PeerCertificate) -> String?)?
    /// What is shown when the server asks.
    public var identity: TLSIdentity?
    /// Protocols offered by ALPN, the most wanted first.
    public var applicationProtocols: [String]

    public init(
        authorities: Authorities = .system, verifiesPeer: Bool = true, serverName: String? = nil,
        identity: TLSIdentity? = nil, applicationProtocols: [String] = ["h2", "http/1.1"]
    ) {
        self.authorities = authorities
        self.verifiesPeer = verifiesPeer
        self.serverName = serverName
        self.identity = identity
        self.applicationProtocols = applicationProtocols
    }
}
