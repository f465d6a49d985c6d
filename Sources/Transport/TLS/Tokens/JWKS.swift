// SPDX-License-Identifier: Apache-2.0

public import JSON

extension PublicKey {
    /// The key as a JSON web key (RFC 7517) for signatures, as Kubernetes publishes its own at `/openid/v1/jwks`.
    public func jsonWebKey() throws(TLSError) -> JSONObject {
        var result: JSONObject = ["use": "sig"]
        switch algorithm {
        case .rsa:
            guard let modulus = number("n"), let exponent = number("e") else {
                throw TLSError.last("export a public key")
            }
            result["kty"] = "RSA"
            result["kid"] = .string(keyID)
            result["alg"] = "RS256"
            result["n"] = .string(Base64.encodeURL(modulus))
            result["e"] = .string(Base64.encodeURL(exponent))
        case .ecdsa where bits == 256:
            guard let x = number("qx", width: 32), let y = number("qy", width: 32) else {
                throw TLSError.last("export a public key")
            }
            result["kty"] = "EC"
            result["kid"] = .string(keyID)
            result["crv"] = "P-256"
            result["alg"] = "ES256"
            result["x"] = .string(Base64.encodeURL(x))
            result["y"] = .string(Base64.encodeURL(y))
        default: throw TLSError("export a public key", "it is neither RSA nor ECDSA on P-256")
        }
        return result
    }

    /// A key set of `keys`.
    public static func jsonWebKeySet(_ keys: [PublicKey]) throws(TLSError) -> JSONObject {
        var list: [JSONValue] = []
        for key in keys { list.append(.object(try key.jsonWebKey())) }
        return ["keys": .array(list)]
    }
}
