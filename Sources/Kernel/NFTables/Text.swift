// SPDX-License-Identifier: Apache-2.0

internal import Netlink

// The words of nft(8), for errors, logs and tests. What is printed here, nft accepts.

extension Selector {
    /// `ip saddr`, `meta l4proto`, `th dport`…
    public var text: String {
        switch self {
        case .sourceAddress(let family): family == .v4 ? "ip saddr" : "ip6 saddr"
        case .destinationAddress(let family): family == .v4 ? "ip daddr" : "ip6 daddr"
        case .protocolNumber: "meta l4proto"
        case .sourcePort: "th sport"
        case .destinationPort: "th dport"
        case .mark: "meta mark"
        case .inputInterface: "iifname"
        case .outputInterface: "oifname"
        case .connectionState: "ct state"
        case .connectionStatus: "ct status"
        case .destinationType: "fib daddr type"
        case .sourceType: "fib saddr type"
        case .random(let modulus, let offset):
            "numgen random mod \(modulus)" + (offset == 0 ? "" : " offset \(offset)")
        case .icmpType: "icmp type"
        case .inputInterfaceGroup: "iifgroup"
        case .sourceHardware: "ether saddr"
        case .destinationHardware: "ether daddr"
        case .etherType: "ether type"
        case .arpSourceHardware: "arp saddr ether"
        case .arpSourceAddress: "arp saddr ip"
        case .nextHeader: "ip6 nexthdr"
        case .neighbourTarget: "icmpv6 taddr"
        }
    }
}

extension [Selector] {
    var text: String { map(\.text).joined(separator: " . ") }
}

extension Verdict {
    public var text: String {
        switch self {
        case .accept: "accept"
        case .drop: "drop"
        case .goOn: "continue"
        case .returnToCaller: "return"
        case .jump(let name): "jump \(name)"
        case .goto(let name): "goto \(name)"
        }
    }
}

extension Statement {
    public var text: String {
        func sign(_ negated: Bool) -> String { negated ? "!= " : "" }
        switch self {
        case .match(let selector, let negated, let value): return "\(selector.text) \(sign(negated))\(value.text)"
        case .matchPrefix(let selector, let negated, let prefix):
            return "\(selector.text) \(sign(negated))\(prefix.canonical)"
        case .matchInputInterfacePrefix(let negated, let prefix): return "iifname \(sign(negated))\"\(prefix)*\""
        case .matchHardwarePrefix(let selector, let bytes):
            let mask = hardwareText([UInt8](repeating: 0xff, count: bytes.count))
            return "\(selector.text) & \(mask) == \(hardwareText(bytes))"
        case .matchBits(let selector, let negated, let bits):
            return "\(selector.text) & \(hexadecimal(bits)) \(negated ? "==" : "!=") 0"
        case .matchType(let selector, let negated, let type): return "\(selector.text) \(sign(negated))\(type)"
        case .matchICMPType(let family, let type): return "\(family == .v4 ? "icmp" : "icmpv6") type \(type)"
        case .matchSet(let selectors, let negated, let name): return "\(selectors.text) \(sign(negated))@\(name)"
        case .verdict(let verdict): return verdict.text
        case .verdictMap(let selectors, let name): return "\(selectors.text) vmap @\(name)"
        case .setMarkBits(let bits): return "meta mark set meta mark | \(hexadecimal(bits))"
        case .clearMarkBits(let bits): return "meta mark set meta mark & \(hexadecimal(~bits))"
        case .destinationNAT(let family, let target):
            let name = family == .v4 ? "ip" : "ip6"
            switch target {
            case .endpoint(let address, let port):
                return "dnat to \(family == .v4 ? "\(address):\(port)" : "[\(address)]:\(port)")"
            case .address(let address): return "dnat to \(address)"
            case .map(let selectors, let map): return "dnat \(name) to \(selectors.text) map @\(map)"
            }
        case .masquerade(let fullyRandom): return fullyRandom ? "masquerade fully-random" : "masquerade"
        case .reject(.tcpReset): return "reject with tcp reset"
        case .reject(.portUnreachable): return "reject"
        case .counter: return "counter"
        case .updateSet(let selectors, let name, let timeout):
            return "update @\(name) { \(selectors.text) timeout \(timeout)s }"
        }
    }
}

extension Rule {
    public var text: String {
        (statements.map(\.text) + (comment.map { ["comment \"\($0)\""] } ?? [])).joined(separator: " ")
    }
}

extension SetDefinition {
    public var text: String {
        var parts: [String] = []
        switch data {
        case .none: parts.append("type \(key.text)")
        case .verdict: parts.append("type \(key.text) : verdict")
        case .fields(let fields): parts.append("type \(key.text) : \(fields.text)")
        }
        if let timeoutSeconds {
            parts.append("flags dynamic,timeout")
            parts.append("timeout \(timeoutSeconds)s")
        }
        return "{ " + parts.map { $0 + " ;" }.joined(separator: " ") + " }"
    }

    var word: String { data == .none ? "set" : "map" }
}

extension Element {
    public var text: String {
        switch data {
        case nil: key.text
        case .verdict(let verdict): "\(key.text) : \(verdict.text)"
        case .values(let values): "\(key.text) : \(values.text)"
        }
    }
}

extension Operation {
    /// The command nft(8) would take for it.
    public func text(in table: Table) -> String {
        func elements(_ list: [Element]) -> String {
            // An error names the first few; a file of commands has to have all, and asks for them itself.
            "{ " + list.map(\.text).joined(separator: ", ") + " }"
        }
        switch self {
        case .addTable: return "add table \(table)"
        case .deleteTable: return "delete table \(table)"
        case .addChain(let chain):
            guard let base = chain.base else { return "add chain \(table) \(chain.name)" }
            return "add chain \(table) \(chain.name) "
                + "{ type \(base.kind.rawValue) hook \(base.hook.name) priority \(base.priority) ; }"
        case .deleteChain(let name): return "delete chain \(table) \(name)"
        case .flushChain(let name): return "flush chain \(table) \(name)"
        case .addRule(let chain, let rule): return "add rule \(table) \(chain) \(rule.text)"
        case .addSet(let set): return "add \(set.word) \(table) \(set.name) \(set.text)"
        case .deleteSet(let name): return "delete set \(table) \(name)"
        case .flushSet(let name): return "flush set \(table) \(name)"
        case .addElements(let set, let list): return "add element \(table) \(set.name) \(elements(list))"
        case .deleteElements(let set, let list):
            return "delete element \(table) \(set.name) \(elements(list.map { Element($0.key) }))"
        }
    }
}

extension Transaction {
    /// A file of commands for `nft -f`.
    public var text: String { operations.map { $0.text(in: table) + "\n" }.joined() }
}
