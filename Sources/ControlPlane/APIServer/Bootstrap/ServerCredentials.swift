// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HTTP
internal import JSON
internal import Linux
public import TLS

/// The keys and certificates of a cluster, in `tls/` of the data directory: made at the first start, renewed when less
/// than a third of their time is left. Private keys are readable by their owner only.
public struct ServerCredentials: Sendable {
    /// Issues the certificates of servers and clients.
    public let authority: CertificateAuthority
    /// Issues the certificate by which aggregated servers know the front proxy.
    public let frontProxyAuthority: CertificateAuthority
    /// Signs service account tokens.
    public let serviceAccountKey: PrivateKey
    /// What the HTTPS listener presents.
    public let serving: TLSIdentity
    /// What the API server presents to kubelets.
    public let kubeletClient: TLSIdentity
    /// What the proxy of aggregated APIs presents.
    public let frontProxyClient: TLSIdentity
    /// An administrator's certificate (group system:masters).
    public let administrator: TLSIdentity
    /// Those of the components of the control plane.
    public let scheduler: TLSIdentity
    public let controllerManager: TLSIdentity
    public let kubeProxy: TLSIdentity
    private let server: String

    init(_ configuration: APIServerConfiguration) throws {
        let files = CredentialFiles(directory: "\(configuration.dataDirectory)/tls")
        try files.prepare()
        authority = try files.authority("ca", commonName: "swiftlet-ca")
        frontProxyAuthority = try files.authority("front-proxy-ca", commonName: "swiftlet-front-proxy-ca")
        serviceAccountKey = try files.key("service-account")
        serving = try files.identity(
            "serving", authority, commonName: "kube-apiserver", usages: [.serverAuthentication],
            dnsNames: Self.dnsNames(configuration), addresses: Self.addresses(configuration))
        let masters = ["system:masters"]
        kubeletClient = try files.client("kubelet-client", authority, "kube-apiserver-kubelet-client", masters)
        administrator = try files.client("admin", authority, "kubernetes-admin", masters)
        scheduler = try files.client("scheduler", authority, "system:kube-scheduler")
        controllerManager = try files.client("controller-manager", authority, "system:kube-controller-manager")
        kubeProxy = try files.client("kube-proxy", authority, "system:kube-proxy")
        frontProxyClient = try files.identity(
            "front-proxy-client", frontProxyAuthority, commonName: "system:auth-proxy", usages: [.clientAuthentication])
        server = "https://127.0.0.1:\(configuration.securePort)"
        try files.write("admin.kubeconfig", Array(try kubeconfig(administrator).utf8))
    }

    private static func dnsNames(_ configuration: APIServerConfiguration) -> [String] {
        let base = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        var names = base + ["kubernetes.default.svc.\(configuration.clusterDomain)", "localhost"]
        var buffer = [CChar](repeating: 0, count: 256)
        if gethostname(&buffer, 255) == 0 {
            names.append(String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
        }
        names += configuration.extraNames.filter { AddressRange.bytes($0) == nil }
        return names.filter { !$0.isEmpty }
    }

    private static func addresses(_ configuration: APIServerConfiguration) -> [String] {
        var addresses = ["127.0.0.1", "::1", configuration.advertiseAddress]
        addresses += configuration.serviceRanges.compactMap { AddressRange($0)?.address(1) }
        addresses += configuration.extraNames.filter { AddressRange.bytes($0) != nil }
        var seen: Set<String> = []
        return addresses.filter { seen.insert($0).inserted }
    }

    /// A kubeconfig for `identity`, at `server` (default: this machine's listener).
    public func kubeconfig(_ identity: TLSIdentity, server: String? = nil) throws -> String {
        let user = identity.leaf.commonName
        return """
            apiVersion: v1
            kind: Config
            clusters:
            - name: default
              cluster:
                server: \(server ?? self.server)
                certificate-authority-data: \(Base64.encode(try authority.certificate.pem()))
            users:
            - name: \(user)
              user:
                client-certificate-data: \(Base64.encode(try identity.certificatePEM()))
                client-key-data: \(Base64.encode(try identity.key.pem()))
            contexts:
            - name: default
              context:
                cluster: default
                user: \(user)
            current-context: default
            preferences: {}

            """
    }
}

/// Files that hold keys and certificates.
struct CredentialFiles: Sendable {
    let directory: String

    func prepare() throws { try Files.makeDirectories(directory, mode: 0o700) }

    private func read(_ name: String) throws -> [UInt8]? {
        let result = Result { () throws(Errno) in try Files.read("\(directory)/\(name)") }
        if case .failure(let error) = result, error.code == ENOENT { return nil }
        return try result.get()
    }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        try Files.replace("\(directory)/\(name)", with: bytes, mode: 0o600)
    }

    func key(_ name: String) throws -> PrivateKey {
        if let bytes = try read("\(name).key") { return try PrivateKey(pem: bytes, name: "\(directory)/\(name).key") }
        let key = try PrivateKey(generate: .ecdsaP256)
        try write("\(name).key", try key.pem())
        return key
    }

    func authority(_ name: String, commonName: String) throws -> CertificateAuthority {
        if let certificate = try read("\(name).crt"), let key = try read("\(name).key") {
            return try CertificateAuthority(certificatePEM: certificate, keyPEM: key)
        }
        let made = try CertificateAuthority.create(commonName: "\(commonName)@\(WallClock.seconds())")
        try write("\(name).key", try made.key.pem())
        try write("\(name).crt", try made.certificate.pem())
        return made
    }

    /// A client's certificate: a user, and groups.
    func client(
        _ name: String, _ authority: CertificateAuthority, _ user: String, _ groups: [String] = []
    ) throws -> TLSIdentity {
        try identity(name, authority, commonName: user, organizations: groups, usages: [.clientAuthentication])
    }

    /// The certificate on disk while it is good: of this authority, for these names, with a third of its time left.
    func identity(
        _ name: String, _ authority: CertificateAuthority, commonName: String, organizations: [String] = [],
        usages: [KeyUsage], dnsNames: [String] = [], addresses: [String] = []
    ) throws -> TLSIdentity {
        if let certificate = try read("\(name).crt"), let key = try read("\(name).key") {
            let present = try TLSIdentity(certificatePEM: certificate, keyPEM: key)
            let leaf = present.leaf
            let left = leaf.notAfter - WallClock.seconds()
            let names = leaf.alternativeNames
            let wantedAddresses = addresses.compactMap { AddressRange.bytes($0) }
            let heldAddresses = names.addresses.compactMap { AddressRange.bytes($0) }
            if leaf.issuerCommonName == authority.certificate.commonName, left > (leaf.notAfter - leaf.notBefore) / 3,
                dnsNames.allSatisfy(names.dnsNames.contains), wantedAddresses.allSatisfy(heldAddresses.contains)
            {
                return present
            }
        }
        let made = try authority.issue(
            commonName: commonName, organizations: organizations, dnsNames: dnsNames, addresses: addresses,
            usages: usages)
        try write("\(name).key", try made.key.pem())
        try write("\(name).crt", try made.certificatePEM())
        return made
    }
}

// MARK: - Connections of the server

extension ServerCredentials {
    /// What the HTTPS listener is to be configured with: clients may show certificates of either authority.
    public var listener: TLSServerConfiguration {
        TLSServerConfiguration(
            identity: serving,
            clientAuthentication: .request(
                authorities: [authority.certificate, frontProxyAuthority.certificate]))
    }

    /// Connects to a kubelet (`authenticated`) or to a pod. Kubelets may have certificates of their own making, and are
    /// reached by addresses that those do not name: the server's identity is what matters here, as upstream does without
    /// a kubelet authority.
    func makeClient(host: String, port: Int, tls: Bool, authenticated: Bool) throws -> any HTTPExchange {
        let name = host.contains(":") ? "[\(host)]" : host
        return try HTTPClient(
            base: "\(tls ? "https" : "http")://\(name):\(port)",
            tls: tls
                ? TLSClientConfiguration(verifiesPeer: false, identity: authenticated ? kubeletClient : nil) : nil)
    }
}
