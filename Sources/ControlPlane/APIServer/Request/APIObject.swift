// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Store

/// An object of any kind on its way through the server.
struct APIObject: Sendable, Hashable {
    var json: JSONObject

    init(_ json: JSONObject = [:]) { self.json = json }

    /// The object in `stored`, parsed.
    init(_ stored: StoredObject) throws(APIError) {
        do throws(JSONError) {
            json = try JSONValue.parse(stored.bytes).object ?? [:]
        } catch {
            throw .unreadable(stored, error)
        }
    }

    subscript(field: String) -> JSONValue? {
        get { json[field] }
        set { json[field] = newValue }
    }

    var kind: String { json["kind"]?.string ?? "" }
    var apiVersion: String { json["apiVersion"]?.string ?? "" }

    var metadata: JSONObject {
        get { json["metadata"]?.object ?? [:] }
        set { json["metadata"] = .object(newValue) }
    }

    private func text(_ field: String) -> String { json["metadata"]?[field]?.string ?? "" }

    private mutating func set(_ field: String, _ value: JSONValue?) {
        var metadata = metadata
        metadata[field] = value
        self.metadata = metadata
    }

    private mutating func set(_ field: String, _ text: String) { set(field, text.isEmpty ? nil : .string(text)) }

    var name: String {
        get { text("name") }
        set { set("name", newValue) }
    }
    var generateName: String { text("generateName") }
    var namespace: String {
        get { text("namespace") }
        set { set("namespace", newValue) }
    }
    var uid: String {
        get { text("uid") }
        set { set("uid", newValue) }
    }
    var resourceVersion: String {
        get { text("resourceVersion") }
        set { set("resourceVersion", newValue) }
    }
    var creationTimestamp: String { text("creationTimestamp") }
    var deletionTimestamp: String? {
        get { json["metadata"]?["deletionTimestamp"]?.string }
        set { set("deletionTimestamp", newValue.map { .string($0) }) }
    }
    var deletionGracePeriodSeconds: Int64? {
        get { json["metadata"]?["deletionGracePeriodSeconds"]?.integer }
        set { set("deletionGracePeriodSeconds", newValue.map { .integer($0) }) }
    }
    var generation: Int64 {
        get { json["metadata"]?["generation"]?.integer ?? 0 }
        set { set("generation", newValue == 0 ? nil : .integer(newValue)) }
    }
    var labels: JSONObject {
        get { json["metadata"]?["labels"]?.object ?? [:] }
        set { set("labels", newValue.isEmpty ? nil : .object(newValue)) }
    }
    var annotations: JSONObject {
        get { json["metadata"]?["annotations"]?.object ?? [:] }
        set { set("annotations", newValue.isEmpty ? nil : .object(newValue)) }
    }
    var finalizers: [String] {
        get { (json["metadata"]?["finalizers"]?.array ?? []).compactMap(\.string) }
        set { set("finalizers", newValue.isEmpty ? nil : .array(newValue.map { .string($0) })) }
    }
    var managedFields: JSONValue? {
        get { json["metadata"]?["managedFields"] }
        set { set("managedFields", newValue) }
    }
    var ownerReferences: [JSONValue] { json["metadata"]?["ownerReferences"]?.array ?? [] }

    /// `spec` as an object, empty when absent.
    var spec: JSONObject {
        get { json["spec"]?.object ?? [:] }
        set { json["spec"] = .object(newValue) }
    }
    var status: JSONObject {
        get { json["status"]?.object ?? [:] }
        set { json["status"] = .object(newValue) }
    }

    /// The bytes to store: `kind` and `apiVersion` first, the revision's place at the end of the metadata. And how many
    /// levels of objects and lists they have.
    func storedValue() -> (value: NewValue, depth: Int) {
        var depth = 2
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1024)
        bytes += Array("{\"kind\":".utf8)
        (json["kind"] ?? "").encode(into: &bytes)
        bytes += Array(",\"apiVersion\":".utf8)
        (json["apiVersion"] ?? "").encode(into: &bytes)
        bytes += Array(",\"metadata\":".utf8)
        var metadata = metadata
        metadata["resourceVersion"] = nil
        depth = max(depth, 1 + JSONValue.object(metadata).encode(into: &bytes))
        bytes.removeLast()
        bytes += Array((metadata.isEmpty ? "\"resourceVersion\":\"" : ",\"resourceVersion\":\"").utf8)
        let offset = bytes.count
        bytes += Array("\"}".utf8)
        for (key, value) in json where key != "kind" && key != "apiVersion" && key != "metadata" {
            bytes += Array((",\(JSONValue.quoted(key)):").utf8)
            depth = max(depth, 1 + value.encode(into: &bytes))
        }
        bytes.append(UInt8(ascii: "}"))
        return (NewValue(bytes, revisionOffset: offset), depth)
    }

    /// The bytes as a client reads them.
    func encoded() -> [UInt8] {
        var ordered: JSONObject = [:]
        for key in ["kind", "apiVersion", "metadata"] { ordered[key] = json[key] }
        for (key, value) in json where !ordered.contains(key) { ordered[key] = value }
        return JSONValue.object(ordered).encoded()
    }
}
