// SPDX-License-Identifier: Apache-2.0

import JSON
import TLS
import Testing

@Suite struct TokenTests {
    @Test(arguments: [PrivateKey.Kind.rsa(bits: 2048), .ecdsaP256])
    func `a token verifies by its key alone`(kind: PrivateKey.Kind) throws {
        let key = try PrivateKey(generate: kind)
        let token = try JWT.sign(["sub": "system:serviceaccount:a:b", "exp": 2000], key: key)
        let other = try PrivateKey(generate: kind).publicKey
        let verified = try JWT(verifying: token, keys: [other, key.publicKey])
        #expect(verified.claims["sub"]?.string == "system:serviceaccount:a:b")
        #expect(verified.keyID == key.publicKey.keyID)
        try verified.checkTimes(now: 1999)
        #expect(throws: TLSError.self) { try verified.checkTimes(now: 2000) }
        #expect(throws: TLSError.self) { try JWT(verifying: token, keys: [other]) }
        // Every single changed character breaks it (but for unused bits, which are refused as well).
        let characters = Array(token)
        for index in stride(from: 0, to: characters.count, by: 7) {
            var changed = characters
            changed[index] = changed[index] == "A" ? "B" : "A"
            #expect(throws: TLSError.self) { try JWT(verifying: String(changed), keys: [key.publicKey]) }
        }
    }

    @Test func `no token chooses a weaker algorithm`() throws {
        let key = try PrivateKey()
        let claims = Base64.encodeURL(#"{"sub":"root"}"#.utf8)
        for algorithm in ["none", "HS256", "RS256"] {
            let header = Base64.encodeURL(#"{"alg":"\#(algorithm)"}"#.utf8)
            for signature in [
                "", Base64.encodeURL(Digest.hmac(Array("\(header).\(claims)".utf8), key: key.publicKey.der)),
            ] {
                #expect(throws: TLSError.self) {
                    try JWT(verifying: "\(header).\(claims).\(signature)", keys: [key.publicKey])
                }
            }
        }
    }

    @Test func `key sets carry the numbers of the keys`() throws {
        let keys = [try PrivateKey(generate: .rsa(bits: 2048)).publicKey, try PrivateKey().publicKey]
        let set = try PublicKey.jsonWebKeySet(keys)
        let list = try #require(set["keys"]?.array)
        #expect(list[0]["kty"]?.string == "RSA" && list[0]["e"]?.string == "AQAB")
        #expect(Base64.decodeURL(list[0]["n"]?.string ?? "")?.count == 256)
        #expect(list[1]["crv"]?.string == "P-256" && list[1]["kid"]?.string == keys[1].keyID)
        #expect(Base64.decodeURL(list[1]["x"]?.string ?? "")?.count == 32)
    }

    @Test func `digests and keyed digests are those of the standards`() {
        #expect(
            Hex.encode(Digest.hash(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        // RFC 4231, test case 2.
        #expect(
            Hex.encode(Digest.hmac(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        var streamed = Digest(.sha512)
        streamed.update([0x61])
        streamed.update([0x62, 0x63][...])
        #expect(streamed.finish() == Digest.hash(Array("abc".utf8), .sha512))
    }

    @Test func `base 64 and hexadecimal go there and back and refuse the rest`() {
        for count in 0..<70 {
            let bytes = secureRandomBytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
        #expect(Base64.encode("any carnal pleas".utf8) == "YW55IGNhcm5hbCBwbGVhcw==")
        #expect(Base64.decode("YW55IGNh\ncm5hbCBwbGVhcw==\n") == Array("any carnal pleas".utf8))
        for broken in ["A", "AB=", "A===", "AA==AA==", "A-==", "AB=="] { #expect(Base64.decode(broken) == nil) }
        #expect(Hex.decode("abc") == nil && Hex.decode("zz") == nil)
        #expect(constantTimeEquals("secret", "secret") && !constantTimeEquals("secret", "secreT"))
    }
}

@Suite struct `Detached signatures` {
    @Test func `a text is signed by a secret, and nothing else is`() {
        let (text, key) = (Array("apiVersion: v1\n".utf8), Array("0123456789abcdef".utf8))
        let signature = DetachedSignature.sign(text, key: key, keyID: "abcdef")
        #expect(DetachedSignature.verify(signature, of: text, key: key))
        #expect(!DetachedSignature.verify(signature, of: text + [0x20], key: key))
        #expect(!DetachedSignature.verify(signature, of: text, key: Array("0123456789abcdeg".utf8)))
        for damaged in ["", "..", "a.b.c", signature + "A", String(signature.dropFirst()), signature + "."] {
            #expect(!DetachedSignature.verify(damaged, of: text, key: key), "\(damaged)")
        }
        // A header that names no algorithm must not be believed, whatever follows.
        let none = Base64.encodeURL(Array(#"{"alg":"none"}"#.utf8))
        let mac = Digest.hmac(Array("\(none).\(Base64.encodeURL(text))".utf8), key: key)
        #expect(!DetachedSignature.verify("\(none)..\(Base64.encodeURL(mac))", of: text, key: key))
        #expect(!DetachedSignature.verify("\(none)..", of: text, key: key))
    }

    /// Computed with `openssl dgst -sha256 -hmac` over the header and payload as RFC 7515 joins them.
    @Test func `another program's signature is known`() {
        let signature =
            "eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..MxsnbCjBaYzcbNIFa06F-wuF9LX26rhMlrL4zA1511s"
        #expect(
            DetachedSignature.verify(signature, of: Array("hello".utf8), key: Array("0123456789abcdef".utf8)))
    }
}
