// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization
import Telemetry

/// Gives every node its share of the cluster's pod addresses, one block a family.
final class NodeIPAMController: Controller {
    /// A cluster range and the size of a node's block in it.
    struct Share: Sendable {
        var range: AddressRange
        var blockPrefix: Int
    }

    let name = "node-ipam"
    private let context: ControllerContext
    private let shares: [Share]
    private let nodes: Informer<DynamicObject>
    private let queue = WorkQueue<String>()
    private let recorder: EventRecorder
    /// Blocks promised to nodes whose write is under way or not yet in the cache.
    private let promised = Mutex<[String: [String]]>([:])
    /// Which blocks of a node were looked at for conflicts.
    private let checked = Mutex<[String: [String]]>([:])

    init(_ context: ControllerContext, shares: [Share]) {
        self.context = context
        self.shares = shares
        nodes = context.informer(Kinds.nodes)
        recorder = context.recorder("cidrAllocator")
        nodes.addHandler { [weak self] in self?.nodeChanged($0) }
    }

    private func nodeChanged(_ change: InformerChange<DynamicObject>) {
        let node = change.object.json
        if case .deleted = change {
            promised.withLock { _ = $0.removeValue(forKey: node.objectName) }
            checked.withLock { _ = $0.removeValue(forKey: node.objectName) }
            return
        }
        if NodeIPAMController.blocks(of: node).isEmpty { queue.add(node.objectName) }
        tellConflicts(of: node)
    }

    func run() async {
        // One worker: two must not be promised the same block.
        await work(on: queue, workers: 1, after: [nodes], recorder: recorder, logger: context.logger) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ name: String) async throws {
        guard let node = nodes.get(name)?.json, NodeIPAMController.blocks(of: node).isEmpty else { return }
        var taken: Set<String> = []
        for other in nodes.list() where other.json.objectName != name {
            taken.formUnion(NodeIPAMController.blocks(of: other.json))
        }
        promised.withLock { promised in
            for (other, blocks) in promised where other != name { taken.formUnion(blocks) }
        }
        var blocks: [String] = []
        for share in shares {
            guard let block = NodeIPAMController.firstFree(share, taken: taken) else {
                recorder.event(
                    EventTarget(node, Kinds.nodes), .normal, reason: "CIDRNotAvailable",
                    "Node \(name) status is now: CIDRNotAvailable")
                throw NoFreeBlock(range: "\(share.range)", node: name)
            }
            blocks.append(block)
        }
        promised.withLock { $0[name] = blocks }
        do {
            _ = try await context.client.patch(
                Kinds.nodes, name: name,
                body: ["spec": ["podCIDR": .string(blocks[0]), "podCIDRs": .array(blocks.map { .string($0) })]])
        } catch {
            promised.withLock { _ = $0.removeValue(forKey: name) }
            if error.isNotFound { return }
            throw error
        }
    }

    struct NoFreeBlock: Error, CustomStringConvertible {
        var range: String
        var node: String
        var description: String { "give node \(node) pod addresses: no free block is left in \(range)" }
    }

    // MARK: Decisions

    static func blocks(of node: JSONObject) -> [String] {
        let blocks = node.array("spec", "podCIDRs").compactMap(\.string)
        let single = node.string("spec", "podCIDR")
        return blocks.isEmpty && !single.isEmpty ? [single] : blocks
    }

    /// The first block that no block in `taken` has any address of. One that swallows the whole range, which nobody was
    /// given from here, takes nothing: no routes lead there, and it would leave other nodes without addresses.
    static func firstFree(_ share: Share, taken: Set<String>) -> String? {
        var used: Set<Int> = []
        for text in taken {
            guard let block = AddressRange(text) else { continue }
            used.formUnion(share.range.indices(of: share.blockPrefix, in: block))
        }
        for index in 0..<share.range.count(of: share.blockPrefix) where !used.contains(index) {
            return share.range.block(index, prefix: share.blockPrefix).description
        }
        return nil
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
        let isNew = checked.withLock { $0.updateValue(blocks, forKey: node.objectName) != blocks }
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
