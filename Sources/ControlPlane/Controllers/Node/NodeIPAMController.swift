// SPDX-License-Identifier: Apache-2.0

import JSON
import KubeAPI
import KubeClient
import Synchronization

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
            return
        }
        if node.array("spec", "podCIDRs").isEmpty { queue.add(node.objectName) }
    }

    func run() async {
        // One worker: two must not be promised the same block.
        await work(on: queue, workers: 1, after: [nodes], recorder: recorder, logger: context.logger) {
            [self] in try await sync($0)
        }
    }

    private func sync(_ name: String) async throws {
        guard let node = nodes.get(name)?.json, node.array("spec", "podCIDRs").isEmpty else { return }
        var taken: Set<String> = []
        for other in nodes.list() where other.json.objectName != name {
            taken.formUnion(other.json.array("spec", "podCIDRs").compactMap(\.string))
            let single = other.json.string("spec", "podCIDR")
            if !single.isEmpty { taken.insert(single) }
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

    static func firstFree(_ share: Share, taken: Set<String>) -> String? {
        var used: Set<Int> = []
        for text in taken {
            if let block = AddressRange(text), let index = share.range.index(of: block) { used.insert(index) }
        }
        for index in 0..<share.range.count(of: share.blockPrefix) where !used.contains(index) {
            return share.range.block(index, prefix: share.blockPrefix).description
        }
        return nil
    }
}
