// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import Schema

/// What the containers of one pod share.
struct ContainerContext {
    /// Volume names, and whether a volume can be a block device.
    var volumes: [String: Bool]
    var hostNetwork: Bool
    var hostUsers: Bool
    var names: Set<String> = []
    var hostPorts: Set<String> = []
}

extension Validator {
    mutating func containers(_ spec: JSONValue, _ path: FieldPath, _ context: inout ContainerContext) {
        let main = spec["containers"]?.array ?? []
        if main.isEmpty { add(.required(path["containers"])) }
        for (index, item) in main.enumerated() {
            let place = path["containers"][index]
            container(item, place, &context)
            handlers(of: item, place)
        }
        for (index, item) in (spec["initContainers"]?.array ?? []).enumerated() {
            let place = path["initContainers"][index]
            container(item, place, &context)
            if item["restartPolicy"]?.string == "Always" {
                handlers(of: item, place)
                continue
            }
            for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] where item[field] != nil {
                add(.forbidden(place[field], "may not be set for init containers without restartPolicy=Always"))
            }
        }
        for (index, item) in (spec["ephemeralContainers"]?.array ?? []).enumerated() {
            ephemeralContainer(item, path["ephemeralContainers"][index], &context)
        }
    }

    /// What only the containers that a pod was made with have: those added later ask the node for nothing.
    private static let notForEphemeral = [
        "ports", "resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy",
        "restartPolicy", "restartPolicyRules",
    ]

    private mutating func ephemeralContainer(_ item: JSONValue, _ path: FieldPath, _ context: inout ContainerContext) {
        container(item, path, &context)
        for field in Self.notForEphemeral where item[field]?.isPresent == true {
            add(.forbidden(path[field], "cannot be set for an Ephemeral Container"))
        }
        for (index, mount) in (item["volumeMounts"]?.array ?? []).enumerated() {
            for field in ["subPath", "subPathExpr"] where mount[field]?.string?.isEmpty == false {
                add(.forbidden(path["volumeMounts"][index][field], "cannot be set for an Ephemeral Container"))
            }
        }
        if let target = item["targetContainerName"]?.string, !target.isEmpty, !context.names.contains(target) {
            add(.notFound(path["targetContainerName"], target))
        }
    }

    private mutating func container(_ item: JSONValue, _ path: FieldPath, _ context: inout ContainerContext) {
        if let name = required(item["name"], path["name"]) {
            check(Names.dnsLabel(name), path["name"], name)
            if !context.names.insert(name).inserted { add(.duplicate(path["name"], name)) }
        }
        if let image = required(item["image"], path["image"]) {
            let edges = [image.unicodeScalars.first, image.unicodeScalars.last]
            if edges.contains(where: { $0?.properties.isWhitespace ?? false }) {
                add(.invalid(path["image"], image, "must not have leading or trailing whitespace"))
            }
        }
        choice(
            item["terminationMessagePolicy"], ["FallbackToLogsOnError", "File"], path["terminationMessagePolicy"],
            required: true)
        choice(item["imagePullPolicy"], ["Always", "IfNotPresent", "Never"], path["imagePullPolicy"], required: true)
        ports(item["ports"]?.array ?? [], path["ports"], &context)
        environment(item["env"]?.array ?? [], path["env"])
        environmentFrom(item["envFrom"]?.array ?? [], path["envFrom"])
        mounts(of: item, path, context)
        resources(item["resources"], path["resources"])
        securityContext(item["securityContext"], path["securityContext"], hostUsers: context.hostUsers)
        for (index, policy) in (item["resizePolicy"]?.array ?? []).enumerated() {
            let place = path["resizePolicy"]
            choice(policy["resourceName"], ["cpu", "memory"], place, required: true)
            choice(policy["restartPolicy"], ["NotRequired", "RestartContainer"], place, required: true)
            _ = index
        }
    }

    private mutating func ports(_ ports: [JSONValue], _ path: FieldPath, _ context: inout ContainerContext) {
        var seen: Set<String> = []
        for (index, port) in ports.enumerated() {
            let place = path[index]
            if let name = port["name"]?.string, !name.isEmpty {
                let complaints = Names.portName(name)
                check(complaints, place["name"], name)
                if complaints.isEmpty, !seen.insert(name).inserted { add(.duplicate(place["name"], name)) }
            }
            let number = port["containerPort"]?.integer ?? 0
            if number == 0 {
                add(.required(place["containerPort"]))
            } else {
                range(.integer(number), 1, 65535, place["containerPort"])
            }
            let proto = port["protocol"]?.string ?? ""
            choice(port["protocol"], ["SCTP", "TCP", "UDP"], place["protocol"], required: true)
            guard let host = port["hostPort"]?.integer, host != 0 else { continue }
            range(.integer(host), 1, 65535, place["hostPort"])
            if context.hostNetwork, host != number {
                add(.invalid(place["hostPort"], host, "must match `containerPort` when `hostNetwork` is true"))
            }
            let key = "\(proto)/\(port["hostIP"]?.string ?? "")/\(host)"
            if !context.hostPorts.insert(key).inserted { add(.duplicate(place["hostPort"], key)) }
        }
    }

    // MARK: Environment

    private mutating func environment(_ variables: [JSONValue], _ path: FieldPath) {
        for (index, variable) in variables.enumerated() {
            if let name = required(variable["name"], path[index]["name"]) {
                check(Names.environmentVariable(name), path[index]["name"], name)
            }
            if let source = variable["valueFrom"] {
                valueFrom(source, hasValue: variable["value"]?.string?.isEmpty == false, path[index]["valueFrom"])
            }
        }
    }

    static let environmentFieldPaths = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    static let environmentResources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]

    private mutating func valueFrom(_ source: JSONValue, hasValue: Bool, _ path: FieldPath) {
        let kinds = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"]
        let present = kinds.filter { source[$0] != nil }
        if present.isEmpty {
            add(
                .invalid(
                    path, "",
                    "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or "
                        + "`fileKeyRef`"))
        } else if hasValue {
            add(.invalid(path, "", "may not be specified when `value` is not empty"))
        } else if present.count > 1 {
            add(.invalid(path, "", "may not have more than one field specified at a time"))
        }
        if let field = source["fieldRef"] { fieldReference(field, Self.environmentFieldPaths, path["fieldRef"]) }
        if let resource = source["resourceFieldRef"] {
            resourceReference(resource, volume: false, path["resourceFieldRef"])
        }
        for kind in ["configMapKeyRef", "secretKeyRef"] {
            guard let reference = source[kind] else { continue }
            if let name = reference["name"]?.string, !name.isEmpty {
                check(Names.dnsSubdomain(name), path[kind]["name"], name)
            }
            if let key = required(reference["key"], path[kind]["key"]) {
                check(Names.configMapKey(key), path[kind]["key"], key)
            }
        }
    }

    mutating func fieldReference(_ reference: JSONValue, _ supported: [String], _ path: FieldPath) {
        required(reference["apiVersion"], path["apiVersion"])
        guard let text = required(reference["fieldPath"], path["fieldPath"]) else { return }
        if let open = text.firstIndex(of: "["), text.hasSuffix("']") {
            let base = String(text[..<open])
            let key = String(text[open...].dropFirst(2).dropLast(2))
            switch base {
            case "metadata.annotations": check(Names.qualifiedName(key.lowercased()), path, key)
            case "metadata.labels": check(Names.qualifiedName(key), path, key)
            default: add(.invalid(path, base, "does not support subscript"))
            }
        } else if !supported.contains(text) {
            add(.notSupported(path["fieldPath"], text, supported))
        }
    }

    mutating func resourceReference(_ reference: JSONValue, volume: Bool, _ path: FieldPath) {
        if volume { required(reference["containerName"], path["containerName"]) }
        if let resource = required(reference["resource"], path["resource"]) {
            let huge = resource.hasPrefix("limits.hugepages-") || resource.hasPrefix("requests.hugepages-")
            if !huge, !Self.environmentResources.contains(resource) {
                add(.notSupported(path["resource"], resource, Self.environmentResources))
            }
        }
        if reference["divisor"] != nil { _ = quantity(reference["divisor"], path["divisor"]) }
    }

    private mutating func environmentFrom(_ sources: [JSONValue], _ path: FieldPath) {
        for (index, source) in sources.enumerated() {
            if let prefix = source["prefix"]?.string, !prefix.isEmpty {
                check(Names.environmentVariable(prefix), path[index]["prefix"], prefix)
            }
            let present = ["configMapRef", "secretRef"].filter { source[$0] != nil }
            if present.isEmpty { add(.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")) }
            if present.count > 1 { add(.invalid(path, "", "may not have more than one field specified at a time")) }
            for kind in present {
                if let name = required(source[kind]?["name"], path[index][kind]["name"]) {
                    check(Names.dnsSubdomain(name), path[index][kind]["name"], name)
                }
            }
        }
    }
}
