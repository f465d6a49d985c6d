// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
internal import Linux

/// A private key: ECDSA, RSA or Ed25519.
public final class PrivateKey: @unchecked Sendable {
    // An EVP_PKEY is never changed after it was made here; OpenSSL counts its references atomically.
    let pointer: OpaquePointer

    public enum Kind: Sendable, Hashable {
        case ecdsaP256, ecdsaP384, ed25519
        case rsa(bits: Int)
    }

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// Makes a new key.
    public convenience init(generate kind: Kind = .ecdsaP256) throws(TLSError) {
        let attempt = "generate a key (\(kind))"
        let name: String
        switch kind {
        case .ecdsaP256, .ecdsaP384: name = "EC"
        case .ed25519: name = "ED25519"
        case .rsa: name = "RSA"
        }
        let context = try checked(EVP_PKEY_CTX_new_from_name(nil, name, nil), attempt)
        defer { EVP_PKEY_CTX_free(context) }
        try checked(EVP_PKEY_keygen_init(context), attempt)
        switch kind {
        case .ecdsaP256: try checked(EVP_PKEY_CTX_set_group_name(context, "P-256"), attempt)
        case .ecdsaP384: try checked(EVP_PKEY_CTX_set_group_name(context, "P-384"), attempt)
        case .rsa(let bits): try checked(EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits)), attempt)
        case .ed25519: break
        }
        var key: OpaquePointer?
        try checked(EVP_PKEY_keygen(context, &key), attempt)
        self.init(owning: try checked(key, attempt))
    }

    /// Reads the first private key of a PEM text (PKCS#8, or the older forms of RSA and EC), not encrypted.
    public convenience init(pem: [UInt8], name: String = "private key") throws(TLSError) {
        let attempt = "read the \(name)"
        let bio = try MemoryBIO(pem)
        // The callback refuses to ask the terminal for a password.
        let key = PEM_read_bio_PrivateKey(bio.pointer, nil, { _, _, _, _ in -1 }, nil)
        self.init(owning: try checked(key, attempt))
    }

    /// PKCS#8 in PEM.
    public func pem() throws(TLSError) -> [UInt8] {
        let bio = try MemoryBIO()
        try checked(
            PEM_write_bio_PKCS8PrivateKey(bio.pointer, pointer, nil, nil, 0, nil, nil), "write a private key")
        return bio.contents()
    }

    /// The public half.
    public var publicKey: PublicKey {
        EVP_PKEY_up_ref(pointer)
        return PublicKey(owning: pointer)
    }

    /// The signature of `bytes`: ECDSA in DER or RSA PKCS#1 v1.5, over `digest`; Ed25519 over the bytes themselves.
    public func sign(_ bytes: [UInt8], _ digest: String = "SHA256") throws(TLSError) -> [UInt8] {
        let context = try checked(EVP_MD_CTX_new(), "sign")
        defer { EVP_MD_CTX_free(context) }
        let name = publicKey.algorithm == .ed25519 ? nil : digest
        try checked(EVP_DigestSignInit_ex(context, nil, name, nil, nil, pointer, nil), "sign")
        var count = 0
        try checked(EVP_DigestSign(context, nil, &count, bytes, bytes.count), "sign")
        var signature = [UInt8](repeating: 0, count: count)
        try checked(EVP_DigestSign(context, &signature, &count, bytes, bytes.count), "sign")
        signature.removeSubrange(count...)
        return signature
    }

    /// Reads the key of the PEM file `path`.
    public convenience init(file path: String) throws {
        try self.init(pem: try readFile(path), name: "private key \(path)")
    }
}

/// Reads a whole file.
func readFile(_ path: String) throws(Errno) -> [UInt8] {
    let file = try FileDescriptor.open(path, 0)
    return try file.readAll()
}
