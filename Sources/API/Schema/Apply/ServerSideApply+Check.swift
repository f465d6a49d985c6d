// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Text

extension ServerSideApply {
    /// Refuses a configuration that is no configuration for this type.
    static func check(_ applied: JSONObject, _ writer: FieldWriter) throws(ApplyError) {
        let version = applied["apiVersion"]?.string ?? ""
        guard version == writer.apiVersion else {
            throw .badRequest(
                "Incorrect version specified in apply patch. Specified patch version: \(version), "
                    + "expected: \(writer.apiVersion)")
        }
        if let managed = applied["metadata"]?["managedFields"], !managed.isNull {
            throw .badRequest("metadata.managedFields must be nil")
        }
        var problems = ApplyProblems()
        check(.object(applied), MergeSchema(writer.schema), .top, &problems)
        guard let text = problems.text else { return }
        throw .unfit("failed to create typed patch object (\(shownName(applied))): \(text)")
    }

    /// `default/web; apps/v1, Kind=Deployment`
    private static func shownName(_ object: JSONObject) -> String {
        let metadata = object["metadata"]
        let name = "\(metadata?["namespace"]?.string ?? "")/\(metadata?["name"]?.string ?? "")"
        let kind = object["kind"]?.string ?? ""
        let version = object["apiVersion"]?.string ?? ""
        // The core group shows as `/v1`.
        return "\(name); \(version.hasSlash ? version : "/" + version), Kind=\(kind)"
    }

    private static func check(
        _ value: JSONValue, _ schema: MergeSchema, _ path: ApplyPath, _ problems: inout ApplyProblems
    ) {
        switch value {
        case .null: break
        case .object(let fields):
            switch schema {
            case .structure, .map, .deduced:
                for (key, value) in fields {
                    guard let below = schema.field(key) else {
                        problems.add(.field(path, key)) { "field not declared in schema" }
                        continue
                    }
                    check(value, below, .field(path, key), &problems)
                }
            case .set, .associative: problems.add(path) { "expected list, got \(value.excerpt(1024))" }
            case .atomic, .scalar: break
            }
        case .array(let items): checkItems(items, schema, path, &problems)
        default:
            switch schema {
            case .structure, .map: problems.add(path) { "expected map, got \(value.excerpt(1024))" }
            case .set, .associative: problems.add(path) { "expected list, got \(value.excerpt(1024))" }
            default: break
            }
        }
    }

    private static func checkItems(
        _ items: [JSONValue], _ schema: MergeSchema, _ path: ApplyPath, _ problems: inout ApplyProblems
    ) {
        switch schema {
        case .structure, .map: problems.add(path) { "expected map, got \(JSONValue.array(items).excerpt(1024))" }
        case .set, .associative:
            var seen: Set<PathElement> = []
            for (index, item) in items.enumerated() {
                guard let identity = schema.identity(of: item) else {
                    problems.add(path) { "element \(index): \(unidentified(item, schema))" }
                    continue
                }
                if !seen.insert(identity).inserted {
                    problems.add(path) { "duplicate entries for key \(identity.excerpt)" }
                }
                if case .associative = schema { check(item, schema.element, .element(path, identity), &problems) }
            }
        default: break
        }
    }

    private static func unidentified(_ item: JSONValue, _ schema: MergeSchema) -> String {
        guard case .associative(let keys, _) = schema else {
            return "associative list without keys has an element that is no scalar"
        }
        guard item.object != nil else { return "associative list with keys may not have non-map elements" }
        let shown = "[" + keys.map(\.quoted).joined(separator: " ") + "]"
        return "associative list with keys has an element that omits all key fields \(shown) "
            + "(and doesn't have default values for any key fields)"
    }

    /// A null field is an absent one.
    static func withoutNulls(_ object: JSONObject) -> JSONObject {
        var result = object
        result.updateValues { _, value in withoutNulls(value) }
        return result
    }

    private static func withoutNulls(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .null: nil
        case .object(let fields): .object(withoutNulls(fields))
        case .array(let items): .array(items.map { $0.isNull ? .null : withoutNulls($0) ?? .null })
        default: value
        }
    }

    // MARK: Client-side apply's annotation

    /// The fields kubectl's client-side apply set, where the object carries its annotation.
    static func lastAppliedFields(of live: JSONObject, _ writer: FieldWriter) -> FieldSet {
        guard let text = live["metadata"]?["annotations"]?[lastApplied]?.string,
            // An unreadable annotation allows nothing.
            let config = (try? JSONValue.parse(text))?.object,
            config["apiVersion"]?.string == writer.apiVersion
        else { return FieldSet() }
        var set = FieldSet(of: withoutNulls(config), schema: MergeSchema(writer.schema))
        set.insert([.field("metadata"), .field("annotations"), .field(lastApplied)])
        return set
    }

    /// Keeps the annotation of an object true that is now applied on the server, so that one can go back.
    static func updateLastApplied(of live: JSONObject, in config: inout JSONObject, _ writer: FieldWriter) {
        guard writer.manager == "kubectl", writer.subresource.isEmpty,
            live["metadata"]?["annotations"]?[lastApplied]?.string?.isEmpty == false
        else { return }
        var recorded = config
        recorded["metadata"]?["annotations"]?[lastApplied] = nil
        recorded["metadata"]?["managedFields"] = nil
        let text = String(decoding: recorded.encoded(), as: UTF8.self) + "\n"
        var annotations = config["metadata"]?["annotations"]?.object ?? [:]
        annotations[lastApplied] = .string(text)
        config["metadata", default: [:]]["annotations"] = .object(annotations)
    }
}
