// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI

/// The config maps and secrets a pod's volumes, environments and pull secrets name.
enum References {
    static func configMaps(_ pod: Pod) -> Set<String> { names(pod, ["configMap", "configMapRef", "configMapKeyRef"]) }

    static func secrets(_ pod: Pod) -> Set<String> {
        names(pod, ["secret", "secretRef", "secretKeyRef"]).union(pod.spec.imagePullSecrets.compactMap(\.name))
    }

    /// Every `name` (or `secretName`) below a member of one of these names, wherever it is in the specification.
    private static func names(_ pod: Pod, _ members: Set<String>) -> Set<String> {
        var found: Set<String> = []
        var queue: [JSONValue] = [.object(pod.spec.json)]
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
