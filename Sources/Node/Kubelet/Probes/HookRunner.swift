// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI

/// Runs a postStart or preStop handler.
struct HookRunner: Sendable {
    let worker: PodWorker
    let container: String

    func run(_ handler: LifecycleHandler) async throws {
        if let exec = handler.exec {
            let result = try await worker.run(exec.command, in: container, timeout: nil)
            guard result.code == 0 else {
                throw ProbeUnsupported(description: "the hook's command ended with \(result.code): \(result.output)")
            }
        } else if let seconds = handler.sleep?.seconds {
            try await sleep(for: .seconds(seconds))
        } else if let get = handler.httpGet, let planned = await worker.planned(container) {
            let status = try await HTTPGet(worker: worker, container: planned.container)
                .status(get, timeout: .seconds(60))
            guard (200..<400).contains(status) else {
                throw ProbeUnsupported(description: "the hook's request was answered with status \(status)")
            }
        } else if let socket = handler.tcpSocket, let planned = await worker.planned(container) {
            let address = try await worker.address(socket.host, port: socket.json["port"], of: planned.container)
            try await AsyncSocket.connect(to: address, timeout: .seconds(60)).shut()
        }
    }
}
