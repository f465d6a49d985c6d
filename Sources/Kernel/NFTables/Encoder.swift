// SPDX-License-Identifier: Apache-2.0

internal import CMNL
internal import CNFTNL
internal import Glibc
internal import Netlink

/// Turns changes into netlink messages with libnftnl. Owns the one buffer the library writes messages into.
@safe
struct Encoder: ~Copyable {
    // libmnl does not check bounds: a message here is at most one nested attribute (64 KiB) and a few names.
    private static let capacity = 160 * 1024
    /// Elements in one message: with the longest names and keys they stay under the 64 KiB of an attribute.
    private static let elementsPerMessage = 100

    private let buffer: UnsafeMutableRawPointer
    private let table: Table

    init(_ table: Table) {
        self.table = table
        unsafe buffer = UnsafeMutableRawPointer.allocate(byteCount: Self.capacity, alignment: 16)
    }

    deinit { unsafe buffer.deallocate() }

    private enum MessageType {
        static let newTable: UInt16 = 0
        static let deleteTable: UInt16 = 2
        static let newChain: UInt16 = 3
        static let deleteChain: UInt16 = 5
        static let newRule: UInt16 = 6
        static let deleteRule: UInt16 = 8
        static let newSet: UInt16 = 9
        static let deleteSet: UInt16 = 11
        static let newElement: UInt16 = 12
        static let deleteElement: UInt16 = 14
    }

    /// The messages of one change, usually one.
    borrowing func encode(_ operation: Operation) -> [NetlinkMessage] {
        switch operation {
        case .addTable: [tableMessage(MessageType.newTable, .create)]
        case .deleteTable: [tableMessage(MessageType.deleteTable, [])]
        case .addChain(let chain): [chainMessage(MessageType.newChain, .create, chain)]
        case .deleteChain(let name): [chainMessage(MessageType.deleteChain, [], Chain(name))]
        case .flushChain(let name): [ruleMessage(MessageType.deleteRule, [], chain: name, nil)]
        case .addRule(let chain, let rule): [ruleMessage(MessageType.newRule, [.create, .append], chain: chain, rule)]
        case .addSet(let set): [setMessage(MessageType.newSet, .create, name: set.name, set)]
        case .deleteSet(let name): [setMessage(MessageType.deleteSet, [], name: name, nil)]
        case .flushSet(let name): [elementMessage(MessageType.deleteElement, [], set: name, [])]
        case .addElements(let set, let elements): elementMessages(MessageType.newElement, .create, set, elements)
        case .deleteElements(let set, let elements):
            elementMessages(MessageType.deleteElement, [], set, elements.map { Element($0.key) })
        }
    }

    private borrowing func message(
        _ type: UInt16, _ flags: NetlinkFlags, _ build: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) -> NetlinkMessage {
        let header = unsafe nftnl_nlmsg_build_hdr(
            buffer.assumingMemoryBound(to: CChar.self), type, UInt16(table.family.rawValue), flags.rawValue, 0)!
        unsafe build(header)
        let length = unsafe Int(header.pointee.nlmsg_len)
        precondition(length <= Self.capacity, "nftables message longer than its buffer")
        return NetlinkMessage(
            adopting: unsafe [UInt8](UnsafeRawBufferPointer(start: buffer, count: length)), operation: "")
    }

    private borrowing func tableMessage(_ type: UInt16, _ flags: NetlinkFlags) -> NetlinkMessage {
        let object = unsafe nftnl_table_alloc()!
        defer { unsafe nftnl_table_free(object) }
        unsafe nftnl_table_set_str(object, UInt16(NFTNL_TABLE_NAME.rawValue), table.name)
        if type == MessageType.newTable { unsafe nftnl_table_set_u32(object, UInt16(NFTNL_TABLE_FLAGS.rawValue), 0) }
        return unsafe message(type, flags) { unsafe nftnl_table_nlmsg_build_payload($0, object) }
    }

    private borrowing func chainMessage(_ type: UInt16, _ flags: NetlinkFlags, _ chain: Chain) -> NetlinkMessage {
        let object = unsafe nftnl_chain_alloc()!
        defer { unsafe nftnl_chain_free(object) }
        unsafe nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TABLE.rawValue), table.name)
        unsafe nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_NAME.rawValue), chain.name)
        if let base = chain.base {
            unsafe nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TYPE.rawValue), base.kind.rawValue)
            unsafe nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), base.hook.rawValue)
            unsafe nftnl_chain_set_s32(object, UInt16(NFTNL_CHAIN_PRIO.rawValue), base.priority)
            unsafe nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_POLICY.rawValue), 1)
        }
        return unsafe message(type, flags) { unsafe nftnl_chain_nlmsg_build_payload($0, object) }
    }

    private borrowing func ruleMessage(
        _ type: UInt16, _ flags: NetlinkFlags, chain: String, _ rule: Rule?
    ) -> NetlinkMessage {
        let object = unsafe nftnl_rule_alloc()!
        defer { unsafe nftnl_rule_free(object) }
        unsafe nftnl_rule_set_str(object, UInt16(NFTNL_RULE_TABLE.rawValue), table.name)
        unsafe nftnl_rule_set_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue), chain)
        if let rule {
            for expression in rule.statements.flatMap({ $0.expressions(table.family) }) {
                unsafe nftnl_rule_add_expr(object, expression.allocate())
            }
            if let comment = rule.comment {
                let data = Self.userdata(comment: comment)
                unsafe data.withUnsafeBytes {
                    _ = unsafe nftnl_rule_set_data(
                        object, UInt16(NFTNL_RULE_USERDATA.rawValue), $0.baseAddress, UInt32($0.count))
                }
            }
        }
        return unsafe message(type, flags) { unsafe nftnl_rule_nlmsg_build_payload($0, object) }
    }

    /// The comment as nft(8) stores it: type 0, length, text and its zero.
    static func userdata(comment: String) -> [UInt8] {
        let text = Array(comment.utf8.prefix(127)) + [0]
        return [0, UInt8(text.count)] + text
    }

    private borrowing func setMessage(
        _ type: UInt16, _ flags: NetlinkFlags, name: String, _ set: SetDefinition?
    ) -> NetlinkMessage {
        let object = unsafe nftnl_set_alloc()!
        defer { unsafe nftnl_set_free(object) }
        unsafe nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table.name)
        unsafe nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), name)
        func number(_ attribute: nftnl_set_attr, _ value: UInt32) {
            unsafe nftnl_set_set_u32(object, UInt16(attribute.rawValue), value)
        }
        if let set {
            var setFlags: UInt32 = 0
            // Ids tell new sets of one batch apart; rules here refer to sets by name, so any will do.
            number(NFTNL_SET_ID, 1)
            number(NFTNL_SET_KEY_TYPE, set.key.number)
            number(NFTNL_SET_KEY_LEN, UInt32(set.key.encodedLength))
            switch set.data {
            case .none: break
            case .verdict:
                setFlags |= 0x8
                number(NFTNL_SET_DATA_TYPE, 0xffff_ff00)
                number(NFTNL_SET_DATA_LEN, 16)
            case .fields(let fields):
                setFlags |= 0x8
                number(NFTNL_SET_DATA_TYPE, fields.number)
                number(NFTNL_SET_DATA_LEN, UInt32(fields.encodedLength))
            }
            if let timeout = set.timeoutSeconds {
                setFlags |= 0x10 | 0x20
                unsafe nftnl_set_set_u64(object, UInt16(NFTNL_SET_TIMEOUT.rawValue), UInt64(timeout) * 1000)
            }
            number(NFTNL_SET_FLAGS, setFlags)
            if set.key == [.mark] {
                // For listings: nft(8) takes keys for big-endian unless told otherwise (type 0, four bytes, host order).
                let data: [UInt8] = [0, 4] + hostBytes(1)
                unsafe data.withUnsafeBytes {
                    _ = unsafe nftnl_set_set_data(
                        object, UInt16(NFTNL_SET_USERDATA.rawValue), $0.baseAddress, UInt32($0.count))
                }
            }
        }
        return unsafe message(type, flags) { unsafe nftnl_set_nlmsg_build_payload($0, object) }
    }

    private borrowing func elementMessages(
        _ type: UInt16, _ flags: NetlinkFlags, _ set: SetDefinition, _ elements: [Element]
    ) -> [NetlinkMessage] {
        var messages: [NetlinkMessage] = []
        for start in stride(from: 0, to: elements.count, by: Self.elementsPerMessage) {
            let part = elements[start..<min(start + Self.elementsPerMessage, elements.count)]
            messages.append(elementMessage(type, flags, set: set.name, part))
        }
        return messages
    }

    private borrowing func elementMessage(
        _ type: UInt16, _ flags: NetlinkFlags, set: String, _ elements: ArraySlice<Element>
    ) -> NetlinkMessage {
        let object = unsafe nftnl_set_alloc()!
        defer { unsafe nftnl_set_free(object) }
        unsafe nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table.name)
        unsafe nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), set)
        for element in elements {
            let item = unsafe nftnl_set_elem_alloc()!
            func bytes(_ attribute: Int, _ value: [UInt8]) {
                unsafe value.withUnsafeBytes {
                    _ = unsafe nftnl_set_elem_set(item, UInt16(attribute), $0.baseAddress, UInt32($0.count))
                }
            }
            bytes(Int(NFTNL_SET_ELEM_KEY), element.key.encoded)
            switch element.data {
            case nil: break
            case .values(let values): bytes(Int(NFTNL_SET_ELEM_DATA), values.encoded)
            case .verdict(let verdict):
                unsafe nftnl_set_elem_set_u32(
                    item, UInt16(NFTNL_SET_ELEM_VERDICT), UInt32(bitPattern: verdict.code))
                if let chain = verdict.chain {
                    unsafe nftnl_set_elem_set_str(item, UInt16(NFTNL_SET_ELEM_CHAIN), chain)
                }
            }
            unsafe nftnl_set_elem_add(object, item)
        }
        return unsafe message(type, flags) { unsafe nftnl_set_elems_nlmsg_build_payload($0, object) }
    }
}
