// SPDX-License-Identifier: Apache-2.0

internal import JSON

extension CellWriter {
    /// The cells of kinds outside the core and workload groups; nil for kinds that only show their name and time.
    func clusterCells(_ kind: String) -> [JSONValue]? {
        switch kind {
        case "discovery.k8s.io/EndpointSlice": endpointSlice
        case "networking.k8s.io/Ingress": ingress
        case "networking.k8s.io/IngressClass": ingressClass
        case "networking.k8s.io/NetworkPolicy": [name, .string(selector(spec["podSelector"])), age]
        case "networking.k8s.io/ServiceCIDR":
            [name, .string((spec["cidrs"]?.array ?? []).compactMap(\.string).joined(separator: ",")), age]
        case "networking.k8s.io/IPAddress": [name, .string(parentReference)]
        case "policy/PodDisruptionBudget":
            [
                name, .string(IntOrString(spec["minAvailable"])?.description ?? "N/A"),
                .string(IntOrString(spec["maxUnavailable"])?.description ?? "N/A"),
                number(status["disruptionsAllowed"]), age,
            ]
        case "autoscaling/HorizontalPodAutoscaler": autoscaler
        case "rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding": roleBinding
        case "certificates.k8s.io/CertificateSigningRequest": certificateRequest
        case "coordination.k8s.io/Lease": [name, text(spec["holderIdentity"]), age]
        case "storage.k8s.io/StorageClass": storageClass
        case "storage.k8s.io/VolumeAttachment":
            [
                name, text(spec["attacher"]), text(spec["source"]?["persistentVolumeName"]), text(spec["nodeName"]),
                status["attached"] ?? false, age,
            ]
        case "storage.k8s.io/CSINode": [name, .integer(Int64(spec["drivers"]?.array?.count ?? 0)), age]
        case "storage.k8s.io/CSIDriver": storageDriver
        case "scheduling.k8s.io/PriorityClass":
            [
                name, number(object["value"]), object["globalDefault"] ?? false, age,
                text(object["preemptionPolicy"], or: "PreemptLowerPriority"),
            ]
        case "node.k8s.io/RuntimeClass": [name, text(object["handler"]), age]
        case "admissionregistration.k8s.io/MutatingWebhookConfiguration",
            "admissionregistration.k8s.io/ValidatingWebhookConfiguration":
            [name, .integer(Int64(object["webhooks"]?.array?.count ?? 0)), age]
        case "apiregistration.k8s.io/APIService": apiService
        default: nil
        }
    }

    private var ingress: [JSONValue] {
        let hosts = (spec["rules"]?.array ?? []).compactMap { $0["host"]?.string }.filter { !$0.isEmpty }
        let tls = spec["tls"]?.isPresent == true
        return [
            name, text(spec["ingressClassName"], or: "<none>"),
            .string(hosts.isEmpty ? "*" : joined(hosts, limit: 3)),
            .string(loadBalancerAddresses.joined(separator: ",")), .string(tls ? "80, 443" : "80"), age,
        ]
    }

    private var ingressClass: [JSONValue] {
        var parameters = "<none>"
        if let reference = spec["parameters"] {
            let group = reference["apiGroup"]?.string.map { "." + $0 } ?? ""
            parameters = "\(reference["kind"]?.string ?? "")\(group)/\(reference["name"]?.string ?? "")"
        }
        return [name, text(spec["controller"]), .string(parameters), age]
    }

    private var parentReference: String {
        let parent = spec["parentRef"]
        let parts = ["resource", "namespace", "name"].map { parent?[$0]?.string ?? "" }.filter { !$0.isEmpty }
        let group = parent?["group"]?.string ?? ""
        guard let resource = parts.first else { return "" }
        return ([group.isEmpty ? resource : "\(resource).\(group)"] + parts.dropFirst()).joined(separator: "/")
    }

    private var roleBinding: [JSONValue] {
        let subjects = object["subjects"]?.array ?? []
        func names(_ kind: JSONValue) -> JSONValue {
            .string(
                subjects.filter { $0["kind"] == kind }.map { subject in
                    let name = subject["name"]?.string ?? ""
                    return kind == "ServiceAccount" ? "\(subject["namespace"]?.string ?? "")/\(name)" : name
                }.joined(separator: ", "))
        }
        let role = "\(object["roleRef"]?["kind"]?.string ?? "")/\(object["roleRef"]?["name"]?.string ?? "")"
        return [name, .string(role), age, names("User"), names("Group"), names("ServiceAccount")]
    }

    private var certificateRequest: [JSONValue] {
        let types = (status["conditions"]?.array ?? []).compactMap { $0["type"]?.string }
        var state: [String] = []
        if types.contains("Denied") {
            state.append("Denied")
        } else {
            state.append(types.contains("Approved") ? "Approved" : "Pending")
        }
        if types.contains("Failed") { state.append("Failed") }
        if status["certificate"]?.isPresent == true { state.append("Issued") }
        let wanted = spec["expirationSeconds"]?.integer.map { Age.text(ofSeconds: $0) } ?? "<none>"
        return [
            name, age, text(spec["signerName"], or: "<none>"), text(spec["username"]), .string(wanted),
            .string(state.joined(separator: ",")),
        ]
    }

    // MARK: Storage

    private func accessModes(_ modes: JSONValue?) -> String {
        let short = [
            "ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP",
        ]
        let present = Set((modes?.array ?? []).compactMap(\.string))
        return ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"].filter(present.contains)
            .compactMap { short[$0] }.joined(separator: ",")
    }

    private var phase: JSONValue {
        metadata["deletionTimestamp"] == nil ? text(status["phase"]) : "Terminating"
    }

    private var storageClassName: JSONValue {
        let annotation = metadata["annotations"]?["volume.beta.kubernetes.io/storage-class"]
        return text(annotation ?? spec["storageClassName"])
    }

    var persistentVolume: [JSONValue] {
        let claim = spec["claimRef"].map { "\($0["namespace"]?.string ?? "")/\($0["name"]?.string ?? "")" } ?? ""
        return [
            name, text(spec["capacity"]?["storage"], or: "0"), .string(accessModes(spec["accessModes"])),
            text(spec["persistentVolumeReclaimPolicy"]), phase, .string(claim), storageClassName,
            text(spec["volumeAttributesClassName"], or: "<unset>"), text(status["reason"]), age,
            text(spec["volumeMode"], or: "<unset>"),
        ]
    }

    var persistentVolumeClaim: [JSONValue] {
        let bound = spec["volumeName"]?.isPresent == true
        return [
            name, phase, text(spec["volumeName"]), bound ? text(status["capacity"]?["storage"], or: "0") : "",
            .string(bound ? accessModes(status["accessModes"]) : ""), storageClassName,
            text(spec["volumeAttributesClassName"], or: "<unset>"), age, text(spec["volumeMode"], or: "<unset>"),
        ]
    }

    private var storageClass: [JSONValue] {
        let annotations = metadata["annotations"]
        let isDefault =
            annotations?["storageclass.kubernetes.io/is-default-class"] == "true"
            || annotations?["storageclass.beta.kubernetes.io/is-default-class"] == "true"
        return [
            isDefault ? .string((name.string ?? "") + " (default)") : name, text(object["provisioner"]),
            text(object["reclaimPolicy"], or: "Delete"), text(object["volumeBindingMode"], or: "Immediate"),
            object["allowVolumeExpansion"] ?? false, age,
        ]
    }

    private var storageDriver: [JSONValue] {
        let audiences = (spec["tokenRequests"]?.array ?? []).compactMap { $0["audience"]?.string }
        let modes = (spec["volumeLifecycleModes"]?.array ?? []).compactMap(\.string)
        return [
            name, spec["attachRequired"] ?? true, spec["podInfoOnMount"] ?? false, spec["storageCapacity"] ?? false,
            .string(audiences.isEmpty ? "<unset>" : audiences.joined(separator: ",")),
            spec["requiresRepublish"] ?? false, .string(modes.isEmpty ? "<none>" : modes.joined(separator: ",")), age,
        ]
    }

    // MARK: Quotas, autoscaling, aggregation

    var resourceQuota: [JSONValue] {
        var requests: [String] = []
        var limits: [String] = []
        for (resource, hard) in (status["hard"]?.object ?? [:]).sortedByKey() {
            let used = status["used"]?[resource]?.string ?? "0"
            let text = "\(resource): \(used)/\(hard.string ?? "")"
            if resource.hasPrefix("limits") { limits.append(text) } else { requests.append(text) }
        }
        return [
            name, .string(requests.joined(separator: ", ")), .string(limits.joined(separator: ", ")), age,
        ]
    }

    private var autoscaler: [JSONValue] {
        let target = spec["scaleTargetRef"]
        return [
            name, .string("\(target?["kind"]?.string ?? "")/\(target?["name"]?.string ?? "")"), .string(metrics),
            .string(spec["minReplicas"]?.integer.map { "\($0)" } ?? "<unset>"), number(spec["maxReplicas"]),
            number(status["currentReplicas"]), age,
        ]
    }

    private var metrics: String {
        if let wanted = spec["targetCPUUtilizationPercentage"]?.integer {
            // autoscaling/v1 knows this one metric.
            let current = status["currentCPUUtilizationPercentage"]?.integer.map { "\($0)%" } ?? "<unknown>"
            return "cpu: \(current)/\(wanted)%"
        }
        let wanted = spec["metrics"]?.array ?? []
        if wanted.isEmpty { return "<none>" }
        let current = status["currentMetrics"]?.array ?? []
        let all = wanted.enumerated().map { index, metric in
            Self.metric(metric, index < current.count ? current[index] : nil)
        }
        let shown = all.prefix(2).joined(separator: ", ")
        return all.count > 2 ? "\(shown) + \(all.count - 2) more..." : shown
    }

    private static func metric(_ wanted: JSONValue, _ current: JSONValue?) -> String {
        let type = wanted["type"]?.string ?? ""
        let field = type.prefix(1).lowercased() + type.dropFirst()
        guard let body = wanted[field], ["Resource", "ContainerResource", "Pods", "Object", "External"].contains(type)
        else { return "<unknown type>" }
        let target = body["target"]
        let now = current?[field]?["current"]
        let perResource = type == "Resource" || type == "ContainerResource"
        let prefix = perResource ? "\(body["name"]?.string ?? ""): " : ""
        if let average = target?["averageValue"]?.string {
            let text = "\(prefix)\(now?["averageValue"]?.string ?? "<unknown>")/\(average)"
            return type == "External" || type == "Object" ? text + " (avg)" : text
        }
        if perResource {
            let percent = now?["averageUtilization"]?.integer.map { "\($0)%" } ?? "<unknown>"
            let goal = target?["averageUtilization"]?.integer.map { "\($0)%" } ?? "<auto>"
            return "\(prefix)\(percent)/\(goal)"
        }
        return "\(now?["value"]?.string ?? "<unknown>")/\(target?["value"]?.string ?? "")"
    }

    private var apiService: [JSONValue] {
        let service = spec["service"].map { "\($0["namespace"]?.string ?? "")/\($0["name"]?.string ?? "")" }
        let condition = (status["conditions"]?.array ?? []).first { $0["type"] == "Available" }
        var available = condition?["status"]?.string ?? "Unknown"
        if available != "True", let reason = condition?["reason"]?.string, !reason.isEmpty {
            available += " (\(reason))"
        }
        return [name, .string(service ?? "Local"), .string(available), age]
    }
}
