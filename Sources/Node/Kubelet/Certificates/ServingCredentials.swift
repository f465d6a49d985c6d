// SPDX-License-Identifier: Apache-2.0

internal import KubeClient
internal import Linux
internal import TLS
internal import Telemetry

/// What the kubelet's server shows, and by whom its clients are known: read again and again, because others exchange
/// the files, and what the kubelet has made for itself ends.
struct ServingCredentials: Sendable {
    let configuration: KubeletConfiguration
    let settings: KubeletSettings
    /// The certificate the cluster issues, where `serverTLSBootstrap` asks for one.
    let issued: NodeCertificate?
    /// Of certificates of the kubelet's own making.
    var lifetime: Duration = .seconds(365 * 86_400)

    init(_ configuration: KubeletConfiguration, _ settings: KubeletSettings, logger: Logger) {
        self.configuration = configuration
        self.settings = settings
        let isAsked = configuration.serverTLSBootstrap && configuration.tlsCertFile.isEmpty
        issued =
            isAsked
            ? NodeCertificate(
                nodeName: settings.nodeName,
                purpose: .serving(
                    dnsNames: [settings.nodeName], addresses: settings.nodeAddresses,
                    onlyProven: settings.asksForProvenAddresses),
                directory: "\(settings.rootDirectory)/pki", logger: logger) : nil
    }

    struct Content: Sendable, Equatable {
        var identity: TLSIdentity
        var authorities: [Certificate]

        static func == (a: Content, b: Content) -> Bool {
            a.identity.leaf.fingerprint == b.identity.leaf.fingerprint
                && a.authorities.map(\.fingerprint) == b.authorities.map(\.fingerprint)
        }

        var tls: TLSServerConfiguration {
            TLSServerConfiguration(
                identity: identity, clientAuthentication: .request(authorities: authorities),
                // Exec, attach and port-forward take connections over, which only HTTP/1.1 lets them.
                applicationProtocols: ["http/1.1"])
        }
    }

    /// What is to be used now: the files named in the configuration, what the cluster has issued, or a self-signed
    /// certificate that is made anew when a third of its time is left. Nil while the cluster has issued nothing.
    func read() throws -> Content? {
        let authorities =
            configuration.clientCAFile.isEmpty ? [] : try Certificate.all(file: configuration.clientCAFile)
        guard let identity = try issued.map({ $0.load() }) ?? ownOrGiven() else { return nil }
        return Content(identity: identity, authorities: authorities)
    }

    private func ownOrGiven() throws -> TLSIdentity? {
        if !configuration.tlsCertFile.isEmpty {
            return try TLSIdentity(
                certificateFile: configuration.tlsCertFile, keyFile: configuration.tlsPrivateKeyFile)
        }
        let directory = settings.rootDirectory + "/pki"
        let (certificate, key) = (directory + "/kubelet.crt", directory + "/kubelet.key")
        // A pair that cannot be used is as good as none.
        if let present = try? TLSIdentity(certificateFile: certificate, keyFile: key),
            present.leaf.isFresh(at: KernelClock.wall.now() / 1_000_000_000)
        {
            return present
        }
        try Files.makeDirectories(directory, mode: 0o700)
        let authority = try CertificateAuthority.create(commonName: "\(settings.nodeName)-ca")
        let identity = try authority.issue(
            commonName: settings.nodeName, dnsNames: [settings.nodeName], addresses: settings.nodeAddresses,
            usages: [.serverAuthentication], lifetime: lifetime, backdate: min(.seconds(60), lifetime / 10))
        // Between the two writes the pair does not match: whoever finds that makes both anew.
        try Files.removeIfPresent(certificate)
        try Files.replace(key, with: try identity.key.pem(), mode: 0o600)
        try Files.replace(certificate, with: try identity.certificatePEM(), mode: 0o644)
        return identity
    }
}
