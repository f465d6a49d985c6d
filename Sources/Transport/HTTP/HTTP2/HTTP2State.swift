// SPDX-License-Identifier: Apache-2.0

internal import CNGHTTP2

/// One nghttp2 session with its streams: bytes go in and events come out, no I/O. Guarded by its connection's lock.
final class HTTP2State {
    enum Role { case server, client }

    enum Event {
        /// A block of fields: the head of a request or response, or trailers.
        case fields(Int32, HTTPHeaders, pseudo: [String: String], isEnd: Bool)
        case data(Int32, [UInt8])
        case end(Int32)
        case closed(Int32, UInt32)
        case goAway
    }

    private struct Block {
        var headers = HTTPHeaders()
        var pseudo: [String: String] = [:]
        var size = 0
    }

    private(set) var session: OpaquePointer?
    /// What waits for the peer, of all streams, and where it is counted; nil: nowhere.
    private var waiting = 0
    private let output: OutputPart?
    /// How many of the streams are counted, and where; nil: nowhere.
    private var counted = 0
    private let room: OutputPart?
    var streams: [Int32: HTTP2Stream] = [:]
    var isClosed = false
    var isGoingAway = false
    var isIdle = true
    var hasServed = false
    /// A timer is set that looks for stalled streams.
    var isWatched = false
    /// More is to be sent, when others have had the loop.
    var isToGoOn = false
    /// More is to be sent, when those who have the loop now have had it.
    var isToPump = false
    /// How much waited in the socket when it was last looked at, and how often that was the same.
    private var queuedBefore = 0
    private var produced = 0
    private var producedBefore = 0
    private var stalls = 0
    private var blocks: [Int32: Block] = [:]
    private var events: [Event] = []
    private let limits: HTTPLimits
    private let role: Role

    init(
        _ role: Role, _ limits: HTTPLimits, window: Int, maximumStreams: Int, output: OutputPart? = nil,
        room: OutputPart? = nil
    ) {
        self.output = output
        self.room = room
        self.limits = limits
        self.role = role
        var callbacks: OpaquePointer?
        var option: OpaquePointer?
        nghttp2_session_callbacks_new(&callbacks)
        nghttp2_option_new(&option)
        defer {
            nghttp2_session_callbacks_del(callbacks)
            nghttp2_option_del(option)
        }
        Self.set(callbacks)
        // Windows open again as bodies are read, not as they arrive: that is the back-pressure.
        nghttp2_option_set_no_auto_window_update(option, 1)
        let me = Unmanaged.passUnretained(self).toOpaque()
        var made: OpaquePointer?
        switch role {
        case .server: nghttp2_session_server_new2(&made, callbacks, me, option)
        case .client: nghttp2_session_client_new2(&made, callbacks, me, option)
        }
        session = made
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue), value: UInt32(window)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue), value: UInt32(limits.headBytes)),
        ]
        switch role {
        case .server:
            settings.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: UInt32(maximumStreams)))
        case .client:
            settings.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
        }
        nghttp2_submit_settings(session, 0, settings, settings.count)
        // The connection's window never holds a stream back: each has its own.
        nghttp2_session_set_local_window_size(session, 0, 0, 1 << 30)
    }

    deinit { nghttp2_session_del(session) }

    // MARK: Bytes

    /// Takes bytes of the peer and returns what they mean.
    func receive(_ bytes: [UInt8]) throws(HTTP2Error) -> [Event] {
        let used = nghttp2_session_mem_recv(session, bytes, bytes.count)
        guard used == bytes.count else {
            let reason = used < 0 ? String(cString: nghttp2_strerror(Int32(used))) : "unread bytes"
            throw HTTP2Error(code: 1, reason: reason)
        }
        return takeEvents()
    }

    /// What has happened since the last call.
    func takeEvents() -> [Event] {
        if events.isEmpty { return [] }
        defer { events = [] }
        return events
    }

    /// Up to about `limit` bytes for the peer; nil when there are none.
    func produce(_ limit: Int) -> [UInt8]? {
        var result: [UInt8] = []
        while result.count < limit {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            guard count > 0, let bytes else { break }
            if result.isEmpty, count > 8192 { result.reserveCapacity(limit + 20_000) }
            result.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
        }
        produced += result.count
        return result.isEmpty ? nil : result
    }

    /// Whether the same bytes have waited in the socket for the third time now.
    func noteStall(queued: Int) -> Bool {
        let isSame = queued > 0 && queued == queuedBefore && produced == producedBefore
        stalls = isSame ? stalls + 1 : 0
        queuedBefore = queued
        producedBefore = produced
        return stalls >= 2
    }

    /// Whether the session has nothing more to say or to hear.
    var isOver: Bool { nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0 }

    // MARK: Callbacks

    private static func of(_ pointer: UnsafeMutableRawPointer?) -> HTTP2State? {
        pointer.map { Unmanaged<HTTP2State>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func set(_ callbacks: OpaquePointer?) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, user in
            guard let state = HTTP2State.of(user), let frame else { return 0 }
            state.blocks[frame.pointee.hd.stream_id] = Block()
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameLength, value, valueLength, _, user in
            guard let state = HTTP2State.of(user), let frame else { return 0 }
            let name = String(decoding: UnsafeBufferPointer(start: name, count: nameLength), as: UTF8.self)
            let value = String(decoding: UnsafeBufferPointer(start: value, count: valueLength), as: UTF8.self)
            let isTaken = state.addField(frame.pointee.hd.stream_id, name, value)
            return isTaken ? 0 : Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            guard let state = HTTP2State.of(user), let frame else { return 0 }
            state.received(frame.pointee.hd)
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, user in
            guard let state = HTTP2State.of(user), let frame else { return 0 }
            state.sent(frame.pointee.hd)
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { session, _, id, bytes, count, user in
            guard let state = HTTP2State.of(user) else { return 0 }
            state.events.append(.data(id, Array(UnsafeBufferPointer(start: bytes, count: count))))
            nghttp2_session_consume_connection(session, count)
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, id, code, user in
            guard let state = HTTP2State.of(user) else { return 0 }
            state.blocks[id] = nil
            state.events.append(.closed(id, code))
            return 0
        }
    }

    private func addField(_ id: Int32, _ name: String, _ value: String) -> Bool {
        guard var block = blocks.removeValue(forKey: id) else { return true }
        block.size += name.utf8.count + value.utf8.count + 32
        guard block.size <= limits.headBytes, block.headers.count < limits.fieldCount else { return false }
        if name.hasPrefix(":") {
            block.pseudo[name] = value
        } else {
            block.headers.add(name: name, value: value)
        }
        blocks[id] = block
        return true
    }

    private func received(_ frame: nghttp2_frame_hd) {
        let isEnd = UInt32(frame.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
        switch UInt32(frame.type) {
        case NGHTTP2_HEADERS.rawValue:
            guard let block = blocks.removeValue(forKey: frame.stream_id) else { return }
            events.append(.fields(frame.stream_id, block.headers, pseudo: block.pseudo, isEnd: isEnd))
        case NGHTTP2_DATA.rawValue: if isEnd { events.append(.end(frame.stream_id)) }
        case NGHTTP2_GOAWAY.rawValue: events.append(.goAway)
        default: break
        }
    }

    /// A server that has answered in full wants no more of the request (RFC 9113 §8.1).
    private func sent(_ frame: nghttp2_frame_hd) {
        guard role == .server, UInt32(frame.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0,
            [NGHTTP2_HEADERS.rawValue, NGHTTP2_DATA.rawValue].contains(UInt32(frame.type)),
            let stream = streams[frame.stream_id], !stream.isInputOver
        else { return }
        reset(frame.stream_id, HTTP2.noError)
    }

    // MARK: Streams

    /// About what a stream takes until it has ended, with its part of the session and what is known of its request.
    static let streamCost = 8 * 1024

    /// Counts a stream that the peer has opened. False when there is no room for it.
    func admit(_ stream: HTTP2Stream) -> Bool {
        guard room?.set((counted + 1) * Self.streamCost) ?? true else { return false }
        counted += 1
        stream.isCounted = true
        return true
    }

    /// Forgets what is counted of a stream that has ended.
    func leave(_ stream: HTTP2Stream) {
        forget(stream.queued)
        guard stream.isCounted else { return }
        stream.isCounted = false
        counted -= 1
        // Less than before is always allowed.
        _ = room?.set(counted * Self.streamCost)
    }

    /// Allows the peer so many streams at a time from now on.
    func allow(streams: Int) {
        var setting = nghttp2_settings_entry(
            settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: UInt32(streams))
        nghttp2_submit_settings(session, 0, &setting, 1)
    }

    // MARK: Output

    /// Adds to what waits of a stream. False, and nothing is added, when that is more than may wait, and not owed.
    func append(_ bytes: [UInt8], to stream: HTTP2Stream, isOwed: Bool = false) -> Bool {
        if bytes.isEmpty { return true }
        guard output?.set(waiting + bytes.count, owed: isOwed) ?? true else { return false }
        waiting += bytes.count
        stream.append(bytes)
        return true
    }

    /// So much of what waited has been taken, or will never be.
    func forget(_ count: Int) {
        waiting -= count
        // Less than before is always allowed.
        _ = output?.set(waiting)
    }

    /// Sends a response's head, and the body of `stream` after it unless there is none.
    func submitResponse(_ stream: HTTP2Stream, _ fields: [(String, String)], hasBody: Bool) {
        withFields(fields) { pointer, count in
            guard hasBody else {
                nghttp2_submit_response(session, stream.id, pointer, count, nil)
                return
            }
            var provider = Self.provider()
            nghttp2_submit_response(session, stream.id, pointer, count, &provider)
        }
    }

    /// Whether one more request goes out at once. Those that last leave room for others; before the peer has said how many
    /// it takes at a time, nghttp2 has it be 100.
    func hasRoom(isLasting: Bool) -> Bool {
        let limit = nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return streams.count < HTTP2.room(of: Int(limit), isLasting: isLasting)
    }

    /// Sends a request's head; returns the number of its stream, or nil when the session takes no more requests.
    func submitRequest(_ fields: [(String, String)], hasBody: Bool) -> Int32? {
        let id = withFields(fields) { pointer, count -> Int32 in
            guard hasBody else { return nghttp2_submit_request(session, nil, pointer, count, nil, nil) }
            var provider = Self.provider()
            return nghttp2_submit_request(session, nil, pointer, count, &provider, nil)
        }
        return id > 0 ? id : nil
    }

    /// Tells the session that `stream` has more output than it had.
    func resume(_ stream: HTTP2Stream) {
        guard stream.isDeferred else { return }
        stream.isDeferred = false
        nghttp2_session_resume_data(session, stream.id)
    }

    func reset(_ id: Int32, _ code: UInt32) {
        nghttp2_submit_rst_stream(session, 0, id, code)
    }

    func giveWindowBack(_ id: Int32, _ count: Int) {
        nghttp2_session_consume_stream(session, id, count)
    }

    func goAway() {
        nghttp2_submit_goaway(session, 0, nghttp2_session_get_last_proc_stream_id(session), HTTP2.noError, nil, 0)
    }

    private static func provider() -> nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source()) { _, id, buffer, length, flags, _, user in
            guard let state = HTTP2State.of(user), let stream = state.streams[id], let buffer, let flags else {
                return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
            }
            return state.fill(stream, UnsafeMutableRawBufferPointer(start: buffer, count: length), flags)
        }
    }

    private func fill(
        _ stream: HTTP2Stream, _ buffer: UnsafeMutableRawBufferPointer, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let count = stream.copy(into: buffer)
        forget(count)
        if stream.queued < HTTP2Stream.kept, let writer = stream.writer {
            stream.writer = nil
            writer.wake()
        }
        guard stream.queued == 0 else { return count }
        if stream.isOutputOver {
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            if !stream.trailers.isEmpty {
                flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
                let fields = stream.trailers.map { ($0.name.lowercasedASCII(), $0.value) }
                withFields(fields) { _ = nghttp2_submit_trailer(session, stream.id, $0, $1) }
            }
            return count
        }
        if count == 0 {
            stream.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        return count
    }

    /// Fields as nghttp2 wants them, for the time of `body`. Line ends and NUL in values become spaces.
    private func withFields<Result>(
        _ fields: [(String, String)], _ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result
    ) -> Result {
        var bytes: [UInt8] = []
        var spans: [(name: Int, value: Int, end: Int)] = []
        for (name, value) in fields {
            let start = bytes.count
            bytes += name.utf8
            let middle = bytes.count
            bytes += value.utf8
            for index in middle..<bytes.count where [0, 0x0a, 0x0d].contains(bytes[index]) { bytes[index] = 0x20 }
            spans.append((start, middle, bytes.count))
        }
        return bytes.withUnsafeMutableBufferPointer { buffer in
            let list = spans.map { span in
                nghttp2_nv(
                    name: buffer.baseAddress.map { $0 + span.name },
                    value: buffer.baseAddress.map { $0 + span.value }, namelen: span.value - span.name,
                    valuelen: span.end - span.value, flags: 0)
            }
            return list.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
