// SPDX-License-Identifier: Apache-2.0

internal import CNFTNL
internal import Netlink

/// One instruction of the kernel's nf_tables machine, with its attributes by libnftnl's numbers.
struct KernelExpression: Sendable, Hashable {
    enum Attribute: Sendable, Hashable {
        case number(Int, UInt32)
        case wide(Int, UInt64)
        case bytes(Int, [UInt8])
        case text(Int, String)
    }

    var name: String
    var attributes: [Attribute]

    init(_ name: String, _ attributes: Attribute...) {
        self.name = name
        self.attributes = attributes
    }

    /// The library's object; the rule it is added to owns it.
    func allocate() -> OpaquePointer {
        guard let object = unsafe nftnl_expr_alloc(name) else {
            preconditionFailure("libnftnl knows no expression \(name)")
        }
        for attribute in attributes {
            switch attribute {
            case .number(let key, let value): unsafe nftnl_expr_set_u32(object, UInt16(key), value)
            case .wide(let key, let value): unsafe nftnl_expr_set_u64(object, UInt16(key), value)
            case .text(let key, let value): unsafe nftnl_expr_set_str(object, UInt16(key), value)
            case .bytes(let key, let value):
                unsafe value.withUnsafeBytes {
                    _ = unsafe nftnl_expr_set(object, UInt16(key), $0.baseAddress, UInt32($0.count))
                }
            }
        }
        return unsafe object
    }
}

/// The first 32-bit data register (NFT_REG32_00). Each statement starts there afresh: none keeps a value for the next.
private let firstRegister: UInt32 = 8

extension Selector {
    /// Loads the value into `register`.
    func load(_ register: UInt32) -> KernelExpression {
        func payload(_ base: UInt32, _ offset: UInt32, _ length: UInt32) -> KernelExpression {
            KernelExpression(
                "payload", .number(Int(NFTNL_EXPR_PAYLOAD_DREG), register), .number(Int(NFTNL_EXPR_PAYLOAD_BASE), base),
                .number(Int(NFTNL_EXPR_PAYLOAD_OFFSET), offset), .number(Int(NFTNL_EXPR_PAYLOAD_LEN), length))
        }
        func meta(_ key: UInt32) -> KernelExpression {
            KernelExpression(
                "meta", .number(Int(NFTNL_EXPR_META_KEY), key), .number(Int(NFTNL_EXPR_META_DREG), register))
        }
        func conntrack(_ key: UInt32) -> KernelExpression {
            KernelExpression("ct", .number(Int(NFTNL_EXPR_CT_KEY), key), .number(Int(NFTNL_EXPR_CT_DREG), register))
        }
        func fib(_ flags: UInt32) -> KernelExpression {
            KernelExpression(
                "fib", .number(Int(NFTNL_EXPR_FIB_FLAGS), flags), .number(Int(NFTNL_EXPR_FIB_RESULT), 3),
                .number(Int(NFTNL_EXPR_FIB_DREG), register))
        }
        switch self {
        case .sourceAddress(.v4): return payload(1, 12, 4)
        case .destinationAddress(.v4): return payload(1, 16, 4)
        case .sourceAddress(.v6): return payload(1, 8, 16)
        case .destinationAddress(.v6): return payload(1, 24, 16)
        case .sourcePort: return payload(2, 0, 2)
        case .destinationPort: return payload(2, 2, 2)
        case .icmpType: return payload(2, 0, 1)
        case .neighbourTarget: return payload(2, 8, 16)
        case .destinationHardware: return payload(0, 0, 6)
        case .sourceHardware: return payload(0, 6, 6)
        case .etherType: return payload(0, 12, 2)
        case .arpSourceHardware: return payload(1, 8, 6)
        case .arpSourceAddress: return payload(1, 14, 4)
        case .nextHeader: return payload(1, 6, 1)
        case .inputInterfaceGroup: return meta(21)
        case .mark: return meta(3)
        case .inputInterface: return meta(6)
        case .outputInterface: return meta(7)
        case .protocolNumber: return meta(16)
        case .connectionState: return conntrack(0)
        case .connectionStatus: return conntrack(2)
        case .sourceType: return fib(1)
        case .destinationType: return fib(2)
        case .random(let modulus, let offset):
            return KernelExpression(
                "numgen", .number(Int(NFTNL_EXPR_NG_DREG), register), .number(Int(NFTNL_EXPR_NG_MODULUS), modulus),
                .number(Int(NFTNL_EXPR_NG_TYPE), 1), .number(Int(NFTNL_EXPR_NG_OFFSET), offset))
        }
    }
}

extension [Selector] {
    /// Loads all into neighbouring registers, which is how the kernel reads a concatenation.
    func load() -> [KernelExpression] {
        var register = firstRegister
        return map { selector in
            defer { register += UInt32((selector.length + 3) / 4) }
            return selector.load(register)
        }
    }
}

extension Statement {
    private static func compare(negated: Bool, _ bytes: [UInt8]) -> KernelExpression {
        KernelExpression(
            "cmp", .number(Int(NFTNL_EXPR_CMP_SREG), firstRegister), .number(Int(NFTNL_EXPR_CMP_OP), negated ? 1 : 0),
            .bytes(Int(NFTNL_EXPR_CMP_DATA), bytes))
    }

    /// register = register & mask ^ flip.
    private static func bitwise(mask: [UInt8], flip: [UInt8]) -> KernelExpression {
        KernelExpression(
            "bitwise", .number(Int(NFTNL_EXPR_BITWISE_SREG), firstRegister),
            .number(Int(NFTNL_EXPR_BITWISE_DREG), firstRegister),
            .number(Int(NFTNL_EXPR_BITWISE_LEN), UInt32(mask.count)), .number(Int(NFTNL_EXPR_BITWISE_OP), 0),
            .bytes(Int(NFTNL_EXPR_BITWISE_MASK), mask), .bytes(Int(NFTNL_EXPR_BITWISE_XOR), flip))
    }

    private static func immediate(_ register: UInt32, _ bytes: [UInt8]) -> KernelExpression {
        KernelExpression(
            "immediate", .number(Int(NFTNL_EXPR_IMM_DREG), register), .bytes(Int(NFTNL_EXPR_IMM_DATA), bytes))
    }

    private static func changeMark(keep: UInt32, flip: UInt32) -> [KernelExpression] {
        [
            Selector.mark.load(firstRegister), bitwise(mask: hostBytes(keep), flip: hostBytes(flip)),
            KernelExpression(
                "meta", .number(Int(NFTNL_EXPR_META_KEY), 3), .number(Int(NFTNL_EXPR_META_SREG), firstRegister)),
        ]
    }

    private static func lookup(_ name: String, into register: UInt32? = nil, negated: Bool = false) -> KernelExpression
    {
        var expression = KernelExpression(
            "lookup", .number(Int(NFTNL_EXPR_LOOKUP_SREG), firstRegister), .text(Int(NFTNL_EXPR_LOOKUP_SET), name))
        if let register { expression.attributes.append(.number(Int(NFTNL_EXPR_LOOKUP_DREG), register)) }
        if negated { expression.attributes.append(.number(Int(NFTNL_EXPR_LOOKUP_FLAGS), 1)) }
        return expression
    }

    /// The instructions of the statement in a table of `family`.
    func expressions(_ family: TableFamily) -> [KernelExpression] {
        switch self {
        case .match(let selector, let negated, let value):
            return [selector.load(firstRegister), Self.compare(negated: negated, value.bytes)]
        case .matchPrefix(let selector, let negated, let prefix):
            if prefix.length == prefix.family.length * 8 {
                return [selector.load(firstRegister), Self.compare(negated: negated, prefix.address.bytes)]
            }
            let mask = IPAddress.mask(prefix.family, prefix.length).bytes
            return [
                selector.load(firstRegister),
                Self.bitwise(mask: mask, flip: [UInt8](repeating: 0, count: mask.count)),
                Self.compare(negated: negated, prefix.network.bytes),
            ]
        case .matchInputInterfacePrefix(let negated, let prefix):
            // The kernel compares as many bytes as it is given.
            return [
                Selector.inputInterface.load(firstRegister),
                Self.compare(negated: negated, Array(prefix.utf8.prefix(15))),
            ]
        case .matchHardwarePrefix(let selector, let bytes):
            return [selector.load(firstRegister), Self.compare(negated: false, bytes)]
        case .matchBits(let selector, let negated, let bits):
            return [
                selector.load(firstRegister), Self.bitwise(mask: hostBytes(bits), flip: [0, 0, 0, 0]),
                Self.compare(negated: !negated, [0, 0, 0, 0]),
            ]
        case .matchType(let selector, let negated, let type):
            return [selector.load(firstRegister), Self.compare(negated: negated, hostBytes(type.rawValue))]
        case .matchICMPType(let family, let type):
            return [
                Selector.protocolNumber.load(firstRegister), Self.compare(negated: false, [family == .v4 ? 1 : 58]),
                Selector.icmpType.load(firstRegister), Self.compare(negated: false, [type]),
            ]
        case .matchSet(let selectors, let negated, let name):
            return selectors.load() + [Self.lookup(name, negated: negated)]
        case .verdict(let verdict):
            var expression = KernelExpression(
                "immediate", .number(Int(NFTNL_EXPR_IMM_DREG), 0),
                .number(Int(NFTNL_EXPR_IMM_VERDICT), UInt32(bitPattern: verdict.code)))
            if let chain = verdict.chain { expression.attributes.append(.text(Int(NFTNL_EXPR_IMM_CHAIN), chain)) }
            return [expression]
        case .verdictMap(let selectors, let name): return selectors.load() + [Self.lookup(name, into: 0)]
        case .setMarkBits(let bits): return Self.changeMark(keep: ~bits, flip: bits)
        case .clearMarkBits(let bits): return Self.changeMark(keep: ~bits, flip: 0)
        case .destinationNAT(let family, let target): return Self.destinationNAT(family, target)
        case .masquerade(let fullyRandom):
            var expression = KernelExpression("masq")
            if fullyRandom { expression.attributes.append(.number(Int(NFTNL_EXPR_MASQ_FLAGS), 16)) }
            return [expression]
        case .reject(let rejection): return [Self.reject(rejection, family)]
        case .counter: return [KernelExpression("counter")]
        case .updateSet(let selectors, let name, let timeout):
            return selectors.load() + [
                KernelExpression(
                    "dynset", .number(Int(NFTNL_EXPR_DYNSET_SREG_KEY), firstRegister),
                    .number(Int(NFTNL_EXPR_DYNSET_OP), 1), .text(Int(NFTNL_EXPR_DYNSET_SET_NAME), name),
                    .wide(Int(NFTNL_EXPR_DYNSET_TIMEOUT), UInt64(timeout) * 1000))
            ]
        }
    }

    private static func destinationNAT(_ family: IPFamily, _ target: NATTarget) -> [KernelExpression] {
        let portRegister = firstRegister + UInt32(family.length / 4)
        func nat(withPort: Bool) -> KernelExpression {
            var expression = KernelExpression(
                "nat", .number(Int(NFTNL_EXPR_NAT_TYPE), 1),
                .number(Int(NFTNL_EXPR_NAT_FAMILY), UInt32(family.rawValue)),
                .number(Int(NFTNL_EXPR_NAT_REG_ADDR_MIN), firstRegister))
            if withPort { expression.attributes.append(.number(Int(NFTNL_EXPR_NAT_REG_PROTO_MIN), portRegister)) }
            return expression
        }
        switch target {
        case .endpoint(let address, let port):
            return [
                immediate(firstRegister, address.bytes), immediate(portRegister, FieldValue.port(port).bytes),
                nat(withPort: true),
            ]
        case .address(let address): return [immediate(firstRegister, address.bytes), nat(withPort: false)]
        case .map(let selectors, let name):
            return selectors.load() + [lookup(name, into: firstRegister), nat(withPort: true)]
        }
    }

    private static func reject(_ rejection: Rejection, _ family: TableFamily) -> KernelExpression {
        precondition(family != .bridge, "a frame is not rejected but dropped")
        func reject(_ type: UInt32, _ code: UInt32) -> KernelExpression {
            KernelExpression(
                "reject", .number(Int(NFTNL_EXPR_REJECT_TYPE), type), .number(Int(NFTNL_EXPR_REJECT_CODE), code))
        }
        switch rejection {
        case .tcpReset: return reject(1, 0)
        // ICMP destination unreachable code 3, ICMPv6 code 4: port unreachable.
        case .portUnreachable: return reject(0, family == .ip ? 3 : 4)
        }
    }
}
