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
        var (verbs, shortNames, categories): ([String], [String], [String]) = ([], [], [])
        var subresources: [Subresource] = []
        var storage: ResourceID?
        let namespaced = words[3] == "namespaced"
        for word in words.dropFirst(4) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            let value = parts.count > 1 ? parts[1] : ""
            let items = value.split(separator: ",").map(String.init)
            switch parts[0] {
            case "verbs": verbs = value == "*" ? allVerbs : items
            case "short": shortNames = items
            case "categories": categories = items
            case "sub": subresources.append(readSubresource(value, groupVersion, kind))
            case "storage":
                let at = value.steps
                storage = ResourceID(
                    group: at.count == 4 ? at[0] : "", version: at[at.count - 3], plural: at[at.count - 2],
                    kind: at[at.count - 1], namespaced: namespaced)
            default: preconditionFailure("resource table: unknown flag \(word)")
            }
        }
        return ResourceKind(
            group: groupVersion.group, version: groupVersion.version, kind: kind, plural: words[1],
            singular: kind.lowercased(), shortNames: shortNames, categories: categories, namespaced: namespaced,
            verbs: verbs, subresources: subresources, schema: schema, storage: storage)
    }

    /// `exec:create,get:v1/PodExecOptions`; without the third part the bodies are the resource's own kind.
    private static func readSubresource(_ text: String, _ place: GroupVersion, _ kind: String) -> Subresource {
        let parts = text.split(separator: ":", maxSplits: 2).map(String.init)
        let verbs = parts[1].split(separator: ",").map(String.init)
        guard parts.count > 2 else {
            return Subresource(
                name: parts[0], group: place.group, version: place.version, kind: kind, verbs: verbs)
        }
        let type = parts[2].steps
        return Subresource(
            name: parts[0], group: type.count == 3 ? type[0] : "", version: type[type.count - 2],
            kind: type[type.count - 1], verbs: verbs)
    }
}
