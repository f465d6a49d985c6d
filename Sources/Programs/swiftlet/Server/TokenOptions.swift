// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import Arguments

/// How long tokens of service accounts may last, in upstream's words.
struct TokenOptions: Sendable {
    var maxLifetime: Duration
    var extendsLifetime: Bool

    static let flags: [Option] = [
        .value(
            "service-account-max-token-expiration", "duration",
            help: "the longest life of service account tokens; longer ones are shortened, with a warning",
            default: "8760h"),
        .value(
            "service-account-extend-token-expiration", "true|false",
            help: "let a pod's own token last a year, as long as the pod does, for clients that never read it again",
            default: "true"),
    ]

    init(_ arguments: ParsedArguments) throws {
        let longest = Duration.seconds(Int64(1) << 32)
        guard let duration = try arguments.duration("service-account-max-token-expiration"),
            duration >= .seconds(3600), duration <= longest
        else {
            throw ArgumentsError(
                "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds",
                command: arguments.commandName)
        }
        maxLifetime = duration
        guard let extends = Bool(try arguments.string("service-account-extend-token-expiration")) else {
            throw ArgumentsError(
                "--service-account-extend-token-expiration is true or false", command: arguments.commandName)
        }
        extendsLifetime = extends
    }

    func apply(to configuration: inout APIServerConfiguration) {
        configuration.maxTokenLifetime = maxLifetime
        configuration.extendsTokenLifetime = extendsLifetime
    }
}
