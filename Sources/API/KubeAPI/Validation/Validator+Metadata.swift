// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import Text

extension Validator {
    static let maximumAnnotationBytes = 256 * 1024

    mutating func metadata(_ meta: JSONValue?, namespaced: Bool, name rule: (String) -> [String]) {
        let path = FieldPath("metadata")
        if let prefix = meta?["generateName"]?.string, !prefix.isEmpty {
            // What is appended makes a trailing dash fine.
            let sample = prefix.hasSuffix("-") ? String(prefix.dropLast()) + "a" : prefix
            check(rule(sample), path["generateName"], prefix)
        }
        if let name = required(meta?["name"], path["name"], "name or generateName is required") {
            check(rule(name), path["name"], name)
        }
        let namespace = meta?["namespace"]?.string ?? ""
        if !namespaced {
            if !namespace.isEmpty { add(.forbidden(path["namespace"], "not allowed on this type")) }
        } else if namespace.isEmpty {
            add(.required(path["namespace"]))
        } else {
            check(Names.dnsLabel(namespace), path["namespace"], namespace)
        }
        nonNegative(meta?["generation"], path["generation"])
        labels(meta?["labels"], path["labels"])
        annotations(meta?["annotations"], path["annotations"])
        ownerReferences(meta?["ownerReferences"]?.array ?? [], path["ownerReferences"])
        finalizers(meta?["finalizers"]?.array ?? [], path["finalizers"])
        if let before = old?["metadata"] { metadataUpdate(meta ?? [:], before, path) }
    }

    mutating func labels(_ labels: JSONValue?, _ path: @autoclosure () -> FieldPath) {
        guard let labels = labels?.object else { return }
        for (key, value) in labels {
            check(Names.qualifiedName(key), path(), key)
            check(Names.labelValue(value.string ?? ""), path(), value.string ?? "")
        }
    }

    mutating func annotations(_ annotations: JSONValue?, _ path: @autoclosure () -> FieldPath) {
        guard let annotations = annotations?.object else { return }
        var size = 0
        for (key, value) in annotations {
            check(Names.qualifiedName(key.lowercased()), path(), key)
            size += key.utf8.count + (value.string?.utf8.count ?? 0)
        }
        if size > Self.maximumAnnotationBytes { add(.tooLong(path(), limit: Self.maximumAnnotationBytes)) }
    }

    private mutating func ownerReferences(_ owners: [JSONValue], _ path: FieldPath) {
        var controller: String?
        // Shown in every complaint about a second controller, and as long as the list: made once.
        var list: String?
        for (index, owner) in owners.enumerated() {
            let place = path[index]
            if owner["apiVersion"]?.string?.isEmpty ?? true {
                add(.invalid(place["apiVersion"], "", "version must not be empty"))
            }
            for field in ["kind", "name", "uid"] where owner[field]?.string?.isEmpty ?? true {
                add(.invalid(place[field], "", "must not be empty"))
            }
            guard owner["controller"]?.bool == true else { continue }
            let kind = owner["kind"]?.string ?? ""
            if let first = controller {
                let shown = list ?? FieldError.shown(.array(owners))
                list = shown
                add(
                    FieldError(
                        .invalid, path: path.description, value: shown,
                        detail: "Only one reference can have Controller set to true. Found \"true\" in references for "
                            + "\(first) and \(kind)/\(owner["name"]?.string ?? "")"))
            } else {
                controller = "\(kind)/\(owner["name"]?.string ?? "")"
            }
        }
    }

    mutating func finalizers(_ finalizers: [JSONValue], _ path: FieldPath) {
        for finalizer in finalizers {
            let name = finalizer.string ?? ""
            check(Names.qualifiedName(name), path, name)
            let standard = ["orphan", "foregroundDeletion", "kubernetes"].contains(name)
            if !standard, !name.hasSlash, !name.isEmpty {
                add(.invalid(path, name, "name is neither a standard finalizer name nor is it fully qualified"))
            }
        }
        if finalizers.contains("orphan"), finalizers.contains("foregroundDeletion") {
            add(.invalid(path, json: .array(finalizers), "finalizer orphan and foregroundDeletion cannot be both set"))
        }
    }

    private mutating func metadataUpdate(_ new: JSONValue, _ before: JSONValue, _ path: FieldPath) {
        if before["deletionTimestamp"] != nil {
            let known = Set(before["finalizers"]?.array ?? [])
            let added = (new["finalizers"]?.array ?? []).filter { !known.contains($0) }
            if !added.isEmpty {
                let names = added.map { ($0.string ?? "").quoted }.joined(separator: ", ")
                add(
                    .forbidden(
                        path["finalizers"],
                        "no new finalizers can be added if the object is being deleted, found new finalizers "
                            + "[]string{\(names)}"))
            }
        }
        if new["resourceVersion"]?.string?.isEmpty ?? true {
            add(.invalid(path["resourceVersion"], "", "must be specified for an update"))
        }
        if let now = new["generation"]?.integer, let then = before["generation"]?.integer, now < then {
            add(.invalid(path["generation"], now, "must not be decremented"))
        }
        for field in [
            "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
        ] {
            unchanged(new[field], before[field], path[field])
        }
    }
}
