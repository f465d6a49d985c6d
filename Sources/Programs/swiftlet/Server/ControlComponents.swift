// SPDX-License-Identifier: Apache-2.0

internal import APIServer
internal import Controllers
internal import HTTP
internal import KubeClient
internal import Scheduler
internal import TLS
internal import Telemetry

/// Scheduler and controllers, each as the user it would be from another machine.
struct ControlComponents: Sendable {
    private let scheduler: PodScheduler
    private let schedulerInformers: SharedInformerFactory
    private let manager: ControllerManager

    init(_ server: Server, _ apiServer: APIServer) throws {
        let schedulerClient = KubeClient(
            exchange: apiServer.exchange(
                as: RequestUser(name: "system:kube-scheduler", groups: ["system:authenticated"])),
            userAgent: "kube-scheduler")
        let log = server.logger.with([:], label: "scheduler")
        schedulerInformers = SharedInformerFactory(client: schedulerClient, logger: log)
        scheduler = PodScheduler(client: schedulerClient, informers: schedulerInformers, logger: log)

        let managerClient = KubeClient(
            exchange: apiServer.exchange(
                as: RequestUser(name: "system:kube-controller-manager", groups: ["system:authenticated"])),
            userAgent: "kube-controller-manager")
        let managerLog = server.logger.with([:], label: "controllers")
        var settings = ControllerManager.Settings(identity: server.identity.name)
        settings.clusterRanges = server.options.clusterCIDRs
        settings.nodesPerAddress = server.options.nodesPerAddress
        settings.rootCertificates = String(
            decoding: try apiServer.credentials.authority.certificate.pem(), as: UTF8.self)
        settings.signingDuration = server.options.signingDuration
        settings.accounts = { account in
            KubeClient(
                exchange: apiServer.exchange(asServiceAccount: account, namespace: "kube-system"),
                userAgent: "kube-controller-manager")
        }
        let names = apiServer.credentials.serving.leaf.alternativeNames
        settings.signer = RequestSigner(
            authority: apiServer.credentials.authority, serverNames: names.dnsNames + names.addresses)
        manager = try ControllerManager(
            client: managerClient, informers: SharedInformerFactory(client: managerClient, logger: managerLog),
            logger: managerLog, settings: settings)
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await onOwnLoop("scheduler") {
                    schedulerInformers.start()
                    await scheduler.run()
                }
            }
            group.addTask { try await onOwnLoop("controllers") { await manager.run() } }
            try await group.waitForAll()
        }
    }
}

/// Signs the requests of kubelets with the cluster's authority.
struct RequestSigner: CertificateSigner {
    let authority: CertificateAuthority
    var serverNames: [String]?

    func sign(request: [UInt8], usages: [String], lifetime: Duration, backdate: Duration) throws -> [UInt8] {
        var wanted: [KeyUsage] = []
        if usages.contains("client auth") { wanted.append(.clientAuthentication) }
        if usages.contains("server auth") { wanted.append(.serverAuthentication) }
        return try authority.sign(
            CertificateRequest(pem: request), usages: wanted, lifetime: lifetime, backdate: backdate
        ).pem()
    }
}
