// SPDX-License-Identifier: Apache-2.0

internal import Glibc
public import HTTP

/// What an API server is told at start. The defaults are those of a one-node cluster.
public struct APIServerConfiguration: Sendable {
    /// Where the server's files are: `db/state.db`, `tls/`, `cred/` below it.
    public var dataDirectory: String
    /// Where the server listens; used for its own address in the `kubernetes` Service and in certificates.
    public var securePort: Int
    /// The address that others reach the server under; nil: found from the machine's routes by the caller.
    public var advertiseAddress: String
    /// The certificate's names and addresses besides the built-in ones.
    public var extraNames: [String]
    /// Service address ranges, the first family first: `10.43.0.0/16`, `fd43::/112`.
    public var serviceRanges: [String]
    /// The pods' address ranges, which the server itself has no use for: told to nodes that join.
    public var clusterRanges: [String]
    /// Node ports.
    public var nodePorts: ClosedRange<Int64>
    /// Nobody gives a Service external addresses that it does not have (the admission plugin DenyServiceExternalIPs).
    public var deniesExternalIPs: Bool
    /// The `iss` of service account tokens.
    public var issuer: String
    /// The longest life of service account tokens that are asked for; longer ones are shortened.
    public var maxTokenLifetime: Duration
    /// Whether a pod's own token, asked for by the kubelet for 3607 seconds, is good for a year: clients that never read
    /// it again go on, as long as the pod does.
    public var extendsTokenLifetime: Bool
    public var clusterDomain: String
    /// The addresses of the Service `kube-system/kube-dns` of the bundled DNS server, which is made with them; none: the
    /// server is left out, and what an earlier run made for it is removed; nil: neither.
    public var clusterDNS: [String]?
    /// Tokens known without the store; none by default.
    public var staticTokens: [StaticToken]
    /// How long the certificates are good that the server issues for itself and the components; they are renewed when a
    /// third of that is left.
    public var certificateLifetime: Duration
    /// The node in the same process: its kubelet gets what it shows with the server's own certificates.
    public var localNode: LocalNode?
    /// A PEM file of authorities whose certificates kubelets may show besides those of the cluster's own; such a
    /// certificate has to name the node or the address it is reached under.
    public var kubeletAuthorityFile: String?
    /// Requests served at once, apart from watches and streams, before new ones have to wait: the two together are dealt
    /// out to priority levels, as upstream does it.
    public var maxRequestsInFlight: Int
    public var maxMutatingRequestsInFlight: Int
    /// Watches and streams that one user may have at the same time; all users twice as many. Members of
    /// system:masters are not counted.
    public var maxLongRunningPerUser: Int
    /// And how many of these may be streams: logs, commands, forwarded ports, requests passed on to pods and nodes.
    public var maxStreamsPerUser: Int
    /// About how much memory documents of one user take that have been read to change something; all users twice as much.
    public var maxDocumentBytesPerUser: Int
    /// Bytes of objects in large lists that are on their way to one user; all users twice as many.
    public var maxListBytesPerUser: Int
    /// How many bytes of objects are kept (`--quota-backend-bytes`).
    public var storeQuota: Int
    /// How long an Event is kept after its last change (`--event-ttl`).
    public var eventLifetime: Duration

    /// What etcd takes by default, or an eighth of the machine's memory where that is less: all objects are in memory, here
    /// and read in the components that follow them, and a byte that is counted takes some four of it (`StoredWeight`).
    public static var defaultStoreQuota: Int {
        let memory = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
        return memory > 0 ? min(2 << 30, memory / 8) : 2 << 30
    }

    /// A node and the addresses it is reached under.
    public struct LocalNode: Sendable {
        public var name: String
        public var addresses: [String]
        public init(name: String, addresses: [String]) {
            self.name = name
            self.addresses = addresses
        }
    }

    /// A bearer token and who it is.
    public struct StaticToken: Sendable {
        public var token: String
        public var user: RequestUser
        public init(token: String, user: RequestUser) {
            self.token = token
            self.user = user
        }
    }

    /// The defaults, with the data in `dataDirectory` (`/var/lib/swiftlet/server`).
    public init(dataDirectory: String, securePort: Int = 6443, advertiseAddress: String = "127.0.0.1") {
        self.dataDirectory = dataDirectory
        self.securePort = securePort
        self.advertiseAddress = advertiseAddress
        extraNames = []
        serviceRanges = ["10.43.0.0/16", "fd43::/112"]
        clusterRanges = []
        nodePorts = 30_000...32_767
        deniesExternalIPs = false
        issuer = "https://kubernetes.default.svc.cluster.local"
        maxTokenLifetime = .seconds(365 * 86_400)
        extendsTokenLifetime = true
        clusterDomain = "cluster.local"
        staticTokens = []
        certificateLifetime = .seconds(365 * 86_400)
        maxRequestsInFlight = 400
        maxMutatingRequestsInFlight = 200
        maxLongRunningPerUser = 4_000
        maxStreamsPerUser = 500
        maxDocumentBytesPerUser = 512 << 20
        maxListBytesPerUser = 512 << 20
        storeQuota = Self.defaultStoreQuota
        eventLifetime = .seconds(3600)
    }
}
