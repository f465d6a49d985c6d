// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
public import KubeClient
public import Telemetry

/// All controllers of a cluster, run by whichever process holds their lease.
public final class ControllerManager: Sendable {
    /// Gives the client of a service account of `kube-system`, by its name.
    public typealias AccountClients = @Sendable (_ account: String) -> KubeClient

    public struct Settings: Sendable {
        /// Who this candidate is; stable over restarts, so that a restarted server takes its lease back at once.
        public var identity: String
        /// The cluster's pod ranges, `10.42.0.0/16`, one a family, and each node's share of them.
        public var clusterRanges: [String] = ["10.42.0.0/16", "fd42::/48"]
        public var nodePrefixV4 = 24
        public var nodePrefixV6 = 64
        /// How many Nodes that joined from one address get blocks; nil: as `BlockLedger.limit` says.
        public var nodesPerAddress: Int?
        /// Gives nodes their blocks; off where something else does.
        public var allocatesNodeRanges = true
        /// PEM of the certificates by which pods know the API server; nil publishes none.
        public var rootCertificates: String?
        /// Signs the certificates of kubelets; nil leaves requests to others.
        public var signer: (any CertificateSigner)?
        /// The longest life of a certificate it signs (upstream's `--cluster-signing-duration`).
        public var signingDuration: Duration = .seconds(365 * 86_400)
        /// Each controller's own identity, as upstream's `--use-service-account-credentials`; nil: all are the manager.
        public var accounts: AccountClients?
        /// Names of controllers to leave out.
        public var disabled: Set<String> = []
        public var election = LeaderElector.Settings()

        public init(identity: String) { self.identity = identity }
    }

    /// A setting that cannot be used.
    public struct InvalidSetting: Error, CustomStringConvertible {
        public var description: String
    }

    /// The names of all controllers.
    public static let names: Set<String> = [
        "bootstrap-signer", "certificatesigningrequest", "clusterrole-aggregation", "cronjob", "daemonset",
        "deployment",
        "disruption", "endpoints", "endpointslice", "endpointslice-mirroring", "garbage-collector", "job", "namespace",
        "node-ipam", "node-lifecycle", "persistentvolume-protection", "persistentvolumeclaim-protection",
        "pod-garbage-collector", "replicaset", "replicationcontroller", "root-ca-certificate-publisher",
        "serviceaccount", "statefulset", "taint-eviction", "token-cleaner", "ttl-after-finished",
    ]

    private let context: ControllerContext
    private let settings: Settings
    private let shares: [NodeIPAMController.Share]

    /// - Parameter informers: Started by the manager when it leads; others may share and start them earlier.
    public init(
        client: KubeClient, informers: SharedInformerFactory, logger: Logger, settings: Settings
    ) throws(InvalidSetting) {
        context = ControllerContext(
            client: client, informers: informers, logger: logger, accounts: settings.accounts)
        self.settings = settings
        var shares: [NodeIPAMController.Share] = []
        for text in settings.clusterRanges {
            guard let range = AddressRange(text) else {
                throw InvalidSetting(description: "the cluster's pod range \"\(text)\" is not in CIDR notation")
            }
            let prefix = range.width == 32 ? settings.nodePrefixV4 : settings.nodePrefixV6
            guard prefix >= range.prefix, prefix <= range.width, prefix - range.prefix <= 16 else {
                throw InvalidSetting(
                    description: "a node's prefix of \(prefix) does not suit the cluster's pod range \(text)")
            }
            shares.append(NodeIPAMController.Share(range: range, blockPrefix: prefix))
        }
        self.shares = shares
    }

    /// Competes for the lease `kube-controller-manager`, and runs the controllers while holding it.
    public func run() async {
        let elector = LeaderElector(
            client: context.client, name: "kube-controller-manager", identity: settings.identity,
            settings: settings.election, logger: context.logger)
        await elector.run { await self.runControllers() }
    }

    /// Runs the controllers until cancelled, without asking for a lease.
    public func runControllers() async {
        let controllers = makeControllers().filter { !settings.disabled.contains($0.name) }
        for controller in controllers {
            precondition(Self.names.contains(controller.name), "a controller that has no name in the list")
        }
        context.bench.belong(to: EventLoop.here)
        context.informers.start()
        context.logger.info("controllers started", ["count": "\(controllers.count)"])
        await withTaskGroup(of: Void.self) { group in
            for controller in controllers { group.addTask { await controller.run() } }
        }
    }

    /// Controllers register their handlers when they are made: before the informers start, so that nothing is missed.
    private func makeControllers() -> [any Controller] {
        let account = context.acting
        let nodes = account("node-controller")
        var controllers: [any Controller] = [
            DeploymentController(account("deployment-controller")),
            ReplicaSetController(replicaSets: account("replicaset-controller")),
            ReplicaSetController(replicationControllers: account("replication-controller")),
            EndpointSliceController(account("endpointslice-controller")),
            EndpointsController(account("endpoint-controller")),
            NamespaceController(account("namespace-controller")), NodeLifecycleController(nodes),
            TaintEvictionController(nodes), PodGCController(account("pod-garbage-collector")),
            NamespaceFixtureController(defaultServiceAccount: account("service-account-controller")),
            DaemonSetController(account("daemon-set-controller")),
            GarbageCollector(account("generic-garbage-collector")),
            StatefulSetController(account("statefulset-controller")), CronJobController(account("cronjob-controller")),
            DisruptionController(account("disruption-controller")),
            ClusterRoleAggregationController(account("clusterrole-aggregation-controller")),
            EndpointSliceMirroringController(account("endpointslicemirroring-controller")),
            JobController(account("job-controller")),
            TTLAfterFinishedController(account("ttl-after-finished-controller")),
            StorageProtectionController(claims: account("pvc-protection-controller")),
            BootstrapSigner(account("bootstrap-signer")), TokenCleaner(account("token-cleaner")),
            StorageProtectionController(volumes: account("pv-protection-controller")),
        ]
        if let pem = settings.rootCertificates {
            controllers.append(NamespaceFixtureController(rootCertificates: pem, account("root-ca-cert-publisher")))
        }
        if let signer = settings.signer {
            controllers.append(
                CertificateController(
                    account("certificate-controller"), signer: signer, longest: settings.signingDuration))
        }
        if settings.allocatesNodeRanges, !shares.isEmpty {
            controllers.append(NodeIPAMController(nodes, shares: shares, nodesPerAddress: settings.nodesPerAddress))
        }
        return controllers
    }
}

/// Signs certificate requests with the cluster's authority.
public protocol CertificateSigner: Sendable {
    /// The names and addresses of the API servers whose certificates the authority issues, which no node may have; nil
    /// when they are not known: then a person has to look at the names a kubelet asks for.
    var serverNames: [String]? { get }

    /// Returns the PEM of the certificate for a PEM request, for `usages` as the request object names them. It begins
    /// `backdate` before now.
    func sign(request: [UInt8], usages: [String], lifetime: Duration, backdate: Duration) throws -> [UInt8]
}

extension CertificateSigner {
    public var serverNames: [String]? { nil }
}
