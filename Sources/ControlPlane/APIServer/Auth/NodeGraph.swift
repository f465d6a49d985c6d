// SPDX-License-Identifier: Apache-2.0

internal import JSON

/// Which objects each node has to do with, by what is bound to it:
///
///     node ← pod ← secret, config map, service account, resource claim
///     node ← pod ← claim ← volume ← secret
///     node ← volume attachment, resource slice
///
/// A look-up costs the same however many pods there are. No I/O.
struct NodeGraph: Sendable {
    enum Kind: Sendable, Hashable {
        case pod, secret, configMap, account, claim, resourceClaim, volume, attachment, slice
    }

    /// An object, by its kind and its names.
    struct Vertex: Sendable, Hashable {
        var kind: Kind
        var namespace = ""
        var name: String

        init(_ kind: Kind, namespace: String = "", _ name: String) {
            self.kind = kind
            self.namespace = namespace
            self.name = name
        }
    }

    private struct Volume {
        var claim: Vertex
        var secrets: Set<Vertex>
    }

    /// What each bound object brings its node to, itself among it.
    private var bound: [Vertex: (node: String, objects: Set<Vertex>)] = [:]
    /// By how many bound objects a node comes to an object.
    private var nodes: [Vertex: [String: Int]] = [:]
    private var volumes: [String: Volume] = [:]
    private var volumesOfSecret: [Vertex: Set<String>] = [:]

    /// Whether `node` has to do with the object.
    func leads(_ object: Vertex, to node: String) -> Bool {
        if nodes[object]?[node] != nil { return true }
        switch object.kind {
        case .volume: return volumes[object.name].map { nodes[$0.claim]?[node] != nil } ?? false
        case .secret:
            return volumesOfSecret[object]?.contains { leads(Vertex(.volume, $0), to: node) } ?? false
        default: return false
        }
    }

    /// Takes the state of a pod, volume, attachment or slice; nil when there is none any more.
    mutating func set(_ vertex: Vertex, _ object: APIObject?) {
        if vertex.kind == .volume { return setVolume(vertex.name, object) }
        unbind(vertex)
        guard let object, let node = object.spec["nodeName"]?.string, !node.isEmpty else { return }
        let objects = vertex.kind == .pod ? Self.objects(object, vertex) : [vertex]
        bound[vertex] = (node, objects)
        for each in objects { nodes[each, default: [:]][node, default: 0] += 1 }
    }

    private mutating func unbind(_ vertex: Vertex) {
        guard let (node, objects) = bound.removeValue(forKey: vertex) else { return }
        for each in objects {
            let rest = (nodes[each]?[node] ?? 1) - 1
            nodes[each]?[node] = rest > 0 ? rest : nil
            if nodes[each]?.isEmpty == true { nodes[each] = nil }
        }
    }

    private static func objects(_ pod: APIObject, _ vertex: Vertex) -> Set<Vertex> {
        // Nodes make mirror pods themselves: what one refers to must not be a reason to read it.
        if pod.annotations["kubernetes.io/config.mirror"] != nil { return [vertex] }
        let references = PodReferences(pod)
        func all(_ kind: Kind, _ names: Set<String>) -> [Vertex] {
            names.map { Vertex(kind, namespace: vertex.namespace, $0) }
        }
        let account: Set<String> = references.account.isEmpty ? [] : [references.account]
        return Set(
            [vertex] + all(.secret, references.secrets) + all(.configMap, references.configMaps)
                + all(.account, account) + all(.claim, references.claims)
                + all(.resourceClaim, references.resourceClaims))
    }

    // MARK: Volumes

    private mutating func setVolume(_ name: String, _ object: APIObject?) {
        for secret in volumes.removeValue(forKey: name)?.secrets ?? [] {
            volumesOfSecret[secret]?.remove(name)
            if volumesOfSecret[secret]?.isEmpty == true { volumesOfSecret[secret] = nil }
        }
        guard let object, let claim = object.spec["claimRef"]?.object else { return }
        let namespace = claim["namespace"]?.string ?? ""
        let secrets = Self.secrets(object.spec, namespace)
        volumes[name] = Volume(
            claim: Vertex(.claim, namespace: namespace, claim["name"]?.string ?? ""), secrets: secrets)
        for secret in secrets { volumesOfSecret[secret, default: []].insert(name) }
    }

    /// Where a volume names a secret that the kubelet reads, and where that one's namespace is if the claim's is meant
    /// when none is given. A CSI driver's controller reads some more, which are none of the kubelet's business.
    private static let secretReferences: [(path: [String], orClaims: Bool)] = [
        (["cephfs", "secretRef"], true), (["flexVolume", "secretRef"], true), (["rbd", "secretRef"], true),
        (["scaleIO", "secretRef"], true), (["iscsi", "secretRef"], true), (["cinder", "secretRef"], false),
        (["storageos", "secretRef"], false), (["csi", "nodePublishSecretRef"], false),
        (["csi", "nodeStageSecretRef"], false), (["csi", "nodeExpandSecretRef"], false),
    ]

    private static func secrets(_ spec: JSONObject, _ claims: String) -> Set<Vertex> {
        var found: Set<Vertex> = []
        func add(_ name: String?, _ namespace: String?, orClaims: Bool) {
            guard let name, !name.isEmpty else { return }
            var namespace = namespace ?? ""
            if namespace.isEmpty, orClaims { namespace = claims }
            found.insert(Vertex(.secret, namespace: namespace, name))
        }
        add(spec["azureFile"]?["secretName"]?.string, spec["azureFile"]?["secretNamespace"]?.string, orClaims: true)
        for (path, orClaims) in secretReferences {
            let reference = spec[path[0]]?[path[1]]
            add(reference?["name"]?.string, reference?["namespace"]?.string, orClaims: orClaims)
        }
        return found
    }
}
