// SPDX-License-Identifier: Apache-2.0

internal import HTTP
internal import JSON
internal import Schema

/// Rights beyond that on a claim's status: who gives devices to pods is asked for `resourceclaims/binding`, and who tells
/// of a driver's devices for `resourceclaims/driver` by the driver's name. Neither is a subresource that is served.
struct ResourceClaimRights: Sendable {
    let authorizer: Authorizer
    /// The update or patch of the status, by whom and of what.
    let access: AccessRequest

    func errors(_ new: APIObject, old: APIObject) throws(APIError) -> [FieldError] {
        try bindingErrors(new.status, old.status) + deviceErrors(new.status, old.status)
    }

    private func bindingErrors(_ new: JSONObject, _ old: JSONObject) throws(APIError) -> [FieldError] {
        guard new["allocation"] != old["allocation"] || new["reservedFor"] != old["reservedFor"] else { return [] }
        var wanted = access
        wanted.subresource = "binding"
        // Claims are bound by one scheduler for all of the cluster.
        wanted.namespace = ""
        wanted.name = ""
        if try authorizer.decide(wanted).allowed { return [] }
        return [
            .forbidden(
                FieldPath("status")["allocation"],
                "changing status.allocation or status.reservedFor requires resource=\"resourceclaims/binding\", "
                    + "verb=\"\(access.verb)\" permission")
        ]
    }

    private func deviceErrors(_ new: JSONObject, _ old: JSONObject) throws(APIError) -> [FieldError] {
        // A claim that is given back loses what was told of its devices.
        guard let allocation = new["allocation"], allocation != .null else { return [] }
        var verbs = ["arbitrary-node:\(access.verb)"]
        if isOnNode(of: allocation) { verbs.insert("associated-node:\(access.verb)", at: 0) }
        var errors: [FieldError] = []
        for driver in Self.changedDrivers(new, old) {
            var wanted = access
            wanted.subresource = "driver"
            wanted.name = driver
            var isAllowed = false
            for verb in verbs where !isAllowed {
                wanted.verb = verb
                isAllowed = try authorizer.decide(wanted).allowed
            }
            guard !isAllowed else { continue }
            errors.append(
                .forbidden(
                    FieldPath("status")["devices"],
                    "changing status.devices requires resource=\"resourceclaims/driver\", "
                        + "verb=\"[\(verbs.joined(separator: " "))]\" permission"))
        }
        return errors
    }

    /// The drivers of which an entry came, went or changed.
    static func changedDrivers(_ new: JSONObject, _ old: JSONObject) -> [String] {
        let before = old["devices"]?.array ?? []
        let after = new["devices"]?.array ?? []
        return Set(Set(before).symmetricDifference(after).map { $0["driver"]?.string ?? "" }).sorted()
    }

    /// Takes away what was told of devices that the claim no longer has: who gives them back need not know of it.
    static func dropGivenBack(_ new: inout APIObject, old: APIObject) {
        func device(_ entry: JSONValue) -> [String] {
            ["driver", "pool", "device", "shareID"].map { entry[$0]?.string ?? "" }
        }
        func allocated(_ claim: APIObject) -> Set<[String]> {
            Set((claim.status["allocation"]?["devices"]?["results"]?.array ?? []).map(device))
        }
        guard let told = new.status["devices"]?.array else { return }
        let givenBack = allocated(old).subtracting(allocated(new))
        let left = told.filter { !givenBack.contains(device($0)) }
        guard left.count < told.count else { return }
        var status = new.status
        status["devices"] = left.isEmpty ? nil : .array(left)
        new.status = status
    }

    /// Whether the user is an account whose token is bound to the one node that the claim is allocated on.
    private func isOnNode(of allocation: JSONValue) -> Bool {
        let terms = allocation["nodeSelector"]?["nodeSelectorTerms"]?.array ?? []
        guard terms.count == 1, (terms[0]["matchExpressions"]?.array ?? []).isEmpty,
            let fields = terms[0]["matchFields"]?.array, fields.count == 1, fields[0]["key"]?.string == "metadata.name",
            fields[0]["operator"]?.string == "In", let values = fields[0]["values"]?.array, values.count == 1,
            let node = values[0].string, !node.isEmpty
        else { return false }
        return Impersonation.UserNames.account(access.user.name) != nil
            && access.user.extra["authentication.kubernetes.io/node-name"] == [node]
    }
}
