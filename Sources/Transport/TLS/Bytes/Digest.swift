// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// A digest fed piece by piece.
public struct Digest: ~Copyable {
    public enum Algorithm: Sendable {
        case sha1, sha256, sha384, sha512

        fileprivate var method: OpaquePointer? {
            switch self {
            case .sha1: EVP_sha1()
            case .sha256: EVP_sha256()
            case .sha384: EVP_sha384()
            case .sha512: EVP_sha512()
            }
        }
    }

    private let context: OpaquePointer

    public init(_ algorithm: Algorithm = .sha256) {
        // Only memory can be missing, and that ends the process wherever it happens.
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, algorithm.method, nil) == 1 else {
            preconditionFailure("OpenSSL has no \(algorithm)")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        _ = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    }

    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// The digest of everything given.
    public consuming func finish() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        EVP_DigestFinal_ex(context, &result, &count)
        result.removeSubrange(Int(count)...)
        return result
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) -> [UInt8] {
        var digest = Digest(algorithm)
        digest.update(bytes)
        return digest.finish()
    }

    /// The keyed digest (HMAC, RFC 2104) of `bytes`.
    public static func hmac(_ bytes: [UInt8], key: [UInt8], _ algorithm: Algorithm = .sha256) -> [UInt8] {
        var mac = HMACDigest(key: key, algorithm)
        mac.update(bytes)
        return mac.finish()
    }
}

/// An HMAC (RFC 2104) fed piece by piece.
public struct HMACDigest: ~Copyable {
    private var inner: Digest
    private let outerKey: [UInt8]
    private let algorithm: Digest.Algorithm

    public init(key: [UInt8], _ algorithm: Digest.Algorithm = .sha256) {
        let block: Int
        switch algorithm {
        case .sha1, .sha256: block = 64
        case .sha384, .sha512: block = 128
        }
        var padded = key.count > block ? Digest.hash(key, algorithm) : key
        padded += [UInt8](repeating: 0, count: block - padded.count)
        inner = Digest(algorithm)
        inner.update(padded.map { $0 ^ 0x36 })
        outerKey = padded.map { $0 ^ 0x5c }
        self.algorithm = algorithm
    }

    public mutating func update(_ bytes: [UInt8]) { inner.update(bytes) }

    public consuming func finish() -> [UInt8] {
        var outer = Digest(algorithm)
        outer.update(outerKey)
        outer.update(inner.finish())
        return outer.finish()
    }
}

/// Whether both are equal, in a time that tells nothing of where they differ.
public func constantTimeEquals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}

/// `constantTimeEquals` of the strings' UTF-8.
public func constantTimeEquals(_ left: String, _ right: String) -> Bool {
    constantTimeEquals(Array(left.utf8), Array(right.utf8))
}

/// Bytes fit for secrets, from the kernel's generator by OpenSSL's.
public func secureRandomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    // Fails only when the kernel gives no entropy: nothing may go on then.
    guard count == 0 || RAND_bytes(&bytes, Int32(count)) == 1 else { preconditionFailure("no random bytes") }
    return bytes
}
