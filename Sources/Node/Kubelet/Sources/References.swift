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
    static func configMaps(_ pod: Pod) -> Set<String> {
        names(pod.spec.json, ["configMap", "configMapRef", "configMapKeyRef"])
    }

    static func secrets(_ pod: Pod) -> Set<String> {
        names(pod.spec.json, ["secret", "secretRef", "secretKeyRef"])
            .union(pod.spec.imagePullSecrets.compactMap(\.name))
    }

    /// Whether a volume of the pod shows the object.
    static func volumes(_ pod: Pod, show object: ReferredObject) -> Bool {
        guard pod.metadata.namespace == object.key.namespace else { return false }
        let volumes: JSONObject = ["volumes": pod.spec.json["volumes"] ?? []]
        return names(volumes, object.kind == .secret ? ["secret"] : ["configMap"]).contains(object.key.name)
    }

    /// Every `name` (or `secretName`) below a member of one of these names, wherever it is in the specification.
    private static func names(_ specification: JSONObject, _ members: Set<String>) -> Set<String> {
        var found: Set<String> = []
        var queue: [JSONValue] = [.object(specification)]
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
