// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import Schema

/// Custom resources on their way in and out.
enum CustomForm {
    /// What a client sent, without what the schema does not know; and the complaints about that, as strict decoding
    /// words them.
    static func accepted(
        _ object: JSONObject, _ custom: CustomResource
    ) throws(APIError) -> (JSONObject, [String]) {
        var unknown: [String] = []
        var result = object
        if let metadata = object["metadata"] {
            result["metadata"] = try checked(metadata, FieldPath("metadata"), custom, &unknown)
        }
        result = try custom.schema.changeEmbeddedMetadata(result) { (metadata, path) throws(APIError) in
            try checked(metadata, path, custom, &unknown)
        }
        custom.schema.prune(&result, dropped: &unknown)
        return (result, unknown.sorted().map { "unknown field \"\($0)\"" })
    }

    /// Metadata as its type has it.
    private static func checked(
        _ metadata: JSONValue, _ path: FieldPath, _ custom: CustomResource, _ unknown: inout [String]
    ) throws(APIError) -> JSONValue {
        guard case .object(let fields) = metadata else {
            throw .badRequest(
                "\(custom.kind) in version \"\(custom.group)/\(custom.version)\" cannot be handled as a \(custom.kind): "
                    + "\(path): Invalid value: \(metadata): must be an object")
        }
        do throws(TypeMismatch) {
            let decoded = try SchemaCoding.decode(
                fields, as: CustomResources.objectMeta, options: KubeAPI.codingOptions(fillsZeros: false))
            unknown += decoded.unknownFields.map { "\(path).\($0)" }
            return .object(decoded.object)
        } catch {
            throw .badRequest(
                "\(custom.kind) in version \"\(custom.group)/\(custom.version)\" cannot be handled as a \(custom.kind): "
                    + "\(path): \(error)")
        }
    }

    /// A stored object as this version shows it. The definition may have changed since it was stored.
    static func shown(_ object: APIObject, _ custom: CustomResource) -> APIObject {
        var result = object
        result["apiVersion"] = .string("\(custom.group)/\(custom.version)")
        var dropped: [String] = []
        custom.schema.prune(&result.json, dropped: &dropped)
        custom.schema.fillDefaults(&result.json)
        return result
    }
}

/// The `scale` subresource of custom resources, whose fields the definition names.
enum CustomScale {
    static func scale(of object: APIObject, _ paths: CustomResource.Scale) throws(APIError) -> APIObject {
        let root = JSONValue.object(object.json)
        guard let replicas = root[path: paths.specReplicas]?.integer else {
            throw .internalError(
                "the spec replicas field \".\(paths.specReplicas.joined(separator: "."))\" does not exist")
        }
        var metadata: JSONObject = ["name": .string(object.name)]
        for field in ["namespace", "uid", "resourceVersion", "creationTimestamp"] {
            metadata[field] = object.metadata[field]
        }
        var status: JSONObject = ["replicas": .integer(root[path: paths.statusReplicas]?.integer ?? 0)]
        if let path = paths.labelSelector, let selector = root[path: path]?.string, !selector.isEmpty {
            status["selector"] = .string(selector)
        }
        return APIObject([
            "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": .object(metadata),
            "spec": replicas == 0 ? [:] : ["replicas": .integer(replicas)], "status": .object(status),
        ])
    }

    /// The object with the number of replicas at its place.
    static func setting(_ replicas: Int64, in object: JSONObject, _ path: [String]) -> JSONObject {
        guard let first = path.first else { return object }
        var result = object
        result[first] =
            path.count == 1
            ? .integer(replicas)
            : .object(setting(replicas, in: object[first]?.object ?? [:], Array(path.dropFirst())))
        return result
    }
}
