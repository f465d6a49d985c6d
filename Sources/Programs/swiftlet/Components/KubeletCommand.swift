// SPDX-License-Identifier: Apache-2.0

internal import Arguments
internal import KubeClient
internal import Kubelet
internal import Linux
internal import Telemetry

/// `swiftlet kubelet`: the kubelet with its runtime and pod network, for any API server.
enum KubeletCommand {
    static let command = Command(
        "kubelet", summary: "Run the kubelet alone, with its runtime and pod network",
        options: [
            .value("kubeconfig", "path", help: "how to reach the API server; written after bootstrapping"),
            .value(
                "bootstrap-kubeconfig", "path", help: "with what to ask for a certificate where there is none yet"),
            .value("cert-dir", "path", help: "where the kubelet's certificates are; default: pki of --root-dir"),
            .value("client-ca-file", "path", help: "the authority of those who may ask the kubelet"),
            .flag("rotate-certificates", help: "ask for another client certificate before it ends"),
            .value(
                "cluster-cidr", "cidrs", help: "addresses of all pods, a block for each family",
                default: "10.42.0.0/16,fd42::/48"),
        ] + NodeOptions.flags,
        discussion: "Pod addresses are those of the Node's podCIDRs, which the cluster has to allocate.")

    static func run(_ arguments: ParsedArguments) throws {
        try requireRoot()
        var options = try NodeOptions(arguments)
        let clusterCIDRs = try NodeOptions.blocks("cluster-cidr", arguments)
        if let path = arguments["client-ca-file"] { options.kubelet.clientCAFile = path }
        let path = try arguments.string("kubeconfig")
        let identity = try NodeIdentity.detect(name: options.nodeName, addresses: options.nodeAddresses)
        let logger = Logger(label: "kubelet", level: options.logLevel)
        let certificate = NodeCertificate(
            nodeName: identity.name, purpose: .client,
            directory: arguments["cert-dir"] ?? "\(options.rootDirectory)/pki", logger: logger)
        let rotates = arguments.flag("rotate-certificates") || options.kubelet.rotateCertificates
        let bootstrap = arguments["bootstrap-kubeconfig"]
        let final = options
        try runService {
            let kubeconfig = try await Self.kubeconfig(path, bootstrap, certificate, identity.name)
            let connection = try KubeConnection(kubeconfig: kubeconfig, userAgent: "kubelet")
            let kubelet = try KubeletComponents(
                options: final, identity: identity, clusterCIDRs: clusterCIDRs, authority: "",
                client: connection.client, proxyClient: connection.proxyClient(node: identity.name), logger: logger)
            try await runComponent(connection, logger) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await kubelet.run() }
                    if rotates, let present = certificate.load() {
                        group.addTask {
                            try await certificate.keep(present, client: connection.client) { _ in
                                try connection.reload()
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    /// The kubeconfig as it is, or made of a certificate that the bootstrap kubeconfig's user was given (TLS bootstrap).
    private static func kubeconfig(
        _ path: String, _ bootstrap: String?, _ certificate: NodeCertificate, _ name: String
    ) async throws -> Kubeconfig {
        if Files.exists(path) {
            let present = try Kubeconfig(path: path)
            // One whose certificate comes from elsewhere is not this program's to judge.
            let isOwn = try present.resolve().user.clientCertificate.map(present.absolute) == certificate.file
            if !isOwn || certificate.load() != nil || bootstrap == nil { return present }
        }
        guard let bootstrap else {
            throw ArgumentsError(
                "there is no \(path), and no --bootstrap-kubeconfig to get one with", command: "swiftlet kubelet")
        }
        let source = try Kubeconfig(path: bootstrap)
        if certificate.load() == nil {
            let client = try KubeClient(kubeconfig: source, userAgent: "kubelet")
            _ = try await certificate.request(from: client)
        }
        var cluster = try source.resolve().cluster
        if let file = cluster.certificateAuthority { cluster.certificateAuthority = source.absolute(file) }
        let made = Kubeconfig.ofNode(name, cluster: cluster, certificate: certificate)
        try Files.makeDirectories(Files.parent(of: path), mode: 0o755)
        try Files.replace(path, with: Array(made.yaml.utf8), mode: 0o600)
        return made
    }
}
