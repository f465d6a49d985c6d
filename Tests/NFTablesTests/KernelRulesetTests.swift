// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import NetworkTesting
import Testing

/// A table that uses every statement and every kind of set.
private func everything(_ family: IPFamily, enterable: Bool = false) -> Transaction {
    let table = Table(family, "swiftlet-test")
    let frontend: [FieldType] = [.address(family), .protocolNumber, .port]
    let services = SetDefinition("service-ips", key: frontend, data: .verdict)
    let endpoints = SetDefinition("endpoints", key: [.mark], data: .fields([.address(family), .port]))
    let local = SetDefinition("local", key: [.address(family)])
    let affinity = SetDefinition("affinity", key: [.address(family)], timeoutSeconds: 10800)
    let address = family == .v4 ? IPAddress(10, 43, 0, 1) : IPAddress("fd43::1")!
    let pods = family == .v4 ? IPPrefix("10.42.0.0/16")! : IPPrefix("fd42::/48")!
    let target = pods.address.advanced(by: 5)
    var transaction = Transaction(table)
    transaction.recreateTable()
    for set in [services, endpoints, local, affinity] { transaction.add(.addSet(set)) }
    transaction.add(.addChain(Chain("nat", base: BaseChain(.nat, .prerouting, priority: HookPriority.destinationNAT))))
    transaction.add(.addChain(Chain("post", base: BaseChain(.nat, .postrouting, priority: HookPriority.sourceNAT))))
    transaction.add(.addChain(Chain("filter", base: BaseChain(.filter, .prerouting, priority: -110))))
    transaction.add(.addChain(Chain("service/a.b-c")))
    transaction.add(
        .addRule(
            chain: "nat",
            Rule(.verdictMap([.destinationAddress(family), .protocolNumber, .destinationPort], "service-ips"))))
    transaction.add(
        .addRule(
            chain: "nat",
            Rule(
                .matchType(.destinationType, .local), .matchInputInterfacePrefix("eth"),
                .match(.inputInterface, negated: true, .interfaceName("br0")),
                .match(.protocolNumber, .protocolNumber(6)), .match(.destinationPort, .port(30080)),
                .updateSet([.sourceAddress(family)], "affinity", timeoutSeconds: 60),
                .destinationNAT(family, .endpoint(target, 80)))))
    transaction.add(
        .addRule(
            chain: "service/a.b-c",
            Rule(
                .matchPrefix(.sourceAddress(family), negated: true, pods), .setMarkBits(0x4000), comment: "hash=abc")))
    // nft(8) prints a random key of a mark map, but refuses to read it: the types differ in name only.
    if !enterable {
        transaction.add(
            .addRule(
                chain: "service/a.b-c",
                Rule(.destinationNAT(family, .map([.random(modulus: 2, offset: 10)], "endpoints")))))
    }
    transaction.add(
        .addRule(
            chain: "post",
            Rule(.matchBits(.mark, 0x4000), .clearMarkBits(0x4000), .masquerade(fullyRandom: true))))
    transaction.add(
        .addRule(
            chain: "filter",
            Rule(
                .matchBits(.connectionState, ConnectionState.new), .matchSet([.destinationAddress(family)], "local"),
                .counter, .match(.protocolNumber, .protocolNumber(6)), .reject(.tcpReset))))
    transaction.add(
        .addRule(
            chain: "filter",
            Rule(
                .matchSet([.sourceAddress(family)], negated: true, "local"), .matchICMPType(family, 5),
                .reject(.portUnreachable))))
    transaction.add(
        .addElements(
            services, [Element([.address(address), .protocolNumber(6), .port(443)], .verdict(.goto("service/a.b-c")))]))
    transaction.add(
        .addElements(
            endpoints,
            [
                Element([.mark(10)], .values([.address(target), .port(80)])),
                Element([.mark(11)], .values([.address(target), .port(81)])),
            ]))
    transaction.add(.addElements(local, [Element([.address(address)])]))
    return transaction
}

@Suite(.enabled(if: getuid() == 0, "needs root"))
struct KernelRulesetTests {
    @Test(arguments: IPFamily.allCases)
    func `the kernel takes every statement and gives the elements back`(_ family: IPFamily) throws {
        let namespace = try NetworkNamespace.create()
        let kernel = try KernelRuleset(in: namespace)
        let model = RulesetModel()
        let transaction = everything(family)
        try kernel.commit(transaction)
        try model.commit(transaction)
        let table = transaction.table
        #expect(try kernel.chains(of: table) == model.chains(of: table))
        #expect(try kernel.chains(of: table)?["service/a.b-c"] == "hash=abc")
        #expect(try kernel.sets(of: table) == model.sets(of: table))
        for case .addSet(let set) in transaction.operations {
            #expect(try Set(kernel.elements(of: set, in: table)) == Set(model.elements(of: set, in: table)))
        }
    }

    /// The same table entered by `nft` from our text must read the same to nft as the one entered by us.
    @Test(arguments: IPFamily.allCases)
    func `nft lists what we programmed as it lists our text programmed by nft`(_ family: IPFamily) throws {
        let transaction = everything(family, enterable: true)
        let ours = try NetworkNamespace.create()
        let theirs = try NetworkNamespace.create()
        try KernelRuleset(in: ours).commit(transaction)
        let accepted = try run("/usr/sbin/nft", ["-f", "-"], input: transaction.text, in: theirs)
        #expect(accepted.status == 0, "\(accepted.output)")
        let listed = try run("/usr/sbin/nft", ["list", "ruleset"], input: "", in: ours)
        let expected = try run("/usr/sbin/nft", ["list", "ruleset"], input: "", in: theirs)
        #expect(listed.status == 0)
        #expect(listed.output == expected.output)
        #expect(listed.output.contains("service-ips"))
    }

    @Test func `a batch is taken whole or not at all, and the refusal names the change`() throws {
        let namespace = try NetworkNamespace.create()
        let kernel = try KernelRuleset(in: namespace)
        let table = Table(.v4, "t")
        var transaction = Transaction(table)
        transaction.add(.addTable)
        transaction.add(.addChain(Chain("a")))
        transaction.add(.addRule(chain: "b", Rule(.counter)))
        transaction.add(.addRule(chain: "a", Rule(.counter)))
        let error = #expect(throws: NFTablesError.self) { try kernel.commit(transaction) }
        #expect(error?.operation == transaction.operations[2])
        #expect(
            error?.description
                == "change nftables table ip t: add rule ip t b counter: no such file or directory")
        #expect(try kernel.chains(of: table) == nil)
    }

    @Test func `an element changes its data in one batch, and a wrong change is refused`() throws {
        let namespace = try NetworkNamespace.create()
        let kernel = try KernelRuleset(in: namespace)
        let set = SetDefinition("m", key: [.mark], data: .fields([.address(.v4), .port]))
        let table = Table(.v4, "t")
        var transaction = Transaction(table)
        transaction.recreateTable()
        transaction.add(.addSet(set))
        let old = (0..<1000).map { Element([.mark($0)], .values([.address(IPAddress(10, 0, 0, 1)), .port(1)])) }
        transaction.add(.addElements(set, old))
        try kernel.commit(transaction)
        #expect(try Set(kernel.elements(of: set, in: table)) == Set(old))
        let new = old.map { Element($0.key, .values([.address(IPAddress(10, 0, 0, 2)), .port(2)])) }
        var wrong = Transaction(table)
        wrong.add(.addElements(set, new))
        #expect(throws: NFTablesError.self) { try kernel.commit(wrong) }
        var right = Transaction(table)
        right.add(.deleteElements(set, old))
        right.add(.addElements(set, new))
        try kernel.commit(right)
        #expect(try Set(kernel.elements(of: set, in: table)) == Set(new))
    }
}
