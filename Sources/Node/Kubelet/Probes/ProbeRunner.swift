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
        // The pod has chosen the host's name: what does not resolve holds up its own namespace at most.
        await Resolver.$asker.withValue(worker.namespace) { await ask(probe) }
    }

    private func ask(_ probe: Probe) async -> ProbeResult {
        let timeout = Duration.seconds(max(probe.timeoutSeconds ?? 1, 1))
        do {
            if let exec = probe.exec {
                let result = try await worker.run(exec.command, in: container.name, timeout: timeout)
                return result.code == 0 ? .success : .failure(result.output)
            }
            if let get = probe.httpGet {
                let (host, port) = try await worker.target(get.host, port: get.json["port"], of: container)
                let status = try await HTTPGet(get, host: host, port: port, purpose: .probe).status(timeout: timeout)
                return (200..<400).contains(status)
                    ? .success : .failure("HTTP probe failed with statuscode: \(status)")
            }
            if let socket = probe.tcpSocket {
                let (host, port) = try await worker.target(socket.host, port: socket.json["port"], of: container)
                try await AsyncSocket.connect(host: host, port: port, timeout: timeout).shut()
                return .success
            }
            if let grpc = probe.grpc {
                let (host, port) = try await worker.target(nil, port: grpc.json["port"], of: container)
                return await GRPCHealth(host: host, port: port, service: grpc.service ?? "").check(timeout: timeout)
            }
            return .failure("the probe has no handler")
        } catch {
            return .failure("\(error)")
        }
    }
}
