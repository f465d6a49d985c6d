// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI

/// Runs a postStart or preStop handler.
struct HookRunner: Sendable {
    let worker: PodWorker
    let container: String

    func run(_ handler: LifecycleHandler) async throws {
        // As for a probe.
        try await Resolver.$asker.withValue(worker.namespace) { try await call(handler) }
    }

    private func call(_ handler: LifecycleHandler) async throws {
        if let exec = handler.exec {
            let result = try await worker.run(exec.command, in: container, timeout: nil)
            guard result.code == 0 else {
                throw ProbeUnsupported(description: "the hook's command ended with \(result.code): \(result.output)")
            }
        } else if let seconds = handler.sleep?.seconds {
            try await sleep(for: .seconds(seconds))
        } else if let get = handler.httpGet, let planned = await worker.planned(container) {
            let (host, port) = try await worker.target(get.host, port: get.json["port"], of: planned.container)
            // Whatever the answer's status is, the hook has been told.
            _ = try await HTTPGet(get, host: host, port: port, purpose: .lifecycle).status(timeout: .seconds(60))
        } else if let socket = handler.tcpSocket, let planned = await worker.planned(container) {
            let (host, port) = try await worker.target(
                socket.host, port: socket.json["port"], of: planned.container)
            try await AsyncSocket.connect(host: host, port: port, timeout: .seconds(60)).shut()
        }
    }
}
