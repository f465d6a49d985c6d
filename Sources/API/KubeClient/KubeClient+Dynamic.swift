// SPDX-License-Identifier: Apache-2.0

import HTTP
public import JSON
public import Schema

/// A page of a collection.
public struct DynamicList: Sendable {
    public var items: [JSONObject]
    public var resourceVersion: String
    public var continueToken: String
    public var remainingItemCount: Int?
}

/// The verbs on objects of any kind, known or not, as JSON.
extension KubeClient {
    public func get(
        _ resource: ResourceID, namespace: String? = nil, name: String, subresource: String? = nil
    ) async throws -> JSONObject {
        try await object(
            "GET", KubeClient.path(resource, namespace: namespace, name: name, subresource: subresource))
    }

    /// One page; all of the collection unless `options.limit` is set.
    public func list(
        _ resource: ResourceID, namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws -> DynamicList {
        let answer = try await object("GET", KubeClient.path(resource, namespace: namespace), query: options.query)
        let metadata = answer.objectMetadata
        // Items of a list name neither kind nor version upstream; whoever holds one alone needs both.
        let items = (answer["items"]?.array ?? []).compactMap { $0.object?.identified(as: resource) }
        return DynamicList(
            items: items, resourceVersion: metadata["resourceVersion"]?.string ?? "",
            continueToken: metadata["continue"]?.string ?? "",
            remainingItemCount: metadata["remainingItemCount"]?.integer.map { Int($0) })
    }

    public func create(
        _ resource: ResourceID, _ object: JSONObject, namespace: String? = nil, name: String? = nil,
        subresource: String? = nil, options: WriteOptions = WriteOptions()
    ) async throws -> JSONObject {
        let body = subresource == nil ? object.identified(as: resource) : object
        return try await self.object(
            "POST",
            KubeClient.path(
                resource, namespace: namespace ?? object.objectNamespace, name: name, subresource: subresource),
            query: options.query(defaultManager: fieldManager), body: body)
    }

    public func update(
        _ resource: ResourceID, _ object: JSONObject, subresource: String? = nil,
        options: WriteOptions = WriteOptions()
    ) async throws -> JSONObject {
        try await self.object(
            "PUT",
            KubeClient.path(
                resource, namespace: object.objectNamespace, name: object.objectName, subresource: subresource),
            query: options.query(defaultManager: fieldManager), body: object.identified(as: resource))
    }

    public func patch(
        _ resource: ResourceID, namespace: String? = nil, name: String, body: JSONValue,
        kind: PatchKind = .strategicMerge, subresource: String? = nil, options: WriteOptions = WriteOptions()
    ) async throws -> JSONObject {
        let path = KubeClient.path(resource, namespace: namespace, name: name, subresource: subresource)
        let response = try await send(
            "PATCH", path, query: options.query(defaultManager: fieldManager), body: body.encoded(),
            contentType: kind.rawValue)
        let bytes = try await response.body.collect(limit: answerLimit)
        return try JSONValue.parse(bytes, options: .answer).object ?? JSONObject()
    }

    /// Deletes one object; the answer is the object when it lingers for finalizers or a grace period, else a Status.
    @discardableResult
    public func delete(
        _ resource: ResourceID, namespace: String? = nil, name: String, options: DeleteOptions = DeleteOptions()
    ) async throws -> JSONObject {
        try await object(
            "DELETE", KubeClient.path(resource, namespace: namespace, name: name), body: options.json)
    }

    public func deleteCollection(
        _ resource: ResourceID, namespace: String? = nil, options: DeleteOptions = DeleteOptions(),
        matching: ListOptions = ListOptions()
    ) async throws {
        _ = try await object(
            "DELETE", KubeClient.path(resource, namespace: namespace), query: matching.query, body: options.json)
    }

    /// Opens a watch; the first element may arrive at once. Ends when the server's timeout passes.
    public func watch(
        _ resource: ResourceID, namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws -> WatchStream {
        let response = try await send(
            "GET", KubeClient.path(resource, namespace: namespace), query: options.query + [("watch", "true")],
            isLasting: true)
        return WatchStream(body: response.body, resource: resource)
    }

    private func object(
        _ method: String, _ path: String, query: [(name: String, value: String)] = [], body: JSONObject? = nil
    ) async throws -> JSONObject {
        guard let object = try await request(method, path, query: query, body: body).object else {
            throw StatusError(
                code: 500, reason: "InternalError", message: "\(method) \(path): the answer is not a JSON object")
        }
        return object
    }
}

extension JSONObject {
    /// The object with `apiVersion` and `kind` filled in where they are missing.
    func identified(as resource: ResourceID) -> JSONObject {
        guard self["kind"] == nil || self["apiVersion"] == nil else { return self }
        var object = JSONObject()
        object["kind"] = .string(resource.kind)
        object["apiVersion"] = .string(
            resource.group.isEmpty ? resource.version : "\(resource.group)/\(resource.version)")
        for (key, value) in self where key != "kind" && key != "apiVersion" { object[key] = value }
        return object
    }
}
