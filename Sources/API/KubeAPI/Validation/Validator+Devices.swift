// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// Kinds of `resource.k8s.io` (dynamic resource allocation). Which devices a pod may use, and whether it may look at those
/// of others, is decided when a claim is made and when it is allocated: neither changes afterwards.
extension Validator {
    /// What a claim asks for was looked at when it was made; so it is with the template of claims.
    mutating func unchangedSpec(_ object: JSONValue) {
        if let old { unchanged(object["spec"], old["spec"], FieldPath("spec")) }
    }

    /// A slice is of one node, driver and pool for good: by these it is decided who may write it.
    mutating func resourceSlice(_ slice: JSONValue) {
        let path = FieldPath("spec")
        let spec = slice["spec"] ?? [:]
        required(spec["driver"], path["driver"])
        required(spec["pool"]?["name"], path["pool"]["name"])
        if let before = old?["spec"] {
            unchanged(spec["pool"]?["name"], before["pool"]?["name"], path["pool"]["name"])
            for field in ["driver", "nodeName"] { unchanged(spec[field], before[field], path[field]) }
        }
        let ways = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"].filter {
            spec[$0].map { $0 != .null } ?? false
        }
        if spec["nodeName"] == "" {
            add(.invalid(path["nodeName"], "", "must be either unset or set to a non-empty string"))
        }
        for field in ["allNodes", "perDeviceNodeSelection"] where spec[field] == false {
            add(.invalid(path[field], json: false, "must be either unset or set to true"))
        }
        if let selector = spec["nodeSelector"] { nodeSelector(selector, path["nodeSelector"]) }
        let choices = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
        if ways.isEmpty { add(.required(path, choices)) }
        if ways.count > 1 {
            let named = ways.map { "`\($0)`" }.joined(separator: ", ")
            add(.invalid(path, "{\(named)}", choices + ", but multiple fields are set"))
        }
    }

    // MARK: Status of claims

    static let maximumConsumers = 256
    static let maximumResults = 32

    /// An allocation stays as it is until it is given back as a whole; nobody is let in without one, or once the claim goes.
    mutating func resourceClaimStatus(_ claim: JSONValue) {
        let path = FieldPath("status")
        let status = claim["status"] ?? [:]
        let allocation = Self.allocation(claim)
        consumers(status["reservedFor"]?.array ?? [], path["reservedFor"])
        deviceStates(status["devices"]?.array ?? [], allocation, path["devices"])
        if status["reservedFor"]?.isPresent == true {
            let place = path["reservedFor"]
            if allocation == nil {
                add(.forbidden(place, "may not be specified when `allocated` is not set"))
            } else if claim["metadata"]?["deletionTimestamp"] != nil {
                let known = Set(old?["status"]?["reservedFor"]?.array ?? [])
                if !(status["reservedFor"]?.array ?? []).allSatisfy(known.contains) {
                    add(
                        .forbidden(
                            place,
                            "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set")
                    )
                }
            }
        }
        guard let allocation else { return }
        if let before = Self.allocation(old) {
            unchanged(allocation, before, path["allocation"])
        } else {
            newAllocation(allocation, Self.requestNames(claim), path["allocation"])
        }
    }

    private static func allocation(_ claim: JSONValue?) -> JSONValue? {
        guard let allocation = claim?["status"]?["allocation"], allocation != .null else { return nil }
        return allocation
    }

    private mutating func consumers(_ consumers: [JSONValue], _ path: FieldPath) {
        if consumers.count > Self.maximumConsumers {
            add(.tooMany(path, count: consumers.count, limit: Self.maximumConsumers))
            return
        }
        var seen: Set<String> = []
        for (index, consumer) in consumers.enumerated() {
            for field in ["resource", "name", "uid"] { required(consumer[field], path[index][field]) }
            let uid = consumer["uid"]?.string ?? ""
            if !seen.insert(uid).inserted { add(.duplicate(path[index], uid)) }
        }
    }

    private static let deviceFields = ["driver", "pool", "device", "shareID"]

    private static func device(_ entry: JSONValue) -> [String] { deviceFields.map { entry[$0]?.string ?? "" } }

    private mutating func deviceStates(_ devices: [JSONValue], _ allocation: JSONValue?, _ path: FieldPath) {
        let allocated = Set((allocation?["devices"]?["results"]?.array ?? []).map(Self.device))
        var seen: Set<[String]> = []
        for (index, entry) in devices.enumerated() {
            for field in ["driver", "pool", "device"] { required(entry[field], path[index][field]) }
            let device = Self.device(entry)
            let shown = device.filter { !$0.isEmpty }.joined(separator: "/")
            if !seen.insert(device).inserted { add(.duplicate(path[index], shown)) }
            if !allocated.contains(device) {
                add(.invalid(path[index], shown, "must be an allocated device in the claim"))
            }
        }
    }

    /// The requests of a claim, with those that may be chosen among as `request/subrequest` too.
    private static func requestNames(_ claim: JSONValue) -> Set<String> {
        var names: Set<String> = []
        for request in claim["spec"]?["devices"]?["requests"]?.array ?? [] {
            let name = request["name"]?.string ?? ""
            names.insert(name)
            for choice in request["firstAvailable"]?.array ?? [] {
                names.insert("\(name)/\(choice["name"]?.string ?? "")")
            }
        }
        return names
    }

    private mutating func newAllocation(_ allocation: JSONValue, _ requests: Set<String>, _ path: FieldPath) {
        let unknown =
            "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
        let place = path["devices"]
        let results = allocation["devices"]?["results"]?.array ?? []
        if results.count > Self.maximumResults {
            add(.tooMany(place["results"], count: results.count, limit: Self.maximumResults))
        } else {
            for (index, result) in results.enumerated() {
                let item = place["results"][index]
                let request = result["request"]?.string ?? ""
                if !requests.contains(request) { add(.invalid(item["request"], request, unknown)) }
                for field in ["driver", "pool"] { required(result[field], item[field]) }
                let device = result["device"]?.string ?? ""
                check(Names.dnsLabel(device), item["device"], device)
            }
        }
        let configurations = allocation["devices"]?["config"]?.array ?? []
        if configurations.count > 2 * Self.maximumResults {
            add(.tooMany(place["config"], count: configurations.count, limit: 2 * Self.maximumResults))
        } else {
            for (index, configuration) in configurations.enumerated() {
                let item = place["config"][index]
                choice(configuration["source"], ["FromClaim", "FromClass"], item["source"], required: true)
                for (position, name) in (configuration["requests"]?.array ?? []).enumerated()
                where !requests.contains(name.string ?? "") {
                    add(.invalid(item["requests"][position], name.string ?? "", unknown))
                }
            }
        }
        if let selector = allocation["nodeSelector"] { nodeSelector(selector, path["nodeSelector"]) }
    }
}
