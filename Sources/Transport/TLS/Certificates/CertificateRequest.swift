// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// A certificate signing request (PKCS#10).
public final class CertificateRequest: @unchecked Sendable {
    // An X509_REQ is not changed after it was made here.
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { X509_REQ_free(pointer) }

    /// Reads a PEM text and checks the request's signature by its own key.
    public convenience init(pem: [UInt8]) throws(TLSError) {
        let bio = try MemoryBIO(pem)
        self.init(
            owning: try checked(
                PEM_read_bio_X509_REQ(bio.pointer, nil, nil, nil), "read the certificate signing request"))
        guard let key = publicKey, X509_REQ_verify(pointer, key.pointer) == 1 else {
            throw TLSError.last("verify the certificate signing request", otherwise: "its signature is not its key's")
        }
    }

    /// Makes one for `key`.
    public convenience init(
        key: PrivateKey, commonName: String, organizations: [String] = [],
        names: AlternativeNames = AlternativeNames()
    ) throws(TLSError) {
        let attempt = "make a certificate signing request for \(commonName)"
        self.init(owning: try checked(X509_REQ_new(), attempt))
        X509_REQ_set_version(pointer, 0)
        try SubjectNames.fill(
            X509_REQ_get_subject_name(pointer), commonName: commonName, organizations: organizations)
        try checked(X509_REQ_set_pubkey(pointer, key.pointer), attempt)
        if !names.isEmpty { try addNames(names, attempt) }
        let digest = key.publicKey.algorithm == .ed25519 ? nil : EVP_sha256()
        try checked(X509_REQ_sign(pointer, key.pointer, digest), attempt)
    }

    private func addNames(_ names: AlternativeNames, _ attempt: String) throws(TLSError) {
        let stack = try SubjectNames.stack(names)
        defer { SubjectNames.free(stack) }
        let value = try checked(
            X509V3_EXT_i2d(NID_subject_alt_name, 0, UnsafeMutableRawPointer(stack)), attempt)
        let extensions = try checked(OPENSSL_sk_new_null(), attempt)
        defer { OPENSSL_sk_pop_free(extensions) { X509_EXTENSION_free(OpaquePointer($0)) } }
        OPENSSL_sk_push(extensions, UnsafeRawPointer(value))
        try checked(X509_REQ_add_extensions(pointer, extensions), attempt)
    }

    public func pem() throws(TLSError) -> [UInt8] {
        let bio = try MemoryBIO()
        try checked(PEM_write_bio_X509_REQ(bio.pointer, pointer), "write a certificate signing request")
        return bio.contents()
    }

    public var commonName: String {
        SubjectNames.entries(X509_REQ_get_subject_name(pointer), NID_commonName).last ?? ""
    }

    public var organizations: [String] {
        SubjectNames.entries(X509_REQ_get_subject_name(pointer), NID_organizationName)
    }

    public var alternativeNames: AlternativeNames {
        guard let extensions = X509_REQ_get_extensions(pointer) else { return AlternativeNames() }
        defer { OPENSSL_sk_pop_free(extensions) { X509_EXTENSION_free(OpaquePointer($0)) } }
        guard let raw = X509V3_get_d2i(extensions, NID_subject_alt_name, nil, nil) else { return AlternativeNames() }
        let stack = OpaquePointer(raw)
        defer { SubjectNames.free(stack) }
        return SubjectNames.alternatives(stack)
    }

    public var publicKey: PublicKey? { X509_REQ_get_pubkey(pointer).map { PublicKey(owning: $0) } }
}
