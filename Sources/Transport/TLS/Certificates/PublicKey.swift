// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
internal import Synchronization

/// A public key.
public final class PublicKey: @unchecked Sendable {
    // As with PrivateKey: never changed, references counted atomically.
    let pointer: OpaquePointer
    /// Made once: whoever checks a token asks for it.
    private let name = Mutex<String?>(nil)

    public enum Algorithm: Sendable, Hashable { case ecdsa, rsa, ed25519, other }

    init(owning pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// Reads a PEM text: a public key, or what a certificate certifies, or the public half of a private key.
    public convenience init(pem: [UInt8], name: String = "public key") throws(TLSError) {
        let bio = try MemoryBIO(pem)
        if let key = PEM_read_bio_PUBKEY(bio.pointer, nil, nil, nil) {
            self.init(owning: key)
            return
        }
        let failure = TLSError.last("read the \(name)")
        // Not a bare public key; the other two forms are as good. The first failure is the one worth telling.
        let other = (try? Certificate(pem: pem))?.publicKey ?? (try? PrivateKey(pem: pem))?.publicKey
        guard let other else { throw failure }
        EVP_PKEY_up_ref(other.pointer)
        self.init(owning: other.pointer)
    }

    public var algorithm: Algorithm {
        if EVP_PKEY_is_a(pointer, "EC") == 1 { return .ecdsa }
        if EVP_PKEY_is_a(pointer, "RSA") == 1 { return .rsa }
        if EVP_PKEY_is_a(pointer, "ED25519") == 1 { return .ed25519 }
        return .other
    }

    /// SubjectPublicKeyInfo in PEM.
    public func pem() throws(TLSError) -> [UInt8] {
        let bio = try MemoryBIO()
        try checked(PEM_write_bio_PUBKEY(bio.pointer, pointer), "write a public key")
        return bio.contents()
    }

    /// SubjectPublicKeyInfo in DER.
    public var der: [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(pointer, &bytes)
        guard count > 0, let bytes else { return [] }
        defer { CRYPTO_free(bytes, nil, 0) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }

    /// SHA-256 of the SubjectPublicKeyInfo: what kubeadm calls a CA's hash (after `sha256:`), in hexadecimal there.
    public var fingerprint: [UInt8] { Digest.hash(der) }

    /// The name Kubernetes gives a service account key in tokens and key sets.
    public var keyID: String {
        name.withLock { name in
            if let name { return name }
            let made = Base64.encodeURL(fingerprint)
            name = made
            return made
        }
    }

    /// Whether `signature` is that of `bytes`; see `PrivateKey.sign`.
    public func verify(_ bytes: [UInt8], signature: [UInt8], _ digest: String = "SHA256") -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        let name = algorithm == .ed25519 ? nil : digest
        guard EVP_DigestVerifyInit_ex(context, nil, name, nil, nil, pointer, nil) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
    }

    /// A number of the key (`n`, `e`, `qx`, `qy`) in big-endian bytes, at least `width` of them.
    func number(_ name: String, width: Int = 0) -> [UInt8]? {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number else { return nil }
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: max(width, Int(BN_num_bits(number) + 7) / 8))
        return BN_bn2binpad(number, &bytes, Int32(bytes.count)) >= 0 ? bytes : nil
    }

    /// The size in bits.
    public var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }
}

extension PublicKey: Equatable {
    public static func == (left: PublicKey, right: PublicKey) -> Bool {
        EVP_PKEY_eq(left.pointer, right.pointer) == 1
    }
}
