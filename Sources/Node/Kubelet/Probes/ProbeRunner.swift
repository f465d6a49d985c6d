// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
internal import Linux

/// Asks a container once how it is.
struct ProbeRunner: Sendable {
    let worker: PodWorker
    let container: Container

    func run(_ probe: Probe) async -> ProbeResult {
        let timeout = Duration.seconds(max(probe.timeoutSeconds ?? 1, 1))
        do {
            if let exec = probe.exec {
                let result = try await worker.run(exec.command, in: container.name, timeout: timeout)
                return result.code == 0 ? .success : .failure(result.output)
            }
            if let get = probe.httpGet {
                let status = try await HTTPGet(worker: worker, container: container).status(get, timeout: timeout)
                return (200..<400).contains(status)
                    ? .success : .failure("HTTP probe failed with statuscode: \(status)")
            }
            if let socket = probe.tcpSocket {
                let address = try await worker.address(socket.host, port: socket.json["port"], of: container)
                let connection = try await AsyncSocket.connect(to: address, timeout: timeout)
                connection.shut()
                return .success
            }
            if let grpc = probe.grpc {
                return try await GRPCHealth(worker: worker, container: container).check(grpc, timeout: timeout)
            }
            return .failure("the probe has no handler")
        } catch {
            return .failure("\(error)")
        }
    }
}
