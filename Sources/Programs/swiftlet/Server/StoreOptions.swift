// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import Arguments

/// How much the API server keeps, and how long, in the words of etcd and of upstream.
struct StoreOptions: Sendable {
    var quota: Int
    var eventLifetime: Duration

    static let flags: [Option] = [
        .value(
            "quota-backend-bytes", "bytes",
            help: "how many bytes of objects are kept; 0: 2 GiB, an eighth of the machine's memory where that is less",
            default: "0"),
        .value("event-ttl", "duration", help: "how long Events are kept after their last change", default: "1h"),
    ]

    /// Less than a cluster begins with and a few pods take is no quota.
    private static let smallest = 16 << 20

    init(_ arguments: ParsedArguments) throws {
        guard let bytes = try arguments.integer("quota-backend-bytes"), bytes == 0 || bytes >= Self.smallest else {
            throw ArgumentsError(
                "--quota-backend-bytes is a number of bytes, \(Self.smallest) at least, or 0 for the default",
                command: arguments.commandName)
        }
        quota = bytes == 0 ? APIServerConfiguration.defaultStoreQuota : bytes
        guard let lifetime = try arguments.duration("event-ttl"), lifetime >= .seconds(1) else {
            throw ArgumentsError("--event-ttl is a time of a second or more", command: arguments.commandName)
        }
        eventLifetime = lifetime
    }

    func apply(to configuration: inout APIServerConfiguration) {
        configuration.storeQuota = quota
        configuration.eventLifetime = eventLifetime
    }
}
