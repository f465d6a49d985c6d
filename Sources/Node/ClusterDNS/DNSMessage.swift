// SPDX-License-Identifier: Apache-2.0

internal import Netlink

/// A record type by its number (RFC 1035, 3596, 2782).
struct RecordType: RawRepresentable, Sendable, Hashable {
    var rawValue: UInt16

    static let a = RecordType(rawValue: 1)
    static let ns = RecordType(rawValue: 2)
    static let cname = RecordType(rawValue: 5)
    static let soa = RecordType(rawValue: 6)
    static let ptr = RecordType(rawValue: 12)
    static let txt = RecordType(rawValue: 16)
    static let aaaa = RecordType(rawValue: 28)
    static let srv = RecordType(rawValue: 33)
    static let ixfr = RecordType(rawValue: 251)
    static let axfr = RecordType(rawValue: 252)

    /// As in metrics: the name of the types above, `other` for the rest, so that clients cannot make series at will.
    var label: String {
        switch self {
        case .a: "A"
        case .ns: "NS"
        case .cname: "CNAME"
        case .soa: "SOA"
        case .ptr: "PTR"
        case .txt: "TXT"
        case .aaaa: "AAAA"
        case .srv: "SRV"
        default: "other"
        }
    }
}

/// How a query ended (RFC 1035, 6891).
enum ResponseCode: UInt8, Sendable {
    case noError = 0
    case formatError = 1
    case serverFailure = 2
    case nameError = 3
    case notImplemented = 4
    case refused = 5
    /// An EDNS version that is not known; its upper bits travel in the OPT record.
    case badVersion = 16

    var label: String {
        switch self {
        case .noError: "NOERROR"
        case .formatError: "FORMERR"
        case .serverFailure: "SERVFAIL"
        case .nameError: "NXDOMAIN"
        case .notImplemented: "NOTIMP"
        case .refused: "REFUSED"
        case .badVersion: "BADVERS"
        }
    }
}

/// What is asked.
struct DNSQuestion: Sendable, Hashable {
    var name: DNSName
    /// The name's wire form as the client spelled it: answers repeat it, since some clients compare bytes.
    var spelling: [UInt8]
    var type: RecordType
    /// 1 is the Internet.
    var classNumber: UInt16 = 1

    init(_ name: DNSName, _ type: RecordType) {
        self.name = name
        spelling = name.wire
        self.type = type
    }
}

/// A client's query.
struct DNSQuery: Sendable, Hashable {
    /// The extension of RFC 6891.
    struct Extension: Sendable, Hashable {
        /// The largest datagram the client takes.
        var size: UInt16
        var wantsSignatures = false
        var version: UInt8 = 0
    }

    var id: UInt16
    var opcode: UInt8 = 0
    var recursionDesired = true
    var checkingDisabled = false
    var question: DNSQuestion
    var edns: Extension?

    init(id: UInt16, _ question: DNSQuestion, edns: Extension? = nil) {
        self.id = id
        self.question = question
        self.edns = edns
    }

    /// How large a datagram in answer may be: 512 bytes without EDNS, and never more than 4096.
    var datagramLimit: Int { edns.map { Int(min(max($0.size, 512), 4096)) } ?? 512 }
}

/// One record.
struct DNSRecord: Sendable, Hashable {
    enum Content: Sendable, Hashable {
        case address(IPAddress)
        case cname(DNSName)
        case ns(DNSName)
        case ptr(DNSName)
        case srv(weight: UInt16, port: UInt16, target: DNSName)
        case txt(String)
        case soa(server: DNSName, mailbox: DNSName, serial: UInt32, minimum: UInt32)
    }

    var name: DNSName
    var ttl: UInt32
    var content: Content

    var type: RecordType {
        switch content {
        case .address(let address): address.family == .v4 ? .a : .aaaa
        case .cname: .cname
        case .ns: .ns
        case .ptr: .ptr
        case .srv: .srv
        case .txt: .txt
        case .soa: .soa
        }
    }
}

/// What a query is answered with.
struct DNSAnswer: Sendable, Hashable {
    var code = ResponseCode.noError
    var isAuthoritative = false
    /// There are more records than fit, and so none.
    var isTruncated = false
    var answers: [DNSRecord] = []
    var authority: [DNSRecord] = []
    var additional: [DNSRecord] = []
}
