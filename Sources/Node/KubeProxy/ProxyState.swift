// SPDX-License-Identifier: Apache-2.0

internal import NFTables
internal import Netlink

/// What the kernel's table held when the proxy started, as far as the proxy can tell.
struct KernelContent: Sendable {
    var chains: [String: String] = [:]
    var elements: [SetDefinition: [[FieldValue]: ElementData?]] = [:]
    var sets: Set<String> = []
}

/// One family's table as it is programmed, and the changes that lead to what it should be. Pure: it reads no kernel.
struct ProxyState: Sendable {
    let table: ProxyTable
    private let builder: RuleBuilder
    private(set) var programs: [ServicePortName: ServiceProgram] = [:]
    private(set) var ports: [ServicePortName: ServicePortSpec] = [:]
    private var choices: [ServicePortName: EndpointChoice] = [:]
    private var shared: [SetDefinition: [[FieldValue]: Int]] = [:]
    /// Groups that have their chains. They stay: there are few, and the next Service of as many endpoints needs them.
    private var groups: Set<FrontendGroup> = []
    /// Who holds a frontend, and who would take it over: two Services may claim one external address and port.
    private(set) var holders: [Frontend: ServicePortName] = [:]
    private var waiting: [Frontend: Set<ServicePortName>] = [:]
    private(set) var nodePortIPs: Set<[FieldValue]> = []
    private var serviceRanges: [IPPrefix] = []
    /// Before the first sync: what the kernel has; nil means that the table is made anew.
    private var kernel: KernelContent?
    private var isFirst = true

    init(_ table: ProxyTable) {
        self.table = table
        builder = RuleBuilder(table)
    }

    /// Starts from what an earlier run left, so that unchanged rules stay untouched.
    mutating func adopt(_ kernel: KernelContent?) {
        self.kernel = kernel
        isFirst = true
    }

    /// Changes of Service ports; a nil value removes the port.
    struct Change: Sendable {
        var port: ServicePortSpec
        var choice: EndpointChoice
    }

    /// What a sync does: one transaction, and the frontends among whose flows there may be stale ones afterwards.
    struct Plan: Sendable {
        var transaction: Transaction
        var staleFrontends: Set<Frontend> = []
    }

    /// The plan that makes the table fit `changes` (and, the first time, nothing else). The state assumes that the plan
    /// is carried out; a caller that could not must start again from the kernel's content.
    mutating func plan(
        _ changes: [ServicePortName: Change?], nodePortIPs wanted: Set<[FieldValue]>? = nil,
        serviceRanges ranges: [IPPrefix]? = nil
    ) -> Plan {
        var plan = Plan(transaction: Transaction(table.table))
        var difference = TableDifference(table)
        var queue = changes.sorted { $0.key < $1.key }
        var done: Set<ServicePortName> = []
        // Ports that go come first, so that what they held is free for the others.
        queue.sort { ($0.value == nil ? 0 : 1) < ($1.value == nil ? 0 : 1) }
        var wantedGroups = groups
        var index = 0
        while index < queue.count {
            let (name, change) = queue[index]
            index += 1
            let old = programs[name]
            let kernel = isFirst ? self.kernel : nil
            var new = change.map { change in
                builder.build(change.port, change.choice) { kernel?.frontend($0, table) ?? old?.frontends[$0] }
            }
            let released = claim(name, &new)
            plan.staleFrontends.formUnion(Self.staleFrontends(old, new))
            difference.remove(old)
            difference.add(new)
            count(old, new, &difference)
            for (frontend, content) in new?.frontends ?? [:] {
                if let kind = content.kind { wantedGroups.insert(FrontendGroup(kind, isNodePort: frontend.isNodePort)) }
            }
            programs[name] = new
            ports[name] = change?.port
            choices[name] = change?.choice
            done.insert(name)
            // Ports that waited for a frontend are built again now that it is free.
            for heir in released where !done.contains(heir) && !queue[index...].contains(where: { $0.key == heir }) {
                if let port = ports[heir] { queue.append((heir, Change(port: port, choice: choices[heir]!))) }
            }
        }
        if let wanted { changeNodePortIPs(to: wanted, &difference) }
        if isFirst || ranges != nil {
            difference.changeServiceRanges(serviceRanges, to: ranges ?? serviceRanges)
            serviceRanges = ranges ?? serviceRanges
        }
        if isFirst { for key in table.ownPortKeys { difference.note(table.ownPorts, key, new: .some(nil)) } }
        if isFirst || wantedGroups != groups { difference.change(groups, to: wantedGroups) }
        groups = wantedGroups
        if isFirst {
            if kernel == nil { table.create(&plan.transaction) }
            difference.emit(&plan.transaction, replacing: kernel ?? KernelContent())
        } else {
            difference.emit(&plan.transaction)
        }
        if isFirst, let kernel { plan.staleFrontends.formUnion(Self.datagramFrontends(of: kernel, table)) }
        isFirst = false
        kernel = nil
        return plan
    }

    // MARK: Frontends claimed twice

    /// Takes the frontends of `program` that another port holds out of it, and returns the ports that waited for one
    /// this port gives up.
    private mutating func claim(_ name: ServicePortName, _ program: inout ServiceProgram?) -> [ServicePortName] {
        var heirs: [ServicePortName] = []
        for frontend in (programs[name]?.frontends ?? [:]).keys where program?.frontends[frontend] == nil {
            holders[frontend] = nil
            heirs += waiting.removeValue(forKey: frontend).map { $0.sorted() } ?? []
        }
        for frontend in (program?.frontends ?? [:]).keys {
            if let holder = holders[frontend], holder != name {
                waiting[frontend, default: []].insert(name)
                program?.frontends[frontend] = nil
            } else {
                holders[frontend] = name
            }
        }
        return heirs
    }

    // MARK: Shared elements

    private mutating func count(_ old: ServiceProgram?, _ new: ServiceProgram?, _ difference: inout TableDifference) {
        for (set, keys) in new?.shared ?? [:] { for key in keys { use(set, key, &difference) } }
        for key in hairpins(new) { use(table.hairpinConnections, key, &difference) }
        for (set, keys) in old?.shared ?? [:] { for key in keys { release(set, key, &difference) } }
        for key in hairpins(old) { release(table.hairpinConnections, key, &difference) }
    }

    private func hairpins(_ program: ServiceProgram?) -> some Sequence<[FieldValue]> {
        (program?.hairpins ?? []).lazy.map {
            [.address($0), .address($0), .protocolNumber(program?.protocolNumber ?? 0)]
        }
    }

    private mutating func use(_ set: SetDefinition, _ key: [FieldValue], _ difference: inout TableDifference) {
        shared[set, default: [:]][key, default: 0] += 1
        if shared[set]![key] == 1 { difference.note(set, key, new: .some(nil)) }
    }

    private mutating func release(_ set: SetDefinition, _ key: [FieldValue], _ difference: inout TableDifference) {
        shared[set]![key]! -= 1
        if shared[set]![key] == 0 {
            shared[set]![key] = nil
            difference.note(set, key, old: .some(nil))
        }
    }

    private mutating func changeNodePortIPs(to wanted: Set<[FieldValue]>, _ difference: inout TableDifference) {
        for key in wanted.subtracting(nodePortIPs) { difference.note(table.nodePortIPs, key, new: .some(nil)) }
        for key in nodePortIPs.subtracting(wanted) { difference.note(table.nodePortIPs, key, old: .some(nil)) }
        nodePortIPs = wanted
    }
}
