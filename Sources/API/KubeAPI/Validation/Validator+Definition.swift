// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// CustomResourceDefinitions, but for their schemas.
extension Validator {
    mutating func customResourceDefinition(_ definition: JSONValue) {
        let spec = definition["spec"] ?? [:]
        let path = FieldPath("spec")
        let name = definition["metadata"]?["name"]?.string ?? ""
        let plural = spec["names"]?["plural"]?.string ?? ""
        let group = spec["group"]?.string ?? ""
        if old == nil, name != "\(plural).\(group)" {
            add(.invalid(FieldPath("metadata")["name"], name, #"must be spec.names.plural+"."+spec.group"#))
        }
        definitionGroup(group, path["group"])
        choice(spec["scope"], ["Cluster", "Namespaced"], path["scope"], required: true)
        if spec["preserveUnknownFields"] == true, old?["spec"]?["preserveUnknownFields"] != true {
            add(
                .invalid(
                    path["preserveUnknownFields"], json: true,
                    "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
                ))
        }
        versions(spec, path["versions"])
        names(spec["names"] ?? [:], path["names"])
        conversion(spec["conversion"], path["conversion"])
        storedVersions(definition)
        if let approval = APIApproval(definition.object ?? [:]) { check(approval) }
        definitionUpdate(spec, path)
    }

    private mutating func definitionGroup(_ group: String, _ path: FieldPath) {
        let complaints = Names.dnsSubdomain(group)
        if group.isEmpty {
            add(.required(path))
        } else if !complaints.isEmpty {
            add(.invalid(path, group, complaints.joined(separator: ",")))
        } else if !group.contains(".") {
            add(.invalid(path, group, "should be a domain with at least one dot"))
        }
    }

    private mutating func versions(_ spec: JSONValue, _ path: FieldPath) {
        let versions = spec["versions"]?.array ?? []
        var seen: Set<String> = []
        var isUnique = true
        for (index, version) in versions.enumerated() {
            let place = path[index]
            let name = version["name"]?.string ?? ""
            if !seen.insert(name).inserted { isUnique = false }
            label(name, place["name"])
            guard let schema = version["schema"]?["openAPIV3Schema"] else {
                add(.required(place["schema"]["openAPIV3Schema"]))
                continue
            }
            deprecation(version, place["deprecationWarning"])
            errors += DefinitionSchema.validate(
                schema, place["schema"]["openAPIV3Schema"],
                hasStatus: version["subresources"]?["status"]?.object != nil)
            subresources(version["subresources"] ?? [:], place["subresources"])
            for (number, column) in (version["additionalPrinterColumns"]?.array ?? []).enumerated() {
                printerColumn(column, place["additionalPrinterColumns"][number])
            }
            selectableFields(version["selectableFields"]?.array ?? [], schema, place["selectableFields"])
        }
        if !isUnique { add(.invalid(path, json: spec["versions"], "must contain unique version names")) }
        if versions.filter({ $0["storage"] == true }).count != 1 {
            add(.invalid(path, json: spec["versions"], "must have exactly one version marked as storage version"))
        }
    }

    private mutating func label(_ text: String, _ path: FieldPath, shown: String? = nil, prefix: String = "") {
        let complaints = Names.dns1035Label(text)
        if !complaints.isEmpty {
            add(.invalid(path, shown ?? text, prefix + complaints.joined(separator: ",")))
        }
    }

    private mutating func deprecation(_ version: JSONValue, _ path: FieldPath) {
        guard let warning = version["deprecationWarning"]?.string else { return }
        if version["deprecated"] != true { add(.invalid(path, warning, "can only be set for deprecated versions")) }
        if warning.unicodeScalars.count > 256 { add(.invalid(path, warning, "must be <= 256 characters long")) }
        if warning.isEmpty { add(.invalid(path, warning, "must not be an empty string")) }
    }

    private mutating func names(_ names: JSONValue, _ path: FieldPath) {
        for field in ["plural", "singular", "kind", "listKind"] {
            guard let name = required(names[field], path[field]) else { continue }
            let isKind = field == "kind" || field == "listKind"
            label(
                isKind ? name.lowercased() : name, path[field], shown: name,
                prefix: isKind ? "may have mixed case, but should otherwise match: " : "")
        }
        for field in ["shortNames", "categories"] {
            for (index, name) in (names[field]?.array ?? []).enumerated() {
                label(name.string ?? "", path[field][index])
            }
        }
        if let kind = names["kind"]?.string, !kind.isEmpty, kind == names["listKind"]?.string {
            add(.invalid(path["listKind"], kind, "kind and listKind may not be the same"))
        }
    }

    private mutating func conversion(_ conversion: JSONValue?, _ path: FieldPath) {
        guard let conversion else { return }
        choice(conversion["strategy"], ["None", "Webhook"], path["strategy"], required: true)
        if conversion["strategy"] == "Webhook" {
            // Refused as a whole: with it every object would have to be sent to a webhook, and none is called.
            add(.forbidden(path["strategy"], "this server does not call conversion webhooks; use None"))
        } else if conversion["webhook"] != nil {
            add(.forbidden(path["webhook"], "should not be set when strategy is not set to Webhook"))
        }
    }

    private mutating func storedVersions(_ definition: JSONValue) {
        let path = FieldPath("status")["storedVersions"]
        let names = Set((definition["spec"]?["versions"]?.array ?? []).compactMap { $0["name"]?.string })
        for (index, stored) in (definition["status"]?["storedVersions"]?.array ?? []).enumerated() {
            guard let name = stored.string, !names.contains(name) else { continue }
            add(
                .invalid(
                    path[index], name,
                    "missing from spec.versions; \(name) was previously a storage version, and must remain in "
                        + "spec.versions until a storage migration ensures no data remains persisted in \(name) and "
                        + "removes \(name) from status.storedVersions"))
        }
    }

    private mutating func check(_ approval: APIApproval) {
        if let old, let before = APIApproval(old.object ?? [:]), before.state == approval.state { return }
        let path = FieldPath("metadata")["annotations"].key(APIApproval.annotation)
        switch approval.state {
        case .approved, .bypassed: break
        case .missing: add(.required(path, approval.message))
        case .invalid: add(.invalid(path, approval.value, approval.message))
        }
    }

    private mutating func definitionUpdate(_ spec: JSONValue, _ path: FieldPath) {
        guard let before = old?["spec"] else { return }
        if DefinitionStatus.isTrue("Established", old?.object ?? [:]) {
            unchanged(spec["scope"], before["scope"], path["scope"])
            unchanged(spec["names"]?["kind"], before["names"]?["kind"], path["names"]["kind"])
        }
        unchanged(spec["group"], before["group"], path["group"])
        unchanged(spec["names"]?["plural"], before["names"]?["plural"], path["names"]["plural"])
    }

    // MARK: Subresources, columns, selectable fields

    private mutating func subresources(_ subresources: JSONValue, _ path: FieldPath) {
        guard let scale = subresources["scale"] else { return }
        let fields = [
            ("specReplicasPath", [".spec."], "should be a json path under .spec"),
            ("statusReplicasPath", [".status."], "should be a json path under .status"),
            ("labelSelectorPath", [".spec.", ".status."], "should be a json path under either .spec or .status"),
        ]
        for (field, roots, complaint) in fields {
            let place = path["scale.\(field)"]
            let text = scale[field]?.string ?? ""
            if text.isEmpty {
                if field != "labelSelectorPath" { add(.required(place)) }
            } else if Self.isSimplePath(text) {
                if !roots.contains(where: { text.hasPrefix($0) }) { add(.invalid(place, text, complaint)) }
            } else {
                add(.invalid(place, text, "is an invalid path: it is no simple JSON path of fields after dots"))
            }
        }
    }

    /// `.spec.replicas`: fields after dots and nothing else.
    private static func isSimplePath(_ text: String) -> Bool {
        guard text.hasPrefix(".") else { return false }
        return text.dropFirst().split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { Names.isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2D }
        }
    }

    private static let columnTypes = ["boolean", "date", "integer", "number", "string"]
    private static let columnFormats = [
        "byte", "date", "date-time", "double", "float", "int32", "int64", "password",
    ]

    private mutating func printerColumn(_ column: JSONValue, _ path: FieldPath) {
        required(column["name"], path["name"])
        let types = "must be one of \(Self.columnTypes.joined(separator: ","))"
        if let type = required(column["type"], path["type"], types), !Self.columnTypes.contains(type) {
            add(.invalid(path["type"], type, types))
        }
        if let format = column["format"]?.string, !format.isEmpty, !Self.columnFormats.contains(format) {
            add(
                .invalid(path["format"], format, "must be one of \(Self.columnFormats.joined(separator: ","))"))
        }
        guard let text = required(column["jsonPath"], path["JSONPath"]) else { return }
        do throws(JSONPathError) {
            _ = try JSONPath(text)
        } catch {
            add(.invalid(path["JSONPath"], text, "is an invalid path: \(error)"))
        }
    }

    private mutating func selectableFields(_ fields: [JSONValue], _ schema: JSONValue, _ path: FieldPath) {
        var seen: Set<String> = []
        for (index, field) in fields.enumerated() {
            let place = path[index]["jsonPath"]
            guard let text = required(field["jsonPath"], place) else { continue }
            guard Self.isSimplePath(text) else {
                add(.invalid(place, text, "is an invalid path: it is no simple JSON path of fields after dots"))
                continue
            }
            let names = text.split(separator: ".").map(String.init)
            if names.first == "metadata" { add(.invalid(place, text, "must not point to fields in metadata")) }
            let target = names.reduce(Optional(schema)) { $0?["properties"]?[$1] }
            if !["string", "boolean", "integer"].contains(target?["type"]?.string ?? "") {
                add(
                    .invalid(
                        place, text,
                        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
                    ))
            }
            if !seen.insert(text).inserted { add(.duplicate(place, text)) }
        }
        if seen.count > 8 { add(.tooMany(path, count: seen.count, limit: 8)) }
    }
}
