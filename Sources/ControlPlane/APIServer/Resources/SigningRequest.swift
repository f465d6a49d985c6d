// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema
internal import TLS

/// What a write may change of a certificate signing request: its approval is written by one subresource, its certificate
/// by another, and what it asks for by nobody.
enum SigningRequest {
    /// The conditions that decide over the request. They only say that something is so, and stay.
    private static let verdicts = ["Approved", "Denied", "Failed"]
    private static let approvals = ["Approved", "Denied"]

    /// Takes of `new` what the subresource is for, and fills in the times of conditions.
    static func prepare(_ new: inout APIObject, old: APIObject, subresource: String) {
        new["spec"] = old["spec"]
        guard ["status", "approval"].contains(subresource) else {
            new["status"] = old["status"]
            return
        }
        var conditions = new.status["conditions"]?.array ?? []
        if subresource == "status" {
            for type in approvals { keep(type, in: &conditions, old) }
        }
        stamp(&conditions, old)
        var status = subresource == "approval" ? old.status : new.status
        status["conditions"] = conditions.isEmpty ? nil : .array(conditions)
        new.status = status
    }

    /// Puts the old conditions of a type where the new ones are. Where there are more or fewer of them they are left, for
    /// `errors` to refuse.
    private static func keep(_ type: String, in conditions: inout [JSONValue], _ old: APIObject) {
        let before = Self.conditions(old).filter { $0["type"]?.string == type }
        let places = conditions.indices.filter { conditions[$0]["type"]?.string == type }
        guard before.count == places.count else { return }
        for (place, condition) in zip(places, before) { conditions[place] = condition }
    }

    private static func stamp(_ conditions: inout [JSONValue], _ old: APIObject) {
        let now = JSONValue.string(WallClock.text())
        for index in conditions.indices {
            if conditions[index]["lastUpdateTime"]?.string == nil { conditions[index]["lastUpdateTime"] = now }
            guard conditions[index]["lastTransitionTime"]?.string == nil else { continue }
            let same = Self.conditions(old).first {
                $0["type"] == conditions[index]["type"] && $0["status"] == conditions[index]["status"]
                    && $0["lastTransitionTime"]?.string != nil
            }
            conditions[index]["lastTransitionTime"] = same?["lastTransitionTime"] ?? now
        }
    }

    private static func conditions(_ object: APIObject) -> [JSONValue] { object.status["conditions"]?.array ?? [] }

    private static func conditions(_ object: APIObject, _ type: String) -> [JSONValue] {
        conditions(object).filter { $0["type"]?.string == type }
    }

    // MARK: Validation

    /// What an update must not do, by the subresource it is of.
    static func errors(_ new: APIObject, old: APIObject, subresource: String) -> [FieldError] {
        conditionErrors(new, old) + changeErrors(new, old, subresource) + certificateErrors(new, old, subresource)
    }

    private static let path = FieldPath("status")["conditions"]

    /// Conditions that cannot be. What is stored so already may stay so.
    private static func conditionErrors(_ new: APIObject, _ old: APIObject) -> [FieldError] {
        var errors: [FieldError] = []
        let before = conditions(old).map { $0["type"]?.string ?? "" }
        let hadBoth = approvals.allSatisfy(before.contains)
        let hadDuplicates = Set(before).count < before.count
        var seen: Set<String> = []
        for (index, condition) in conditions(new).enumerated() {
            let type = condition["type"]?.string ?? ""
            let status = condition["status"]?.string ?? ""
            if type.isEmpty, !before.contains("") { errors.append(.required(path[index]["type"])) }
            let allowed = verdicts.contains(type) ? ["True"] : ["False", "True", "Unknown"]
            if status.isEmpty {
                errors.append(.required(path[index]["status"]))
            } else if !allowed.contains(status) {
                errors.append(.notSupported(path[index]["status"], status, allowed))
            }
            if !hadBoth, let other = ["Approved": "Denied", "Denied": "Approved"][type], seen.contains(other) {
                errors.append(.invalid(path, type, "Approved and Denied conditions are mutually exclusive"))
            }
            if !seen.insert(type).inserted, !hadDuplicates {
                errors.append(.duplicate(path[index]["type"], type))
            }
        }
        return errors
    }

    private static func changeErrors(_ new: APIObject, _ old: APIObject, _ subresource: String) -> [FieldError] {
        var errors: [FieldError] = []
        for type in verdicts where conditions(new, type).count < conditions(old, type).count {
            errors.append(.forbidden(path, "updates may not remove a condition of type \"\(type)\""))
        }
        if subresource == "approval" { return errors }
        for type in approvals {
            let (before, after) = (conditions(old, type), conditions(new, type))
            if after.count > before.count {
                errors.append(.forbidden(path, "updates may not add a condition of type \"\(type)\""))
            } else if after.count == before.count, after != before {
                errors.append(.forbidden(path, "updates may not modify a condition of type \"\(type)\""))
            }
        }
        return errors
    }

    private static func certificateErrors(_ new: APIObject, _ old: APIObject, _ subresource: String) -> [FieldError] {
        let path = FieldPath("status")["certificate"]
        let before = old.status["certificate"]?.string ?? ""
        let after = new.status["certificate"]?.string ?? ""
        guard before != after else { return [] }
        if subresource != "status" { return [.forbidden(path, "updates may not set certificate content")] }
        var errors: [FieldError] = []
        if !before.isEmpty { errors.append(.forbidden(path, "updates may not modify existing certificate content")) }
        if after.isEmpty { return errors }
        do throws(TLSError) {
            _ = try Certificate.all(pem: Base64.decode(after) ?? [], name: "certificate")
        } catch {
            errors.append(.invalid(path, "<certificate data>", "\(error)"))
        }
        return errors
    }
}
