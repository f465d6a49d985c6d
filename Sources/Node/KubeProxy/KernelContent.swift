// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

extension KernelContent {
    /// Reads the table back. Nil when it is not there or of another make: then it has to be replaced as a whole.
    static func read(_ table: ProxyTable, from ruleset: some Ruleset) throws(NFTablesError) -> KernelContent? {
        let hash = table.skeletonHash
        guard let chains = try ruleset.chains(of: table.table),
            table.skeleton.allSatisfy({ chains[$0.chain.name] == .some(hash) }),
            ProxyTable.changingChains.allSatisfy({ chains[$0] != nil })
        else { return nil }
        var content = KernelContent()
        // A chain without a comment is none of ours, or one whose rules were taken away: it counts as different.
        content.chains = chains.mapValues { $0 ?? "" }
        content.sets = try ruleset.sets(of: table.table)
        guard content.sets.isSuperset(of: table.sets.map(\.name)) else { return nil }
        for set in table.sets + content.sets.compactMap({ table.members(named: $0) }) {
            var elements: [[FieldValue]: ElementData?] = [:]
            for element in try ruleset.elements(of: set, in: table.table) {
                elements.updateValue(element.data, forKey: element.key)
            }
            content.elements[set] = elements
        }
        return content
    }
}
