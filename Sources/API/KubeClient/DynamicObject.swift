// SPDX-License-Identifier: Apache-2.0

public import JSON
public import KubeAPI
public import Schema

/// An object of a kind without a typed view.
public struct DynamicObject: KubeView {
    public var json: JSONObject

    public init(json: JSONObject) { self.json = json }
}

extension Informer where T == DynamicObject {
    /// Keeps only what `transform` of metadata leaves: for caches over every kind there is.
    public static func metadataOnly(_ object: DynamicObject) -> DynamicObject {
        var json = JSONObject()
        if let version = object.json["apiVersion"] { json["apiVersion"] = version }
        if let kind = object.json["kind"] { json["kind"] = kind }
        if var metadata = object.json["metadata"]?.object {
            metadata.removeValue(forKey: "managedFields")
            metadata.removeValue(forKey: "annotations")
            json["metadata"] = .object(metadata)
        }
        return DynamicObject(json: json)
    }
}

extension SharedInformerFactory {
    /// The shared informer over all namespaces of a kind, as JSON.
    public func informer(_ resource: ResourceID) -> Informer<DynamicObject> {
        shared("\(resource)/json") {
            Informer<DynamicObject>(client: client, resource: resource, logger: logger)
        }
    }
}

extension SharedInformerFactory {
    /// The shared informer of a kind narrowed to one namespace or by selectors, as JSON.
    public func informer(
        _ resource: ResourceID, namespace: String?, labelSelector: String? = nil, fieldSelector: String? = nil
    ) -> Informer<DynamicObject> {
        shared("\(resource)/json?\(namespace ?? "")&\(labelSelector ?? "")&\(fieldSelector ?? "")") {
            Informer<DynamicObject>(
                client: client, resource: resource, namespace: namespace, labelSelector: labelSelector,
                fieldSelector: fieldSelector, logger: logger)
        }
    }
}
