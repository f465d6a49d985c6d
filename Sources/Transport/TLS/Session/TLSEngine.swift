// SPDX-License-Identifier: Apache-2.0

internal import COpenSSL
internal import Linux

/// One end of a TLS session apart from any I/O: bytes from the peer go in, bytes for the peer come out.
struct TLSEngine: ~Copyable {
    enum Step {
        case bytes([UInt8])
        case needsInput
        case end
    }

    private let session: OpaquePointer
    private let wire: WireBuffers
    private let context: TLSContext
    private let name: String

    /// A session of `context`. A client proves the server to be `serverName` (a DNS name or an IP address) if given.
    init(_ context: TLSContext, isServer: Bool, serverName: String?, verifiesName: Bool, name: String) throws(TLSError)
    {
        self.context = context
        self.name = name
        let session = try checked(SSL_new(context.pointer), "start TLS with \(name)")
        let wire = WireBuffers()
        guard let bio = BIO_new(WireBuffers.method) else {
            SSL_free(session)
            throw TLSError.last("start TLS with \(name)")
        }
        BIO_set_data(bio, Unmanaged.passUnretained(wire).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(session, bio, bio)
        self.session = session
        self.wire = wire
        if isServer {
            SSL_set_accept_state(session)
        } else {
            SSL_set_connect_state(session)
        }
        if let serverName { Self.expect(serverName, session, verifies: verifiesName) }
    }

    deinit { SSL_free(session) }

    private static func expect(_ serverName: String, _ session: OpaquePointer, verifies: Bool) {
        if SocketAddress(host: serverName, port: 0) != nil {
            if verifies { X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), serverName) }
            return
        }
        // SSL_CTRL_SET_TLSEXT_HOSTNAME: the macro SSL_set_tlsext_host_name.
        var name = serverName.utf8CString.map { $0 }
        SSL_ctrl(session, 55, 0, &name)
        if verifies {
            // Names are read from the alternative names alone, as in Go.
            SSL_set_hostflags(
                session, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
            SSL_set1_host(session, serverName)
        }
    }

    /// Bytes from the peer.
    mutating func receive(_ bytes: [UInt8]) { wire.receive(bytes) }

    /// The peer sends no more.
    mutating func receivedEnd() { wire.isEnded = true }

    /// Bytes for the peer, or nil when there are none.
    mutating func takeOutput() -> [UInt8]? { wire.takeOutput() }

    /// Goes on with the handshake; true when it is done.
    mutating func handshake() throws(TLSError) -> Bool {
        ERR_clear_error()
        let result = SSL_do_handshake(session)
        if result == 1 { return true }
        switch SSL_get_error(session, result) {
        case SSL_ERROR_WANT_READ where !wire.isEnded: return false
        case SSL_ERROR_WANT_READ: throw TLSError("TLS handshake with \(name)", "the peer closed the connection")
        default: throw handshakeFailure()
        }
    }

    private func handshakeFailure() -> TLSError {
        let attempt = "TLS handshake with \(name)"
        let verdict = SSL_get_verify_result(session)
        if verdict != X509_V_OK, let text = X509_verify_cert_error_string(verdict) {
            ERR_clear_error()
            return TLSError(attempt, "verify the certificate: " + String(cString: text))
        }
        return TLSError.last(attempt, otherwise: "the peer closed the connection")
    }

    /// Up to `max` bytes the peer wrote.
    mutating func decrypt(max: Int) throws(TLSError) -> Step {
        ERR_clear_error()
        // As much room as has arrived is enough for all of it, but for what the session holds already.
        let room = min(max, Swift.max(wire.inputCount, Int(SSL_pending(session)), 1))
        var total = 0
        var status: Int32 = SSL_ERROR_NONE
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            while total < room {
                var got = 0
                let result = SSL_read_ex(session, buffer.baseAddress! + total, room - total, &got)
                if result != 1 {
                    status = SSL_get_error(session, result)
                    break
                }
                total += got
            }
            count = total
        }
        if total > 0 { return .bytes(bytes) }
        switch status {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return wire.isEnded ? .end : .needsInput
        case SSL_ERROR_ZERO_RETURN: return .end
        default: throw TLSError.last("read from \(name) over TLS", otherwise: "the peer broke the session off")
        }
    }

    /// Encrypts `bytes`: they come out of `takeOutput`.
    mutating func encrypt(_ bytes: UnsafeRawBufferPointer) throws(TLSError) {
        if bytes.isEmpty { return }
        ERR_clear_error()
        wire.reserve(bytes.count + (bytes.count / 16384 + 1) * 64)
        var written = 0
        guard SSL_write_ex(session, bytes.baseAddress, bytes.count, &written) == 1, written == bytes.count else {
            throw TLSError.last("write to \(name) over TLS", otherwise: "the session has ended")
        }
    }

    /// Says good-bye: the peer sees an end that nobody cut off.
    mutating func shutdown() {
        ERR_clear_error()
        SSL_shutdown(session)
        ERR_clear_error()
    }

    // MARK: What was agreed

    /// The protocol chosen by ALPN.
    var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(session, &name, &count)
        guard let name, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    /// `TLSv1.3`.
    var version: String { String(cString: SSL_get_version(session)) }

    /// What the peer showed; nil when it showed none.
    var peerCertificate: PeerCertificate? {
        guard let raw = SSL_get1_peer_certificate(session) else { return nil }
        let leaf = Certificate(owning: raw)
        var chain = [leaf.der]
        if let list = SSL_get_peer_cert_chain(session) {
            for index in 0..<OPENSSL_sk_num(list) {
                guard let item = OPENSSL_sk_value(list, index) else { continue }
                let pointer = OpaquePointer(item)
                X509_up_ref(pointer)
                let der = Certificate(owning: pointer).der
                if der != chain[0] { chain.append(der) }
            }
        }
        let isVerified = SSL_get_verify_result(session) == X509_V_OK && SSL_get0_verified_chain(session) != nil
        return leaf.peer(isVerified: isVerified, chain: chain)
    }
}

/// The peer's side of a session as OpenSSL sees it: a BIO over two arrays. Owned and locked with its engine.
private final class WireBuffers {
    private var input: [UInt8] = []
    private var position = 0
    private var output: [UInt8] = []
    var isEnded = false

    var inputCount: Int { input.count - position }

    func receive(_ bytes: [UInt8]) {
        if position == input.count { input = bytes } else { input = Array(input[position...]) + bytes }
        position = 0
    }

    func reserve(_ count: Int) {
        if output.isEmpty { output.reserveCapacity(count) }
    }

    func takeOutput() -> [UInt8]? {
        if output.isEmpty { return nil }
        defer { output = [] }
        return output
    }

    private func read(_ buffer: UnsafeMutablePointer<CChar>, _ count: Int) -> Int {
        let count = min(count, inputCount)
        input.withUnsafeBytes {
            UnsafeMutableRawPointer(buffer).copyMemory(from: $0.baseAddress! + position, byteCount: count)
        }
        position += count
        if position == input.count {
            input = []
            position = 0
        }
        return count
    }

    private static func of(_ bio: OpaquePointer?) -> WireBuffers? {
        BIO_get_data(bio).map { Unmanaged<WireBuffers>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The BIO method; made once. BIO_TYPE_SOURCE_SINK | 100: a source and sink of our own.
    nonisolated(unsafe) static let method: OpaquePointer? = {
        // Written here and only read afterwards.
        let method = BIO_meth_new(0x0400 | 100, "swiftlet")
        BIO_meth_set_write_ex(method) { bio, bytes, count, written in
            guard let wire = WireBuffers.of(bio), let bytes else { return 0 }
            wire.output.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
            written?.pointee = count
            return 1
        }
        BIO_meth_set_read_ex(method) { bio, buffer, count, got in
            guard let wire = WireBuffers.of(bio), let buffer else { return 0 }
            // 0x07: BIO_FLAGS_RWS, as BIO_clear_retry_flags has it.
            BIO_clear_flags(bio, 0x07 | BIO_FLAGS_SHOULD_RETRY)
            if wire.inputCount == 0 {
                BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
                return 0
            }
            got?.pointee = wire.read(buffer, count)
            return 1
        }
        // Only flushing is asked for, and nothing is held back.
        BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
        return method
    }()
}
