// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
internal import Glibc
internal import Linux

/// A certificate with its private key, and the certificates that lead from it to an authority.
public struct TLSIdentity: Sendable {
    /// Leaf first.
    public let chain: [Certificate]
    public let key: PrivateKey

    /// Throws when the key is not the leaf's.
    public init(chain: [Certificate], key: PrivateKey) throws(TLSError) {
        guard let leaf = chain.first else { throw TLSError("make a TLS identity", "it has no certificate") }
        guard leaf.matches(key) else {
            throw TLSError("make a TLS identity for \(leaf.commonName)", "the key is not the certificate's")
        }
        self.chain = chain
        self.key = key
    }

    public init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        try self.init(chain: Certificate.all(pem: certificatePEM), key: PrivateKey(pem: keyPEM))
    }

    public init(certificateFile: String, keyFile: String) throws {
        try self.init(chain: Certificate.all(file: certificateFile), key: PrivateKey(file: keyFile))
    }

    public var leaf: Certificate { chain[0] }

    /// The whole chain in PEM.
    public func certificatePEM() throws(TLSError) -> [UInt8] {
        var result: [UInt8] = []
        for certificate in chain { result += try certificate.pem() }
        return result
    }
}

/// Issues certificates.
public struct CertificateAuthority: Sendable {
    public let certificate: Certificate
    public let key: PrivateKey

    /// Uses an authority that exists. Throws when the key is not the certificate's or it may not issue.
    public init(certificate: Certificate, key: PrivateKey) throws(TLSError) {
        guard certificate.matches(key) else {
            throw TLSError("use the authority \(certificate.commonName)", "the key is not the certificate's")
        }
        guard certificate.isAuthority else {
            throw TLSError("use the authority \(certificate.commonName)", "the certificate is not an authority's")
        }
        self.certificate = certificate
        self.key = key
    }

    public init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        try self.init(certificate: Certificate(pem: certificatePEM), key: PrivateKey(pem: keyPEM))
    }

    /// Makes a self-signed authority.
    public static func create(
        commonName: String, organizations: [String] = [], lifetime: Duration = .seconds(10 * 365 * 86_400),
        key kind: PrivateKey.Kind = .ecdsaP256
    ) throws(TLSError) -> CertificateAuthority {
        try create(
            commonName: commonName, organizations: organizations, lifetime: lifetime, key: PrivateKey(generate: kind))
    }

    /// The same authority for another `lifetime` from now: its name and key are kept, so what it has issued stays good.
    public func renewed(lifetime: Duration = .seconds(10 * 365 * 86_400)) throws(TLSError) -> CertificateAuthority {
        try Self.create(
            commonName: certificate.commonName, organizations: certificate.organizations, lifetime: lifetime, key: key)
    }

    private static func create(
        commonName: String, organizations: [String], lifetime: Duration, key: PrivateKey
    ) throws(TLSError) -> CertificateAuthority {
        var builder = try CertificateBuilder("make the authority \(commonName)")
        try builder.setSubject(commonName: commonName, organizations: organizations)
        try builder.setValidity(lifetime)
        try builder.setKey(key.publicKey)
        try builder.setIssuer(nil)
        try builder.add(NID_basic_constraints, "critical,CA:TRUE")
        try builder.add(NID_key_usage, "critical,digitalSignature,keyEncipherment,keyCertSign")
        try builder.add(NID_subject_key_identifier, "hash")
        try builder.add(NID_authority_key_identifier, "keyid:always")
        return try CertificateAuthority(certificate: builder.sign(key), key: key)
    }

    /// Makes a key and a certificate for it.
    public func issue(
        commonName: String, organizations: [String] = [], dnsNames: [String] = [], addresses: [String] = [],
        uris: [String] = [], usages: [KeyUsage], lifetime: Duration = .seconds(365 * 86_400),
        backdate: Duration = .seconds(60), key kind: PrivateKey.Kind = .ecdsaP256
    ) throws(TLSError) -> TLSIdentity {
        let key = try PrivateKey(generate: kind)
        let certificate = try issue(
            publicKey: key.publicKey, commonName: commonName, organizations: organizations,
            names: AlternativeNames(dnsNames: dnsNames, addresses: addresses, uris: uris), usages: usages,
            lifetime: lifetime, backdate: backdate)
        return try TLSIdentity(chain: [certificate], key: key)
    }

    /// Certifies the key of `request` under the names it asks for: the caller has decided that it may have them.
    public func sign(
        _ request: CertificateRequest, usages: [KeyUsage], lifetime: Duration, backdate: Duration = .seconds(300)
    ) throws(TLSError) -> Certificate {
        guard let key = request.publicKey else {
            throw TLSError("sign the request of \(request.commonName)", "it has no usable key")
        }
        return try issue(
            publicKey: key, commonName: request.commonName, organizations: request.organizations,
            names: request.alternativeNames, usages: usages, lifetime: lifetime, backdate: backdate)
    }

    /// Certifies `publicKey`. The certificate ends with the authority's at the latest.
    public func issue(
        publicKey: PublicKey, commonName: String, organizations: [String] = [],
        names: AlternativeNames = AlternativeNames(), usages: [KeyUsage], lifetime: Duration,
        backdate: Duration = .seconds(60)
    ) throws(TLSError) -> Certificate {
        var builder = try CertificateBuilder("issue a certificate for \(commonName)")
        try builder.setSubject(commonName: commonName, organizations: organizations)
        try builder.setValidity(lifetime, backdate: backdate, atMost: certificate.notAfter)
        try builder.setKey(publicKey)
        try builder.setIssuer(certificate)
        try builder.add(NID_basic_constraints, "critical,CA:FALSE")
        let encipherment = publicKey.algorithm == .rsa ? ",keyEncipherment" : ""
        try builder.add(NID_key_usage, "critical,digitalSignature\(encipherment)")
        if !usages.isEmpty { try builder.add(NID_ext_key_usage, usages.map(\.name).joined(separator: ",")) }
        try builder.add(NID_subject_key_identifier, "hash")
        try builder.add(NID_authority_key_identifier, "keyid")
        if !names.isEmpty { try builder.add(names, isCritical: commonName.isEmpty && organizations.isEmpty) }
        return try builder.sign(key)
    }
}

/// A certificate in the making.
private struct CertificateBuilder: ~Copyable {
    private let pointer: OpaquePointer
    private let attempt: String
    private var issuer: Certificate?

    init(_ attempt: String) throws(TLSError) {
        self.attempt = attempt
        pointer = try checked(X509_new(), attempt)
        X509_set_version(pointer, 2)
        // 127 random bits: positive, unguessable, and unique without a register of what was issued.
        var serial = secureRandomBytes(16)
        serial[0] = serial[0] & 0x7f | 0x40
        let number = BN_bin2bn(serial, 16, nil)
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer))
        BN_free(number)
    }

    deinit { X509_free(pointer) }

    mutating func setSubject(commonName: String, organizations: [String]) throws(TLSError) {
        try SubjectNames.fill(X509_get_subject_name(pointer), commonName: commonName, organizations: organizations)
    }

    mutating func setValidity(
        _ lifetime: Duration, backdate: Duration = .seconds(60), atMost end: Int64 = .max
    ) throws(TLSError) {
        let now = Int64(time(nil))
        let notAfter = min(now + lifetime.components.seconds, end)
        try checked(ASN1_TIME_set(X509_getm_notBefore(pointer), Int(now - backdate.components.seconds)), attempt)
        try checked(ASN1_TIME_set(X509_getm_notAfter(pointer), Int(notAfter)), attempt)
    }

    mutating func setKey(_ key: PublicKey) throws(TLSError) {
        try checked(X509_set_pubkey(pointer, key.pointer), attempt)
    }

    /// Nil: the certificate issues itself.
    mutating func setIssuer(_ issuer: Certificate?) throws(TLSError) {
        self.issuer = issuer
        try checked(X509_set_issuer_name(pointer, X509_get_subject_name(issuer?.pointer ?? pointer)), attempt)
    }

    /// An extension by the text of x509v3_config(5): only for texts that are constants here.
    mutating func add(_ nid: Int32, _ text: String) throws(TLSError) {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer?.pointer ?? pointer, pointer, nil, nil, 0)
        let value = try checked(X509V3_EXT_conf_nid(nil, &context, nid, text), attempt)
        defer { X509_EXTENSION_free(value) }
        try checked(X509_add_ext(pointer, value, -1), attempt)
    }

    mutating func add(_ names: AlternativeNames, isCritical: Bool) throws(TLSError) {
        let stack = try SubjectNames.stack(names)
        defer { SubjectNames.free(stack) }
        try checked(
            X509_add1_ext_i2d(pointer, NID_subject_alt_name, UnsafeMutableRawPointer(stack), isCritical ? 1 : 0, 0),
            attempt)
    }

    consuming func sign(_ key: PrivateKey) throws(TLSError) -> Certificate {
        let digest = key.publicKey.algorithm == .ed25519 ? nil : EVP_sha256()
        try checked(X509_sign(pointer, key.pointer, digest), attempt)
        X509_up_ref(pointer)
        return Certificate(owning: pointer)
    }
}

private func checked(
    _ value: UnsafeMutablePointer<ASN1_TIME>?, _ attempt: @autoclosure () -> String
) throws(TLSError) {
    if value == nil { throw TLSError.last(attempt()) }
}
