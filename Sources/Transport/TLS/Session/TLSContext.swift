// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL

/// An SSL_CTX: what the sessions of one configuration have in common.
final class TLSContext: @unchecked Sendable {
    // Configured in the initializers and never after; OpenSSL counts its references atomically.
    let pointer: OpaquePointer
    /// What callbacks are given to look at: kept alive here.
    private var protocols: ProtocolList?
    private var names: NameTable?

    private final class ProtocolList {
        let wire: [UInt8]
        init(_ names: [String]) { wire = names.flatMap { [UInt8($0.utf8.count)] + $0.utf8 } }
    }

    private final class NameTable {
        let entries: [(names: [String], context: TLSContext)]
        init(_ entries: [(names: [String], context: TLSContext)]) { self.entries = entries }

        func context(for host: String) -> TLSContext? {
            let host = host.lowercased()
            return entries.first { $0.names.contains { Self.matches($0, host) } }?.context
        }

        private static func matches(_ pattern: String, _ host: String) -> Bool {
            guard pattern.hasPrefix("*.") else { return pattern == host }
            guard let dot = host.firstIndex(of: ".") else { return false }
            return host[dot...] == pattern.dropFirst()
        }
    }

    private init(_ method: OpaquePointer?, _ attempt: String) throws(TLSError) {
        pointer = try checked(SSL_CTX_new(method), attempt)
        // Macros Swift does not see: SSL_CTRL_SET_MIN_PROTO_VERSION, SSL_CTRL_MODE, SSL_CTRL_SET_SESS_CACHE_MODE.
        SSL_CTX_ctrl(pointer, 123, 0x0303, nil)
        // AUTO_RETRY; RELEASE_BUFFERS gives an idle session's 34 KB back; MOVING_WRITE_BUFFER.
        SSL_CTX_ctrl(pointer, 33, 0x4 | 0x10 | 0x2, nil)
        SSL_CTX_ctrl(pointer, 44, 0, nil)
        // No renegotiation, no compression, and no resumption: a resumed session would answer for a client certificate
        // by authorities that may have been replaced meanwhile.
        SSL_CTX_set_options(pointer, (1 << 30) | (1 << 17) | (1 << 14))
        SSL_CTX_set_num_tickets(pointer, 0)
        // Anything in the bundle is a trust anchor, also an intermediate, as in Go.
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(pointer), UInt(X509_V_FLAG_PARTIAL_CHAIN))
    }

    deinit { SSL_CTX_free(pointer) }

    // MARK: Server

    static func server(_ configuration: TLSServerConfiguration) throws(TLSError) -> TLSContext {
        guard let first = configuration.identities.first else {
            throw TLSError("configure a TLS server", "it has no certificate")
        }
        let main = try TLSContext(first, configuration)
        var entries: [(names: [String], context: TLSContext)] = [
            // The main one holds the table, and must not be held by it.
        ]
        for identity in configuration.identities.dropFirst() {
            let context = try TLSContext(identity, configuration)
            entries.append((identity.leaf.alternativeNames.dnsNames.map { $0.lowercased() }, context))
        }
        if !entries.isEmpty { main.chooseByName(NameTable(entries)) }
        return main
    }

    private convenience init(
        _ identity: TLSIdentity, _ configuration: TLSServerConfiguration
    ) throws(TLSError) {
        try self.init(TLS_server_method(), "configure a TLS server")
        try use(identity)
        switch configuration.clientAuthentication {
        case .none: break
        case .request(let authorities):
            try trust(authorities)
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER) { _, _ in 1 }
        case .require(let authorities):
            try trust(authorities)
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        for case let authority in configuration.clientAuthentication.authorities {
            SSL_CTX_add_client_CA(pointer, authority.pointer)
        }
        guard !configuration.applicationProtocols.isEmpty else { return }
        let list = ProtocolList(configuration.applicationProtocols)
        protocols = list
        SSL_CTX_set_alpn_select_cb(
            pointer,
            { _, chosen, length, offered, offeredLength, argument in
                guard let argument else { return SSL_TLSEXT_ERR_NOACK }
                let list = Unmanaged<ProtocolList>.fromOpaque(argument).takeUnretainedValue()
                return list.wire.withUnsafeBufferPointer { own in
                    var result: UnsafeMutablePointer<UInt8>?
                    let found = SSL_select_next_proto(
                        &result, length, own.baseAddress, UInt32(own.count), offered, offeredLength)
                    guard found == OPENSSL_NPN_NEGOTIATED, let result, let offered else {
                        return SSL_TLSEXT_ERR_NOACK
                    }
                    // The answer must outlive this call: point at the client's own list instead of ours.
                    let name = UnsafeBufferPointer(start: result, count: Int(length?.pointee ?? 0))
                    var position = 0
                    while position < Int(offeredLength) {
                        let count = Int(offered[position])
                        let candidate = UnsafeBufferPointer(start: offered + position + 1, count: count)
                        if candidate.elementsEqual(name) {
                            chosen?.pointee = offered + position + 1
                            return SSL_TLSEXT_ERR_OK
                        }
                        position += count + 1
                    }
                    return SSL_TLSEXT_ERR_NOACK
                }
            }, Unmanaged.passUnretained(list).toOpaque())
    }

    private func chooseByName(_ table: NameTable) {
        names = table
        let callback: @convention(c) (OpaquePointer?, UnsafeMutablePointer<Int32>?, UnsafeMutableRawPointer?) -> Int32 =
            { session, _, argument in
                guard let argument, let name = SSL_get_servername(session, 0) else { return SSL_TLSEXT_ERR_NOACK }
                let table = Unmanaged<NameTable>.fromOpaque(argument).takeUnretainedValue()
                if let context = table.context(for: String(cString: name)) {
                    SSL_set_SSL_CTX(session, context.pointer)
                }
                return SSL_TLSEXT_ERR_OK
            }
        // SSL_CTRL_SET_TLSEXT_SERVERNAME_CB and …_ARG, as the macros of the same names.
        SSL_CTX_callback_ctrl(pointer, 53, unsafeBitCast(callback, to: (@convention(c) () -> Void).self))
        SSL_CTX_ctrl(pointer, 54, 0, Unmanaged.passUnretained(table).toOpaque())
    }

    // MARK: Client

    convenience init(_ configuration: TLSClientConfiguration) throws(TLSError) {
        try self.init(TLS_client_method(), "configure a TLS client")
        if let identity = configuration.identity { try use(identity) }
        if configuration.verifiesPeer {
            switch configuration.authorities {
            case .system: try checked(SSL_CTX_set_default_verify_paths(pointer), "load the system's authorities")
            case .certificates(let list): try trust(list)
            }
            SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        } else {
            SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
        }
        let wire = configuration.applicationProtocols.flatMap { [UInt8($0.utf8.count)] + $0.utf8 }
        // 0 is success here, of all OpenSSL's functions.
        if !wire.isEmpty, SSL_CTX_set_alpn_protos(pointer, wire, UInt32(wire.count)) != 0 {
            throw TLSError.last("offer protocols")
        }
    }

    // MARK: Shared

    private func use(_ identity: TLSIdentity) throws(TLSError) {
        let attempt = "use the certificate of \(identity.leaf.commonName)"
        try checked(SSL_CTX_use_certificate(pointer, identity.leaf.pointer), attempt)
        try checked(SSL_CTX_use_PrivateKey(pointer, identity.key.pointer), attempt)
        for certificate in identity.chain.dropFirst() {
            // SSL_CTRL_CHAIN_CERT with a reference of its own: the macro SSL_CTX_add1_chain_cert.
            if SSL_CTX_ctrl(pointer, 89, 1, UnsafeMutableRawPointer(certificate.pointer)) != 1 {
                throw TLSError.last(attempt)
            }
        }
    }

    private func trust(_ authorities: [Certificate]) throws(TLSError) {
        let store = SSL_CTX_get_cert_store(pointer)
        for authority in authorities {
            try checked(X509_STORE_add_cert(store, authority.pointer), "trust \(authority.commonName)")
        }
    }
}

extension TLSServerConfiguration.ClientAuthentication {
    fileprivate var authorities: [Certificate] {
        switch self {
        case .none: []
        case .request(let authorities), .require(let authorities): authorities
        }
    }
}
