// SPDX-License-Identifier: Apache-2.0

@testable import HTTP

extension Subject {
    /// What a peer sends over a connection.
    static let transports = [
        Subject(name: "http1") { bytes in
            let cut = pieces(bytes)
            for role in [HTTP1Decoder.Role.server, .client] {
                let whole = http1(role, [cut.flatMap { $0 }])
                let parts = http1(role, cut)
                require(whole == parts, "what was read depends on how it arrived: \(whole) and \(parts)")
            }
        },
        Subject(name: "http2") { bytes in
            let state = HTTP2State(.server, HTTPLimits(), window: 65_535, maximumStreams: 10)
            for piece in [HTTP2.preface] + pieces(bytes) {
                guard let events = try? state.receive(piece) else { break }
                for case .data(let id, let bytes) in events { state.giveWindowBack(id, bytes.count) }
                while let bytes = state.produce(65_536), !bytes.isEmpty {}
            }
        },
        Subject(name: "spdy") { bytes in
            var decoder = SPDYFrameDecoder()
            let inflater = SPDYInflater()
            for piece in pieces(bytes) {
                decoder.append(piece)
                while let frame = try? decoder.next() {
                    switch frame {
                    case .synStream(_, let block, _), .synReply(_, let block, _), .headers(_, let block, _):
                        guard let fields = try? inflater.decompress(block) else { return }
                        _ = try? SPDYHeaders.decode(fields)
                    default: break
                    }
                }
            }
        },
        Subject(name: "spdy-headers") { bytes in
            guard let fields = try? SPDYHeaders.decode(bytes) else { return }
            _ = SPDYHeaders.encode(fields)
        },
        Subject(name: "websocket") { bytes in
            for expectsMask in [true, false] {
                var decoder = WebSocketFrameDecoder(expectsMask: expectsMask, limit: 4096)
                for piece in pieces(bytes) {
                    decoder.append(piece)
                    while let frame = try? decoder.next() {
                        require(frame.payload.count <= 4096, "a frame is longer than the limit")
                        _ = frame.encoded(mask: expectsMask ? [1, 2, 3, 4] : nil)
                    }
                }
            }
        },
        Subject(name: "media-type") { bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else { return }
            if let type = MediaType(text) { _ = "\(type)" }
            _ = QueryString.parse(text)
            _ = PercentEncoding.decode(text)
        },
    ]

    /// What a decoder makes of bytes: heads and bodies as text, until the end or the first complaint.
    private static func http1(_ role: HTTP1Decoder.Role, _ pieces: [[UInt8]]) -> String {
        var decoder = HTTP1Decoder(role, HTTPLimits())
        var result = ""
        var isInBody = false
        var waiting = pieces[...]
        while true {
            do throws(HTTPProtocolError) {
                if !isInBody {
                    if let head = try decoder.nextHead() {
                        result += "\(head.start) \(head.headers.map { "\($0.name):\($0.value)" })\n"
                        decoder.startBody(
                            role == .server
                                ? try head.requestFraming() : try head.responseFraming(status: 200, method: "GET"))
                        isInBody = true
                        continue
                    }
                } else {
                    switch try decoder.nextPiece() {
                    case .bytes(let bytes):
                        result += String(decoding: bytes, as: Unicode.ASCII.self)
                        continue
                    case .end(let trailers):
                        result += "|\(trailers.map { "\($0.name):\($0.value)" })\n"
                        isInBody = false
                        continue
                    case nil: break
                    }
                }
            } catch {
                // Which of two faults is met first may depend on how they arrive; that there is one may not.
                return result + "refused"
            }
            if let next = waiting.popFirst() { decoder.receive(next) } else { return result }
        }
    }
}
