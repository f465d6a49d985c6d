// SPDX-License-Identifier: Apache-2.0

import NFTables
import Netlink
import Testing

@testable import KubeProxy

struct StaleFlowTests {
    private let clusterIP = IPAddress(10, 43, 0, 10)
    private let node = IPAddress(192, 0, 2, 1)
    private let client = IPAddress(192, 0, 2, 9)

    private func endpoint(
        _ number: UInt8, ready: Bool = true, serving: Bool = true, terminating: Bool = false
    )
        -> EndpointSpec
    {
        EndpointSpec(IPAddress(10, 42, 0, number), 5353, ready: ready, serving: serving, terminating: terminating)
    }

    private func port(_ name: String = "dns") -> ServicePortSpec {
        var port = ServicePortSpec(
            name: ServicePortName(ServiceKey("default", name), port: "", protocolNumber: 17), clusterIP: clusterIP,
            port: 53)
        port.nodePort = 30053
        return port
    }

    private func set(_ state: inout ProxyState, _ port: ServicePortSpec, _ endpoints: [EndpointSpec]) -> Set<Frontend> {
        let choice = EndpointChoice(endpoints, usesLocal: false, node: "node", zone: nil)
        let change = ProxyState.Change(port: port, choice: choice)
        return state.plan([port.name: change], nodePortIPs: [[.address(node)]]).staleFrontends
    }

    /// A flow to `address`, which goes to an endpoint, or on to where it was sent.
    private func flow(to address: IPAddress, _ port: UInt16, at endpoint: EndpointSpec?) -> ConntrackEntry {
        ConntrackEntry(
            original: ConntrackTuple(
                source: client, destination: address, protocolNumber: 17, sourcePort: 4000, destinationPort: port),
            reply: ConntrackTuple(
                source: endpoint?.address ?? address, destination: client, protocolNumber: 17,
                sourcePort: endpoint?.port ?? port, destinationPort: 4000))
    }

    @Test func `a flow is stale by what serves when it is looked at`() {
        var state = ProxyState(ProxyTable(family: .v4, options: RuleOptions()))
        let places = [(clusterIP, UInt16(53)), (node, UInt16(30053))]
        let asked = set(&state, port(), [endpoint(1)])
        let search = FlowSearch(StaleFlows.Work(frontends: asked), state)
        for (address, number) in places {
            let (kept, lost) = (flow(to: address, number, at: endpoint(1)), flow(to: address, number, at: endpoint(2)))
            let never = flow(to: address, number, at: nil)
            for entry in [kept, lost, never] { #expect(search.matches(entry)) }
            #expect(!state.isStale(kept))
            #expect(state.isStale(lost) && state.isStale(never))
        }
        // The second comes before anybody has looked: its flows are right again, and those of the first are not.
        #expect(!set(&state, port(), [endpoint(2)]).isEmpty)
        for (address, number) in places {
            #expect(state.isStale(flow(to: address, number, at: endpoint(1))))
            #expect(!state.isStale(flow(to: address, number, at: endpoint(2))))
        }
        // Elsewhere nothing is looked for: the same port of another machine is nobody's.
        for other in [flow(to: client, 30053, at: nil), flow(to: clusterIP, 54, at: nil), flow(to: node, 53, at: nil)] {
            #expect(!search.matches(other))
        }
    }

    @Test func `an endpoint that ends keeps its flows as long as it serves, whatever the policy`() {
        var state = ProxyState(ProxyTable(family: .v4, options: RuleOptions()))
        _ = set(&state, port(), [endpoint(1), endpoint(2)])
        let ends = endpoint(2, ready: false, serving: true, terminating: true)
        #expect(set(&state, port(), [endpoint(1), ends]).isEmpty)
        #expect(!state.isStale(flow(to: clusterIP, 53, at: endpoint(2))))
        let ended = endpoint(2, ready: false, serving: false, terminating: true)
        #expect(!set(&state, port(), [endpoint(1), ended]).isEmpty)
        #expect(state.isStale(flow(to: clusterIP, 53, at: endpoint(2))))
    }

    @Test func `where no service is left only flows that were sent on are stale`() {
        var state = ProxyState(ProxyTable(family: .v4, options: RuleOptions()))
        _ = set(&state, port(), [endpoint(1)])
        let asked = state.plan([port().name: nil]).staleFrontends
        #expect(FlowSearch(StaleFlows.Work(frontends: asked), state).matches(flow(to: node, 30053, at: nil)))
        #expect(state.isStale(flow(to: node, 30053, at: endpoint(1))))
        #expect(!state.isStale(flow(to: node, 30053, at: nil)))
    }

    @Test func `an address goes before a node port of the same number`() {
        var state = ProxyState(ProxyTable(family: .v4, options: RuleOptions()))
        _ = set(&state, port(), [endpoint(1)])
        var other = port("other")
        (other.clusterIP, other.port, other.nodePort) = (IPAddress(10, 43, 0, 11), 30053, 0)
        other.externalIPs = [node]
        _ = set(&state, other, [endpoint(3)])
        #expect(!state.isStale(flow(to: node, 30053, at: endpoint(3))))
        #expect(state.isStale(flow(to: node, 30053, at: endpoint(1))))
    }

    @Test func `what is asked for while nobody looks is one set, and no larger than the tables`() {
        let flows = StaleFlows(limit: 3)
        func work(_ ports: ClosedRange<UInt16>) -> StaleFlows.Work {
            .init(frontends: Set(ports.map { [.protocolNumber(17), .port($0)] }))
        }
        flows.add(work(1...2))
        flows.add(work(2...3))
        let taken = flows.take()
        #expect(taken.frontends.count == 3 && !taken.isForAll)
        #expect(flows.take().isEmpty)
        flows.add(work(4...6))
        flows.keep(taken)
        #expect(flows.take().isForAll)
        // All are those that Services have.
        var state = ProxyState(ProxyTable(family: .v4, options: RuleOptions()))
        _ = set(&state, port(), [endpoint(1)])
        let search = FlowSearch(StaleFlows.Work(isForAll: true), state)
        #expect(search.matches(flow(to: clusterIP, 53, at: nil)))
        #expect(!search.matches(flow(to: client, 53, at: nil)))
    }
}
