// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import JSON
internal import Linux
internal import TLS
internal import Telemetry

extension Kubelet {
    /// Serves port 10250 until cancelled.
    func listen() async throws {
        let identity = try serverIdentity()
        let authorities =
            configuration.clientCAFile.isEmpty ? [] : try Certificate.all(file: configuration.clientCAFile)
        guard let address = SocketAddress(host: configuration.address, port: UInt16(configuration.port)) else {
            throw KubeletConfigurationError("address \(configuration.address) is not an IP address")
        }
        let handler = KubeletServer(
            access: self,
            authorization: KubeletAuthorization(
                client: client, nodeName: settings.nodeName, configuration: configuration),
            metrics: metricsRegistry, configuration: configuration.document,
            isHealthy: { [heartbeat] in heartbeat.isAlive })
        let server = try HTTPServer(
            addresses: [address],
            tls: TLSServerConfiguration(
                identity: identity, clientAuthentication: .request(authorities: authorities),
                // Exec, attach and port-forward take connections over, which only HTTP/1.1 lets them.
                applicationProtocols: ["http/1.1"]),
            logger: logger, handler: handler)
        try server.start()
        defer { Task { await server.stop(grace: .zero) } }
        while true { try await sleep(for: .seconds(3600)) }
    }

    /// Serves `/healthz` to this machine until cancelled. The node works without: a port that is taken is tried again.
    func listenForHealth() async throws {
        guard configuration.healthzPort != 0 else { return }
        guard
            let address = SocketAddress(
                host: configuration.healthzBindAddress, port: UInt16(configuration.healthzPort))
        else {
            throw KubeletConfigurationError(
                "healthzBindAddress \(configuration.healthzBindAddress) is not an IP address")
        }
        let handler = HTTPClosureHandler { [heartbeat] request in
            KubeletServer.health(request.pathSegments, isHealthy: heartbeat.isAlive)
                ?? .text("404 page not found\n", status: 404)
        }
        while true {
            let server = try HTTPServer(addresses: [address], logger: logger, handler: handler)
            do {
                try server.start()
            } catch {
                logger.warning("serve /healthz", ["address": "\(address)", "error": "\(error)"])
                try await sleep(for: .seconds(5))
                continue
            }
            defer { Task { await server.stop(grace: .zero) } }
            while true { try await sleep(for: .seconds(3600)) }
        }
    }

    /// The certificate given, else a self-signed one that is kept below the root directory.
    private func serverIdentity() throws -> TLSIdentity {
        if !configuration.tlsCertFile.isEmpty {
            return try TLSIdentity(
                certificateFile: configuration.tlsCertFile, keyFile: configuration.tlsPrivateKeyFile)
        }
        let directory = settings.rootDirectory + "/pki"
        let (certificate, key) = (directory + "/kubelet.crt", directory + "/kubelet.key")
        if Files.exists(certificate), Files.exists(key) {
            return try TLSIdentity(certificateFile: certificate, keyFile: key)
        }
        try Files.makeDirectories(directory, mode: 0o700)
        let authority = try CertificateAuthority.create(commonName: "\(settings.nodeName)-ca")
        let identity = try authority.issue(
            commonName: settings.nodeName, dnsNames: [settings.nodeName], addresses: settings.nodeAddresses,
            usages: [.serverAuthentication])
        try Files.replace(key, with: try identity.key.pem(), mode: 0o600)
        try Files.replace(certificate, with: try identity.certificatePEM(), mode: 0o644)
        return identity
    }
}
