// SPDX-License-Identifier: Apache-2.0

public import Netlink
internal import Synchronization

/// The first packet of a connection, as rules see it.
public struct Packet: Sendable, Hashable {
    public var source: IPAddress
    public var destination: IPAddress
    public var protocolNumber: UInt8
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    public var mark: UInt32 = 0
    public var inputInterface: String
    public var outputInterface = ""

    public init(
        from source: IPAddress, to destination: IPAddress, protocolNumber: UInt8 = 6, port: UInt16,
        sourcePort: UInt16 = 40000, inputInterface: String = "eth0"
    ) {
        self.source = source
        self.destination = destination
        self.protocolNumber = protocolNumber
        self.sourcePort = sourcePort
        destinationPort = port
        self.inputInterface = inputInterface
    }
}

/// What became of a packet.
public struct Trace: Sendable, Hashable {
    public enum Outcome: Sendable, Hashable {
        /// It goes to `packet.destination`, as rewritten.
        case delivered
        case dropped
        case rejected(Rejection)
    }

    public var outcome: Outcome = .delivered
    /// The packet as it leaves.
    public var packet: Packet
    /// Its source was replaced by the node's.
    public var isMasqueraded = false
    /// Its destination was replaced.
    public var isRewritten = false
    /// The rules that matched, as `chain: rule`.
    public var path: [String] = []
}

/// Sends packets through a model, hook by hook, as the kernel would.
public struct PacketTracer {
    let model: RulesetModel
    /// The node's own addresses.
    public var localAddresses: Set<IPAddress>
    /// Gives a number below its argument for each `numgen random`.
    public var random: (UInt32) -> UInt32

    public init(
        _ model: RulesetModel, localAddresses: Set<IPAddress>, random: @escaping (UInt32) -> UInt32 = { _ in 0 }
    ) {
        self.model = model
        self.localAddresses = localAddresses
        self.random = random
    }

    /// Traces a packet that arrives on an interface, or with `local` one that a process of the node sends.
    public func trace(_ packet: Packet, local: Bool = false) -> Trace {
        var trace = Trace(packet: packet)
        if local { trace.packet.inputInterface = "" }
        run(local ? .output : .prerouting, &trace)
        guard trace.outcome == .delivered else { return trace }
        if isLocal(trace.packet.destination) {
            // A packet a process sends to its own node leaves by the loopback and comes in again.
            if local { run(.postrouting, &trace) }
            if trace.outcome == .delivered { run(.input, &trace) }
        } else {
            if !local { run(.forward, &trace) }
            if trace.outcome == .delivered { run(.postrouting, &trace) }
        }
        return trace
    }

    func isLocal(_ address: IPAddress) -> Bool { address.isLoopback || localAddresses.contains(address) }

    private enum Result {
        case goOn
        case accept
        case done
    }

    private func run(_ hook: Hook, _ trace: inout Trace) {
        let family = TableFamily(trace.packet.destination.family)
        let tables = model.state.withLock { $0.tables }
        let bases = tables.filter { $0.key.family == family }.flatMap { table in
            table.value.chains.values.compactMap { chain in chain.chain.base.map { ($0, table.key, chain.chain.name) } }
        }
        .filter { $0.0.hook == hook }
        .sorted { ($0.0.priority, $0.1.name, $0.2) < ($1.0.priority, $1.1.name, $1.2) }
        for (base, table, name) in bases {
            // The first rewriting of a connection is final: later chains of that kind are not asked.
            if base.kind == .nat, hook == .postrouting ? trace.isMasqueraded : trace.isRewritten { continue }
            if evaluate(name, table, &trace, depth: 0) == .done { return }
        }
    }

    /// Runs a chain; `goOn` means that it came to its end or returned.
    private func evaluate(_ name: String, _ table: Table, _ trace: inout Trace, depth: Int) -> Result {
        precondition(depth < 16, "chains nested deeper than the kernel allows")
        let model = model.state.withLock { $0.tables[table]! }
        for rule in model.chains[name]?.rules ?? [] {
            switch evaluate(rule, name, table, model, &trace, depth: depth) {
            case nil: continue
            case .returned?: return .goOn
            case .result(let result)?: return result
            }
        }
        return .goOn
    }

    private enum Step {
        case returned
        case result(Result)
    }

    private func evaluate(
        _ rule: Rule, _ chain: String, _ table: Table, _ model: TableModel, _ trace: inout Trace, depth: Int
    ) -> Step? {
        func follow(_ verdict: Verdict, _ trace: inout Trace) -> Step? {
            switch verdict {
            case .accept: return .result(.accept)
            case .drop:
                trace.outcome = .dropped
                return .result(.done)
            case .goOn: return nil
            case .returnToCaller: return .returned
            case .jump(let target):
                let result = evaluate(target, table, &trace, depth: depth + 1)
                if case .goOn = result { return nil }
                return .result(result)
            case .goto(let target): return .result(evaluate(target, table, &trace, depth: depth + 1))
            }
        }
        func note() { trace.path.append("\(chain): \(rule.text)") }
        for statement in rule.statements {
            switch statement {
            case .match(let selector, let negated, let value):
                guard (read(selector, trace.packet) == value.bytes) != negated else { return nil }
            case .matchPrefix(let selector, let negated, let prefix):
                let address = IPAddress(bytes: read(selector, trace.packet))!
                guard prefix.contains(address) != negated else { return nil }
            case .matchInputInterfacePrefix(let negated, let prefix):
                guard trace.packet.inputInterface.hasPrefix(prefix) != negated else { return nil }
            case .matchBits(let selector, let negated, let bits):
                let value: UInt32 = read(selector, trace.packet)[...].integer(at: 0)
                guard (value & bits != 0) != negated else { return nil }
            case .matchType(let selector, let negated, let type):
                guard (read(selector, trace.packet) == hostBytes(type.rawValue)) != negated else { return nil }
            // What is traced are packets of connections, of no particular frame.
            case .matchICMPType, .matchHardwarePrefix: return nil
            case .matchSet(let selectors, let negated, let name):
                let key = key(selectors, model.sets[name]!, trace.packet)
                guard (model.sets[name]!.elements[key] != nil) != negated else { return nil }
            case .verdict(let verdict):
                note()
                return follow(verdict, &trace)
            case .verdictMap(let selectors, let name):
                let key = key(selectors, model.sets[name]!, trace.packet)
                guard case .verdict(let verdict)? = model.sets[name]!.elements[key]?.data else { return nil }
                note()
                return follow(verdict, &trace)
            case .setMarkBits(let bits): trace.packet.mark |= bits
            case .clearMarkBits(let bits): trace.packet.mark &= ~bits
            case .destinationNAT(_, let target):
                switch target {
                case .endpoint(let address, let port):
                    trace.packet.destination = address
                    trace.packet.destinationPort = port
                case .address(let address): trace.packet.destination = address
                case .map(let selectors, let name):
                    let key = key(selectors, model.sets[name]!, trace.packet)
                    guard case .values(let values)? = model.sets[name]!.elements[key]?.data,
                        case .address(let address) = values[0], case .port(let port) = values[1]
                    else { return nil }
                    trace.packet.destination = address
                    trace.packet.destinationPort = port
                }
                trace.isRewritten = true
                note()
                return .result(.accept)
            case .masquerade:
                trace.isMasqueraded = true
                note()
                return .result(.accept)
            case .reject(let rejection):
                trace.outcome = .rejected(rejection)
                note()
                return .result(.done)
            case .counter: break
            case .updateSet(let selectors, let name, _):
                let key = key(selectors, model.sets[name]!, trace.packet)
                self.model.state.withLock { $0.tables[table]!.sets[name]!.elements[key] = Element(key) }
            }
        }
        return nil
    }

    private func key(_ selectors: [Selector], _ set: TableModel.SetModel, _ packet: Packet) -> [FieldValue] {
        zip(selectors, set.definition.key).map { selector, type in
            FieldValue(read(selector, packet)[...], type)!
        }
    }

    private func read(_ selector: Selector, _ packet: Packet) -> [UInt8] {
        func type(_ address: IPAddress) -> [UInt8] {
            hostBytes((isLocal(address) ? AddressType.local : .unicast).rawValue)
        }
        switch selector {
        case .sourceAddress: return packet.source.bytes
        case .destinationAddress: return packet.destination.bytes
        case .protocolNumber: return [packet.protocolNumber]
        case .sourcePort: return FieldValue.port(packet.sourcePort).bytes
        case .destinationPort: return FieldValue.port(packet.destinationPort).bytes
        case .mark: return hostBytes(packet.mark)
        case .inputInterface: return FieldValue.interfaceName(packet.inputInterface).bytes
        case .outputInterface: return FieldValue.interfaceName(packet.outputInterface).bytes
        case .connectionState: return hostBytes(ConnectionState.new)
        case .connectionStatus: return hostBytes(0)
        case .destinationType: return type(packet.destination)
        case .sourceType: return type(packet.source)
        case .random(let modulus, let offset): return hostBytes(offset + random(modulus))
        case .icmpType, .nextHeader, .inputInterfaceGroup, .sourceHardware, .destinationHardware, .etherType,
            .arpSourceHardware, .arpSourceAddress, .neighbourTarget:
            return [UInt8](repeating: 0, count: selector.length)
        }
    }
}
