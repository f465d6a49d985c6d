// SPDX-License-Identifier: Apache-2.0

public import JSON
internal import YAML

/// A configuration that cannot be used, with the field at fault.
public struct KubeletConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}

/// The fields of `kubelet.config.k8s.io/v1beta1 KubeletConfiguration` this kubelet acts on, with upstream's defaults.
public struct KubeletConfiguration: Sendable, Hashable {
    public var staticPodPath = ""
    public var address = "0.0.0.0"
    public var port = 10250
    /// Where `/healthz` alone is served to whoever asks, without TLS; port 0 nowhere.
    public var healthzBindAddress = "127.0.0.1"
    public var healthzPort = 10248
    public var tlsCertFile = ""
    public var tlsPrivateKeyFile = ""
    public var clientCAFile = ""
    /// Whether the client certificate is asked for anew before it ends, and whether the cluster issues the server's.
    public var rotateCertificates = false
    public var serverTLSBootstrap = false
    public var anonymousAuthentication = false
    public var webhookAuthentication = true
    /// `Webhook` or `AlwaysAllow`.
    public var authorizationMode = "Webhook"
    public var clusterDomain = "cluster.local"
    public var clusterDNS: [String] = []
    public var resolverConfiguration = "/etc/resolv.conf"
    public var maxPods = 110
    public var podPidsLimit: Int64 = -1
    public var cgroupDriver = "cgroupfs"
    public var cgroupRoot = "/"
    public var cpuCFSQuota = true
    public var containerLogMaxSize: Int64 = 10 << 20
    public var containerLogMaxFiles = 5
    public var nodeStatusReportFrequency: Duration = .seconds(300)
    public var nodeStatusUpdateFrequency: Duration = .seconds(10)
    public var nodeLeaseDurationSeconds = 40
    public var registerNode = true
    public var registerWithTaints: [JSONValue] = []
    public var systemReserved: [String: String] = [:]
    public var kubeReserved: [String: String] = [:]
    /// `pods`: all pods together are held to what is not reserved.
    public var enforceNodeAllocatable = ["pods"]
    public var evictionHard: [String: String] = [
        "memory.available": "100Mi", "nodefs.available": "10%", "nodefs.inodesFree": "5%", "imagefs.available": "15%",
        "imagefs.inodesFree": "5%",
    ]
    /// Images are removed from when the disk is used by more than the first percentage until it is by the second; 100
    /// never.
    public var imageGCHighThresholdPercent = 85
    public var imageGCLowThresholdPercent = 80
    /// How long an image stays at the least after it has come.
    public var imageMinimumGCAge: Duration = .seconds(120)
    var imageVerification = ImageVerification()
    /// How many images are pulled at the same time; nil: as many as pods want.
    public var parallelImagePulls: Int? = 4
    /// How many pulls may go on beside these that have had their turn for a while, where the number is nobody's choice.
    public var spareImagePulls = 12
    public var allowedUnsafeSysctls: [String] = []
    public var seccompDefault = true
    public var maximumCrashLoopBackOff: Duration = .seconds(300)
    /// How long the connection of a command or a forwarded port may be silent; zero: for ever.
    public var streamingConnectionIdleTimeout: Duration = .seconds(4 * 3600)
    public var enableDebuggingHandlers = true
    /// The document as given, for `/configz`.
    public var document = JSONObject()
    /// Its fields that change nothing here; the log says so.
    public private(set) var unused: [String] = []

    public init() {}

    /// Reads a document in YAML or JSON.
    public init(text: [UInt8]) throws {
        let documents = try YAML.parse(text)
        guard let object = documents.first?.object else {
            throw KubeletConfigurationError("the configuration is not an object")
        }
        try self.init(object)
    }

    /// Reads a document. A field of the wrong type, and one that upstream's configuration does not have either, is an
    /// error that names it; fields this kubelet has no use for are in `unused`.
    public init(_ object: JSONObject) throws(KubeletConfigurationError) {
        document = object
        if let kind = object["kind"]?.string, kind != "KubeletConfiguration" {
            throw KubeletConfigurationError("kind \(kind) is not KubeletConfiguration")
        }
        for name in object.keys where !Self.names.contains(name) {
            throw KubeletConfigurationError("unknown field \"\(name)\"")
        }
        var fields = Fields(object: object)
        try fields.read("staticPodPath", &staticPodPath, \.string)
        try fields.read("address", &address, \.string)
        try fields.read("port", &port) { $0.integer.map { Int($0) } }
        try fields.read("healthzBindAddress", &healthzBindAddress, \.string)
        try fields.read("healthzPort", &healthzPort) { $0.integer.map { Int($0) } }
        try fields.read("tlsCertFile", &tlsCertFile, \.string)
        try fields.read("tlsPrivateKeyFile", &tlsPrivateKeyFile, \.string)
        try fields.read("rotateCertificates", &rotateCertificates, \.bool)
        try fields.read("serverTLSBootstrap", &serverTLSBootstrap, \.bool)
        try fields.read("clusterDomain", &clusterDomain, \.string)
        try fields.read("clusterDNS", &clusterDNS, Fields.strings)
        try fields.read("resolvConf", &resolverConfiguration, \.string)
        try fields.read("maxPods", &maxPods) { $0.integer.map { Int($0) } }
        try fields.read("podPidsLimit", &podPidsLimit, \.integer)
        try fields.read("cgroupDriver", &cgroupDriver, \.string)
        try fields.read("cgroupRoot", &cgroupRoot, \.string)
        try fields.read("cpuCFSQuota", &cpuCFSQuota, \.bool)
        try fields.read("containerLogMaxFiles", &containerLogMaxFiles) { $0.integer.map { Int($0) } }
        try fields.read("nodeStatusUpdateFrequency", &nodeStatusUpdateFrequency, Fields.duration)
        try fields.read("nodeStatusReportFrequency", &nodeStatusReportFrequency, Fields.duration)
        try fields.read("nodeLeaseDurationSeconds", &nodeLeaseDurationSeconds) { $0.integer.map { Int($0) } }
        try fields.read("registerNode", &registerNode, \.bool)
        try fields.read("registerWithTaints", &registerWithTaints, \.array)
        try fields.read("systemReserved", &systemReserved, Fields.map)
        try fields.read("kubeReserved", &kubeReserved, Fields.map)
        try fields.read("enforceNodeAllocatable", &enforceNodeAllocatable, Fields.strings)
        try fields.read("evictionHard", &evictionHard, Fields.map)
        try fields.read("imageGCHighThresholdPercent", &imageGCHighThresholdPercent) { $0.integer.map { Int($0) } }
        try fields.read("imageGCLowThresholdPercent", &imageGCLowThresholdPercent) { $0.integer.map { Int($0) } }
        try fields.read("imageMinimumGCAge", &imageMinimumGCAge, Fields.duration)
        try fields.read("imagePullCredentialsVerificationPolicy", &imageVerification.policy) {
            $0.string.flatMap(ImageVerification.Policy.init)
        }
        try fields.read("preloadedImagesVerificationAllowlist", &imageVerification.allowlist, Fields.strings)
        var serializeImagePulls: Bool?
        var maxParallelImagePulls: Int?
        try fields.read("serializeImagePulls", &serializeImagePulls, \.bool)
        try fields.read("maxParallelImagePulls", &maxParallelImagePulls) { $0.integer.map { Int($0) } }
        parallelImagePulls = try Self.parallelPulls(serializeImagePulls, maxParallelImagePulls)
        if serializeImagePulls != nil || maxParallelImagePulls != nil { spareImagePulls = 0 }
        try fields.read("allowedUnsafeSysctls", &allowedUnsafeSysctls, Fields.strings)
        try fields.read("seccompDefault", &seccompDefault, \.bool)
        try fields.read("streamingConnectionIdleTimeout", &streamingConnectionIdleTimeout, Fields.duration)
        try fields.read("enableDebuggingHandlers", &enableDebuggingHandlers, \.bool)
        try fields.read("containerLogMaxSize", &containerLogMaxSize, Fields.size)
        var authentication = Fields(object: object["authentication"]?.object ?? [:], path: "authentication.")
        var x509 = Fields(object: authentication.object["x509"]?.object ?? [:], path: "authentication.x509.")
        try x509.read("clientCAFile", &clientCAFile, \.string)
        try authentication.read("anonymous", &anonymousAuthentication) { $0["enabled"]?.bool ?? false }
        try authentication.read("webhook", &webhookAuthentication) { $0["enabled"]?.bool ?? true }
        var authorization = Fields(object: object["authorization"]?.object ?? [:], path: "authorization.")
        try authorization.read("mode", &authorizationMode, \.string)
        var backoff = Fields(object: object["crashLoopBackOff"]?.object ?? [:], path: "crashLoopBackOff.")
        try backoff.read("maxContainerRestartPeriod", &maximumCrashLoopBackOff, Fields.duration)
        let known = fields.known.union(["apiVersion", "kind", "authentication", "authorization", "crashLoopBackOff"])
        unused = object.keys.filter { !known.contains($0) && object[$0]?.isNull == false }.sorted()
        try validate()
    }

    /// Every field of kubelet.config.k8s.io/v1beta1.
    private static let names = Set(
        """
        apiVersion kind
        address allowedUnsafeSysctls authentication authorization cgroupDriver cgroupRoot cgroupsPerQOS clusterDNS
        clusterDomain configMapAndSecretChangeDetectionStrategy containerLogMaxFiles containerLogMaxSize
        containerLogMaxWorkers containerLogMonitorInterval containerRuntimeEndpoint contentType cpuCFSQuota
        cpuCFSQuotaPeriod cpuManagerPolicy cpuManagerPolicyOptions cpuManagerReconcilePeriod crashLoopBackOff
        enableContentionProfiling enableControllerAttachDetach enableDebugFlagsHandler enableDebuggingHandlers
        enableProfilingHandler enableServer enableSystemLogHandler enableSystemLogQuery enforceNodeAllocatable
        eventBurst eventRecordQPS evictionHard evictionMaxPodGracePeriod evictionMinimumReclaim
        evictionPressureTransitionPeriod evictionSoft evictionSoftGracePeriod failCgroupV1 failSwapOn featureGates
        fileCheckFrequency hairpinMode healthzBindAddress healthzPort httpCheckFrequency imageGCHighThresholdPercent
        imageGCLowThresholdPercent imageMaximumGCAge imageMinimumGCAge imagePullCredentialsVerificationPolicy
        imageServiceEndpoint iptablesDropBit iptablesMasqueradeBit kernelMemcgNotification kubeAPIBurst kubeAPIQPS
        kubeletCgroups kubeReserved kubeReservedCgroup localStorageCapacityIsolation logging makeIPTablesUtilChains
        maxOpenFiles maxParallelImagePulls maxPods memoryManagerPolicy memoryReservationPolicy memorySwap
        memoryThrottlingFactor mergeDefaultEvictionSettings nodeLeaseDurationSeconds nodeStatusMaxImages
        nodeStatusReportFrequency nodeStatusUpdateFrequency oomScoreAdj podCIDR podLogsDir podPidsLimit podsPerCore
        port preloadedImagesVerificationAllowlist protectKernelDefaults providerID qosReserved readOnlyPort
        registerNode registerWithTaints registryBurst registryPullQPS reservedMemory reservedSystemCPUs resolvConf
        rotateCertificates runOnce runtimeRequestTimeout seccompDefault serializeImagePulls serverTLSBootstrap
        showHiddenMetricsForVersion shutdownGracePeriod shutdownGracePeriodByPodPriority
        shutdownGracePeriodCriticalPods singleProcessOOMKill staticPodPath staticPodURL staticPodURLHeader
        streamingConnectionIdleTimeout syncFrequency systemCgroups systemReserved systemReservedCgroup tlsCertFile
        tlsCipherSuites tlsCurvePreferences tlsMinVersion tlsPrivateKeyFile topologyManagerPolicy
        topologyManagerPolicyOptions topologyManagerScope tracing userNamespaces volumePluginDir volumeStatsAggPeriod
        """.split { $0.isWhitespace }.map(String.init))

    /// How many pulls the two fields together mean; nil: any number. Where neither is there, four: upstream has one then, by
    /// which a registry that is slow holds up the pods of everybody.
    private static func parallelPulls(_ serialize: Bool?, _ most: Int?) throws(KubeletConfigurationError) -> Int? {
        if let most, most <= 0 {
            throw KubeletConfigurationError("maxParallelImagePulls \(most) must be a positive number")
        }
        if let most, most > 1, serialize == true {
            throw KubeletConfigurationError(
                "maxParallelImagePulls cannot be larger than 1 unless serializeImagePulls is set to false")
        }
        if serialize == true { return 1 }
        return most ?? (serialize == false ? nil : 4)
    }

    private func validate() throws(KubeletConfigurationError) {
        guard (1...65535).contains(port) else {
            throw KubeletConfigurationError("port \(port) is not between 1 and 65535")
        }
        guard (0...65535).contains(healthzPort) else {
            throw KubeletConfigurationError("healthzPort \(healthzPort) is not between 0 and 65535")
        }
        guard ["Webhook", "AlwaysAllow"].contains(authorizationMode) else {
            throw KubeletConfigurationError(
                "authorization.mode \(authorizationMode) is neither Webhook nor AlwaysAllow")
        }
        let (low, high) = (imageGCLowThresholdPercent, imageGCHighThresholdPercent)
        guard (0...100).contains(low), (0...100).contains(high), low < high else {
            throw KubeletConfigurationError(
                "imageGCLowThresholdPercent \(low) and imageGCHighThresholdPercent \(high) are no two percentages in order"
            )
        }
        if let problem = imageVerification.problem { throw KubeletConfigurationError(problem) }
        guard maxPods >= 0 else { throw KubeletConfigurationError("maxPods \(maxPods) is negative") }
        guard containerLogMaxFiles > 1 else {
            throw KubeletConfigurationError("containerLogMaxFiles \(containerLogMaxFiles) is less than 2")
        }
        guard ["cgroupfs", "systemd"].contains(cgroupDriver) else {
            throw KubeletConfigurationError("cgroupDriver \(cgroupDriver) is neither cgroupfs nor systemd")
        }
    }
}

/// Reads fields of one object, naming each in its error.
private struct Fields {
    var object: JSONObject
    var path = ""
    /// What was asked for, whether it is there or not.
    private(set) var known: Set<String> = []

    init(object: JSONObject, path: String = "") {
        self.object = object
        self.path = path
    }

    mutating func read<Value>(
        _ name: String, _ target: inout Value, _ convert: (JSONValue) -> Value?
    ) throws(KubeletConfigurationError) {
        known.insert(name)
        guard let value = object[name], !value.isNull else { return }
        guard let converted = convert(value) else {
            throw KubeletConfigurationError("\(path)\(name): \(value) is not of the type this field has")
        }
        target = converted
    }

    static func strings(_ value: JSONValue) -> [String]? {
        guard let array = value.array else { return nil }
        let strings = array.compactMap(\.string)
        return strings.count == array.count ? strings : nil
    }

    static func map(_ value: JSONValue) -> [String: String]? {
        guard let object = value.object else { return nil }
        var map: [String: String] = [:]
        for (key, value) in object { map[key] = value.string }
        return map
    }

    static func size(_ value: JSONValue) -> Int64? { value.string.flatMap { Quantities.value($0) } }

    static func duration(_ value: JSONValue) -> Duration? { value.string.flatMap { GoDuration.parse($0) } }
}

/// Durations as Go writes them: `1h30m`, `10s`, `1.5s`, `100ms`.
enum GoDuration {
    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = text[...]
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !$0.isNumber && $0 != "." }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(number), let seconds = units[String(unit)] else { return nil }
            total += value * seconds
        }
        // Go's durations end at 292 years.
        guard total < 9.2e9 else { return nil }
        return .nanoseconds(Int64(total * 1e9))
    }

    private static let units: [String: Double] = [
        "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600,
    ]
}
