// SPDX-License-Identifier: Apache-2.0

internal import CLDNS
internal import Netlink

extension DNSRecord {
    /// Reads an address or an alias; nil for other types.
    init?(_ record: UnsafeMutablePointer<ldns_rr>) {
        func bytes(_ rdf: UnsafeMutablePointer<ldns_rdf>?) -> [UInt8]? {
            guard let rdf, let data = ldns_rdf_data(rdf) else { return nil }
            return Array(UnsafeRawBufferPointer(start: data, count: ldns_rdf_size(rdf)))
        }
        guard let owner = bytes(ldns_rr_owner(record)).flatMap({ DNSName(wire: $0) }) else { return nil }
        self.name = owner
        ttl = ldns_rr_ttl(record)
        switch RecordType(rawValue: UInt16(ldns_rr_get_type(record).rawValue)) {
        case .a, .aaaa:
            guard let address = bytes(ldns_rr_rdf(record, 0)).flatMap({ IPAddress(bytes: $0) }) else { return nil }
            content = .address(address)
        case .cname:
            guard let target = bytes(ldns_rr_rdf(record, 0)).flatMap({ DNSName(wire: $0) }) else { return nil }
            content = .cname(target)
        default: return nil
        }
    }
}
