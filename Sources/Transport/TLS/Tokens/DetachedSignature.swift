// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// A JSON web signature of a text that is kept elsewhere (RFC 7515, appendix F), by a secret both sides know (HS256):
/// how a cluster shows who it is to the holder of a bootstrap token.
public enum DetachedSignature {
    /// `header..signature`.
    public static func sign(_ payload: [UInt8], key: [UInt8], keyID: String) -> String {
        let header: JSONValue = ["alg": "HS256", "kid": .string(keyID)]
        let encoded = Base64.encodeURL(header.encoded())
        return "\(encoded)..\(Base64.encodeURL(mac(encoded, payload, key)))"
    }

    /// Whether `text` is a signature of `payload` by `key`.
    public static func verify(_ text: String, of payload: [UInt8], key: [UInt8]) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].isEmpty, let signature = Base64.decodeURL(parts[2]),
            let bytes = Base64.decodeURL(parts[0]), let header = try? JSONValue.parse(bytes),
            header["alg"]?.string == "HS256"
        else { return false }
        return constantTimeEquals(signature, mac(String(parts[0]), payload, key))
    }

    private static func mac(_ header: String, _ payload: [UInt8], _ key: [UInt8]) -> [UInt8] {
        Digest.hmac(Array("\(header).\(Base64.encodeURL(payload))".utf8), key: key)
    }
}
