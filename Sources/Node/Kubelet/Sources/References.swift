// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import KubeClient

/// A config map or a secret.
struct ReferredObject: Hashable, Sendable {
    enum Kind: Hashable, Sendable { case configMap, secret }
    var kind: Kind
    var key: ObjectKey
}

/// The config maps and secrets a pod's volumes, environments and pull secrets name.
enum References {
    /// How many of them one pod may name: each is read from the API server before its containers start.
    static let limit = 1_000

    /// Those that volumes show.
    static func shownConfigMaps(_ pod: Pod) -> Set<String> { names(pod.spec.json["volumes"], ["configMap"]) }
    static func shownSecrets(_ pod: Pod) -> Set<String> { names(pod.spec.json["volumes"], ["secret"]) }

    /// The objects that volumes of the pod show.
    static func shown(by pod: Pod) -> Set<ReferredObject> {
        let namespace = pod.metadata.namespace ?? ""
        func objects(_ kind: ReferredObject.Kind, _ names: Set<String>) -> [ReferredObject] {
            names.map { ReferredObject(kind: kind, key: ObjectKey(namespace, $0)) }
        }
        return Set(objects(.configMap, shownConfigMaps(pod)) + objects(.secret, shownSecrets(pod)))
    }

    /// Why the node does not read what the pod names; nil when it does.
    static func refusal(_ pod: Pod) -> String? {
        let spec = JSONValue.object(pod.spec.json)
        let count =
            names(spec, ["configMap", "configMapRef", "configMapKeyRef"]).count
            + names(spec, ["secret", "secretRef", "secretKeyRef"]).count + pod.spec.imagePullSecrets.count
        guard count > limit else { return nil }
        return "the pod names \(count) config maps and secrets; this node reads no more than \(limit) for one pod"
    }

    /// Every `name` (or `secretName`) below a member of one of these names, wherever it is.
    private static func names(_ value: JSONValue?, _ members: Set<String>) -> Set<String> {
        var found: Set<String> = []
        var queue = [value ?? .null]
        while let value = queue.popLast() {
            switch value {
            case .array(let items): queue += items
            case .object(let object):
                for (key, inner) in object {
                    if members.contains(key), let name = inner["name"]?.string ?? inner["secretName"]?.string {
                        found.insert(name)
                    }
                    queue.append(inner)
                }
            default: continue
            }
        }
        return found
    }
}
