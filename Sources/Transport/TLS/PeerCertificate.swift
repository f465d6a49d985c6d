// SPDX-License-Identifier: Apache-2.0

/// What a peer proved of itself in a TLS handshake: the fields of its leaf certificate, and whether the chain was
/// verified against the authorities of the configuration.
public struct PeerCertificate: Sendable, Hashable {
    /// The last common name of the subject; empty when there is none. Kubernetes reads it as the user.
    public var commonName: String
    /// The organizations of the subject, in order. Kubernetes reads them as groups.
    public var organizations: [String]
    /// The last common name of the issuer; empty when there is none.
    public var issuerCommonName: String
    /// The subject alternative names.
    public var dnsNames: [String]
    public var addresses: [String]
    public var uris: [String]
    /// Seconds since 1970 from which, and until which, the certificate is valid.
    public var notBefore, notAfter: Int64
    /// True when the chain leads to a configured authority and every certificate of it is valid now.
    public var isVerified: Bool
    /// The chain as the peer sent it, leaf first, each in DER.
    public var chain: [[UInt8]]
    /// SHA-256 of the leaf's DER; empty where no chain was given.
    public let fingerprint: [UInt8]

    /// Makes one from its fields; what a test or an in-process transport has to say.
    public init(
        commonName: String, organizations: [String] = [], issuerCommonName: String = "", dnsNames: [String] = [],
        addresses: [String] = [], uris: [String] = [], notBefore: Int64 = 0, notAfter: Int64 = .max, isVerified: Bool,
        chain: [[UInt8]] = []
    ) {
        self.commonName = commonName
        self.organizations = organizations
        self.issuerCommonName = issuerCommonName
        self.dnsNames = dnsNames
        self.addresses = addresses
        self.uris = uris
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.isVerified = isVerified
        self.chain = chain
        fingerprint = chain.first.map { Digest.hash($0) } ?? []
    }

    /// Whether it is valid at `now`: a connection may outlive what was verified at its handshake.
    public func isValid(at now: Int64) -> Bool { notBefore <= now && now <= notAfter }
}
