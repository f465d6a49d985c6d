// SPDX-License-Identifier: Apache-2.0

import Glibc
import Linux
import NFTables
import Netlink
import Telemetry
import Testing

@testable import KubeProxy

@Suite(.enabled(if: getuid() == 0, "needs root"), .serialized)
struct ScaleTests {
    /// What one more service costs beside many: the figure upstream gives as 141 ms with 10,000.
    @Test(arguments: [1_000, 10_000])
    func `adding a service stays quick beside many`(_ count: Int) throws {
        let namespace = try NetworkNamespace.create()
        let ruleset = try KernelRuleset(in: namespace)
        var options = RuleOptions()
        options.localTraffic = .blocks([IPPrefix("10.42.0.0/16")!])
        func makeProxy() throws -> FamilyProxy {
            FamilyProxy(
                ProxyTable(family: .v4, options: options), ruleset: ruleset,
                conntrack: try NetlinkSocket(.netfilter, in: namespace), metrics: ProxyMetrics(MetricsRegistry()),
                logger: Logger(label: "test", level: .error))
        }
        func change(_ index: Int, endpoints: Int = 2) -> (ServiceKey, [ProxyState.Change]) {
            let key = ServiceKey("default", "service-\(index)")
            let port = ServicePortSpec(
                name: ServicePortName(key, port: "http", protocolNumber: 6),
                clusterIP: IPAddress(10, 43, 0, 1).advanced(by: UInt64(index)), port: 80)
            let specs = (0..<endpoints).map {
                EndpointSpec(IPAddress(10, 42, 0, 2).advanced(by: UInt64((index * 2 + $0) % 60000)), 8080)
            }
            return (key, [.init(port: port, choice: EndpointChoice(specs, usesLocal: false, node: "n", zone: nil))])
        }
        let proxy = try makeProxy()
        let clock = ContinuousClock()
        let all = Dictionary(uniqueKeysWithValues: (0..<count).map { change($0) })
        let full = try clock.measure { try proxy.sync(all, nodePortIPs: []) }
        var adds: [Duration] = []
        var updates: [Duration] = []
        for index in 0..<21 {
            adds.append(
                try clock.measure {
                    try proxy.sync(Dictionary(uniqueKeysWithValues: [change(count + index)]), nodePortIPs: [])
                })
            updates.append(
                try clock.measure {
                    try proxy.sync(Dictionary(uniqueKeysWithValues: [change(index, endpoints: 3)]), nodePortIPs: [])
                })
        }
        var replacements: [Duration] = []
        for index in 100..<121 {
            let (key, original) = change(index)
            var ports = original
            ports[0].choice.cluster[0].address = IPAddress(10, 42, 250, UInt8(index))
            replacements.append(
                try clock.measure { try proxy.sync([key: ports], nodePortIPs: []) })
        }
        replacements.sort()
        adds.sort()
        updates.sort()
        let restarted = try makeProxy()
        var now = all
        for index in 0..<21 {
            now[change(count + index).0] = change(count + index).1
            now[change(index).0] = change(index, endpoints: 3).1
        }
        let restart = try clock.measure { try restarted.sync(now, nodePortIPs: []) }
        print(
            "kube-proxy with \(count) services: full \(full), add \(adds[10]) (worst \(adds[20])), "
                + "endpoint more \(updates[10]), endpoint replaced \(replacements[10]), restart \(restart)")
        // It must not grow with the table: one costs about as much alone as its share of all at once, ten times at most.
        #expect(adds[10] * (count / 10) < full)
    }
}
