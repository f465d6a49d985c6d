// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Linux

/// Answers messages: of the cluster at once, of others by asking them.
struct DNSResponder: Sendable {
    let catalog: ClusterCatalog
    let forwarder: Forwarder
    let metrics: DNSMetrics

    /// How a message is answered.
    enum Response: Sendable {
        case none
        case now([UInt8])
        case later(@Sendable () async -> [UInt8])
    }

    func respond(_ bytes: [UInt8], isStream: Bool, isIPv6: Bool) -> Response {
        let began = ContinuousClock.now
        switch DNSQuery.read(bytes) {
        case .ignored: return .none
        case .malformed(let response):
            metrics.record(ResponseCode.formatError.rawValue, began.duration(to: .now))
            return .now(response)
        case .query(let query):
            metrics.record(query, isStream: isStream, isIPv6: isIPv6)
            let response = respond(query, isStream: isStream)
            switch response {
            case .none: return .none
            case .now(let bytes):
                record(bytes, began)
                return response
            case .later(let body):
                return .later {
                    let bytes = await body()
                    record(bytes, began)
                    return bytes
                }
            }
        }
    }

    private func record(_ response: [UInt8], _ began: ContinuousClock.Instant) {
        guard response.count > 3 else { return }
        metrics.record(response[3] & 0xf, began.duration(to: .now))
    }

    private func respond(_ query: DNSQuery, isStream: Bool) -> Response {
        let limit = isStream ? Int(UInt16.max) : query.datagramLimit
        func now(_ answer: DNSAnswer) -> Response { .now(answer.encoded(query, limit: limit)) }
        if let refusal = Self.refusal(query) { return now(DNSAnswer(code: refusal)) }
        guard let verdict = catalog.verdict(query.question, limit: limit) else {
            return now(DNSAnswer(code: .serverFailure))
        }
        switch verdict {
        case .answer(let answer): return now(answer)
        case .completeElsewhere(let answer, let target):
            return .later { await complete(answer, target, query).encoded(query, limit: limit) }
        case .notOurs:
            if let known = forwarder.remembered(query, isStream: isStream) { return .now(known) }
            return .later {
                guard let answer = await forwarder.ask(query, isStream: isStream) else {
                    return DNSAnswer(code: .serverFailure).encoded(query, limit: limit)
                }
                return answer.encoded(for: query)
            }
        }
    }

    /// What is turned down whatever the name: other operations and classes, zone transfers, later versions of EDNS.
    static func refusal(_ query: DNSQuery) -> ResponseCode? {
        if query.opcode != 0 { return .notImplemented }
        if let edns = query.edns, edns.version > 0 { return .badVersion }
        if query.question.classNumber != 1 { return .refused }
        if query.question.type == .axfr || query.question.type == .ixfr { return .refused }
        return nil
    }

    /// An alias with what its target leads to. Without it clients would take the name for one without addresses, so a
    /// target nobody answers for makes the whole a failure.
    private func complete(_ answer: DNSAnswer, _ target: DNSName, _ query: DNSQuery) async -> DNSAnswer {
        var next = query
        next.question = DNSQuestion(target, query.question.type)
        next.edns = DNSQuery.Extension(size: 4096)
        let failure = DNSAnswer(code: .serverFailure)
        guard var found = await forwarder.find(next, isStream: false) else { return failure }
        if found.isTruncated {
            guard let whole = await forwarder.find(next, isStream: true) else { return failure }
            found = whole
        }
        switch ResponseCode(rawValue: found.code) {
        case .noError, .nameError:
            var result = answer
            result.answers += found.records
            return result
        default: return failure
        }
    }
}
