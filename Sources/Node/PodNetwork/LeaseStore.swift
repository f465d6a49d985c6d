// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Linux
internal import Netlink

/// What a pod holds of the network: written before anything is programmed and removed after all of it is gone, so that
/// a crash at any point leaves a record to clean up by, and never an address in use without one.
struct Lease: Sendable, Hashable {
    var podUID: String
    var name: String
    var namespace: String
    var addresses: [IPAddress]
    /// The host's end of the pair.
    var interface: String
    var hostPorts: [HostPort]

    func address(_ family: IPFamily) -> IPAddress? { addresses.first { $0.family == family } }

    /// The pod's hardware address: its own among the pods of the node, as the address it is made of is.
    var hardware: [UInt8] { PodNetwork.hardware(addresses[0]) }

    var json: JSONValue {
        .object(
            JSONObject([
                ("podUID", .string(podUID)), ("name", .string(name)), ("namespace", .string(namespace)),
                ("addresses", .array(addresses.map { .string($0.description) })), ("interface", .string(interface)),
                (
                    "hostPorts",
                    .array(
                        hostPorts.map { port in
                            var object = JSONObject([
                                ("hostPort", .integer(Int64(port.hostPort))),
                                ("containerPort", .integer(Int64(port.containerPort))),
                                ("protocol", .integer(Int64(port.protocolNumber))),
                            ])
                            if let address = port.hostIP { object["hostIP"] = .string(address.description) }
                            return .object(object)
                        })
                ),
            ]))
    }

    init(
        podUID: String, name: String, namespace: String, addresses: [IPAddress], interface: String,
        hostPorts: [HostPort]
    ) {
        self.podUID = podUID
        self.name = name
        self.namespace = namespace
        self.addresses = addresses
        self.interface = interface
        self.hostPorts = hostPorts
    }

    /// Nil when the record is not whole.
    init?(_ json: JSONValue) {
        guard let podUID = json["podUID"]?.string, let interface = json["interface"]?.string,
            let addresses = json["addresses"]?.array, let ports = json["hostPorts"]?.array
        else { return nil }
        self.init(
            podUID: podUID, name: json["name"]?.string ?? "", namespace: json["namespace"]?.string ?? "",
            addresses: addresses.compactMap { $0.string.flatMap { IPAddress($0) } }, interface: interface,
            hostPorts: ports.compactMap { port in
                guard let host = port["hostPort"]?.integer, let container = port["containerPort"]?.integer,
                    let number = port["protocol"]?.integer
                else { return nil }
                return HostPort(
                    hostIP: port["hostIP"]?.string.flatMap { IPAddress($0) },
                    hostPort: UInt16(truncatingIfNeeded: host), containerPort: UInt16(truncatingIfNeeded: container),
                    protocolNumber: UInt8(truncatingIfNeeded: number))
            })
        guard !self.addresses.isEmpty else { return nil }
    }
}

/// The leases of the node, in memory and one file each.
struct LeaseStore: ~Copyable, Sendable {
    private let directory: String
    // Two daemons on one directory would give one address twice.
    private let lock: FileLock
    private(set) var leases: [String: Lease] = [:]
    private var used: Set<IPAddress> = []
    private var last: [IPPrefix: IPAddress] = [:]

    /// Reads what earlier runs left. A file that is no lease (the machine lost power while it was written, so its pod
    /// is gone too) is removed.
    static func open(_ directory: String) throws(PodNetworkError) -> LeaseStore {
        let lock = try prepare(directory)
        let leases = try read(directory + "/leases")
        return LeaseStore(directory: directory + "/leases", lock: lock, leases: leases)
    }

    private init(directory: String, lock: consuming FileLock, leases: [String: Lease]) {
        self.directory = directory
        self.lock = lock
        self.leases = leases
        used = Set(leases.values.flatMap(\.addresses))
    }

    private static func prepare(_ directory: String) throws(PodNetworkError) -> FileLock {
        let held: FileLock?
        do throws(Errno) {
            try Files.makeDirectories(directory + "/leases", mode: 0o700)
            held = try FileLock.tryAcquire(directory + "/lock")
        } catch { throw PodNetworkError("open pod network state \(directory)", error) }
        guard let held else { throw PodNetworkError("open pod network state \(directory): in use by another process") }
        return held
    }

    private static func read(_ directory: String) throws(PodNetworkError) -> [String: Lease] {
        var leases: [String: Lease] = [:]
        do throws(Errno) {
            for entry in try Files.list(directory) {
                let path = "\(directory)/\(entry.name)"
                let bytes = try Files.read(path)
                // What does not parse is the torn record told of above.
                guard entry.name.hasSuffix(".json"), let value = try? JSONValue.parse(bytes), let lease = Lease(value)
                else {
                    try Files.removeIfPresent(path)
                    continue
                }
                leases[lease.podUID] = lease
            }
        } catch { throw PodNetworkError("read pod network leases", error) }
        return leases
    }

    private func path(_ podUID: String) -> String {
        // A UID is a Kubernetes name; a hash in the config-file source's case. No path may come from one.
        let safe = podUID.utf8.map { byte -> Character in
            let isPlain = (48...57).contains(byte) || (97...122).contains(byte | 0x20) || byte == 45
            return isPlain ? Character(UnicodeScalar(byte)) : "_"
        }
        return "\(directory)/\(String(safe)).json"
    }

    /// Takes a free address of each block and writes the lease.
    mutating func add(
        _ request: PodNetworkRequest, from blocks: [IPPrefix], interface: String
    ) throws(PodNetworkError) -> Lease {
        if let lease = leases[request.podUID] { return lease }
        try checkPorts(request)
        var addresses: [IPAddress] = []
        for block in blocks { addresses.append(try free(in: block)) }
        let lease = Lease(
            podUID: request.podUID, name: request.name, namespace: request.namespace, addresses: addresses,
            interface: interface, hostPorts: request.hostPorts)
        // Not synced: after a power cut no pod is left, and a lost or torn lease is a free one.
        do throws(Errno) {
            try Files.replace(path(request.podUID), with: lease.json.encoded(), mode: 0o600, durable: false)
        } catch { throw PodNetworkError("write lease of pod \(request.namespace)/\(request.name)", error) }
        leases[request.podUID] = lease
        used.formUnion(addresses)
        for (block, address) in zip(blocks, addresses) { last[block] = address }
        return lease
    }

    /// A host port is one pod's: the kernel keeps each once, and who fails to get it would take it from its owner as it
    /// cleans up.
    private func checkPorts(_ request: PodNetworkRequest) throws(PodNetworkError) {
        let held = leases.values.lazy.flatMap(\.hostPorts)
        for (index, port) in request.hostPorts.enumerated() {
            if held.contains(where: port.overlaps) {
                throw PodNetworkError("host port \(port.transport) is another pod's")
            }
            let isTwice = request.hostPorts[..<index].contains {
                $0.transport == port.transport && $0.hostIP == port.hostIP && $0 != port
            }
            if isTwice { throw PodNetworkError("host port \(port.transport) leads to two ports of the pod") }
        }
    }

    mutating func remove(_ podUID: String) throws(PodNetworkError) {
        guard let lease = leases[podUID] else { return }
        do throws(Errno) { try Files.removeIfPresent(path(podUID)) } catch {
            throw PodNetworkError("remove lease of pod \(lease.namespace)/\(lease.name)", error)
        }
        leases[podUID] = nil
        used.subtract(lease.addresses)
    }

    /// The next free address after the one given last: an address rests before it is given again, so that late packets
    /// for a dead pod do not reach a new one.
    private func free(in block: IPPrefix) throws(PodNetworkError) -> IPAddress {
        let first = block.network.advanced(by: 2)
        let bits = block.family.length * 8 - block.length
        // Beyond 2^20 the search space is not the limit.
        let size = bits >= 20 ? 1 << 20 : (1 << bits) - (block.family == .v4 ? 3 : 2)
        var candidate = last[block]?.advanced(by: 1) ?? first
        for _ in 0..<size {
            if !block.contains(candidate) || (block.family == .v4 && candidate == broadcast(of: block)) {
                candidate = first
            }
            if !used.contains(candidate) { return candidate }
            candidate = candidate.advanced(by: 1)
        }
        throw PodNetworkError("allocate pod address: no address free in \(block) (\(used.count) in use)")
    }

    private func broadcast(of block: IPPrefix) -> IPAddress {
        block.network.advanced(by: (1 << UInt64(32 - block.length)) - 1)
    }
}
