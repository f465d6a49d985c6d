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

    /// Whether a volume of the pod shows the object.
    static func volumes(_ pod: Pod, show object: ReferredObject) -> Bool {
        guard pod.metadata.namespace == object.key.namespace else { return false }
        let shown = object.kind == .secret ? shownSecrets(pod) : shownConfigMaps(pod)
        return shown.contains(object.key.name)
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
