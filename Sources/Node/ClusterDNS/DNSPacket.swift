// SPDX-License-Identifier: Apache-2.0

internal import CLDNS
internal import Glibc
internal import Netlink

/// A message in libldns' form, owned.
struct DNSPacket: ~Copyable {
    let pointer: UnsafeMutablePointer<ldns_pkt>

    init() {
        guard let made = ldns_pkt_new() else { preconditionFailure("allocate a DNS message") }
        pointer = made
    }

    /// Reads a message; nil when it is none.
    init?(_ bytes: [UInt8]) {
        var made: UnsafeMutablePointer<ldns_pkt>?
        guard ldns_wire2pkt(&made, bytes, bytes.count) == LDNS_STATUS_OK, let made else { return nil }
        pointer = made
    }

    deinit { ldns_pkt_free(pointer) }

    /// The wire form, names compressed.
    func encoded() -> [UInt8] {
        var buffer: UnsafeMutablePointer<UInt8>?
        var count = 0
        // The only failures are a message of more than 64 KiB, which `encoded(_:limit:)` never builds, and memory.
        guard ldns_pkt2wire(&buffer, pointer, &count) == LDNS_STATUS_OK, let buffer else { return [] }
        defer { free(buffer) }
        return Array(UnsafeBufferPointer(start: buffer, count: count))
    }

    // MARK: Questions

    /// The one question; nil when there is none or several, or its name is none.
    var question: DNSQuestion? {
        guard let list = ldns_pkt_question(pointer), ldns_rr_list_rr_count(list) == 1,
            let record = ldns_rr_list_rr(list, 0), let owner = ldns_rr_owner(record)
        else { return nil }
        let spelling = Array(UnsafeRawBufferPointer(start: ldns_rdf_data(owner), count: ldns_rdf_size(owner)))
        guard let name = DNSName(wire: spelling) else { return nil }
        var question = DNSQuestion(name, RecordType(rawValue: UInt16(ldns_rr_get_type(record).rawValue)))
        question.spelling = spelling
        question.classNumber = UInt16(ldns_rr_get_class(record).rawValue)
        return question
    }

    func add(_ question: DNSQuestion) {
        let record = Self.record(question.spelling, question.type)
        ldns_rr_set_question(record, true)
        ldns_rr_set_class(record, ldns_rr_class(rawValue: UInt32(question.classNumber)))
        ldns_pkt_push_rr(pointer, LDNS_SECTION_QUESTION, record)
    }

    // MARK: Records

    func add(_ record: DNSRecord, to section: ldns_pkt_section) {
        let made = Self.record(record.name.wire, record.type)
        ldns_rr_set_ttl(made, record.ttl)
        func push(_ type: ldns_rdf_type, _ bytes: [UInt8]) {
            ldns_rr_push_rdf(made, ldns_rdf_new_frm_data(type, bytes.count, bytes))
        }
        func push(_ name: DNSName) { push(LDNS_RDF_TYPE_DNAME, name.wire) }
        func push(_ value: UInt16) { ldns_rr_push_rdf(made, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, value)) }
        func push(_ value: UInt32, _ type: ldns_rdf_type) { ldns_rr_push_rdf(made, ldns_native2rdf_int32(type, value)) }
        switch record.content {
        case .address(let address):
            push(address.family == .v4 ? LDNS_RDF_TYPE_A : LDNS_RDF_TYPE_AAAA, address.bytes)
        case .cname(let name), .ns(let name), .ptr(let name): push(name)
        case .srv(let weight, let port, let target):
            push(UInt16(0))
            push(weight)
            push(port)
            push(target)
        case .txt(let text):
            let bytes = Array(text.utf8.prefix(255))
            push(LDNS_RDF_TYPE_STR, [UInt8(bytes.count)] + bytes)
        case .soa(let server, let mailbox, let serial, let minimum):
            push(server)
            push(mailbox)
            push(serial, LDNS_RDF_TYPE_INT32)
            // Refresh, retry, expire: for secondaries, which there are none of.
            for period in [7200, 1800, 86400, minimum] { push(period, LDNS_RDF_TYPE_PERIOD) }
        }
        ldns_pkt_push_rr(pointer, section, made)
    }

    private static func record(_ owner: [UInt8], _ type: RecordType) -> UnsafeMutablePointer<ldns_rr> {
        guard let made = ldns_rr_new(), let name = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, owner.count, owner)
        else { preconditionFailure("allocate a DNS record") }
        ldns_rr_set_owner(made, name)
        ldns_rr_set_class(made, LDNS_RR_CLASS_IN)
        ldns_rr_set_type(made, ldns_rr_type(rawValue: UInt32(type.rawValue)))
        return made
    }

    /// Calls `body` with every record of the answer, authority and additional sections.
    func forEachRecord(_ body: (UnsafeMutablePointer<ldns_rr>, _ isAuthority: Bool) -> Void) {
        for (list, isAuthority) in [
            (ldns_pkt_answer(pointer), false), (ldns_pkt_authority(pointer), true),
            (ldns_pkt_additional(pointer), false),
        ] {
            guard let list else { continue }
            for index in 0..<ldns_rr_list_rr_count(list) {
                if let record = ldns_rr_list_rr(list, index) { body(record, isAuthority) }
            }
        }
    }
}
