// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// What keeps a node from running pods, in the words of its Ready condition.
enum NodeProblems {
    static func all(settings: KubeletSettings, network: (any PodNetworking)?) -> [String] {
        var problems: [String] = []
        for program in [settings.runtime, settings.shim] where access(program, X_OK) != 0 {
            problems.append(
                "container runtime not ready: RuntimeReady=false reason:RuntimeNotInstalled "
                    + "message:\(program): \(String(cString: strerror(errno)))")
        }
        if let reason = network?.notReadyReason {
            problems.append(
                "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:\(reason)"
            )
        }
        return problems
    }
}

/// The sign of life of a loop that has something to do at least twice a minute.
final class Heartbeat: Sendable {
    private let last = Mutex(ContinuousClock.now)
    private let patience: Duration

    init(patience: Duration = .seconds(120)) { self.patience = patience }

    func beat() { last.withLock { $0 = .now } }

    /// False when the loop hangs.
    var isAlive: Bool { ContinuousClock.now - last.withLock { $0 } < patience }
}
