// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import KubeClient
internal import Scheduler
internal import Telemetry

/// `swiftlet scheduler`: the scheduler alone, for any API server.
enum SchedulerCommand {
    static let command = Command(
        "scheduler", summary: "Run the scheduler alone", options: ComponentOptions.flags + LeaderOptions.flags)

    static func run(_ arguments: ParsedArguments) throws {
        let options = try ComponentOptions(arguments)
        let leader = try LeaderOptions(arguments)
        let logger = Logger(label: "scheduler", level: options.logLevel)
        let connection = try options.connect(as: "kube-scheduler")
        try runService {
            let informers = SharedInformerFactory(client: connection.client, logger: logger)
            let scheduler = PodScheduler(client: connection.client, informers: informers, logger: logger)
            try await runComponent(connection, logger) {
                try await leader.run("kube-scheduler", client: connection.client, logger: logger) {
                    informers.start()
                    await scheduler.run()
                }
            }
        }
    }
}
