// SPDX-License-Identifier: Apache-2.0

import Glibc
public import HTTP
import Linux
public import TLS

/// Clients over the network, by what a kubeconfig or a pod's own files say.
extension KubeClient {
    /// Where a pod finds its token and the cluster's certificates.
    public static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// Connects as a kubeconfig's context says. Throws when a file it names cannot be read, or a plugin is asked for.
    public init(
        kubeconfig: Kubeconfig, context: String? = nil, userAgent: String = "swiftlet",
        configuration: HTTPClient.Configuration = HTTPClient.Configuration()
    ) throws {
        let (cluster, user, _) = try kubeconfig.resolve(context: context)
        if let plugin = user.plugin {
            throw KubeconfigError(
                "the kubeconfig's user gets its credentials from the plugin \(plugin): plugins are not run; "
                    + "use a client certificate or a token")
        }
        if user.username != nil {
            throw KubeconfigError(
                "the kubeconfig's user has a name and password: servers of today take client certificates and tokens")
        }
        let exchange = try HTTPClient(
            base: cluster.server, tls: kubeconfig.tls(context: context), configuration: configuration)
        var token: (@Sendable () async throws -> String?)?
        if let path = user.tokenFile.map(kubeconfig.absolute) {
            token = { try KubeClient.readToken(path) }
        } else if let text = user.token {
            token = { text }
        }
        self.init(exchange: exchange, userAgent: userAgent, token: token)
    }

    /// Connects as a pod does: to the address in its environment, with its token and certificates.
    public static func inCluster(userAgent: String = "swiftlet") throws -> KubeClient {
        guard let host = getenv("KUBERNETES_SERVICE_HOST").map({ String(cString: $0) }), !host.isEmpty,
            let port = getenv("KUBERNETES_SERVICE_PORT").map({ String(cString: $0) }), !port.isEmpty
        else {
            throw KubeconfigError(
                "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
        }
        var tls = TLSClientConfiguration()
        tls.authorities = .certificates(
            try Certificate.all(pem: try KubeClient.readFile("\(serviceAccountFolder)/ca.crt")))
        let address = host.contains(":") ? "[\(host)]" : host
        let exchange = try HTTPClient(base: "https://\(address):\(port)", tls: tls)
        // Read for each request: the kubelet writes a new token before the old one ends.
        return KubeClient(
            exchange: exchange, userAgent: userAgent,
            token: { try KubeClient.readToken("\(serviceAccountFolder)/token") })
    }

    private static func readToken(_ path: String) throws -> String? {
        let text = String(decoding: try readFile(path), as: UTF8.self)
        return String(text.filter { !$0.isWhitespace })
    }

    fileprivate static func readFile(_ path: String) throws -> [UInt8] {
        do {
            return try FileDescriptor.open(path, O_RDONLY).readAll()
        } catch {
            throw KubeconfigError("read \(path): \(error)")
        }
    }
}

extension Kubeconfig {
    /// How a context's server is known, and what it is shown. The files named are read each time.
    public func tls(context: String? = nil) throws -> TLSClientConfiguration {
        let (cluster, user, _) = try resolve(context: context)
        var tls = TLSClientConfiguration()
        tls.serverName = cluster.tlsServerName
        tls.verifiesPeer = !cluster.insecureSkipTLSVerify
        if let pem = try bytes(cluster.certificateAuthorityData, cluster.certificateAuthority) {
            tls.authorities = .certificates(try Certificate.all(pem: pem))
        }
        let certificate = try bytes(user.clientCertificateData, user.clientCertificate)
        let key = try bytes(user.clientKeyData, user.clientKey)
        if let certificate, let key {
            tls.identity = try TLSIdentity(chain: Certificate.all(pem: certificate), key: PrivateKey(pem: key))
        } else if certificate != nil || key != nil {
            throw KubeconfigError("the kubeconfig's user has a client certificate or a key, but not both")
        }
        return tls
    }

    /// The inline bytes, or those of the file named.
    fileprivate func bytes(_ data: [UInt8]?, _ path: String?) throws -> [UInt8]? {
        if let data { return data }
        guard let path, !path.isEmpty else { return nil }
        return try KubeClient.readFile(absolute(path))
    }
}
