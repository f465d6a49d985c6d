// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import AsyncIO
internal import HTTP
internal import KubeClient
internal import Kubelet
internal import Linux
internal import TLS
internal import Telemetry

/// How a machine becomes a node: it finds the cluster's authority, asks for a certificate with the bootstrap token, and
/// keeps both. Whoever has them needs neither token nor server address any more.
struct NodeJoin: Sendable {
    let options: AgentOptions
    let nodeName: String
    let certificate: NodeCertificate
    let logger: Logger

    private var directory: String { "\(options.node.dataDirectory)/agent" }
    private var kubeconfigPath: String { "\(directory)/kubelet.kubeconfig" }
    /// The file of the cluster's authority.
    var authorityPath: String { "\(directory)/ca.crt" }

    /// The node's kubeconfig, after joining when that has not happened yet.
    func kubeconfig() async throws -> Kubeconfig {
        if Files.exists(kubeconfigPath), certificate.load() != nil {
            let kubeconfig = try Kubeconfig(path: kubeconfigPath)
            let present = try kubeconfig.resolve().cluster.server
            if let server = options.server, server != present {
                logger.warning("this machine is a node already: --server is ignored", ["server": present])
            }
            return kubeconfig
        }
        guard let server = options.server, let source = options.token else {
            let reason =
                Files.exists(kubeconfigPath)
                ? "the node's certificate is missing or has ended" : "this machine is no node of a cluster yet"
            throw ArgumentsError(
                "\(reason): --server and a token (SWIFTLET_TOKEN, --token-file or --token) are needed to join",
                command: "swiftlet agent")
        }
        guard !options.hashes.isEmpty || options.trustsAnyAuthority else {
            throw ArgumentsError(
                "--discovery-token-ca-cert-hash is needed to know the server by, "
                    + "or --discovery-token-unsafe-skip-ca-verification to do without", command: "swiftlet agent")
        }
        let token = try source.token()
        let authority = try await patiently("find the cluster") {
            try await ClusterDiscovery(
                server: server, token: token, hashes: options.hashes,
                trustsAnyAuthority: options.trustsAnyAuthority
            ).authority()
        }
        _ = try await patiently("get a certificate for this node") {
            let http = try HTTPClient(
                base: server,
                tls: TLSClientConfiguration(authorities: .certificates(try Certificate.all(pem: authority))))
            let client = KubeClient(exchange: http, userAgent: "kubelet", token: { token.text })
            return try await certificate.request(from: client)
        }
        let kubeconfig = try write(server, authority)
        do { try source.forget() } catch {
            logger.warning("delete the token's file: delete it yourself", ["error": "\(error)"])
        }
        return kubeconfig
    }

    private func write(_ server: String, _ authority: [UInt8]) throws -> Kubeconfig {
        let kubeconfig = Kubeconfig.ofNode(
            nodeName, cluster: Kubeconfig.Cluster(server: server, certificateAuthorityData: authority),
            certificate: certificate)
        try Files.makeDirectories(directory, mode: 0o700)
        try Files.replace(authorityPath, with: authority, mode: 0o644)
        // Last: with this file the machine has joined.
        try Files.replace(kubeconfigPath, with: Array(kubeconfig.yaml.utf8), mode: 0o600)
        logger.info("joined the cluster", ["server": server, "node": nodeName])
        return kubeconfig
    }

    /// Until it works, or is refused: a server may start after its nodes.
    private func patiently<Result: Sendable>(
        _ what: String, _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        var wait = Duration.milliseconds(500)
        while true {
            do { return try await body() } catch let error as ClusterDiscovery.Refusal {
                throw error
            } catch let error as StatusError where [401, 403].contains(error.code) {
                throw ClusterDiscovery.Refusal(description: "\(what): \(error)")
            } catch let error as NodeCertificate.NotIssued {
                // Somebody has to do something on the other side, which is waited for, without a request each second.
                logger.error("\(what), trying again in a minute", ["error": "\(error)"])
                try await sleep(for: .seconds(60))
            } catch {
                logger.warning("\(what), trying again", ["error": "\(error)"])
                try await sleep(for: wait)
                wait = min(wait * 2, .seconds(10))
            }
        }
    }
}
