// SPDX-License-Identifier: Apache-2.0

public import JSON
public import Netlink
internal import YAML

/// A configuration that cannot be used.
public struct ProxyConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    init(_ description: String) { self.description = "kube-proxy configuration: \(description)" }
}

/// The proxy's settings: kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration, as far as it says something to an
/// nftables proxy.
public struct ProxyConfiguration: Sendable, Hashable {
    /// The node's name; empty: the caller's choice.
    public var hostname = ""
    public var healthzBindAddress = "0.0.0.0:10256"
    /// Empty: none.
    public var metricsBindAddress = "127.0.0.1:10249"
    public var clusterCIDRs: [IPPrefix] = []
    /// Addresses of nodes, pods or Services that Services may have as external or load balancer addresses.
    public var allowedExternalIPs: [IPPrefix] = []
    public var rules = RuleOptions()
    /// Full checks against the kernel's table happen at least this often.
    public var syncPeriod: Duration = .seconds(30)
    /// The least time between two syncs; the default, none, still merges what comes while one is under way.
    public var minSyncPeriod: Duration = .zero
    /// The kubeconfig named by `clientConnection`; empty: the caller's choice.
    public var kubeconfig = ""
    public var conntrack = ConntrackSettings()
    public var families: [IPFamily] = [.v4, .v6]

    public init() {}

    /// Limits of connection tracking; nil leaves the kernel's.
    public struct ConntrackSettings: Sendable, Hashable {
        public var maxPerCore: Int? = 32768
        public var minimum: Int? = 131072
        public var tcpEstablishedTimeout: Duration? = .seconds(86400)
        public var tcpCloseWaitTimeout: Duration? = .seconds(3600)
        public var tcpBeLiberal = false
        public var udpTimeout: Duration?
        public var udpStreamTimeout: Duration?

        public init() {}
    }

    /// Reads a YAML or JSON document. Fields of other modes are accepted and say nothing; what is unknown is refused,
    /// as is what this proxy cannot do.
    public init(yaml bytes: [UInt8]) throws(ProxyConfigurationError) {
        let value: JSONValue
        do { value = try YAML.parse(bytes).first ?? .null } catch { throw ProxyConfigurationError("\(error)") }
        try self.init(json: value)
    }

    /// Reads a parsed document.
    public init(json: JSONValue) throws(ProxyConfigurationError) {
        self.init()
        guard let object = json.object else { throw ProxyConfigurationError("the document is no object") }
        guard object["kind"]?.string == "KubeProxyConfiguration",
            object["apiVersion"]?.string == "kubeproxy.config.k8s.io/v1alpha1"
        else {
            throw ProxyConfigurationError(
                "expected kubeproxy.config.k8s.io/v1alpha1 KubeProxyConfiguration, found "
                    + "\(object["apiVersion"]?.string ?? "no apiVersion") \(object["kind"]?.string ?? "no kind")")
        }
        for (key, value) in object { try read(key, value) }
        try readDetection(object)
    }

    /// Fields that only concern other modes, tracing or the process around.
    private static let ignored: Set<String> = [
        "apiVersion", "kind", "iptables", "ipvs", "winkernel", "oomScoreAdj", "portRange",
        "showHiddenMetricsForVersion",
        "enableProfiling", "windowsRunAsService", "configSyncPeriod", "bindAddress", "bindAddressHardFail",
        "featureGates", "logging", "detectLocal", "detectLocalMode",
    ]

    private mutating func read(_ key: String, _ value: JSONValue) throws(ProxyConfigurationError) {
        func text() throws(ProxyConfigurationError) -> String {
            guard let text = value.string else { throw ProxyConfigurationError("\(key): expected a string") }
            return text
        }
        switch key {
        case "hostnameOverride": hostname = try text()
        case "healthzBindAddress": healthzBindAddress = try text()
        case "metricsBindAddress": metricsBindAddress = try text()
        case "mode":
            // The other modes of Linux have the same contract towards users; this proxy keeps it by nftables.
            guard ["", "nftables", "iptables", "ipvs"].contains(try text()) else {
                throw ProxyConfigurationError("mode: \"\(try text())\" is not a mode of this proxy")
            }
        case "clusterCIDR": clusterCIDRs = try Self.blocks(key, try text())
        case "nodePortAddresses": try readNodePortAddresses(value)
        case "clientConnection": kubeconfig = value["kubeconfig"]?.string ?? ""
        case "nftables": try readNFTables(value)
        case "conntrack": try readConntrack(value)
        default:
            guard Self.ignored.contains(key) else { throw ProxyConfigurationError("unknown field \"\(key)\"") }
        }
    }

    private static func blocks(_ key: String, _ text: String) throws(ProxyConfigurationError) -> [IPPrefix] {
        var blocks: [IPPrefix] = []
        for part in text.split(separator: ",") {
            guard let block = IPPrefix(part) else { throw ProxyConfigurationError("\(key): \"\(part)\" is no CIDR") }
            blocks.append(block.canonical)
        }
        return blocks
    }

    private mutating func readNodePortAddresses(_ value: JSONValue) throws(ProxyConfigurationError) {
        let texts = (value.array ?? []).compactMap(\.string)
        if texts.isEmpty || texts == ["primary"] { return }
        var blocks: [IPPrefix] = []
        for text in texts {
            guard text != "primary" else {
                throw ProxyConfigurationError("nodePortAddresses: \"primary\" stands alone")
            }
            blocks += try Self.blocks("nodePortAddresses", text)
        }
        rules.nodePortAddresses = blocks.contains { $0.length == 0 } ? .all : .blocks(blocks)
    }

    private mutating func readNFTables(_ value: JSONValue) throws(ProxyConfigurationError) {
        for (key, field) in value.object ?? JSONObject() {
            switch key {
            case "masqueradeAll": rules.masqueradeAll = field.bool ?? false
            case "masqueradeBit":
                if field.isNull { continue }
                guard let bit = field.integer, (0...31).contains(bit) else {
                    throw ProxyConfigurationError("nftables.masqueradeBit: expected 0 to 31")
                }
                rules.masqueradeBit = UInt32(bit)
            case "syncPeriod": syncPeriod = try Self.duration("nftables.syncPeriod", field) ?? syncPeriod
            case "minSyncPeriod": minSyncPeriod = try Self.duration("nftables.minSyncPeriod", field) ?? minSyncPeriod
            default: throw ProxyConfigurationError("unknown field \"nftables.\(key)\"")
            }
        }
    }

    private mutating func readConntrack(_ value: JSONValue) throws(ProxyConfigurationError) {
        for (key, field) in value.object ?? JSONObject() {
            let name = "conntrack.\(key)"
            switch key {
            case "maxPerCore": conntrack.maxPerCore = field.integer.map { Int($0) }
            case "min": conntrack.minimum = field.integer.map { Int($0) }
            case "tcpEstablishedTimeout": conntrack.tcpEstablishedTimeout = try Self.duration(name, field)
            case "tcpCloseWaitTimeout": conntrack.tcpCloseWaitTimeout = try Self.duration(name, field)
            case "tcpBeLiberal": conntrack.tcpBeLiberal = field.bool ?? false
            case "udpTimeout": conntrack.udpTimeout = try Self.duration(name, field)
            case "udpStreamTimeout": conntrack.udpStreamTimeout = try Self.duration(name, field)
            default: throw ProxyConfigurationError("unknown field \"\(name)\"")
            }
        }
    }

    private mutating func readDetection(_ object: JSONObject) throws(ProxyConfigurationError) {
        switch object["detectLocalMode"]?.string ?? "" {
        case "", "ClusterCIDR", "NodeCIDR":
            rules.localTraffic = clusterCIDRs.isEmpty ? .unknown : .blocks(clusterCIDRs)
        case "BridgeInterface":
            guard let name = object["detectLocal"]?["bridgeInterface"]?.string, !name.isEmpty else {
                throw ProxyConfigurationError("detectLocal.bridgeInterface: needed for mode BridgeInterface")
            }
            rules.localTraffic = .bridge(name)
        case "InterfaceNamePrefix":
            guard let prefix = object["detectLocal"]?["interfaceNamePrefix"]?.string, !prefix.isEmpty else {
                throw ProxyConfigurationError(
                    "detectLocal.interfaceNamePrefix: needed for mode InterfaceNamePrefix")
            }
            rules.localTraffic = .interfacePrefix(prefix)
        case let mode: throw ProxyConfigurationError("detectLocalMode: unknown mode \"\(mode)\"")
        }
    }

    /// A Go duration; nil for null, which keeps the default.
    private static func duration(_ key: String, _ value: JSONValue) throws(ProxyConfigurationError) -> Duration? {
        if value.isNull { return nil }
        guard let text = value.string, let duration = GoDurationText.parse(text) else {
            throw ProxyConfigurationError("\(key): expected a duration such as \"30s\"")
        }
        return duration
    }
}

/// Durations as Go writes them: `1h30m`, `500ms`, `0s`.
enum GoDurationText {
    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = text[...]
        var total = Duration.zero
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            // Go's durations end at 292 years.
            guard let number = Double(digits), number < 1e18 else { return nil }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { !$0.isNumber && $0 != "." }
            rest = rest.dropFirst(unit.count)
            switch unit {
            case "h": total += .seconds(min(number * 3600, 9.2e9))
            case "m": total += .seconds(min(number * 60, 9.2e9))
            case "s": total += .seconds(min(number, 9.2e9))
            case "ms": total += .milliseconds(min(number, 9.2e12))
            case "us", "µs": total += .microseconds(min(number, 9.2e15))
            case "ns": total += .nanoseconds(Int64(number))
            default: return nil
            }
        }
        return total
    }
}
