// SPDX-License-Identifier: Apache-2.0

public import JSON
public import KubeAPI

/// A page of a typed collection.
public struct KubeList<T: KubeObject>: Sendable {
    public var items: [T]
    public var resourceVersion: String
    public var continueToken: String
    public var remainingItemCount: Int?
}

/// The verbs on the kinds that have typed views.
extension KubeClient {
    public func get<T: KubeObject>(_ type: T.Type, _ name: String, namespace: String? = nil) async throws -> T {
        T(json: try await get(T.resource, namespace: namespace, name: name))
    }

    public func list<T: KubeObject>(
        _ type: T.Type, namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws -> KubeList<T> {
        let page = try await list(T.resource, namespace: namespace, options: options)
        return KubeList(
            items: page.items.map { T(json: $0) }, resourceVersion: page.resourceVersion,
            continueToken: page.continueToken, remainingItemCount: page.remainingItemCount)
    }

    /// Creates in the object's own namespace unless another is named.
    @discardableResult
    public func create<T: KubeObject>(
        _ object: T, namespace: String? = nil, options: WriteOptions = WriteOptions()
    ) async throws -> T {
        T(json: try await create(T.resource, object.json, namespace: namespace, options: options))
    }

    @discardableResult
    public func update<T: KubeObject>(_ object: T, options: WriteOptions = WriteOptions()) async throws -> T {
        T(json: try await update(T.resource, object.json, options: options))
    }

    @discardableResult
    public func updateStatus<T: KubeObject>(_ object: T, options: WriteOptions = WriteOptions()) async throws -> T {
        T(json: try await update(T.resource, object.json, subresource: "status", options: options))
    }

    @discardableResult
    public func patch<T: KubeObject>(
        _ type: T.Type, _ name: String, namespace: String? = nil, body: JSONValue,
        kind: PatchKind = .strategicMerge, subresource: String? = nil, options: WriteOptions = WriteOptions()
    ) async throws -> T {
        T(
            json: try await patch(
                T.resource, namespace: namespace, name: name, body: body, kind: kind, subresource: subresource,
                options: options))
    }

    public func delete<T: KubeObject>(
        _ type: T.Type, _ name: String, namespace: String? = nil, options: DeleteOptions = DeleteOptions()
    ) async throws {
        try await delete(T.resource, namespace: namespace, name: name, options: options)
    }

    public func deleteCollection<T: KubeObject>(
        _ type: T.Type, namespace: String? = nil, options: DeleteOptions = DeleteOptions(),
        matching: ListOptions = ListOptions()
    ) async throws {
        try await deleteCollection(T.resource, namespace: namespace, options: options, matching: matching)
    }

    public func watch<T: KubeObject>(
        _ type: T.Type, namespace: String? = nil, options: ListOptions = ListOptions()
    ) async throws -> TypedWatchStream<T> {
        TypedWatchStream(stream: try await watch(T.resource, namespace: namespace, options: options))
    }
}
