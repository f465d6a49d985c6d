// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization
import Telemetry

/// Gives every node its share of the cluster's pod addresses, one block a family. Of Nodes that joined from one address
/// no more than a few get one by themselves (`BlockLedger`).
final class NodeIPAMController: Controller {
    typealias Share = BlockLedger.Share

    let name = "node-ipam"
    private let context: ControllerContext
    private let shares: [Share]
    private let nodes: Informer<DynamicObject>
    private let queue = WorkQueue<String>()
    private let recorder: EventRecorder
    private let state: Mutex<State>
    /// After how long a Node that got nothing is looked at again: something may be free by then.
    private static let patience = Duration.seconds(5)

    private struct State {
        var ledger: BlockLedger
        /// Blocks given to nodes whose write is under way or not yet in the cache; they are in the ledger too.
        var promised: [String: [String]] = [:]
        /// Which blocks of a node were looked at for conflicts.
        var checked: [String: [String]] = [:]
        /// Why a Node has none, as it was told.
        var told: [String: String] = [:]

        mutating func forget(_ node: String) {
            ledger.set(node, [], place: nil)
            promised[node] = nil
            checked[node] = nil
            told[node] = nil
        }
    }

    init(_ context: ControllerContext, shares: [Share], nodesPerAddress: Int? = nil) {
        self.context = context
        self.shares = shares
        state = Mutex(State(ledger: BlockLedger(shares: shares, limit: nodesPerAddress)))
        nodes = context.informer(Kinds.nodes)
        recorder = context.recorder("cidrAllocator")
        nodes.addHandler { [weak self] in self?.nodeChanged($0) }
    }

    private func nodeChanged(_ change: InformerChange<DynamicObject>) {
        let node = change.object.json
        let name = node.objectName
        if case .deleted = change { return state.withLock { $0.forget(name) } }
        let blocks = NodeIPAMController.blocks(of: node)
        state.withLock { state in
            if !blocks.isEmpty {
                state.promised[name] = nil
                state.told[name] = nil
            } else if state.promised[name] != nil {
                return
            }
            state.ledger.set(name, blocks, place: NodeIPAMController.place(of: node, state.ledger))
        }
        if blocks.isEmpty { queue.add(name) }
        tellConflicts(of: node)
    }

    func run() async {
        await work(on: queue, workers: 1, after: [nodes], recorder: recorder, in: context) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ name: String) async throws {
        guard let node = nodes.get(name)?.json else { return state.withLock { $0.forget(name) } }
        let found = state.withLock { state -> BlockLedger.Choice? in
            // Looked at here: what it has been given is promised until it is seen.
            guard let node = nodes.get(name)?.json, NodeIPAMController.blocks(of: node).isEmpty else { return nil }
            if let blocks = state.promised[name] { return .blocks(blocks) }
            let place = NodeIPAMController.place(of: node, state.ledger)
            let choice = state.ledger.choice(for: place)
            if case .blocks(let blocks) = choice {
                state.promised[name] = blocks
                state.ledger.set(name, blocks, place: place)
            }
            return choice
        }
        guard let choice = found else { return }
        let reason: String
        switch choice {
        case .blocks(let blocks): return try await give(name, blocks)
        case .none(let range):
            reason = "no block of pod addresses is left in \(range): delete Nodes that are gone"
        case .enough(let place, let limit):
            reason =
                "\(limit) Nodes that joined from \(place) have blocks of pod addresses, which is as many as get one by "
                + "themselves: delete those that are gone, or let this one have one: "
                + "kubectl annotate node \(name) \(NodeOrigin.annotation)-"
        }
        if state.withLock({ $0.told.updateValue(reason, forKey: name) }) != reason {
            recorder.event(
                EventTarget(node, Kinds.nodes), .warning, reason: "CIDRNotAvailable",
                "Node \(name) status is now: CIDRNotAvailable: \(reason)")
            context.logger.warning("a node gets no pod addresses", ["node": name, "why": reason])
        }
        queue.add(name, after: Self.patience)
    }

    /// Writes down what a node was given. It stays the node's when that fails: it is tried again, and may have been
    /// done.
    private func give(_ name: String, _ blocks: [String]) async throws {
        do {
            _ = try await context.client.patch(
                Kinds.nodes, name: name,
                body: ["spec": ["podCIDR": .string(blocks[0]), "podCIDRs": .array(blocks.map { .string($0) })]])
        } catch  where error.isNotFound {
            state.withLock { $0.forget(name) }
        }
    }

    // MARK: Decisions

    static func blocks(of node: JSONObject) -> [String] {
        let blocks = node.array("spec", "podCIDRs").compactMap(\.string)
        let single = node.string("spec", "podCIDR")
        return blocks.isEmpty && !single.isEmpty ? [single] : blocks
    }

    /// Where a Node is counted; nil when it is for itself.
    private static func place(of node: JSONObject, _ ledger: BlockLedger) -> String? {
        let text = node.string("metadata", "annotations", NodeOrigin.annotation)
        return text.isEmpty ? nil : ledger.place(of: text)
    }

    /// What is wrong with the blocks of a node, beside those of the others by their names; nil when nothing is. Blocks of
    /// others that are wrong themselves are their nodes' affair.
    static func conflict(of blocks: [String], shares: [Share], others: [String: [String]]) -> String? {
        func given(_ text: String) -> AddressRange? {
            guard let block = AddressRange(text),
                shares.contains(where: { $0.range.contains(block) && $0.blockPrefix == block.prefix })
            else { return nil }
            return block
        }
        for text in blocks {
            guard let block = given(text) else { return "\(text) is not a block that the cluster gives to nodes" }
            for (other, theirs) in others.sorted(by: { $0.key < $1.key })
            where theirs.contains(where: { given($0) == block }) {
                return "\(text) is that of node \(other) too"
            }
        }
        return nil
    }

    /// Blocks do not change once a node has them: what is wrong with them is an administrator's to mend, who has to know.
    private func tellConflicts(of node: JSONObject) {
        let blocks = NodeIPAMController.blocks(of: node)
        let isNew = state.withLock { $0.checked.updateValue(blocks, forKey: node.objectName) != blocks }
        guard isNew, !blocks.isEmpty else { return }
        var others: [String: [String]] = [:]
        for other in nodes.list() where other.json.objectName != node.objectName {
            others[other.json.objectName] = NodeIPAMController.blocks(of: other.json)
        }
        guard let conflict = NodeIPAMController.conflict(of: blocks, shares: shares, others: others) else { return }
        context.logger.warning("a node has pod addresses it was not given", ["node": node.objectName, "why": conflict])
        recorder.event(EventTarget(node, Kinds.nodes), .warning, reason: "CIDRAssignmentConflict", conflict)
    }
}
