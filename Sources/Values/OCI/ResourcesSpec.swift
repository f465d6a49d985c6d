// SPDX-License-Identifier: Apache-2.0

public import JSON

/// The specification's `linux.resources`, also the input of `update`.
public struct ResourcesSpec: Sendable {
    public struct Device: Sendable, Hashable {
        public var allow: Bool
        /// `a`, `b` or `c`.
        public var type: String
        public var major: Int64?
        public var minor: Int64?
        public var access: String
    }

    public struct Memory: Sendable, Hashable {
        public var limit: Int64?
        public var reservation: Int64?
        /// Memory and swap together.
        public var swap: Int64?
        public var checkBeforeUpdate: Bool?
    }

    public struct CPU: Sendable, Hashable {
        public var shares: UInt64?
        public var quota: Int64?
        public var burst: UInt64?
        public var period: UInt64?
        public var cpus: String?
        public var nodes: String?
        public var idle: Int64?
        /// Of version 1 only.
        public var realtimeRuntime: Int64?
        public var realtimePeriod: UInt64?
    }

    public struct Throttle: Sendable, Hashable {
        public var major: Int64
        public var minor: Int64
        /// `rbps`, `wbps`, `riops`, `wiops`.
        public var key: String
        public var rate: UInt64
    }

    public struct BlockIO: Sendable, Hashable {
        public var weight: UInt64?
        public var throttles: [Throttle] = []
    }

    public var devices: [Device] = []
    public var memory = Memory()
    public var cpu = CPU()
    public var processLimit: Int64?
    public var blockIO = BlockIO()
    public var hugepages: [String: UInt64] = [:]
    public var rdma: [String: (handles: UInt32?, objects: UInt32?)] = [:]
    public var unified: [String: String] = [:]

    public init() {}

    public init(_ value: JSONValue) throws(SpecError) { try self.init(SpecReader(value, path: "resources")) }

    init(_ reader: SpecReader) throws(SpecError) {
        devices = try reader.list("devices") { (device) throws(SpecError) in
            Device(
                allow: try device.bool("allow") ?? false, type: try device.string("type") ?? "a",
                major: try device.integer("major"), minor: try device.integer("minor"),
                access: try device.string("access") ?? "rwm")
        }
        if let reader = try reader.object("memory") {
            memory = Memory(
                limit: try reader.integer("limit"), reservation: try reader.integer("reservation"),
                swap: try reader.integer("swap"), checkBeforeUpdate: try reader.bool("checkBeforeUpdate"))
        }
        if let reader = try reader.object("cpu") {
            cpu = CPU(
                shares: try reader.number("shares", UInt64.self), quota: try reader.integer("quota"),
                burst: try reader.number("burst", UInt64.self), period: try reader.number("period", UInt64.self),
                cpus: try reader.string("cpus"), nodes: try reader.string("mems"), idle: try reader.integer("idle"),
                realtimeRuntime: try reader.integer("realtimeRuntime"),
                realtimePeriod: try reader.number("realtimePeriod", UInt64.self))
        }
        processLimit = try reader.object("pids")?.integer("limit")
        if let reader = try reader.object("blockIO") { blockIO = try BlockIO(reader) }
        for (size, limit) in try reader.list(
            "hugepageLimits",
            { (limit) throws(SpecError) in
                (try limit.required("pageSize"), try limit.number("limit", UInt64.self) ?? 0)
            })
        { hugepages[size] = limit }
        if let reader = try reader.object("rdma") {
            for (device, _) in reader.object {
                let limits = try reader.object(device)
                rdma[device] = (
                    try limits?.number("hcaHandles", UInt32.self), try limits?.number("hcaObjects", UInt32.self)
                )
            }
        }
        unified = try reader.map("unified")
    }
}

extension ResourcesSpec.BlockIO {
    init(_ reader: SpecReader) throws(SpecError) {
        weight = try reader.number("weight", UInt64.self)
        for (name, key) in [
            ("throttleReadBpsDevice", "rbps"), ("throttleWriteBpsDevice", "wbps"), ("throttleReadIOPSDevice", "riops"),
            ("throttleWriteIOPSDevice", "wiops"),
        ] {
            throttles += try reader.list(name) { (device) throws(SpecError) in
                ResourcesSpec.Throttle(
                    major: try device.integer("major") ?? 0, minor: try device.integer("minor") ?? 0, key: key,
                    rate: try device.number("rate", UInt64.self) ?? 0)
            }
        }
    }
}
