// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
internal import Glibc
internal import Linux

/// MBSTRING_UTF8, a macro Swift does not see.
private let mbstringUTF8: Int32 = 0x1000

/// Reading and writing the names inside certificates and requests.
enum SubjectNames {
    // MARK: Subject

    static func entries(_ name: OpaquePointer?, _ nid: Int32) -> [String] {
        guard let name else { return [] }
        var result: [String] = []
        var index: Int32 = -1
        while true {
            index = X509_NAME_get_index_by_NID(name, nid, index)
            if index < 0 { return result }
            guard let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)) else { continue }
            var text: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&text, data)
            guard count >= 0, let text else { continue }
            result.append(String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self))
            CRYPTO_free(text, nil, 0)
        }
    }

    static func fill(_ name: OpaquePointer?, commonName: String, organizations: [String]) throws(TLSError) {
        for organization in organizations { try add(name, NID_organizationName, organization) }
        if !commonName.isEmpty { try add(name, NID_commonName, commonName) }
    }

    private static func add(_ name: OpaquePointer?, _ nid: Int32, _ value: String) throws(TLSError) {
        let bytes = Array(value.utf8)
        try checked(
            X509_NAME_add_entry_by_NID(name, nid, mbstringUTF8, bytes, Int32(bytes.count), -1, 0),
            "name a certificate \(value)")
    }

    // MARK: Alternative names

    static func alternatives(_ stack: OpaquePointer?) -> AlternativeNames {
        var result = AlternativeNames()
        guard let stack else { return result }
        for index in 0..<OPENSSL_sk_num(stack) {
            guard let raw = OPENSSL_sk_value(stack, index) else { continue }
            let name = UnsafePointer<GENERAL_NAME>(OpaquePointer(raw))
            var kind: Int32 = 0
            guard let value = GENERAL_NAME_get0_value(name, &kind) else { continue }
            let string = UnsafePointer<ASN1_STRING>(OpaquePointer(value))
            switch kind {
            case GEN_DNS: result.dnsNames.append(text(string))
            case GEN_URI: result.uris.append(text(string))
            case GEN_EMAIL: result.emails.append(text(string))
            case GEN_IPADD:
                let bytes = bytes(string)
                if bytes.count == 4 {
                    result.addresses.append(SocketAddress.ipv4(address: bytes, port: 0).host)
                } else if bytes.count == 16 {
                    result.addresses.append(SocketAddress.ipv6(address: bytes, port: 0).host)
                }
            default: continue
            }
        }
        return result
    }

    /// A stack of general names, built value by value: nothing in a name can be taken for syntax. The caller frees it.
    static func stack(_ names: AlternativeNames) throws(TLSError) -> OpaquePointer {
        let stack = try checked(OPENSSL_sk_new_null(), "name a certificate")
        do throws(TLSError) {
            for name in names.dnsNames { try push(stack, GEN_DNS, Array(name.utf8), V_ASN1_IA5STRING) }
            for name in names.uris { try push(stack, GEN_URI, Array(name.utf8), V_ASN1_IA5STRING) }
            for name in names.emails { try push(stack, GEN_EMAIL, Array(name.utf8), V_ASN1_IA5STRING) }
            for name in names.addresses {
                guard let address = SocketAddress(host: name, port: 0) else {
                    throw TLSError("name a certificate", "\(name) is not an IP address")
                }
                switch address {
                case .ipv4(let bytes, _), .ipv6(let bytes, _, _):
                    try push(stack, GEN_IPADD, bytes, V_ASN1_OCTET_STRING)
                case .unix: throw TLSError("name a certificate", "\(name) is not an IP address")
                }
            }
        } catch {
            free(stack)
            throw error
        }
        return stack
    }

    static func free(_ stack: OpaquePointer) {
        OPENSSL_sk_pop_free(stack) { GENERAL_NAME_free(UnsafeMutablePointer(OpaquePointer($0))) }
    }

    private static func push(
        _ stack: OpaquePointer, _ kind: Int32, _ bytes: [UInt8], _ type: Int32
    ) throws(TLSError) {
        if type == V_ASN1_IA5STRING, let odd = bytes.first(where: { $0 >= 0x80 || $0 < 0x21 }) {
            throw TLSError("name a certificate", "a name holds the byte \(odd)")
        }
        let name = try checked(GENERAL_NAME_new(), "name a certificate")
        guard let value = ASN1_STRING_type_new(type), ASN1_STRING_set(value, bytes, Int32(bytes.count)) == 1 else {
            GENERAL_NAME_free(name)
            throw TLSError.last("name a certificate")
        }
        GENERAL_NAME_set0_value(name, kind, value)
        OPENSSL_sk_push(stack, name)
    }

    private static func bytes(_ string: UnsafePointer<ASN1_STRING>?) -> [UInt8] {
        guard let string, let data = ASN1_STRING_get0_data(string) else { return [] }
        return Array(UnsafeBufferPointer(start: data, count: Int(ASN1_STRING_length(string))))
    }

    private static func text(_ string: UnsafePointer<ASN1_STRING>?) -> String {
        String(decoding: bytes(string), as: UTF8.self)
    }

    // MARK: Time

    static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64 {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
        return Int64(timegm(&parts))
    }
}

/// The subject alternative names of a certificate or a request.
public struct AlternativeNames: Sendable, Hashable {
    public var dnsNames: [String] = []
    /// In text: `10.0.0.1`, `::1`.
    public var addresses: [String] = []
    public var uris: [String] = []
    public var emails: [String] = []

    public init(
        dnsNames: [String] = [], addresses: [String] = [], uris: [String] = [], emails: [String] = []
    ) {
        self.dnsNames = dnsNames
        self.addresses = addresses
        self.uris = uris
        self.emails = emails
    }

    public var isEmpty: Bool { dnsNames.isEmpty && addresses.isEmpty && uris.isEmpty && emails.isEmpty }
}
