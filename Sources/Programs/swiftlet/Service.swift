// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import AsyncIO
internal import Glibc
internal import Linux

// What the commands have in common that run until they are told to stop.

/// Runs `body` as a service does: signals to end come by `untilAskedToStop`, there are descriptors enough, and memory that
/// is not used goes back to the kernel.
func runService(_ body: @escaping @Sendable () async throws -> Void) throws {
    // What is made is for root alone unless the place that makes it says otherwise.
    umask(0o077)
    try Confinement.apply()
    raiseDescriptorLimit()
    // Here, before there are other threads: they inherit what is blocked, and the signals reach the descriptor alone.
    _ = try SignalDescriptor([SIGTERM, SIGINT])
    try runOnLoop {
        async let _: Void = HeapTrimmer.run()
        try await body()
    }
}

/// A node's components cannot do with less.
func requireRoot() throws {
    guard geteuid() == 0 else {
        throw ArgumentsError("needs root: a node mounts, makes namespaces and programs the network")
    }
}

/// A server holds a descriptor for each client and several for each pod; the hard limit is what it may have.
private func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    // Staying with the old limit costs capacity, not correctness.
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Returns on SIGTERM and SIGINT.
func untilAskedToStop() async throws {
    let signals = try SignalDescriptor([SIGTERM, SIGINT])
    let events = AsyncDescriptor(owning: try signals.descriptor.duplicate())
    try await events.readable()
}

/// A component's work on a thread of its own: what one computes keeps no other waiting, and least of all the API server's
/// connections, which are on the first loop.
func onOwnLoop<Result: Sendable>(
    _ name: String, _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withTaskExecutorPreference(EventLoop(name: name)) { try await body() }
}

func sleepForever() async throws {
    while true { try await sleep(for: .seconds(86_400)) }
}
