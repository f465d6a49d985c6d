// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
public import JSON

/// A signed JSON web token (RFC 7519) in compact form, by RS256 or ES256.
public struct JWT: Sendable {
    public let header: JSONObject
    public let claims: JSONObject
    /// `exp` and `nbf`: a token that is kept is asked for them again and again.
    private let end, start: Double?

    /// The `kid` of the header.
    public var keyID: String? { header["kid"]?.string }

    /// Signs `claims`. The algorithm is the key's: RS256 for RSA, ES256 for ECDSA on P-256.
    public static func sign(_ claims: JSONObject, key: PrivateKey, keyID: String? = nil) throws(TLSError) -> String {
        let publicKey = key.publicKey
        let algorithm = try JWTAlgorithm(publicKey)
        var header: JSONObject = ["alg": .string(algorithm.rawValue)]
        header["kid"] = .string(keyID ?? publicKey.keyID)
        let signed =
            Base64.encodeURL(JSONValue.object(header).encoded()) + "."
            + Base64.encodeURL(JSONValue.object(claims).encoded())
        var signature = try key.sign(Array(signed.utf8))
        if algorithm == .es256 {
            guard let raw = ECDSASignature.raw(der: signature, width: 32) else {
                throw TLSError.last("sign a token")
            }
            signature = raw
        }
        return signed + "." + Base64.encodeURL(signature)
    }

    /// Takes a token apart without trusting it: to learn its issuer, or the name of its key.
    public init(unverified token: String) throws(TLSError) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw TLSError("read a token", "it does not have three parts") }
        header = try Self.object(parts[0], "header")
        claims = try Self.object(parts[1], "claims")
        end = claims["exp"]?.number
        start = claims["nbf"]?.number
    }

    /// Checks the signature of `token` by one of `keys` (those its `kid` names first). The times in the claims are the
    /// caller's to check: see `checkTimes`.
    public init(verifying token: String, keys: [PublicKey]) throws(TLSError) {
        try self.init(unverified: token)
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard let signature = Base64.decodeURL(parts[2]) else {
            throw TLSError("verify a token", "its signature is not base64url")
        }
        guard let name = header["alg"]?.string, let algorithm = JWTAlgorithm(rawValue: name) else {
            throw TLSError("verify a token", "its algorithm is neither RS256 nor ES256")
        }
        // Critical extensions must be understood (RFC 7515 §4.1.11), and none is.
        guard header["crit"] == nil else { throw TLSError("verify a token", "it has critical extensions") }
        let signed = Array((parts[0] + "." + parts[1]).utf8)
        let wanted = keyID
        let candidates = keys.filter { $0.keyID == wanted } + keys.filter { $0.keyID != wanted }
        let isGood = candidates.contains { algorithm.verify(signed, signature, $0) }
        if !isGood { throw TLSError("verify a token", "no known key has signed it") }
    }

    /// Throws when the token is not valid at `now` (seconds since 1970): `exp` passed, or `nbf` more than `leeway` ahead.
    public func checkTimes(now: Int64, leeway: Int64 = 60) throws(TLSError) {
        if let end, Double(now) >= end {
            throw TLSError("verify a token", "it has expired")
        }
        if let start, Double(now + leeway) < start {
            throw TLSError("verify a token", "it is not valid yet")
        }
    }

    private static func object(_ part: Substring, _ name: String) throws(TLSError) -> JSONObject {
        guard let bytes = Base64.decodeURL(part) else {
            throw TLSError("read a token", "its \(name) is not base64url")
        }
        do {
            guard let object = try JSONValue.parse(bytes).object else {
                throw TLSError("read a token", "its \(name) is not an object")
            }
            return object
        } catch let error as TLSError {
            throw error
        } catch {
            throw TLSError("read a token", "its \(name): \(error)")
        }
    }
}

/// The signature algorithms Kubernetes uses.
enum JWTAlgorithm: String {
    case rs256 = "RS256"
    case es256 = "ES256"

    init(_ key: PublicKey) throws(TLSError) {
        switch key.algorithm {
        case .rsa: self = .rs256
        case .ecdsa where key.bits == 256: self = .es256
        default: throw TLSError("sign a token", "the key is neither RSA nor ECDSA on P-256")
        }
    }

    /// The key decides what it may verify: a token cannot choose another algorithm for it.
    func verify(_ bytes: [UInt8], _ signature: [UInt8], _ key: PublicKey) -> Bool {
        switch self {
        case .rs256: return key.algorithm == .rsa && key.verify(bytes, signature: signature)
        case .es256:
            guard key.algorithm == .ecdsa, key.bits == 256, let der = ECDSASignature.der(raw: signature, width: 32)
            else { return false }
            return key.verify(bytes, signature: der)
        }
    }
}

/// The two forms of an ECDSA signature: OpenSSL's DER, and the two numbers side by side (RFC 7518 §3.4).
enum ECDSASignature {
    static func raw(der: [UInt8], width: Int) -> [UInt8]? {
        let signature = der.withUnsafeBufferPointer { buffer in
            var start = buffer.baseAddress
            return d2i_ECDSA_SIG(nil, &start, buffer.count)
        }
        guard let signature else { return nil }
        defer { ECDSA_SIG_free(signature) }
        var left = [UInt8](repeating: 0, count: width)
        var right = left
        guard BN_bn2binpad(ECDSA_SIG_get0_r(signature), &left, Int32(width)) == width,
            BN_bn2binpad(ECDSA_SIG_get0_s(signature), &right, Int32(width)) == width
        else { return nil }
        return left + right
    }

    static func der(raw: [UInt8], width: Int) -> [UInt8]? {
        guard raw.count == 2 * width, let signature = ECDSA_SIG_new() else { return nil }
        defer { ECDSA_SIG_free(signature) }
        let left = BN_bin2bn(Array(raw[..<width]), Int32(width), nil)
        let right = BN_bin2bn(Array(raw[width...]), Int32(width), nil)
        guard ECDSA_SIG_set0(signature, left, right) == 1 else { return nil }
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_ECDSA_SIG(signature, &bytes)
        guard count > 0, let bytes else { return nil }
        defer { CRYPTO_free(bytes, nil, 0) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}
