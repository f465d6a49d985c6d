// SPDX-License-Identifier: Apache-2.0

internal import JSON
internal import KubeAPI
internal import KubeClient

/// A container's environment: of services, then `envFrom`, then `env`, where each value may use those before it.
struct EnvironmentBuilder: Sendable {
    let pod: Pod
    let container: Container
    let services: PodServices
    let addresses: [String]

    private var namespace: String { pod.metadata.namespace ?? "" }

    /// What an object holds; nil when there is none.
    private func data(
        _ kind: ReferredObject.Kind, _ name: String?, _ reads: inout EnvironmentReads
    ) async throws -> [String: String]? {
        let (objects, namespace, name) = (services.objects, namespace, name ?? "")
        do {
            return try await reads.data(of: ReferredObject(kind: kind, key: ObjectKey(namespace, name))) {
                switch kind {
                case .configMap: try await objects.currentConfigMap(namespace: namespace, name: name)?.data
                case .secret:
                    try await objects.currentSecret(namespace: namespace, name: name)?.data
                        .mapValues { String(decoding: $0, as: UTF8.self) }
                }
            }
        } catch let error as EnvironmentReads.TooMany {
            throw missing("\(error)")
        }
    }

    func variables() async throws -> [(name: String, value: String)] {
        // One that is added to a pod later was not counted with it.
        if let refusal = References.refusal(pod) { throw missing(refusal) }
        var values: [String: String] = [:]
        var order: [String] = []
        var size = 0
        var reads = EnvironmentReads()
        func set(_ name: String, _ value: String) throws {
            let length = name.utf8.count + value.utf8.count + 2  // the sign between them, the zero behind them
            guard length <= VariableExpansion.longest else { throw tooLong(name) }
            if let before = values.updateValue(value, forKey: name) {
                size += value.utf8.count - before.utf8.count
            } else {
                order.append(name)
                size += length
            }
            guard size <= VariableExpansion.longestTogether else {
                throw missing(
                    "the environment is longer than \(VariableExpansion.longestTogether) bytes with variable \(name)")
            }
        }
        let ofServices = Dictionary(
            services.objects.serviceVariables(namespace: namespace, links: pod.spec.enableServiceLinks != false)
        ) { $1 }
        for source in container.envFrom {
            for (name, value) in try await pairs(source, &reads) { try set((source.prefix ?? "") + name, value) }
        }
        // Kept beside the values: a pod may name tens of thousands, and each may refer to all before it.
        var known = ofServices.merging(values) { $1 }
        for entry in container.env {
            if let source = entry.valueFrom {
                guard let value = try await self.value(source, &reads) else { continue }
                try set(entry.name, value)
                known[entry.name] = value
            } else {
                let value: String
                do throws(VariableExpansion.TooLong) {
                    value = try VariableExpansion.expand(entry.value ?? "", known)
                } catch {
                    throw tooLong(entry.name)
                }
                try set(entry.name, value)
                known[entry.name] = value
            }
        }
        // A variable of a service never replaces one the pod names itself.
        for (name, value) in ofServices.sorted(by: { $0.key < $1.key }) where values[name] == nil {
            try set(name, value)
        }
        return order.map { ($0, values[$0] ?? "") }
    }

    private func pairs(_ source: EnvFromSource, _ reads: inout EnvironmentReads) async throws -> [(String, String)] {
        if let reference = source.configMapRef {
            if let data = try await data(.configMap, reference.name, &reads) {
                return data.sorted { $0.key < $1.key }
            }
            if reference.optional == true { return [] }
            throw missing("configmap \"\(reference.name ?? "")\" not found")
        }
        if let reference = source.secretRef {
            if let data = try await data(.secret, reference.name, &reads) {
                return data.sorted { $0.key < $1.key }
            }
            if reference.optional == true { return [] }
            throw missing("secret \"\(reference.name ?? "")\" not found")
        }
        return []
    }

    private func value(_ source: EnvVarSource, _ reads: inout EnvironmentReads) async throws -> String? {
        if let field = source.fieldRef {
            if ["status.podIP", "status.podIPs"].contains(field.fieldPath) {
                return field.fieldPath == "status.podIP" ? addresses.first ?? "" : addresses.joined(separator: ",")
            }
            return try await services.objects.field(field.fieldPath, of: pod)
        }
        if let resource = source.resourceFieldRef {
            var resource = resource
            if resource.containerName?.isEmpty != false { resource.containerName = container.name }
            return try await services.objects.resource(resource, of: pod)
        }
        if let key = source.configMapKeyRef {
            let map = try await data(.configMap, key.name, &reads)
            if let value = map?[key.key] { return value }
            if key.optional == true { return nil }
            throw missing(
                map == nil
                    ? "configmap \"\(key.name ?? "")\" not found"
                    : "couldn't find key \(key.key) in ConfigMap \(namespace)/\(key.name ?? "")")
        }
        if let key = source.secretKeyRef {
            let secret = try await data(.secret, key.name, &reads)
            if let value = secret?[key.key] { return value }
            if key.optional == true { return nil }
            throw missing(
                secret == nil
                    ? "secret \"\(key.name ?? "")\" not found"
                    : "couldn't find key \(key.key) in Secret \(namespace)/\(key.name ?? "")")
        }
        throw missing("a source of kind \(source.json.keys.joined(separator: ", ")) is not supported on this node")
    }

    private func tooLong(_ name: String) -> ContainerStartFailure {
        missing(
            "variable \(name) with what it refers to is longer than the \(VariableExpansion.longest) bytes that the kernel takes"
        )
    }

    private func missing(_ message: String) -> ContainerStartFailure {
        ContainerStartFailure(reason: "CreateContainerConfigError", message: message)
    }
}
