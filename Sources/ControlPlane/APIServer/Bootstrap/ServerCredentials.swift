// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HTTP
internal import JSON
internal import Linux
internal import Synchronization
public import TLS

/// The keys and certificates of a cluster, in `tls/` of the data directory: made at the first start, renewed when less
/// than a third of their time is left. Private keys are readable by their owner only.
public final class ServerCredentials: Sendable {
    /// Issues the certificates of servers and clients.
    public let authority: CertificateAuthority
    /// Issues the certificate by which aggregated servers know the front proxy.
    public let frontProxyAuthority: CertificateAuthority
    /// Signs service account tokens.
    public let serviceAccountKey: PrivateKey
    private let files: CredentialFiles
    private let configuration: APIServerConfiguration
    /// Authorities of kubelets besides the cluster's own.
    var kubeletAuthorityFile: String? { configuration.kubeletAuthorityFile }
    private let current: Mutex<Leaves>

    /// The certificates that do not last.
    private struct Leaves: Sendable {
        var serving, kubeletClient, frontProxyClient, administrator, scheduler, controllerManager,
            kubeProxy: TLSIdentity
        /// Of the node in the same process.
        var kubeletServing: TLSIdentity?

        var all: [TLSIdentity] {
            [serving, kubeletClient, frontProxyClient, administrator, scheduler, controllerManager, kubeProxy]
                + (kubeletServing.map { [$0] } ?? [])
        }
    }

    /// What the HTTPS listener presents.
    public var serving: TLSIdentity { current.withLock { $0.serving } }
    /// What the API server presents to kubelets, and to nobody else: it is no user of the API server's own.
    public var kubeletClient: TLSIdentity { current.withLock { $0.kubeletClient } }
    /// The user that kubelets see in the API server. A client that comes with it to the API server is refused, so that
    /// whoever makes the server connect to itself gets nothing by it.
    static let kubeletClientName = "kube-apiserver-kubelet-client"
    /// The files of what the kubelet in the same process shows, where there is one.
    public var kubeletServingFiles: (certificate: String, key: String)? {
        guard configuration.localNode != nil else { return nil }
        return ("\(files.directory)/kubelet-serving.crt", "\(files.directory)/kubelet-serving.key")
    }
    /// What the proxy of aggregated APIs presents.
    public var frontProxyClient: TLSIdentity { current.withLock { $0.frontProxyClient } }
    /// An administrator's certificate (group system:masters).
    public var administrator: TLSIdentity { current.withLock { $0.administrator } }

    init(_ configuration: APIServerConfiguration) throws {
        self.configuration = configuration
        files = CredentialFiles(
            directory: "\(configuration.dataDirectory)/tls", lifetime: configuration.certificateLifetime)
        try files.prepare()
        authority = try files.authority("ca", commonName: "swiftlet-ca")
        frontProxyAuthority = try files.authority("front-proxy-ca", commonName: "swiftlet-front-proxy-ca")
        serviceAccountKey = try files.key("service-account")
        current = Mutex(try Self.leaves(files, authority, frontProxyAuthority, configuration))
        try writeKubeconfigs()
    }

    /// Those on disk that are good, and others in the place of those that are not.
    private static func leaves(
        _ files: CredentialFiles, _ authority: CertificateAuthority, _ frontProxyAuthority: CertificateAuthority,
        _ configuration: APIServerConfiguration
    ) throws -> Leaves {
        let masters = [Authorizer.masters]
        var leaves = Leaves(
            serving: try files.identity(
                "serving", authority, commonName: "kube-apiserver", usages: [.serverAuthentication],
                dnsNames: dnsNames(configuration), addresses: addresses(configuration)),
            kubeletClient: try files.client("kubelet-client", authority, kubeletClientName),
            frontProxyClient: try files.client("front-proxy-client", frontProxyAuthority, "system:auth-proxy"),
            administrator: try files.client("admin", authority, "kubernetes-admin", masters),
            scheduler: try files.client("scheduler", authority, "system:kube-scheduler"),
            controllerManager: try files.client("controller-manager", authority, "system:kube-controller-manager"),
            kubeProxy: try files.client("kube-proxy", authority, "system:kube-proxy"))
        if let node = configuration.localNode {
            leaves.kubeletServing = try files.identity(
                "kubelet-serving", authority, commonName: KubeletName.user(of: node.name),
                organizations: [KubeletName.group], usages: [.serverAuthentication], dnsNames: [node.name],
                addresses: node.addresses)
        }
        return leaves
    }

    /// Issues anew what has to be; true when there was something. What is in use is exchanged by whoever uses it.
    func renew() throws -> Bool {
        let new = try Self.leaves(files, authority, frontProxyAuthority, configuration)
        let isChanged = current.withLock { leaves in
            defer { leaves = new }
            return zip(leaves.all, new.all).contains { $0.leaf.fingerprint != $1.leaf.fingerprint }
        }
        if isChanged { try writeKubeconfigs() }
        return isChanged
    }

    /// How long nothing has to be renewed; an hour at the most, because the wall clock may be set, and not so short that
    /// an authority near its own end, whose certificates cannot last, keeps the processor busy.
    var untilRenewal: Duration {
        let first = current.withLock { $0.all.map { CredentialFiles.renewal($0.leaf) }.min() } ?? 0
        let patience = min(max(configuration.certificateLifetime.components.seconds / 100, 1), 3600)
        return .seconds(min(max(first - WallClock.seconds(), patience), 3600))
    }

    /// What the components need to run as commands of their own, on this machine.
    private func writeKubeconfigs() throws {
        let leaves = current.withLock { $0 }
        for (name, identity) in [
            ("admin", leaves.administrator), ("scheduler", leaves.scheduler),
            ("controller-manager", leaves.controllerManager), ("kube-proxy", leaves.kubeProxy),
        ] {
            let text = Array(try kubeconfig(identity).utf8)
            // Left alone where it is right: a server starts on a full disk too.
            if try files.read("\(name).kubeconfig") != text { try files.write("\(name).kubeconfig", text) }
        }
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
                server: \(server ?? "https://127.0.0.1:\(configuration.securePort)")
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
    /// Of the certificates it issues.
    let lifetime: Duration

    func prepare() throws { try Files.makeDirectories(directory, mode: 0o700) }

    func read(_ name: String) throws -> [UInt8]? {
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
            let present: CertificateAuthority
            do throws(TLSError) {
                present = try CertificateAuthority(certificatePEM: certificate, keyPEM: key)
            } catch {
                throw TLSError("use the authority in \(directory)/\(name).crt and \(name).key", "\(error)")
            }
            if present.certificate.isFresh(at: WallClock.seconds()) { return present }
            let renewed = try present.renewed()
            try write("\(name).crt", try renewed.certificate.pem())
            return renewed
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

    /// When a certificate is to be renewed, in seconds since 1970.
    static func renewal(_ certificate: Certificate) -> Int64 { certificate.moment(after: 2.0 / 3) }

    /// The certificate on disk while it is good: of this authority, for this user and these names, with a third of its
    /// time left.
    func identity(
        _ name: String, _ authority: CertificateAuthority, commonName: String, organizations: [String] = [],
        usages: [KeyUsage], dnsNames: [String] = [], addresses: [String] = []
    ) throws -> TLSIdentity {
        // A pair that does not fit, as a crash between the two writes leaves it, is as good as none: it is issued anew.
        if let certificate = try read("\(name).crt"), let key = try read("\(name).key"),
            let present = try? TLSIdentity(certificatePEM: certificate, keyPEM: key)
        {
            let leaf = present.leaf
            let names = leaf.alternativeNames
            let wantedAddresses = addresses.compactMap { AddressRange.bytes($0) }
            let heldAddresses = names.addresses.compactMap { AddressRange.bytes($0) }
            if leaf.issuerCommonName == authority.certificate.commonName, leaf.isFresh(at: WallClock.seconds()),
                leaf.commonName == commonName, Set(leaf.organizations) == Set(organizations),
                dnsNames.allSatisfy(names.dnsNames.contains), wantedAddresses.allSatisfy(heldAddresses.contains)
            {
                return present
            }
        }
        let made = try authority.issue(
            commonName: commonName, organizations: organizations, dnsNames: dnsNames, addresses: addresses,
            usages: usages, lifetime: lifetime, backdate: min(.seconds(60), lifetime / 10))
        try write("\(name).key", try made.key.pem())
        try write("\(name).crt", try made.certificatePEM())
        return made
    }
}
