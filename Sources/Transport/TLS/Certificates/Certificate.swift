// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
internal import Linux

/// An X.509 certificate.
public final class Certificate: @unchecked Sendable {
    // An X509 is not changed after it was made; what OpenSSL caches inside of it, it locks itself.
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { X509_free(pointer) }

    /// The first certificate of a PEM text.
    public convenience init(pem: [UInt8], name: String = "certificate") throws(TLSError) {
        let bio = try MemoryBIO(pem)
        self.init(owning: try checked(PEM_read_bio_X509(bio.pointer, nil, nil, nil), "read the \(name)"))
    }

    public convenience init(der: [UInt8]) throws(TLSError) {
        let certificate = der.withUnsafeBufferPointer { buffer in
            var start = buffer.baseAddress
            return d2i_X509(nil, &start, buffer.count)
        }
        self.init(owning: try checked(certificate, "read a certificate"))
    }

    /// Every certificate of a PEM text, in order; at least one.
    public static func all(pem: [UInt8], name: String = "certificates") throws(TLSError) -> [Certificate] {
        let bio = try MemoryBIO(pem)
        var result: [Certificate] = []
        while let next = PEM_read_bio_X509(bio.pointer, nil, nil, nil) { result.append(Certificate(owning: next)) }
        let last = ERR_peek_last_error()
        // "No start line" (PEM library 9, reason 108) is how the end of the text shows; anything else is a broken one.
        let isEnd = (last >> 23) & 0xff == 9 && last & 0x7f_ffff == 108
        if result.isEmpty || !isEnd { throw TLSError.last("read the \(name)") }
        ERR_clear_error()
        return result
    }

    /// Every certificate of the PEM file `path`.
    public static func all(file path: String) throws -> [Certificate] {
        try all(pem: try readFile(path), name: "certificates \(path)")
    }

    public func pem() throws(TLSError) -> [UInt8] {
        let bio = try MemoryBIO()
        try checked(PEM_write_bio_X509(bio.pointer, pointer), "write a certificate")
        return bio.contents()
    }

    public var der: [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(pointer, &bytes)
        guard count > 0, let bytes else { return [] }
        defer { CRYPTO_free(bytes, nil, 0) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }

    // MARK: Fields

    /// The last common name of the subject; empty when there is none.
    public var commonName: String { SubjectNames.entries(X509_get_subject_name(pointer), NID_commonName).last ?? "" }

    public var organizations: [String] { SubjectNames.entries(X509_get_subject_name(pointer), NID_organizationName) }

    public var issuerCommonName: String {
        SubjectNames.entries(X509_get_issuer_name(pointer), NID_commonName).last ?? ""
    }

    public var alternativeNames: AlternativeNames {
        guard let raw = X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) else { return AlternativeNames() }
        let stack = OpaquePointer(raw)
        defer { SubjectNames.free(stack) }
        return SubjectNames.alternatives(stack)
    }

    /// Seconds since 1970.
    public var notBefore: Int64 { SubjectNames.seconds(X509_get0_notBefore(pointer)) }
    public var notAfter: Int64 { SubjectNames.seconds(X509_get0_notAfter(pointer)) }
    /// Whether it is valid at `now` and has a third of its time left. One made while the clock was ahead is not valid yet.
    public func isFresh(at now: Int64) -> Bool { notBefore <= now && now < moment(after: 2.0 / 3) }

    /// When, in seconds since 1970, `share` of the certificate's time is over: at 2/3 is a good moment to have another.
    public func moment(after share: Double) -> Int64 { notBefore + Int64(Double(notAfter - notBefore) * share) }

    /// The serial number, big-endian.
    public var serialNumber: [UInt8] {
        guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(pointer), nil) else { return [] }
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(number) + 7) / 8)
        BN_bn2bin(number, &bytes)
        return bytes
    }

    public var isAuthority: Bool { X509_check_ca(pointer) == 1 }

    /// Whether an extended key usage is allowed: true also when the certificate does not restrict it.
    public func allows(_ usage: KeyUsage) -> Bool {
        let bits = X509_get_extended_key_usage(pointer)
        switch usage {
        case .serverAuthentication: return bits & UInt32(XKU_SSL_SERVER) != 0
        case .clientAuthentication: return bits & UInt32(XKU_SSL_CLIENT) != 0
        }
    }

    public var publicKey: PublicKey? { X509_get_pubkey(pointer).map { PublicKey(owning: $0) } }

    /// SHA-256 of the DER.
    public var fingerprint: [UInt8] { Digest.hash(der) }

    /// Whether the private key belongs to this certificate.
    public func matches(_ key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(pointer, key.pointer) == 1
    }

    /// What this certificate says of a peer, as the leaf of `chain`.
    func peer(isVerified: Bool, chain: [[UInt8]]) -> PeerCertificate {
        let names = alternativeNames
        return PeerCertificate(
            commonName: commonName, organizations: organizations, issuerCommonName: issuerCommonName,
            dnsNames: names.dnsNames, addresses: names.addresses, uris: names.uris, notBefore: notBefore,
            notAfter: notAfter, isVerified: isVerified, chain: chain)
    }
}

/// What a certificate may be used for.
public enum KeyUsage: Sendable, Hashable {
    case serverAuthentication, clientAuthentication

    var name: String {
        switch self {
        case .serverAuthentication: "serverAuth"
        case .clientAuthentication: "clientAuth"
        }
    }
}

extension Certificate {
    /// Checks that the chain `self`, `intermediates`… leads to one of `authorities` and is valid now for `usage`.
    public func verify(
        authorities: [Certificate], intermediates: [Certificate] = [], usage: KeyUsage
    ) throws(TLSError) {
        let attempt = "verify the certificate of \(commonName)"
        let store = try checked(X509_STORE_new(), attempt)
        defer { X509_STORE_free(store) }
        for authority in authorities { X509_STORE_add_cert(store, authority.pointer) }
        let chain = try checked(OPENSSL_sk_new_null(), attempt)
        defer { OPENSSL_sk_free(chain) }
        for certificate in intermediates { OPENSSL_sk_push(chain, UnsafeRawPointer(certificate.pointer)) }
        let context = try checked(X509_STORE_CTX_new(), attempt)
        defer { X509_STORE_CTX_free(context) }
        try checked(X509_STORE_CTX_init(context, store, pointer, chain), attempt)
        X509_STORE_CTX_set_default(context, usage == .clientAuthentication ? "ssl_client" : "ssl_server")
        guard X509_verify_cert(context) == 1 else {
            ERR_clear_error()
            let reason = X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context)))
            throw TLSError(attempt, reason.map { String(cString: $0) } ?? "unknown")
        }
    }
}
