// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import HTTP
internal import Synchronization
internal import TLS
public import Telemetry

/// A component's connection to a server on another machine, by a kubeconfig whose files others may exchange: a certificate
/// that was renewed is used from the next request on.
public final class KubeConnection: Sendable {
    public let client: KubeClient
    private let http: HTTPClient
    private let kubeconfig: Kubeconfig
    private let shown: Mutex<[UInt8]?>
    private let anonymous: HTTPClient

    /// Throws when the kubeconfig or a file it names cannot be used.
    public init(kubeconfig: Kubeconfig, userAgent: String) throws {
        var configuration = HTTPClient.Configuration()
        // As upstream's components: a server whose machine is gone is noticed within half a minute.
        configuration.silenceTimeout = .seconds(30)
        configuration.connectTimeout = .seconds(10)
        let client = try KubeClient(kubeconfig: kubeconfig, userAgent: userAgent, configuration: configuration)
        guard let http = client.exchange as? HTTPClient else {
            preconditionFailure("a client by a kubeconfig speaks HTTP")
        }
        self.client = client
        self.http = http
        self.kubeconfig = kubeconfig
        var tls = try kubeconfig.tls()
        shown = Mutex(tls.identity?.leaf.fingerprint)
        tls.identity = nil
        anonymous = try HTTPClient(
            base: try kubeconfig.resolve().cluster.server, tls: tls, configuration: configuration)
    }

    /// A client of somebody else, by tokens: the kubeconfig's certificate is not shown, which would count before them.
    public func client(
        userAgent: String, token: @escaping @Sendable () async throws -> String?
    ) -> KubeClient {
        KubeClient(exchange: anonymous, userAgent: userAgent, token: token)
    }

    /// Reads the files again, and uses what has changed. Throws, and changes nothing, when they cannot be used.
    public func reload() throws {
        let tls = try kubeconfig.tls()
        let present = tls.identity?.leaf.fingerprint
        guard shown.withLock({ $0 != present }) else { return }
        try http.reload(tls: tls)
        shown.withLock { $0 = present }
    }

    /// Does so every minute until cancelled.
    public func keep(logger: Logger) async throws {
        while true {
            try await AsyncIO.sleep(for: .seconds(60))
            do { try reload() } catch {
                logger.error("read the kubeconfig's certificates again", ["error": "\(error)"])
            }
        }
    }
}
