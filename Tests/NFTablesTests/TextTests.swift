// SPDX-License-Identifier: Apache-2.0

import NFTables
import Netlink
import Testing

struct TextTests {
    @Test(arguments: [
        (Statement.match(.protocolNumber, .protocolNumber(6)), "meta l4proto tcp"),
        (.matchPrefix(.sourceAddress(.v4), negated: true, IPPrefix("10.42.0.0/16")!), "ip saddr != 10.42.0.0/16"),
        (.matchBits(.mark, 0x4000), "meta mark & 0x00004000 != 0"),
        (.matchBits(.mark, negated: true, 0x4000), "meta mark & 0x00004000 == 0"),
        (.matchInputInterfacePrefix(negated: true, "veth"), "iifname != \"veth*\""),
        (.setMarkBits(0x4000), "meta mark set meta mark | 0x00004000"),
        (.clearMarkBits(0x4000), "meta mark set meta mark & 0xffffbfff"),
        (.matchType(.destinationType, .local), "fib daddr type local"),
        (
            .verdictMap([.destinationAddress(.v4), .protocolNumber, .destinationPort], "service-ips"),
            "ip daddr . meta l4proto . th dport vmap @service-ips"
        ),
        (
            .destinationNAT(.v4, .map([.random(modulus: 3, offset: 30)], "endpoints")),
            "dnat ip to numgen random mod 3 offset 30 map @endpoints"
        ),
        (.destinationNAT(.v6, .endpoint(IPAddress("fd42::5")!, 80)), "dnat to [fd42::5]:80"),
        (.updateSet([.sourceAddress(.v4)], "a", timeoutSeconds: 10), "update @a { ip saddr timeout 10s }"),
        (.masquerade(fullyRandom: true), "masquerade fully-random"), (.reject(.tcpReset), "reject with tcp reset"),
        (.verdict(.goto("x")), "goto x"),
    ])
    func `a statement reads as nft prints it`(_ statement: Statement, _ text: String) {
        #expect(statement.text == text)
    }

    @Test func `a refusal names the change in nft's words`() throws {
        let model = RulesetModel()
        let table = Table(.v4, "t")
        var transaction = Transaction(table)
        transaction.add(.addTable)
        transaction.add(.addRule(chain: "missing", Rule(.counter)))
        let error = #expect(throws: NFTablesError.self) { try model.commit(transaction) }
        #expect(
            error?.description
                == "change nftables table ip t: add rule ip t missing counter: no such file or directory")
        #expect(error?.operation == transaction.operations[1])
        // Nothing of a refused transaction stays.
        #expect(try model.chains(of: table) == nil)
    }
}
