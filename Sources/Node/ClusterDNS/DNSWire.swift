// SPDX-License-Identifier: Apache-2.0

internal import CLDNS

/// What came in from a client.
enum DNSReading: Sendable, Hashable {
    case query(DNSQuery)
    /// It is to be refused with these bytes.
    case malformed(response: [UInt8])
    /// No answer: it is too short for one, or an answer itself, and two servers must not talk in circles.
    case ignored
}

extension DNSQuery {
    /// Reads what a client sent.
    static func read(_ bytes: [UInt8]) -> DNSReading {
        guard bytes.count >= 12, bytes[2] & 0x80 == 0 else { return .ignored }
        // A header alone: its id, its operation and RD repeated, and why.
        let refusal =
            [bytes[0], bytes[1], 0x80 | bytes[2] & 0x79, ResponseCode.formatError.rawValue] + [0, 0, 0, 0] + [
                0, 0, 0, 0,
            ]
        guard let packet = DNSPacket(bytes), let question = packet.question else {
            return .malformed(response: refusal)
        }
        let pointer = packet.pointer
        var query = DNSQuery(id: ldns_pkt_id(pointer), question)
        query.opcode = UInt8(ldns_pkt_get_opcode(pointer).rawValue)
        query.recursionDesired = ldns_pkt_rd(pointer)
        query.checkingDisabled = ldns_pkt_cd(pointer)
        if ldns_pkt_edns(pointer) {
            query.edns = Extension(
                size: ldns_pkt_edns_udp_size(pointer), wantsSignatures: ldns_pkt_edns_do(pointer),
                version: ldns_pkt_edns_version(pointer))
        }
        return .query(query)
    }

    /// The query as another server is asked it, under an id of its own. What belongs to one hop, such as cookies, stays.
    func encoded(id: UInt16) -> [UInt8] {
        let packet = DNSPacket()
        let pointer = packet.pointer
        ldns_pkt_set_id(pointer, id)
        ldns_pkt_set_opcode(pointer, ldns_pkt_opcode(rawValue: UInt32(opcode)))
        ldns_pkt_set_rd(pointer, recursionDesired)
        ldns_pkt_set_cd(pointer, checkingDisabled)
        packet.add(question)
        if let edns {
            ldns_pkt_set_edns_udp_size(pointer, UInt16(datagramLimit))
            ldns_pkt_set_edns_do(pointer, edns.wantsSignatures)
        }
        return packet.encoded()
    }
}

extension DNSAnswer {
    /// The wire form in answer to `query`, of at most `limit` bytes: what does not fit is left out, first the additional
    /// records, then all the others with the TC flag set, upon which clients ask over TCP.
    func encoded(_ query: DNSQuery, limit: Int) -> [UInt8] {
        var less = self
        if isTruncated {
            (less.answers, less.authority, less.additional) = ([], [], [])
            return less.encoded(query, isTruncated: true)
        }
        let whole = encoded(query, isTruncated: false)
        if !whole.isEmpty, whole.count <= limit { return whole }
        less.additional = []
        let main = less.encoded(query, isTruncated: false)
        if !main.isEmpty, main.count <= limit { return main }
        (less.answers, less.authority) = ([], [])
        return less.encoded(query, isTruncated: true)
    }

    private func encoded(_ query: DNSQuery, isTruncated: Bool) -> [UInt8] {
        let packet = DNSPacket()
        let pointer = packet.pointer
        ldns_pkt_set_id(pointer, query.id)
        ldns_pkt_set_qr(pointer, true)
        ldns_pkt_set_opcode(pointer, ldns_pkt_opcode(rawValue: UInt32(query.opcode)))
        ldns_pkt_set_aa(pointer, isAuthoritative)
        ldns_pkt_set_tc(pointer, isTruncated)
        ldns_pkt_set_rd(pointer, query.recursionDesired)
        ldns_pkt_set_ra(pointer, true)
        ldns_pkt_set_cd(pointer, query.checkingDisabled)
        ldns_pkt_set_rcode(pointer, code.rawValue & 0xf)
        if query.edns != nil {
            ldns_pkt_set_edns_udp_size(pointer, 4096)
            ldns_pkt_set_edns_extended_rcode(pointer, code.rawValue >> 4)
        }
        packet.add(query.question)
        for record in answers { packet.add(record, to: LDNS_SECTION_ANSWER) }
        for record in authority { packet.add(record, to: LDNS_SECTION_AUTHORITY) }
        for record in additional { packet.add(record, to: LDNS_SECTION_ADDITIONAL) }
        return packet.encoded()
    }
}

/// What another server answered: its bytes, and what of them decides how they are used.
struct ForeignAnswer: Sendable, Hashable {
    var bytes: [UInt8]
    var code: UInt8
    var isTruncated: Bool
    /// How long it may be remembered, in seconds: the least of its records' times, for "no such name" what the SOA record
    /// says (RFC 2308); 0: not at all.
    var lifetime: UInt32

    /// Reads an answer to the `question` asked under `id`; nil for anything else, which may be forged.
    init?(_ bytes: [UInt8], to question: DNSQuestion, id: UInt16) {
        guard let packet = DNSPacket(bytes) else { return nil }
        let pointer = packet.pointer
        guard ldns_pkt_qr(pointer), ldns_pkt_id(pointer) == id, let asked = packet.question,
            asked.name == question.name, asked.type == question.type, asked.classNumber == question.classNumber,
            // Where `encoded(for:)` writes the client's spelling.
            DNSName(wire: bytes.dropFirst(12).prefix(question.spelling.count)) == question.name
        else { return nil }
        self.bytes = bytes
        code = UInt8(ldns_pkt_get_rcode(pointer).rawValue)
        isTruncated = ldns_pkt_tc(pointer)
        var least = UInt32.max
        packet.forEachRecord { record, isAuthority in
            least = min(least, ldns_rr_ttl(record))
            if isAuthority, ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA, let minimum = ldns_rr_rdf(record, 6) {
                least = min(least, ldns_rdf2native_int32(minimum))
            }
        }
        let isDefinite = code == ResponseCode.noError.rawValue || code == ResponseCode.nameError.rawValue
        lifetime = isDefinite && !isTruncated && least != .max ? least : 0
    }

    /// The bytes for a client: its id, its spelling of the name, and the times that are left `age` seconds later.
    func encoded(for query: DNSQuery, age: UInt32 = 0) -> [UInt8] {
        var result = bytes
        result[0] = UInt8(query.id >> 8)
        result[1] = UInt8(query.id & 0xff)
        let nameEnd = 12 + query.question.spelling.count
        result.replaceSubrange(12..<nameEnd, with: query.question.spelling)
        if age > 0 { Self.lowerTimes(&result, by: age, from: nameEnd + 4) }
        return result
    }

    /// Lowers the records' times where they stand. A message built anew could be larger than the client takes: servers
    /// compress more names than others do.
    private static func lowerTimes(_ bytes: inout [UInt8], by age: UInt32, from start: Int) {
        func number(_ index: Int) -> Int { Int(bytes[index]) << 8 | Int(bytes[index + 1]) }
        var index = start
        for _ in 0..<(number(6) + number(8) + number(10)) {
            while index < bytes.count, (1...63).contains(bytes[index]) { index += 1 + Int(bytes[index]) }
            guard index < bytes.count else { return }
            // The owner ends in a zero or in a pointer of two bytes.
            index += bytes[index] == 0 ? 1 : 2
            guard index + 10 <= bytes.count else { return }
            // OPT has flags in this place.
            if number(index) != Int(LDNS_RR_TYPE_OPT.rawValue) {
                let time = UInt32(number(index + 4)) << 16 | UInt32(number(index + 6))
                let left = time - min(age, time)
                for place in 0..<4 { bytes[index + 4 + place] = UInt8(truncatingIfNeeded: left >> (24 - 8 * place)) }
            }
            index += 10 + number(index + 8)
        }
    }

    /// The addresses and aliases of the answer section.
    var records: [DNSRecord] {
        guard let packet = DNSPacket(bytes), let list = ldns_pkt_answer(packet.pointer) else { return [] }
        return (0..<ldns_rr_list_rr_count(list)).compactMap { index in
            ldns_rr_list_rr(list, index).flatMap(DNSRecord.init)
        }
    }
}
