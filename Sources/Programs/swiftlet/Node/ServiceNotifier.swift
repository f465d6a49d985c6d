// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import Glibc
internal import Linux

/// Tells systemd what the service is doing (sd_notify(3)); does nothing where nobody listens.
struct ServiceNotifier: Sendable {
    private let address: String?
    /// How often systemd wants to hear, halved; nil without a watchdog for this process.
    private let interval: Duration?

    init() {
        address = Self.environment("NOTIFY_SOCKET")
        // The watchdog is meant for the process systemd started, which WATCHDOG_PID names when it is set.
        let isMine = Self.environment("WATCHDOG_PID").map { Int32($0) == getpid() } ?? true
        interval = Self.environment("WATCHDOG_USEC").flatMap { Int64($0) }.flatMap {
            isMine && $0 > 0 ? .microseconds($0 / 2) : nil
        }
    }

    /// The service is up.
    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)\nMAINPID=\(getpid())") }

    /// The service is on its way down.
    func stopping() { send("STOPPING=1") }

    /// Feeds the watchdog until cancelled, as long as `isAlive` says so: a loop that hangs, or a component that does not
    /// answer, lets it bite.
    func feedWatchdog(while isAlive: @Sendable () async -> Bool) async throws {
        guard let interval else { return }
        while true {
            if await isAlive() { send("WATCHDOG=1") }
            try await sleep(for: interval)
        }
    }

    private func send(_ text: String) {
        guard let address else { return }
        // systemd misses one message of many at worst; there is nobody else to tell.
        guard let socket = try? Socket.connected(to: .unix(address), kind: .datagram) else { return }
        let bytes = Array(text.utf8)
        _ = try? bytes.withUnsafeBytes { try socket.send($0) }
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
