// SPDX-License-Identifier: Apache-2.0

public import JSON

/// `namespace/name`, or `name` for cluster-scoped objects: the key of caches and work queues.
public struct ObjectKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(_ namespace: String, _ name: String) {
        self.namespace = namespace
        self.name = name
    }

    public var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// What every object's metadata says, read from its JSON.
extension JSONObject {
    public var objectMetadata: JSONObject { self["metadata"]?.object ?? JSONObject() }
    public var objectName: String { self["metadata"]?["name"]?.string ?? "" }
    public var objectNamespace: String { self["metadata"]?["namespace"]?.string ?? "" }
    public var objectUID: String { self["metadata"]?["uid"]?.string ?? "" }
    public var objectResourceVersion: String { self["metadata"]?["resourceVersion"]?.string ?? "" }
    public var objectIsBeingDeleted: Bool { self["metadata"]?["deletionTimestamp"]?.string != nil }
    public var objectKey: ObjectKey { ObjectKey(objectNamespace, objectName) }

    /// The labels as a dictionary.
    public var objectLabels: [String: String] { self["metadata"]?["labels"]?.stringMap ?? [:] }
    public var objectAnnotations: [String: String] { self["metadata"]?["annotations"]?.stringMap ?? [:] }
}

extension JSONValue {
    /// An object of strings as a dictionary; members of other types are left out.
    public var stringMap: [String: String] {
        guard let object else { return [:] }
        var map = [String: String](minimumCapacity: object.count)
        for (key, value) in object {
            if let string = value.string { map[key] = string }
        }
        return map
    }
}
