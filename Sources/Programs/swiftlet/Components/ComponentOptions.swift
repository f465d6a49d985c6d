// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import Glibc
internal import KubeClient
internal import Linux
internal import Telemetry

/// What every component is told that runs as a command of its own, in upstream's words.
struct ComponentOptions: Sendable {
    var kubeconfig: String
    var logLevel: Logger.Level

    static let flags: [Option] = [
        .value("kubeconfig", "path", help: "how to reach the API server, and as whom"), NodeOptions.logLevelFlag,
    ]

    init(_ arguments: ParsedArguments) throws {
        kubeconfig = try arguments.string("kubeconfig")
        logLevel = try NodeOptions.logLevel(arguments)
    }

    func connect(as userAgent: String) throws -> KubeConnection {
        try KubeConnection(kubeconfig: Kubeconfig(path: kubeconfig), userAgent: userAgent)
    }
}

/// Runs a component until the process is asked to stop or the component fails; its certificates are read again meanwhile.
func runComponent(
    _ connection: KubeConnection, _ logger: Logger, _ body: @escaping @Sendable () async throws -> Void
) async throws {
    let notifier = ServiceNotifier()
    notifier.ready("running")
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await body() }
        group.addTask { try await connection.keep(logger: logger) }
        group.addTask {
            try await notifier.feedWatchdog { true }
            try await sleepForever()
        }
        group.addTask { try await untilAskedToStop() }
        try await group.next()
        notifier.stopping()
        // Nothing needs a clean end.
        exit(0)
    }
}

/// One of several processes works at a time, by a Lease.
struct LeaderOptions: Sendable {
    var isOn: Bool
    var settings = LeaderElector.Settings()

    static let flags: [Option] = [
        .value("leader-elect", "true|false", help: "work only while holding the lease", default: "true"),
        .value("leader-elect-lease-duration", "duration", help: "how long a silent leader keeps it", default: "15s"),
        .value(
            "leader-elect-renew-deadline", "duration", help: "how long the leader tries to renew it", default: "10s"),
        .value("leader-elect-retry-period", "duration", help: "how long between two attempts", default: "2s"),
    ]

    init(_ arguments: ParsedArguments) throws {
        guard let isOn = Bool(try arguments.string("leader-elect")) else {
            throw ArgumentsError("--leader-elect is true or false", command: arguments.commandName)
        }
        self.isOn = isOn
        settings.leaseDuration = try arguments.duration("leader-elect-lease-duration") ?? settings.leaseDuration
        settings.renewDeadline = try arguments.duration("leader-elect-renew-deadline") ?? settings.renewDeadline
        settings.retryPeriod = try arguments.duration("leader-elect-retry-period") ?? settings.retryPeriod
        guard settings.leaseDuration > settings.renewDeadline, settings.renewDeadline > settings.retryPeriod,
            settings.retryPeriod > .zero
        else {
            throw ArgumentsError(
                "of --leader-elect-lease-duration, -renew-deadline and -retry-period each has to be longer than the next",
                command: arguments.commandName)
        }
    }

    /// Runs `work` when it is this process's turn. A turn that is lost ends the process, as upstream's do: whoever starts
    /// it again has nothing left of what it believed.
    func run(
        _ lease: String, client: KubeClient, logger: Logger, _ work: @escaping @Sendable () async -> Void
    ) async throws {
        guard isOn else { return await work() }
        let host = try NodeIdentity.hostName()
        let elector = LeaderElector(
            client: client, name: lease, identity: "\(host)_\(UInt64.random(in: 0 ... .max))", settings: settings,
            logger: logger)
        await elector.run {
            await work()
            Swiftlet.fail("the lease \(lease) was lost")
        }
    }
}
