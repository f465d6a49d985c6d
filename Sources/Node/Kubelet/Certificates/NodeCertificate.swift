// SPDX-License-Identifier: Apache-2.0

internal import AsyncIO
internal import JSON
internal import KubeAPI
public import KubeClient
internal import Linux
public import TLS
public import Telemetry

/// A certificate the cluster issues to this node on its request (certificates.k8s.io/v1), kept with its key in one file
/// and asked for anew before it ends.
public struct NodeCertificate: Sendable {
    /// What the certificate is for, and by whom it is signed.
    public enum Purpose: Sendable {
        /// Proves to the API server who the node is: signed by itself for a node, and for who holds a bootstrap token.
        case client
        /// Proves to the kubelet's clients who it is: signed by itself for a node's own name and proven addresses by
        /// the bundled control plane, else when a person has approved. Where the Node says which addresses are proven,
        /// or `onlyProven` is said, no others are asked for: the API server needs none, and goes by the node's name.
        case serving(dnsNames: [String], addresses: [String], onlyProven: Bool)
    }

    /// The cluster has said no, or nothing.
    public struct NotIssued: Error, CustomStringConvertible {
        public let description: String
    }

    let nodeName: String
    let purpose: Purpose
    /// As upstream names them: `kubelet-client-current.pem`, `kubelet-server-current.pem`.
    public let file: String
    let logger: Logger

    public init(nodeName: String, purpose: Purpose, directory: String, logger: Logger) {
        self.nodeName = nodeName
        self.purpose = purpose
        self.logger = logger
        switch purpose {
        case .client: file = "\(directory)/kubelet-client-current.pem"
        case .serving: file = "\(directory)/kubelet-server-current.pem"
        }
    }

    private var commonName: String { "system:node:\(nodeName)" }

    /// The certificate on disk while it is this node's and good; nil when there is none such.
    public func load() -> TLSIdentity? {
        guard Files.exists(file) else { return nil }
        do {
            let bytes = try Files.read(file)
            let identity = try TLSIdentity(certificatePEM: bytes, keyPEM: bytes)
            let now = KernelClock.wall.now() / 1_000_000_000
            guard identity.leaf.commonName == commonName else {
                logger.warning(
                    "the node's certificate is another's", ["file": file, "name": identity.leaf.commonName])
                return nil
            }
            guard covers(identity.leaf) else { return nil }
            return identity.leaf.notAfter > now ? identity : nil
        } catch {
            // It is replaced in one step, so somebody else has had it: another is asked for.
            logger.warning("the node's certificate cannot be used", ["file": file, "error": "\(error)"])
            return nil
        }
    }

    /// Whether a serving certificate names the node, and no address that the node has no more. Which of its addresses
    /// could be in there only the cluster knows, which need not be there now.
    private func covers(_ leaf: Certificate) -> Bool {
        guard case .serving(let dnsNames, let addresses, _) = purpose else { return true }
        let held = leaf.alternativeNames
        return Set(dnsNames.map(Self.plain)).isSubset(of: held.dnsNames.map(Self.plain))
            && Set(held.addresses.map(Self.plain)).isSubset(of: addresses.map(Self.plain))
    }

    /// One spelling of each address and name.
    private static func plain(_ text: String) -> String {
        SocketAddress(host: text, port: 0)?.host ?? text.lowercased()
    }

    /// What a certificate that is asked for now would name. A node's own is signed by what its Node says, so that this
    /// has to be there.
    private func names(_ client: KubeClient) async throws -> AlternativeNames {
        guard case .serving(let dnsNames, let addresses, let onlyProven) = purpose else { return AlternativeNames() }
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do {
                let node = try await client.get(Self.nodes, name: nodeName)
                if !node.array("status", "addresses").isEmpty {
                    let named = Self.certified(addresses, node, onlyProven: onlyProven)
                    return AlternativeNames(dnsNames: dnsNames, addresses: named)
                }
            } catch  where error.isNotFound {
                // It is made at the same time.
            }
            guard ContinuousClock.now < deadline else {
                throw NotIssued(description: "the Node \(nodeName) does not say yet which addresses it has")
            }
            try await sleep(for: .milliseconds(100))
        }
    }

    /// Which of a node's addresses to ask for.
    static func certified(_ addresses: [String], _ node: JSONObject, onlyProven: Bool) -> [String] {
        let proven = ProvenAddresses.texts(node.string("metadata", "annotations", ProvenAddresses.annotation))
        if proven.isEmpty, !onlyProven { return addresses }
        let known = Set(proven.map(plain))
        return addresses.filter { known.contains(plain($0)) }
    }

    /// Whether a certificate lacks a name that another would have.
    private func lacks(_ leaf: Certificate, _ client: KubeClient) async throws -> Bool {
        guard case .serving = purpose else { return false }
        let wanted: AlternativeNames
        do {
            wanted = try await names(client)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            logger.info("look at what the node's certificate should name", ["error": "\(error)"])
            return false
        }
        let held = leaf.alternativeNames
        return !Set((wanted.dnsNames + wanted.addresses).map(Self.plain))
            .isSubset(of: (held.dnsNames + held.addresses).map(Self.plain))
    }

    /// Asks through `client` for a certificate, waits until it is issued, and puts it on disk.
    public func request(from client: KubeClient, patience: Duration = .seconds(900)) async throws -> TLSIdentity {
        let key = try PrivateKey(generate: .ecdsaP256)
        let made = try await client.create(Self.requests, try wish(key, await names(client)))
        let deadline = ContinuousClock.now + patience
        var wait = Duration.milliseconds(50)
        while ContinuousClock.now < deadline {
            if let certificate = try issued(try await client.get(Self.requests, name: made.objectName)) {
                let identity = try TLSIdentity(chain: Certificate.all(pem: certificate), key: key)
                try Files.makeDirectories(Files.parent(of: file), mode: 0o700)
                try Files.replace(file, with: identity.certificatePEM() + key.pem(), mode: 0o600)
                return identity
            }
            try await sleep(for: wait)
            wait = min(wait * 2, .seconds(5))
        }
        throw NotIssued(description: "nobody has approved the request \(made.objectName) in time")
    }

    private func wish(_ key: PrivateKey, _ names: AlternativeNames) throws -> JSONObject {
        let (signer, usage) =
            switch purpose {
            case .client: ("kube-apiserver-client-kubelet", "client auth")
            case .serving: ("kubelet-serving", "server auth")
            }
        let request = try CertificateRequest(
            key: key, commonName: commonName, organizations: ["system:nodes"], names: names)
        return [
            "metadata": ["generateName": "csr-"],
            "spec": [
                "request": .string(Base64.encode(try request.pem())), "signerName": .string("kubernetes.io/\(signer)"),
                "usages": ["digital signature", .string(usage)],
            ],
        ]
    }

    /// The PEM when it is there; throws when it will never be.
    private func issued(_ request: JSONObject) throws -> [UInt8]? {
        for condition in request.array("status", "conditions").compactMap(\.object)
        where ["Denied", "Failed"].contains(condition["type"]?.string ?? "") {
            let message = condition["message"]?.string ?? condition["reason"]?.string ?? ""
            throw NotIssued(
                description: "the request \(request.objectName) is \(condition["type"]?.string ?? ""): \(message)")
        }
        return Base64.decode(request.string("status", "certificate")).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static let requests = ResourceID(
        group: "certificates.k8s.io", version: "v1", plural: "certificatesigningrequests",
        kind: "CertificateSigningRequest", namespaced: false)
    private static let nodes = ResourceID(
        group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false)

    /// Asks for another when 70 to 90 % of the time of `present` is over, or when it lacks an address that is proven by
    /// now (looked at once an hour), gives it to `use`, and so on until cancelled. What fails is tried again until the
    /// cluster answers: the one in use may last that long.
    public func keep(
        _ present: TLSIdentity, client: KubeClient, use: @Sendable (TLSIdentity) async throws -> Void
    ) async throws {
        var present = present
        // One that was issued just now is not asked for again at once: what it names was its signer's to say.
        var isOld = true
        while true {
            // Not all nodes at once.
            let moment = present.leaf.moment(after: .random(in: 0.7...0.9))
            // In steps: the wall clock may be set.
            while case let left = moment - KernelClock.wall.now() / 1_000_000_000, left > 0 {
                if isOld, try await lacks(present.leaf, client) { break }
                isOld = true
                try await sleep(for: .seconds(min(left, 3600)))
            }
            isOld = false
            var wait = Duration.seconds(1)
            while true {
                do {
                    present = try await request(from: client)
                    try await use(present)
                    logger.info("the node's certificate was renewed", ["file": file])
                    break
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    logger.warning("renew the node's certificate", ["file": file, "error": "\(error)"])
                    try await sleep(for: wait)
                    wait = min(wait * 2, .seconds(60))
                }
            }
        }
    }
}
