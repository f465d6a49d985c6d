// SPDX-License-Identifier: Apache-2.0

public import JSON
// Every view's interface is made of these values; who uses a view needs their members too.
@_exported public import Schema

/// A typed window on a JSON object: reading and writing a property reads and writes the field. What no property names
/// is kept.
///
/// Lists and maps are empty when absent, and setting an empty one removes the field. Scalars and nested objects are
/// optional unless the API requires them; a required one reads as zero while it is absent. A field of the wrong type
/// reads as absent: the API server refuses such objects before anyone else sees them.
public protocol KubeView: Sendable, Hashable {
    var json: JSONObject { get set }
    init(json: JSONObject)
}

extension KubeView {
    /// An empty object.
    public init() { self.init(json: JSONObject()) }

    /// An object that `build` fills.
    public init(_ build: (inout Self) throws -> Void) rethrows {
        self.init()
        try build(&self)
    }

    public var value: JSONValue { .object(json) }
}

/// A view of a whole object with its metadata.
public protocol KubeObject: KubeView {
    static var resource: ResourceID { get }
    var metadata: ObjectMeta { get set }
}

extension KubeObject {
    /// An object with its kind and version and nothing else.
    public init() {
        self.init(json: ["apiVersion": .string(Self.resource.apiVersion), "kind": .string(Self.resource.kind)])
    }

    /// An object with its kind and version that `build` fills.
    public init(_ build: (inout Self) throws -> Void) rethrows {
        self.init()
        try build(&self)
    }

    public init(name: String, namespace: String? = nil) {
        self.init()
        metadata.name = name
        metadata.namespace = namespace
    }

    /// `metadata.name`, empty when there is none.
    public var name: String {
        get { metadata.name ?? "" }
        set { metadata.name = newValue }
    }

    /// `metadata.namespace`, empty for objects of the whole cluster.
    public var namespace: String {
        get { metadata.namespace ?? "" }
        set { metadata.namespace = newValue.isEmpty ? nil : newValue }
    }

    public var uid: String { metadata.uid ?? "" }
    public var resourceVersion: String { metadata.resourceVersion ?? "" }
    public var labels: [String: String] {
        get { metadata.labels }
        set { metadata.labels = newValue }
    }
    public var annotations: [String: String] {
        get { metadata.annotations }
        set { metadata.annotations = newValue }
    }
    public var isBeingDeleted: Bool { metadata.deletionTimestamp != nil }

    /// `namespace/name`, or the name alone.
    public var key: String { namespace.isEmpty ? name : namespace + "/" + name }

    public var apiVersion: String { json["apiVersion"]?.string ?? Self.resource.apiVersion }
    public var kind: String { json["kind"]?.string ?? Self.resource.kind }

    /// An owner reference to this object as its controller.
    public func controllerReference() -> OwnerReference {
        OwnerReference {
            $0.apiVersion = Self.resource.apiVersion
            $0.kind = Self.resource.kind
            $0.name = name
            $0.uid = uid
            $0.controller = true
            $0.blockOwnerDeletion = true
        }
    }

    /// The owner that controls this object.
    public var controllerOwner: OwnerReference? { metadata.ownerReferences.first { $0.controller == true } }
}

/// A list as the API server answers it.
public struct KubeList<Item: KubeObject>: KubeView {
    public var json: JSONObject
    public init(json: JSONObject) { self.json = json }
    public var metadata: ListMeta {
        get { json[requiredView: "metadata"] }
        set { json[requiredView: "metadata"] = newValue }
    }
    public var items: [Item] {
        get { json[views: "items"] }
        set { json["items"] = .array(newValue.map(\.value)) }
    }
}

extension IntOrString: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    public init(integerLiteral value: Int) { self = .integer(value) }
    public init(stringLiteral value: String) { self = .string(value) }
}
