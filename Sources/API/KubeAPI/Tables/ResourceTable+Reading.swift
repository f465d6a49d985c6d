// SPDX-License-Identifier: Apache-2.0

internal import Schema
internal import Text

extension APITables {
    static let metaPrefix = "io.k8s.apimachinery.pkg.apis.meta.v1."
}

extension KubeAPI {
    private static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    static func readResources() -> [ResourceKind] {
        var lines: [String] = []
        for line in APITables.resources.split(separator: "\n") {
            if line.utf8.first == 0x20, !lines.isEmpty {
                lines[lines.count - 1] += " " + line
            } else {
                lines.append(String(line))
            }
        }
        return lines.map { readResource($0.split(separator: " ").map(String.init)) }
    }

    private static func readResource(_ words: [String]) -> ResourceKind {
        let typeParts = words[2].steps
        let prefix = APITables.groups.first { $0.alias == typeParts[0] }?.prefix ?? ""
        let kind = String(typeParts[1])
        guard let groupVersion = GroupVersion(apiVersion: words[0]), let schema = types[prefix + "." + kind] else {
            preconditionFailure("resource table: \(words.joined(separator: " "))")
        }
        var resource = ResourceKind(
            group: groupVersion.group, version: groupVersion.version, kind: kind, plural: words[1],
            singular: kind.lowercased(), namespaced: words[3] == "namespaced", verbs: [], schema: schema)
        for word in words.dropFirst(4) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            let value = parts.count > 1 ? parts[1] : ""
            let items = value.split(separator: ",").map(String.init)
            switch parts[0] {
            case "verbs": resource.verbs = value == "*" ? allVerbs : items
            case "short": resource.shortNames = items
            case "categories": resource.categories = items
            case "sub": resource.subresources.append(readSubresource(value, resource))
            case "storage":
                let at = value.steps
                resource.storage = ResourceID(
                    group: at.count == 4 ? at[0] : "", version: at[at.count - 3], plural: at[at.count - 2],
                    kind: at[at.count - 1], namespaced: resource.namespaced)
            default: preconditionFailure("resource table: unknown flag \(word)")
            }
        }
        return resource
    }

    /// `exec:create,get:v1/PodExecOptions`; without the third part the bodies are the resource's own kind.
    private static func readSubresource(_ text: String, _ resource: ResourceKind) -> Subresource {
        let parts = text.split(separator: ":", maxSplits: 2).map(String.init)
        let verbs = parts[1].split(separator: ",").map(String.init)
        guard parts.count > 2 else {
            return Subresource(
                name: parts[0], group: resource.group, version: resource.version, kind: resource.kind, verbs: verbs)
        }
        let type = parts[2].steps
        return Subresource(
            name: parts[0], group: type.count == 3 ? type[0] : "", version: type[type.count - 2],
            kind: type[type.count - 1], verbs: verbs)
    }
}
