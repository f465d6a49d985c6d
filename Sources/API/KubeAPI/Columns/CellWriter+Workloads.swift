// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension CellWriter {
    var deployment: [JSONValue] {
        [
            name, .string("\(status["readyReplicas"]?.integer ?? 0)/\(spec["replicas"]?.integer ?? 0)"),
            number(status["updatedReplicas"]), number(status["availableReplicas"]), age,
        ] + containers(spec["template"]) + [.string(selector(spec["selector"]))]
    }

    /// A ReplicaSet, or with a plain selector a ReplicationController.
    func replicas(selector plain: JSONObject?) -> [JSONValue] {
        [name, number(spec["replicas"]), number(status["replicas"]), number(status["readyReplicas"]), age]
            + containers(spec["template"]) + [.string(plain.map { labels($0) } ?? selector(spec["selector"]))]
    }

    var statefulSet: [JSONValue] {
        [name, .string("\(status["readyReplicas"]?.integer ?? 0)/\(spec["replicas"]?.integer ?? 0)"), age]
            + containers(spec["template"])
    }

    var daemonSet: [JSONValue] {
        let counts = [
            "desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled",
            "numberAvailable",
        ]
        let nodes = labels(spec["template"]?["spec"]?["nodeSelector"]?.object)
        return [name] + counts.map { number(status[$0]) } + [.string(nodes), age] + containers(spec["template"])
            + [.string(selector(spec["selector"]))]
    }

    var job: [JSONValue] {
        let succeeded = status["succeeded"]?.integer ?? 0
        let parallelism = spec["parallelism"]?.integer ?? 0
        let completions: String
        if let wanted = spec["completions"]?.integer {
            completions = "\(succeeded)/\(wanted)"
        } else {
            completions = parallelism > 1 ? "\(succeeded)/1 of \(parallelism)" : "\(succeeded)/1"
        }
        return [name, .string(jobStatus), .string(completions), .string(jobDuration), age]
            + containers(spec["template"]) + [.string(selector(spec["selector"]))]
    }

    private var jobDuration: String {
        guard let start = status["startTime"]?.string.flatMap(Age.seconds) else { return "" }
        return Age.text(ofSeconds: (status["completionTime"]?.string.flatMap(Age.seconds) ?? now) - start)
    }

    private var jobStatus: String {
        if isTrue("Complete") { return "Complete" }
        if isTrue("Failed") { return "Failed" }
        if metadata["deletionTimestamp"] != nil { return "Terminating" }
        for (condition, text) in [
            ("Suspended", "Suspended"), ("FailureTarget", "FailureTarget"),
            ("SuccessCriteriaMet", "SuccessCriteriaMet"),
        ] where isTrue(condition) {
            return text
        }
        return "Running"
    }

    var cronJob: [JSONValue] {
        let template = spec["jobTemplate"]?["spec"]
        return [
            name, text(spec["schedule"]), text(spec["timeZone"], or: "<none>"),
            .string(spec["suspend"]?.bool.map { $0 ? "True" : "False" } ?? "<unset>"),
            .integer(Int64(status["active"]?.array?.count ?? 0)),
            .string(since(status["lastScheduleTime"], or: "<none>")), age,
        ] + containers(template?["template"]) + [.string(selector(template?["selector"]))]
    }

    // MARK: Services

    var service: [JSONValue] {
        let ports = (spec["ports"]?.array ?? []).map { port in
            let node = port["nodePort"]?.integer ?? 0
            return "\(port["port"]?.integer ?? 0)" + (node > 0 ? ":\(node)" : "")
                + "/\(port["protocol"]?.string ?? "")"
        }
        return [
            name, text(spec["type"]), text(spec["clusterIP"], or: "<none>"), .string(externalAddress),
            .string(ports.isEmpty ? "<none>" : ports.joined(separator: ",")), age,
            .string(labels(spec["selector"]?.object)),
        ]
    }

    private var externalAddress: String {
        let external = (spec["externalIPs"]?.array ?? []).compactMap(\.string)
        switch spec["type"]?.string {
        case "ClusterIP", "NodePort": return external.isEmpty ? "<none>" : external.joined(separator: ",")
        case "LoadBalancer":
            let all = loadBalancerAddresses + external
            return all.isEmpty ? "<pending>" : all.joined(separator: ",")
        case "ExternalName": return spec["externalName"]?.string ?? ""
        default: return "<unknown>"
        }
    }

    var loadBalancerAddresses: [String] {
        (status["loadBalancer"]?["ingress"]?.array ?? []).compactMap { entry in
            [entry["ip"], entry["hostname"]].lazy.compactMap { $0?.string }.first { !$0.isEmpty }
        }
    }

    var endpoints: String {
        let subsets = object["subsets"]?.array ?? []
        if subsets.isEmpty { return "<none>" }
        var list: [String] = []
        for subset in subsets {
            let addresses = (subset["addresses"]?.array ?? []).compactMap { $0["ip"]?.string }
            let ports = subset["ports"]?.array ?? []
            if ports.isEmpty { list += addresses }
            for port in ports {
                list += addresses.map {
                    "\($0.contains(":") ? "[\($0)]" : $0):\(port["port"]?.integer ?? 0)"
                }
            }
        }
        return list.isEmpty ? "" : joined(list, limit: 3)
    }

    var endpointSlice: [JSONValue] {
        let ports = (object["ports"]?.array ?? []).map { port in
            port["port"]?.integer.map { "\($0)" } ?? port["name"]?.string ?? "*"
        }
        let addresses = (object["endpoints"]?.array ?? []).flatMap { endpoint in
            (endpoint["addresses"]?.array ?? []).compactMap(\.string)
        }
        return [
            name, text(object["addressType"]), .string(joined(ports, limit: 3)), .string(joined(addresses, limit: 3)),
            age,
        ]
    }
}
